#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "protocol/event_queue.h"
#include "protocol/services/house_dialogue.h"
#include "protocol/services/llm.h"

namespace trunkline::protocol {

// Answers by the rules of a dialogue: no model, no channel, at once.
//
// It remembers nothing: each time it goes through the conversation again, from
// what the caller said to what it must have answered. What an agent line has of
// that, all or the beginning, was said by it; where the agent said anything
// else, somebody else had the conversation, and what it would have remembered
// of that is forgotten. So a question that was not heard to its end is asked
// again, and a tool is called once: its line in the conversation says so.
//
// Instructions are for models; it has its rules.
class HouseRules final : public Llm {
 public:
  struct Config {
    // Milliseconds since 1970 at Instant 0, UTC, and what the caller's clock is
    // ahead of that.
    int64_t epoch_ms = 0;
    Duration utc_offset = {};
    // When the call began.
    Instant began = {};
  };

  // What the caller says is heard to here; of one text, and back in the
  // conversation. No form takes as many turns.
  static constexpr size_t kMaxWords = 120;
  static constexpr size_t kMaxTurns = 40;
  // A reply; what is longer is cut off.
  static constexpr size_t kMaxReplyBytes = 700;
  // A text that a form takes.
  static constexpr size_t kMaxValueBytes = 300;
  // How far it counts, and the longest word that it spells.
  static constexpr int64_t kMaxCount = 20;
  static constexpr size_t kMaxSpelledLetters = 24;
  // Sentences that were written down are likelier than those that patterns
  // make: Sentences() has them so many times.
  static constexpr size_t kLikelier = 3;
  // Sentences() has no more: a recogniser's language is small.
  static constexpr size_t kMaxSentences = 2'000;

  HouseRules(HouseDialogue dialogue, Config config);

  void Ask(const LlmRequest& request) override;
  void Abort() override { events_.Clear(); }
  std::optional<LlmEvent> NextEvent() override { return events_.Take(); }

  // What the caller may say, for a recogniser that knows what it was told.
  std::vector<std::string> Sentences() const;

 private:
  static constexpr size_t kMaxEvents = 3;
  static constexpr std::string_view kEndCallTool = "end_call";

  using Slot = HouseDialogue::Slot;
  using Form = HouseDialogue::Form;
  using Rule = HouseDialogue::Rule;
  using Tool = HouseDialogue::Tool;

  // Of a slot: a count, a SpokenDay, minutes of the day, 0 or 1; or a text.
  struct Value {
    int64_t number = 0;
    std::string text;
  };
  // What there is to know of the conversation so far.
  struct State {
    const Form* form = nullptr;
    std::vector<std::optional<Value>> values;
    // What it said last; as Reply::text.
    std::string last;
  };
  // What it answers.
  struct Reply {
    // With kClockMark around what the time makes different.
    std::string text;
    const Tool* tool = nullptr;
    bool ends = false;
    Json arguments;
    // Once this is said, and the tool was called.
    State after;
    // Unless the tool was called.
    State before;
  };
  // What the caller says, to be looked at.
  struct Said {
    std::string_view text;
    std::vector<TextWord> words;
    // Changes with the text: which of several texts is said.
    uint32_t dice = 0;
  };
  struct Number;
  class Story;

  // By the caller's clock: since 1970, and whole days of that.
  int64_t LocalMs() const;
  int64_t LocalDays() const;
  std::optional<std::string> Place(std::string_view name, const State& state,
                                   std::string_view caught) const;
  std::optional<std::string> Fill(std::string_view text, const State& state,
                                  std::string_view caught) const;
  // One of `texts`, filled: another one than was said last, if there is one.
  std::string Say(const std::vector<std::string>& texts, const State& state,
                  uint32_t dice, std::string_view caught = {}) const;
  static std::string SlotWords(const Slot& slot, const Value& value);

  static std::optional<size_t> OpenSlot(const State& state);
  // The question that a form asks now; "" without one.
  std::string Question(const State& state, uint32_t dice) const;
  void AddQuestion(Reply& reply, uint32_t dice) const;

  const Rule* FindRule(const Said& said, const State& state,
                       std::string_view* caught) const;
  Reply Answer(const State& state, std::string_view text) const;
  Reply AnswerRule(const State& state, const Said& said, const Rule& rule,
                   std::string_view caught) const;
  std::optional<Reply> AnswerInForm(const State& state, const Said& said) const;
  // The form's next question, or its tool.
  Reply GoOn(State state, const Said& said) const;
  Reply Complete(State state, const Said& said) const;
  Reply TellResult(const Reply& of, std::string_view result) const;
  Reply Greet() const;
  Reply Nudge(const State& state) const;

  enum class Bare : uint8_t { kTaken, kLeft };
  // Fills slots from what was said; returns a slot whose value was out of its
  // range, and counts those that were filled.
  const Slot* FillSlots(State& state, const Said& said, Bare bare,
                        size_t* filled) const;
  std::vector<Number> FindValues(const Said& said, const Form& form) const;

  // What is to be said after these lines.
  Reply NextOf(std::span<const ConversationLine> lines) const;
  void Speak(const Reply& reply, size_t lines);

  const HouseDialogue dialogue_;
  const Config config_;
  EventQueue<LlmEvent, kMaxEvents> events_;

  // What the views of the last events are of.
  std::string text_;
  std::string call_id_;
  std::string tool_name_;
  std::string arguments_;
};

}  // namespace trunkline::protocol
