#include "audio/melody.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace trunkline::audio {
namespace {

// Gains move in straight lines over blocks of 5 ms: 150 to a beat of 750 ms.
constexpr uint32_t kBlocksPerSecond = 200;
constexpr uint32_t kBlocksPerBeat = 150;
constexpr uint32_t kBeatsPerBar = 4;
constexpr uint32_t kBars = 16;
constexpr uint32_t kBeats = kBars * kBeatsPerBar;
constexpr uint32_t kBlocks = kBeats * kBlocksPerBeat;
constexpr uint32_t kMaxBlockSamples = 48000 / kBlocksPerSecond;

// Notes are MIDI's: 60 is C4, 69 is A4.
constexpr uint8_t kLowestNote = 40;
constexpr uint8_t kHighestNote = 84;

// What a sample at 48 kHz adds to the phase; 2^32 is a whole turn.
constexpr auto kSteps = [] {
  constexpr double kSemitone = 1.0594630943592953;  // 2^(1/12)
  std::array<uint32_t, kHighestNote - kLowestNote + 1> steps{};
  for (uint32_t i = 0; i < steps.size(); ++i) {
    double hz = 440;
    for (uint32_t note = kLowestNote + i; note < 69; ++note) hz /= kSemitone;
    for (uint32_t note = kLowestNote + i; note > 69; --note) hz *= kSemitone;
    steps[i] = static_cast<uint32_t>(hz * 4294967296.0 / 48000);
  }
  return steps;
}();

// A chord for each bar: bass and two notes that say whether it is major. Notes
// move by as little as the harmony lets them.
struct Chord {
  uint8_t bass;
  uint8_t low;
  uint8_t high;
};
constexpr std::array<Chord, kBars> kChords = {{
    {48, 64, 71},  // C major seventh
    {57, 64, 72},  // A minor
    {53, 64, 69},  // F major seventh
    {55, 62, 71},  // G
    {52, 62, 67},  // E minor seventh
    {57, 60, 67},  // A minor seventh
    {50, 60, 65},  // D minor seventh
    {55, 60, 65},  // G suspended
    {48, 64, 67},  // C
    {52, 62, 71},  // E minor seventh
    {53, 64, 69},  // F major seventh
    {48, 64, 67},  // C over its own third
    {50, 60, 69},  // D minor seventh
    {52, 59, 67},  // E minor
    {53, 60, 69},  // F
    {55, 59, 65},  // G seventh
}};

// A note for each beat; 0 lets the one before ring on. A bar begins with one.
constexpr std::array<uint8_t, kBeats> kTune = {
    76, 0,  74, 71,  //
    72, 0,  0,  76,  //
    77, 76, 0,  72,  //
    74, 0,  0,  0,   //
    71, 0,  74, 79,  //
    76, 0,  0,  72,  //
    74, 72, 0,  69,  //
    72, 0,  0,  0,   //
    79, 0,  76, 72,  //
    74, 0,  0,  71,  //
    72, 0,  76, 81,  //
    79, 0,  0,  0,   //
    77, 0,  76, 74,  //
    71, 0,  0,  76,  //
    69, 72, 0,  77,  //
    74, 0,  0,  0,   //
};

// Beats of the tune around `beat`: where its note began and the next one does.
struct Stretch {
  uint32_t begin;
  uint32_t end;
};
constexpr Stretch TuneAround(uint32_t beat) {
  Stretch stretch{.begin = beat, .end = beat + 1};
  while (kTune[stretch.begin] == 0) --stretch.begin;
  while (stretch.end < kBeats && kTune[stretch.end] == 0) ++stretch.end;
  return stretch;
}

// Peaks of the voices, 2.4 times kLevel in the sum at most. kLevel makes the
// whole -26 dBFS.
constexpr int32_t kLevel = 2240;
constexpr int32_t kBassPeak = kLevel * 70 / 100;
constexpr int32_t kChordPeak = kLevel * 45 / 100;
constexpr int32_t kTunePeak = kLevel * 80 / 100;

// From 0 at 0 to 2^15 at `length` and beyond, with level ends: 3 x^2 - 2 x^3.
constexpr int32_t Smooth(uint32_t at, uint32_t length) {
  if (at >= length) return 1 << 15;
  const auto x = static_cast<int32_t>((at << 15) / length);
  const int32_t square = x * x >> 15;
  return 3 * square - (square * x >> 14);
}

// Gains in blocks after the note's begin; `length` is the note's.
// Bass and chords swell within 300 ms and sink within 450.
constexpr int32_t HeldGain(uint32_t at, uint32_t length, int32_t peak) {
  return (peak * Smooth(at, 60) >> 15) * Smooth(length - at, 90) >> 15;
}
// The tune is struck, within 40 ms, and dies away over three seconds; what is
// left of it makes room for the next note within 100 ms.
constexpr int32_t StruckGain(uint32_t at, uint32_t length) {
  constexpr uint32_t kDecay = 600;
  const auto left = static_cast<int32_t>(kDecay - at);
  const int32_t decayed =
      kTunePeak * (left * left) / static_cast<int32_t>(kDecay * kDecay);
  return (decayed * Smooth(at, 8) >> 15) * Smooth(length - at, 20) >> 15;
}

struct Voice {
  uint32_t step;
  uint32_t begin_block;  // where the phase is 0
  int32_t from;          // gains at the block's ends
  int32_t to;
};

using Voices = std::array<Voice, 4>;

Voices VoicesAt(uint32_t block) {
  const uint32_t beat = block / kBlocksPerBeat;
  const uint32_t bar = beat / kBeatsPerBar;
  constexpr uint32_t kBarBlocks = kBeatsPerBar * kBlocksPerBeat;
  const uint32_t bar_begin = bar * kBarBlocks;
  const auto held = [&](uint8_t note, int32_t peak) {
    const uint32_t at = block - bar_begin;
    return Voice{.step = kSteps[note - size_t{kLowestNote}],
                 .begin_block = bar_begin,
                 .from = HeldGain(at, kBarBlocks, peak),
                 .to = HeldGain(at + 1, kBarBlocks, peak)};
  };
  const Stretch tune = TuneAround(beat);
  const uint32_t tune_begin = tune.begin * kBlocksPerBeat;
  const uint32_t tune_length = (tune.end - tune.begin) * kBlocksPerBeat;
  const uint32_t at = block - tune_begin;
  const Chord& chord = kChords[bar];
  return {held(chord.bass, kBassPeak), held(chord.low, kChordPeak),
          held(chord.high, kChordPeak),
          Voice{.step = kSteps[kTune[tune.begin] - size_t{kLowestNote}],
                .begin_block = tune_begin,
                .from = StruckGain(at, tune_length),
                .to = StruckGain(at + 1, tune_length)}};
}

// x in [-2^15, 2^15) is a turn; two arches of a parabola, Q15.
inline int32_t Arch(int32_t x) {
  const int32_t magnitude = x < 0 ? -x : x;
  return (x * (32768 - magnitude)) >> 13;
}

}  // namespace

