#include "support/audio_signals.h"

#include <algorithm>
#include <array>

#include "audio/constexpr_math.h"
#include "audio/g711.h"

namespace trunkline::test {
namespace {

using audio::SinPi;

constexpr int kVoiceRateHz = 8000;

int16_t Saturated(double value) {
  return audio::RoundedToInt16(std::clamp(value, -32768.0, 32767.0));
}

// Two poles at a frequency.
class Resonator {
 public:
  void Tune(double frequency_hz, double radius) {
    const double turns = frequency_hz / kVoiceRateHz;
    feedback1_ = 2 * radius * SinPi(2 * turns + 0.5);
    feedback2_ = -radius * radius;
    gain_ = 1 - radius;
  }
  double Process(double in) {
    const double out =
        gain_ * in + feedback1_ * last_ + feedback2_ * before_last_;
    before_last_ = last_;
    last_ = out;
    return out;
  }

 private:
  double gain_ = 0;
  double feedback1_ = 0;
  double feedback2_ = 0;
  double last_ = 0;
  double before_last_ = 0;
};

// First, second and third formant of a few vowels, Hz (Peterson and Barney,
// 1952, men).
constexpr double kVowels[][3] = {{730, 1090, 2440},
                                 {530, 1840, 2480},
                                 {270, 2290, 3010},
                                 {570, 840, 2410},
                                 {300, 870, 2240}};

}  // namespace

uint64_t Random::Next() {
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return state_ * 0x2545F4914F6CDD1DULL;
}

double Random::Symmetric() {
  return static_cast<double>(Next() >> 11) * 0x1p-52 - 1;
}

double GainOfTenths(int tenths) {
  // 10^(1/200), a tenth of a dB.
  constexpr double kTenth = 1.0115794542598986;
  double gain = 1;
  for (int i = 0; i < tenths; ++i) gain *= kTenth;
  for (int i = 0; i > tenths; --i) gain /= kTenth;
  return gain;
}

std::vector<int16_t> NoiseSignal(size_t count, int dbfs_tenths, uint64_t seed) {
  Random random(seed);
  // The sum of three uniform numbers in [-1, 1) has a variance of one.
  const double gain = 32768 * GainOfTenths(dbfs_tenths);
  std::vector<int16_t> samples(count);
  for (int16_t& sample : samples) {
    double sum = 0;
    for (int i = 0; i < 3; ++i) sum += random.Symmetric();
    sample = Saturated(sum * gain);
  }
  return samples;
}

std::vector<int16_t> RandomSamples(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<int16_t> samples(count);
  for (int16_t& sample : samples) {
    sample = static_cast<int16_t>(static_cast<uint16_t>(random.Next() >> 40));
  }
  return samples;
}

std::vector<int16_t> SineSignal(size_t count, double frequency_hz,
                                int sample_rate_hz, double amplitude) {
  std::vector<int16_t> samples(count);
  for (size_t i = 0; i < count; ++i) {
    const double turns = frequency_hz * static_cast<double>(i) / sample_rate_hz;
    samples[i] = Saturated(amplitude * SinPi(2 * turns));
  }
  return samples;
}

std::vector<int16_t> SquareSignal(size_t count, size_t half_period) {
  std::vector<int16_t> samples(count);
  for (size_t i = 0; i < count; ++i) {
    samples[i] = i / half_period % 2 == 0 ? INT16_MAX : INT16_MIN;
  }
  return samples;
}

std::vector<int16_t> VoiceSignal(size_t count, int dbfs_tenths, uint64_t seed) {
  constexpr size_t kSyllable = kVoiceRateHz * 180 / 1000;
  Random random(seed);
  std::array<Resonator, 3> formants;
  std::vector<double> voice(count);
  double until_pulse = 0;
  double pitch_hz = 120;
  double glottis = 0;
  double loudness = 1;
  for (size_t i = 0; i < count; ++i) {
    if (i % kSyllable == 0) {
      const auto& vowel = kVowels[random.Below(std::size(kVowels))];
      for (size_t n = 0; n < formants.size(); ++n) {
        formants[n].Tune(vowel[n], 0.97 - 0.01 * static_cast<double>(n));
      }
      pitch_hz = 120 + 25 * random.Symmetric();
      loudness = 0.8 + 0.2 * random.Symmetric();
    }
    // Open phases decay; a little breath goes with them.
    if (until_pulse <= 0) {
      until_pulse += kVoiceRateHz / pitch_hz;
      glottis = 1;
    }
    until_pulse -= 1;
    glottis *= 0.8;
    const double source = loudness * (glottis + 0.01 * random.Symmetric());
    for (size_t n = 0; n < formants.size(); ++n) {
      voice[i] += formants[n].Process(source) / static_cast<double>(n + 1);
    }
  }
  // A search by tenths of a dB is as exact as the argument, and needs no root.
  double power = 0;
  for (const double value : voice) power += value * value;
  power /= static_cast<double>(std::max<size_t>(count, 1));
  const double target = 0x1p30 * GainOfTenths(2 * dbfs_tenths);
  int tenths = 0;
  while (power > 0 && power * GainOfTenths(2 * tenths) < target) ++tenths;
  const double gain = GainOfTenths(tenths);
  std::vector<int16_t> samples(count);
  for (size_t i = 0; i < count; ++i) samples[i] = Saturated(voice[i] * gain);
  return samples;
}

void Mix(std::span<int16_t> samples, std::span<const int16_t> other) {
  for (size_t i = 0; i < std::min(samples.size(), other.size()); ++i) {
    samples[i] =
        static_cast<int16_t>(std::clamp(samples[i] + other[i], -32768, 32767));
  }
}

std::vector<int16_t> ThroughMuLaw(std::span<const int16_t> samples) {
  std::vector<uint8_t> codes(samples.size());
  std::vector<int16_t> line(samples.size());
  audio::EncodeMuLaw(samples, codes);
  audio::DecodeMuLaw(codes, line);
  return line;
}

std::vector<size_t> RandomSplit(size_t total, size_t longest, Random& random) {
  std::vector<size_t> parts;
  while (total > 0) {
    const size_t part = 1 + random.Below(std::min(total, longest));
    parts.push_back(part);
    total -= part;
  }
  return parts;
}

}  // namespace trunkline::test
