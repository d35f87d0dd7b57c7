#include "protocol/agents/parrot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Frame number n is 160 bytes of n.
void Hear(Parrot& parrot, int from, int to) {
  for (int n = from; n < to; ++n) {
    parrot.Listen(std::vector<uint8_t>(160, static_cast<uint8_t>(n)));
  }
}

TEST(ParrotTest, RepeatsTheTurnWithItsMarginsAndNothingElse) {
  test::AgentLog log;
  Parrot parrot({Encoding::kMuLaw, 8000});
  parrot.Begin();
  log.Take(parrot);
  EXPECT_THAT(log.lines, ElementsAre("ready"));
  Hear(parrot, 0, 100);
  parrot.TurnStarted(Duration::Millis(60));  // in frame 97
  Hear(parrot, 100, 140);
  parrot.Respond(Duration::Millis(400));  // after frame 119
  log.Take(parrot);
  // 20 ms before and 120 ms after.
  const std::vector<uint8_t>& audio = log.audio[1];
  ASSERT_EQ(audio.size(), (119 - 97 + 1 + 1 + 6) * 160U);
  EXPECT_EQ(audio.front(), 97 - 1);
  EXPECT_EQ(audio.back(), 119 + 6);
  EXPECT_THAT(log.Words(), ElementsAre("ready", "done complete 0/0"));
  EXPECT_EQ(parrot.item_name(ItemId{1}), "parrot-1");
  // Asked twice, it has nothing more to say.
  parrot.Respond({});
  log.Take(parrot);
  EXPECT_EQ(log.Words().size(), 2U);
}

// Whoever takes the events may listen on first: the words of a reply last until
// the next reply.
TEST(ParrotTest, TheWordsOfAReplyOutlastWhatIsHeardAfterIt) {
  Parrot parrot({Encoding::kMuLaw, 8000});
  parrot.TurnStarted({});
  Hear(parrot, 0, 200);
  parrot.Respond({});
  const std::optional<AgentEvent> event = parrot.NextEvent();
  ASSERT_TRUE(event && std::holds_alternative<AgentAudio>(*event));
  Hear(parrot, 200, 250);
  parrot.TurnStarted({});
  Hear(parrot, 0, 250);
  const std::span<const uint8_t> words = std::get<AgentAudio>(*event).audio;
  ASSERT_EQ(words.size(), 200 * 160U);
  for (size_t i = 0; i < words.size(); ++i) ASSERT_EQ(words[i], i / 160);
}

TEST(ParrotTest, ForgetsADiscardedTurn) {
  test::AgentLog log;
  Parrot parrot({Encoding::kMuLaw, 8000});
  Hear(parrot, 0, 10);
  parrot.TurnStarted(Duration::Millis(60));
  Hear(parrot, 10, 20);
  parrot.DiscardTurn();
  parrot.Respond({});
  log.Take(parrot);
  EXPECT_THAT(log.lines, IsEmpty());
}

TEST(ParrotTest, RemembersNoMoreThanItsBound) {
  test::AgentLog log;
  Parrot parrot({Encoding::kMuLaw, 8000});
  parrot.TurnStarted({});
  for (int i = 0; i < Parrot::kMaxTurnMs / 20 + 100; ++i) {
    parrot.Listen(std::vector<uint8_t>(160, 7));
  }
  parrot.Respond({});
  log.Take(parrot);
  EXPECT_EQ(log.audio[1].size(), size_t{Parrot::kMaxTurnMs} * 8);
}

// Wide formats have the same minute as long as it fits.
TEST(ParrotTest, RemembersNoMoreBytesThanItsBound) {
  const std::pair<AudioFormat, size_t> cases[] = {
      {{Encoding::kALaw, 16000}, size_t{60} * 16'000},
      {{Encoding::kLinear16Big, 16000}, Parrot::kMaxTurnBytes},
      {{Encoding::kLinear16, 48000}, Parrot::kMaxTurnBytes}};
  for (const auto& [format, expected] : cases) {
    test::AgentLog log;
    Parrot parrot(format);
    EXPECT_EQ(parrot.traits().input, format);
    EXPECT_EQ(parrot.traits().output, format);
    parrot.TurnStarted({});
    for (int i = 0; i < Parrot::kMaxTurnMs / 100 + 10; ++i) {
      parrot.Listen(std::vector<uint8_t>(BytesOf(format, 100), 7));
    }
    parrot.Respond({});
    log.Take(parrot);
    EXPECT_EQ(log.audio[1].size(), expected);
  }
}

}  // namespace
}  // namespace trunkline::protocol
