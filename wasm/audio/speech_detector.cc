#include "audio/speech_detector.h"

#include <algorithm>

#include "audio/level.h"
#include "base/check.h"

namespace trunkline::audio {
namespace {

// All of these are tenths of a dB or of dBFS.

// Speech on a telephone line is louder, an idle line fit for calls is not.
constexpr int kQuietestSpeech = -550;
// The floor falls at once and rises by 10 dB/s: a vowel held for four seconds
// is still speech, and noise that sets in is noise after five.
constexpr int kFloorRise = 2;
constexpr int kFloorAtStart = -600;
constexpr int kFloorAtLeast = -700;
constexpr int kFloorAtMost = -200;

// 200 ms: the end of a word has faded.
constexpr int kStillFrames = 10;
// What the net takes for no speech, and not nearly so: half of what it takes
// for some.
constexpr int kStillPerMille = 300;
// Noise reaches up to 3 dB above its own quietest frame. The rooms of callers
// are not that even, but what is fainter than this hardly is a caller: who is
// may be found 80 ms late.
constexpr int kRestMargin = 30;
constexpr int kFaint = -500;
// One frame in five keeps the net and its idea of the noise up to date: what is
// learnt there is the quietest of the last 80 frames that were looked at, 8 s.
constexpr int kLookFrames = 5;

// How far below his voice a caller may be. The softest consonants are some 25
// dB below vowels; what is fainter behind a voice is the room he speaks in.
constexpr int kVoiceRange = 300;
// His voice is learnt from voiced frames within some 100 ms, and forgotten when
// for 1.8 s none came near it: another may have taken the telephone. Hundredths
// of a dB.
constexpr int kVoiceAttack = 4;
constexpr int kNearVoice = 1500;
constexpr int kVoiceFrames = 90;

// The middle of a word: 120 ms of speech in a row, as far above the noise.
// Where a voice fades, every frame is looked at as it comes.
constexpr int kSteadyFrames = 6;
constexpr int kSteadyMargin = 150;

}  // namespace

SpeechDetector::SpeechDetector(const Config& config) : config_(config) {
  Reset();
}

void SpeechDetector::Reset() {
  features_.Reset();
  net_.Reset();
  per_mille_ = 0;
  still_frames_ = 0;
  unseen_frames_ = 0;
  steady_frames_ = 0;
  waiting_ = 0;
  noise_floor_ = kFloorAtStart;
  voice_hundredths_ = kFloorAtLeast * 10;
  unlike_frames_ = 0;
  quietest_.fill(kFloorAtStart);
  slot_ = 0;
  slot_frames_ = 0;
}

SpeechDetector::Result SpeechDetector::Process(std::span<const int16_t> frame) {
  TL_CHECK(frame.size() == kFrameSamples);
  const uint32_t mean_square = MeanSquare(frame);
  const int level = LevelDbfsTenths(mean_square);
  TrackNoise(level);
  const bool rested = Rests(level);
  const bool waits = !rested && waiting_ < kMostWaiting && IsSteady(level);
  if (rested) {
    features_.Skip(frame);
  } else if (waits) {
    std::copy(frame.begin(), frame.end(),
              waiting_frames_[waiting_].samples.begin());
    waiting_frames_[waiting_++].mean_square = mean_square;
  } else {
    for (size_t i = 0; i < waiting_; ++i) {
      Look(waiting_frames_[i].samples, waiting_frames_[i].mean_square);
    }
    waiting_ = 0;
    Look(frame, mean_square);
  }
  const bool voiced = per_mille_ >= config_.threshold_per_mille;
  TrackVoice(level, voiced);
  return Result{
      .speech = voiced && level > kQuietestSpeech &&
                level > voice_hundredths_ / 10 - kVoiceRange,
      .voiced = voiced,
      .rested = rested,
      .waits = waits,
      .probability_per_mille = static_cast<int16_t>(per_mille_),
      .level_dbfs_tenths = static_cast<int16_t>(level),
      .noise_floor_dbfs_tenths = static_cast<int16_t>(noise_floor_),
  };
}

// The net sees noise as well as speech: it learns from both.
void SpeechDetector::Look(std::span<const int16_t> frame,
                          uint32_t mean_square) {
  const float probability = net_.Process(features_.Process(frame, mean_square));
  const float to_nearest = probability * 1000 + 0.5F;
  per_mille_ = static_cast<int>(to_nearest);
  if (per_mille_ >= kStillPerMille) still_frames_ = 0;
  const bool voiced = per_mille_ >= config_.threshold_per_mille;
  steady_frames_ = voiced ? std::min(steady_frames_ + 1, kSteadyFrames) : 0;
}

bool SpeechDetector::IsSteady(int level) const {
  return steady_frames_ == kSteadyFrames &&
         level > noise_floor_ + kSteadyMargin;
}

bool SpeechDetector::Rests(int level) {
  const bool still = still_frames_ == kStillFrames;
  if (!still) ++still_frames_;
  if (still && level <= std::max(noise_floor_ + kRestMargin, kFaint) &&
      ++unseen_frames_ < kLookFrames) {
    return true;
  }
  unseen_frames_ = 0;
  return false;
}

void SpeechDetector::TrackVoice(int level, bool voiced) {
  const int above = level * 10 - voice_hundredths_;
  if (voiced && above > 0) voice_hundredths_ += above / kVoiceAttack;
  if (voiced && above > -kNearVoice) {
    unlike_frames_ = 0;
  } else if (++unlike_frames_ >= kVoiceFrames) {
    unlike_frames_ = 0;
    voice_hundredths_ = kFloorAtLeast * 10;
  }
}

void SpeechDetector::TrackNoise(int level) {
  const auto bounded =
      static_cast<int16_t>(std::clamp(level, kFloorAtLeast, kFloorAtMost));
  if (slot_frames_ == kSlotFrames) {
    slot_frames_ = 0;
    slot_ = (slot_ + 1) % kSlots;
    quietest_[slot_] = bounded;
  }
  ++slot_frames_;
  quietest_[slot_] = std::min(quietest_[slot_], bounded);
  const int quietest = *std::min_element(quietest_.begin(), quietest_.end());
  noise_floor_ = std::min(noise_floor_ + kFloorRise, quietest);
}

}  // namespace trunkline::audio
