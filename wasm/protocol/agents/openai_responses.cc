#include "protocol/agents/openai_responses.h"

#include <algorithm>
#include <utility>

namespace trunkline::protocol {

void OpenAiResponses::Reset() {
  End();
  discarded_.clear();
  over_.clear();
  waiting_.clear();
  retried_ = false;
  lost_request_ = false;
  refused_.clear();
}

void OpenAiResponses::Ask(std::string instructions) {
  std::erase_if(waiting_, [&instructions](const std::string& one) {
    return one.empty() == instructions.empty();
  });
  waiting_.push_back(std::move(instructions));
}

const std::string* OpenAiResponses::Next() {
  if (phase_ != Phase::kIdle || waiting_.empty()) return nullptr;
  last_ = std::move(waiting_.front());
  waiting_.erase(waiting_.begin());
  phase_ = Phase::kRequested;
  has_audio_ = false;
  has_text_ = false;
  has_pieces_ = false;
  lost_request_ = false;
  cancel_id_.clear();
  return &last_;
}

bool OpenAiResponses::Cancel() {
  waiting_.clear();
  retried_ = false;
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
  std::erase(over_, active_);
  foreign_ = phase_ == Phase::kIdle;
  refused_.clear();
  phase_ = Phase::kActive;
  has_audio_ = false;
  has_text_ = false;
  has_pieces_ = false;
  const bool comes_late = std::exchange(lost_request_, false) && foreign_;
  if (std::exchange(discard_requested_, false) || comes_late) Discard(id);
}

std::optional<OpenAiResponses::Done> OpenAiResponses::OnDone(
    std::string_view id, std::string_view status) {
  bool discarded = IsDiscarded(id);
  if (id == refused_) refused_.clear();
  if (!discarded && IsStale(id, status)) return std::nullopt;
  std::erase(discarded_, id);
  RememberOver(id);
  bool foreign = false;
  switch (phase_) {
    case Phase::kRequested:
      // It was never announced.
      phase_ = Phase::kIdle;
      if (std::exchange(discard_requested_, false)) discarded = true;
      break;
    case Phase::kActive:
      if (!id.empty() && !active_.empty() && id != active_) break;
      foreign = std::exchange(foreign_, false);
      phase_ = Phase::kIdle;
      active_.clear();
      if (!foreign) retried_ = false;
      break;
    case Phase::kIdle:
      break;
  }
  Done done;
  if (foreign && !waiting_.empty()) {
    // What was asked for is asked for now.
    done.what = Done::What::kNothing;
  } else if (foreign && std::exchange(retried_, false)) {
    done.what = Done::What::kBusy;
  } else if (discarded ||
             (status == "cancelled" && (foreign || !cancel_id_.empty()))) {
    done.what = Done::What::kNothing;
  }
  done.called_tools = std::exchange(calls_tools_, false);
  done.only_text = has_text_ && !has_audio_ && !done.called_tools;
  done.is_whole = status == "completed" && !discarded;
  return done;
}

bool OpenAiResponses::OnBusy(std::string_view event_id) {
  bool wanted = false;
  switch (phase_) {
    case Phase::kIdle:
      return false;
    case Phase::kRequested:
      // Its id comes with its response.done, unless it is the one that we have
      // given up.
      active_ = std::exchange(refused_, {});
      if (!active_.empty()) {
        std::erase(over_, active_);
        Discard(active_);
      }
      wanted = !std::exchange(discard_requested_, false);
      break;
    case Phase::kActive:
      // It was announced behind our request, and taken for the answer to that.
      if (foreign_ || event_id.empty() || event_id != create_id_) return false;
      wanted = !IsDiscarded(active_);
      break;
  }
  phase_ = Phase::kActive;
  foreign_ = true;
  if (!wanted) {
    retried_ = false;
  } else if (!std::exchange(retried_, true)) {
    waiting_.insert(waiting_.begin(), last_);
  }
  return true;
}

bool OpenAiResponses::MayBeRefused(std::string_view event_id) const {
  if (!event_id.empty() && event_id != create_id_) return false;
  switch (phase_) {
    case Phase::kIdle:
      return false;
    case Phase::kRequested:
      return true;
    case Phase::kActive:
      return !foreign_ && !has_audio_ && !has_text_ && !has_pieces_ &&
             !calls_tools_ && !(event_id.empty() && IsDiscarded(active_));
  }
  return false;
}

bool OpenAiResponses::OnRefused() {
  const bool wanted = !discard_requested_ && !IsDiscarded(active_);
  if (phase_ == Phase::kActive) {
    std::erase(discarded_, active_);
    RememberOver(active_);
    refused_ = active_;
  }
  End();
  return wanted;
}

bool OpenAiResponses::OnNothingToCancel(std::string_view event_id) {
  const bool answers_last =
      !cancel_id_.empty() && (event_id.empty() || event_id == cancel_id_);
  if (!answers_last || phase_ == Phase::kIdle) return false;
  lost_request_ = phase_ == Phase::kRequested;
  std::erase(discarded_, active_);
  RememberOver(active_);
  End();
  return true;
}

bool OpenAiResponses::IsDiscarded(std::string_view id) const {
  return Has(discarded_, id);
}

bool OpenAiResponses::IsOver(std::string_view id) const {
  return Has(over_, id);
}

bool OpenAiResponses::IsAsked(std::string_view id) const {
  switch (phase_) {
    case Phase::kIdle:
      return false;
    case Phase::kRequested:
      // Maybe it is not announced.
      return true;
    case Phase::kActive:
      return !foreign_ && (id.empty() || active_.empty() || id == active_);
  }
  return false;
}

bool OpenAiResponses::IsUnwanted(std::string_view id) const {
  return (requested() && discard_requested_) || IsDiscarded(id);
}

bool OpenAiResponses::IsStale(std::string_view id,
                              std::string_view status) const {
  switch (phase_) {
    case Phase::kActive:
      if (!active_.empty()) return !id.empty() && id != active_;
      break;
    case Phase::kRequested:
      // One that was never announced, and of which nothing has come.
      if (!discard_requested_ && !has_audio_ && !has_text_ && !calls_tools_ &&
          (status == "completed" || status == "cancelled")) {
        return true;
      }
      break;
    case Phase::kIdle:
      break;
  }
  return IsOver(id);
}

void OpenAiResponses::End() {
  phase_ = Phase::kIdle;
  active_.clear();
  discard_requested_ = false;
  foreign_ = false;
  cancel_id_.clear();
  calls_tools_ = false;
}

void OpenAiResponses::Discard(std::string_view id) { Add(discarded_, id); }

void OpenAiResponses::RememberOver(std::string_view id) {
  if (!id.empty()) Add(over_, id);
}

void OpenAiResponses::Add(std::vector<std::string>& ids, std::string_view id) {
  if (ids.size() == kMaxKept) ids.erase(ids.begin());
  ids.emplace_back(id);
}

bool OpenAiResponses::Has(const std::vector<std::string>& ids,
                          std::string_view id) {
  return !id.empty() && std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace trunkline::protocol