Melody::Melody(int sample_rate_hz)
    : sample_rate_hz_(static_cast<uint32_t>(sample_rate_hz)),
      block_samples_(sample_rate_hz_ / kBlocksPerSecond) {
  TL_CHECK(sample_rate_hz == 8000 || sample_rate_hz == 16000 ||
           sample_rate_hz == 24000 || sample_rate_hz == 48000);
}

size_t Melody::period_samples() const {
  return size_t{kBlocks} * block_samples_;
}

void Melody::Generate(std::span<int16_t> out) {
  std::array<int32_t, kMaxBlockSamples> sums;
  // Q15 over the samples of a block.
  const auto per_sample = static_cast<int32_t>((1 << 15) / block_samples_);
  while (!out.empty()) {
    const uint32_t block = position_ / block_samples_;
    const uint32_t within = position_ % block_samples_;
    const auto count = static_cast<uint32_t>(
        std::min<size_t>(out.size(), block_samples_ - within));
    std::fill_n(sums.begin(), count, 0);
    for (const Voice& voice : VoicesAt(block)) {
      const uint32_t step = voice.step * (48000 / sample_rate_hz_);
      const uint32_t phase =
          step * (position_ - voice.begin_block * block_samples_);
      const int32_t slope = (voice.to - voice.from) * per_sample;
      for (uint32_t i = 0; i < count; ++i) {
        const auto x = static_cast<int32_t>(phase + step * i) >> 16;
        const int32_t gain =
            voice.from + (static_cast<int32_t>(within + i) * slope >> 15);
        sums[i] += Arch(x) * gain;
      }
    }
    for (uint32_t i = 0; i < count; ++i) {
      out[i] = static_cast<int16_t>((sums[i] + (1 << 14)) >> 15);
    }
    position_ += count;
    if (position_ == kBlocks * block_samples_) position_ = 0;
    out = out.subspan(count);
  }
}

}  // namespace trunkline::audio
