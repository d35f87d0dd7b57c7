#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "protocol/wire.h"

namespace trunkline::protocol {

// An utterance of the agent, numbered from 1 within a call. The provider's own
// name of it is Agent::item_name().
enum class ItemId : uint32_t {};

enum class Role : uint8_t { kCaller, kAgent };
enum class TranscriptState : uint8_t { kPart, kFinal };

// Tokens that a reply cost; 0 where the provider does not say.
struct Usage {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
};

// How a reply came to its end.
enum class ReplyEnd : uint8_t {
  kComplete,
  kCancelled,  // by us; nothing of it may be played any more
  kFailed,     // by the provider; what came of it may be played
};

// Where the agent's socket should lead.
struct Upstream {
  std::string_view name;      // a key of the shim's configuration: "openai"
  std::string path;           // path and query
  std::string_view protocol;  // WebSocket subprotocol, may be empty
};

// The neutral events of the AI side. Spans and views are valid during the call
// only.
class AgentListener {
 public:
  // The agent is configured: audio may flow.
  virtual void OnAgentReady() = 0;
  // The provider's own detection, where it has one.
  virtual void OnAgentSpeechStarted() = 0;
  virtual void OnAgentSpeechStopped() = 0;
  // The provider took the caller's turn into the conversation. It has not begun
  // to reply: Respond() asks for that, DiscardTurn() takes the turn back.
  virtual void OnAgentTurnCommitted() = 0;
  // `text` is the addition for kPart, the whole for kFinal.
  virtual void OnAgentTranscript(Role role, std::string_view item,
                                 std::string_view text,
                                 TranscriptState state) = 0;
  // In the agent's output format; any length, faster than real time.
  virtual void OnAgentAudio(ItemId item, std::span<const uint8_t> audio) = 0;
  virtual void OnAgentToolCall(std::string_view tool_call_id,
                               std::string_view name,
                               std::string_view arguments) = 0;
  // No more audio comes for the reply. `awaits_tools`: it goes on after the
  // tool results.
  enum class AfterReply : uint8_t { kCallersTurn, kAwaitsTools };
  virtual void OnAgentReplyDone(ReplyEnd end, AfterReply after,
                                const Usage& usage) = 0;
  // The agent cannot go on with this socket. kFatal: nor with a new one.
  enum class Loss : uint8_t { kRetryable, kFatal };
  virtual void OnAgentFailed(Loss loss, std::string_view code) = 0;
  virtual void OnAgentFault(Fault fault) = 0;

 protected:
  ~AgentListener() = default;
};

// One provider's protocol: bytes of the agent's socket <-> neutral events and
// commands.
class Agent {
 public:
  virtual ~Agent() = default;

  // Constant for the life of the object.
  virtual AudioFormat input_format() const = 0;
  virtual AudioFormat output_format() const = 0;
  enum class TurnDetection : uint8_t { kLocal, kProvider };
  virtual TurnDetection turn_detection() const = 0;
  // Silence that ends the caller's turn unless the configuration says.
  virtual Duration default_end_of_turn() const = 0;
  // Whether Say() is possible.
  virtual bool can_say() const = 0;
  // nullopt for a built-in agent: Begin() makes it ready by itself.
  virtual std::optional<Upstream> upstream() const = 0;

  // A fresh start: the socket opened, or there is none. After a loss the
  // conversation so far is replayed.
  virtual void Begin() = 0;
  virtual void OnText(std::string_view text) = 0;
  virtual void OnBinary(std::span<const uint8_t> bytes) = 0;
  // `http_status` is 0 unless the upgrade was refused.
  virtual void OnSocketClosed(uint16_t code, uint16_t http_status) = 0;

  // The caller's audio in the input format, without gaps, from OnAgentReady on.
  virtual void Listen(std::span<const uint8_t> audio) = 0;
  // The caller began to speak `ago` before the end of what was listened to.
  virtual void TurnStarted(Duration ago) = 0;
  // The caller's turn is over, its speech `ago` before the end of what was
  // listened to: reply. One reply at a time; a second request waits for the
  // end of the first reply.
  virtual void Respond(Duration ago) = 0;
  // Speak this text, outside of any turn.
  virtual void Say(std::string_view text) = 0;
  // The turn just committed was none (a cough): forget it.
  virtual void DiscardTurn() = 0;
  // Stop generating. Audio of the reply in progress is dropped from here on.
  virtual void Cancel() = 0;
  // The caller heard `heard_ms` of the item and will hear no more of it.
  // Returns what was sent upstream: never more than was received of the item.
  virtual int64_t Truncate(ItemId item, int64_t heard_ms) = 0;
  virtual void ToolResult(std::string_view tool_call_id,
                          std::string_view output) = 0;

  // The provider's name of an item; "" if it is not remembered.
  virtual std::string_view item_name(ItemId item) const = 0;
};

}  // namespace trunkline::protocol
