#include "session/command_desk.h"

#include <string_view>

#include "base/check.h"

namespace trunkline::session {

CommandOutcome CommandDesk::Judge(const CommandEnvelope& envelope) const {
  using Code = CommandOutcome::Code;
  const Json& command = envelope.command;
  const std::string_view type = StringMember(command, "type");
  if (type == "hangUp") return {};
  // Only tests break a call.
  if (type == "crash" && faults_ == Config::Faults::kAllowed &&
      envelope.source == CommandEnvelope::Source::kHarness) {
    return {};
  }
  if (type == "say") {
    const std::string_view text = StringMember(command, "text");
    if (text.empty()) return {Code::kInvalid, "text must be a text", "text"};
    return conversation_.JudgeSay(text);
  }
  if (type == "digits") {
    return conversation_.JudgeDigits(StringMember(command, "digits"));
  }
  if (type == "toolResult") {
    const std::string_view id = StringMember(command, "toolCallId");
    if (id.empty()) {
      return {Code::kInvalid, "toolCallId must be a text", "toolCallId"};
    }
    // What is no text would reach the agent as something else.
    if (StringMember(command, "output").empty()) {
      return {Code::kInvalid, "output must be a text", "output"};
    }
    return conversation_.JudgeToolResult(id);
  }
  if (type == "recordingConsent" || type == "pauseRecording" ||
      type == "resumeRecording") {
    if (!recording_.active()) {
      return {Code::kConflict, "the call is not recorded", ""};
    }
    return {};
  }
  return {Code::kInvalid, "there is no such command", "type"};
}

void CommandDesk::CarryOut(const CommandEnvelope& envelope) {
  const Json& command = envelope.command;
  const std::string_view type = StringMember(command, "type");
  if (type == "hangUp") {
    // The leg's own client is the caller.
    const bool by_caller = envelope.source == CommandEnvelope::Source::kClient;
    conversation_.HangUp(by_caller ? "callerHangUp" : "hangUp");
  } else if (type == "say") {
    conversation_.Say(StringMember(command, "text"));
  } else if (type == "digits") {
    conversation_.Digits(StringMember(command, "digits"));
  } else if (type == "toolResult") {
    conversation_.ToolResult(StringMember(command, "toolCallId"),
                             StringMember(command, "output"));
  } else if (type == "recordingConsent") {
    recording_.SetPause(media::RecordingPause::kConsent, false);
  } else if (type == "pauseRecording" || type == "resumeRecording") {
    recording_.SetPause(media::RecordingPause::kCommand,
                        type == "pauseRecording");
  } else {
    // INVARIANT: what is judged to be done is done here; "crash" is not.
    TL_CHECK(false);
  }
}

}  // namespace trunkline::session
