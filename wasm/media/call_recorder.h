#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/caller_audio.h"
#include "media/heard_track.h"

namespace trunkline::media {

// Brings both sides of a call onto one clock: the caller's own, counted in
// frames, and beside each frame what the caller heard while it was spoken.
//
// A frame comes later than it was spoken by its way here; what is sent now is
// heard later by its way there. Both together are the round trip, which the
// marks measure. The way of a frame varies with the network: the shortest one
// seen lately stands for all, so jitter does not move the agent's side; what
// else is learnt of either way, and the drift of the carrier's clock against
// ours, moves it between two replies.
//
// Frames leave at least kLag late, when the round trip of a first reply is
// known, and kBatch of them at a time: the codec's code and tables are fetched
// once for all of them, and not at all for the frames between.
// Allocates nothing after construction.
class CallRecorder {
 public:
  static constexpr Duration kLag = Duration::Millis(500);
  // What leaves together; a frame is late by up to as much more.
  static constexpr Duration kBatch = Duration::Millis(200);
  // How long a shortest way holds before it is measured anew.
  static constexpr Duration kWindow = Duration::Millis(10'000);
  // Lost time that is put back as silence at once; more stays lost.
  static constexpr Duration kMaxCatchUp = Duration::Millis(60'000);
  // Within a reply the agent's side moves only when it is off by more than
  // this.
  static constexpr Duration kJump = Duration::Millis(20);

  class Listener {
   public:
    // 20 ms of both sides, linear, each at its own rate.
    virtual void OnRecordedFrame(std::span<const int16_t> caller,
                                 std::span<const int16_t> agent) = 0;

   protected:
    ~Listener() = default;
  };

  // `caller_hz` is the rate of the caller's frames. `heard` and `listener` are
  // borrowed for the life of the object.
  CallRecorder(int caller_hz, const HeardTrack& heard, Listener& listener);

  // The stream begins anew: the time without one becomes silence.
  void OnStreamStarted(Instant now);
  // A frame of the caller, linear. `round_trip` as far as it is known.
  void OnCallerFrame(std::span<const int16_t> frame, CallerAudio::Source source,
                     Instant now, std::optional<Duration> round_trip);
  // From now on silence stands for both sides, so that the recording's clock
  // stays the call's; MuteHeld reaches back over what is held.
  void Mute() { muted_ = true; }
  void MuteHeld();
  void Unmute() { muted_ = false; }
  // Delivers what is held back.
  void Finish();

  // Frames taken so far, of 20 ms each.
  int64_t frames() const { return frames_; }

 private:
  static constexpr size_t kBatchFrames =
      static_cast<size_t>(kBatch.ms()) / CallerAudio::kFrameMs;
  static constexpr size_t kHeldFrames =
      static_cast<size_t>(kLag.ms()) / CallerAudio::kFrameMs + kBatchFrames;

  void Push(std::span<const int16_t> frame);
  void DeliverOldest();
  void FillSilence(int64_t frames);
  // When frame `index` would have come, spoken now, over the shortest way.
  void MeasureWay(Instant now);

  const size_t frame_samples_;  // of the caller's
  const HeardTrack& heard_;
  Listener& listener_;
  // Up to kHeldFrames frames, the oldest at delivered_ % kHeldFrames.
  std::vector<int16_t> held_;
  std::array<bool, kHeldFrames> held_muted_{};
  bool muted_ = false;
  std::vector<int16_t> agent_;
  std::vector<int16_t> silence_;
  int64_t frames_ = 0;
  int64_t delivered_ = 0;

  // When the first frame's begin would have reached us over the shortest way.
  std::optional<Instant> origin_;
  Instant window_origin_ = Instant::Never();
  int window_frames_ = 0;
  Duration round_trip_;
  // Where the agent's side is read next.
  std::optional<int64_t> agent_position_;
};

}  // namespace trunkline::media
