// The longest message that the boundary takes, full of audio, from either side
// of a call, for each pair of formats: its effects fit their arena, and the
// session its memory. A minute of linear 16 at 8 kHz once became more effects
// for an agent of 24 kHz than there was room for: a trap, made by a peer.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "abi/effect_encoder.h"
#include "abi/trunkline.h"
#include "base/base64.h"
#include "media/transcoder.h"
#include "protocol/event_queue.h"
#include "session/session.h"
#include "unit/abi/heap.h"

namespace trunkline::test {
namespace {

using protocol::AgentEvent;
using protocol::AudioFormat;
using protocol::ChannelId;
using protocol::Encoding;
using protocol::ItemId;
using protocol::LegEvent;

// What the makers below make. Registries have functions without a state.
AudioFormat leg_format;
AudioFormat agent_format;

// Audio in binary messages, to and fro.
class PlainLeg final : public protocol::Leg {
 public:
  explicit PlainLeg(protocol::Wire& wire) : wire_(wire) {}
  void OnSocketOpened(std::string_view /*subprotocol*/) override {
    protocol::LegStarted started;
    started.stream_id = "1";
    started.traits.heard = started.traits.spoken = leg_format;
    started.traits.playback = protocol::LegTraits::Playback::kClock;
    events_.Push(started);
  }
  void OnText(std::string_view /*text*/) override {}
  void OnBinary(std::span<const uint8_t> bytes) override {
    events_.Push(protocol::LegAudio{std::nullopt, bytes});
  }
  protocol::LegClose OnSocketClosed(uint16_t /*code*/) override {
    return protocol::LegClose::kHungUp;
  }
  std::optional<LegEvent> NextEvent() override { return events_.Take(); }
  void Play(std::span<const uint8_t> audio) override {
    text_.resize(Base64EncodedSize(audio.size()) + 100, ' ');
    Base64Encode(audio, text_.data());
    wire_.SendText(text_);
  }
  void Mark(protocol::MarkId /*mark*/) override {}
  void Clear() override {}

 private:
  protocol::Wire& wire_;
  protocol::EventQueue<LegEvent, 1> events_;
  std::string text_;
};

// Audio comes in binary messages and goes in base64, with 100 bytes around it.
class PlainAgent final : public protocol::Agent {
 public:
  explicit PlainAgent(protocol::Channels& channels)
      : channels_(channels),
        traits_{.input = agent_format,
                .output = agent_format,
                .turn_detection =
                    protocol::AgentTraits::TurnDetection::kProvider} {}
  const protocol::AgentTraits& traits() const override { return traits_; }
  void Begin() override { channel_ = channels_.Connect({"plain", "/", {}}); }
  void End(std::string_view /*reason*/) override {}
  void OnSocketOpened(ChannelId /*channel*/) override {
    events_.Push(protocol::AgentReady{});
  }
  void OnBinary(ChannelId /*channel*/,
                std::span<const uint8_t> bytes) override {
    events_.Push(protocol::AgentAudio{ItemId{1}, bytes});
  }
  std::optional<AgentEvent> NextEvent() override { return events_.Take(); }
  void Listen(std::span<const uint8_t> audio) override {
    text_.resize(Base64EncodedSize(audio.size()) + 100, ' ');
    Base64Encode(audio, text_.data());
    channels_.SendText(*channel_, text_);
  }
  void TurnStarted(Duration /*ago*/) override {}
  void Respond(Duration /*ago*/) override {}
  void Say(std::string_view /*text*/) override {}
  void DiscardTurn() override {}
  void Cancel() override {}
  int64_t Truncate(ItemId /*item*/, int64_t heard_ms) override {
    return heard_ms;
  }
  void ToolResult(std::string_view /*tool_call_id*/,
                  std::string_view /*output*/) override {}
  std::string_view item_name(ItemId /*item*/) const override { return "i"; }

