// The leg's socket by itself: who may use it, in which format, and how much
// nonsense it may bring.

#include "session/leg_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "session/close_codes.h"
#include "support/session_parts.h"

namespace trunkline::session {
namespace {

using protocol::Fault;
using test::SessionParts;
using testing::ElementsAre;
using testing::IsEmpty;

// A start of the leg's usual format, or with `traits` that differ.
std::string StartText(const std::string& traits = "") {
  return R"({"type":"start","callId":"c","streamId":"s","token":"t")" + traits +
         "}";
}

constexpr const char* kWide =
    R"(,"heard":"pcm16/16000","spoken":"pcm16/16000")";

// A socket that opens and starts its stream.
void Begin(SessionParts& parts, const std::string& traits = "") {
  parts.leg.OnSocketOpened("");
  parts.leg.OnText(StartText(traits));
}

// How the leg was over in what it tells, if it was. Takes all facts.
std::optional<LegOver::How> Over(SessionParts& parts) {
  std::optional<LegOver::How> how;
  while (const auto fact = parts.leg.NextFact()) {
    if (const auto* over = std::get_if<LegOver>(&*fact)) how = over->how;
  }
  return how;
}

// Takes all facts, and returns how many there were.
int Facts(SessionParts& parts) {
  int count = 0;
  while (parts.leg.NextFact()) ++count;
  return count;
}

uint64_t CountOf(const SessionParts& parts, Fault fault) {
  return parts.leg.faults()[static_cast<size_t>(fault)];
}

std::string CloseLine(uint16_t code, const std::string& reason) {
  return "close 0 " + std::to_string(code) + " " + reason;
}

TEST(LegLinkTest, AFormatThatCannotBeCarriedIsRefusedAtOnce) {
  SessionParts parts;
  Begin(parts, R"(,"heard":"opus/48000")");
  EXPECT_EQ(Over(parts), LegOver::How::kRejected);
  EXPECT_TRUE(parts.leg.closed());
  // Nor is another start of it awaited.
  EXPECT_FALSE(parts.IsSet(Timer::kLegStart));
  EXPECT_THAT(parts.channels.lines,
              ElementsAre(CloseLine(kCloseProtocol, "unsupportedFormat")));
  EXPECT_EQ(CountOf(parts, Fault::kUnsupportedFormat), 1U);
  EXPECT_THAT(parts.log.EventsOf("started"), IsEmpty());
}

TEST(LegLinkTest, AStreamInAnotherFormatThanTheGrantedOneIsRefusedAtOnce) {
  SessionParts parts;
  parts.BringLegUp();
  parts.leg.Lose();
  Begin(parts, kWide);
  EXPECT_EQ(Over(parts), LegOver::How::kRejected);
  EXPECT_TRUE(parts.leg.closed());
  EXPECT_THAT(parts.channels.lines,
              ElementsAre(CloseLine(kCloseProtocol, "unsupportedFormat")));
  EXPECT_EQ(CountOf(parts, Fault::kUnsupportedFormat), 1U);
  // Only the first was a stream, and it is what the call still goes by.
  EXPECT_EQ(parts.log.Count("started"), 1U);
  EXPECT_EQ(parts.leg.traits().heard.sample_rate_hz, 8000);
}

TEST(LegLinkTest, AStreamInTheGrantedFormatIsAskedForItsToken) {
  SessionParts parts;
  parts.BringLegUp();
  parts.leg.Lose();
  Begin(parts);
  EXPECT_EQ(Facts(parts), 0);
  EXPECT_EQ(parts.leg.phase(), LegLink::Phase::kAuthorizing);
  EXPECT_EQ(parts.log.Count("started"), 2U);
  EXPECT_EQ(CountOf(parts, Fault::kUnsupportedFormat), 0U);
}

// It was nobody's who may decide what the call is like.
TEST(LegLinkTest, AStreamThatWasNotGrantedDecidesNoFormat) {
  SessionParts parts;
  Begin(parts);
  EXPECT_EQ(Facts(parts), 0);
  EXPECT_EQ(parts.leg.OnAuthorized(Verdict::kForeign),
            LegLink::Admission::kRefused);
  Begin(parts, kWide);
  EXPECT_EQ(Facts(parts), 0);
  EXPECT_EQ(parts.leg.phase(), LegLink::Phase::kAuthorizing);
  EXPECT_EQ(parts.leg.traits().heard.sample_rate_hz, 16000);
}

TEST(LegLinkTest, FewOffencesAreForgivenBeforeTheStart) {
  SessionParts parts;
  parts.leg.OnSocketOpened("");
  for (uint64_t i = 1; i < LegLink::kMaxFaultsBeforeStart; ++i) {
    parts.leg.OnText("nonsense");
    ASSERT_EQ(Over(parts), std::nullopt) << i;
  }
  EXPECT_THAT(parts.channels.lines, IsEmpty());
  parts.leg.OnText("nonsense");
  EXPECT_EQ(Over(parts), LegOver::How::kRejected);
  EXPECT_THAT(parts.channels.lines,
              ElementsAre(CloseLine(kCloseProtocol, "malformed")));
}

TEST(LegLinkTest, ManyOffencesAreForgivenAfterTheStart) {
  SessionParts parts;
  parts.BringLegUp();
  for (uint64_t i = 1; i < LegLink::kMaxFaults; ++i) {
    parts.leg.OnText("nonsense");
    ASSERT_EQ(Over(parts), std::nullopt) << i;
  }
  EXPECT_TRUE(parts.leg.up());
  parts.leg.OnText("nonsense");
  EXPECT_EQ(Over(parts), LegOver::How::kRejected);
  EXPECT_TRUE(parts.leg.closed());
  EXPECT_EQ(CountOf(parts, Fault::kMalformed), LegLink::kMaxFaults);
}

TEST(LegLinkTest, WhatDoesNoHarmIsCountedAndNoOffence) {
  SessionParts parts;
  parts.leg.OnSocketOpened("");
  for (uint64_t i = 0; i < LegLink::kMaxFaults; ++i) {
    parts.leg.OnText(R"({"type":"news"})");
    ASSERT_EQ(Over(parts), std::nullopt);
  }
  EXPECT_EQ(CountOf(parts, Fault::kUnknownEvent), LegLink::kMaxFaults);
  // Nor is a mark that nobody sent, when it is up.
  parts.leg.OnText(StartText(R"(,"playback":"marks")"));
  EXPECT_EQ(Facts(parts), 0);
  parts.leg.OnAuthorized(Verdict::kGranted);
  for (uint64_t i = 0; i < LegLink::kMaxFaults; ++i) {
    parts.leg.OnText(R"({"type":"mark","name":"0:1"})");
    ASSERT_EQ(Over(parts), std::nullopt);
  }
  EXPECT_EQ(CountOf(parts, Fault::kUnknownMark), LegLink::kMaxFaults);
  EXPECT_TRUE(parts.leg.up());
}

TEST(LegLinkTest, AudioBeforeTheVerdictIsKeptToItsBound) {
  SessionParts parts;
  Begin(parts);
  EXPECT_EQ(Facts(parts), 0);
  std::vector<uint8_t> all;
  for (int ms = 0; ms < LegLink::kMaxEarlyMs; ms += 20) {
    const std::vector<uint8_t> frame(160, static_cast<uint8_t>(ms / 20));
    parts.leg.OnText(R"({"type":"at","ms":)" + std::to_string(70 + ms) + "}");
    parts.leg.OnBinary(frame);
    // It is no fact before the verdict.
    ASSERT_EQ(Facts(parts), 0);
    all.insert(all.end(), frame.begin(), frame.end());
  }
  EXPECT_EQ(parts.leg.early_dropped(), 0U);
  EXPECT_FALSE(parts.leg.TakeEarlyAudio());
  // The newest is dropped and counted, however short it is.
  parts.leg.OnBinary(std::vector<uint8_t>(1, 0xFF));
  EXPECT_EQ(Facts(parts), 0);
  EXPECT_EQ(parts.leg.early_dropped(), 1U);
  const std::vector<Json> faults = parts.log.EventsOf("fault");
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0]["code"], "earlyDropped");

