#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "protocol/agents/agent.h"
#include "protocol/event_queue.h"
#include "protocol/services/stt.h"
#include "protocol/services/turn_words.h"

namespace trunkline::protocol {

// The caller's side of an agent that is made of services: what a recogniser
// tells becomes the agent's turns and texts.
//
// Turns are named by number. Where they are found out here, the name is given
// when one begins, and each that was finished has one final text, in order.
// Where the recogniser detects them, a turn has its name when it is over; parts
// of its text are told before once the caller was noticed here as well, so that
// they are of the line that he has.
class Ears {
 public:
  // What was heard, beyond the events that it became.
  enum class Heard : uint8_t {
    kNothing,    // no event has come
    kEvents,     // nothing else
    kTurnKnown,  // the text of a turn that was finished has come, or will not
    kEager,      // a turn may be over with words()
    kResumed,    // it is not, or there was nothing in it
    kTurnEnded,  // a turn is over with words()
  };

  // The caller's words say in this language whether he has finished: an ISO
  // 639-1 tag, "" for one that is not known.
  explicit Ears(std::unique_ptr<Stt> stt, std::string_view language = {})
      : stt_(std::move(stt)), rules_(WordRulesOf(language)) {}

  Stt& stt() { return *stt_; }
  const Stt& stt() const { return *stt_; }
  bool detects_turns() const { return stt_->detects_turns(); }

  // As of the agent's, at the same time.
  void Begin(Instant now);
  void End(Instant now, std::string_view reason);
  void Listen(Instant now, std::span<const uint8_t> audio);
  void TurnStarted(Instant now, Duration ago);
  void Pause(Instant now, Duration ago);
  void Finish(Instant now, Duration ago);
  void DiscardTurn(Instant now);

  // Takes one event of the recogniser, once NextEvent() has none.
  Heard Hear();
  std::optional<AgentEvent> NextEvent();

  // Texts of turns that were finished are to come.
  bool awaits_text() const { return !due_.empty(); }
  // The last turn was understood: true again after TakeUnderstood().
  bool TakeUnderstood() { return std::exchange(understood_, true); }
  // Valid until the next call of Hear().
  std::string_view words() const { return text_; }
  // What was told of the words of the turn that is open, as parts.
  std::string_view told() const { return heard_; }
  // The caller was noticed here, and what he says is no turn yet.
  bool in_turn() const { return turn_open_; }
  // What the agent has said last, which his next words answer.
  void OnAgentSaid(std::string_view text) { question_ = text; }
  // Of the turn that is open: as of the agent's.
  TurnHint turn_hint() const;
  // "" where turns are named at their end.
  std::string_view turn_name() const { return turn_name_; }

 private:
  // Of the end of a turn: the rest of it as a part, the end of speech, the
  // turn, its text.
  static constexpr size_t kMaxEvents = 4;

  Heard OnFinal(const SttText& text);
  Heard OnTextFailed(const Failure& why);
  void OnPart(std::string_view text);
  // Tells what is more of it than was told.
  void TellPart(std::string_view text);
  void OnTurnEnded(std::string_view text);

  std::unique_ptr<Stt> stt_;
  const WordRules rules_;
  std::string question_;
  // Of the words since he has begun, or gone on.
  TurnHint hint_ = TurnHint::kNone;
  EventQueue<AgentEvent, kMaxEvents> events_;

  // The caller's turns so far; the last one is open at a recogniser that
  // detects none.
  uint32_t turns_ = 0;
  bool turn_open_ = false;
  std::string turn_name_;
  std::string heard_;
  // Turns whose last text is to come, the oldest first.
  std::vector<uint32_t> due_;
  bool understood_ = true;
  // What waits to be told of a turn is of one that is not wanted.
  bool discarded_ = false;

  // What views in events are of.
  std::string text_;
  std::string part_;
  std::string text_name_;
};

}  // namespace trunkline::protocol
