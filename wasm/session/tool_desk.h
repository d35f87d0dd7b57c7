#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "protocol/dialogue.h"

namespace trunkline::session {

// The tools that an agent may call, and the calls that wait for their results.
//
// Each call is answered exactly once, in the order of the calls, whatever
// happens to the reply that made it or to the agent's socket. A tool that does
// not answer in its time is answered for with an error; its result, when it
// comes after all, is told apart as late.
//
// Who brings a result is the tool's own: an operator, or the gateway itself.
class ToolDesk {
 public:
  // The built-in tool by which an agent ends the call.
  static constexpr std::string_view kEndCall = "end_call";
  // The built-in tool by which it takes a message of the caller's: whatever its
  // arguments are, they are kept with the call's log, which is delivered
  // wherever that is.
  static constexpr std::string_view kTakeMessage = "take_message";
  // Calls that wait for their results at a time. Overflow: the newest is
  // answered with an error.
  static constexpr size_t kMaxOpen = 16;
  // Calls that are open or answered and not yet given, which have to wait for
  // one before them. Overflow: the newest is not taken.
  static constexpr size_t kMaxCalls = 2 * kMaxOpen;
  // Of a result. A longer one is not taken.
  static constexpr size_t kMaxOutputBytes = size_t{16} * 1024;
  // Results that wait for one before them, together. One that is too many is
  // not taken, but may come again; the one that they wait for has room besides.
  static constexpr size_t kMaxWaitingBytes = size_t{44} * 1024;
  // Of a tool's name, as it is kept here.
  static constexpr size_t kMaxNameBytes = 128;
  // Calls that ran out of time and whose results may still come; the oldest is
  // forgotten for a new one.
  static constexpr size_t kMaxLate = 16;

  // Who brings a tool's results: an operator, by command; or the gateway, from
  // the webhook of the profile's tool, or from its own weather.
  enum class Bringer : uint8_t { kOperator, kWebhook, kWeather };

  // An answer to be given to the agent.
  struct Answer {
    std::string call_id;
    std::string name;
    std::string output;
    // The tool itself has answered, in time.
    bool answered = false;
    protocol::ToolRequestFacts facts = {};
  };
  // A call without a result that the gateway has to bring.
  struct Errand {
    std::string call_id;
    std::string name;
    Bringer bringer = Bringer::kWebhook;
    Instant due;
  };

  // `tools` is borrowed for the life of the object: null or an array. A tool
  // that says no `timeoutMs` has `timeout`.
  ToolDesk(const Json& tools, Duration timeout)
      : tools_(tools), timeout_(timeout) {}

  // The profile's tools as an agent's provider may see them, and the gateway's
  // own.
  static Json WithBuiltIns(const Json& tools);

  // One of the gateway's own that a profile has to ask for, as the profile's
  // are, with what the gateway itself has to know of it; nullopt if there is
  // none of that name.
  static std::optional<Json> Optional(const Json& name);

  // The agent calls a tool. One that neither the profile nor the gateway has is
  // answered at once with an error, and so is one too many. A call that is
  // known already is the same call. False if there is no place for it: it has
  // to be answered by whoever tells of it.
  bool Open(std::string_view call_id, std::string_view name, Instant now);
  // A result. kLate: the call was answered for; `late_name` is its tool.
  enum class Taken : uint8_t { kAnswer, kLate, kUnknown };
  Taken Take(std::string_view call_id, std::string_view output,
             std::string* late_name);
  // The gateway's own result of a call; an error of it is no answer of the
  // tool. Nothing happens if the call has one.
  void Bring(std::string_view call_id, std::string_view output,
             const protocol::ToolRequestFacts& facts);
  // Whether Take() would take a result of this call.
  bool Knows(std::string_view call_id) const;
  // Whether there is room for it. Precondition of Take().
  bool HasRoomFor(std::string_view call_id, std::string_view output) const;
  // Whether the gateway brings the results of this call's tool, of one that
  // Knows() knows.
  bool IsErrand(std::string_view call_id) const;
  // The calls that the gateway has to bring a result of.
  std::vector<Errand> Errands() const;

  // Some call has no result yet.
  bool waiting() const;
  // The next answer to be given; nullopt while the oldest call has none.
  std::optional<Answer> NextAnswer();
  // When the next tool runs out of time.
  Instant deadline() const;
  void OnDeadline(Instant now);

  // What a session that follows needs: the open calls, with what is left of
  // their time.
  Json ToJson(Instant now) const;
  // False if `json` is not what ToJson() makes: nothing has changed.
  bool FromJson(const Json& json, Instant now);

 private:
  struct Call {
    std::string id;
    std::string name;
    Instant due;
    std::optional<std::string> output;
    bool answered = false;
    protocol::ToolRequestFacts facts = {};
  };
  struct Late {
    std::string id;
    std::string name;
  };

  // The profile's tool of this name; nullptr if it has none.
  const Json* FindTool(std::string_view name) const;
  Duration TimeoutOf(const Json& tool) const;
  Bringer BringerOf(std::string_view name) const;

  const Json& tools_;
  const Duration timeout_;
  // In the order in which they were made.
  std::vector<Call> calls_;
  std::vector<Late> late_;
};

}  // namespace trunkline::session
