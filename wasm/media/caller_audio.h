#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "protocol/wire.h"

namespace trunkline::media {

// Turns what the carrier delivers into an unbroken run of 20 ms frames.
//
// The carrier's timestamps place the audio: a jump ahead is filled with silence
// of the same length, so that the agent's time stays the caller's; what lies
// before the end of what was already delivered is dropped. Timestamps are the
// peer's word: what is filled makes a stream no longer than the time since its
// beginning and kAllowance, and a clock by which all is late while time passes
// is no clock: from then on the stream has no timestamps. Allocates nothing
// after construction.
class CallerAudio {
 public:
  static constexpr int kFrameMs = 20;
  // Samples of a frame.
  static constexpr size_t FrameSamples(int sample_rate_hz) {
    return static_cast<size_t>(sample_rate_hz / 1000) * kFrameMs;
  }
  // The longest gap that is filled (the same bound as other gateways have);
  // what a longer one has more, up to kMaxPassed, only passes.
  static constexpr Duration kMaxGap = Duration::Millis(10'000);
  static constexpr Duration kMaxPassed = Duration::Millis(60'000);
  // By how much a stream may be longer than the time since it began here: its
  // beginning was on its way, or what it tells of before it. At least
  // kMaxLeadIn.
  static constexpr Duration kAllowance = Duration::Millis(1'000);
  // The longest audio of one message; of a longer one the rest is dropped and
  // counted. Carriers send 20 to 200 ms, and all that one message brings must
  // have room among the effects of one input.
  static constexpr Duration kMaxAudio = Duration::Millis(10'000);
  // What may be dropped as late with nothing in time between. More than that,
  // and for as long as it has taken, and the clock stands or crawls.
  static constexpr Duration kMaxLate = Duration::Millis(500);
  // Timestamps are whole milliseconds of a clock of their own: smaller
  // differences mean nothing.
  static constexpr Duration kTolerance = Duration::Millis(10);

  // Where a frame's samples are from.
  enum class Source : uint8_t {
    kCarrier,
    kFilled,  // some or all of it was put in for what did not come
    kStall,   // of FillSilence(), while nobody knows whether anything comes
    // Nothing to hear: the carrier's clock says now that this much time of the
    // stream has passed, which kStall had gone through, or which is beyond
    // kMaxGap.
    kPassed,
  };

  // A first timestamp up to here counts from the stream's beginning, and what
  // is before it was lost.
  static constexpr Duration kMaxLeadIn = Duration::Millis(1'000);

  // One frame of kFrameMs, encoded.
  struct Frame {
    std::span<const uint8_t> audio;
    Source source = Source::kCarrier;
  };

  struct Counters {
    uint64_t filled_ms = 0;       // silence put in for what did not come
    uint64_t late_ms = 0;         // audio dropped because its time had passed
    uint64_t shortened_gaps = 0;  // gaps above kMaxGap
    uint64_t excess_ms = 0;       // audio of a message beyond kMaxAudio
    uint64_t unreal_ms = 0;       // of gaps, what had not passed
    uint64_t dead_clocks = 0;     // streams whose timestamps are not believed
  };

  explicit CallerAudio(protocol::AudioFormat format);

  // The stream begins, or begins anew, and its timestamps with it. Without this
  // it begins with the first audio.
  void OnStreamStarted(Instant now);
  // `audio` holds whole samples and is borrowed until Next() has no more frame;
  // `timestamp_ms` is the time of its first one. Precondition, here and of
  // FillSilence: Next() has no more.
  void OnAudio(std::optional<int64_t> timestamp_ms,
               std::span<const uint8_t> audio, Instant now);
  // Nothing has come for a while: delivers silence, so that a turn can end. A
  // gap that turns up later is shorter by it.
  void FillSilence(Duration duration);
  // The next frame of what has come, valid until the next call; nullopt if no
  // whole one is left.
  std::optional<Frame> Next();

  const Counters& counters() const { return counters_; }

 private:
  // Whether so much more that is late says that the carrier's clock is dead.
  bool ClockDies(int64_t late_ms, Duration since_began);
  // Puts what is missing before what has come, which has this length, where the
  // carrier's clock has gone on by `gap_ms` without it.
  void CloseGap(int64_t gap_ms, int64_t length_ms, Duration since_began);
  // Puts silence before what has come.
  void InsertSilence(int64_t ms, Source source);
  // Counts `bytes` of `source` to the frame that is being filled, and returns
  // where they belong.
  std::span<uint8_t> FillFrame(size_t bytes, Source source);

  const protocol::AudioFormat format_;
  Counters counters_;
  // Carrier time at the end of what was delivered, ms; nullopt at the start.
  std::optional<int64_t> next_ms_;
  // When the stream began, and what was delivered since, ms.
  std::optional<Instant> began_;
  int64_t delivered_ms_ = 0;
  // Dropped as late since the last that was in time, ms.
  int64_t late_run_ms_ = 0;
  bool clock_is_dead_ = false;
  // Silence delivered ahead of the carrier's clock.
  Duration ahead_;
  // What has come and is not delivered: time that has passed, behind it
  // silence, and behind that audio.
  int64_t passed_ms_ = 0;
  size_t silence_bytes_ = 0;
  Source silence_source_ = Source::kFilled;
  std::span<const uint8_t> audio_;
  std::vector<uint8_t> frame_;
  size_t frame_size_ = 0;
  Source frame_source_ = Source::kCarrier;
};

}  // namespace trunkline::media