  EXPECT_EQ(parts.leg.OnAuthorized(Verdict::kGranted),
            LegLink::Admission::kGranted);
  const auto early = parts.leg.TakeEarlyAudio();
  ASSERT_TRUE(early);
  EXPECT_EQ(std::vector<uint8_t>(early->audio.begin(), early->audio.end()),
            all);
  EXPECT_EQ(early->timestamp_ms, 70);
  // Once.
  EXPECT_FALSE(parts.leg.TakeEarlyAudio());
}

TEST(LegLinkTest, EarlyAudioIsThatOfTheStreamThatIsGranted) {
  SessionParts parts;
  Begin(parts);
  EXPECT_EQ(Facts(parts), 0);
  parts.leg.OnBinary(std::vector<uint8_t>(160, 1));
  EXPECT_EQ(Facts(parts), 0);
  parts.leg.OnAuthorized(Verdict::kForeign);
  parts.Advance(Duration::Millis(30));
  Begin(parts);
  EXPECT_EQ(Facts(parts), 0);
  parts.leg.OnBinary(std::vector<uint8_t>(160, 2));
  EXPECT_EQ(Facts(parts), 0);
  EXPECT_EQ(parts.leg.stream_began(), parts.context.now());
  parts.leg.OnAuthorized(Verdict::kGranted);
  const auto early = parts.leg.TakeEarlyAudio();
  ASSERT_TRUE(early);
  EXPECT_EQ(early->audio.size(), 160U);
  EXPECT_EQ(early->audio.front(), 2);
}

