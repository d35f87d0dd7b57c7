#include "media/caller_path.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;

// What goes to the agent is not companded once more when it was cleaned.
AudioFormat CleanedFormat(AudioFormat leg, const CallerCleaner& cleaner) {
  if (cleaner.active()) leg.encoding = Encoding::kLinear16;
  return leg;
}

}  // namespace

CallerPath::CallerPath(const Config& config, const HeardTrack& heard)
    : config_(config),
      heard_(heard),
      caller_audio_(config.leg),
      gap_concealer_(config.leg.sample_rate_hz),
      cleaner_(config.denoise, config.level),
      to_agent_(CleanedFormat(config.leg, cleaner_), config.agent),
      samples_(protocol::BytesOf(config.leg, CallerAudio::kFrameMs) /
               protocol::BytesPerSample(config.leg.encoding)),
      played_(samples_.size()),
      concealed_(protocol::BytesOf(config.leg, CallerAudio::kFrameMs)) {
  // INVARIANT: no leg starts with another rate.
  TL_CHECK(config.leg.sample_rate_hz == 8000);
  if (config.echo_guarding == EchoGuarding::kOn) echo_guard_.emplace();
  if (cleaner_.active()) {
    cleaned_.resize(protocol::BytesOf(CleanedFormat(config.leg, cleaner_),
                                      CallerAudio::kFrameMs));
  }
}

void CallerPath::OnStreamStarted() {
  caller_audio_.OnStreamStarted();
  gap_concealer_.Reset();
}

std::optional<CallerPath::Frame> CallerPath::Next(Instant now,
                                                  EchoGuarding guarding) {
  const std::optional<CallerAudio::Frame> delivered = caller_audio_.Next();
  if (!delivered) return std::nullopt;
  DecodeAudio(config_.leg.encoding, delivered->audio, samples_);
  std::span<const uint8_t> audio = ConcealGap(*delivered);
  Frame frame;
  frame.source = delivered->source;
  frame.samples = samples_;
  frame.speaks = HearsCaller(now, guarding);
  if (cleaner_.active()) {
    EncodeAudio(Encoding::kLinear16, cleaner_.Process(samples_, frame.speaks),
                cleaned_);
    audio = cleaned_;
  }
  frame.for_agent = to_agent_.Process(audio);
  return frame;
}

std::span<const uint8_t> CallerPath::ConcealGap(
    const CallerAudio::Frame& frame) {
  const bool is_gap = frame.source == CallerAudio::Source::kFilled;
  if (is_gap) {
    gap_concealer_.Lost(samples_);
  } else {
    gap_concealer_.Good(samples_);
  }
  // Good samples are changed right after a gap only.
  if (!is_gap && !std::exchange(after_gap_, false)) return frame.audio;
  after_gap_ = is_gap;
  EncodeAudio(config_.leg.encoding, samples_, concealed_);
  return concealed_;
}

bool CallerPath::HearsCaller(Instant now, EchoGuarding guarding) {
  const bool speech = speech_detector_.Process(samples_).speech;
  frames_since_caller_ = std::min(frames_since_caller_ + 1, kLatelyFrames);
  frames_since_echo_ = std::min(frames_since_echo_ + 1, kLatelyFrames);
  bool explained = false;
  if (echo_guard_) {
    // The frame was spoken in the 20 ms that end now; the way there and back
    // is part of the delay that the guard finds.
    const Instant begin = now - Duration::Millis(CallerAudio::kFrameMs);
    heard_.Read(heard_.PositionAt(begin), played_);
    const bool is_echo = echo_guard_->Process(played_, samples_).explained;
    explained = is_echo && guarding == EchoGuarding::kOn;
  }
  if (speech) (explained ? frames_since_echo_ : frames_since_caller_) = 0;
  return speech && !explained;
}

}  // namespace trunkline::media
