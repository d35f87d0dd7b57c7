#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/limiter.h"
#include "audio/loudness.h"

namespace trunkline::audio {

// Brings a talker to a loudness, slowly, and limits what would then clip.
//
// Estimates how loud the talker is the way EBU R 128 does: K-weighted blocks of
// 400 ms every 100 ms, of which those count that stand out of the tracked noise
// and lie no more than 10 LU below the rest; the last 10 s of speech count. The
// gain moves towards the target in dB at a bounded slope, and only while such
// blocks come: it stands still in pauses and does not lift noise. While the
// talker is new (the first 3 s of speech, or a lasting step of more than 6 LU)
// it moves at 8 dB/s, then at 1 dB/s and only for more than 1 dB, so that a
// sentence keeps its shape. Until something speaks the gain is 0 dB.
//
// Plain arithmetic without a library: every build gives the same samples. The
// output lags by delay_samples(), the limiter's look-ahead of 2 to 3 ms. Not
// thread-safe. Allocates nothing; about 1 KB. A copy goes on alike.
class GainControl {
 public:
  struct Config {
    // 8000, 16000 or 24000.
    int sample_rate_hz = 8000;
    // [-40, -10]. The programme loudness of EBU R 128, and about what the
    // nominal level of a telephone line, -26 dBov of active speech (ITU-T
    // G.100.1), comes to; the crest of speech, 16 to 20 dB, then hardly meets
    // the limiter.
    float target_lufs = -23.0F;
    // Both >= 0. A talker 20 dB below the target is still raised to it; noise
    // under a weaker one would become loud.
    float most_boost_db = 20.0F;
    float most_cut_db = 15.0F;
  };

  // What the caller knows about a frame, from its own detector.
  enum class Voice : uint8_t {
    kUnknown,  // this stage decides by level alone
    kAbsent,   // not to be learnt from, however loud: tones, music, babble
  };

  struct Result {
    // At the end of the frame.
    float gain_db = 0;
    // How loud the talker is before the gain; LoudnessMeter::kNone before
    // anything spoke.
    float talker_lufs = LoudnessMeter::kNone;
    // Whether the talker is still new, and the gain fast.
    bool acquiring = true;
  };

  explicit GainControl(const Config& config);

  // Changes 20 ms of mono S16 in place. Precondition: frame_samples() samples.
  Result Process(std::span<int16_t> frame, Voice voice = Voice::kUnknown);
  // As constructed.
  void Reset();

  size_t frame_samples() const { return frame_samples_; }
  int delay_samples() const { return limiter_.delay_samples(); }

 private:
  static constexpr size_t kMaxFrameSamples = 480;
  static constexpr int kSlotFrames = 5;
  static constexpr size_t kBlockSlots = 4;
  static constexpr size_t kFloorSlots = 3;

  // A mean of powers that forgets.
  struct Mean {
    float power = 0;
    int count = 0;
    void Add(float value, int memory);
  };

  void EndSlot();
  bool IsSpeech(float slot_power, float block_power);
  void TrackNoise(float slot_power);
  void Learn(float block_power);
  void Aim();

  Config config_;
  size_t frame_samples_;
  KWeighting weighting_;
  Limiter limiter_;

  // The slot of 100 ms that is being filled.
  float slot_sum_ = 0;
  int slot_frames_ = 0;
  int slot_voice_frames_ = 0;
  // Powers of the last slots, a ring.
  std::array<float, kBlockSlots> slots_{};
  size_t next_slot_ = 0;
  int filled_slots_ = 0;

  // The quietest slot of each 400 ms, a ring; the current one's so far.
  std::array<float, kFloorSlots> quietest_{};
  size_t floor_slot_ = 0;
  int in_floor_slot_ = 0;
  float floor_ = 0;

  // The talker over 10 s of speech and over 1.5 s.
  Mean talker_;
  Mean recent_;
  int quiet_blocks_ = 0;
  bool acquiring_ = true;

  float gain_db_ = 0;
  float gain_ = 1;
  // What gain_db_ changes by in each frame of the next slot.
  float step_db_ = 0;
};

}  // namespace trunkline::audio
