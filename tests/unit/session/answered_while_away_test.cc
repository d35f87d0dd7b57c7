// A reply that comes while the leg is away, and is heard when it is back, is an
// answer.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class AnsweredWhileAwayTest : public ToldProviderTest {};

TEST_F(AnsweredWhileAwayTest, AReplyThatCameWithoutTheLegAnswers) {
  VirtualWorld world(Options());
  Start(world);
  world.line.Say(Speech(1'500));
  Wait(world, 2'100);
  Committed(world, "u1");
  ASSERT_EQ(world.state(), State::kThinking);
  world.line.Drop();
  Wait(world, 100);
  Reply(world, "r1", 2'000);
  Wait(world, 500);
  world.line.Call();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_EQ(world.EventsOf("replyDone")[0]["heardMs"], 2'000);
  MsUntil(world, [] { return false; });
  EXPECT_EQ(world.EndReason(), "deadAir");
  EXPECT_EQ(world.Count("agentFailed"), 0U);
}

}  // namespace
}  // namespace trunkline::test
