#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

// Loudness after ITU-R BS.1770-5 and EBU R 128, for one channel at telephone
// rates.

namespace trunkline::audio {

// The K weighting of BS.1770: a shelf for the head, a high-pass for what the
// ear ignores.
//
// The recommendation gives coefficients for 48 kHz. These are bilinear designs
// of the same two sections whose parameters are fitted per rate, so that up to
// 0.45 of the rate the curve is that of 48 kHz within 0.06 dB (8 kHz), 0.03 dB
// (16 kHz), 0.01 dB (24 kHz).
//
// Stateful, chunk-invariant, copyable. Allocates nothing; 24 bytes.
class KWeighting {
 public:
  // `sample_rate_hz` is 8000, 16000 or 24000.
  explicit KWeighting(int sample_rate_hz);

  // Adds the squares of the weighted samples to `sum`; full scale is 1.
  void AddSquares(std::span<const int16_t> samples, float& sum);
  // Forgets the past, which then counts as silence.
  void Reset();

 private:
  struct Section {
    float b0, b1, b2, a1, a2;
  };
  struct Design;
  static const Design& DesignFor(int sample_rate_hz);

  const Design* design_;
  std::array<float, 4> state_{};
};

struct KWeighting::Design {
  int sample_rate_hz;
  Section shelf;
  Section high_pass;
};

// LUFS of a mean square of weighted samples: a sine of 997 Hz at full scale
// has -3.01. About -380 for 0.
float LoudnessOfMeanSquare(float mean_square);

// Momentary, short-term and integrated loudness of a stream.
//
// Blocks of 400 ms every 100 ms; the integrated loudness leaves out those below
// -70 LUFS, then those 10 LU below the mean of the rest. It keeps a histogram
// in steps of 0.1 LU instead of the blocks, and so is within 0.05 LU of them.
//
// Stateful, chunk-invariant, copyable. Allocates nothing; about 3.2 KB. All
// results are LUFS, kNone where there is nothing to tell.
class LoudnessMeter {
 public:
  static constexpr float kNone = -100.0F;

  // `sample_rate_hz` is 8000, 16000 or 24000.
  explicit LoudnessMeter(int sample_rate_hz);

  void Process(std::span<const int16_t> samples);
  void Reset();

  // Of the last whole 400 ms and 3 s, renewed every 100 ms. kNone before there
  // are as many, and for digital silence.
  float momentary_lufs() const { return MeanOfLast(kMomentarySlots); }
  float short_term_lufs() const { return MeanOfLast(kShortTermSlots); }
  // kNone before a block was above -70 LUFS.
  float integrated_lufs() const;

 private:
  static constexpr size_t kMomentarySlots = 4;
  static constexpr size_t kShortTermSlots = 30;
  static constexpr float kQuietestLufs = -70.0F;
  static constexpr float kBinsPerLu = 10.0F;
  // Up to +5 LUFS, where no sample can reach.
  static constexpr size_t kBins = 750;

  float MeanOfLast(size_t slots) const;
  void EndSlot();

  KWeighting weighting_;
  size_t slot_samples_;
  size_t in_slot_ = 0;
  float sum_ = 0;
  // Mean squares of 100 ms each, a ring.
  std::array<float, kShortTermSlots> slots_{};
  size_t next_slot_ = 0;
  size_t filled_slots_ = 0;
  std::array<uint32_t, kBins> histogram_{};
};

}  // namespace trunkline::audio
