#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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
std::optional<Config> ParseConfig(std::string_view text,
                                  const protocol::Registry& registry);

}  // namespace trunkline::session
