// What a call is, whoever its leg and its agent are: losses of either side,
// tools, the recording, the end, and a second session.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/ogg_opus.h"
#include "support/world/heard_reply.h"
#include "support/world/peers.h"
#include "unit/session/recorded_track.h"

namespace trunkline::test {
namespace {

using session::State;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PeersLossTest : public PeersTest {
 protected:
  static VirtualWorld::Options WithTools() {
    VirtualWorld::Options options = GetParam().Options();
    options.profile["tools"] =
        Json::array({Json{{"type", "function"}, {"name", "lookup"}}});
    return options;
  }
  static std::string Result(VirtualWorld& world, const std::string& id,
                            const std::string& output) {
    const Json result = world.Command(
        {{"type", "toolResult"}, {"toolCallId", id}, {"output", output}});
    return std::string(StringMember(result, "status"));
  }
};

INSTANTIATE_TEST_SUITE_P(Calls, PeersLossTest, testing::ValuesIn(AllPeers()),
                         NameOfPeers);

TEST_P(PeersLossTest, AStreamThatComesBackHearsTheRest) {
  VirtualWorld world(GetParam().Options());
  world.agent.reply_ms = 5000;
  Start(world);
  HearReply(world, 2000);
  const Agent::Item item = world.agent.items().back();
  world.line.Drop();
  EXPECT_EQ(world.state(), State::kLegLost);
  EXPECT_TRUE(world.agent_open());
  world.Advance(Duration::Millis(3000));
  world.line.Call();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  // What was on its way when it broke counts as heard, and no more.
  EXPECT_NEAR(static_cast<double>(world.HeardMs(item)), 5000, 25);
  EXPECT_THAT(world.ended(), IsEmpty());
  // And the call goes on.
  HearReply(world, 500);
  EXPECT_THAT(world.line.violations(), IsEmpty());
  EXPECT_THAT(world.EventsOf("fault"), IsEmpty());
}

TEST_P(PeersLossTest, AnAgentThatBreaksInAReplyIsReplacedAndAskedAgain) {
  VirtualWorld world(GetParam().Options());
  world.agent.speed = 1;
  Start(world);
  HearReply(world, 800);
  const size_t items = world.agent.items().size();
  world.agent.Drop(1006);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.agent.items().size() > items; }));
  const Agent::Item again = world.agent.items().back();
  ASSERT_TRUE(world.RunUntil([&] { return world.HeardMs(again) >= 3000; }));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  EXPECT_EQ(world.agent.connections(), 2);
  EXPECT_NEAR(static_cast<double>(world.HeardMs(again)), 4000, 5);
  EXPECT_EQ(world.EventsOf("replyDone").back()["item"], again.id);
  EXPECT_THAT(world.ended(), IsEmpty());
}

TEST_P(PeersLossTest, AnAgentThatBreaksWhileItIsAskedIsReplacedAndAsked) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  world.line.Say(Speech(800));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.agent.Drop(1011);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
  EXPECT_EQ(world.agent.connections(), 2);
  EXPECT_EQ(world.Count("turnEnded"), 1U);
}

TEST_P(PeersLossTest, AnAgentThatDoesNotComeBackEndsTheCallInTones) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  world.agent.refuses = true;
  world.agent.Drop(1006);
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.EndReason(), "agentFailed");
  EXPECT_EQ(world.agent.connections(), 1 + session::AgentLink::kMaxRetries);
  EXPECT_GT(world.line.heard_ms(), 300);
  EXPECT_EQ(world.line.close_code(), 1000);
  EXPECT_FALSE(world.agent_open());
}

TEST_P(PeersLossTest, AnAgentThatNeverComesIsATonedGoodbye) {
  VirtualWorld world(GetParam().Options());
  world.agent.stalled = true;
  world.line.Call();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.EndReason(), "noAnswer");
  EXPECT_GT(world.line.heard_ms(), 300);
  EXPECT_EQ(world.line.close_code(), 1000);
}

TEST_P(PeersLossTest, AToolIsAskedForAndItsResultSpoken) {
  VirtualWorld world(WithTools());
  world.agent.reply_ms = 1500;
  world.agent.next_calls = {"k1", "k2"};
  Start(world);
  world.line.Say(Speech(800));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("toolCall") == 2; }));
  world.Advance(Duration::Millis(200));
  EXPECT_EQ(Result(world, "k2", "two"), "done");
  EXPECT_EQ(Result(world, "k1", "one"), "done");
  EXPECT_EQ(Result(world, "k1", "again"), "refused");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_THAT(world.agent.tool_results(), ElementsAre("k1=one", "k2=two"));
  // One reply to both.
  EXPECT_EQ(world.agent.asked(), 2);
  EXPECT_NEAR(static_cast<double>(world.HeardMs(world.agent.items().back())),
              1500, 5);
  EXPECT_THAT(world.agent.errors(), IsEmpty());
}

