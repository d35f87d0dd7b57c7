#include "session/recording_control.h"

#include <utility>

namespace trunkline::session {

using media::RecordingPause;
using media::RecordingPauses;

void RecordingControl::Begin(protocol::AudioFormat leg_format,
                             const media::LineOut& line, Instant stream_began) {
  const Config& config = context_.config();
  if (config.profile.recording == Config::Recording::kOff) return;
  const auto& so_far = config.recording_so_far;
  recording_ = std::make_unique<media::CallRecording>(
      media::CallRecording::Config{leg_format,
                                   config.profile.denoise_for_recording,
                                   static_cast<uint32_t>(config.seed), so_far},
      line);
  const Duration since_opened = stream_began - context_.opened_at();
  recording_->Start(config.call_id,
                    so_far ? so_far->age + since_opened : since_opened,
                    stream_began);
  context_.SetTimer(Timer::kRecorder, media::CallRecorder::kWake);
  SendPages();
  Json event = context_.NewEvent("recordingStarted");
  event["startMs"] = since_opened.ms();
  event["fileMs"] = recording_->file_ms();
  context_.Emit(event);
  RecordingPauses pauses{};
  pauses[static_cast<size_t>(RecordingPause::kConsent)] =
      config.profile.recording == Config::Recording::kOnConsent;
  if (so_far) pauses = so_far->pauses;
  for (size_t i = 0; i < pauses.size(); ++i) {
    if (pauses[i]) SetPause(static_cast<RecordingPause>(i), true);
  }
}

void RecordingControl::OnStreamStarted() {
  if (!recording_) return;
  recording_->OnStreamStarted(context_.now());
  SendPages();
}

void RecordingControl::OnCallerFrame(const media::CallerPath::Frame& frame) {
  if (!recording_) return;
  if (frame.source == media::CallerAudio::Source::kCarrier) {
    context_.SetTimer(Timer::kRecorder, media::CallRecorder::kWake);
  }
  recording_->OnCallerFrame(frame, context_.now());
  SendPages();
}

void RecordingControl::OnTime() {
  if (!recording_) return;
  context_.SetTimer(Timer::kRecorder, media::CallRecorder::kTick);
  recording_->OnTime(context_.now());
  SendPages();
}

void RecordingControl::OnDigit() {
  if (!recording_ ||
      context_.config().profile.record_digits == Config::RecordDigits::kYes) {
    return;
  }
  // The digit's tone came before its message.
  recording_->MuteHeld();
  SetPause(RecordingPause::kDigits, true);
}

void RecordingControl::SetPause(RecordingPause pause, bool paused) {
  if (!recording_) return;
  if (pause == RecordingPause::kDigits) {
    if (paused) {
      context_.SetTimer(Timer::kDigits, kDigitsPause);
    } else {
      context_.ClearTimer(Timer::kDigits);
    }
  }
  if (!recording_->SetPause(pause, paused, context_.now())) return;
  Json causes = Json::array();
  for (size_t i = 0; i < recording_->pauses().size(); ++i) {
    if (recording_->pauses()[i]) {
      causes.push_back(ToString(static_cast<RecordingPause>(i)));
    }
  }
  Json event = context_.NewEvent("recording");
  event["state"] = causes.empty() ? "on" : "paused";
  event["pauses"] = std::move(causes);
  context_.Emit(event);
}

void RecordingControl::Finish() {
  if (!recording_) return;
  recording_->Finish(context_.now());
  SendPages();
}

void RecordingControl::SendPages() {
  while (const auto pages = recording_->TakePages()) {
    context_.sink().Record(pages->granule, pages->bytes);
  }
}

}  // namespace trunkline::session
