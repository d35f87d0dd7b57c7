#include "media/caller_path.h"

#include <algorithm>
#include <utility>

namespace trunkline::media {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;

constexpr int kJudgedHz = audio::SpeechDetector::kSampleRateHz;

int CleanedHz(const CallerPath::Config& config) {
  return CallerCleaner::RateFor(config.denoise, config.level,
                                config.leg.sample_rate_hz);
}

// What goes to the agent is not companded once more when it was cleaned.
AudioFormat CleanedFormat(const CallerPath::Config& config,
                          const CallerCleaner& cleaner) {
  if (!cleaner.active()) return config.leg;
  return {Encoding::kLinear16, CleanedHz(config)};
}

}  // namespace

CallerPath::CallerPath(const Config& config, const HeardTrack& heard)
    : config_(config),
      caller_audio_(config.leg),
      gap_filler_(config.leg.sample_rate_hz),
      judged_(config.leg.sample_rate_hz, kJudgedHz),
      cleanable_(config.leg.sample_rate_hz, CleanedHz(config)),
      cleaner_(config.denoise, config.level, CleanedHz(config)),
      agent_(config.agent),
      to_agent_(std::make_unique<Transcoder>(CleanedFormat(config, cleaner_),
                                             config.agent)),
      samples_(CallerAudio::FrameSamples(config.leg.sample_rate_hz)),
      concealed_(protocol::BytesOf(config.leg, CallerAudio::kFrameMs)) {
  if (config.echo_guarding == EchoGuarding::kOn) echo_judge_.emplace(heard);
  if (cleaner_.active()) {
    cleaned_.resize(protocol::BytesOf(CleanedFormat(config, cleaner_),
                                      CallerAudio::kFrameMs));
  }
}

void CallerPath::OnStreamStarted(Instant now) {
  caller_audio_.OnStreamStarted(now);
  spoken_clock_.OnStreamStarted();
  gap_filler_.Reset();
}

std::optional<CallerPath::Frame> CallerPath::Next(Instant now,
                                                  EchoGuarding guarding) {
  const std::optional<CallerAudio::Frame> delivered = caller_audio_.Next();
  if (!delivered) return std::nullopt;
  spoken_clock_.OnFrame(delivered->source, now);
  if (delivered->source == CallerAudio::Source::kPassed) {
    std::fill(samples_.begin(), samples_.end(), int16_t{0});
    Frame passed;
    passed.source = delivered->source;
    passed.samples = samples_;
    return passed;
  }
  DecodeAudio(config_.leg.encoding, delivered->audio, samples_);
  std::span<const uint8_t> audio = ConcealGap(*delivered);
  Frame frame;
  frame.source = delivered->source;
  frame.samples = samples_;
  frame.speaks = HearsCaller(now, guarding);
  if (cleaner_.active()) {
    EncodeAudio(Encoding::kLinear16,
                cleaner_.Process(cleanable_.Process(samples_), frame.speaks),
                cleaned_);
    audio = cleaned_;
  }
  if (config_.agents == Config::Agents::kSeveral) {
    last_.assign(audio.begin(), audio.end());
  }
  frame.for_agent = to_agent_->Process(audio);
  return frame;
}

void CallerPath::SetAgentFormat(AudioFormat agent) {
  if (agent == agent_) return;
  agent_ = agent;
  to_agent_ =
      std::make_unique<Transcoder>(CleanedFormat(config_, cleaner_), agent);
  // The filter's past.
  to_agent_->Process(last_);
}

std::span<const uint8_t> CallerPath::ConcealGap(
    const CallerAudio::Frame& frame) {
  const bool is_gap = frame.source != CallerAudio::Source::kCarrier;
  if (is_gap) {
    gap_filler_.Lost(samples_);
  } else {
    gap_filler_.Good(samples_);
  }
  // Good samples are changed right after a gap only.
  if (!is_gap && !std::exchange(after_gap_, false)) return frame.audio;
  after_gap_ = is_gap;
  EncodeAudio(config_.leg.encoding, samples_, concealed_);
  return concealed_;
}

bool CallerPath::HearsCaller(Instant now, EchoGuarding guarding) {
  const std::span<const int16_t> judged = judged_.Process(samples_);
  const audio::SpeechDetector::Result heard = speech_detector_.Process(judged);
  frames_since_caller_ = std::min(frames_since_caller_ + 1, kLatelyFrames);
  frames_since_echo_ = std::min(frames_since_echo_ + 1, kLatelyFrames);
  const bool explained = echo_judge_ &&
                         echo_judge_->Explains(now, judged, heard) &&
                         guarding == EchoGuarding::kOn;
  if (heard.speech) (explained ? frames_since_echo_ : frames_since_caller_) = 0;
  return heard.speech && !explained;
}

}  // namespace trunkline::media
