#include "media/reply_pauses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "media/transcoder.h"
#include "support/audio_signals.h"

namespace trunkline::media {

bool operator==(const ReplyPauses::Pause& a, const ReplyPauses::Pause& b) {
  return a.from_ms == b.from_ms && a.to_ms == b.to_ms;
}

namespace {

using protocol::AudioFormat;
using protocol::Encoding;
using protocol::ItemId;
using testing::ElementsAre;
using testing::IsEmpty;
using Pause = ReplyPauses::Pause;

constexpr ItemId kItem{1};

// Voice and silence by turns, from `parts_ms` on: voice first.
std::vector<uint8_t> Reply(const AudioFormat& format,
                           std::initializer_list<int> parts_ms) {
  std::vector<int16_t> samples;
  bool voice = true;
  for (const int ms : parts_ms) {
    const auto count = static_cast<size_t>(ms * format.sample_rate_hz / 1000);
    const std::vector<int16_t> part = voice ? test::NoiseSignal(count, -200, 1)
                                            : test::NoiseSignal(count, -700, 2);
    samples.insert(samples.end(), part.begin(), part.end());
    voice = !voice;
  }
  std::vector<uint8_t> bytes(samples.size() *
                             protocol::BytesPerSample(format.encoding));
  EncodeAudio(format.encoding, samples, bytes);
  return bytes;
}

TEST(ReplyPausesTest, AreThoseThatAreLongEnoughAndOver) {
  for (const AudioFormat format :
       {AudioFormat{Encoding::kMuLaw, 8000}, AudioFormat{Encoding::kALaw, 8000},
        AudioFormat{Encoding::kLinear16, 24000}}) {
    ReplyPauses pauses(format);
    pauses.Append(kItem, Reply(format, {400, 200, 300, 60, 300, 80, 100, 500}));
    EXPECT_THAT(pauses.Of(kItem),
                ElementsAre(Pause{400, 600}, Pause{1260, 1340}));
    // The pause at the end is none until something follows.
    pauses.Append(kItem, Reply(format, {100}));
    EXPECT_THAT(
        pauses.Of(kItem),
        ElementsAre(Pause{400, 600}, Pause{1260, 1340}, Pause{1440, 1940}));
  }
}

TEST(ReplyPausesTest, AnySplitGivesTheSame) {
  const AudioFormat format{Encoding::kMuLaw, 8000};
  const auto reply = Reply(format, {300, 250, 410, 90, 200});
  ReplyPauses whole(format);
  whole.Append(kItem, reply);
  const std::vector<Pause> expected(whole.Of(kItem).begin(),
                                    whole.Of(kItem).end());
  ASSERT_EQ(expected.size(), 2U);
  test::Random random(4);
  ReplyPauses parts(format);
  size_t at = 0;
  for (const size_t part : test::RandomSplit(reply.size(), 333, random)) {
    parts.Append(kItem, std::span(reply).subspan(at, part));
    at += part;
  }
  EXPECT_THAT(parts.Of(kItem), testing::ElementsAreArray(expected));
}

TEST(ReplyPausesTest, BelongToTheirItem) {
  const AudioFormat format{Encoding::kMuLaw, 8000};
  ReplyPauses pauses(format);
  EXPECT_THAT(pauses.Of(kItem), IsEmpty());
  for (uint32_t item = 1; item <= ReplyPauses::kMaxItems + 1; ++item) {
    const int voice_ms = 100 + 20 * static_cast<int>(item);
    // The part of a frame that is left belongs to no other item.
    pauses.Append(ItemId{item}, Reply(format, {voice_ms, 100, 55}));
    EXPECT_THAT(pauses.Of(ItemId{item}),
                ElementsAre(Pause{voice_ms, voice_ms + 100}));
  }
  // The oldest is forgotten, the one after it is not.
  EXPECT_THAT(pauses.Of(ItemId{1}), IsEmpty());
  EXPECT_THAT(pauses.Of(ItemId{2}), ElementsAre(Pause{140, 240}));
}

// Counted from where it went on, and without what had begun before.
TEST(ReplyPausesTest, AnItemMayGoOnBehindAnother) {
  const AudioFormat format{Encoding::kMuLaw, 8000};
  const auto one = Reply(format, {300, 250, 410, 90, 200});
  const auto other = Reply(format, {200, 100, 300, 200, 450});
  ReplyPauses pauses(format);
  // No whole frames.
  for (size_t at = 0; at < one.size(); at += 500) {
    pauses.Append(ItemId{1}, std::span(one).subspan(at, 500));
    pauses.Append(ItemId{2}, std::span(other).subspan(at, 500));
  }
  EXPECT_THAT(pauses.Of(ItemId{1}),
              ElementsAre(Pause{300, 540}, Pause{960, 1040}));
  EXPECT_THAT(pauses.Of(ItemId{2}),
              ElementsAre(Pause{200, 300}, Pause{600, 800}));
}

TEST(ReplyPausesTest, LaterOnesThanTheBoundAreLeftOut) {
  const AudioFormat format{Encoding::kMuLaw, 8000};
  ReplyPauses pauses(format);
  for (size_t i = 0; i < ReplyPauses::kMaxPauses + 5; ++i) {
    pauses.Append(kItem, Reply(format, {100, 100}));
  }
  ASSERT_EQ(pauses.Of(kItem).size(), ReplyPauses::kMaxPauses);
  EXPECT_EQ(pauses.Of(kItem).back(), (Pause{9500, 9600}));
}

}  // namespace
}  // namespace trunkline::media
