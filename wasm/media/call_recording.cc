#include "media/call_recording.h"

#include <algorithm>
#include <string>
#include <utility>

#include "media/caller_audio.h"

namespace trunkline::media {
namespace {

constexpr int kWidestHz = 16'000;

int RecordedHz(const CallRecording::Config& config, int heard_hz) {
  const int rate =
      std::max(config.leg.sample_rate_hz, heard_hz) > 8000 ? kWidestHz : 8000;
  return CallerCleaner::RateFor(config.denoise, Leveling::kOff, rate);
}

audio::Recorder::Config RecorderConfig(const CallRecording::Config& config,
                                       int sample_rate_hz) {
  audio::Recorder::Config recorder;
  recorder.sample_rate_hz = sample_rate_hz;
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

CallRecording::File::Side::Side(int from_hz, int to_hz)
    : resampler_(from_hz, to_hz),
      frame_samples_(CallerAudio::FrameSamples(to_hz)),
      lag_(static_cast<size_t>(resampler_.delay_samples())),
      samples_(3 * frame_samples_),
      taken_(frame_samples_) {}

void CallRecording::File::Side::Put(std::span<const int16_t> frame) {
  const std::span<int16_t> room = std::span(samples_).subspan(size_);
  const size_t count = resampler_.Process(frame, room);
  const size_t lag = std::min(lag_, count);
  lag_ -= lag;
  std::copy(room.begin() + static_cast<ptrdiff_t>(lag),
            room.begin() + static_cast<ptrdiff_t>(count), room.begin());
  size_ += count - lag;
}

std::span<const int16_t> CallRecording::File::Side::Take() {
  const std::span<int16_t> all(samples_);
  std::copy_n(all.begin(), frame_samples_, taken_.begin());
  size_ -= frame_samples_;
  std::copy_n(all.begin() + static_cast<ptrdiff_t>(frame_samples_), size_,
              all.begin());
  return taken_;
}

CallRecording::File::File(const Config& config, int heard_hz)
    : sample_rate_hz_(RecordedHz(config, heard_hz)),
      caller_(config.leg.sample_rate_hz, sample_rate_hz_),
      agent_(heard_hz, sample_rate_hz_),
      caller_samples_(CallerAudio::FrameSamples(config.leg.sample_rate_hz)),
      agent_samples_(CallerAudio::FrameSamples(heard_hz)),
      resamples_(caller_samples_ != agent_samples_ ||
                 caller_samples_ != CallerAudio::FrameSamples(sample_rate_hz_)),
      recorder_(RecorderConfig(config, sample_rate_hz_)),
      cleaner_(config.denoise, Leveling::kOff, sample_rate_hz_) {}

void CallRecording::File::Start(std::string_view title) {
  const std::string comment = "TITLE=" + std::string(title);
  const std::string_view comments[] = {comment};
  Keep(recorder_.Start(comments));
}

void CallRecording::File::OnRecordedFrame(std::span<const int16_t> caller,
                                          std::span<const int16_t> agent) {
  if (!resamples_) {
    Record(caller, agent);
    return;
  }
  caller_.Put(caller);
  agent_.Put(agent);
  ++waiting_;
  while (caller_.ready() && agent_.ready()) {
    --waiting_;
    Record(caller_.Take(), agent_.Take());
  }
}

void CallRecording::File::Record(std::span<const int16_t> caller,
                                 std::span<const int16_t> agent) {
  Keep(recorder_.Process(cleaner_.Process(caller, /*speaks=*/true), agent));
}

void CallRecording::File::Finish() {
  // What the filters still hold.
  if (waiting_ > 0) {
    OnRecordedFrame(std::vector<int16_t>(caller_samples_),
                    std::vector<int16_t>(agent_samples_));
  }
  Keep(recorder_.Finish());
}

void CallRecording::File::AddSilence(int64_t frames) {
  const std::vector<int16_t> silence(
      CallerAudio::FrameSamples(sample_rate_hz_));
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
      file_(config, line_out.heard_track().sample_rate_hz()),
      sides_(config.leg.sample_rate_hz, line_out.heard_track(), file_),
      goes_on_(config.so_far.has_value()) {}

void CallRecording::Start(std::string_view title, Duration age,
                          Instant stream_began) {
  sides_.Begin(stream_began);
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

void CallRecording::Finish(Instant now) {
  sides_.Finish(now);
  file_.Finish();
}

bool CallRecording::paused() const {
  return std::find(pauses_.begin(), pauses_.end(), true) != pauses_.end();
}

bool CallRecording::SetPause(RecordingPause pause, bool paused, Instant now) {
  bool& cause = pauses_[static_cast<size_t>(pause)];
  if (cause == paused) return false;
  cause = paused;
  if (this->paused()) {
    sides_.Mute();
  } else {
    sides_.Unmute(now);
  }
  return true;
}

std::optional<CallRecording::Pages> CallRecording::TakePages() {
  return file_.Take();
}

}  // namespace trunkline::media
