#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace trunkline::audio {

// Speaks digits as DTMF (ITU-T Q.23): each as two sines, the row at -12 and the
// column at -10 dB below full scale, as Q.24's senders have them, followed by a
// pause. Rises and falls within 4 ms along a quarter of a sine.
//
// Integer arithmetic; the samples do not depend on how they are asked for.
// Allocates nothing; a copy goes on with the same samples. 80 bytes.
class DtmfGenerator {
 public:
  struct Config {
    int sample_rate_hz = 8000;  // 8000, 16000, 24000 or 48000
    int tone_ms = 100;          // [20, 10000]
    int pause_ms = 100;         // [0, 10000], behind every digit
  };
  static constexpr size_t kMaxDigits = 32;

  // Whether every character is one of 0-9, *, #, A-D, and there are at most
  // kMaxDigits.
  static bool CanSay(std::string_view digits);

  // Precondition: CanSay(digits).
  DtmfGenerator(const Config& config, std::string_view digits);

  // Writes the next samples; returns how many, 0 once all have been written.
  size_t Generate(std::span<int16_t> out);

  size_t total_samples() const {
    return digit_count_ * (tone_samples_ + pause_samples_);
  }

 private:
  uint64_t sample_rate_hz_;
  size_t tone_samples_;
  size_t pause_samples_;
  size_t digit_count_;
  size_t position_ = 0;
  char digits_[kMaxDigits] = {};
};

}  // namespace trunkline::audio
