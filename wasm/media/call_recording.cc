#include "media/call_recording.h"

#include <algorithm>
#include <string>
#include <utility>

namespace trunkline::media {
namespace {

audio::Recorder::Config RecorderConfig(const CallRecording::Config& config) {
  audio::Recorder::Config recorder;
  recorder.sample_rate_hz = config.leg.sample_rate_hz;
  recorder.serial = config.serial;
  if (config.so_far) {
    recorder.serial = config.so_far->serial;
    recorder.pages_before = config.so_far->pages;
    recorder.granule_before = config.so_far->granule;
  }
  return recorder;
}

}  // namespace

const char* ToString(RecordingPause pause) {
  switch (pause) {
    case RecordingPause::kConsent:
      return "consent";
    case RecordingPause::kCommand:
      return "command";
    case RecordingPause::kDigits:
      return "digits";
  }
  return "unknown";
}

CallRecording::File::File(const Config& config)
    : frame_samples_(static_cast<size_t>(config.leg.sample_rate_hz / 1000) *
                     CallerAudio::kFrameMs),
      recorder_(RecorderConfig(config)),
      cleaner_(config.denoise, Leveling::kOff) {}

void CallRecording::File::Start(std::string_view title) {
  const std::string comment = "TITLE=" + std::string(title);
  const std::string_view comments[] = {comment};
  Keep(recorder_.Start(comments));
}

void CallRecording::File::OnRecordedFrame(std::span<const int16_t> caller,
                                          std::span<const int16_t> agent) {
  Keep(recorder_.Process(cleaner_.Process(caller, /*speaks=*/true), agent));
}

void CallRecording::File::AddSilence(int64_t frames) {
  const std::vector<int16_t> silence(frame_samples_);
  for (; frames > 0; --frames) Keep(recorder_.Process(silence, silence));
}

void CallRecording::File::Keep(std::span<const uint8_t> pages) {
  if (pages.empty()) return;
  pages_.push_back(
      {recorder_.frames() * static_cast<int64_t>(kGranulesPerFrame),
       {pages.begin(), pages.end()}});
}

std::optional<CallRecording::Pages> CallRecording::File::Take() {
  if (taken_ == pages_.size()) {
    pages_.clear();
    taken_ = 0;
    return std::nullopt;
  }
  return std::move(pages_[taken_++]);
}

CallRecording::CallRecording(const Config& config, const LineOut& line_out)
    : line_out_(line_out),
      file_(config),
      sides_(config.leg, line_out.heard_track(), file_),
      goes_on_(config.so_far.has_value()) {}

void CallRecording::Start(std::string_view title, Duration age) {
  if (!goes_on_) {
    file_.Start(title);
    return;
  }
  // Silence for the time since the former session's last page.
  const Duration missing =
      std::min(age - Duration::Millis(file_ms()), CallRecorder::kMaxCatchUp);
  constexpr int kFrameMs = CallerAudio::kFrameMs;
  file_.AddSilence((missing.ms() + kFrameMs / 2) / kFrameMs);
}

void CallRecording::OnCallerFrame(const CallerPath::Frame& frame, Instant now) {
  sides_.OnCallerFrame(frame.samples, frame.source, now,
                       line_out_.round_trip());
}

void CallRecording::Finish() {
  sides_.Finish();
  file_.Finish();
}

bool CallRecording::paused() const {
  return std::find(pauses_.begin(), pauses_.end(), true) != pauses_.end();
}

bool CallRecording::SetPause(RecordingPause pause, bool paused) {
  bool& cause = pauses_[static_cast<size_t>(pause)];
  if (cause == paused) return false;
  cause = paused;
  if (this->paused()) {
    sides_.Mute();
  } else {
    sides_.Unmute();
  }
  return true;
}

std::optional<CallRecording::Pages> CallRecording::TakePages() {
  return file_.Take();
}

}  // namespace trunkline::media
