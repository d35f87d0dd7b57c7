#include "session/command.h"

#include <utility>

namespace trunkline::session {
namespace {

std::optional<CommandEnvelope::Source> ParseSource(std::string_view kind) {
  using Source = CommandEnvelope::Source;
  if (kind == "operator") return Source::kOperator;
  if (kind == "observer") return Source::kObserver;
  if (kind == "client") return Source::kClient;
  if (kind == "harness") return Source::kHarness;
  return std::nullopt;
}

// A member that may be absent and is a text otherwise, and not a long one: an
// event has it.
bool ReadText(const Json& object, const char* key, std::string& text) {
  const Json* member = FindMember(object, key);
  if (member == nullptr) return true;
  if (!member->is_string()) return false;
  text = StringMember(object, key);
  return text.size() <= kMaxSourceNameBytes;
}

}  // namespace

std::optional<CommandEnvelope> ParseCommand(std::string_view text) {
  std::optional<Json> json = ParseJson(text);
  if (!json || !json->is_object()) return std::nullopt;
  const Json* id = FindMember(*json, "id");
  const std::optional<int64_t> number = IntegerMember(*json, "id");
  if (id == nullptr || !id->is_number() || !number) return std::nullopt;
  const Json* source = FindMember(*json, "source");
  if (source == nullptr) return std::nullopt;
  const auto kind = ParseSource(StringMember(*source, "kind"));
  if (!kind) return std::nullopt;
  CommandEnvelope envelope;
  if (!ReadText(*source, "role", envelope.role) ||
      !ReadText(*source, "name", envelope.name)) {
    return std::nullopt;
  }
  const auto command = json->find("command");
  if (command == json->end() || !command->is_object()) return std::nullopt;
  envelope.id = *number;
  envelope.source = *kind;
  envelope.command = std::move(*command);
  return envelope;
}

const char* ToString(CommandOutcome::Code code) {
  using Code = CommandOutcome::Code;
  switch (code) {
    case Code::kDone:
      return "done";
    case Code::kUnknown:
      return "unknown";
    case Code::kInvalid:
      return "invalid";
    case Code::kConflict:
      return "conflict";
    case Code::kUnsupported:
      return "unsupported";
  }
  return "unknown";
}

Json CommandResult(int64_t id, const CommandOutcome& outcome) {
  const bool done = outcome.code == CommandOutcome::Code::kDone;
  Json result;
  result["id"] = id;
  result["status"] = done ? "done" : "refused";
  if (done) return result;
  const std::pair<const char*, const char*> texts[] = {
      {"code", ToString(outcome.code)},
      {"why", outcome.why},
      {"field", outcome.field}};
  for (const auto& [key, text] : texts) {
    if (*text != '\0') result[key] = text;
  }
  return result;
}

}  // namespace trunkline::session
