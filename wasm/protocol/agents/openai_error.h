#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "protocol/agents/agent.h"

namespace trunkline::protocol {

// An `error` object of OpenAI's APIs: {type, code, param, message, event_id},
// any of them null or left out. Views are of the JSON.
struct OpenAiError {
  // `why.code` is `code`, else `type`, else "error". One that says that too
  // much was asked for, and not how long to wait, has 2 s for that.
  Failure why;
  // It is the server's fault.
  bool is_servers = false;
  // The client's message that caused it; "" if it does not say.
  std::string_view event_id;
  // Asking again cannot help: the account, the key or the model is at fault.
  bool fatal = false;
};

// `error` may be anything; what it lacks is empty.
OpenAiError ReadOpenAiError(const Json& error);

// "... try again in about 3.1s", "Retry-After: 2", "wait 1m2.5s": the only
// place where a Realtime session says how long to wait. The first time that
// stands so, in whatever case; at most an hour. nullopt if it says nothing.
std::optional<Duration> RetryAfterOf(std::string_view message);

// Close codes after which a new socket may do better, and upgrade statuses
// likewise: the policy of the official client (openai npm 7.55.0,
// ws-connection-controller).
bool IsRetryableClose(uint16_t code);
bool IsRetryableStatus(uint16_t status);
// It says by its code, its parameter or its message that it answers no
// response.create: what of an item, of the caller's audio or of a cancel was
// wrong.
bool IsOfNoResponse(const OpenAiError& error);
// What was refused may be granted the next time.
bool IsPassing(const OpenAiError& error);

}  // namespace trunkline::protocol
