#include "session/config.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <utility>

#include "protocol/services/registry.h"
#include "session/tool_desk.h"

namespace trunkline::session {
namespace {

constexpr int64_t kMaxLimitMs = int64_t{24} * 3600 * 1000;
constexpr int64_t kMaxLeadMs = Config::kMaxLead.ms();
// An agent's instructions may be long (16,384 tokens upstream); everything else
// is a name or a sentence.
constexpr size_t kMaxInstructionsBytes = size_t{128} * 1024;
constexpr size_t kMaxTextBytes = 4096;
// Of the agents of a list, beside those of the profile: session/memory.h.
constexpr size_t kMaxAgentsInstructionsBytes = size_t{64} * 1024;

// Reads members of one object and remembers whether any was unacceptable.
class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}
  bool ok() const { return ok_; }

  void Text(const char* key, std::string& out,
            size_t max_bytes = kMaxTextBytes) {
    const Json* member = FindMember(object_, key);
    if (member == nullptr) return;
    if (!member->is_string() ||
        member->get_ptr<const std::string*>()->size() > max_bytes) {
      ok_ = false;
      return;
    }
    out = *member->get_ptr<const std::string*>();
  }

  void Text(const char* key, std::optional<std::string>& out) {
    if (FindMember(object_, key) != nullptr) Text(key, out.emplace());
  }

  // [min_ms, max_ms].
  void Milliseconds(const char* key, Duration& out, int64_t min_ms,
                    int64_t max_ms = kMaxLimitMs) {
    if (FindMember(object_, key) == nullptr) return;
    const std::optional<int64_t> ms = IntegerMember(object_, key);
    if (!ms || *ms < min_ms || *ms > max_ms) {
      ok_ = false;
      return;
    }
    out = Duration::Millis(*ms);
  }

  // [min, max]. Must be there.
  template <typename Integer>
  void Required(const char* key, Integer& out, int64_t min,
                int64_t max = std::numeric_limits<int64_t>::max()) {
    const std::optional<int64_t> value = IntegerMember(object_, key);
    if (!value || *value < min || *value > max) {
      ok_ = false;
      return;
    }
    out = static_cast<Integer>(*value);
  }

  // The same of one that may be absent.
  template <typename Integer>
  void Optional(const char* key, Integer& out, int64_t min,
                int64_t max = std::numeric_limits<int64_t>::max()) {
    if (FindMember(object_, key) != nullptr) Required(key, out, min, max);
  }

  // A name of `entries`, whose first is the default.
  template <typename Entry>
  void Name(const char* key, std::string& out, std::span<const Entry> entries) {
    out = entries.front().name;
    if (FindMember(object_, key) == nullptr) return;
    out = StringMember(object_, key);
    ok_ = ok_ &&
          std::any_of(entries.begin(), entries.end(),
                      [&out](const Entry& entry) { return entry.name == out; });
  }

  template <typename Enum>
  void Choice(const char* key, Enum& out,
              std::initializer_list<std::pair<std::string_view, Enum>> names) {
    if (FindMember(object_, key) == nullptr) return;
    const std::string_view value = StringMember(object_, key);
    for (const auto& [name, choice] : names) {
      if (value == name) {
        out = choice;
        return;
      }
    }
    ok_ = false;
  }

 private:
  const Json& object_;
  bool ok_ = true;
};

bool IsCallId(std::string_view id) {
  return !id.empty() && id.size() <= 64 &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                  (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
         });
}