TEST_P(PeersLossTest, AResultOutlivesTheReplyThatAskedForIt) {
  VirtualWorld world(WithTools());
  Start(world);
  HearReply(world, 100);
  world.agent.CallTool("k1", "lookup");
  world.Advance(Duration::Millis(300));
  world.line.Say(Speech(600, 3));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") > 0; }));
  EXPECT_EQ(Result(world, "k1", "one"), "done");
  world.Advance(Duration::Millis(100));
  EXPECT_THAT(world.agent.tool_results(), ElementsAre("k1=one"));
  // And what the caller said over it is answered.
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
}

TEST_P(PeersLossTest, AResultOutlivesTheAgentThatAskedForIt) {
  VirtualWorld world(WithTools());
  world.agent.next_calls = {"k1"};
  Start(world);
  world.line.Say(Speech(800));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("toolCall") == 1; }));
  world.Advance(Duration::Millis(200));
  world.agent.Drop(1006);
  EXPECT_EQ(Result(world, "k1", "at nine"), "done");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  // As a result, or in what the new one is told.
  std::string all;
  for (const std::string& text : world.agent.told()) all += text;
  for (const std::string& text : world.agent.tool_results()) all += text;
  EXPECT_THAT(all, HasSubstr("at nine"));
}

TEST_P(PeersLossTest, TheAgentsHangUpWaitsForItsLastWord) {
  VirtualWorld world(GetParam().Options());
  world.agent.reply_ms = 1500;
  Start(world);
  HearReply(world, 100);
  world.agent.CallTool("call_1", "end_call");
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(world.EndReason(), "hangUp");
  EXPECT_GE(world.HeardMs(world.agent.items()[0]), 1480);
}

TEST_P(PeersLossTest, ACommandSaysATextAndHangsUp) {
  VirtualWorld world(GetParam().Options());
  world.agent.reply_ms = 1200;
  Start(world);
  EXPECT_EQ(world.Command({{"type", "say"}, {"text", "Hello there"}})["status"],
            "done");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_THAT(world.agent.told(), Contains(HasSubstr("Hello there")));
  EXPECT_NEAR(static_cast<double>(world.HeardMs(world.agent.items()[0])), 1200,
              5);
  world.Command({{"type", "hangUp"}});
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.EndReason(), "hangUp");
  EXPECT_EQ(world.line.close_code(), 1000);
}

TEST_P(PeersLossTest, TheCallersHangUpEndsTheCallOnce) {
  for (const bool by_message : {false, true}) {
    VirtualWorld world(GetParam().Options());
    Start(world);
    HearReply(world, 1000);
    const int64_t heard_ms = world.HeardMs(world.agent.items()[0]);
    world.line.Press('5');
    if (by_message) {
      world.line.Stop();
    } else {
      world.line.HangUp();
    }
    world.Advance(Duration::Millis(1000));
    EXPECT_EQ(world.EndReason(), "callerHangUp");
    EXPECT_EQ(world.effects_after_end(), 0);
    EXPECT_FALSE(world.agent_open());
    EXPECT_FALSE(world.leg_open());
    EXPECT_TRUE(world.deadline().is_never());
    EXPECT_EQ(world.EventsOf("dtmf").at(0)["digit"], "5");
    const std::vector<Json> cuts = world.EventsOf("truncated");
    ASSERT_EQ(cuts.size(), 1U);
    EXPECT_NEAR(cuts[0].value("audioEndMs", 0), static_cast<double>(heard_ms),
                45);
  }
}

