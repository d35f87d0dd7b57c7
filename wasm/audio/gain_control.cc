#include "audio/gain_control.h"

#include <algorithm>

#include "audio/decibels.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// Powers are K-weighted mean squares where full scale is 1.
constexpr float PowerOfLufs(float lufs) { return DbToPower(lufs + 0.691F); }

// Nothing quieter is a talker on a line.
constexpr float kQuietestTalker = PowerOfLufs(-55.0F);
// How far a block of speech stands above the quietest 100 ms of the last 0.8 to
// 1.2 s: a syllable does, steady noise stays within 3 dB, and noise that sets
// in after silence is over before kFirst.
constexpr float kOverNoise = DbToPower(7.0F);
// The relative gate of BS.1770.
constexpr float kGate = DbToPower(-10.0F);

// In blocks of 100 ms: what the talker's mean remembers, what the recent one
// does, how long a talker is new, and when the first move is made.
constexpr int kMemory = 100;
constexpr int kRecent = 15;
constexpr int kNew = 30;
constexpr int kFirst = 10;
// Speech below the relative gate for so long is another talker's, or the same
// one's who stepped back.
constexpr int kQuietBlocks = 12;
constexpr float kStepDb = 6.0F;

// In dB, and dB for each frame of 20 ms.
constexpr float kSettledDb = 0.5F;
constexpr float kDeadZoneDb = 1.0F;
constexpr float kFastStepDb = 8.0F / 50;
constexpr float kSlowStepDb = 1.0F / 50;

}  // namespace

GainControl::GainControl(const Config& config)
    : config_(config),
      frame_samples_(static_cast<size_t>(config.sample_rate_hz / 50)),
      weighting_(config.sample_rate_hz),
      limiter_(Limiter::Config{.sample_rate_hz = config.sample_rate_hz}) {
  TL_CHECK(config.target_lufs >= -40 && config.target_lufs <= -10);
  // The limiter takes 54 dB above full scale.
  TL_CHECK(config.most_boost_db >= 0 && config.most_boost_db <= 40);
  TL_CHECK(config.most_cut_db >= 0);
}

void GainControl::Reset() { *this = GainControl(config_); }

void GainControl::Mean::Add(float value, int memory) {
  count = std::min(count + 1, memory);
  power += (value - power) / static_cast<float>(count);
}

GainControl::Result GainControl::Process(std::span<int16_t> frame,
                                         Voice voice) {
  TL_CHECK(frame.size() == frame_samples_);
  weighting_.AddSquares(frame, slot_sum_);
  slot_voice_frames_ += voice == Voice::kAbsent ? 0 : 1;
  if (++slot_frames_ == kSlotFrames) EndSlot();

  gain_db_ += step_db_;
  const float target = step_db_ == 0 ? gain_ : DbToGain(gain_db_);
  const float step = (target - gain_) / static_cast<float>(frame.size());
  std::array<int32_t, kMaxFrameSamples> amplified;
  for (size_t i = 0; i < frame.size(); ++i) {
    const float gain = gain_ + step * static_cast<float>(i + 1);
    const float value = static_cast<float>(frame[i]) * gain;
    amplified[i] = static_cast<int32_t>(value + (value < 0 ? -0.5F : 0.5F));
  }
  gain_ = target;
  limiter_.Process(std::span<const int32_t>(amplified).first(frame.size()),
                   frame);
  return Result{.gain_db = gain_db_,
                .talker_lufs = talker_.count == 0
                                   ? LoudnessMeter::kNone
                                   : LoudnessOfMeanSquare(talker_.power),
                .acquiring = acquiring_};
}

void GainControl::EndSlot() {
  const float power =
      slot_sum_ / static_cast<float>(frame_samples_ * kSlotFrames);
  const bool may_be_voice = 2 * slot_voice_frames_ > kSlotFrames;
  slot_sum_ = 0;
  slot_frames_ = 0;
  slot_voice_frames_ = 0;
  slots_[next_slot_] = power;
  next_slot_ = (next_slot_ + 1) % kBlockSlots;
  filled_slots_ = std::min(filled_slots_ + 1, static_cast<int>(kBlockSlots));
  TrackNoise(power);

  float block = 0;
  for (const float slot : slots_) block += slot;
  block /= static_cast<float>(kBlockSlots);
  step_db_ = 0;
  if (filled_slots_ < static_cast<int>(kBlockSlots)) return;
  if (!may_be_voice || !IsSpeech(power, block)) return;
  Learn(block);
  Aim();
}

// The slot as well as the block: a block outlasts the word by 300 ms.
bool GainControl::IsSpeech(float slot_power, float block_power) {
  const float least = std::max(kQuietestTalker, floor_ * kOverNoise);
  if (block_power < least || slot_power < least) return false;
  if (talker_.count == 0 || block_power >= talker_.power * kGate) {
    quiet_blocks_ = 0;
    return true;
  }
  if (++quiet_blocks_ < kQuietBlocks) return false;
  talker_ = {};
  recent_ = {};
  quiet_blocks_ = 0;
  return true;
}

void GainControl::TrackNoise(float slot_power) {
  // The first slot of all.
  if (filled_slots_ == 1 && in_floor_slot_ == 0) quietest_.fill(slot_power);
  if (in_floor_slot_ == static_cast<int>(kBlockSlots)) {
    in_floor_slot_ = 0;
    floor_slot_ = (floor_slot_ + 1) % kFloorSlots;
    quietest_[floor_slot_] = slot_power;
  }
  ++in_floor_slot_;
  quietest_[floor_slot_] = std::min(quietest_[floor_slot_], slot_power);
  floor_ = *std::min_element(quietest_.begin(), quietest_.end());
}

void GainControl::Learn(float block_power) {
  recent_.Add(block_power, kRecent);
  talker_.Add(block_power, kMemory);
  const float apart = PowerToDb(recent_.power) - PowerToDb(talker_.power);
  if (recent_.count == kRecent && (apart > kStepDb || apart < -kStepDb)) {
    // Half of what is recent may still be the old talker's: it counts for
    // little against what comes.
    talker_ = {.power = recent_.power, .count = kRecent / 4};
  }
  if (talker_.count < kNew) acquiring_ = true;
}

void GainControl::Aim() {
  if (talker_.count < kFirst) return;
  const float wanted =
      std::clamp(config_.target_lufs - LoudnessOfMeanSquare(talker_.power),
                 -config_.most_cut_db, config_.most_boost_db);
  const float error = wanted - gain_db_;
  const float distance = error < 0 ? -error : error;
  if (talker_.count >= kNew && distance < kSettledDb) acquiring_ = false;
  if (!acquiring_ && distance < kDeadZoneDb) return;
  const float step = std::min(acquiring_ ? kFastStepDb : kSlowStepDb,
                              distance / static_cast<float>(kSlotFrames));
  step_db_ = error < 0 ? -step : step;
}

}  // namespace trunkline::audio
