#include "audio/dtmf_detector.h"

#include <algorithm>

#include "audio/constexpr_math.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

constexpr size_t kTones = 8;
constexpr int kSampleRateHz = 8000;

// 2 cos(w), rows before columns.
constexpr auto kCoefficients = [] {
  std::array<float, kTones> table{};
  for (size_t i = 0; i < kTones; ++i) {
    const int hz = i < 4 ? kDtmfRowHz[i] : kDtmfColumnHz[i - 4];
    table[i] = static_cast<float>(2 * SinPi(2.0 * hz / kSampleRateHz + 0.5));
  }
  return table;
}();

// A tone of amplitude A has the power (A * N / 2)^2: the quietest is 400, 38 dB
// below a full-scale sine (-35 dBm0), 10 dB below what Q.24 wants seen.
constexpr float kMinPower = 400.0F * 51 * 400 * 51;
// Either group may be the louder one by 11 dB: 8 dB, and 3 for what a tone that
// is off by 1.5 % loses to its filter, and what leaks from the other.
constexpr float kMaxTwist = 12.6F;
// The strongest of a group above its others, 6 dB.
constexpr float kMinSelectivity = 4.0F;
// The two tones' share of the energy. 1.5 % off leaves 0.78 of it, noise 10 dB
// below 0.91; a digit that fills less of the block has that much less.
constexpr float kMinShare = 0.70F;
// By how much an estimate goes outwards. The block before the first one, 51
// samples earlier, lacked a share of 0.70: the digit began at most 51 - 31 = 20
// samples before that first one, and 10 are for a share that wavers with the
// tones' phases.
constexpr uint64_t kOutwardSamples = 30;

size_t Strongest(std::span<const float> powers) {
  return static_cast<size_t>(std::max_element(powers.begin(), powers.end()) -
                             powers.begin());
}

bool IsAlone(std::span<const float> powers, size_t strongest) {
  for (size_t i = 0; i < powers.size(); ++i) {
    if (i != strongest && powers[i] * kMinSelectivity > powers[strongest]) {
      return false;
    }
  }
  return true;
}

}  // namespace

// 0 for none.
char DtmfDetector::DigitOfBlock() const {
  int64_t energy = 0;
  for (const int16_t sample : block_) energy += int64_t{sample} * sample;
  // Two tones of least power have the energy 2 * 400^2 / 2 a sample.
  if (energy < int64_t{400} * 400 * int64_t{kBlockSamples} / 2) return 0;

  std::array<float, kTones> last{};
  std::array<float, kTones> before{};
  for (const int16_t sample : block_) {
    const auto in = static_cast<float>(sample);
    for (size_t i = 0; i < kTones; ++i) {
      const float next = in + kCoefficients[i] * last[i] - before[i];
      before[i] = last[i];
      last[i] = next;
    }
  }
  std::array<float, kTones> powers;
  for (size_t i = 0; i < kTones; ++i) {
    powers[i] = last[i] * last[i] + before[i] * before[i] -
                kCoefficients[i] * last[i] * before[i];
  }
  const auto rows = std::span<const float>(powers).first<4>();
  const auto columns = std::span<const float>(powers).last<4>();
  const size_t row = Strongest(rows);
  const size_t column = Strongest(columns);
  const float low = rows[row];
  const float high = columns[column];
  if (low < kMinPower || high < kMinPower) return 0;
  if (low > high * kMaxTwist || high > low * kMaxTwist) return 0;
  if (!IsAlone(rows, row) || !IsAlone(columns, column)) return 0;
  // The energy of a tone of power P over N samples is 2 P / N.
  const float share_of = static_cast<float>(energy) * (kBlockSamples / 2.0F);
  if (low + high < kMinShare * share_of) return 0;
  return kDtmfDigits[4 * row + column];
}

size_t DtmfDetector::Process(std::span<const int16_t> in,
                             std::span<Event> events) {
  TL_CHECK(events.size() >= MaxEvents(in.size()));
  size_t count = 0;
  const auto end = [&](uint64_t at_sample) {
    events[count++] = {Event::Kind::kEnded, digit_, at_sample};
    digit_ = 0;
  };
  while (!in.empty()) {
    const size_t taken = std::min(in.size(), kBlockSamples - filled_);
    std::copy_n(in.begin(), taken,
                block_.begin() + static_cast<ptrdiff_t>(filled_));
    in = in.subspan(taken);
    filled_ += taken;
    total_samples_ += taken;
    if (filled_ < kBlockSamples) break;

    const char found = DigitOfBlock();
    const uint64_t begin = total_samples_ - kBlockSamples;
    std::copy(block_.begin() + kHopSamples, block_.end(), block_.begin());
    filled_ = kBlockSamples - kHopSamples;

    if (found != candidate_) {
      candidate_ = found;
      hits_ = 0;
      candidate_began_ = begin > kOutwardSamples ? begin - kOutwardSamples : 0;
    }
    if (found != 0) ++hits_;
    if (digit_ != 0 && found == digit_) {
      misses_ = 0;
      last_hit_end_ = total_samples_ + kOutwardSamples;
    } else if (digit_ != 0 && ++misses_ == kBlocks) {
      end(found == 0 ? last_hit_end_
                     : std::min(last_hit_end_, candidate_began_));
    }
    if (found != 0 && digit_ == 0 && hits_ >= kBlocks) {
      digit_ = found;
      misses_ = 0;
      last_hit_end_ = total_samples_ + kOutwardSamples;
      events[count++] = {Event::Kind::kBegan, digit_, candidate_began_};
    }
  }
  return count;
}

}  // namespace trunkline::audio
