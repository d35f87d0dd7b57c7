#include "session/tool_desk.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/utf8.h"
#include "protocol/services/weather.h"

namespace trunkline::session {
namespace {

// What of a profile's tool is the gateway's to know.
constexpr const char* kTimeoutKey = "timeoutMs";
constexpr const char* kWebhookKey = "webhook";
constexpr const char* kBuiltInKey = "builtIn";
// The weather is a query of tens of milliseconds, and a caller waits for it.
constexpr int64_t kWeatherMs = 5'000;
// A tool's own time, ms; longer than the longest call helps nobody.
constexpr int64_t kMinTimeoutMs = 100;
constexpr int64_t kMaxTimeoutMs = 300'000;

}  // namespace

Json ToolDesk::WithBuiltIns(const Json& tools) {
  Json all = Json::array();
  if (tools.is_array()) {
    for (const Json& tool : tools) {
      all.push_back(tool);
      if (!all.back().is_object()) continue;
      for (const char* key : {kTimeoutKey, kWebhookKey, kBuiltInKey}) {
        all.back().erase(key);
      }
    }
  }
  Json end_call = ParseJson(R"({"type":"function",
      "parameters":{"type":"object","properties":{}}})")
                      .value_or(Json());
  end_call["name"] = kEndCall;
  end_call["description"] =
      "Ends the call, once the caller has heard what you say with it.";
  all.push_back(std::move(end_call));
  const bool takes_messages =
      std::any_of(all.begin(), all.end(), [](const Json& tool) {
        return StringMember(tool, "name") == kTakeMessage;
      });
  if (takes_messages) return all;
  Json take_message = ParseJson(R"({"type":"function",
      "parameters":{"type":"object","required":["text"],
                    "properties":{"text":{"type":"string"}}}})")
                          .value_or(Json());
  take_message["name"] = kTakeMessage;
  take_message["description"] =
      "Takes a message from the caller, in the caller's own words.";
  all.push_back(std::move(take_message));
  return all;
}

std::optional<Json> ToolDesk::Optional(const Json& name) {
  if (name != protocol::kWeatherTool) return std::nullopt;
  Json tool = protocol::WeatherTool();
  tool[kTimeoutKey] = kWeatherMs;
  tool[kBuiltInKey] = true;
  return tool;
}

const Json* ToolDesk::FindTool(std::string_view name) const {
  if (!tools_.is_array()) return nullptr;
  const auto found = std::find_if(
      tools_.begin(), tools_.end(),
      [name](const Json& tool) { return StringMember(tool, "name") == name; });
  return found == tools_.end() ? nullptr : &*found;
}

Duration ToolDesk::TimeoutOf(const Json& tool) const {
  const std::optional<int64_t> ms = IntegerMember(tool, kTimeoutKey);
  if (!ms) return timeout_;
  return Duration::Millis(std::clamp(*ms, kMinTimeoutMs, kMaxTimeoutMs));
}

ToolDesk::Bringer ToolDesk::BringerOf(std::string_view name) const {
  const Json* tool = FindTool(name);
  const auto is = [tool](const char* key) {
    const Json* value = tool != nullptr ? FindMember(*tool, key) : nullptr;
    return value != nullptr && *value == true;
  };
  if (is(kBuiltInKey)) return Bringer::kWeather;
  return is(kWebhookKey) ? Bringer::kWebhook : Bringer::kOperator;
}

bool ToolDesk::Open(std::string_view call_id, std::string_view name,
                    Instant now) {
  if (std::any_of(calls_.begin(), calls_.end(),
                  [call_id](const Call& call) { return call.id == call_id; })) {
    return true;
  }
  if (calls_.size() >= kMaxCalls) return false;
  Call call{std::string(call_id), {}, Instant::Never(), {}};
  AppendWellFormed(call.name, name, kMaxNameBytes);
  const Json* tool = FindTool(name);
  if (tool == nullptr && name == kTakeMessage) {
    call.output = R"({"ok":true})";
    call.answered = true;
  } else if (tool == nullptr) {
    call.output = R"({"error":"there is no such tool"})";
  } else if (calls_.size() >= kMaxOpen) {
    call.output = R"({"error":"too many tools at a time"})";
  } else {
    call.due = now + TimeoutOf(*tool);
  }
  calls_.push_back(std::move(call));
  return true;
}

ToolDesk::Taken ToolDesk::Take(std::string_view call_id,
                               std::string_view output,
                               std::string* late_name) {
  for (Call& call : calls_) {
    if (call.id != call_id || call.output) continue;
    call.output = output;
    call.answered = true;
    return Taken::kAnswer;
  }
  const auto late =
      std::find_if(late_.begin(), late_.end(),
                   [call_id](const Late& one) { return one.id == call_id; });
  if (late == late_.end()) return Taken::kUnknown;
  *late_name = late->name;
  late_.erase(late);
  for (Call& call : calls_) {
    if (call.id != call_id || call.answered) continue;
    // That it took too long was not told yet.
    call.output = output;
    call.answered = true;
    return Taken::kAnswer;
  }
  return Taken::kLate;
}

void ToolDesk::Bring(std::string_view call_id, std::string_view output,
                     const protocol::ToolRequestFacts& facts) {
  for (Call& call : calls_) {
    if (call.id != call_id || call.output) continue;
    call.facts = facts;
    if (HasRoomFor(call_id, output)) {
      call.output = output;
    } else {
      call.output = R"({"error":"too many results wait for one before them"})";
      call.facts.failure = "noRoom";
    }
    call.answered = call.facts.failure.empty();
    return;
  }
}

