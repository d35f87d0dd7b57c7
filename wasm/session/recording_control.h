#pragma once

#include <memory>

#include "media/call_recording.h"
#include "media/caller_path.h"
#include "media/line_out.h"
#include "session/call_context.h"

namespace trunkline::session {

// Whether a call is recorded, when not, and the way of its pages to the shim.
// Owns the timers kDigits and kRecorder. A call that is not recorded has one
// that does nothing.
class RecordingControl {
 public:
  // After the last digit that the caller entered, the recording goes on.
  static constexpr Duration kDigitsPause = Duration::Millis(3'000);

  explicit RecordingControl(CallContext& context) : context_(context) {}
  RecordingControl(const RecordingControl&) = delete;
  RecordingControl& operator=(const RecordingControl&) = delete;

  bool active() const { return recording_ != nullptr; }

  // Begins it, if the profile wants it. `line` is borrowed from now on;
  // `stream_began` is where the recording's time begins.
  void Begin(protocol::AudioFormat leg_format, const media::LineOut& line,
             Instant stream_began);
  // A stream of the same call begins anew.
  void OnStreamStarted();
  void OnCallerFrame(const media::CallerPath::Frame& frame);
  // The caller entered a digit: it is not recorded unless the profile says so.
  void OnDigit();
  // The caller's frames stay out.
  void OnTime();
  void OnDigitsTimeout() { SetPause(media::RecordingPause::kDigits, false); }
  void SetPause(media::RecordingPause pause, bool paused);
  // Writes what is left.
  void Finish();
  uint64_t late_frames() const {
    return recording_ ? recording_->late_frames() : 0;
  }

 private:
  void SendPages();

  CallContext& context_;
  std::unique_ptr<media::CallRecording> recording_;
};

}  // namespace trunkline::session
