#include "support/world/line.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "support/world/sound.h"

namespace trunkline::test {
namespace {

using protocol::LegFlow;
using protocol::LegTraits;

constexpr int64_t kSecondUs = 1'000'000;

}  // namespace

Line::Line(Clock& clock, std::unique_ptr<LegAdapter> adapter,
           const Config& config, Gateway gateway)
    : clock_(clock),
      adapter_(std::move(adapter)),
      config_(config),
      gateway_(std::move(gateway)),
      sample_bytes_(static_cast<int64_t>(
          protocol::BytesPerSample(config.traits.spoken.encoding))),
      levels_(config.traits.spoken.sample_rate_hz) {}

int64_t Line::SamplesOf(Duration duration) const {
  return duration.us() * config_.traits.spoken.sample_rate_hz / kSecondUs;
}

size_t Line::FrameSamples() const {
  return static_cast<size_t>(config_.traits.heard.sample_rate_hz) / 1000 *
         static_cast<size_t>(config_.frame.ms());
}

// ---------------------------------------------------------------------------
// The caller

void Line::Call(const std::string& token) {
  connected_ = true;
  close_code_.reset();
  frames_ = 0;
  waiting_.clear();
  waiting_bytes_ = 0;
  stream_played_ = 0;
  full_ = false;
  ran_dry_at_.reset();
  ++stream_;
  gateway_.open();
  adapter_->Start(token, config_.traits, gateway_.send);
  ResumeMedia();
  if (config_.traits.playback == LegTraits::Playback::kReports) {
    clock_.After(config_.report_every,
                 [this, stream = stream_] { Report(stream); });
  }
}

void Line::Say(const std::vector<int16_t>& speech) {
  const std::vector<int16_t> samples =
      AtRate(config_.traits.heard.sample_rate_hz, speech);
  speech_.insert(speech_.end(), samples.begin(), samples.end());
}

std::string Line::Encoded(const std::vector<int16_t>& speech) const {
  const protocol::AudioFormat format = config_.traits.heard;
  return EncodeSound(format.encoding, AtRate(format.sample_rate_hz, speech));
}

void Line::Press(char digit) { adapter_->Digit(digit, gateway_.send); }

void Line::Stop() { adapter_->Stop(gateway_.send); }

void Line::HangUp() {
  if (!connected_) return;
  PlayOn();
  connected_ = false;
  // Who has hung up hears nothing any more.
  waiting_.clear();
  waiting_bytes_ = 0;
  gateway_.send(Message::Close(1000));
}

void Line::Drop() {
  if (!connected_) return;
  PlayOn();
  connected_ = false;
  // A stream that is gone plays nothing any more.
  waiting_.clear();
  waiting_bytes_ = 0;
  gateway_.drop(1006);
}

void Line::ResumeMedia() {
  const uint64_t run = ++media_run_;
  clock_.After(config_.frame, [this, run] { SendFrame(run); });
}

void Line::SendFrame(uint64_t run) {
  if (!connected_ || run != media_run_) return;
  std::vector<int16_t> frame(FrameSamples());
  const size_t count = std::min(frame.size(), speech_.size() - spoken_);
  std::copy_n(speech_.begin() + static_cast<ptrdiff_t>(spoken_), count,
              frame.begin());
  spoken_ += count;
  if (spoken_ == speech_.size()) {
    speech_.clear();
    spoken_ = 0;
  }
  if (frames_ == 0) media_began_ = clock_.now() - config_.frame;
  PlayOn();
  AddLoudspeaker(frame);
  std::string bytes = EncodeSound(config_.traits.heard.encoding, frame);
  if (keeps_timeline) {
    const int rate = config_.traits.heard.sample_rate_hz;
    const auto begin = static_cast<size_t>((clock_.now() - config_.frame).us() *
                                           rate / kSecondUs);
    microphone_.resize(begin);
    const std::vector<int16_t> sent =
        DecodeSound(config_.traits.heard.encoding, bytes);
    microphone_.insert(microphone_.end(), sent.begin(), sent.end());
  }
  if (clock_.Random(1000) < loss_per_mille) {
    adapter_->LoseAudio();
  } else {
    adapter_->Audio(frames_ * config_.frame.ms(), bytes, gateway_.send);
  }
  ++frames_;
  clock_.After(config_.frame, [this, run] { SendFrame(run); });
}

void Line::AddLoudspeaker(std::vector<int16_t>& frame) const {
  if (loudspeaker_gain == 0) return;
  const int rate = config_.traits.spoken.sample_rate_hz;
  TL_CHECK(rate == config_.traits.heard.sample_rate_hz);
  const int64_t begin =
      (clock_.now() - config_.frame - loudspeaker_delay).us() * rate /
      kSecondUs;
  for (size_t i = 0; i < frame.size(); ++i) {
    const auto at = static_cast<size_t>(begin) + i;
    if (at >= loudspeaker_.size()) break;
    const double sum = frame[i] + loudspeaker_gain * loudspeaker_[at];
    frame[i] = static_cast<int16_t>(std::clamp(sum, -32768.0, 32767.0));
  }
}

// ---------------------------------------------------------------------------
// What is played

void Line::Receive(const Message& message) {
  PlayOn();
  if (message.kind == Message::Kind::kClose) {
    connected_ = false;
    // A stream that is over plays nothing any more.
    waiting_.clear();
    waiting_bytes_ = 0;
    close_code_ = message.code;
  } else if (connected_) {
    adapter_->Receive(message, *this);
  }
}

int64_t Line::RunSamples() const {
  return SamplesOf(std::max(clock_.now() - run_began_, Duration()));
}

Instant Line::RunTime(int64_t samples) const {
  const int rate = config_.traits.spoken.sample_rate_hz;
  return run_began_ + Duration::Micros((samples * kSecondUs + rate - 1) / rate);
}

int64_t Line::WaitingSamples() const { return waiting_bytes_ / sample_bytes_; }

int64_t Line::waiting_ms() {
  PlayOn();
  return WaitingSamples() * 1000 / config_.traits.spoken.sample_rate_hz;
}

void Line::Play(std::string_view audio) {
  const auto bytes = static_cast<int64_t>(audio.size());
  if (bytes % sample_bytes_ != 0) return Complain("half a sample");
  longest_message_ = std::max(longest_message_, audio.size());
  const size_t multiple = config_.traits.message_multiple_bytes;
  if (multiple != 0 && audio.size() % multiple != 0) {
    odd_messages_.push_back(audio.size());
  }
  if (waiting_.empty()) {
    if (ran_dry_at_) {
      const Duration gap = clock_.now() - *ran_dry_at_;
      if (gap > Duration::Millis(1) && gap < kPause) ++underruns_;
    }
    run_began_ = clock_.now() + holds;
    runs_.push_back(run_began_);
    run_played_ = 0;
  }
  waiting_.push_back({std::string(audio), 0, {}});
  waiting_bytes_ += bytes;
  // Wakes when this will have been played, so that marks are echoed at their
  // time.
  clock_.At(RunTime(run_played_ + WaitingSamples()), [this] { PlayOn(); });
  TellFlow();
  // And when there is room again.
  const int64_t room = WaitingSamples() - SamplesOf(config_.ready);
  if (full_) clock_.At(RunTime(run_played_ + room), [this] { PlayOn(); });
}

void Line::Mark(const std::string& name) {
  ++marks_;
  if (waiting_.empty()) {
    Echo(name);
  } else if (waiting_.back().mark.empty()) {
    waiting_.back().mark = name;
  } else {
    waiting_.push_back({{}, 0, name});
  }
}

void Line::Clear() {
  ++clears_;
  const std::deque<Piece> dropped = std::exchange(waiting_, {});
  waiting_bytes_ = 0;
  ran_dry_at_.reset();
  if (config_.traits.marks_on_clear == LegTraits::MarksOnClear::kEchoed) {
    for (const Piece& piece : dropped) {
      if (!piece.mark.empty()) Echo(piece.mark);
    }
  }
  TellFlow();
}

void Line::Complain(std::string_view message) {
  violations_.emplace_back(message.substr(0, 200));
}

void Line::PlayOn() {
  while (!waiting_.empty()) {
    Piece& piece = waiting_.front();
    const int64_t playable =
        std::max<int64_t>(RunSamples() - run_played_, 0) * sample_bytes_;
    const size_t count = std::min(static_cast<size_t>(playable),
                                  piece.audio.size() - piece.played);
    if (count > 0) {
      HearPiece(std::string_view(piece.audio).substr(piece.played, count));
      piece.played += count;
    }
    if (piece.played < piece.audio.size()) break;
    if (!piece.mark.empty()) Echo(piece.mark);
    waiting_.pop_front();
    if (waiting_.empty()) ran_dry_at_ = RunTime(run_played_);
  }
  TellFlow();
}

void Line::HearPiece(std::string_view audio) {
  const std::vector<int16_t> samples =
      DecodeSound(config_.traits.spoken.encoding, audio);
  if (keeps_timeline || loudspeaker_gain != 0) {
    const int rate = config_.traits.spoken.sample_rate_hz;
    const auto begin =
        static_cast<size_t>(run_began_.us() * rate / kSecondUs + run_played_);
    loudspeaker_.resize(std::max(loudspeaker_.size(), begin + samples.size()));
    std::copy(samples.begin(), samples.end(),
              loudspeaker_.begin() + static_cast<ptrdiff_t>(begin));
  }
  levels_.Hear(samples);
  heard_ += audio;
  run_played_ += static_cast<int64_t>(samples.size());
  stream_played_ += samples.size();
  waiting_bytes_ -= static_cast<int64_t>(audio.size());
}

void Line::Echo(const std::string& name) {
  clock_.After(clock_.RandomDelay(echo_jitter), [this, name, stream = stream_] {
    if (stream == stream_) adapter_->Echo(name, gateway_.send);
  });
}

void Line::Report(uint64_t stream) {
  if (!connected_ || stream != stream_) return;
  PlayOn();
  adapter_->Played(stream_played_, gateway_.send);
  clock_.After(config_.report_every, [this, stream] { Report(stream); });
}

void Line::TellFlow() {
  if (config_.traits.flow_control == LegTraits::FlowControl::kNone) return;
  const int64_t waiting = WaitingSamples();
  if (!full_ && waiting >= SamplesOf(config_.full)) {
    full_ = true;
    ++pauses_;
    adapter_->Flow(LegFlow::State::kPaused, gateway_.send);
  } else if (full_ && waiting <= SamplesOf(config_.ready)) {
    full_ = false;
    adapter_->Flow(LegFlow::State::kReady, gateway_.send);
  }
}

const std::string& Line::heard() {
  PlayOn();
  return heard_;
}

int64_t Line::heard_ms() {
  return static_cast<int64_t>(heard().size()) / sample_bytes_ * 1000 /
         config_.traits.spoken.sample_rate_hz;
}

int64_t Line::HeardSamplesOf(size_t item) {
  PlayOn();
  return levels_.SamplesOf(item);
}

}  // namespace trunkline::test
