#include <string>
#include <string_view>
#include <utility>

#include "session/conversation.h"

// What the caller is owed beside the replies to his turns: texts by command and
// the greeting, each until it is said or given up by name; and what the agent
// is owed of others: digits by command, results of tools.

namespace trunkline::session {

CommandOutcome Conversation::JudgeSay(std::string_view text) const {
  using Code = CommandOutcome::Code;
  if (text.size() > OwedTexts::kMaxBytes) {
    return {Code::kInvalid, "text must have at most 4000 bytes", "text"};
  }
  if (agent_.created() && !agent_.traits().can_say) {
    return {Code::kUnsupported, "the agent cannot say a text of others", ""};
  }
  if (state_ == State::kFarewell) {
    return {Code::kConflict, "the call is ending", ""};
  }
  if (!agent_.ready()) return {Code::kConflict, "the agent is not ready", ""};
  if (!replies_.texts().has_room()) {
    return {Code::kConflict, "too many texts wait to be said", ""};
  }
  return {};
}

// It is asked for at the end of this input, or when nothing else is due.
void Conversation::Say(std::string_view text) {
  replies_.texts().Owe(text);
  snapshot_due_ = true;
}

CommandOutcome Conversation::JudgeDigits(std::string_view digits) const {
  using Code = CommandOutcome::Code;
  if (!DigitEntry::Are(digits)) {
    return {Code::kInvalid, "digits must be 1 to 32 of 0 to 9, *, # and A to D",
            "digits"};
  }
  if (!digits_.has_room_for(digits)) {
    return {Code::kConflict, "too many digits wait to be told", ""};
  }
  return JudgeSay(digits);
}

CommandOutcome Conversation::JudgeToolResult(std::string_view tool_call_id,
                                             std::string_view output) const {
  using Code = CommandOutcome::Code;
  if (output.size() > ToolDesk::kMaxOutputBytes) {
    return {Code::kInvalid, "output must have at most 16384 bytes", "output"};
  }
  if (!tools_.Knows(tool_call_id)) {
    return {Code::kUnknown, "no call of a tool of this id waits", "toolCallId"};
  }
  // What the gateway has asked for cannot be taken back, and there is one
  // result.
  if (tools_.IsErrand(tool_call_id)) {
    return {Code::kConflict, "the gateway calls this tool itself",
            "toolCallId"};
  }
  if (!tools_.HasRoomFor(tool_call_id, output)) {
    return {Code::kConflict, "too many results wait for one before them", ""};
  }
  return {};
}

void Conversation::ToolResult(std::string_view tool_call_id,
                              std::string_view output) {
  tools_.Take(tool_call_id, output);
  // Who brought it is told that it is done, given or not.
  snapshot_due_ = true;
  GiveAnswers();
}

void Conversation::SayWhatIsOwed() {
  // Nearly always; every frame leads here.
  OwedTexts& texts = replies_.texts();
  if (!texts.any_to_come() && !replies_.owes_greeting()) return;
  if (!agent_.ready()) return;
  if (state_ != State::kListening && state_ != State::kSpeaking) return;
  if (replies_.GiveUpGreeting(Replies::GiveUp::kHopeless)) {
    NotSaid(context_.config().profile.greeting, "failed");
  }
  // A caller who speaks is greeted in answer to that.
  if (state_ == State::kListening && replies_.MayGreet() && replies_.MayAsk() &&
      !caller_->in_turn()) {
    replies_.Ask(caller_->since_speech());
    replies_.AwaitMore();
    return;
  }
  while (const auto text = texts.TakeHopeless()) NotSaid(*text, "failed");
  if (!texts.any_to_come() && !replies_.owes_greeting()) return;
  // None is said over him, nor before the reply to a turn of his.
  const bool waits_for_him =
      state_ == State::kListening && caller_->may_be_taken();
  // Digits that wait for the end of what plays come first: texts behind it
  // would put that off, one after the other.
  const bool waits = waits_for_him || digits_.whole();
  if (replies_.MaySay() && replies_.MayAsk() && !waits) {
    replies_.AskForSay();
  } else if ((texts.awaited() ||
              (replies_.making() && state_ == State::kListening)) &&
             !context_.deadlines().IsSet(Timer::kReply)) {
    // It comes, or its turn, when the reply that was cancelled is over.
    replies_.AwaitMore();
  }
}

void Conversation::NotSaid(std::string_view text, std::string_view reason) {
  events_.NotSaid(text, reason);
  snapshot_due_ = true;
}

void Conversation::GiveUpAll() {
  constexpr std::string_view kEnded = "ended";
  // Nothing is owed to a caller who never was there.
  if (!playback_ && !restored_) return;
  if (replies_.GiveUpGreeting(Replies::GiveUp::kAll)) {
    NotSaid(context_.config().profile.greeting, kEnded);
  }
  OwedTexts& texts = replies_.texts();
  while (!texts.empty()) {
    if (const auto hopeless = texts.TakeHopeless()) {
      NotSaid(*hopeless, "failed");
    } else if (const auto other = texts.TakeAny()) {
      NotSaid(*other, kEnded);
    }
  }
  GiveUpLostDigits();
  if (!digits_.empty()) NotSaid(KeptWords(digits_.Take()), kEnded);
}

void Conversation::GiveUpLostDigits() {
  if (!std::exchange(digits_lost_, false)) return;
  NotSaid(KeptWords({}), "failed");
}

}  // namespace trunkline::session
