// A result, or the end of the reply that called the tool, comes while a cough
// interrupts the preamble or the leg is away: the reply is asked for at once,
// not when the provider has been given up.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class ResultInACoughTest : public ToldProviderTest {};

TEST_F(ResultInACoughTest, IsAnsweredBehindThePreamble) {
  for (const bool leg : {false, true}) {
    for (const bool built_in : {false, true}) {
      SCOPED_TRACE(std::string(leg ? "leg" : "cough") +
                   (built_in ? " done" : " result"));
      VirtualWorld world(Options());
      Start(world);
      Committed(world, "u1");
      Created(world, "r1");
      Sound(world, "r1", "i1", 3'000);
      Call(world, "r1", "c1", built_in ? "take_message" : "lookup");
      if (!built_in) Done(world, "r1");
      Wait(world, 600);
      if (leg) {
        world.line.Drop();
        Wait(world, 200);
      } else {
        world.line.Say(Speech(180, 3));
        ASSERT_TRUE(world.RunUntil(
            [&] { return world.state() == State::kInterrupted; }));
      }
      // It answers from here on by itself.
      world.agent.stalled = false;
      world.agent.reply_ms = 500;
      if (built_in) {
        Done(world, "r1");
      } else {
        world.Command(
            {{"type", "toolResult"}, {"toolCallId", "c1"}, {"output", "9"}});
      }
      if (leg) world.line.Call();
      ASSERT_TRUE(
          world.RunUntil([&] { return world.Count("replyDone") == 1; }));
      const auto is_answered = [&] {
        return !world.agent.items().empty() &&
               world.HeardMs(world.agent.items().back()) > 0;
      };
      EXPECT_LT(MsUntil(world, is_answered), 3'000);
      EXPECT_EQ(world.Count("agentFailed"), 0U);
      EXPECT_EQ(world.connects(), 1);
    }
  }
}

}  // namespace
}  // namespace trunkline::test