 private:
  protocol::Channels& channels_;
  const protocol::AgentTraits traits_;
  std::optional<ChannelId> channel_;
  protocol::EventQueue<AgentEvent, 1> events_;
  std::string text_;
};

constexpr protocol::LegEntry kLegs[] = {
    {"plain", [](protocol::Wire& wire) -> std::unique_ptr<protocol::Leg> {
       return std::make_unique<PlainLeg>(wire);
     }}};

std::unique_ptr<protocol::Agent> MakePlainAgent(
    // NOLINTNEXTLINE(performance-unnecessary-value-param): AgentEntry's.
    protocol::AgentSettings /*settings*/, protocol::Channels& channels) {
  return std::make_unique<PlainAgent>(channels);
}

constexpr AudioFormat kFormats[] = {
    {Encoding::kMuLaw, 8000},     {Encoding::kALaw, 16000},
    {Encoding::kLinear16, 8000},  {Encoding::kLinear16Big, 16000},
    {Encoding::kLinear16, 24000}, {Encoding::kLinear16, 48000}};

// A tone that comes and goes.
std::vector<uint8_t> Audio(AudioFormat format, size_t bytes) {
  std::vector<int16_t> samples(bytes /
                               protocol::BytesPerSample(format.encoding));
  for (size_t i = 0; i < samples.size(); ++i) {
    const double t =
        static_cast<double>(i) / static_cast<double>(format.sample_rate_hz);
    samples[i] =
        static_cast<int16_t>(9000 * std::sin(2000 * t) * std::sin(4 * t));
  }
  std::vector<uint8_t> audio(samples.size() *
                             protocol::BytesPerSample(format.encoding));
  media::EncodeAudio(format.encoding, samples, audio);
  return audio;
}

class BiggestMessageTest
    : public testing::TestWithParam<std::tuple<AudioFormat, AudioFormat>> {
 protected:
  void Begin(const char* agent) {
    std::tie(leg_format, agent_format) = GetParam();
    before = heap.most_bytes = heap.bytes;
    effects = std::make_unique<abi::EffectEncoder>();
    const protocol::AgentEntry agents[] = {{"plain", MakePlainAgent},
                                           protocol::Agents()[0]};
    const protocol::Registry registry{kLegs, agents};
    auto config = session::ParseConfig(
        std::string(R"({"callId":"c","leg":"plain","agent":")") + agent +
            R"(","profile":{"recording":"on"},"limits":{"leadMs":1000}})",
        registry);
    ASSERT_TRUE(config);
    session = std::make_unique<session::Session>(std::move(*config), At(),
                                                 *effects, registry);
    session->OnOpened(protocol::kLegChannel, "", At());
    Drain();
    session->OnAuthorized(session::Verdict::kGranted, At());
    Drain();
    session->OnOpened(ChannelId{1}, "", At());
    Drain();
    ASSERT_EQ(session->state(), session::State::kListening);
  }
  Instant At() const {
    return Instant::Micros(1'000'000 + static_cast<uint64_t>(ms) * 1000);
  }
  void Drain() {
    most_effects = std::max(most_effects, effects->pending().size());
    effects->Consume(effects->pending().size());
  }
  void TearDown() override {
    const size_t held = heap.most_bytes - before;
    session.reset();
    effects.reset();
    // What the module has beside its heap: stack, tables, inbox.
    EXPECT_LE(held, size_t{16} * 1024 * 1024 - 262'144 - 131'072 -
                        TL_MAX_INPUT_BYTES);
    std::printf(
        "measured: the biggest messages, %s %d to %s %d: %zu KB of "
        "effects, %zu KB held\n",
        ToString(leg_format.encoding), leg_format.sample_rate_hz,
        ToString(agent_format.encoding), agent_format.sample_rate_hz,
        most_effects / 1024, held / 1024);
  }

  int64_t ms = 0;
  size_t before = 0;
  size_t most_effects = 0;
  std::unique_ptr<abi::EffectEncoder> effects;
  std::unique_ptr<session::Session> session;
};

TEST_P(BiggestMessageTest, FromTheLegAndFromTheAgent) {
  Begin("plain");
  const std::vector<uint8_t> said = Audio(leg_format, TL_MAX_INPUT_BYTES);
  const std::vector<uint8_t> reply = Audio(agent_format, TL_MAX_INPUT_BYTES);
  for (int i = 0; i < 2; ++i) {
    ms += 10'000;
    session->OnBinary(protocol::kLegChannel, said, At());
    Drain();
    EXPECT_FALSE(session->ended());
  }
  // Until the queue refuses them.
  for (int i = 0; i < 5; ++i) {
    session->OnBinary(ChannelId{1}, reply, At());
    Drain();
    EXPECT_FALSE(session->ended());
  }
  for (int i = 0; i < 100; ++i) {
    ms += 20;
    session->OnBinary(
        protocol::kLegChannel,
        std::span<const uint8_t>(said).first(protocol::BytesOf(leg_format, 20)),
        At());
    Drain();
  }
  EXPECT_FALSE(session->ended());
}

INSTANTIATE_TEST_SUITE_P(Formats, BiggestMessageTest,
                         testing::Combine(testing::ValuesIn(kFormats),
                                          testing::ValuesIn(kFormats)));

class LongestTurnTest : public BiggestMessageTest {};

// The parrot keeps what it hears in the leg's format, and says it.
TEST_P(LongestTurnTest, OfTheParrot) {
  std::tie(leg_format, agent_format) = GetParam();
  Begin("parrot");
  const std::vector<uint8_t> said =
      Audio(leg_format, protocol::BytesOf(leg_format, 10'000));
  for (int turn = 0; turn < 2; ++turn) {
    for (int i = 0; i < 7; ++i) {
      ms += 10'000;
      session->OnBinary(protocol::kLegChannel, said, At());
      Drain();
    }
    const std::vector<uint8_t> silence =
        std::vector<uint8_t>(protocol::BytesOf(leg_format, 2'000),
                             media::SilenceByte(leg_format.encoding));
    ms += 2000;
    session->OnBinary(protocol::kLegChannel, silence, At());
    Drain();
    EXPECT_FALSE(session->ended());
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, LongestTurnTest,
                         testing::Combine(testing::ValuesIn(kFormats),
                                          testing::Values(AudioFormat{
                                              Encoding::kMuLaw, 8000})));

}  // namespace
}  // namespace trunkline::test
