#include "protocol/agents/openai_responses.h"

#include <algorithm>
#include <utility>

namespace trunkline::protocol {

void OpenAiResponses::Reset() {
  End();
  discarded_.clear();
  waiting_.clear();
  retried_ = false;
}

void OpenAiResponses::Ask(std::string instructions) {
  waiting_.clear();
  waiting_.push_back(std::move(instructions));
}

const std::string* OpenAiResponses::Next() {
  if (phase_ != Phase::kIdle || waiting_.empty()) return nullptr;
  last_ = std::move(waiting_.front());
  waiting_.pop_front();
  phase_ = Phase::kRequested;
  cancel_id_.clear();
  return &last_;
}

bool OpenAiResponses::Cancel() {
  waiting_.clear();
  switch (phase_) {
    case Phase::kIdle:
      return false;
    case Phase::kRequested:
      return !std::exchange(discard_requested_, true);
    case Phase::kActive:
      if (IsDiscarded(active_)) return false;
      Discard(active_);
      return true;
  }
  return false;
}

void OpenAiResponses::OnCreated(std::string_view id) {
  active_ = id;
  phase_ = Phase::kActive;
  has_audio_ = false;
  has_text_ = false;
  if (std::exchange(discard_requested_, false)) Discard(id);
}

OpenAiResponses::Done OpenAiResponses::OnDone(std::string_view id) {
  Done done;
  done.discarded = IsDiscarded(id);
  Forget(id);
  if (phase_ == Phase::kActive &&
      (id.empty() || active_.empty() || id == active_)) {
    phase_ = Phase::kIdle;
    active_.clear();
    retried_ = false;
  }
  done.called_tools = std::exchange(calls_tools_, false);
  done.only_text = has_text_ && !has_audio_ && !done.called_tools;
  return done;
}

void OpenAiResponses::OnBusy() {
  // Its id comes with its response.done.
  phase_ = Phase::kActive;
  active_.clear();
  const bool wanted = !std::exchange(discard_requested_, false);
  if (wanted && !std::exchange(retried_, true)) waiting_.push_front(last_);
}

bool OpenAiResponses::OnRefused() {
  const bool wanted = !discard_requested_;
  End();
  return wanted;
}

bool OpenAiResponses::OnNothingToCancel(std::string_view event_id) {
  const bool answers_last =
      !cancel_id_.empty() && (event_id.empty() || event_id == cancel_id_);
  if (!answers_last || phase_ != Phase::kActive) return false;
  Forget(active_);
  End();
  return true;
}

bool OpenAiResponses::IsDiscarded(std::string_view id) const {
  return !id.empty() && std::find(discarded_.begin(), discarded_.end(), id) !=
                            discarded_.end();
}

void OpenAiResponses::End() {
  phase_ = Phase::kIdle;
  active_.clear();
  discard_requested_ = false;
  cancel_id_.clear();
  calls_tools_ = false;
}

void OpenAiResponses::Discard(std::string_view id) {
  if (discarded_.size() == kMaxDiscarded) discarded_.pop_front();
  discarded_.emplace_back(id);
}

void OpenAiResponses::Forget(std::string_view id) {
  std::erase(discarded_, id);
}

}  // namespace trunkline::protocol
