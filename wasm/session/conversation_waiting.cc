#include "session/conversation.h"

// When the caller hears that he waits.

namespace trunkline::session {

void Conversation::OnWaiting() {
  if (CallerWaits()) playback_->BeginWaiting();
}

bool Conversation::CallerWaits() const {
  switch (state_) {
    case State::kConnecting:
    case State::kThinking:
      return true;
    case State::kListening:
      // He has asked, and says no more that is known of.
      return !caller_->is_awaited() && digits_.empty() &&
             (caller_->has_asked() || replies_.owes_answer());
    case State::kSpeaking:
      return playback_->is_starved();
    case State::kSetup:
    case State::kInterrupted:
    case State::kFarewell:
    case State::kLegLost:
    case State::kEnded:
      break;
  }
  return false;
}

// Where a transition does not say so.
void Conversation::LookAtWaiting() {
  if (state_ != State::kListening && state_ != State::kSpeaking) return;
  if (!CallerWaits()) {
    context_.ClearTimer(Timer::kWaiting);
    playback_->EndWaiting();
  } else if (playback_->has_waiting_sound() && !playback_->waiting() &&
             !context_.deadlines().IsSet(Timer::kWaiting)) {
    context_.SetTimer(Timer::kWaiting, limits().waiting);
  }
}

}  // namespace trunkline::session
