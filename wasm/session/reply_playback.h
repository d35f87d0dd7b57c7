#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "media/line_out.h"
#include "protocol/agents/agent.h"
#include "session/agent_link.h"
#include "session/call_context.h"
#include "session/conversation_events.h"
#include "session/leg_link.h"
#include "session/spoken_items.h"
#include "session/transcript.h"

namespace trunkline::session {

// The agent's replies on their way to the caller: plays them, holds them while
// somebody speaks over them, drops what will not be heard; and says of all of
// it what was heard, to the transcript, the agent and in events. Knows no state
// of the call. Owns the timer kPace.
class ReplyPlayback {
 public:
  // All are borrowed for the life of the object. Precondition: the agent was
  // created.
  ReplyPlayback(CallContext& context, LegLink& leg, AgentLink& agent,
                Transcript& transcript, media::LineOut& line);
  ReplyPlayback(const ReplyPlayback&) = delete;
  ReplyPlayback& operator=(const ReplyPlayback&) = delete;

  // Audio of the agent, why it speaks, and the words that it was asked to say,
  // "" if it chooses them. False if no more may wait: it is counted and
  // dropped, and so is what comes of that item behind it.
  bool OnAudio(const protocol::AgentAudio& audio, Transcript::Origin origin,
               std::string_view words = {});
  // What has come of the reply that is made was not asked for.
  void OnPutOff() { spoken_.OnPutOff(); }
  // No more audio comes of the reply. kWhole: all that belongs to it has come.
  using Extent = SpokenItems::Extent;
  void EndReply(Extent extent);

  // What is sent next begins a reply, which is announced; `turn` is the one
  // that it answers.
  void Begin() { announced_ = false; }
  // The caller hears that he waits, until audio comes or EndWaiting(). Nothing
  // happens while something is to be heard.
  void BeginWaiting();
  void EndWaiting();
  // Sends what is due. True if audio that was asked for is.
  bool Pump(int64_t turn);
  // What plays stops within this input; what was not heard is kept.
  void Stop();
  // The same for the caller's speech, which is told.
  void Interrupt();
  // It plays on from where it was heard.
  void Resume();
  // No more is heard of what is kept. The agent is told what was, if it is
  // there, unless the call is over. Returns the items of which no word was.
  enum class Tell : uint8_t { kAgent, kNobody };
  std::vector<protocol::ItemId> DropUnheard(Tell tell);
  // Everything was heard.
  void OnHeard(int64_t turn);
  // The leg is gone with what it had not played: that is kept.
  void OnLegLost();
  // No more comes of the reply, nor anything that goes on with its sound.
  void OnAgentFailed();
  // The same, and what comes is another agent's.
  void OnAgentSwitched();
  // What comes from now on is the farewell, which is not announced.
  void BeginFarewell();
  // Tells the transcript what was heard so far.
  void Report();

  // Whether the caller hears that he waits.
  bool waiting() const { return waiting_; }
  bool has_waiting_sound() const { return line_.has_waiting_sound(); }
  // The reply was heard to its end; or must have been, by the clock alone.
  bool done() const {
    return waiting_ ? !goes_on_ : line_.done(context_.now());
  }
  bool is_over() const { return done() || line_.IsOver(context_.now()); }
  // What is here of a reply was heard, and more of it is to come.
  bool is_starved() const {
    return waiting_ ? goes_on_ : line_.IsStarved(context_.now());
  }
  // Something was received that was not heard, or not sent.
  bool has_unheard() const { return line_.has_unheard(context_.now()); }
  bool has_unsent() const { return line_.has_unsent(); }
  bool reply_ended() const { return line_.reply_ended(); }
  // The items of which some was not heard.
  std::vector<protocol::ItemId> Unheard() const {
    return spoken_.From(current().item);
  }
  // The line of an item that is on its way; 0 if it is not.
  LineId LineOf(protocol::ItemId item) const { return spoken_.LineOf(item); }
  // Audio that found no room.
  uint64_t refused_bytes() const { return refused_bytes_; }

 private:
  std::string NameOf(protocol::ItemId item) const;
  // The agent is told that of items that found no room no more was heard than
  // had.
  void TellRefused();
  // What is heard of the reply.
  media::Playout::Cut current() const {
    return heard_ ? *heard_ : line_.current(context_.now());
  }

  CallContext& context_;
  ConversationEvents events_;
  LegLink& leg_;
  AgentLink& agent_;
  media::LineOut& line_;
  SpokenItems spoken_;
  bool announced_ = false;
  bool waiting_ = false;
  // The sound is for the rest of a reply; so much was heard of it before.
  bool goes_on_ = false;
  std::optional<media::Playout::Cut> heard_;
  uint64_t refused_bytes_ = 0;
};

}  // namespace trunkline::session
