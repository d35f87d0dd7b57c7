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
  Reader reader(object);
  protocol::AgentSettings& agent = profile.agent;
  reader.Text("instructions", agent.instructions, kMaxInstructionsBytes);
  reader.Text("model", agent.model);
  reader.Text("voice", agent.voice);
  reader.Text("language", agent.language);
  reader.Text("transcriptionModel", agent.transcription_model);
  reader.Choice("agentAudio", agent.audio,
                {{"pcmu", protocol::AgentSettings::Audio::kCompanded},
                 {"pcm", protocol::AgentSettings::Audio::kLinear}});
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
  for (const auto& [key, service] :
       {std::pair("stt", &agent.stt), std::pair("llm", &agent.llm),
        std::pair("tts", &agent.tts)}) {
    const Json* options = FindMember(object, key);
    if (options == nullptr) continue;
    if (!options->is_object()) return false;
    *service = *options;
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

}  // namespace

std::optional<Config> ParseConfig(std::string_view text,
                                  const protocol::Registry& registry) {
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
  const protocol::AgentEntry* agent = registry.FindAgent(config.agent);
  if (agent == nullptr) return std::nullopt;
  config.profile.greeting = agent->greeting;
  config.profile.farewell = agent->farewell;
  if (const Json* profile = FindMember(*json, "profile")) {
    if (!profile->is_object() || !ReadProfile(*profile, config.profile)) {
      return std::nullopt;
    }
  }
  if (agent->accepts != nullptr && !agent->accepts(config.profile.agent)) {
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
