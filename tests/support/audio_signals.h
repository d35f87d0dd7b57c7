#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// Signals for tests, the same to the bit on every machine: integers and plain
// IEEE arithmetic, no library of mathematics, no distribution of the standard
// library.

namespace trunkline::test {

// Numbers that are random enough: xorshift64*.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  uint64_t Next();
  // Uniform in [0, bound). bound > 0.
  size_t Below(size_t bound) { return static_cast<size_t>(Next() % bound); }
  // Uniform in [-1, 1).
  double Symmetric();

 private:
  uint64_t state_;
};

// A gain of `tenths` tenths of a dB, for signals only.
double GainOfTenths(int tenths);

// White noise, near to Gaussian, whose level is `dbfs_tenths` (0 is a
// full-scale square wave).
std::vector<int16_t> NoiseSignal(size_t count, int dbfs_tenths, uint64_t seed);

// Samples over the whole range, each as likely as any other.
std::vector<int16_t> RandomSamples(size_t count, uint64_t seed);

std::vector<int16_t> SineSignal(size_t count, double frequency_hz,
                                int sample_rate_hz, double amplitude);

// Both extremes, `half_period` samples each.
std::vector<int16_t> SquareSignal(size_t count, size_t half_period);

// Something that a detector takes for a voice: at 8 kHz, pulses of a glottis at
// a wandering pitch through three formants that change from syllable to
// syllable, 180 ms each, with no gap between them. The level of the whole is
// `dbfs_tenths`.
std::vector<int16_t> VoiceSignal(size_t count, int dbfs_tenths, uint64_t seed);

// Adds `other` to `samples`, saturating, as far as both go.
void Mix(std::span<int16_t> samples, std::span<const int16_t> other);

// There and back through mu-law, as a telephone line does.
std::vector<int16_t> ThroughMuLaw(std::span<const int16_t> samples);

// Parts for a chunk test: sizes that add up to `total`, each in [1, longest].
std::vector<size_t> RandomSplit(size_t total, size_t longest, Random& random);

}  // namespace trunkline::test
