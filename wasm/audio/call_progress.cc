#include "audio/call_progress.h"

#include <algorithm>
#include <array>

#include "audio/sine.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

constexpr uint32_t kNotStopping = UINT32_MAX;
constexpr uint32_t kStopMs = 5;
constexpr size_t kMaxParts = 4;

// 32767 * 10^((dBm0 - 3.14) / 20), of each sine.
constexpr int16_t kMinus13Dbm0 = 5110;
constexpr int16_t kMinus16Dbm0 = 3618;
constexpr int16_t kMinus19Dbm0 = 2561;
constexpr int16_t kMinus24Dbm0 = 1440;
constexpr int16_t kMinus26Dbm0 = 1144;

}  // namespace

struct CallProgressTone::Pattern {
  // Sines of `hz`, 0 for none.
  struct Part {
    uint16_t ms;
    std::array<uint16_t, 2> hz;
  };
  int16_t peak;
  uint16_t edge_ms;
  uint32_t part_count;
  std::array<Part, kMaxParts> parts;
};

const CallProgressTone::Pattern& CallProgressTone::PatternOf(CallSignal signal,
                                                             TonePlan plan) {
  // By plan, as TonePlan has them.
  static constexpr Pattern kDial[] = {
      {kMinus13Dbm0, 5, 1, {{{3000, {350, 440}}}}},
      {kMinus16Dbm0, 5, 1, {{{3000, {350, 440}}}}},
      {kMinus13Dbm0, 5, 1, {{{3000, {425, 0}}}}},
  };
  static constexpr Pattern kRingback[] = {
      {kMinus19Dbm0, 5, 2, {{{2000, {440, 480}}, {4000, {}}}}},
      {kMinus16Dbm0,
       5,
       4,
       {{{400, {400, 450}}, {200, {}}, {400, {400, 450}}, {2000, {}}}}},
      {kMinus13Dbm0, 5, 2, {{{1000, {425, 0}}, {4000, {}}}}},
  };
  static constexpr Pattern kBusy[] = {
      {kMinus24Dbm0, 5, 2, {{{500, {480, 620}}, {500, {}}}}},
      {kMinus13Dbm0, 5, 2, {{{375, {400, 0}}, {375, {}}}}},
      {kMinus13Dbm0, 5, 2, {{{500, {425, 0}}, {500, {}}}}},
  };
  static constexpr Pattern kCongestion[] = {
      {kMinus24Dbm0, 5, 2, {{{250, {480, 620}}, {250, {}}}}},
      {kMinus13Dbm0,
       5,
       4,
       {{{400, {400, 0}}, {350, {}}, {225, {400, 0}}, {525, {}}}}},
      {kMinus13Dbm0, 5, 2, {{{200, {425, 0}}, {200, {}}}}},
  };
  static constexpr Pattern kSpecialInformation = {
      kMinus13Dbm0,
      5,
      4,
      {{{330, {950, 0}}, {330, {1400, 0}}, {330, {1800, 0}}, {1000, {}}}}};
  // C5 and G5.
  static constexpr Pattern kComfort = {
      kMinus26Dbm0, 40, 3, {{{160, {523, 0}}, {200, {784, 0}}, {3640, {}}}}};
  static constexpr Pattern kBeep = {
      kMinus13Dbm0, 5, 2, {{{300, {1000, 0}}, {14700, {}}}}};
  const auto of_plan = static_cast<size_t>(plan);
  TL_CHECK(of_plan < std::size(kDial));
  switch (signal) {
    case CallSignal::kDial:
      return kDial[of_plan];
    case CallSignal::kRingback:
      return kRingback[of_plan];
    case CallSignal::kBusy:
      return kBusy[of_plan];
    case CallSignal::kCongestion:
      return kCongestion[of_plan];
    case CallSignal::kSpecialInformation:
      return kSpecialInformation;
    case CallSignal::kComfort:
      return kComfort;
    case CallSignal::kBeep:
      return kBeep;
  }
  TL_CHECK(false);
  return kBeep;
}

CallProgressTone::CallProgressTone(const Config& config)
    : pattern_(&PatternOf(config.signal, config.plan)),
      cadence_(config.cadence),
      samples_per_ms_(static_cast<uint32_t>(config.sample_rate_hz) / 1000),
      stopping_(kNotStopping) {
  TL_CHECK(config.sample_rate_hz == 8000 || config.sample_rate_hz == 16000 ||
           config.sample_rate_hz == 24000 || config.sample_rate_hz == 48000);
}

void CallProgressTone::Stop() {
  stopping_ = std::min(stopping_, kStopMs * samples_per_ms_);
}

void CallProgressTone::Reset() {
  part_ = 0;
  within_ = 0;
  stopping_ = kNotStopping;
}

size_t CallProgressTone::Generate(std::span<int16_t> out) {
  size_t done = 0;
  while (done < out.size()) {
    const size_t count = GeneratePart(out.subspan(done));
    if (count == 0) break;
    done += count;
  }
  return done;
}

size_t CallProgressTone::GeneratePart(std::span<int16_t> out) {
  if (part_ == pattern_->part_count || stopping_ == 0) return 0;
  const Pattern::Part& part = pattern_->parts[part_];
  const bool endless =
      pattern_->part_count == 1 && cadence_ == Cadence::kEndless;
  const uint64_t length = uint64_t{part.ms} * samples_per_ms_;
  const auto count = static_cast<size_t>(std::min<uint64_t>(
      {out.size(), stopping_, endless ? UINT64_MAX : length - within_}));

  const bool silent = part.hz[0] == 0;
  // 2^32 is a whole turn; less than 2e-5 Hz are lost.
  const auto step = [this](uint32_t hz) {
    return (uint64_t{hz} << 32) / (1000 * uint64_t{samples_per_ms_});
  };
  const uint64_t first = step(part.hz[0]);
  const uint64_t second = step(part.hz[1]);
  const uint32_t ramp = pattern_->edge_ms * samples_per_ms_;
  const uint32_t stop_ramp = kStopMs * samples_per_ms_;
  for (size_t i = 0; i < count; ++i, ++within_) {
    if (stopping_ != kNotStopping) --stopping_;
    if (silent) {
      out[i] = 0;
      continue;
    }
    // Every part begins at phase 0, so the phase follows from the position.
    int32_t value = SineAt(static_cast<uint32_t>(within_ * first));
    if (second != 0) value += SineAt(static_cast<uint32_t>(within_ * second));
    value = value * pattern_->peak >> 15;
    const uint64_t edge =
        endless ? within_ : std::min(within_, length - 1 - within_);
    if (edge < ramp) {
      const auto at = static_cast<uint32_t>(edge) * kQuarterSineSteps / ramp;
      value = value * kQuarterSine[at] >> 15;
    }
    if (stopping_ < stop_ramp) {
      const uint32_t at = stopping_ * kQuarterSineSteps / stop_ramp;
      value = value * kQuarterSine[at] >> 15;
    }
    out[i] = static_cast<int16_t>(value);
  }
  if (!endless && within_ == length) {
    within_ = 0;
    ++part_;
    if (cadence_ == Cadence::kEndless) {
      part_ %= pattern_->part_count;
    } else if (part_ + 1 == pattern_->part_count &&
               pattern_->parts[part_].hz[0] == 0) {
      part_ = pattern_->part_count;
    }
  }
  return count;
}

}  // namespace trunkline::audio
