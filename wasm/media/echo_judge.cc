#include "media/echo_judge.h"

#include <algorithm>

#include "base/check.h"

namespace trunkline::media {
namespace {

constexpr int kGuardHz = audio::EchoGuard::kSampleRateHz;
constexpr int64_t kFrameMs = audio::EchoGuard::kFrameMs;

// A frame of speech tells nothing of the line's noise when it is louder than
// that by 10 dB.
bool IsFarFromNoise(const audio::SpeechDetector::Result& detected) {
  return detected.speech &&
         detected.level_dbfs_tenths > detected.noise_floor_dbfs_tenths + 100;
}

}  // namespace

EchoJudge::EchoJudge(const HeardTrack& heard)
    : heard_(heard), branch_(heard.sample_rate_hz(), kGuardHz) {
  if (heard.sample_rate_hz() == kGuardHz) return;
  wide_.resize(static_cast<size_t>(heard.sample_rate_hz() / 1000 * kFrameMs));
}

bool EchoJudge::Explains(Instant now, std::span<const int16_t> caller,
                         const audio::SpeechDetector::Result& detected) {
  TL_CHECK(caller.size() == kFrameSamples);
  // The way there and back is part of the delay that the guard finds.
  const int64_t begin = heard_.PositionAt(now - Duration::Millis(kFrameMs));
  const bool tells_nothing = heard_.IsSilentFrom(begin) &&
                             (detected.rested || IsFarFromNoise(detected));
  const bool no_echo_comes = waiting_ == 0 && guard_.idle();
  if (no_echo_comes && tells_nothing) {
    guard_.Skip(caller);
    return false;
  }
  Keep(begin, caller, tells_nothing);
  // Where no echo comes, frames that tell of the noise are few: they do not
  // make those wait that tell nothing.
  if (detected.speech || no_echo_comes || waiting_ == kMaxWaiting) WorkOff();
  return detected.speech && explained_;
}

void EchoJudge::Keep(int64_t begin, std::span<const int16_t> caller,
                     bool tells_nothing) {
  tells_nothing_[waiting_] = tells_nothing;
  Frame& frame = frames_[waiting_++];
  ReadPlayed(begin, frame.played);
  std::copy(caller.begin(), caller.end(), frame.caller.begin());
}

void EchoJudge::ReadPlayed(int64_t position,
                           std::span<int16_t, kFrameSamples> out) {
  if (wide_.empty()) {
    heard_.Read(position, out);
    return;
  }
  heard_.Read(position, wide_);
  const std::span<const int16_t> narrow = branch_.Process(wide_);
  std::copy(narrow.begin(), narrow.end(), out.begin());
}

void EchoJudge::WorkOff() {
  for (size_t i = 0; i < waiting_; ++i) {
    const Frame& frame = frames_[i];
    if (tells_nothing_[i] && guard_.idle()) {
      guard_.Skip(frame.caller);
      explained_ = false;
    } else {
      explained_ = guard_.Process(frame.played, frame.caller).explained;
    }
  }
  waiting_ = 0;
}

}  // namespace trunkline::media