bool ReadProfile(const Json& object, Config::Profile& profile) {
  protocol::AgentSettings& agent = profile.agent;
  if (!ReadAgentSettings(object, agent)) return false;
  Reader reader(object);
  reader.Text("greeting", profile.greeting);
  reader.Text("farewell", profile.farewell);
  using Strength = media::Denoising;
  for (const auto& [key, strength] :
       {std::pair("denoiseForAgent", &profile.denoise_for_agent),
        std::pair("denoiseForRecording", &profile.denoise_for_recording)}) {
    reader.Choice(key, *strength,
                  {{"off", Strength::kOff},
                   {"light", Strength::kLight},
                   {"strong", Strength::kStrong}});
  }
  reader.Choice("levelForAgent", profile.level_for_agent,
                {{"off", media::Leveling::kOff}, {"on", media::Leveling::kOn}});
  reader.Choice(
      "echoGuard", profile.echo_guard,
      {{"off", media::EchoGuarding::kOff}, {"on", media::EchoGuarding::kOn}});
  reader.Choice("waitingSound", profile.waiting_sound,
                {{"off", media::Waiting::kSilence},
                 {"tone", media::Waiting::kTone},
                 {"melody", media::Waiting::kMelody}});
  reader.Choice("recording", profile.recording,
                {{"off", Config::Recording::kOff},
                 {"on", Config::Recording::kOn},
                 {"onConsent", Config::Recording::kOnConsent}});
  reader.Choice(
      "recordDigits", profile.record_digits,
      {{"no", Config::RecordDigits::kNo}, {"yes", Config::RecordDigits::kYes}});
  if (const Json* tools = FindMember(object, "tools")) {
    if (!tools->is_array()) return false;
    agent.tools = *tools;
  }
  if (const Json* names = FindMember(object, "builtInTools")) {
    if (!names->is_array()) return false;
    if (!agent.tools.is_array()) agent.tools = Json::array();
    for (const Json& name : *names) {
      std::optional<Json> tool = ToolDesk::Optional(name);
      if (!tool) return false;
      agent.tools.push_back(*std::move(tool));
    }
  }
  return reader.ok() && protocol::AcceptsServices(agent);
}

bool ReadLimits(const Json& object, Config::Limits& limits) {
  Reader reader(object);
  reader.Milliseconds("startMs", limits.start, 1);
  reader.Milliseconds("agentReadyMs", limits.agent_ready, 1);
  reader.Milliseconds("replyMs", limits.reply, 1);
  // Sooner it would sound into the pauses of a usual conversation.
  reader.Milliseconds("waitingMs", limits.waiting, 400);
  reader.Milliseconds("deadAirMs", limits.dead_air, 1);
  reader.Milliseconds("maxCallMs", limits.max_call, 1);
  reader.Milliseconds("farewellMs", limits.farewell, 1);
  reader.Milliseconds("legLostMs", limits.leg_lost, 1);
  reader.Milliseconds("bargeInConfirmMs", limits.barge_in_confirm, 20);
  // Below 60 ms of lead every late frame is a gap, and more than a second is
  // not what an interruption should have to drop; a mark more often than a
  // frame says nothing.
  reader.Milliseconds("leadMs", limits.lead, 60, kMaxLeadMs);
  reader.Milliseconds("markMs", limits.mark, 20);
  if (FindMember(object, "endOfTurnMs") != nullptr) {
    Duration end_of_turn;
    reader.Milliseconds("endOfTurnMs", end_of_turn, 100);
    limits.end_of_turn = end_of_turn;
  }
  return reader.ok();
}

// The pauses that `names` lists.
bool ReadPauses(const Json& names, media::RecordingPauses& pauses) {
  if (!names.is_array()) return false;
  return std::all_of(names.begin(), names.end(), [&](const Json& name) {
    for (size_t i = 0; i < pauses.size(); ++i) {
      if (name != ToString(static_cast<media::RecordingPause>(i))) continue;
      pauses[i] = true;
      return true;
    }
    return false;
  });
}

bool ReadRecordingSoFar(const Json& object, media::RecordingSoFar& recording) {
  constexpr int64_t kMaxU32 = std::numeric_limits<uint32_t>::max();
  Reader reader(object);
  reader.Required("serial", recording.serial, 0, kMaxU32);
  reader.Required("pages", recording.pages, 2, kMaxU32);
  reader.Required("granule", recording.granule, 0);
  int64_t age_ms = 0;
  reader.Required("ageMs", age_ms, 0, kMaxLimitMs);
  recording.age = Duration::Millis(age_ms);
  const Json* pauses = FindMember(object, "pauses");
  return reader.ok() && pauses != nullptr &&
         ReadPauses(*pauses, recording.pauses) &&
         recording.granule % media::CallRecording::kGranulesPerFrame == 0;
}

