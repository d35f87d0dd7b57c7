#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audio/denoiser.h"
#include "base/json.h"
#include "base/time.h"

namespace trunkline::session {

// The configuration of one call, read once when it opens. docs/boundary.md
// shows its JSON.
struct Config {
  enum class LegKind : uint8_t { kTwilio };
  enum class AgentKind : uint8_t { kParrot, kOpenAiRealtime };
  enum class Authorization : uint8_t { kRequired, kNone };
  enum class Faults : uint8_t { kRefused, kAllowed };
  // The audio between the core and an upstream agent.
  enum class AgentAudio : uint8_t { kCompanded, kPcm24 };

  enum class Recording : uint8_t {
    kOff,
    kOn,
    kOnConsent,  // once the command `recordingConsent` came
  };
  // Why a recording is silent for a time, each for itself.
  enum class RecordingPause : uint8_t { kConsent, kCommand, kDigits };
  static constexpr size_t kRecordingPauseCount =
      static_cast<size_t>(RecordingPause::kDigits) + 1;
  using RecordingPauses = std::array<bool, kRecordingPauseCount>;
  // Whether a recording goes on while the caller enters digits.
  enum class RecordDigits : uint8_t { kNo, kYes };

  enum class EchoGuard : uint8_t { kOff, kOn };
  enum class Leveling : uint8_t { kOff, kOn };

  struct Profile {
    std::string instructions;
    std::string model = "gpt-realtime-2.1";
    std::string voice = "marin";
    std::string language;
    std::string greeting;
    std::string farewell;
    std::string transcription_model = "gpt-live-transcribe";
    AgentAudio agent_audio = AgentAudio::kCompanded;
    // What of the caller's audio is cleaned depends on who gets it: a model
    // hears through noise better than through its removal.
    audio::Denoiser::Strength denoise_for_agent =
        audio::Denoiser::Strength::kOff;
    audio::Denoiser::Strength denoise_for_recording =
        audio::Denoiser::Strength::kOff;
    Leveling level_for_agent = Leveling::kOff;
    EchoGuard echo_guard = EchoGuard::kOn;
    Recording recording = Recording::kOff;
    RecordDigits record_digits = RecordDigits::kNo;
    Json tools;
  };

  struct Limits {
    Duration start = Duration::Millis(5'000);
    Duration agent_ready = Duration::Millis(10'000);
    Duration reply = Duration::Millis(12'000);
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

  // What a former session of the call has left of the recording. This one goes
  // on behind it.
  struct RecordingSoFar {
    uint32_t serial = 0;
    // At least the two of the headers.
    uint32_t pages = 0;
    // At their end, a multiple of audio::Recorder::kGranulesPerFrame.
    uint64_t granule = 0;
    // From its beginning to the opening of this session.
    Duration age;
    RecordingPauses pauses{};
  };

  std::string call_id;
  uint64_t seed = 0;
  int64_t epoch_ms = 0;
  LegKind leg = LegKind::kTwilio;
  AgentKind agent = AgentKind::kParrot;
  Authorization authorization = Authorization::kRequired;
  Faults faults = Faults::kRefused;
  Profile profile;
  Limits limits;
  std::optional<RecordingSoFar> recording_so_far;
  // The last snapshot of the session before this one, as it was written.
  std::optional<std::string> snapshot;
  // The number of this session's first event.
  int64_t first_seq = 0;
};

// Reads `text`. nullopt if it is no JSON object, lacks a call id, or has a
// known key with a type or value it cannot have.
std::optional<Config> ParseConfig(std::string_view text);

const char* ToString(Config::LegKind leg);
const char* ToString(Config::AgentKind agent);
const char* ToString(Config::RecordingPause pause);

}  // namespace trunkline::session
