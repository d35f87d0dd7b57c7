#include "protocol/agents/early_answer.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"

namespace trunkline::protocol {
namespace {

// What a model takes a text for, roughly: English has four characters a token.
int64_t TokensOf(size_t bytes) { return static_cast<int64_t>(bytes / 4); }

}  // namespace

void EarlyAnswer::Reset() {
  phase_ = Phase::kNone;
  words_.clear();
  answer_ = {};
  is_right_ = false;
  asked_bytes_ = 0;
}

void EarlyAnswer::Begin(std::string_view words) {
  // INVARIANT: who begins one has dropped the former.
  TL_CHECK(phase_ == Phase::kNone);
  phase_ = Phase::kAsking;
  words_ = words;
}

void EarlyAnswer::Ask(Instant now,
                      std::span<const ConversationLine> conversation,
                      std::string_view told) {
  std::vector<ConversationLine> lines(conversation.begin(), conversation.end());
  const auto line =
      std::find_if(lines.rbegin(), lines.rend(), [told](const auto& one) {
        return one.kind == ConversationLine::Kind::kCaller &&
               !one.text.empty() && one.text == told;
      });
  if (line != lines.rend()) {
    line->text = words_;
  } else {
    lines.emplace_back().text = words_;
  }
  phase_ = Phase::kAnswering;
  for (const ConversationLine& one : lines) asked_bytes_ += one.text.size();
  LlmRequest request;
  request.conversation = lines;
  llm_.SetNow(now);
  llm_.Ask(request);
}

// Words are taken; what else comes waits until the answer proves right.
bool EarlyAnswer::TakeEvent(Instant now, std::optional<Fault>& fault) {
  if (answer_.next) return false;
  const std::optional<LlmEvent> event = llm_.NextEvent();
  if (!event) return false;
  if (const auto* faulted = std::get_if<ServiceFaulted>(&*event)) {
    fault = faulted->fault;
  } else if (const auto* text = std::get_if<LlmText>(&*event)) {
    if (AppendWellFormed(answer_.text, text->text, kMaxBytes) ==
        Appended::kPart) {
      Drop(now);
    }
  } else if (std::holds_alternative<ServiceFailed>(*event)) {
    // The turn is asked for again when it is over.
    Drop(now);
  } else {
    answer_.next = event;
  }
  return true;
}

void EarlyAnswer::OnTurnEnded(Instant now, std::string_view words) {
  if (phase_ == Phase::kAnswering && words_ == words) {
    is_right_ = true;
  } else {
    Drop(now);
  }
}

EarlyAnswer::Answer EarlyAnswer::Take() {
  Answer answer = std::exchange(answer_, {});
  Reset();
  return answer;
}

void EarlyAnswer::Drop(Instant now) {
  const bool was_made = is_made();
  const LlmDone* done =
      answer_.next ? std::get_if<LlmDone>(&*answer_.next) : nullptr;
  // An answer that was cut short has no usage.
  const Usage usage = done != nullptr ? done->usage : Usage();
  const size_t bytes = asked_bytes_ + answer_.text.size();
  Reset();
  if (!was_made) return;
  llm_.SetNow(now);
  llm_.Abort();
  ++dropped_answers_;
  ++dropped_.dropped_answers;
  const int64_t known = usage.input_tokens + usage.output_tokens;
  dropped_.dropped_tokens += known > 0 ? known : TokensOf(bytes);
}

Usage EarlyAnswer::TakeDropped() { return std::exchange(dropped_, {}); }

}  // namespace trunkline::protocol
