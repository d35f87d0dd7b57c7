#include "audio/recorder.h"

#include <algorithm>
#include <utility>

#include "audio/level.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

constexpr size_t kMaxFrameSamples = 320;
// Tenths of a dB and of dBFS. Always quiet: below an idle line, and below what
// a caller would take for sound.
constexpr int kQuiet = -750;
// Noise reaches up to 3 dB above its own quietest frame.
constexpr int kMargin = 40;
// What is louder than this is recorded, however steady it is: music, tones.
constexpr int kLoudestNoise = -500;
// 200 ms, in which words end.
constexpr int kHangoverFrames = 10;
// 60 ms, in which a side that falls silent leaves the codec's filters and its
// history of 20 ms.
constexpr int kFadeFrames = 3;
// 400 ms, after which the noise is learned anew; as long as in the
// discontinuous transmission of RFC 6716, 2.1.9.
constexpr int kRefreshFrames = 20;

// "OpusHead" of RFC 7845, 5.1, channel mapping family 1.
constexpr size_t kHeadBytes = 23;

// Little-endian.
void Append(std::span<uint8_t> out, size_t& at, uint32_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    out[at++] = static_cast<uint8_t>(value >> (8 * i));
  }
}

void Append(std::span<uint8_t> out, size_t& at, std::string_view text) {
  std::copy(text.begin(), text.end(), out.begin() + static_cast<ptrdiff_t>(at));
  at += text.size();
}

}  // namespace

bool Recorder::Track::IsQuiet(int level) {
  if (slot_frames_ == kSlotFrames) {
    slot_frames_ = 0;
    slot_ = (slot_ + 1) % kSlots;
    quietest_[slot_] = 0;
  }
  ++slot_frames_;
  quietest_[slot_] = std::min(quietest_[slot_], static_cast<int16_t>(level));
  const int noise = *std::min_element(quietest_.begin(), quietest_.end());
  return level <= kQuiet ||
         (level <= kLoudestNoise && level <= noise + kMargin);
}

size_t Recorder::Track::Process(std::span<const int16_t> frame,
                                std::span<uint8_t> packet) {
  const int level = LevelDbfsTenths(MeanSquare(frame));
  const bool quiet = IsQuiet(level);
  quiet_frames_ = quiet ? quiet_frames_ + 1 : 0;
  // What is made must not outlast the noise that it is like: a pause is silent.
  if (quiet_frames_ > kHangoverFrames && learned_level_ > kQuiet &&
      level < learned_level_ - kMargin) {
    quiet_frames_ = 1;
  }
  if (quiet_frames_ > kHangoverFrames + kRefreshFrames) {
    quiet_frames_ = kHangoverFrames + 1;
  }
  silent_frames_ = level <= kQuiet ? silent_frames_ + 1 : 0;
  encoded_ = silent_frames_ <= kFadeFrames &&
             (quiet_frames_ <= kHangoverFrames ||
              quiet_frames_ == kHangoverFrames + kRefreshFrames);
  // The encoder lags: in the packet is some of the frame before.
  const int last_level = std::exchange(last_level_, level);
  if (silent_frames_ > kFadeFrames) {
    silent_frames_ = kFadeFrames + 1;
    learned_level_ = kQuiet;
    return encoder_.Silence(packet);
  }
  if (!encoded_) return encoder_.Noise(packet);
  learned_level_ = std::max(level, last_level);
  // Of the last frame that is encoded, noise is made.
  return encoder_.Process(frame,
                          !quiet ? OpusEncoder::Activity::kUnknown
                          : quiet_frames_ < kHangoverFrames
                              ? OpusEncoder::Activity::kQuiet
                              : OpusEncoder::Activity::kNoise,
                          packet);
}

Recorder::Recorder(const Config& config)
    : config_(config),
      caller_({.sample_rate_hz = config.sample_rate_hz,
               .bitrate_bps = config.bitrate_bps}),
      agent_({.sample_rate_hz = config.sample_rate_hz,
              .bitrate_bps = config.bitrate_bps}),
      ogg_(config.serial, config.pages_before),
      frames_(static_cast<int64_t>(config.granule_before / kGranulesPerFrame)) {
  TL_CHECK(config.pages_before != 1 &&
           config.granule_before % kGranulesPerFrame == 0 &&
           (config.pages_before != 0 || config.granule_before == 0));
}

