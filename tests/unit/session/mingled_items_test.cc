// Items of a response whose audio comes by turns, as compatible servers may
// send it: each is one line and is truncated once, by all that was heard of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "media/reply_queue.h"
#include "support/world/item_levels.h"
#include "support/world/sound.h"
#include "support/world/world.h"
#include "unit/session/connect.h"

namespace trunkline::test {
namespace {

using session::State;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kCountedWords =
    "one two three four five six seven eight nine ten";

class MingledItemsTest : public testing::Test {
 protected:
  MingledItemsTest() : world(RealtimeOptions(Duration())) {}

  // A reply was asked for; from now on a test speaks for the provider.
  void Start() {
    Connect(world);
    world.agent.stalled = true;
    world.realtime.Send(
        {{"type", "input_audio_buffer.committed"}, {"item_id", "u1"}});
    world.Advance(Duration::Millis(60));
    ASSERT_EQ(world.state(), State::kThinking);
    world.agent.BeginItem();
    world.agent.BeginItem();
    world.realtime.ReplyBegan(1);
  }
  // Audio of the items, 0 or 1, so many milliseconds of each in turn.
  void Say(const std::vector<std::pair<size_t, int>>& parts) {
    for (const auto& [item, ms] : parts) {
      world.realtime.ItemAudio(
          1, world.agent.items()[item].name,
          std::vector<int16_t>(static_cast<size_t>(ms) * 8, LevelOfItem(item)));
    }
  }
  void Words(size_t item) {
    world.realtime.Send({{"type", "response.output_audio_transcript.done"},
                         {"response_id", "resp_1"},
                         {"item_id", world.agent.items()[item].name},
                         {"content_index", 0},
                         {"transcript", kCountedWords}});
  }
  void End() {
    Words(0);
    Words(1);
    world.realtime.ReplyDone(1, AgentAdapter::End::kComplete);
  }
  // The caller interrupts when he has heard so much of an item.
  void Interrupt(size_t item, int64_t ms) {
    ASSERT_TRUE(world.RunUntil(
        [&] { return world.HeardMs(world.agent.items()[item]) >= ms; }));
    world.line.Say(Speech(900));
    ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") > 0; }));
    world.Advance(Duration::Millis(60));
  }
  // Of each item, how often the provider was told to truncate it, and where.
  std::map<std::string, std::vector<int64_t>> Truncations() const {
    std::map<std::string, std::vector<int64_t>> all;
    for (const Json& message : world.realtime.received()) {
      if (StringMember(message, "type") != "conversation.item.truncate")
        continue;
      all[std::string(StringMember(message, "item_id"))].push_back(
          IntegerMember(message, "audio_end_ms").value_or(-1));
    }
    return all;
  }
  // Once, where the ear stopped hearing.
  void ExpectTruncated(size_t item) {
    const Agent::Item& one = world.agent.items()[item];
    const std::vector<int64_t> told = Truncations()[one.name];
    ASSERT_THAT(told, SizeIs(1)) << one.name;
    EXPECT_NEAR(static_cast<double>(told[0]),
                static_cast<double>(world.HeardMs(one)), 60)
        << one.name;
  }
  // Of the agent, by the item.
  std::map<std::string, std::vector<Json>> Lines() const {
    std::map<std::string, std::vector<Json>> all;
    for (const Json& line : world.EventsOf("line")) {
      if (StringMember(line, "role") != "agent") continue;
      all[std::string(StringMember(line, "item"))].push_back(line);
    }
    return all;
  }