// Whether an agent can be made of this; its own name is at fault otherwise.
bool AcceptsAgent(const protocol::Registry& registry, std::string_view name,
                  const protocol::AgentSettings& settings) {
  const protocol::AgentEntry* entry = registry.FindAgent(name);
  return entry != nullptr &&
         (entry->accepts == nullptr || entry->accepts(settings));
}

// Which agents there are, and in which order; "" or what is at fault.
class AgentsReader {
 public:
  AgentsReader(const protocol::Registry& registry, const Json& json,
               Config& config)
      : registry_(registry), json_(json), config_(config) {}

  bool has_list() const { return FindInProfile("agents") != nullptr; }
  // The name of the first of the list, or `name` where there is none.
  std::string_view FirstName(std::string_view name) const {
    const Json* list = FindInProfile("agents");
    if (list == nullptr || !list->is_array() || list->empty()) return name;
    return StringMember(list->front(), "agent");
  }

  std::string Read() {
    if (const Json* agents = FindInProfile("agents")) {
      std::string fault = ReadList(*agents);
      if (!fault.empty()) return fault;
    }
    if (const Json* last = FindInProfile("lastResort")) {
      std::string fault = ReadLastResort(*last);
      if (!fault.empty()) return fault;
    }
    const Json* skipped = FindMember(json_, "skipped");
    return skipped == nullptr ? "" : ReadSkipped(*skipped);
  }

 private:
  std::string ReadList(const Json& agents) {
    if (!agents.is_array() || agents.empty() ||
        agents.size() > Config::kMaxAgents) {
      return "profile.agents: must be a list of 1 to 4 agents";
    }
    size_t instructions = 0;
    for (size_t i = 0; i < agents.size(); ++i) {
      const Json& entry = agents[i];
      const std::string path = "profile.agents[" + std::to_string(i) + "]";
      if (!entry.is_object()) return path + ": must be an object";
      std::string name(StringMember(entry, "agent"));
      if (registry_.FindAgent(name) == nullptr) {
        return path + ".agent: must be the name of an agent";
      }
      protocol::AgentSettings settings = config_.profile.agent;
      if (!ReadAgentSettings(entry, settings)) {
        return path + ": has a setting of a type or value it cannot have";
      }
      instructions += StringMember(entry, "instructions").size();
      if (instructions > kMaxAgentsInstructionsBytes) {
        return path +
               ".instructions: those of all agents together must have "
               "at most 65536 bytes";
      }
      if (!protocol::AcceptsServices(settings)) {
        return path + ": has services that do not fit each other";
      }
      if (!AcceptsAgent(registry_, name, settings)) {
        return path + ": lacks a service that the agent is made of";
      }
      config_.agents.push_back({.name = std::move(name), .settings = entry});
    }
    config_.agent = config_.agents.front().name;
    return "";
  }

  std::string ReadLastResort(const Json& last) {
    if (last == "none") return "";
    constexpr const char* kHouse = "house";
    if (last != kHouse || registry_.FindAgent(kHouse) == nullptr) {
      return "profile.lastResort: must be house or none";
    }
    if (config_.agents.empty()) {
      config_.agents.push_back({.name = config_.agent});
    }
    // Who is in the list is no last resort besides.
    const bool is_there = std::any_of(
        config_.agents.begin(), config_.agents.end(),
        [](const Config::Agent& agent) { return agent.name == kHouse; });
    if (!is_there) {
      config_.agents.push_back({.name = kHouse, .last_resort = true});
    } else if (config_.agents.size() == 1) {
      config_.agents.clear();
    }
    return "";
  }

  std::string ReadSkipped(const Json& skipped) {
    if (!skipped.is_array()) return "skipped: must be a list of indices";
    for (const Json& one : skipped) {
      const int64_t index = one.is_number_integer() ? one.get<int64_t>() : -1;
      if (index < 0 || index >= static_cast<int64_t>(config_.agents.size()) ||
          config_.agents[static_cast<size_t>(index)].last_resort) {
        return "skipped: must have indices of profile.agents";
      }
      config_.agents[static_cast<size_t>(index)].skipped = true;
    }
    return "";
  }

  const Json* FindInProfile(const char* key) const {
    const Json* profile = FindMember(json_, "profile");
    return profile == nullptr ? nullptr : FindMember(*profile, key);
  }

