// What the caller enters on the keypad reaches the agent as a turn of his.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "session/digit_entry.h"
#include "support/world/heard_reply.h"
#include "support/world/peers.h"
#include "support/world/world.h"

namespace trunkline::test {
namespace {

using session::DigitEntry;
using session::State;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class DigitsTest : public PeersTest {
 protected:
  static void Enter(VirtualWorld& world, std::string_view digits) {
    for (const char digit : digits) {
      world.line.Press(digit);
      world.Advance(Duration::Millis(400));
    }
  }
  static Json LastCallerLine(const VirtualWorld& world) {
    Json last;
    for (const Json& line : world.EventsOf("line")) {
      if (line["role"] == "caller") last = line;
    }
    return last;
  }
};

TEST_P(DigitsTest, AnEntryIsATurnAfterAPause) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  Enter(world, "4711");
  EXPECT_EQ(world.agent.asked(), 0);
  EXPECT_EQ(world.state(), State::kListening);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_THAT(world.agent.told(), Contains(HasSubstr("[keypad: 4711]")));
  EXPECT_EQ(world.agent.asked(), 1);
  const auto turns = world.EventsOf("turnEnded");
  ASSERT_EQ(turns.size(), 1U);
  EXPECT_EQ(turns[0]["source"], "keypad");
  // Digits are not kept unless the profile says so.
  EXPECT_EQ(LastCallerLine(world)["said"], "[keypad]");
  EXPECT_THAT(world.snapshot(), Not(HasSubstr("4711")));
}

TEST_P(DigitsTest, AHashEndsAnEntryAtOnceAndWhatIsKeptSaysIt) {
  VirtualWorld::Options options = GetParam().Options();
  options.profile["recordDigits"] = "yes";
  VirtualWorld world(options);
  Start(world);
  Enter(world, "12#");
  EXPECT_NE(world.state(), State::kListening);
  world.Advance(Duration::Millis(100));
  EXPECT_THAT(world.agent.told(), Contains(HasSubstr("[keypad: 12#]")));
  EXPECT_EQ(LastCallerLine(world)["said"], "[keypad: 12#]");
  EXPECT_EQ(LastCallerLine(world)["text"], "final");
}

// Each was told twice.
TEST_P(DigitsTest, AnEntryIsOneLineOfTheLog) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  Enter(world, "12#");
  Enter(world, "3#");
  world.Advance(Duration::Millis(1'000));
  std::vector<int64_t> lines;
  for (const Json& line : world.EventsOf("line")) {
    if (line["said"] == "[keypad]") lines.push_back(line["line"]);
  }
  EXPECT_THAT(lines, testing::SizeIs(2));
  EXPECT_NE(lines.front(), lines.back());
}

// What nobody was told when the call ends is given up by name.
TEST_P(DigitsTest, AnEntryThatTheEndCutsShortIsNamed) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  Enter(world, "47");
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  ASSERT_EQ(world.Count("notSaid"), 1U);
  EXPECT_EQ(world.EventsOf("notSaid")[0]["text"], "[keypad]");
  EXPECT_EQ(world.EventsOf("notSaid")[0]["reason"], "ended");
}

// What does not fit was dropped behind a command that was done.
TEST_P(DigitsTest, ACommandThatFindsNoRoomIsRefused) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  HearReply(world, 500);
  if (HasFatalFailure()) return;
  const Json command = {{"type", "digits"}, {"digits", std::string(20, '1')}};
  EXPECT_EQ(world.Command(command)["status"], "done");
  const Json result = world.Command(command);
  EXPECT_EQ(result["status"], "refused");
  EXPECT_EQ(result["code"], "conflict");
}

