#include <algorithm>
#include <utility>
#include <vector>

#include "session/conversation.h"

// What a session that follows a lost one is told, and what it makes of that.

namespace trunkline::session {

bool Conversation::Restore(const Json& snapshot, int64_t alive_ms) {
  const Json* transcript = FindMember(snapshot, "transcript");
  const Json* tools = FindMember(snapshot, "tools");
  const auto alive = IntegerMember(snapshot, "aliveMs");
  if (transcript == nullptr || tools == nullptr || !alive) return false;
  auto restored = Transcript::FromJson(*transcript, context_.call_began());
  if (!restored || !tools_.FromJson(*tools, context_.now())) return false;
  const auto count = [&snapshot](const char* key) {
    return std::max<int64_t>(IntegerMember(snapshot, key).value_or(0), 0);
  };
  transcript_ = *std::move(restored);
  transcript_.SkipLines(context_.config().last_line);
  // What did not play then was not heard any further.
  transcript_.OnSessionLost(
      count("stopped") != 0 ? *alive : std::max(*alive, alive_ms),
      context_.now());
  turns_ = count("turns");
  replies_heard_ = count("replies");
  barge_ins_ = count("bargeIns");
  resumes_ = count("resumes");
  const auto heard_whole = [this](int64_t line) {
    return transcript_.WasHeardWhole(static_cast<LineId>(line));
  };
  replies_.Restore(snapshot, heard_whole);
  if (const Json* says = FindMember(snapshot, "says")) {
    replies_.texts().Restore(*says, heard_whole);
  }
  agent_.Restore(snapshot);
  restored_ = true;
  end_reason_ = StringMember(snapshot, "ending");
  if (FindMember(snapshot, "keypad") != nullptr) {
    const std::string_view digits = StringMember(snapshot, "keypad");
    // Who entered them waits for no more than an answer.
    if (!digits.empty()) digits_.Add(digits);
    digits_lost_ = digits_.empty();
  }
  return true;
}

// A text by command that is not heard is owed as that.
bool Conversation::IsReplyUnheard() const {
  if (replies_.making_reply()) return true;
  if (!playback_ || !playback_->has_unheard()) return false;
  const std::vector<protocol::ItemId> items = playback_->Unheard();
  return items.empty() ||
         std::any_of(items.begin(), items.end(), [this](protocol::ItemId item) {
           return !replies_.texts().IsOf(item);
         });
}

Json Conversation::TakeSnapshot() {
  snapshot_due_ = false;
  const bool unheard = playback_ && playback_->has_unheard();
  if (unheard) playback_->Report();
  const bool plays = state_ == State::kSpeaking || state_ == State::kFarewell;
  const bool reply_due =
      state_ == State::kThinking || (caller_ && caller_->has_asked()) ||
      ((state_ == State::kSpeaking || state_ == State::kInterrupted ||
        state_ == State::kLegLost) &&
       IsReplyUnheard());
  Json snapshot = {{"aliveMs", (context_.now() - context_.call_began()).ms()},
                   {"stopped", plays ? 0 : 1},
                   {"transcript", transcript_.ToJson()},
                   {"tools", tools_.ToJson(context_.now())},
                   {"turns", turns_},
                   {"replies", replies_heard_},
                   {"bargeIns", barge_ins_},
                   {"resumes", resumes_}};
  if (!end_reason_.empty()) snapshot["ending"] = end_reason_;
  // "" where they may not be kept.
  if (!digits_.empty() || digits_lost_) {
    snapshot["keypad"] = keeps_digits() ? std::string(digits_.entered()) : "";
  }
  const auto line_of = [this](protocol::ItemId item) {
    return static_cast<int64_t>(playback_->LineOf(item));
  };
  if (!replies_.texts().empty()) {
    snapshot["says"] = replies_.texts().ToJson(line_of);
  }
  agent_.list().AddTo(snapshot);
  replies_.AddTo(snapshot, reply_due ? Replies::Due::kYes : Replies::Due::kNo,
                 line_of);
  return snapshot;
}

}  // namespace trunkline::session