TEST(LegLinkTest, WhatTheLegSaysCountsFromTheVerdictOn) {
  SessionParts parts;
  Begin(parts, R"(,"playback":"reports","flowControl":"pauses")");
  EXPECT_EQ(Facts(parts), 0);
  const char* const kSayings[] = {R"({"type":"digit","digit":"5"})",
                                  R"({"type":"played","samples":160})",
                                  R"({"type":"pause"})"};
  for (const char* saying : kSayings) {
    parts.leg.OnText(saying);
    EXPECT_EQ(Facts(parts), 0) << saying;
  }
  parts.leg.OnAuthorized(Verdict::kGranted);
  for (const char* saying : kSayings) {
    parts.leg.OnText(saying);
    EXPECT_EQ(Facts(parts), 1) << saying;
  }
  parts.leg.OnBinary(std::vector<uint8_t>(160, 1));
  const auto fact = parts.leg.NextFact();
  ASSERT_TRUE(fact);
  EXPECT_TRUE(std::holds_alternative<protocol::LegAudio>(*fact));
}

TEST(LegLinkTest, AVerdictClosesWithItsCode) {
  struct Case {
    Verdict verdict;
    uint16_t code;
  };
  for (const Case& c : {Case{Verdict::kForeign, kCloseForeign},
                        Case{Verdict::kExpired, kCloseExpired},
                        Case{Verdict::kUsed, kCloseUsed},
                        Case{Verdict::kMissing, kCloseNoStart}}) {
    SessionParts parts;
    Begin(parts);
    EXPECT_EQ(Facts(parts), 0);
    EXPECT_EQ(parts.leg.OnAuthorized(c.verdict), LegLink::Admission::kRefused);
    EXPECT_THAT(parts.channels.lines,
                ElementsAre(CloseLine(c.code, "not authorized")));
    EXPECT_TRUE(parts.leg.closed());
    EXPECT_FALSE(parts.IsSet(Timer::kLegStart));
    // Nobody waits for another.
    EXPECT_EQ(parts.leg.OnAuthorized(Verdict::kGranted),
              LegLink::Admission::kStale);
    EXPECT_TRUE(parts.leg.closed());
  }
}

