#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "base/time.h"
#include "protocol/channel_inputs.h"
#include "protocol/channels.h"
#include "protocol/dialogue.h"
#include "protocol/wire.h"

namespace trunkline::protocol {

// An utterance of the agent, numbered from 1 within a call. The provider's own
// name of it is Agent::item_name().
enum class ItemId : uint32_t {};

// What an agent is like. Constant for the life of the object.
struct AgentTraits {
  enum class TurnDetection : uint8_t { kLocal, kProvider };

  AudioFormat input;
  AudioFormat output;
  TurnDetection turn_detection = TurnDetection::kLocal;
  // Silence that ends the caller's turn unless the configuration says.
  Duration default_end_of_turn = Duration::Millis(700);
  // Whether Say() is possible.
  bool can_say = false;
  // Whether it ever answers. A reply of one that does not is over without a
  // word, and that is no failure.
  bool replies = true;
  // Whether texts come of what the caller says, and of what the agent says.
  bool has_caller_texts = false;
  bool has_agent_texts = false;
  // Whether it knows the conversation that it is in, once it was told of the
  // one before. One that does not asks for all of it.
  bool remembers = true;
};

// The neutral events of the AI side. Views are valid until the next input of
// the agent.

// Audio may flow.
struct AgentReady {};
// The provider's own detection, where it has one.
struct AgentSpeech {
  enum class Edge : uint8_t { kStarted, kStopped };
  Edge edge = Edge::kStarted;
};
// The provider took the caller's turn into the conversation. It has not begun
// to reply: Respond() asks for that, DiscardTurn() takes the turn back.
struct AgentTurnCommitted {
  std::string_view item;
};
// `text` is the addition for kPart, the whole for kFinal. `part` counts the
// content parts of an item.
struct AgentTranscript {
  Role role = Role::kCaller;
  std::string_view item;
  int32_t part = 0;
  std::string_view text;
  TranscriptState state = TranscriptState::kPart;
  // So much audio of the item was dropped behind what came of it as AgentAudio,
  // since the reply was cancelled: the words are of that as well.
  Duration dropped = {};
};
// There will be no text of what was said.
struct AgentTextFailed {
  Role role = Role::kCaller;
  std::string_view item;
  int32_t part = 0;
};
// In the agent's output format; any length, faster than real time.
struct AgentAudio {
  ItemId item{};
  std::span<const uint8_t> audio;
  // False if it is of a reply that the provider began by itself: neither a
  // reply nor a text that was asked for.
  bool asked = true;
};
struct AgentToolCall {
  std::string_view tool_call_id;
  std::string_view name;
  std::string_view arguments;
};
// No more audio comes for the reply.
struct AgentReplyDone {
  enum class End : uint8_t {
    kComplete,
    kCancelled,   // by us; nothing of it may be played any more
    kIncomplete,  // the provider stopped it early, or it has no audio
    kFailed,      // by the provider; what came of it may be played
    kRefused,     // the same, and asking again cannot help
  };
  // kAwaitsTools: the reply goes on after the tool results.
  enum class After : uint8_t { kCallersTurn, kAwaitsTools };

  End end = End::kComplete;
  After after = After::kCallersTurn;
  Usage usage = {};
  // Of all but kComplete and kCancelled.
  Failure why = {};
  // All that was to be heard of it has come, as of a complete one: it was no
  // reply to what was asked for, or had no audio.
  bool is_whole = false;
};
// What has come since the last request is no answer to it: the provider was
// busy with a reply of its own. What was asked for comes later, or an
// AgentReplyDone says that it does not.
struct AgentPutOff {};
// The agent cannot go on with its channels. kFatal: nor with new ones.
struct AgentFailed {
  using Loss = protocol::Loss;

