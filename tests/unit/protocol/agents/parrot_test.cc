#include "protocol/agents/parrot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace trunkline::protocol {
namespace {

class Listener final : public AgentListener {
 public:
  void OnAgentReady() override { ready = true; }
  void OnAgentSpeechStarted() override {}
  void OnAgentSpeechStopped() override {}
  void OnAgentTurnCommitted() override {}
  void OnAgentTranscript(Role, std::string_view, std::string_view,
                         TranscriptState) override {}
  void OnAgentAudio(ItemId item, std::span<const uint8_t> bytes) override {
    last_item = item;
    audio.assign(bytes.begin(), bytes.end());
  }
  void OnAgentToolCall(std::string_view, std::string_view,
                       std::string_view) override {}
  void OnAgentReplyDone(ReplyEnd, AfterReply, const Usage&) override {
    ++replies;
  }
  void OnAgentFailed(Loss, std::string_view) override {}
  void OnAgentFault(Fault) override {}
  bool ready = false;
  int replies = 0;
  ItemId last_item{};
  std::vector<uint8_t> audio;
};

// Frame number n is 160 bytes of n.
void Hear(Parrot& parrot, int from, int to) {
  for (int n = from; n < to; ++n) {
    parrot.Listen(std::vector<uint8_t>(160, static_cast<uint8_t>(n)));
  }
}

TEST(ParrotTest, RepeatsTheTurnWithItsMarginsAndNothingElse) {
  Listener listener;
  Parrot parrot({Encoding::kMuLaw, 8000}, listener);
  parrot.Begin();
  EXPECT_TRUE(listener.ready);
  Hear(parrot, 0, 100);
  parrot.TurnStarted(Duration::Millis(60));  // in frame 97
  Hear(parrot, 100, 140);
  parrot.Respond(Duration::Millis(400));  // after frame 119
  // 20 ms before and 120 ms after.
  ASSERT_EQ(listener.audio.size(), (119 - 97 + 1 + 1 + 6) * 160U);
  EXPECT_EQ(listener.audio.front(), 97 - 1);
  EXPECT_EQ(listener.audio.back(), 119 + 6);
  EXPECT_EQ(parrot.item_name(listener.last_item), "parrot-1");
  // Asked twice, it has nothing more to say.
  parrot.Respond({});
  EXPECT_EQ(listener.replies, 1);
}

TEST(ParrotTest, ForgetsADiscardedTurn) {
  Listener listener;
  Parrot parrot({Encoding::kMuLaw, 8000}, listener);
  Hear(parrot, 0, 10);
  parrot.TurnStarted(Duration::Millis(60));
  Hear(parrot, 10, 20);
  parrot.DiscardTurn();
  parrot.Respond({});
  EXPECT_EQ(listener.replies, 0);
}

TEST(ParrotTest, RemembersNoMoreThanItsBound) {
  Listener listener;
  Parrot parrot({Encoding::kMuLaw, 8000}, listener);
  parrot.TurnStarted({});
  for (int i = 0; i < Parrot::kMaxTurnMs / 20 + 100; ++i) {
    parrot.Listen(std::vector<uint8_t>(160, 7));
  }
  parrot.Respond({});
  EXPECT_EQ(listener.audio.size(), size_t{Parrot::kMaxTurnMs} * 8);
}

}  // namespace
}  // namespace trunkline::protocol