TEST(LegLinkTest, TheStartIsAwaitedForItsTime) {
  SessionParts parts;
  const int64_t limit_ms = parts.config.limits.start.ms();
  EXPECT_EQ(parts.DueInMs(Timer::kLegStart), limit_ms);
  parts.Advance(Duration::Millis(700));
  EXPECT_EQ(parts.DueInMs(Timer::kLegStart), limit_ms - 700);
  // Each socket has the whole of it, until the verdict.
  Begin(parts);
  EXPECT_EQ(Facts(parts), 0);
  parts.Advance(Duration::Millis(100));
  EXPECT_EQ(parts.DueInMs(Timer::kLegStart), limit_ms - 100);
  parts.leg.OnAuthorized(Verdict::kGranted);
  EXPECT_FALSE(parts.IsSet(Timer::kLegStart));
  parts.leg.Lose();
  parts.leg.OnSocketOpened("");
  EXPECT_EQ(parts.DueInMs(Timer::kLegStart), limit_ms);
  parts.leg.Lose();
  EXPECT_FALSE(parts.IsSet(Timer::kLegStart));
  EXPECT_TRUE(parts.leg.closed());
}

TEST(LegLinkTest, OnlyAStreamThatIsUpCanStop) {
  SessionParts parts;
  Begin(parts);
  EXPECT_EQ(Facts(parts), 0);
  parts.leg.OnText(R"({"type":"stop"})");
  EXPECT_EQ(Over(parts), LegOver::How::kNoStart);
  EXPECT_TRUE(parts.leg.closed());
  EXPECT_THAT(parts.channels.lines,
              ElementsAre(CloseLine(kCloseNormal, "stopped")));
  parts.BringLegUp();
  parts.leg.OnText(R"({"type":"stop"})");
  EXPECT_EQ(Over(parts), LegOver::How::kHungUp);
  EXPECT_TRUE(parts.leg.closed());
  EXPECT_THAT(parts.channels.lines,
              ElementsAre(CloseLine(kCloseNormal, "stopped")));
}

TEST(LegLinkTest, OnlyASocketWhoseStreamIsUpCanHangUp) {
  SessionParts parts;
  Begin(parts);
  EXPECT_EQ(Facts(parts), 0);
  EXPECT_EQ(parts.leg.OnSocketClosed(1000), protocol::LegClose::kBroken);
  EXPECT_TRUE(parts.leg.closed());
  parts.BringLegUp();
  EXPECT_EQ(parts.leg.OnSocketClosed(1006), protocol::LegClose::kBroken);
  EXPECT_TRUE(parts.leg.closed());
  parts.BringLegUp();
  EXPECT_EQ(parts.leg.OnSocketClosed(1000), protocol::LegClose::kHungUp);
  EXPECT_TRUE(parts.leg.closed());
}

TEST(LegLinkTest, ASocketThatIsClosedSaysNothingMore) {
  SessionParts parts;
  parts.BringLegUp();
  parts.leg.Close(kCloseNormal, "over");
  parts.leg.OnText(R"({"type":"digit","digit":"5"})");
  EXPECT_EQ(Facts(parts), 0);
  parts.leg.OnBinary(std::vector<uint8_t>(161, 1));
  EXPECT_EQ(Facts(parts), 0);
  parts.leg.OnText("nonsense");
  EXPECT_EQ(Facts(parts), 0);
  EXPECT_EQ(CountOf(parts, Fault::kMalformed), 0U);
  // Nor is it closed twice.
  parts.leg.Close(kCloseNormal, "over");
  EXPECT_THAT(parts.channels.lines,
              ElementsAre(CloseLine(kCloseNormal, "over")));
}

TEST(LegLinkTest, AMessageTooLongClosesTheLeg) {
  SessionParts parts;
  parts.BringLegUp();
  parts.leg.OnOversize();
  EXPECT_TRUE(parts.leg.closed());
  EXPECT_EQ(CountOf(parts, Fault::kTooLarge), 1U);
  EXPECT_THAT(parts.channels.lines,
              ElementsAre(CloseLine(kCloseTooBig, "message too big")));
}

}  // namespace
}  // namespace trunkline::session
