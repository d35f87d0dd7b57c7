#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/caller_audio.h"
#include "media/heard_track.h"

namespace trunkline::media {

// Brings both sides of a call onto one clock: the call's own, which is time as
// it passes here. It is counted in frames, and beside each frame of the caller
// lies what he heard while he spoke it.
//
// A frame comes later than it was spoken by its way here; what is sent now is
// heard later by its way there. Both together are the round trip, which the
// marks measure. The way of a frame varies with the network: the shortest one
// seen lately stands for all, so jitter does not move the agent's side; what
// else is learnt of either way, and the drift of the carrier's clock against
// ours, moves it between two replies. The drift is followed up to kMostDrift;
// what is more becomes, slowly, a frame of the caller's that is put in or left
// out where he is quiet.
//
// When frames stay out, nobody knows whether they are lost or late. What the
// agent says meanwhile is kept for kMostWaiting; then the caller's side is
// silent, and the file goes on. When frames come again, they are on time after
// a while (they were late, and take the place that is theirs, or are dropped
// when it has silence already), or all of them stay late: then as much time is
// missing before the first of them, and becomes silence, whether timestamps
// tell of it or not.
//
// When frames come, but fewer than time passes, time runs ahead of them. What
// is held up is here again within kHoldUp: the least by which any of so long
// was late is lost, if it is kLeastLoss, and becomes silence before what is not
// written yet. So the caller's side is early by no more than kLeastLoss and
// what was lost in kHoldUp and kPace, and the file by nothing: it ends with the
// call. The agent's side waits for the caller's only as long as his audio is
// known: it is always where and as long as it was heard.
//
// Frames leave at least kLag late, when the round trip of a first reply is
// known, and kBatch of them at a time: the codec's code and tables are fetched
// once for all of them, and not at all for the frames between.
// Allocates nothing after construction but when frames stay out or are lost.
class CallRecorder {
 public:
  static constexpr Duration kLag = Duration::Millis(500);
  // What leaves together; a frame is late by up to as much more.
  static constexpr Duration kBatch = Duration::Millis(200);
  // How long a shortest way holds before it is measured anew.
  static constexpr Duration kWindow = Duration::Millis(10'000);
  // Lost time that is put back as silence at once; what is more follows.
  static constexpr Duration kMaxCatchUp = Duration::Millis(60'000);
  // Frames have stayed out when none came for so long: longer than a message
  // of the carrier.
  static constexpr Duration kStall = Duration::Millis(250);
  // OnTime() is to be called so long after the last frame, and every kTick from
  // then on. Not earlier, so that a deadline that frames move all the time
  // wakes nobody more often than others of its kind.
  static constexpr Duration kWake = Duration::Millis(750);
  static constexpr Duration kTick = Duration::Millis(200);
  // How long the agent's side waits for the caller's: TCP's second repetition
  // of what was lost is over by then.
  static constexpr Duration kMostWaiting = Duration::Millis(3'000);
  // In which frames that come again show whether they are late, and by how much
  // they may seem early because a message holds several.
  static constexpr Duration kDecide = Duration::Millis(200);
  static constexpr Duration kLongestMessage = Duration::Millis(240);
  // Less than this is the network's jitter.
  static constexpr Duration kLeastGap = Duration::Millis(60);
  // Frames that come, and are all late for so long, do not make up for it.
  static constexpr Duration kHoldUp = Duration::Millis(2'000);
  // How often they are looked at.
  static constexpr size_t kPaces = 4;
  static constexpr Duration kPace = kHoldUp / kPaces;
  // By so much they may be late without anything being taken for lost before
  // kWindow is over: a way that has become longer for a while.
  static constexpr Duration kLeastLoss = Duration::Millis(200);
  // By so much the file may be shorter or longer than the time that passed,
  // because of a clock that is slower or faster than ours: 100 ppm, as of bad
  // crystals, are 25 minutes.
  static constexpr Duration kMostDrift = Duration::Millis(150);
  // A frame that is put in or left out is one in whose place or beside which no
  // sample is louder than this, -40 dBFS.
  static constexpr int kQuiet = 328;
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

  // When the first stream began, which is where the recording begins.
  void Begin(Instant stream_began);
  // The stream begins anew: the time without one becomes silence.
  void OnStreamStarted(Instant now);
  // A frame of the caller, linear. `round_trip` as far as it is known.
  void OnCallerFrame(std::span<const int16_t> frame, CallerAudio::Source source,
                     Instant now, std::optional<Duration> round_trip);
  // Time has passed, and maybe no frame has come. Due while none comes alone.
  void OnTime(Instant now);
  // From now on silence stands for both sides, so that the recording's clock
  // stays the call's; MuteHeld reaches back over what is held. What was spoken
  // or heard before Unmute() stays out of it, whenever it comes.
  void Mute() { muted_ = true; }
  void MuteHeld();
  void Unmute(Instant now);
  // Delivers what is held back. The file is as long as the call, also when
  // frames stayed out at its end.
  void Finish(Instant now);

  // Frames taken so far, of 20 ms each.
  int64_t frames() const { return frames_; }
  // The caller's, that came when silence stood in their place.
  uint64_t late_frames() const { return late_frames_; }

 private:
  static constexpr size_t kBatchFrames =
      static_cast<size_t>(kBatch.ms()) / CallerAudio::kFrameMs;
  static constexpr size_t kHeldFrames =
      static_cast<size_t>(kLag.ms()) / CallerAudio::kFrameMs + kBatchFrames;

  static constexpr size_t kWaitingFrames =
      static_cast<size_t>(kMostWaiting.ms()) / CallerAudio::kFrameMs;

  // Frames that come again after a time without any.
  struct Return {
    // The first of those that are no part of a burst, and by how much it was
    // late.
    int64_t first_frame;
    Duration first_late;
    // The least by which one was late.
    Duration least_late;
    Instant since;
  };

  void Push(std::span<const int16_t> frame, bool muted);
  bool IsMuted(int64_t index) const { return muted_ || index < muted_until_; }
  void DeliverOldest();
  // What was heard beside frame `index`, in agent_; each is read once, in
  // order.
  void ReadAgent(int64_t index, bool muted);
  void KeepAgent();
  int16_t* KeptAgent(int64_t index);
  int64_t waiting() const { return agent_read_ - delivered_; }
  void FillSilence(int64_t frames);
  // How much later frame `frames_` comes than over the shortest way, if it
  // comes now; 0 before it is known when the stream began.
  Duration LateNow(Instant now) const;
  // Whether the frame that has come belongs where silence is.
  bool IsTooLate(std::span<const int16_t> frame, CallerAudio::Source source,
                 Instant now);
  void WatchReturn(Instant now);
  // Puts silence before frame `index` and those behind it, for what did not
  // come.
  void InsertSilence(int64_t index, int64_t frames);
  // Looks for frames that come, but fewer than time passes.
  void WatchPace(Instant now);
  void MeasureWay(Instant now);
  void MeasureDrift();
  // Frames before the ones that come were put in, or left out.
  void Recount(int64_t frames);
  // Reads what of the agent would otherwise be forgotten. When he has waited
  // for the caller's frames for as long as he does, silence stands for these,
  // or those that come are waited for.
  enum class WhenFull : uint8_t { kFillSilence, kWait };
  void KeepUp(Instant now, WhenFull when_full);

  const size_t frame_samples_;  // of the caller's
  const HeardTrack& heard_;
  Listener& listener_;
  // Up to kHeldFrames frames, the oldest at delivered_ % kHeldFrames.
  std::vector<int16_t> held_;
  std::array<bool, kHeldFrames> held_muted_{};
  bool muted_ = false;
  // Frames before this one are muted as well.
  int64_t muted_until_ = 0;
  std::vector<int16_t> agent_;
  std::vector<int16_t> silence_;
  int64_t frames_ = 0;
  int64_t delivered_ = 0;
  // What was heard beside the frames from delivered_ to agent_read_, which the
  // caller's do not fill yet; a frame's place is its index's.
  std::unique_ptr<int16_t[]> agent_kept_;
  int64_t agent_read_ = 0;
  // Frames of silence that stand for what did not come: while frames stay out,
  // and since they came again or were fewer than they should be.
  int64_t ahead_ = 0;
  int64_t made_up_ = 0;
  uint64_t late_frames_ = 0;

  // When the first frame's begin would have reached us over the shortest way.
  std::optional<Instant> origin_;
  Instant window_origin_ = Instant::Never();
  int window_frames_ = 0;
  // The same of each kPace, the latest at pace_; since when that is measured.
  std::array<Instant, kPaces> paces_{};
  size_t pace_ = 0;
  Instant pace_since_;
  // What origin_ was when the way was first known, and a window ago.
  std::optional<Instant> first_origin_;
  Instant last_origin_;
  enum class Slip : uint8_t { kNone, kPutIn, kLeaveOut };
  Slip slip_ = Slip::kNone;
  // When the last frame came; none yet.
  std::optional<Instant> last_came_;
  bool any_came_ = false;
  std::optional<Return> return_;
  Duration round_trip_;
  // Where the agent's side is read next.
  std::optional<int64_t> agent_position_;
};

}  // namespace trunkline::media
