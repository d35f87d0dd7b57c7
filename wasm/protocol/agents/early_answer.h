#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "protocol/dialogue.h"
#include "protocol/services/llm.h"
#include "protocol/wire.h"

namespace trunkline::protocol {

// The answer to a turn that may be over: the model is asked before it is known,
// and what it says is kept until the turn is over with the same words, or
// dropped when the caller goes on. What was dropped is counted.
class EarlyAnswer {
 public:
  // Answers of a call that were asked for in vain. After so many none is asked
  // for early any more: this caller's pauses are no ends.
  static constexpr int kMaxDropped = 8;
  // What is kept of one. A longer one is dropped.
  static constexpr size_t kMaxBytes = size_t{8} * 1024;

  // What came of one that is taken.
  struct Answer {
    std::string text;
    // What follows it: a call of a tool, or the end. Views are valid until the
    // model is asked for the next event.
    std::optional<LlmEvent> next;
  };

  // `llm` is borrowed for the life of the object.
  explicit EarlyAnswer(Llm& llm) : llm_(llm) {}

  // May one be asked for?
  bool is_allowed() const { return dropped_answers_ < kMaxDropped; }
  // The turn may be over with these words: the conversation is wanted.
  // Precondition: there is none, and one is allowed.
  void Begin(std::string_view words);
  bool needs_conversation() const { return phase_ == Phase::kAsking; }
  // It follows. The line of this turn has what was `told` of it, if anything
  // was.
  void Ask(Instant now, std::span<const ConversationLine> conversation,
           std::string_view told);

  // The model answers here, and nobody else takes its events.
  bool is_made() const { return phase_ == Phase::kAnswering; }
  // Takes one event of the model, if one may be taken: `fault` is what it had
  // to fault.
  bool TakeEvent(Instant now, std::optional<Fault>& fault);

  // The turn is over with these words: it is right, or dropped.
  void OnTurnEnded(Instant now, std::string_view words);
  bool is_right() const { return is_right_; }
  // It is the reply. What else comes of the model is of that.
  Answer Take();
  // If there is one, it is none.
  void Drop(Instant now);
  // Answers in vain, and their tokens, since the last time.
  Usage TakeDropped();

 private:
  enum class Phase : uint8_t {
    kNone,
    kAsking,     // the owner was asked for the conversation
    kAnswering,  // the model was asked
  };
  void Reset();

  Llm& llm_;
  Phase phase_ = Phase::kNone;
  // The caller's, and what was answered to them.
  std::string words_;
  Answer answer_;
  // The turn is over, with these words.
  bool is_right_ = false;
  size_t asked_bytes_ = 0;
  // In this call, and what of it was not told yet.
  int dropped_answers_ = 0;
  Usage dropped_;
};

}  // namespace trunkline::protocol
