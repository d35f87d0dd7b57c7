#include "media/line_out.h"

#include "audio/fade.h"
#include "audio/tones.h"

namespace trunkline::media {

LineOut::LineOut(const Config& config)
    : leg_(config.leg),
      playout_({config.leg, config.lead, config.mark_interval}),
      heard_track_(config.leg),
      pauses_(config.leg),
      to_leg_(config.agent, config.leg),
      // No chunk is longer than the lead.
      faded_(protocol::BytesOf(config.leg, static_cast<int>(config.lead.ms()))),
      faded_samples_(faded_.size() /
                     protocol::BytesPerSample(config.leg.encoding)) {}

LineOut::Appended LineOut::Append(protocol::ItemId item,
                                  std::span<const uint8_t> audio) {
  const std::span<const uint8_t> encoded = to_leg_.Process(audio);
  const bool queued = playout_.Append(item, encoded);
  if (queued) pauses_.Append(item, encoded);
  return {queued, encoded.size()};
}

void LineOut::AppendFarewellTones() {
  audio::FarewellTones tones(leg_.sample_rate_hz);
  int16_t samples[160];
  uint8_t encoded[sizeof samples];
  const size_t sample_bytes = protocol::BytesPerSample(leg_.encoding);
  for (;;) {
    const size_t count = tones.Generate(samples);
    if (count == 0) break;
    EncodeAudio(leg_.encoding, std::span<const int16_t>(samples).first(count),
                encoded);
    playout_.Append(kTonesItem, std::span<const uint8_t>(encoded).first(
                                    count * sample_bytes));
  }
  playout_.EndReply();
}

std::optional<LineOut::Piece> LineOut::Next(Instant now) {
  const uint64_t position = playout_.sent();
  Piece piece;
  piece.audio = playout_.NextChunk(now);
  if (!piece.audio.empty()) {
    if (fade_position_ < fade_samples_) piece.audio = FadeIn(piece.audio);
    piece.item = playout_.ItemAt(position);
    piece.plays_at = playout_.PlaysAt(position);
    heard_track_.Play(piece.audio, piece.plays_at);
  }
  piece.mark = playout_.TakeMark();
  if (piece.audio.empty() && !piece.mark) return std::nullopt;
  return piece;
}

// The first samples after an interruption that was none rise from silence.
std::span<const uint8_t> LineOut::FadeIn(std::span<const uint8_t> chunk) {
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