bool ToolDesk::IsErrand(std::string_view call_id) const {
  const auto is_of_gateway = [this, call_id](const auto& one) {
    return one.id == call_id && BringerOf(one.name) != Bringer::kOperator;
  };
  return std::any_of(calls_.begin(), calls_.end(), is_of_gateway) ||
         std::any_of(late_.begin(), late_.end(), is_of_gateway);
}

std::vector<ToolDesk::Errand> ToolDesk::Errands() const {
  std::vector<Errand> errands;
  for (const Call& call : calls_) {
    const Bringer bringer = BringerOf(call.name);
    if (call.output || bringer == Bringer::kOperator) continue;
    errands.push_back({call.id, call.name, bringer, call.due});
  }
  return errands;
}

bool ToolDesk::Knows(std::string_view call_id) const {
  return std::any_of(calls_.begin(), calls_.end(),
                     [call_id](const Call& call) {
                       return call.id == call_id && !call.output;
                     }) ||
         std::any_of(late_.begin(), late_.end(),
                     [call_id](const Late& one) { return one.id == call_id; });
}

bool ToolDesk::HasRoomFor(std::string_view call_id,
                          std::string_view output) const {
  if (output.size() > kMaxOutputBytes) return false;
  // Of one that is given at once nothing is kept.
  const auto is_of = [call_id](const Call& call) { return call.id == call_id; };
  if (calls_.empty() || is_of(calls_.front()) ||
      std::none_of(calls_.begin(), calls_.end(), is_of)) {
    return true;
  }
  size_t bytes = output.size();
  for (const Call& call : std::span(calls_).subspan(1)) {
    if (call.output && call.answered) bytes += call.output->size();
  }
  return bytes <= kMaxWaitingBytes;
}

bool ToolDesk::waiting() const {
  return std::any_of(calls_.begin(), calls_.end(),
                     [](const Call& call) { return !call.output; });
}

std::optional<ToolDesk::Answer> ToolDesk::NextAnswer() {
  if (calls_.empty() || !calls_.front().output) return std::nullopt;
  Call call = std::move(calls_.front());
  calls_.erase(calls_.begin());
  return Answer{std::move(call.id), std::move(call.name),
                std::move(call.output).value_or(""), call.answered,
                std::move(call.facts)};
}

Instant ToolDesk::deadline() const {
  Instant next = Instant::Never();
  for (const Call& call : calls_) {
    if (!call.output) next = std::min(next, call.due);
  }
  return next;
}

void ToolDesk::OnDeadline(Instant now) {
  for (Call& call : calls_) {
    if (call.output || call.due > now) continue;
    call.output = R"({"error":"the tool did not answer in time"})";
    if (late_.size() == kMaxLate) late_.erase(late_.begin());
    late_.push_back({call.id, call.name});
  }
}

Json ToolDesk::ToJson(Instant now) const {
  Json calls = Json::array();
  for (const Call& call : calls_) {
    Json json = {{"id", call.id}, {"name", call.name}};
    if (call.output) {
      json["output"] = *call.output;
      json["answered"] = call.answered;
      if (call.facts.latency_ms != protocol::ToolRequestFacts::kNone) {
        json["latencyMs"] = call.facts.latency_ms;
        json["status"] = call.facts.status;
      }
      if (!call.facts.failure.empty()) json["failure"] = call.facts.failure;
    } else {
      json["leftMs"] = std::max<int64_t>((call.due - now).ms(), 0);
    }
    calls.push_back(std::move(json));
  }
  Json late = Json::array();
  for (const Late& one : late_) {
    late.push_back({{"id", one.id}, {"name", one.name}});
  }
  return {{"calls", std::move(calls)}, {"late", std::move(late)}};
}

bool ToolDesk::FromJson(const Json& json, Instant now) {
  const Json* calls = FindMember(json, "calls");
  const Json* late = FindMember(json, "late");
  if (calls == nullptr || !calls->is_array() || calls->size() > kMaxCalls ||
      late == nullptr || !late->is_array() || late->size() > kMaxLate) {
    return false;
  }
  std::vector<Call> read;
  for (const Json& one : *calls) {
    Call call{std::string(StringMember(one, "id")),
              std::string(StringMember(one, "name")),
              Instant::Never(),
              {}};
    const Json* output = FindMember(one, "output");
    const std::optional<int64_t> left = IntegerMember(one, "leftMs");
    if (call.id.empty() || (output == nullptr) == !left ||
        (output != nullptr && !output->is_string())) {
      return false;
    }
    if (output != nullptr) {
      call.output = StringMember(one, "output");
      const Json* answered = FindMember(one, "answered");
      call.answered = answered != nullptr && *answered == true;
      call.facts.latency_ms = IntegerMember(one, "latencyMs")
                                  .value_or(protocol::ToolRequestFacts::kNone);
      call.facts.status = static_cast<uint16_t>(std::clamp<int64_t>(
          IntegerMember(one, "status").value_or(0), 0, 999));
      call.facts.failure = StringMember(one, "failure");
    } else {
      call.due = now + Duration::Millis(std::clamp<int64_t>(left.value_or(0), 0,
                                                            kMaxTimeoutMs));
    }
    read.push_back(std::move(call));
  }
  std::vector<Late> read_late;
  for (const Json& one : *late) {
    read_late.push_back({std::string(StringMember(one, "id")),
                         std::string(StringMember(one, "name"))});
  }
  calls_ = std::move(read);
  late_ = std::move(read_late);
  return true;
}

}  // namespace trunkline::session
