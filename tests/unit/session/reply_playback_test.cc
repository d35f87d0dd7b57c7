#include "session/reply_playback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/session_parts.h"

namespace trunkline::session {
namespace {

using Extent = ReplyPlayback::Extent;
using Origin = Transcript::Origin;
using Tell = ReplyPlayback::Tell;
using protocol::ItemId;
using test::SessionParts;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

struct Player {
  explicit Player(media::Waiting waiting = media::Waiting::kSilence) {
    parts.MakeAgentReady();
    parts.BringLegUp();
    line.emplace(media::LineOut::Config{.agent = parts.agent.traits().output,
                                        .leg = parts.leg.traits(),
                                        .lead = Duration::Millis(200),
                                        .mark_interval = Duration::Millis(160),
                                        .waiting = waiting});
    playback.emplace(parts.context, parts.leg, parts.agent, parts.transcript,
                     *line);
  }
  bool Receive(uint32_t item, int ms, Origin origin = Origin::kReply) {
    const std::vector<uint8_t> audio(static_cast<size_t>(ms) * 8, 0x55);
    return playback->OnAudio({ItemId{item}, audio}, origin);
  }
  // Plays for so long.
  void Play(int ms) {
    for (int at = 0; at < ms; at += 20) {
      playback->Pump(3);
      parts.Advance(Duration::Millis(20));
    }
    playback->Pump(3);
  }
  Json Last(const char* type) const {
    const std::vector<Json> events = parts.log.EventsOf(type);
    return events.empty() ? Json() : events.back();
  }
  std::optional<Transcript::FinalLine> Final() {
    parts.transcript.Finish(parts.context.now());
    return parts.transcript.TakeFinal();
  }

