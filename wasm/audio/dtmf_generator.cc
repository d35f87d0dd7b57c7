#include "audio/dtmf_generator.h"

#include <algorithm>

#include "audio/dtmf.h"
#include "audio/sine.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// 32767 * 10^(-12/20) and 32767 * 10^(-10/20).
constexpr int32_t kRowPeak = 8231;
constexpr int32_t kColumnPeak = 10362;
constexpr size_t kRampMs = 4;

}  // namespace

bool DtmfGenerator::CanSay(std::string_view digits) {
  return digits.size() <= kMaxDigits &&
         digits.find_first_not_of(kDtmfDigits) == std::string_view::npos;
}

DtmfGenerator::DtmfGenerator(const Config& config, std::string_view digits)
    : sample_rate_hz_(static_cast<uint64_t>(config.sample_rate_hz)),
      tone_samples_(static_cast<size_t>(config.sample_rate_hz / 1000) *
                    static_cast<size_t>(config.tone_ms)),
      pause_samples_(static_cast<size_t>(config.sample_rate_hz / 1000) *
                     static_cast<size_t>(config.pause_ms)),
      digit_count_(digits.size()) {
  TL_CHECK(config.sample_rate_hz == 8000 || config.sample_rate_hz == 16000 ||
           config.sample_rate_hz == 24000 || config.sample_rate_hz == 48000);
  TL_CHECK(config.tone_ms >= 20 && config.tone_ms <= 10000);
  TL_CHECK(config.pause_ms >= 0 && config.pause_ms <= 10000);
  TL_CHECK(CanSay(digits));
  std::copy(digits.begin(), digits.end(), digits_);
}

size_t DtmfGenerator::Generate(std::span<int16_t> out) {
  const size_t ramp = kRampMs * static_cast<size_t>(sample_rate_hz_) / 1000;
  const size_t digit_samples = tone_samples_ + pause_samples_;
  const size_t count = std::min(out.size(), total_samples() - position_);
  for (size_t i = 0; i < count; ++i, ++position_) {
    const size_t within = position_ % digit_samples;
    if (within >= tone_samples_) {
      out[i] = 0;
      continue;
    }
    const size_t digit = kDtmfDigits.find(digits_[position_ / digit_samples]);
    const auto step = [this](int hz) {
      return (static_cast<uint64_t>(hz) << 32) / sample_rate_hz_;
    };
    // Every digit begins at phase 0, so the phase follows from the position.
    const auto row =
        static_cast<uint32_t>(within * step(kDtmfRowHz[digit / 4]));
    const auto column =
        static_cast<uint32_t>(within * step(kDtmfColumnHz[digit % 4]));
    const size_t edge = std::min({within, tone_samples_ - 1 - within, ramp});
    const int32_t gain_q15 = kQuarterSine[edge * kQuarterSineSteps / ramp];
    const int32_t sum =
        (SineAt(row) * kRowPeak >> 15) + (SineAt(column) * kColumnPeak >> 15);
    out[i] = static_cast<int16_t>(sum * gain_q15 >> 15);
  }
  return count;
}

}  // namespace trunkline::audio
