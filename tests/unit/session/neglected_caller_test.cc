// A provider of which nothing is heard is found out while its caller goes on
// speaking. Each turn of his gave the next reply its whole time, and a request
// that was lost was waited for to the end of the call: five minutes of silence,
// and a call that had not failed.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "support/world/sound.h"
#include "unit/session/hostile_call.h"

namespace trunkline::test {
namespace {

using Reply = HostileRealtime::Reply;

// The caller says something every so often, to the end of the call.
void SpeakEvery(HostileCall& call, int64_t every_ms) {
  while (call.world.ended().empty() &&
         call.world.now() < Instant() + Duration::Millis(400'000)) {
    call.world.line.Say(Speech(600));
    call.world.Advance(Duration::Millis(every_ms));
  }
}

TEST(NeglectedCallerTest, ALostRequestCostsOneTurn) {
  VirtualWorld::Options options = HostileOptions();
  options.limits = Json::object();
  ReadyHostileCall call({.options = options, .next = {Reply::kIgnored}});
  call.world.line.Say(Speech(600));
  call.world.Advance(Duration::Millis(2'000));
  ASSERT_EQ(call.asked.size(), 1U);
  EXPECT_EQ(call.world.line.heard_ms(), 0);
  // The cancel of that request is answered by an error: nothing goes on.
  call.world.line.Say(Speech(600));
  call.world.Advance(Duration::Millis(4'000));
  EXPECT_EQ(call.asked.size(), 2U);
  EXPECT_GT(call.world.line.heard_ms(), 500);
  EXPECT_EQ(call.world.Count("agentFailed"), 0U);
}

TEST(NeglectedCallerTest, AGreetingWhoseRequestIsLostIsAskedForAgain) {
  VirtualWorld::Options options = HostileOptions();
  options.profile["greeting"] = "Good day to you.";
  HostileCall call({.options = options, .next = {Reply::kIgnored}});
  call.world.line.Call();
  call.world.Advance(Duration::Millis(1'000));
  ASSERT_EQ(call.asked.size(), 1U);
  call.world.line.Say(Speech(600));
  call.world.Advance(Duration::Millis(4'000));
  ASSERT_GE(call.asked.size(), 2U);
  EXPECT_NE(call.asked[1].find("Good day to you."), std::string::npos);
  EXPECT_GT(call.world.line.heard_ms(), 500);
}

TEST(NeglectedCallerTest, NothingHeardIsAFailureHoweverOftenHeSpeaks) {
  for (const Reply reply : {Reply::kIgnored, Reply::kStalls}) {
    for (const int64_t every_ms : {2'000, 3'000, 5'000, 8'000, 11'000}) {
      VirtualWorld::Options options = HostileOptions();
      options.limits = {{"replyMs", 12'000}};
      HostileCall call({.options = options, .always = reply});
      call.world.line.Call();
      SpeakEvery(call, every_ms);
      SCOPED_TRACE(testing::Message()
                   << ToString(reply) << " every " << every_ms);
      EXPECT_EQ(call.world.EndReason(), "agentFailed");
      EXPECT_LE(call.asked.size(), 90U);
    }
  }
}

// It is the agent's silence that counts: one that answers each time, over a
// caller who interrupts it each time, has all of the call.
TEST(NeglectedCallerTest, WhoIsHeardHasNotFailed) {
  VirtualWorld::Options options = HostileOptions();
  options.limits = {{"replyMs", 2'000}, {"maxCallMs", 60'000}};
  HostileCall call({.options = options});
  call.world.line.Call();
  SpeakEvery(call, 2'500);
  EXPECT_EQ(call.world.EndReason(), "maxDuration");
  EXPECT_EQ(call.world.Count("agentFailed"), 0U);
}

}  // namespace
}  // namespace trunkline::test
