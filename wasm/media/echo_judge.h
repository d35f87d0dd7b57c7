#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "audio/echo_guard.h"
#include "audio/speech_detector.h"
#include "base/time.h"
#include "media/heard_track.h"
#include "media/rate_branch.h"

namespace trunkline::media {

// Says of the caller's speech whether it is the agent's voice that came back.
//
// The guard learns from every frame, but only speech wants its answer. While an
// echo may come, frames without speech wait, and are worked off together: with
// the next speech, or when kMaxWaiting wait. The answers are those of a guard
// that takes each frame as it comes; the memory that it needs is fetched once
// for many frames.
//
// Allocates nothing after construction; about 8.5 KB.
class EchoJudge {
 public:
  // 160 ms. What is worked off at once costs some 0.1 ms at most.
  static constexpr size_t kMaxWaiting = 8;
  static constexpr size_t kFrameSamples = audio::EchoGuard::kFrameSamples;

  // `heard` is what the caller hears of the agent; it is borrowed for the life
  // of the object.
  explicit EchoJudge(const HeardTrack& heard);

  // Takes the caller's 20 ms that end at `now`, at 8 kHz, and what the detector
  // says of them. Returns whether they are speech that the agent's echo
  // accounts for. Precondition: kFrameSamples samples.
  bool Explains(Instant now, std::span<const int16_t> caller,
                const audio::SpeechDetector::Result& detected);

 private:
  struct Frame {
    std::array<int16_t, kFrameSamples> played;
    std::array<int16_t, kFrameSamples> caller;
  };

  // Keeps the frame that has `begin` as its first sample's position.
  void Keep(int64_t begin, std::span<const int16_t> caller, bool tells_nothing);
  void ReadPlayed(int64_t position, std::span<int16_t, kFrameSamples> out);
  void WorkOff();

  const HeardTrack& heard_;
  // To the guard's rate, where the leg has another.
  RateBranch branch_;
  std::vector<int16_t> wide_;
  audio::EchoGuard guard_;
  size_t waiting_ = 0;
  std::array<Frame, kMaxWaiting> frames_;
  // Of each: nothing was played, and the caller's noise is not in it.
  std::array<bool, kMaxWaiting> tells_nothing_{};
  // Of the last frame that the guard took.
  bool explained_ = false;
};

}  // namespace trunkline::media
