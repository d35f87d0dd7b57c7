#include "session/command_desk.h"

#include <string>
#include <string_view>

#include "base/check.h"

namespace trunkline::session {
namespace {

// A field that has to be a text of something; else it is refused by one of the
// two.
CommandOutcome JudgeText(const Json& command, const char* field,
                         const char* no_text, const char* empty) {
  using Code = CommandOutcome::Code;
  const Json* text = FindMember(command, field);
  if (text == nullptr || !text->is_string()) {
    return {Code::kInvalid, no_text, field};
  }
  if (text->get_ref<const std::string&>().empty()) {
    return {Code::kInvalid, empty, field};
  }
  return {};
}

}  // namespace

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
    const CommandOutcome text = JudgeText(
        command, "text", "text must be a text", "text must not be empty");
    if (text.code != Code::kDone) return text;
    return conversation_.JudgeSay(StringMember(command, "text"));
  }
  if (type == "digits") {
    return conversation_.JudgeDigits(StringMember(command, "digits"));
  }
  if (type == "toolResult") {
    const CommandOutcome id =
        JudgeText(command, "toolCallId", "toolCallId must be a text",
                  "toolCallId must not be empty");
    if (id.code != Code::kDone) return id;
    // What is no text would reach the agent as something else.
    const CommandOutcome output = JudgeText(
        command, "output", "output must be a text", "output must not be empty");
    if (output.code != Code::kDone) return output;
    return conversation_.JudgeToolResult(StringMember(command, "toolCallId"),
                                         StringMember(command, "output"));
  }
  if (type == "switchAgent") {
    const Json* agent = FindMember(command, "agent");
    if (agent == nullptr ||
        !(agent->is_string() || agent->is_number_integer())) {
      return {Code::kInvalid, "agent must be an index or a name", "agent"};
    }
    return conversation_.JudgeSwitch(*agent);
  }
  if (type == "recordingConsent" || type == "pauseRecording" ||
      type == "resumeRecording") {
    if (!recording_.active()) {
      return {Code::kConflict, "the call is not recorded", ""};
    }
    return {};
  }
  // The shim's own, for those who watch.
  if (type == "watch" &&
      envelope.source == CommandEnvelope::Source::kObserver) {
    const std::string_view levels = StringMember(command, "levels");
    if (levels == "on" || levels == "off") return {};
    return {Code::kInvalid, "levels must be on or off", "levels"};
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
  } else if (type == "switchAgent") {
    conversation_.Switch(*FindMember(command, "agent"));
  } else if (type == "recordingConsent") {
    recording_.SetPause(media::RecordingPause::kConsent, false);
  } else if (type == "pauseRecording" || type == "resumeRecording") {
    recording_.SetPause(media::RecordingPause::kCommand,
                        type == "pauseRecording");
  } else if (type == "watch") {
    levels_.Set(StringMember(command, "levels") == "on"
                    ? LevelWatch::Watching::kYes
                    : LevelWatch::Watching::kNo);
  } else {
    // INVARIANT: what is judged to be done is done here; "crash" is not.
    TL_CHECK(false);
  }
}

void TellAudit(CallContext& context, const CommandEnvelope& envelope,
               const CommandOutcome& outcome) {
  using Source = CommandEnvelope::Source;
  const bool by_people = envelope.source == Source::kOperator ||
                         envelope.source == Source::kObserver;
  if (!by_people || envelope.name.empty()) return;
  const bool done = outcome.code == CommandOutcome::Code::kDone;
  Json event = context.NewEvent("audit");
  event["by"] = envelope.name;
  event["role"] = envelope.role;
  // What is no command may be anything.
  event["command"] = std::string_view(outcome.field) == "type"
                         ? std::string_view("unknown")
                         : StringMember(envelope.command, "type");
  event["status"] = done ? "done" : "refused";
  if (!done) event["code"] = ToString(outcome.code);
  context.Emit(event);
}

}  // namespace trunkline::session
