#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// Learns the noise of a line and goes on with noise like it.
//
// Of what is learnt only the quietest counts: blocks of 20 ms within 9 dB of
// the quietest one of the last 2.5 to 3 s, averaged over about 32 of them.
// Their level and the envelope of their spectrum, by linear prediction of order
// 8, are given to white noise. Digital silence is a noise as well: silence. So
// is a tone or a voice while nothing quieter has come, therefore the noise is
// never louder than kLoudestPower.
//
// Plain arithmetic without a library: every build gives the same samples. Adds
// no delay. Allocates nothing; 168 bytes; trivially copyable, and a copy goes
// on with the same samples.
class ComfortNoise {
 public:
  // -30 dBov, a mean square: a line is usable only below.
  static constexpr float kLoudestPower = 1073741.8F;

  // 8000 or 16000.
  explicit ComfortNoise(int sample_rate_hz);

  // Learns 20 ms of the line; once it has learnt enough to fill its memory, of
  // every fourth such block. Precondition: block_samples() samples.
  void Learn(std::span<const int16_t> block);
  // Prepares Next for the noise as it is known, but for no more than
  // `most_power`, a mean square.
  void Start(float most_power);
  // The next sample, full scale being 32768. Precondition: Start was called.
  float Next();
  // As constructed.
  void Reset();

  size_t block_samples() const { return block_samples_; }
  // Mean square of the noise as it is known; 0 before anything is.
  float power() const;

 private:
  static constexpr size_t kOrder = 8;
  static constexpr size_t kSlots = 6;
  static constexpr int kSlotBlocks = 25;

  void TrackFloor(float power);
  float LearntPower() const;

  size_t block_samples_;
  // The quietest block of each half second, a ring; the current one's so far.
  std::array<float, kSlots> quietest_{};
  uint32_t slot_ = 0;
  int in_slot_ = 0;
  float floor_ = 0;
  // Means of the samples and of the autocorrelations of the blocks that count;
  // how many there are, up to the memory's length.
  float mean_ = 0;
  std::array<float, kOrder + 1> correlation_{};
  int learnt_ = 0;
  // Blocks since the last one that was looked at.
  int unseen_ = 0;

  // The synthesis: predictor, its transposed state, gain of the white noise.
  std::array<float, kOrder> predictor_{};
  std::array<float, kOrder> state_{};
  float gain_ = 0;
  uint32_t random_ = 1;
};

}  // namespace trunkline::audio
