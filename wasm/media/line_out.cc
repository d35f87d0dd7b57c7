#include "media/line_out.h"

#include <algorithm>
#include <numeric>

#include "audio/fade.h"
#include "audio/tones.h"
#include "base/check.h"

namespace trunkline::media {

namespace {

using protocol::AudioFormat;
using protocol::LegTraits;

// What is generated at once.
constexpr size_t kToneSamples = 160;
// What is converted at once: the agent's messages have any length.
constexpr size_t kPieceBytes = 4096;
// Of what waits, the past that the filter to the leg's rate has.
constexpr uint64_t kFilterSamples = 32;

// Bytes of the leg's audio that one sample of what waits becomes.
size_t LegBytesPerSample(AudioFormat held, AudioFormat leg) {
  return static_cast<size_t>(leg.sample_rate_hz / held.sample_rate_hz) *
         protocol::BytesPerSample(leg.encoding);
}

// The least number of samples of what waits that the leg takes in one message.
uint64_t UnitSamples(AudioFormat held, const LegTraits& leg) {
  if (leg.message_multiple_bytes == 0) return 1;
  return leg.message_multiple_bytes /
         std::gcd(leg.message_multiple_bytes,
                  LegBytesPerSample(held, leg.spoken));
}

// The most, a multiple of that; 0 = any.
uint64_t MaxSamples(AudioFormat held, const LegTraits& leg) {
  if (leg.max_message_bytes == 0) return 0;
  const uint64_t unit = UnitSamples(held, leg);
  return leg.max_message_bytes / LegBytesPerSample(held, leg.spoken) / unit *
         unit;
}

bool Fits(AudioFormat held, const LegTraits& leg) {
  return leg.max_message_bytes == 0 || MaxSamples(held, leg) > 0;
}

AudioFormat HeldFormat(const LineOut::Config& config) {
  const LegTraits& leg = config.leg;
  AudioFormat agent = config.agent;
  for (const AudioFormat other : config.other_agents) {
    if (protocol::BytesOf(other, 1) > protocol::BytesOf(agent, 1)) {
      agent = other;
    }
  }
  const bool is_less =
      protocol::BytesOf(agent, 1) < protocol::BytesOf(leg.spoken, 1);
  const bool is_whole = leg.spoken.sample_rate_hz % agent.sample_rate_hz == 0;
  return is_less && is_whole && Fits(agent, leg) ? agent : leg.spoken;
}

Playout::Config PlayoutConfig(const LineOut::Config& config) {
  const AudioFormat held = HeldFormat(config);
  // INVARIANT: a leg's longest message holds the least that it takes.
  TL_CHECK(Fits(held, config.leg));
  return {.format = held,
          .lead = config.lead,
          .mark_interval = config.mark_interval,
          .playback = config.leg.playback,
          .unit_samples = UnitSamples(held, config.leg),
          .max_samples = MaxSamples(held, config.leg),
          .max_pause = config.max_pause};
}

}  // namespace

LineOut::LineOut(const Config& config)
    : leg_(config.leg.spoken),
      held_(HeldFormat(config)),
      playout_(PlayoutConfig(config)),
      heard_track_(leg_),
      pauses_(held_),
      waiting_sound_(config.waiting, held_.sample_rate_hz),
      lead_samples_(static_cast<uint64_t>(config.lead.ms()) *
                    static_cast<uint64_t>(held_.sample_rate_hz / 1000)),
      to_queue_(std::make_unique<Transcoder>(config.agent, held_)),
      to_leg_(held_, leg_),
      faded_(protocol::BytesOf(leg_, static_cast<int>(config.lead.ms()))),
      faded_samples_(faded_.size() / protocol::BytesPerSample(leg_.encoding)) {}

LineOut::Appended LineOut::Append(protocol::ItemId item,
                                  std::span<const uint8_t> audio) {
  const size_t bytes = to_queue_->OutputBytes(audio.size());
  if (!playout_.HasRoom(item, bytes)) return {false, bytes};
  while (!audio.empty()) {
    const size_t count = std::min(audio.size(), kPieceBytes);
    const std::span<const uint8_t> piece =
        to_queue_->Process(audio.first(count));
    playout_.Append(item, piece);
    pauses_.Append(item, piece);
    audio = audio.subspan(count);
  }
  return {true, bytes};
}

void LineOut::ResetInput() {
  to_queue_->Reset();
  if (held_ != leg_) break_ = playout_.received();
}

void LineOut::SetAgentFormat(AudioFormat agent) {
  to_queue_ = std::make_unique<Transcoder>(agent, held_);
  ResetInput();
}

void LineOut::OnPlayed(uint64_t samples, Instant now) {
  const auto ratio =
      static_cast<uint64_t>(leg_.sample_rate_hz / held_.sample_rate_hz);
  playout_.OnPlayed(samples / ratio, now);
}

void LineOut::AppendFarewellTones() {
  audio::FarewellTones tones(held_.sample_rate_hz);
  int16_t samples[kToneSamples];
  for (size_t count = tones.Generate(samples); count > 0;
       count = tones.Generate(samples)) {
    AppendTones(std::span<const int16_t>(samples).first(count));
  }
  playout_.EndReply();
}

void LineOut::BeginWaitingSound() {
  waiting_sound_.Begin();
  // A melody may begin in the middle of a note.
  Resume();
}

void LineOut::AppendWaitingSound() {
  int16_t samples[kToneSamples];
  while (playout_.received() - playout_.sent() < lead_samples_) {
    waiting_sound_.Generate(samples);
    AppendTones(samples);
  }
}

void LineOut::AppendTones(std::span<const int16_t> samples) {
  uint8_t encoded[kToneSamples * sizeof(int16_t)];
  EncodeAudio(held_.encoding, samples, encoded);
  playout_.Append(kTonesItem, std::span<const uint8_t>(encoded).first(
                                  samples.size() *
                                  protocol::BytesPerSample(held_.encoding)));
}

std::optional<LineOut::Piece> LineOut::Next(Instant now) {
  const uint64_t position = playout_.sent();
  Piece piece;
  piece.audio = playout_.NextChunk(now);
  if (!piece.audio.empty()) {
    if (held_ != leg_) {
      PrepareToSend(position);
      prepared_ = playout_.sent();
      piece.audio = to_leg_.Process(piece.audio);
    }
    if (fade_position_ < fade_samples_) piece.audio = FadeIn(piece.audio);
    piece.parts = playout_.PartsFrom(position);
    heard_track_.Play(piece.audio, playout_.PlaysAt(position));
  }
  piece.mark = playout_.TakeMark();
  if (piece.audio.empty() && !piece.mark) return std::nullopt;
  return piece;
}

void LineOut::PrepareToSend(uint64_t position) {
  const bool breaks = break_ && position >= *break_;
  if (!breaks && position == prepared_) return;
  to_leg_.Reset();
  if (breaks) {
    break_.reset();
    return;
  }
  // It goes on where it was heard: the filter's past is what was before that.
  to_leg_.Process(playout_.Before(position, kFilterSamples));
}

// The first samples after an interruption that was none rise from silence.
std::span<const uint8_t> LineOut::FadeIn(std::span<const uint8_t> chunk) {
  // Longer than the lead only where the leg wants it so.
  if (faded_.size() < chunk.size()) {
    faded_.resize(chunk.size());
    faded_samples_.resize(chunk.size());
  }
  const auto samples =
      std::span<int16_t>(faded_samples_)
          .first(DecodeAudio(leg_.encoding, chunk, faded_samples_));
  audio::FadeIn(samples, fade_position_, fade_samples_);
  fade_position_ += samples.size();
  EncodeAudio(leg_.encoding, samples, faded_);
  return std::span<const uint8_t>(faded_).first(chunk.size());
}

void LineOut::Interrupt(Instant now) {
  playout_.Interrupt(now);
  heard_track_.Cut(now);
}

void LineOut::Resume() {
  fade_position_ = 0;
  fade_samples_ = static_cast<size_t>(leg_.sample_rate_hz / 1000) *
                  static_cast<size_t>(kResumeFadeMs);
}

}  // namespace trunkline::media
