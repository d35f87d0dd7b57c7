// Recordings of callers and legs of every width: both sides stay where they
// were.

#include "media/call_recording.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "audio/resampler.h"
#include "support/audio_signals.h"
#include "support/ogg_opus.h"

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;

constexpr Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(ms) * 1000);
}

// Of 8 kHz at another rate, in its place.
std::vector<int16_t> AtRate(const std::vector<int16_t>& narrow, int rate) {
  audio::Resampler resampler(8000, rate);
  const auto lag = static_cast<size_t>(resampler.delay_samples());
  std::vector<int16_t> padded = narrow;
  padded.resize(narrow.size() + 160);
  std::vector<int16_t> wide(resampler.MaxOutputSamples(padded.size()));
  wide.resize(resampler.Process(padded, wide));
  wide.erase(wide.begin(), wide.begin() + static_cast<ptrdiff_t>(lag));
  wide.resize(narrow.size() * static_cast<size_t>(rate) / 8000);
  return wide;
}

// By how many samples `track` lags behind `truth`.
int LagOf(const std::vector<int16_t>& track,
          const std::vector<int16_t>& truth) {
  int best_lag = 0;
  double best = 0;
  for (int lag = -64; lag <= 64; ++lag) {
    double sum = 0;
    for (ptrdiff_t i = 8000; i < 40'000; ++i) {
      sum += static_cast<double>(track.begin()[i + lag]) * truth.begin()[i];
    }
    if (sum > best) {
      best = sum;
      best_lag = lag;
    }
  }
  return best_lag;
}

class RecordedRatesTest
    : public testing::TestWithParam<std::tuple<int, int, Denoising>> {};

TEST_P(RecordedRatesTest, BothSidesStayWhereTheyWere) {
  const auto [heard_hz, spoken_hz, denoise] = GetParam();
  const AudioFormat heard{Encoding::kLinear16, heard_hz};
  const AudioFormat spoken{Encoding::kLinear16, spoken_hz};
  const std::vector<int16_t> caller = test::VoiceSignal(24'000, -200, 3);
  const std::vector<int16_t> agent = test::VoiceSignal(24'000, -200, 8);
  const std::vector<int16_t> caller_wide = AtRate(caller, heard_hz);
  const std::vector<int16_t> agent_wide = AtRate(agent, spoken_hz);
  protocol::LegTraits traits;
  traits.heard = heard;
  traits.spoken = spoken;
  LineOut line({spoken, traits, Duration::Millis(200), Duration::Millis(160)});
  CallRecording recording({heard, denoise, 1, std::nullopt}, line);
  recording.Start("call", Duration(), At(1000));
  std::vector<uint8_t> agent_bytes(agent_wide.size() * 2);
  EncodeAudio(spoken.encoding, agent_wide, agent_bytes);
  line.Append(protocol::ItemId{1}, agent_bytes);
  line.EndReply();
  // Both begin at 0, and nothing is far.
  const auto frame = static_cast<size_t>(heard_hz / 50);
  for (int64_t ms = 0; ms < 3000; ms += 20) {
    while (line.Next(At(1000 + ms))) {
    }
    CallerPath::Frame spoke;
    spoke.samples = std::span(caller_wide)
                        .subspan(static_cast<size_t>(ms / 20) * frame, frame);
    recording.OnCallerFrame(spoke, At(1000 + ms + 20));
  }
  recording.Finish(At(4000));
  EXPECT_EQ(recording.file_ms(), 3000);
  std::vector<uint8_t> file;
  while (const auto pages = recording.TakePages()) {
    file.insert(file.end(), pages->bytes.begin(), pages->bytes.end());
  }
  const auto tracks = test::DecodeRecording(file, 16000);
  ASSERT_EQ(tracks[0].size(), 48'000U);
  ASSERT_EQ(tracks[1].size(), 48'000U);
  // Half a millisecond: what Opus and the rounding of delays do. The denoiser
  // lags by 10 ms.
  if (denoise == Denoising::kOff) {
    EXPECT_NEAR(LagOf(tracks[0], AtRate(caller, 16000)), 0, 8);
  }
  EXPECT_NEAR(LagOf(tracks[1], AtRate(agent, 16000)), 0, 8);
}

INSTANTIATE_TEST_SUITE_P(
    Rates, RecordedRatesTest,
    testing::Combine(testing::Values(8000, 16000, 24000, 48000),
                     testing::Values(8000, 16000, 24000, 48000),
                     testing::Values(Denoising::kOff, Denoising::kLight)),
    [](const auto& test) {
      return std::to_string(std::get<0>(test.param) / 1000) + "_" +
             std::to_string(std::get<1>(test.param) / 1000) +
             (std::get<2>(test.param) == Denoising::kOff ? "" : "_denoised");
    });

// What is muted at 48 kHz is silent in the file, but for what the filter
// spreads.
TEST(CallRecordingTest, APauseOfAWideRecordingIsSilent) {
  const AudioFormat format{Encoding::kLinear16, 48000};
  protocol::LegTraits traits;
  traits.heard = traits.spoken = format;
  const LineOut line(
      {format, traits, Duration::Millis(200), Duration::Millis(160)});
  CallRecording recording({format, Denoising::kOff, 1, std::nullopt}, line);
  recording.Start("call", Duration(), At(1000));
  const std::vector<int16_t> voice =
      AtRate(test::VoiceSignal(24'000, -200, 3), 48000);
  for (int64_t ms = 0; ms < 3000; ms += 20) {
    if (ms == 1000)
      recording.SetPause(RecordingPause::kCommand, true, At(1000 + ms));
    if (ms == 2000)
      recording.SetPause(RecordingPause::kCommand, false, At(1000 + ms));
    CallerPath::Frame spoke;
    spoke.samples =
        std::span(voice).subspan(static_cast<size_t>(ms / 20) * 960, 960);
    recording.OnCallerFrame(spoke, At(1000 + ms + 20));
  }
  recording.Finish(At(4000));
  std::vector<uint8_t> file;
  while (const auto pages = recording.TakePages()) {
    file.insert(file.end(), pages->bytes.begin(), pages->bytes.end());
  }
  const auto tracks = test::DecodeRecording(file, 16000);
  ASSERT_EQ(tracks[0].size(), 48'000U);
  const auto loudest = [&](size_t from_ms, size_t to_ms) {
    int most = 0;
    for (size_t i = from_ms * 16; i < to_ms * 16; ++i) {
      most = std::max(most, std::abs(int{tracks[0][i]}));
    }
    return most;
  };
  EXPECT_GT(loudest(500, 990), 1000);
  EXPECT_LT(loudest(1100, 1990), 30);
  EXPECT_GT(loudest(2100, 2900), 1000);
}

}  // namespace
}  // namespace trunkline::media
