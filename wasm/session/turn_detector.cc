#include "session/turn_detector.h"

#include <algorithm>
#include <bit>

namespace trunkline::session {

TurnDetector::TurnDetector(Duration end_of_turn) { SetEndOfTurn(end_of_turn); }

void TurnDetector::SetEndOfTurn(Duration end_of_turn) {
  end_of_turn_frames_ =
      std::max(1, static_cast<int>(end_of_turn.ms() / kFrameMs));
}

TurnDetector::Event TurnDetector::OnFrame(bool speech) {
  constexpr uint32_t kWindow = (1U << kOnsetWindow) - 1;
  // A turn may outlast any counter that matters; hours of it stay in range.
  recent_ = (recent_ << 1 | (speech ? 1U : 0U)) & kWindow;
  if (phase_ != Phase::kQuiet) {
    ++frames_since_start_;
    ++frames_since_turn_;
  }
  if (speech) {
    frames_since_speech_ = 0;
  } else {
    ++frames_since_speech_;
  }
  switch (phase_) {
    case Phase::kSpeaking:
      if (speech) {
        ++speech_frames_;
        ++turn_speech_frames_;
      }
      if (frames_since_speech_ < kStopFrames) return Event::kNone;
      phase_ = Phase::kPausing;
      return Event::kSpeechStopped;
    case Phase::kPausing:
      if (std::popcount(recent_) >= kOnsetFrames) break;
      if (frames_since_speech_ < end_of_turn_frames_) return Event::kNone;
      phase_ = Phase::kQuiet;
      return Event::kTurnEnded;
    case Phase::kQuiet:
      if (std::popcount(recent_) >= kOnsetFrames) break;
      return Event::kNone;
  }
  // Speech starts: with the oldest speech frame of the window.
  const bool is_new_turn = phase_ == Phase::kQuiet;
  phase_ = Phase::kSpeaking;
  speech_frames_ = std::popcount(recent_);
  frames_since_start_ = static_cast<int>(std::bit_width(recent_));
  if (is_new_turn) {
    turn_speech_frames_ = 0;
    frames_since_turn_ = frames_since_start_;
  }
  turn_speech_frames_ += speech_frames_;
  return Event::kSpeechStarted;
}

void TurnDetector::AbandonTurn() {
  phase_ = Phase::kQuiet;
  recent_ = 0;
}

}  // namespace trunkline::session