  const protocol::Registry& registry_;
  const Json& json_;
  Config& config_;
};

}  // namespace

bool ReadAgentSettings(const Json& object, protocol::AgentSettings& agent) {
  Reader reader(object);
  reader.Text("instructions", agent.instructions, kMaxInstructionsBytes);
  reader.Text("model", agent.model);
  reader.Text("voice", agent.voice);
  reader.Text("language", agent.language);
  reader.Text("transcriptionModel", agent.transcription_model);
  reader.Choice("agentAudio", agent.audio,
                {{"pcmu", protocol::AgentSettings::Audio::kCompanded},
                 {"pcm", protocol::AgentSettings::Audio::kLinear}});
  for (const auto& [key, service] :
       {std::pair("stt", &agent.stt), std::pair("llm", &agent.llm),
        std::pair("tts", &agent.tts)}) {
    const Json* options = FindMember(object, key);
    if (options == nullptr) continue;
    if (!options->is_object()) return false;
    *service = *options;
  }
  return reader.ok();
}

std::optional<Config> ParseConfig(std::string_view text,
                                  const protocol::Registry& registry,
                                  std::string* refused) {
  if (refused != nullptr) refused->clear();
  const std::optional<Json> json = ParseJson(text);
  if (!json || !json->is_object()) return std::nullopt;
  Config config;
  Reader reader(*json);
  reader.Text("callId", config.call_id);
  reader.Name("leg", config.leg, registry.legs);
  reader.Name("agent", config.agent, registry.agents);
  reader.Choice("authorization", config.authorization,
                {{"required", Config::Authorization::kRequired},
                 {"none", Config::Authorization::kNone}});
  reader.Choice("faults", config.faults,
                {{"refused", Config::Faults::kRefused},
                 {"allowed", Config::Faults::kAllowed}});
  for (const char* key : {"seed", "epochMs", "firstSeq"}) {
    if (FindMember(*json, key) != nullptr && !IntegerMember(*json, key)) {
      return std::nullopt;
    }
  }
  config.seed = static_cast<uint64_t>(IntegerMember(*json, "seed").value_or(0));
  config.epoch_ms = IntegerMember(*json, "epochMs").value_or(0);
  config.first_seq = IntegerMember(*json, "firstSeq").value_or(0);
  config.call_epoch_ms = config.epoch_ms;
  reader.Optional("callEpochMs", config.call_epoch_ms, 0);
  reader.Optional("aliveMs", config.alive_ms, 0);
  reader.Optional("lastLine", config.last_line, 0,
                  std::numeric_limits<int32_t>::max());
  if (FindMember(*json, "snapshot") != nullptr) {
    reader.Text("snapshot", config.snapshot.emplace(),
                Config::kMaxSnapshotBytes);
  }
  if (registry.FindAgent(config.agent) == nullptr) return std::nullopt;
  AgentsReader agents(registry, *json, config);
  if (const protocol::AgentEntry* first =
          registry.FindAgent(agents.FirstName(config.agent))) {
    config.profile.greeting = first->greeting;
    config.profile.farewell = first->farewell;
  }
  if (const Json* profile = FindMember(*json, "profile")) {
    if (!profile->is_object() || !ReadProfile(*profile, config.profile)) {
      return std::nullopt;
    }
  }
  // Who is in a list is judged there.
  if (!agents.has_list() &&
      !AcceptsAgent(registry, config.agent, config.profile.agent)) {
    return std::nullopt;
  }
  if (std::string fault = agents.Read(); !fault.empty()) {
    if (refused != nullptr) *refused = std::move(fault);
    return std::nullopt;
  }
  if (const Json* limits = FindMember(*json, "limits")) {
    if (!limits->is_object() || !ReadLimits(*limits, config.limits)) {
      return std::nullopt;
    }
  }
  if (const Json* recording = FindMember(*json, "recordingSoFar")) {
    if (!ReadRecordingSoFar(*recording, config.recording_so_far.emplace())) {
      return std::nullopt;
    }
  }
  if (!reader.ok() || !IsCallId(config.call_id)) return std::nullopt;
  return config;
}

}  // namespace trunkline::session
