// A text by command comes while what is here of a broken reply plays: the rest
// of that reply is asked for behind it.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class SayAndRestTest : public ToldProviderTest {};

TEST_F(SayAndRestTest, TheRestIsAskedForBesideATextByCommand) {
  for (const bool socket : {false, true}) {
    SCOPED_TRACE(socket);
    VirtualWorld world(Options());
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Sound(world, "r1", "i1", 2'000);
    if (socket) {
      world.agent.Drop(1011);
      world.agent.stalled = false;
      ASSERT_TRUE(
          world.RunUntil([&] { return world.Count("agentReady") == 2; }));
      world.agent.stalled = true;
    } else {
      Fail(world, "r1");
    }
    ASSERT_EQ(world.state(), State::kSpeaking);
    EXPECT_EQ(
        world.Command({{"type", "say"}, {"text", "One moment"}})["status"],
        "done");
    int served = 1;
    for (int i = 0; i < 60; ++i) {
      if (Asked(world) > served) {
        ++served;
        Reply(world, "r" + std::to_string(served), 600);
      }
      Wait(world, 200);
    }
    // The text and the rest.
    EXPECT_EQ(Asked(world), 3);
    EXPECT_EQ(world.Count("notSaid"), 0U);
  }
}

}  // namespace
}  // namespace trunkline::test