// Texts that were commanded later were said one behind the other, and the agent
// was told of the digits when all of them had been heard, or never.
TEST_P(DigitsTest, ACommandIsToldBeforeTheTextsThatWereCommandedLater) {
  for (const int texts : {1, 4, 8}) {
    VirtualWorld world(GetParam().Options());
    world.agent.reply_ms = 1'500;
    Start(world);
    HearReply(world, 500);
    if (HasFatalFailure()) return;
    EXPECT_EQ(world.Command({{"type", "digits"}, {"digits", "12#"}})["status"],
              "done");
    for (int i = 0; i < texts; ++i) {
      EXPECT_EQ(
          world.Command({{"type", "say"},
                         {"text", "Text " + std::to_string(i)}})["status"],
          "done");
    }
    const size_t told_before = world.agent.told().size();
    const auto index_of = [&](const std::string& text) {
      const std::vector<std::string>& told = world.agent.told();
      for (size_t i = told_before; i < told.size(); ++i) {
        if (told[i].find(text) != std::string::npos) return i;
      }
      return told.size();
    };
    const auto was_told = [&](const std::string& text) {
      return index_of(text) < world.agent.told().size();
    };
    // When the reply that plays has been heard.
    ASSERT_TRUE(world.RunUntil([&] { return was_told("[keypad: 12#]"); },
                               Duration::Millis(1'500)))
        << texts;
    EXPECT_FALSE(was_told("Text 0"));
    ASSERT_TRUE(world.RunUntil(
        [&] { return was_told("Text " + std::to_string(texts - 1)); }));
    for (int i = 0; i < texts; ++i) {
      EXPECT_LT(index_of("[keypad: 12#]"),
                index_of("Text " + std::to_string(i)));
    }
    EXPECT_EQ(world.Count("notSaid"), 0U);
  }
}

// What a command is done for is told, kept, or given up by name.
TEST_P(DigitsTest, ACommandThatWaitsBeforeTextsIsKeptAndNamed) {
  for (const std::string record : {"yes", "no"}) {
    VirtualWorld::Options options = GetParam().Options();
    options.profile["recordDigits"] = record;
    VirtualWorld world(options);
    Start(world);
    HearReply(world, 500);
    if (HasFatalFailure()) return;
    world.Command({{"type", "digits"}, {"digits", "12#"}});
    world.Command({{"type", "say"}, {"text", "Later"}});
    EXPECT_THAT(
        world.snapshot(),
        HasSubstr(record == "yes" ? R"("keypad":"12#")" : R"("keypad":"")"));
    EXPECT_THAT(world.snapshot(), HasSubstr("Later"));
    if (record == "yes") {
      VirtualWorld::Options later = options;
      later.snapshot = world.snapshot();
      VirtualWorld second(later);
      Start(second);
      const auto told = [&] {
        std::string all;
        for (const std::string& text : second.agent.told()) all += text + "\n";
        return all;
      };
      ASSERT_TRUE(second.RunUntil(
          [&] { return told().find("Later") != std::string::npos; }));
      EXPECT_LT(told().find("[keypad: 12#]"), told().find("Later"));
    }
    world.line.HangUp();
    ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
    const std::vector<Json> not_said = world.EventsOf("notSaid");
    ASSERT_EQ(not_said.size(), 2U);
    EXPECT_EQ(not_said[0]["text"], "Later");
    EXPECT_EQ(not_said[1]["text"],
              record == "yes" ? "[keypad: 12#]" : "[keypad]");
  }
}

// A key is no cough: the reply stops with the first one.
TEST_P(DigitsTest, AKeyEndsTheReplyThatPlays) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  HearReply(world, 500);
  if (HasFatalFailure()) return;
  const int asked = world.agent.asked();
  world.line.Press('1');
  world.Advance(Duration::Millis(100));
  EXPECT_EQ(world.state(), State::kListening);
  EXPECT_EQ(world.Count("truncated"), 1U);
  world.line.Press('#');
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  EXPECT_EQ(world.agent.asked(), asked + 1);
  EXPECT_THAT(world.agent.told(), Contains(HasSubstr("[keypad: 1#]")));
}

TEST_P(DigitsTest, WhatIsEnteredWhileTheAgentThinksIsAnsweredOnce) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  world.agent.think = Duration::Millis(2'000);
  world.line.Say(Speech(1'000));
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.line.Press('#');
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  world.Advance(Duration::Millis(3'000));
  EXPECT_EQ(world.Count("replyDone"), 1U);
  // Some agents stop before they ask for the audio.
  EXPECT_EQ(world.agent.asked() - world.agent.cancels(), 1);
  EXPECT_THAT(world.agent.told(), Contains(HasSubstr("[keypad: #]")));
}

// What is entered while nobody is there to be told waits for him.
TEST_P(DigitsTest, AnEntryWaitsForTheAgent) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  world.agent.Drop(1011);
  world.Advance(Duration::Millis(50));
  Enter(world, "9#");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_THAT(world.agent.told(), Contains(HasSubstr("[keypad: 9#]")));
}

TEST_P(DigitsTest, ACommandEntersThem) {
  VirtualWorld world(GetParam().Options());
  Start(world);
  EXPECT_EQ(world.Command({{"type", "digits"}, {"digits", "0*D"}})["status"],
            "done");
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_THAT(world.agent.told(), Contains(HasSubstr("[keypad: 0*D]")));
  for (const Json& digits :
       {Json("12a"), Json(""), Json(12), Json(std::string(33, '1'))}) {
    const Json result = world.Command({{"type", "digits"}, {"digits", digits}});
    EXPECT_EQ(result["status"], "refused") << digits;
    EXPECT_EQ(result["code"], "invalid");
    EXPECT_EQ(result["field"], "digits");
  }
}

INSTANTIATE_TEST_SUITE_P(Peers, DigitsTest, testing::ValuesIn(AllPeers()),
                         NameOfPeers);

TEST(DigitEntryTest, IsWholeWhenNoMoreFits) {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  VirtualWorld world(options);
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  for (size_t i = 0; i < DigitEntry::kMaxDigits; ++i) {
    EXPECT_EQ(world.agent.asked(), 0);
    world.line.Press('7');
    world.Advance(Duration::Millis(60));
  }
  EXPECT_THAT(
      world.agent.told(),
      Contains(HasSubstr(
          "[keypad: " + std::string(DigitEntry::kMaxDigits, '7') + "]")));
}

// Who repeats what he hears is not told.
TEST(DigitEntryTest, AnAgentWithoutWordsHasNoUseForThem) {
  VirtualWorld world({});
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  world.line.Press('#');
  world.Advance(Duration::Millis(3'000));
  EXPECT_EQ(world.state(), State::kListening);
  EXPECT_EQ(world.Count("turnEnded"), 0U);
  EXPECT_EQ(world.Command({{"type", "digits"}, {"digits", "1"}})["code"],
            "unsupported");
}

}  // namespace
}  // namespace trunkline::test
