// A hang-up of the agent's belongs to the reply that it is called in: whatever
// takes that reply back takes the hang-up back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class HangUpTest : public ToldProviderTest {
 protected:
  // A turn is taken, and the reply to it hangs up before anything of it is
  // heard.
  static void HangUpAtOnce(VirtualWorld& world) {
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Call(world, "r1", "c1", "end_call");
    ASSERT_EQ(world.state(), State::kThinking);
  }
  // An ordinary reply is heard, and the call goes on.
  static void ExpectToGoOn(VirtualWorld& world, const std::string& response) {
    Reply(world, response, 800);
    world.Advance(Duration::Millis(3'000));
    EXPECT_EQ(world.Count("replyDone"), 1U);
    EXPECT_EQ(world.state(), State::kListening) << world.EndReason();
    std::string results;
    for (const Json& line : world.EventsOf("line")) {
      results += StringMember(line, "result");
    }
    EXPECT_THAT(results, testing::HasSubstr("the call goes on"));
  }
};

// The next reply was heard, and the caller was hung up on behind it.
TEST_F(HangUpTest, IsTakenBackWithTheReplyThatTheCallerStops) {
  for (const std::string how : {"goesOn", "turn", "keys"}) {
    SCOPED_TRACE(how);
    VirtualWorld world(Options());
    HangUpAtOnce(world);
    if (how == "goesOn") {
      world.line.Say(Speech(900));
      ASSERT_TRUE(
          world.RunUntil([&] { return world.state() == State::kListening; }));
      world.Advance(Duration::Millis(900));
      Committed(world, "u2");
    } else if (how == "turn") {
      Committed(world, "u2");
    } else {
      world.line.Press('1');
      world.line.Press('#');
      world.Advance(Duration::Millis(300));
    }
    Done(world, "r1", "cancelled");
    ExpectToGoOn(world, "r2");
  }
}

// Nor is it of use to the socket that comes next.
TEST_F(HangUpTest, IsTakenBackWithTheReplyThatDiesWithItsSocket) {
  VirtualWorld world(Options());
  HangUpAtOnce(world);
  world.agent.stalled = false;
  world.agent.reply_ms = 800;
  world.agent.Drop(1011);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  world.Advance(Duration::Millis(1'000));
  EXPECT_EQ(world.state(), State::kListening) << world.EndReason();
}

// One that is not stopped ends the call, with words or without.
TEST_F(HangUpTest, EndsTheCallOtherwise) {
  for (const int64_t ms : {0, 600}) {
    SCOPED_TRACE(ms);
    VirtualWorld world(Options());
    HangUpAtOnce(world);
    if (ms > 0) Sound(world, "r1", "i1", ms);
    Done(world, "r1");
    MsUntil(world, [] { return false; });
    EXPECT_EQ(world.EndReason(), "hangUp");
  }
}

}  // namespace
}  // namespace trunkline::test