  Loss loss = Loss::kRetryable;
  Failure why = {};
};
// An agent that does not remember is about to reply: Tell() follows at once,
// with the conversation up to now.
struct AgentNeedsConversation {};
// When words of an item's text are said, ascending, beginning behind those of
// the item's former event: of a voice that knows.
struct AgentWords {
  std::string_view item;
  std::span<const SpokenWord> words;
};
struct AgentFaulted {
  Fault fault = Fault::kMalformed;
  // Of kPeerError: what the provider says.
  Failure why = {};
  // The call whose result it refused; mostly "".
  std::string_view tool_call_id = {};
};

using AgentEvent =
    std::variant<AgentFaulted, AgentReady, AgentSpeech, AgentTurnCommitted,
                 AgentTranscript, AgentTextFailed, AgentAudio, AgentToolCall,
                 AgentReplyDone, AgentPutOff, AgentFailed,
                 AgentNeedsConversation, AgentWords>;

// One provider's protocol: bytes of the agent's channels <-> neutral events and
// commands. Nothing calls it from inside of one of its calls.
class Agent : public ChannelInputs {
 public:
  virtual const AgentTraits& traits() const = 0;

  // A fresh start: forgets former channels and opens the ones it needs.
  // AgentReady comes when audio may flow, at once for a built-in agent.
  virtual void Begin() = 0;
  // Closes what is open; nothing comes of it any more. Begin() may follow.
  virtual void End(std::string_view reason) = 0;

  // The time of what comes next, said before each input and command.
  void SetNow(Instant now) { now_ = now; }

  // After each input, as after Begin() and every command, NextEvent() is called
  // until it has none, and then Proceed().

  // A deadline of the agent's own; never for one that has none.
  virtual Instant deadline() const { return Instant::Never(); }
  // The time is at or behind the deadline.
  virtual void OnDeadline() {}

  virtual std::optional<AgentEvent> NextEvent() = 0;
  // What has come is known to the owner, who had the chance to say otherwise:
  // the agent goes on with what it does by itself.
  virtual void Proceed() {}

  // Commands.

  // The conversation so far, the first command after AgentReady, unless there
  // was none; later what comes to it otherwise than by Listen(). To an agent
  // that does not remember, all of it whenever it needs it, and never else.
  // Views are valid during the call only.
  virtual void Tell(std::span<const ConversationLine> /*conversation*/) {}
  // The caller's audio in the input format, without gaps, from AgentReady on.
  virtual void Listen(std::span<const uint8_t> audio) = 0;
  // The caller began to speak `ago` before the end of what was listened to.
  virtual void TurnStarted(Duration ago) = 0;
  // The caller has stopped speaking, `ago` before the end of what was listened
  // to. The turn may be over; TurnStarted() says that he goes on.
  virtual void TurnPaused(Duration /*ago*/) {}
  // In such a pause, by what it knows of his words now. Cheap: it is asked for
  // with each frame.
  virtual TurnHint turn_hint() const { return TurnHint::kNone; }
  // The caller's turn is over, its speech `ago` before the end of what was
  // listened to: reply. One reply at a time; a second request waits for the
  // end of the first reply, and a third one takes its place.
  virtual void Respond(Duration ago) = 0;
  // Speak this text, outside of any turn. It waits likewise, also for a reply,
  // as replies wait for it.
  virtual void Say(std::string_view text) = 0;
  // The turn that began, or was committed, was none (a cough): forget it. What
  // Respond() or Say() has answered is no such turn; without one nothing
  // happens.
  virtual void DiscardTurn() = 0;
  // Stop generating. Audio of the reply in progress is dropped from here on.
  virtual void Cancel() = 0;
  // The caller heard `heard_ms` of the item and will hear no more of it.
  // Returns what was sent upstream: never more than was received of the item.
  virtual int64_t Truncate(ItemId item, int64_t heard_ms) = 0;
  // The result of a call, whatever became of the reply that made it. What
  // follows of it is asked for by Respond().
  virtual void ToolResult(std::string_view tool_call_id,
                          std::string_view output) = 0;

  // The provider's name of an item; "" if it is not remembered.
  virtual std::string_view item_name(ItemId item) const = 0;
  // The name by which texts of the turn come that has begun last; "" if the
  // provider finds names of its own.
  virtual std::string_view turn_name() const { return {}; }
  // Which content part of it the item is.
  virtual int32_t item_part(ItemId /*item*/) const { return 0; }

 protected:
  Instant now() const { return now_; }

 private:
  Instant now_;
};

}  // namespace trunkline::protocol
