// Replies that break off when something of them has come: the rest is asked
// for, or the caller is told that there is none. What is said as a whole, as a
// greeting with its notice is, is said again as a whole, or given up by name.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "session/replies.h"
#include "support/world/sound.h"
#include "support/world/world.h"

namespace trunkline::test {
namespace {

using session::Replies;
using session::State;
using testing::IsEmpty;

constexpr int64_t kClickMs = 1;
constexpr int64_t kWordsMs = 400;

// A provider whose replies are the test's.
class BrokenRepliesTest : public testing::Test {
 protected:
  explicit BrokenRepliesTest(Json profile = Json::object())
      : world(Options(std::move(profile))) {}

  static VirtualWorld::Options Options(Json profile) {
    VirtualWorld::Options options;
    options.agent = "openai-realtime";
    options.profile = std::move(profile);
    return options;
  }
  void Start() {
    world.agent.stalled = false;
    world.agent.think = Duration::Millis(60'000);
    world.line.Call();
    ASSERT_TRUE(world.RunUntil([&] {
      return world.state() == State::kListening ||
             world.state() == State::kThinking;
    }));
    world.agent.stalled = true;
  }
  void Turn() {
    world.realtime.Send({{"type", "input_audio_buffer.committed"},
                         {"item_id", "u" + std::to_string(++turns_)}});
    world.Advance(Duration::Millis(60));
    ASSERT_EQ(world.state(), State::kThinking);
  }
  // A reply of so much audio, and how it ends; "" for not at all.
  void Reply(int64_t ms, const std::string& status,
             const char* code = "server_error",
             const char* message = "Sorry.") {
    const std::string number = std::to_string(++replies_);
    world.realtime.Send(
        {{"type", "response.created"}, {"response", {{"id", "r" + number}}}});
    world.realtime.Send(
        {{"type", "response.output_audio.delta"},
         {"response_id", "r" + number},
         {"item_id", "i" + number},
         {"content_index", 0},
         {"delta", ToBase64(std::string(static_cast<size_t>(ms) * 8, 'P'))}});
    if (!status.empty()) {
      world.realtime.Send(
          {{"type", "response.done"},
           {"response",
            {{"id", "r" + number},
             {"status", status},
             {"status_details",
              {{"reason", "content_filter"},
               {"error", {{"code", code}, {"message", message}}}}}}}});
    }
    world.Advance(Duration::Millis(60));
  }
  int Asked() const { return world.realtime.CountReceived("response.create"); }
  // Whether the agent is asked once more before the caller would wonder.
  bool IsAskedAgain(int before) {
    world.RunUntil([&] { return Asked() > before || !world.ended().empty(); },
                   Duration::Millis(3'000));
    return Asked() > before;
  }

  VirtualWorld world;

 private:
  int turns_ = 0;
  int replies_ = 0;
};

TEST_F(BrokenRepliesTest, TheRestIsAskedFor) {
  struct Case {
    int64_t ms;
    const char* status;
    bool again;
  };
  Start();
  for (const auto& [ms, status, again] :
       {Case{kClickMs, "failed", true}, Case{kWordsMs, "failed", true},
        Case{kClickMs, "incomplete", true}, Case{kClickMs, "cancelled", true},
        // It has said what it could.
        Case{kWordsMs, "incomplete", false},
        Case{kWordsMs, "completed", false}}) {
    Turn();
    const int asked = Asked();
    Reply(ms, status);
    EXPECT_EQ(IsAskedAgain(asked), again) << ms << " " << status;
    if (again) Reply(kWordsMs, "completed");
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kListening; },
                       Duration::Millis(3'000)))
        << ms << " " << status;
  }
  EXPECT_THAT(world.ended(), IsEmpty());
}

TEST_F(BrokenRepliesTest, ItIsNotAskedForForEver) {
  Start();
  Turn();
  for (int i = 0; i < Replies::kMaxRests; ++i) {
    const int asked = Asked();
    Reply(kWordsMs, "failed");
    ASSERT_TRUE(IsAskedAgain(asked)) << i;
  }
  const int asked = Asked();
  Reply(kWordsMs, "failed");
  EXPECT_FALSE(IsAskedAgain(asked));
  // He has heard something, and may ask again himself.
  EXPECT_EQ(world.state(), State::kListening);
  EXPECT_THAT(world.ended(), IsEmpty());
}

// Not sooner than told, where that is longer than anybody waits.
TEST_F(BrokenRepliesTest, NorBeforeATimeThatIsTooLong) {
  Start();
  Turn();
  const int asked = Asked();
  Reply(kWordsMs, "failed", "rate_limit_exceeded", "Please try again in 30s.");
  world.Advance(Duration::Millis(20'000));
  EXPECT_EQ(Asked(), asked);
  EXPECT_EQ(world.state(), State::kListening);
}

TEST_F(BrokenRepliesTest, AnAgentOfWhichClicksAreHeardHasFailed) {
  Start();
  Turn();
  for (int i = 0; i < Replies::kMaxRests; ++i) {
    const int asked = Asked();
    Reply(kClickMs, "failed");
    ASSERT_TRUE(IsAskedAgain(asked)) << i;
  }
  Reply(kClickMs, "failed");
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  EXPECT_EQ(world.EndReason(), "agentFailed");
}

TEST_F(BrokenRepliesTest, WhatAskingAgainCannotCureEndsTheCallBehindAClick) {
  Start();
  Turn();
  const int asked = Asked();
  Reply(kClickMs, "failed", "insufficient_quota");
  EXPECT_FALSE(IsAskedAgain(asked));
  EXPECT_EQ(world.EndReason(), "agentFailed");
}

// He has spoken since: what he said is what is answered.
TEST_F(BrokenRepliesTest, ARestThatIsInterruptedIsNotAskedFor) {
  Start();
  Turn();
  Reply(3'000, "failed");
  const int asked = Asked();
  world.line.Say(Speech(900));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  world.Advance(Duration::Millis(1'000));
  EXPECT_EQ(Asked(), asked);
}

Json Notice() { return {{"greeting", "Hello. This call is recorded."}}; }

class BrokenGreetingTest : public BrokenRepliesTest {
 protected:
  BrokenGreetingTest() : BrokenRepliesTest(Notice()) {}
  // Of the requests so far, those for the greeting.
  int Greeted() const { return Greeted(world); }
  static int Greeted(const VirtualWorld& world) {
    int greeted = 0;
    for (const Json& message : world.realtime.received()) {
      const Json* response = FindMember(message, "response");
      if (response == nullptr) continue;
      greeted += StringMember(*response, "instructions").find("recorded") !=
                 std::string_view::npos;
    }
    return greeted;
  }
};

TEST_F(BrokenGreetingTest, IsSaidAgainAndThenGivenUpByName) {
  Start();
  for (int i = 1; i <= Replies::kMaxGreetingTries; ++i) {
    ASSERT_TRUE(
        world.RunUntil([&] { return Greeted() == i; }, Duration::Millis(3'000)))
        << i;
    EXPECT_EQ(world.Count("notSaid"), 0U);
    Reply(kWordsMs, i % 2 == 0 ? "failed" : "incomplete");
  }
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("notSaid") == 1; },
                             Duration::Millis(3'000)));
  EXPECT_EQ(world.EventsOf("notSaid")[0]["text"],
            "Hello. This call is recorded.");
  EXPECT_EQ(Greeted(), Replies::kMaxGreetingTries);
  EXPECT_EQ(world.state(), State::kListening);
}

TEST_F(BrokenGreetingTest, IsOverWhenItIsWhole) {
  Start();
  Reply(kWordsMs, "failed");
  ASSERT_TRUE(world.RunUntil([&] { return Greeted() == 2; }));
  Reply(kWordsMs, "completed");
  world.Advance(Duration::Millis(3'000));
  EXPECT_EQ(Greeted(), 2);
  EXPECT_EQ(world.Count("notSaid"), 0U);
}

// The new socket is asked for the greeting, not for just any reply.
TEST_F(BrokenGreetingTest, IsSaidAgainOverTheNextSocket) {
  Start();
  Reply(kWordsMs, "");
  world.agent.stalled = false;
  world.agent.Drop(1006);
  ASSERT_TRUE(
      world.RunUntil([&] { return Greeted() == 2; }, Duration::Millis(5'000)));
  EXPECT_EQ(Asked(), 2);
}

// And so is it by the session that follows a lost object, unless all of it was
// heard.
TEST_F(BrokenGreetingTest, IsSaidAgainByTheNextSession) {
  for (const int64_t alive_for_ms : {200, 1'500}) {
    VirtualWorld::Options options = Options(Notice());
    options.epoch_ms = 1'000'000;
    VirtualWorld first(options);
    first.agent.reply_ms = 600;
    const Instant began = first.now();
    first.line.Call();
    ASSERT_TRUE(
        first.RunUntil([&] { return first.state() == State::kSpeaking; }));
    first.Advance(Duration::Millis(200));
    // All of it is here, and nobody knows what of it will be heard.
    options.snapshot = first.snapshot();
    first.Advance(Duration::Millis(alive_for_ms - 200));
    const int64_t alive_ms = (first.now() - began).ms();
    options.epoch_ms += alive_ms + 300;
    options.config = {{"callEpochMs", 1'000'000}, {"aliveMs", alive_ms}};
    VirtualWorld second(options);
    second.line.Call();
    second.Advance(Duration::Millis(3'000));
    EXPECT_EQ(Greeted(second), alive_for_ms < 600 ? 1 : 0) << alive_for_ms;
  }
}

}  // namespace
}  // namespace trunkline::test
