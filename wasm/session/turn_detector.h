#pragma once

#include <cstdint>

#include "base/time.h"

namespace trunkline::session {

// From "this frame is speech" to "the caller speaks", "the caller stopped" and
// "the turn is over". Counts frames of 20 ms; has no clock.
//
// Speech starts when 3 of the last 4 frames are speech: 60 ms, and a click of
// 40 ms is none. It may start that early because an interruption is taken back
// when the speech proves short.
class TurnDetector {
 public:
  static constexpr int kFrameMs = 20;
  static constexpr int kOnsetFrames = 3;
  static constexpr int kOnsetWindow = 4;
  // Silence after which speech counts as stopped: longer than the closure of a
  // stop consonant within a word (50-150 ms).
  static constexpr int kStopFrames = 10;

  enum class Event : uint8_t {
    kNone,
    kSpeechStarted,
    kSpeechStopped,
    kTurnEnded
  };

  // `end_of_turn`: silence after the last speech that ends the turn.
  explicit TurnDetector(Duration end_of_turn);

  // So much from now on. In a pause that is as long, the next frame ends the
  // turn.
  void SetEndOfTurn(Duration end_of_turn);

  // One frame; at most one event comes of it.
  Event OnFrame(bool speech);
  // The speech so far was no turn: no kTurnEnded comes of it.
  void AbandonTurn();

  // Between kSpeechStarted and kSpeechStopped.
  bool speaking() const { return phase_ == Phase::kSpeaking; }
  // Between kSpeechStopped and what follows it.
  bool pausing() const { return phase_ == Phase::kPausing; }
  // Between kSpeechStarted and kTurnEnded (or AbandonTurn).
  bool in_turn() const { return phase_ != Phase::kQuiet; }
  // Speech frames since the last kSpeechStarted.
  Duration speech() const { return Frames(speech_frames_); }
  // From where that speech began, and from where it ended last, until now.
  Duration since_start() const { return Frames(frames_since_start_); }
  Duration since_speech() const { return Frames(frames_since_speech_); }
  // Speech frames of the turn, over all its pauses, and how long ago it began.
  Duration turn_speech() const { return Frames(turn_speech_frames_); }
  Duration since_turn() const { return Frames(frames_since_turn_); }

 private:
  enum class Phase : uint8_t {
    kQuiet,
    kSpeaking,
    kPausing,  // stopped, but the turn may go on
  };
  static Duration Frames(int count) {
    return Duration::Millis(int64_t{count} * kFrameMs);
  }

  int end_of_turn_frames_ = 1;
  Phase phase_ = Phase::kQuiet;
  // One bit a frame, the newest lowest.
  uint32_t recent_ = 0;
  int speech_frames_ = 0;
  int frames_since_start_ = 0;
  int frames_since_speech_ = 0;
  int turn_speech_frames_ = 0;
  int frames_since_turn_ = 0;
};

}  // namespace trunkline::session