TEST_P(PeersLossTest, TheRecordingHasBothSidesWhereTheyWereHeard) {
  VirtualWorld::Options options = GetParam().Options();
  options.profile["recording"] = "on";
  VirtualWorld world(options);
  world.agent.reply_ms = 3000;
  world.agent.speaks = true;
  Start(world);
  world.Advance(Duration::Millis(1000));
  const Instant zero = world.line.media_began();
  const int64_t said_ms = (world.now() - zero).ms();
  world.line.Say(Speech(800));
  ASSERT_TRUE(world.RunUntil([&] { return world.line.heard_ms() >= 1200; }));
  const int64_t heard_ms = (world.line.runs().front() - zero).ms();
  world.line.Say(Speech(900, 5));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") == 1; }));
  const auto cut_ms =
      world.EventsOf("truncated")[0]["audioEndMs"].get<int64_t>();
  world.Advance(Duration::Millis(400));
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));

  const auto [caller, agent] = DecodeRecording(world.recording(), 16000);
  EXPECT_EQ(caller.size(), agent.size());
  const int64_t caller_ms = Onset(caller, 0, 16'000);
  const int64_t agent_ms = Onset(agent, 0, 16'000);
  EXPECT_NEAR(static_cast<double>(caller_ms), static_cast<double>(said_ms), 30);
  // By the clock alone nobody knows how far the line is: the agent is early by
  // the way there and back.
  const bool knows_way = world.line.config().traits.playback !=
                         protocol::LegTraits::Playback::kClock;
  const int64_t early_ms = knows_way ? 0 : 2 * options.leg_delay.ms();
  EXPECT_NEAR(static_cast<double>(agent_ms),
              static_cast<double>(heard_ms - early_ms), 20);
  // What the interruption cut is not in it.
  const int64_t end_ms = agent_ms + cut_ms;
  EXPECT_GT(Level(agent, end_ms - 200, end_ms - 20, 16'000), -450);
  EXPECT_LT(Level(agent, end_ms + 60, end_ms + 350, 16'000), -600);
}

// A second session: the agent knows what was said, no greeting comes twice,
// and owed results are still delivered.
TEST_P(PeersLossTest, ASecondSessionGoesOn) {
  VirtualWorld::Options options = WithTools();
  options.profile["greeting"] = "Welcome.";
  std::string snapshot;
  {
    VirtualWorld first(options);
    first.agent.reply_ms = 1000;
    first.line.Call();
    ASSERT_TRUE(first.RunUntil([&] { return first.Count("replyDone") == 1; }));
    first.agent.next_calls = {"k1"};
    first.line.Say(Speech(800));
    ASSERT_TRUE(first.RunUntil([&] { return first.Count("toolCall") == 1; }));
    first.Advance(Duration::Millis(300));
    snapshot = first.snapshot();
    options.first_seq = static_cast<int64_t>(first.events().size());
  }
  ASSERT_FALSE(snapshot.empty());
  options.snapshot = snapshot;
  options.epoch_ms = 10'000;
  VirtualWorld second(options);
  second.agent.reply_ms = 1000;
  second.line.Call();
  ASSERT_TRUE(second.RunUntil([&] { return second.Count("agentReady") == 1; }));
  second.Advance(Duration::Millis(200));
  EXPECT_EQ(Result(second, "k1", "at nine"), "done");
  ASSERT_TRUE(second.RunUntil([&] { return second.Count("replyDone") == 1; }));
  std::string all;
  for (const std::string& text : second.agent.told()) all += text;
  EXPECT_THAT(all, testing::Not(HasSubstr("Say exactly")));
  for (const std::string& text : second.agent.tool_results()) all += text;
  EXPECT_THAT(all, HasSubstr("at nine"));
  EXPECT_EQ(second.Count("fault"), 0U);
  HearReply(second, 500);
  EXPECT_THAT(second.line.violations(), IsEmpty());
}

// Killing each side in each state leaves nobody hanging.
enum class Kill { kAgent, kLegDrop };

void Reach(VirtualWorld& world, State state) {
  if (state == State::kConnecting) {
    world.options.agent_delay = Duration::Millis(100);
  }
  world.line.Call();
  const bool in_reply = state == State::kThinking ||
                        state == State::kSpeaking ||
                        state == State::kInterrupted;
  if (in_reply) world.line.Say(Speech(600));
  if (state == State::kInterrupted) {
    ASSERT_TRUE(world.RunUntil([&] { return world.line.heard_ms() > 1000; }));
    world.line.Say(Speech(600));
  }
  if (state == State::kFarewell) {
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kListening; }));
    world.Command({{"type", "hangUp"}});
  }
  ASSERT_TRUE(world.RunUntil([&] { return world.state() == state; }))
      << session::ToString(world.state());
}

TEST_P(PeersLossTest, KillingEachSideInEachStateLeavesNobodyHanging) {
  for (const State state :
       {State::kConnecting, State::kListening, State::kThinking,
        State::kSpeaking, State::kInterrupted, State::kFarewell}) {
    for (const Kill kill : {Kill::kAgent, Kill::kLegDrop}) {
      SCOPED_TRACE(session::ToString(state));
      VirtualWorld world(GetParam().Options());
      Reach(world, state);
      if (HasFatalFailure()) return;
      const int64_t heard_before = world.line.heard_ms();
      if (kill == Kill::kAgent) {
        world.agent.refuses = true;
        world.agent.Drop(1006);
      } else {
        world.line.Drop();
      }
      world.Advance(Duration::Millis(30'000));
      ASSERT_EQ(world.ended().size(), 1U);
      EXPECT_EQ(world.effects_after_end(), 0);
      EXPECT_FALSE(world.leg_open());
      EXPECT_FALSE(world.agent_open());
      EXPECT_TRUE(world.deadline().is_never());
      if (kill == Kill::kAgent) {
        // Tones, then a normal close.
        EXPECT_GT(world.line.heard_ms(), heard_before + 300);
        EXPECT_EQ(world.line.close_code(), 1000);
      }
    }
  }
}

}  // namespace
}  // namespace trunkline::test
