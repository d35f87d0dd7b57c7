#include "media/level_meter.h"

#include <algorithm>

#include "audio/level.h"
#include "media/caller_audio.h"

namespace trunkline::media {
namespace {

// Of a wide track: 20 ms at 48 kHz.
constexpr size_t kMaxSamples = CallerAudio::FrameSamples(48'000);

uint8_t LevelOf(std::span<const int16_t> samples) {
  const auto peak = static_cast<uint32_t>(audio::Peak(samples));
  if (peak == 0) return 0;
  // At most 2^30: the level of a square wave that is as large.
  const int tenths = audio::LevelDbfsTenths(peak * peak);
  return static_cast<uint8_t>(std::clamp(255 + tenths / 4, 0, 255));
}

}  // namespace

void LevelMeter::OnCallerFrame(std::span<const int16_t> samples) {
  caller_[frames_ % kFrames] = LevelOf(samples);
  ++frames_;
}

std::optional<LevelMeter::Reading> LevelMeter::Take(const HeardTrack& heard,
                                                    Instant now) {
  if (frames_ < kFrames) return std::nullopt;
  Reading reading;
  for (size_t i = 0; i < kFrames; ++i) {
    reading.caller[i] = caller_[(frames_ + i) % kFrames];
  }
  frames_ = 0;
  const size_t samples = CallerAudio::FrameSamples(heard.sample_rate_hz());
  std::array<int16_t, kMaxSamples> frame;
  int64_t position =
      heard.PositionAt(now) - static_cast<int64_t>(samples * kFrames);
  for (uint8_t& level : reading.agent) {
    const auto part = std::span<int16_t>(frame).first(samples);
    heard.Read(position, part);
    level = LevelOf(part);
    position += static_cast<int64_t>(samples);
  }
  return reading;
}

}  // namespace trunkline::media
