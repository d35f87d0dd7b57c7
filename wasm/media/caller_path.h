#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "audio/speech_detector.h"
#include "base/time.h"
#include "media/caller_audio.h"
#include "media/caller_cleaner.h"
#include "media/echo_judge.h"
#include "media/gap_filler.h"
#include "media/heard_track.h"
#include "media/rate_branch.h"
#include "media/spoken_clock.h"
#include "media/transcoder.h"
#include "protocol/wire.h"

namespace trunkline::media {

enum class EchoGuarding : uint8_t { kOff, kOn };

// The way of the caller's audio: from what the leg delivers to frames of 20 ms
// that are placed in time, free of gaps, cleaned for the agent, and judged as
// speech or not.
//
// The agent and the recording get the leg's own width. Speech and echo are
// judged at 8 kHz, on a branch that lags by 2 ms where the leg is wider. What
// is cleaned for the agent is so at CallerCleaner::RateFor(): a wide caller
// whose noise is taken away is heard at 8 kHz.
class CallerPath {
 public:
  struct Config {
    // Any encoding, 8000, 16000, 24000 or 48000 Hz.
    protocol::AudioFormat leg;
    protocol::AudioFormat agent;
    Denoising denoise = Denoising::kOff;
    Leveling level = Leveling::kOff;
    EchoGuarding echo_guarding = EchoGuarding::kOn;
    // Whether the agent's format may change.
    enum class Agents : uint8_t { kOne, kSeveral };
    Agents agents = Agents::kOne;
  };
  // Views are valid until the next call. One of kPassed is for clocks and for
  // the recording alone: its samples are silence, and there is nothing for the
  // agent.
  struct Frame {
    CallerAudio::Source source = CallerAudio::Source::kCarrier;
    // Whether the caller's own voice is in it.
    bool speaks = false;
    std::span<const int16_t> samples;    // at the leg's rate
    std::span<const uint8_t> for_agent;  // in the agent's format
  };

  // `heard` is what the caller hears of the agent; it is borrowed for the life
  // of the object.
  CallerPath(const Config& config, const HeardTrack& heard);

  // The stream begins, or begins anew, and its timestamps with it.
  void OnStreamStarted(Instant now);
  // As of CallerAudio; the frames come from Next().
  void OnAudio(std::optional<int64_t> timestamp_ms,
               std::span<const uint8_t> audio, Instant now) {
    caller_audio_.OnAudio(timestamp_ms, audio, now);
  }
  void FillSilence(Duration duration) { caller_audio_.FillSilence(duration); }
  // From the next frame on the agent hears this format, which may be the same.
  // No frame is lost, and the first sounds as if it had been so before.
  void SetAgentFormat(protocol::AudioFormat agent);

  // The next frame of what has come. While `guarding` is kOff an echo of the
  // agent's voice counts as the caller's.
  std::optional<Frame> Next(Instant now, EchoGuarding guarding);

  // Within the last second the agent's voice came back, and the caller's was
  // not heard: somebody else's speech detection has heard the agent.
  bool only_echo_lately() const {
    return frames_since_echo_ < kLatelyFrames &&
           frames_since_caller_ == kLatelyFrames;
  }
  // When the frames were spoken that Next() has returned.
  const SpokenClock& spoken_clock() const { return spoken_clock_; }
  const CallerAudio::Counters& counters() const {
    return caller_audio_.counters();
  }

 private:
  static constexpr int kLatelyFrames = 50;

  // Puts what the line likely went on with in the place of what was lost, in
  // samples_ and in what is returned, in the leg's format.
  std::span<const uint8_t> ConcealGap(const CallerAudio::Frame& frame);
  bool HearsCaller(Instant now, EchoGuarding guarding);

  const Config config_;
  CallerAudio caller_audio_;
  SpokenClock spoken_clock_;
  GapFiller gap_filler_;
  audio::SpeechDetector speech_detector_{audio::SpeechDetector::Config{}};
  std::optional<EchoJudge> echo_judge_;
  // To the rate at which speech and echo are judged.
  RateBranch judged_;
  // To the rate at which the agent's audio is cleaned.
  RateBranch cleanable_;
  CallerCleaner cleaner_;
  protocol::AudioFormat agent_;
  std::unique_ptr<Transcoder> to_agent_;
  bool after_gap_ = false;
  // Frames since the caller's own voice, and since the agent's in its place.
  int frames_since_caller_ = kLatelyFrames;
  int frames_since_echo_ = kLatelyFrames;
  // The frame, linear, concealed, cleaned.
  std::vector<int16_t> samples_;
  std::vector<uint8_t> concealed_;
  std::vector<uint8_t> cleaned_;
  // What the agent heard last, before it was converted; empty where nobody may
  // take its place.
  std::vector<uint8_t> last_;
};

}  // namespace trunkline::media