  SessionParts parts;
  std::optional<media::LineOut> line;
  std::optional<ReplyPlayback> playback;
};

TEST(ReplyPlaybackTest, AnnouncesAReplyWithItsFirstAudio) {
  Player player;
  player.playback->Begin();
  EXPECT_FALSE(player.playback->Pump(3));
  EXPECT_EQ(player.parts.log.Count("replyStarted"), 0U);
  ASSERT_TRUE(player.Receive(1, 400));
  EXPECT_TRUE(player.playback->Pump(3));
  // The lead is out: nothing more is due.
  EXPECT_FALSE(player.playback->Pump(3));
  EXPECT_TRUE(player.parts.IsSet(Timer::kPace));
  player.Play(200);
  EXPECT_EQ(player.parts.log.Count("replyStarted"), 1U);
  EXPECT_EQ(player.Last("replyStarted")["item"], "i1");
  EXPECT_EQ(player.Last("replyStarted")["turn"], 3);
  EXPECT_THAT(player.parts.channels.lines, Each(StartsWith("0< binary")));
}

TEST(ReplyPlaybackTest, AReplyIsHeardToItsEnd) {
  Player player;
  player.Receive(1, 400);
  player.playback->EndReply(Extent::kWhole);
  EXPECT_TRUE(player.playback->has_unsent());
  EXPECT_TRUE(player.playback->has_unheard());
  EXPECT_TRUE(player.playback->reply_ended());
  EXPECT_FALSE(player.playback->done());
  player.Play(700);
  EXPECT_TRUE(player.playback->done());
  EXPECT_FALSE(player.playback->has_unheard());
  player.playback->OnHeard(3);
  EXPECT_EQ(player.Last("replyDone")["heardMs"], 400);
  EXPECT_THAT(player.parts.TakeCommands(), IsEmpty());
  const auto line = player.Final();
  ASSERT_TRUE(line);
  EXPECT_EQ(line->item, "i1");
  EXPECT_FALSE(line->cut);
}

// Only the item with which a message to the leg begins counted as sent: one
// that was in the midst of it was heard, and had no line.
TEST(ReplyPlaybackTest, EachItemOfAMessageIsHeard) {
  Player player;
  player.parts.transcript.OnAgentConnected(Transcript::Texts::kNone,
                                           Transcript::Texts::kNone,
                                           player.parts.context.now());
  const int64_t began_ms =
      (player.parts.context.now() - player.parts.context.call_began()).ms();
  player.Receive(1, 30);
  player.Receive(2, 40);
  player.Receive(3, 80);
  player.playback->EndReply(Extent::kWhole);
  player.Play(300);
  player.playback->OnHeard(3);
  int64_t at_ms = began_ms;
  for (const auto& [item, ms] : {std::pair("i1", 30), {"i2", 40}, {"i3", 80}}) {
    const auto line = player.parts.transcript.TakeFinal();
    ASSERT_TRUE(line) << item;
    EXPECT_EQ(line->item, item);
    EXPECT_EQ(line->start_ms, at_ms);
    at_ms += ms;
    EXPECT_EQ(line->sent_ms, began_ms);
    EXPECT_FALSE(line->cut);
  }
}

TEST(ReplyPlaybackTest, AnInterruptionIsTakenBack) {
  Player player;
  player.playback->Begin();
  player.Receive(1, 1'000);
  player.Play(300);
  player.parts.channels.lines.clear();
  player.playback->Interrupt();
  EXPECT_THAT(player.parts.channels.lines, ElementsAre(StartsWith("0<")));
  EXPECT_EQ(player.Last("cleared")["heardMs"], 300);
  EXPECT_TRUE(player.playback->has_unsent());
  player.parts.Advance(Duration::Millis(500));
  player.playback->Resume();
  EXPECT_EQ(player.Last("resumed")["fromMs"], 300);
  player.playback->EndReply(Extent::kWhole);
  player.Play(1'000);
  EXPECT_TRUE(player.playback->done());
  // It is the same reply.
  EXPECT_EQ(player.parts.log.Count("replyStarted"), 1U);
}

TEST(ReplyPlaybackTest, TheAgentIsToldWhatWasHeardOfEachItem) {
  Player player;
  player.Receive(1, 200);
  player.Receive(2, 800);
  player.Play(300);
  player.playback->Interrupt();
  player.playback->DropUnheard(Tell::kAgent);
  EXPECT_THAT(player.parts.TakeCommands(), ElementsAre("truncate 2 100"));
  EXPECT_EQ(player.Last("truncated")["item"], "i2");
  EXPECT_EQ(player.Last("truncated")["audioEndMs"], 100);
  EXPECT_EQ(player.Last("truncated")["receivedMs"], 800);
  EXPECT_FALSE(player.playback->has_unheard());
}

TEST(ReplyPlaybackTest, NobodyIsToldWhenTheCallIsOver) {
  for (const bool away : {true, false}) {
    SCOPED_TRACE(away);
    Player player;
    player.Receive(1, 800);
    player.Play(300);
    if (away) {
      player.parts.agent.Fail(protocol::AgentFailed::Loss::kRetryable, {});
    }
    player.playback->DropUnheard(away ? Tell::kAgent : Tell::kNobody);
    EXPECT_THAT(player.parts.TakeCommands(), IsEmpty());
    EXPECT_EQ(player.Last("truncated")["audioEndMs"], 300);
    const auto line = player.Final();
    ASSERT_TRUE(line);
    EXPECT_TRUE(line->cut);
  }
}

TEST(ReplyPlaybackTest, TheTonesAreNobodysItem) {
  Player player;
  player.line->AppendFarewellTones();
  player.Play(100);
  EXPECT_EQ(player.Last("replyStarted")["item"], "tones");
  player.playback->DropUnheard(Tell::kAgent);
  EXPECT_THAT(player.parts.TakeCommands(), IsEmpty());
  EXPECT_EQ(player.parts.log.Count("truncated"), 0U);
}

TEST(ReplyPlaybackTest, TheFarewellIsNotAnnounced) {
  Player player;
  player.playback->Begin();
  player.playback->BeginFarewell();
  player.Receive(1, 200, Origin::kSay);
  player.Play(100);
  EXPECT_EQ(player.parts.log.Count("replyStarted"), 0U);
  const auto line = player.Final();
  ASSERT_TRUE(line);
  EXPECT_EQ(line->origin, Origin::kSay);
}

TEST(ReplyPlaybackTest, ALegThatIsLostHasHeardNothingMore) {
  Player player;
  player.Receive(1, 1'000);
  player.Play(300);
  player.parts.channels.lines.clear();
  player.playback->OnLegLost();
  // Its socket is gone: nothing is sent there.
  EXPECT_THAT(player.parts.channels.lines, IsEmpty());
  EXPECT_EQ(player.parts.log.Count("cleared"), 0U);
  player.parts.Advance(Duration::Millis(3'000));
  EXPECT_TRUE(player.playback->has_unsent());
  player.playback->DropUnheard(Tell::kAgent);
  EXPECT_EQ(player.Last("truncated")["audioEndMs"], 300);
}

TEST(ReplyPlaybackTest, AGoodbyeStopsWhatPlaysWithoutAnEvent) {
  Player player;
  player.Receive(1, 1'000);
  player.Play(100);
  player.playback->Stop();
  EXPECT_EQ(player.parts.log.Count("cleared"), 0U);
  EXPECT_THAT(player.parts.channels.lines, Contains(Not(StartsWith("0< b"))));
}

TEST(ReplyPlaybackTest, AudioWithoutRoomIsCountedAndDropped) {
  Player player;
  int queued_s = 0;
  while (player.Receive(1, 10'000)) queued_s += 10;
  EXPECT_EQ(queued_s, media::ReplyQueue::kMaxMs / 1'000);
  EXPECT_EQ(player.playback->refused_bytes(), 80'000U);
  EXPECT_FALSE(player.Receive(1, 10'000));
  EXPECT_EQ(player.playback->refused_bytes(), 160'000U);
  const std::vector<Json> faults = player.parts.log.EventsOf("fault");
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[0]["code"], "replyRefused");
}

// It was heard on behind a gap, and all of it counted as heard; the agent, too,
// believed so.
TEST(ReplyPlaybackTest, AnItemEndsWhereItFoundNoRoom) {
  Player player;
  int queued_s = 0;
  while (player.Receive(1, 10'000)) queued_s += 10;
  player.Play(1'000);
  // Now there would be some, and there is for another item.
  EXPECT_FALSE(player.Receive(1, 400));
  EXPECT_TRUE(player.Receive(2, 400));
  player.playback->EndReply(Extent::kWhole);
  player.Play(queued_s * 1'000);
  ASSERT_TRUE(player.playback->done());
  EXPECT_THAT(player.parts.TakeCommands(), IsEmpty());
  player.playback->OnHeard(3);
  EXPECT_THAT(player.parts.TakeCommands(),
              ElementsAre("truncate 1 " + std::to_string(queued_s * 1'000)));
  const auto first = player.Final();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->item, "i1");
  EXPECT_TRUE(first->cut);
  const auto second = player.parts.transcript.TakeFinal();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->item, "i2");
  EXPECT_FALSE(second->cut);
}

TEST(ReplyPlaybackTest, OfAnItemThatFoundNoRoomAtAllNothingIsHeard) {
  Player player;
  while (player.Receive(1, 10'000)) continue;
  EXPECT_FALSE(player.Receive(2, 20'000));
  player.Play(400);
  EXPECT_FALSE(player.Receive(2, 20));
  player.playback->DropUnheard(Tell::kAgent);
  const std::vector<std::string> commands = player.parts.TakeCommands();
  EXPECT_THAT(commands, Contains("truncate 2 0"));
  ASSERT_FALSE(commands.empty());
  EXPECT_EQ(commands.back().rfind("truncate 1 ", 0), 0U);
  EXPECT_EQ(player.Final()->item, "i1");
  EXPECT_FALSE(player.parts.transcript.TakeFinal());
}

TEST(ReplyPlaybackTest, WhatIsThereOfALostReplyIsPlayed) {
  Player player;
  player.Receive(1, 200);
  player.playback->OnAgentFailed();
  EXPECT_TRUE(player.playback->reply_ended());
  player.Play(500);
  EXPECT_TRUE(player.playback->done());
  player.playback->OnHeard(3);
  const auto line = player.Final();
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->cut);
}

TEST(ReplyPlaybackTest, AReplyThatWasWholeIsNotCutByALoss) {
  Player player;
  player.Receive(1, 200);
  player.playback->EndReply(Extent::kWhole);
  player.playback->OnAgentFailed();
  player.Play(500);
  player.playback->OnHeard(3);
  const auto line = player.Final();
  ASSERT_TRUE(line);
  EXPECT_FALSE(line->cut);
}

// It was logged as a whole one.
TEST(ReplyPlaybackTest, OfAReplyThatIsNotFinishedTheLastItemIsCut) {
  Player player;
  player.Receive(1, 200);
  player.Receive(2, 200);
  player.playback->EndReply(Extent::kPart);
  // The next one's end is not theirs.
  player.Receive(3, 200);
  player.playback->EndReply(Extent::kWhole);
  player.Play(1'000);
  player.playback->OnHeard(3);
  player.parts.transcript.Finish(player.parts.context.now());
  for (const bool cut : {false, true, false}) {
    const auto line = player.parts.transcript.TakeFinal();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->cut, cut) << line->item;
  }
}

// An interruption of the second one had it cut, though all of it was heard.
TEST(ReplyPlaybackTest, AnItemThatAnotherFollowsIsWhole) {
  Player player;
  player.Receive(1, 200);
  player.Receive(2, 400);
  player.Play(300);
  player.playback->Interrupt();
  player.playback->DropUnheard(Tell::kAgent);
  player.parts.transcript.Finish(player.parts.context.now());
  for (const bool cut : {false, true}) {
    const auto line = player.parts.transcript.TakeFinal();
    ASSERT_TRUE(line);
    EXPECT_EQ(line->cut, cut) << line->item;
  }
}

// More of it was heard, and no line told of that.
TEST(ReplyPlaybackTest, AnItemThatGoesOnBehindItsLineIsAnotherLine) {
  Player player;
  const Transcript& transcript = player.parts.transcript;
  const auto words = [&](std::string_view text) {
    player.parts.transcript.OnText(protocol::Role::kAgent, {"i1"}, text,
                                   protocol::TranscriptState::kFinal,
                                   player.parts.context.now());
  };
  player.Receive(1, 200);
  words("Half.");
  player.playback->EndReply(Extent::kWhole);
  player.Play(500);
  player.playback->OnHeard(3);
  const auto first = player.parts.transcript.TakeFinal();
  ASSERT_TRUE(first);
  EXPECT_FALSE(transcript.IsOpen(first->line));
  player.Receive(1, 400);
  player.playback->EndReply(Extent::kWhole);
  player.Play(100);
  const int64_t now_ms =
      (player.parts.context.now() - player.parts.context.call_began()).ms();
  player.playback->Interrupt();
  player.playback->DropUnheard(Tell::kAgent);
  // The agent has one item.
  EXPECT_EQ(player.Last("truncated")["audioEndMs"], 300);
  EXPECT_EQ(player.Last("truncated")["receivedMs"], 600);
  words("one two three four");
  const auto second = player.parts.transcript.TakeFinal();
  ASSERT_TRUE(second);
  EXPECT_GT(second->line, first->line);
  EXPECT_EQ(second->item, "i1");
  EXPECT_EQ(second->start_ms, now_ms - 100);
  EXPECT_EQ(second->end_ms, now_ms);
  // A quarter of the second part.
  EXPECT_EQ(second->heard, "one");
  EXPECT_TRUE(second->cut);
}

// The agent would take what was heard before for unheard.
TEST(ReplyPlaybackTest, AnItemThatGoesOnAfterItsEndIsCountedFromItsBeginning) {
  for (const bool waits : {false, true}) {
    Player player(waits ? media::Waiting::kTone : media::Waiting::kSilence);
    player.parts.transcript.OnAgentConnected(Transcript::Texts::kNone,
                                             Transcript::Texts::kSent,
                                             player.parts.context.now());
    player.Receive(1, 200);
    player.playback->EndReply(Extent::kWhole);
    player.Play(500);
    ASSERT_TRUE(player.playback->done());
    player.playback->OnHeard(3);
    EXPECT_EQ(player.Last("replyDone")["heardMs"], 200);
    if (waits) {
      player.playback->BeginWaiting();
      player.Play(300);
      player.playback->EndWaiting();
    }
    player.Receive(1, 400);
    player.Play(100);
    player.playback->Interrupt();
    EXPECT_EQ(player.Last("cleared")["heardMs"], 300);
    player.playback->DropUnheard(Tell::kAgent);
    EXPECT_THAT(player.parts.TakeCommands(), ElementsAre("truncate 1 300"));
    EXPECT_EQ(player.Last("truncated")["receivedMs"], 600);
    const int64_t now_ms =
        (player.parts.context.now() - player.parts.context.call_began()).ms();
    const auto line = player.Final();
    ASSERT_TRUE(line);
    EXPECT_TRUE(line->cut);
    EXPECT_EQ(line->end_ms, now_ms);
  }
}

TEST(ReplyPlaybackTest, SaysWhetherWhatItSendsWasAskedFor) {
  Player player;
  // Longer than the lead.
  const std::vector<uint8_t> audio(2'400, 0x55);
  player.playback->OnAudio({ItemId{1}, audio, /*asked=*/false}, Origin::kReply);
  player.Receive(2, 300);
  EXPECT_FALSE(player.playback->Pump(3));
  player.parts.Advance(Duration::Millis(200));
  EXPECT_TRUE(player.playback->Pump(3));
}

TEST(ReplyPlaybackTest, ReportsWhatWasHeardSoFar) {
  Player player;
  player.parts.transcript.OnAgentConnected(Transcript::Texts::kNone,
                                           Transcript::Texts::kSent,
                                           player.parts.context.now());
  player.Receive(1, 1'000);
  player.parts.transcript.OnText(
      protocol::Role::kAgent, {"i1"}, "one two three four five",
      protocol::TranscriptState::kFinal, player.parts.context.now());
  player.Play(500);
  EXPECT_THAT(player.parts.transcript.Conversation(), IsEmpty());
  player.playback->Report();
  ASSERT_EQ(player.parts.transcript.Conversation().size(), 1U);
  EXPECT_THAT(std::string(player.parts.transcript.Conversation()[0].text),
              StartsWith("one"));
}

}  // namespace
}  // namespace trunkline::session
