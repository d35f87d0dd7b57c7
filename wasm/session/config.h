#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "media/call_recording.h"
#include "media/caller_cleaner.h"
#include "media/caller_path.h"
#include "media/waiting_sound.h"
#include "protocol/agents/registry.h"
#include "protocol/registry.h"

namespace trunkline::session {

// The configuration of one call, read once when it opens. docs/boundary.md
// shows its JSON.
struct Config {
  enum class Authorization : uint8_t { kRequired, kNone };
  enum class Faults : uint8_t { kRefused, kAllowed };
  enum class Recording : uint8_t {
    kOff,
    kOn,
    kOnConsent,  // once the command `recordingConsent` came
  };
  // Whether a recording goes on while the caller enters digits.
  enum class RecordDigits : uint8_t { kNo, kYes };

  struct Profile {
    // What the agent itself reads.
    protocol::AgentSettings agent;
    std::string greeting;
    std::string farewell;
    // What of the caller's audio is cleaned depends on who gets it: a model
    // hears through noise better than through its removal.
    media::Denoising denoise_for_agent = media::Denoising::kOff;
    media::Denoising denoise_for_recording = media::Denoising::kOff;
    media::Leveling level_for_agent = media::Leveling::kOff;
    media::EchoGuarding echo_guard = media::EchoGuarding::kOn;
    media::Waiting waiting_sound = media::Waiting::kTone;
    Recording recording = Recording::kOff;
    RecordDigits record_digits = RecordDigits::kNo;
  };

  // The longest `lead` that can be configured.
  static constexpr Duration kMaxLead = Duration::Millis(1'000);

  struct Limits {
    Duration start = Duration::Millis(5'000);
    Duration agent_ready = Duration::Millis(10'000);
    Duration reply = Duration::Millis(12'000);
    // Of a wait that is not the caller's turn, what is silent.
    Duration waiting = Duration::Millis(1'500);
    Duration dead_air = Duration::Millis(60'000);
    Duration max_call = Duration::Millis(300'000);
    Duration farewell = Duration::Millis(10'000);
    Duration leg_lost = Duration::Millis(15'000);
    // nullopt: the agent's own default.
    std::optional<Duration> end_of_turn;
    // Longer than a cough (150 ms) with the 40 ms that detection lags behind,
    // shorter than "stop it".
    Duration barge_in_confirm = Duration::Millis(300);
    Duration lead = Duration::Millis(200);
    Duration mark = Duration::Millis(160);
  };

  std::string call_id;
  uint64_t seed = 0;
  int64_t epoch_ms = 0;
  // Names of the registry; the first of each kind by default.
  std::string leg;
  std::string agent;
  // One of several agents, in the order in which they are wanted; behind those
  // of the profile maybe the last resort. Empty: `agent` alone.
  struct Agent {
    std::string name;
    // What it says of itself, an object that ReadAgentSettings() takes.
    Json settings = Json::object();
    // Others are tried first.
    bool skipped = false;
    // Not one of the profile's list: tried when that is used up.
    bool last_resort = false;
  };
  static constexpr size_t kMaxAgents = 4;
  std::vector<Agent> agents;
  Authorization authorization = Authorization::kRequired;
  Faults faults = Faults::kRefused;
  Profile profile;
  Limits limits;
  std::optional<media::RecordingSoFar> recording_so_far;
  // Longer ones are refused, and not written. Escaped, one leaves room for the
  // rest of an input.
  static constexpr size_t kMaxSnapshotBytes = size_t{256} * 1024;
  // The last snapshot of the session before this one, as it was written.
  std::optional<std::string> snapshot;
  // The number of this session's first event.
  int64_t first_seq = 0;
  // What is known of the sessions before this one, with a snapshot or without:
  // when the first was opened, by default this one; until when the last one
  // lived, on the call's clock; the number of the last line that was told.
  int64_t call_epoch_ms = 0;
  int64_t alive_ms = 0;
  uint32_t last_line = 0;
};

// Reads `text`. nullopt if it is no JSON object, lacks a call id, names a leg
// or an agent that `registry` does not have, has a known key with a type or
// value it cannot have, or services that do not fit the agent or each other.
// `refused`, if it is given, is then the path of what is at fault where that is
// in the list of agents ("profile.agents[1].agent: ..."), and "" elsewhere.
std::optional<Config> ParseConfig(std::string_view text,
                                  const protocol::Registry& registry,
                                  std::string* refused = nullptr);

// What an object says of an agent itself, over what is in `agent`:
// "instructions", "model", "voice", "language", "transcriptionModel",
// "agentAudio", "stt", "llm", "tts". False if one of them has a type or value
// that it cannot have.
bool ReadAgentSettings(const Json& object, protocol::AgentSettings& agent);

}  // namespace trunkline::session