std::span<const uint8_t> Recorder::Start(
    std::span<const std::string_view> comments) {
  TL_CHECK(frames_ == 0 && ogg_.sequence() == 0);
  std::array<uint8_t, kHeadBytes> head{};
  size_t at = 0;
  Append(head, at, "OpusHead");
  Append(head, at, 1, 1);  // version
  Append(head, at, 2, 1);  // channels
  Append(head, at, OpusEncoder::kDelay48kHz, 2);
  Append(head, at, static_cast<uint32_t>(config_.sample_rate_hz), 4);
  Append(head, at, 0, 2);  // gain
  Append(head, at, 1, 1);  // mapping family
  Append(head, at, 2, 1);  // streams
  Append(head, at, 0, 1);  // of two channels
  Append(head, at, 0, 1);  // left is the first stream
  Append(head, at, 1, 1);  // right is the second
  const auto first = ogg_.PageOf(head, 0, OggWriter::Place::kFirst);
  std::copy(first.begin(), first.end(), headers_.begin());

  std::array<uint8_t, kMaxCommentBytes> tags{};
  at = 0;
  Append(tags, at, "OpusTags");
  constexpr std::string_view kVendor = "trunkline, libopus 1.3.1";
  Append(tags, at, static_cast<uint32_t>(kVendor.size()), 4);
  Append(tags, at, kVendor);
  size_t count_at = at;
  Append(tags, at, 0, 4);
  uint32_t count = 0;
  for (const std::string_view comment : comments) {
    if (comment.size() > tags.size() || at + 4 + comment.size() > tags.size()) {
      break;
    }
    Append(tags, at, static_cast<uint32_t>(comment.size()), 4);
    Append(tags, at, comment);
    ++count;
  }
  Append(tags, count_at, count, 4);
  const auto second =
      ogg_.PageOf(std::span(tags).first(at), 0, OggWriter::Place::kMiddle);
  std::copy(second.begin(), second.end(),
            headers_.begin() + static_cast<ptrdiff_t>(first.size()));
  return std::span(headers_).first(first.size() + second.size());
}

void Recorder::Add(std::span<const int16_t> caller,
                   std::span<const int16_t> agent) {
  // Two packets in one, RFC 6716, appendix B: the first says how long it is
  // behind its TOC byte, in a byte of its own while it is short of 252.
  static_assert(OpusEncoder::kMaxPacketBytes <= 252);
  static_assert(2 * OpusEncoder::kMaxPacketBytes + 1 <=
                OggWriter::kMaxPacketBytes);
  const std::span<uint8_t> packet = ogg_.NextPacket();
  const size_t left = caller_.Process(caller, packet.subspan(1));
  packet[0] = packet[1];
  packet[1] = static_cast<uint8_t>(left - 1);
  const size_t right = agent_.Process(agent, packet.subspan(1 + left));
  ogg_.Add(1 + left + right);
  encoded_frames_ += (caller_.encoded() ? 1 : 0) + (agent_.encoded() ? 1 : 0);
}

std::span<const uint8_t> Recorder::Process(std::span<const int16_t> caller,
                                           std::span<const int16_t> agent) {
  const auto samples = static_cast<size_t>(config_.sample_rate_hz / 50);
  TL_CHECK(caller.size() == samples && agent.size() == samples);
  if (paused_) {
    static constexpr std::array<int16_t, kMaxFrameSamples> kSilence{};
    caller = std::span(kSilence).first(samples);
    agent = caller;
  }
  Add(caller, agent);
  ++frames_;
  if (ogg_.HasRoom()) return {};
  return ogg_.TakePage(static_cast<uint64_t>(frames_) * kGranulesPerFrame,
                       OggWriter::Place::kMiddle);
}

std::span<const uint8_t> Recorder::Finish() {
  // A frame more brings out what the codec still holds back; the granule cuts
  // what it is too long by.
  static constexpr std::array<int16_t, kMaxFrameSamples> kSilence{};
  const auto silence = std::span(kSilence).first(
      static_cast<size_t>(config_.sample_rate_hz / 50));
  Add(silence, silence);
  return ogg_.TakePage(static_cast<uint64_t>(frames_) * kGranulesPerFrame +
                           OpusEncoder::kDelay48kHz,
                       OggWriter::Place::kLast);
}

}  // namespace trunkline::audio