  VirtualWorld world;
};

TEST_F(MingledItemsTest, EachIsOneLineThatIsHeardToItsEnd) {
  Start();
  Say({{0, 600}, {1, 400}, {0, 600}});
  End();
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_THAT(Lines(), SizeIs(2));
  // A line that no words came to is held back to the end.
  world.line.HangUp();
  ASSERT_TRUE(world.RunUntil([&] { return !world.ended().empty(); }));
  for (const auto& [item, lines] : Lines()) {
    ASSERT_THAT(lines, SizeIs(1)) << item;
    EXPECT_EQ(lines[0]["heard"], kCountedWords);
    EXPECT_EQ(lines[0]["cut"], false) << item;
    EXPECT_EQ(lines[0]["text"], "final");
  }
  EXPECT_THAT(Truncations(), IsEmpty());
}

// It was truncated twice, the second time as if nothing of it had been heard.
TEST_F(MingledItemsTest, AnItemIsTruncatedOnceByAllThatWasHeardOfIt) {
  Start();
  Say({{0, 600}, {1, 400}, {0, 2'000}});
  End();
  Interrupt(0, 1'000);
  ExpectTruncated(0);
  EXPECT_GT(Truncations()["item_1"].at(0), 900);
  // The other one was heard whole.
  EXPECT_THAT(Truncations(), SizeIs(1));
  EXPECT_EQ(Lines()["item_2"].at(0)["cut"], false);
  ASSERT_THAT(Lines()["item_1"], SizeIs(1));
  const Json line = Lines()["item_1"][0];
  EXPECT_EQ(line["cut"], true);
  EXPECT_THAT(std::string(StringMember(line, "heard")), StartsWith("one two"));
  EXPECT_NE(line["heard"], kCountedWords);
}

TEST_F(MingledItemsTest, WhatIsBehindTheOtherOneDoesNotTakeBackWhatWasHeard) {
  Start();
  Say({{0, 600}, {1, 2'000}, {0, 600}});
  End();
  Interrupt(1, 300);
  ExpectTruncated(0);
  ExpectTruncated(1);
  EXPECT_EQ(Truncations()["item_1"].at(0), 600);
  EXPECT_THAT(Lines()["item_1"], SizeIs(1));
  EXPECT_THAT(Lines()["item_2"], SizeIs(1));
}

TEST_F(MingledItemsTest, TheyMayComeByTurnsInSmallPieces) {
  Start();
  std::vector<std::pair<size_t, int>> parts;
  for (int i = 0; i < 40; ++i) parts.insert(parts.end(), {{0, 60}, {1, 40}});
  Say(parts);
  End();
  Interrupt(0, 900);
  ExpectTruncated(0);
  ExpectTruncated(1);
  EXPECT_THAT(Truncations(), SizeIs(2));
  for (const auto& [item, lines] : Lines()) {
    ASSERT_THAT(lines, SizeIs(1)) << item;
    EXPECT_EQ(lines[0]["said"], kCountedWords);
    EXPECT_EQ(lines[0]["cut"], true);
    EXPECT_THAT(std::string(StringMember(lines[0], "heard")),
                StartsWith("one two"));
  }
}

// The reply is made as fast as it is heard: what is behind it is asked of items
// that are not in the queue any more.
TEST_F(MingledItemsTest, AnItemMayGoOnWhenAllThatCameOfItWasHeard) {
  Start();
  for (int i = 0; i < 12; ++i) {
    Say({{i % 2, 400}});
    world.Advance(Duration::Millis(600));
  }
  Say({{0, 4'000}});
  End();
  Interrupt(0, 6 * 400 + 500);
  ExpectTruncated(0);
  EXPECT_THAT(Truncations(), SizeIs(1));
  EXPECT_THAT(Lines()["item_1"], SizeIs(1));
  EXPECT_THAT(Lines()["item_2"], SizeIs(1));
  EXPECT_EQ(Lines()["item_2"][0]["heard"], kCountedWords);
}

// The one that audio came of last is the unfinished one.
TEST_F(MingledItemsTest, OfAReplyThatIsNotFinishedTheLatestIsCut) {
  Start();
  Say({{0, 300}, {1, 300}, {0, 300}});
  Words(0);
  Words(1);
  world.realtime.Send({{"type", "response.done"},
                       {"response",
                        {{"id", "resp_1"},
                         {"status", "incomplete"},
                         {"status_details", {{"reason", "content_filter"}}}}}});
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  EXPECT_EQ(Lines()["item_1"].at(0)["cut"], true);
  EXPECT_EQ(Lines()["item_2"].at(0)["cut"], false);
}

// Beyond the bound audio is refused, and that is told.
TEST_F(MingledItemsTest, HowOftenTheyTakeTurnsIsBounded) {
  Start();
  for (size_t i = 0; i < media::ReplyQueue::kMaxSegments + 50; ++i) {
    Say({{i % 2, 20}});
  }
  world.Advance(Duration::Millis(100));
  bool told = false;
  for (const Json& fault : world.EventsOf("fault")) {
    told = told || StringMember(fault, "code") == "replyRefused";
  }
  EXPECT_TRUE(told);
  End();
  EXPECT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  for (const auto& [item, lines] : Lines()) EXPECT_THAT(lines, SizeIs(1));
}

}  // namespace
}  // namespace trunkline::test
