// Forms: what they ask for, what of it was said, and the tool that takes it.

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "protocol/services/house_rules.h"
#include "protocol/services/house_text.h"
#include "protocol/services/spoken_values.h"

namespace trunkline::protocol {
namespace {

using SlotKind = HouseDialogue::Slot::Kind;

// A message of so few words that ends with a good bye is none.
constexpr size_t kMaxGoodbyeWords = 4;

bool Hears(const std::vector<WordPattern>& patterns,
           std::span<const TextWord> words) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const WordPattern& pattern) {
                       return pattern.Find(words).has_value();
                     });
}

bool IsOneOf(std::string_view word,
             std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

// A value in a text.
struct HouseRules::Number {
  SlotKind kind = SlotKind::kCount;
  int64_t number = 0;
  // A number and no more: a count or an hour, as the question was.
  bool is_bare = false;
  // Of a time: which half of the day is not said.
  bool has_half = true;
};

std::optional<size_t> HouseRules::OpenSlot(const State& state) {
  const auto open =
      std::find(state.values.begin(), state.values.end(), std::nullopt);
  if (state.form == nullptr || open == state.values.end()) return std::nullopt;
  return static_cast<size_t>(open - state.values.begin());
}

std::string HouseRules::Question(const State& state, uint32_t dice) const {
  if (state.form == nullptr) return {};
  const std::optional<size_t> open = OpenSlot(state);
  return Say(open ? state.form->slots[*open].asks : state.form->confirms, state,
             dice);
}

void HouseRules::AddQuestion(Reply& reply, uint32_t dice) const {
  AddSentence(reply.text, Question(reply.after, dice));
}

std::vector<HouseRules::Number> HouseRules::FindValues(const Said& said,
                                                       const Form& form) const {
  const std::span<const TextWord> words(said.words);
  const auto word_at = [&](size_t at) {
    return at < words.size() ? std::string_view(words[at].word)
                             : std::string_view();
  };
  const auto is_unit = [&](std::string_view word) {
    return std::any_of(
        form.slots.begin(), form.slots.end(), [&](const Slot& slot) {
          return std::find(slot.units.begin(), slot.units.end(), word) !=
                 slot.units.end();
        });
  };
  std::vector<Number> found;
  for (size_t at = 0; at < words.size();) {
    const std::string_view before = at > 0 ? word_at(at - 1) : "";
    if (const std::optional<SpokenDay> day = DayAt(word_at(at))) {
      auto number = static_cast<int64_t>(*day);
      if (*day == SpokenDay::kTomorrow && before == "after") {
        // The first of January 1970 was a Thursday, the fifth day.
        number = ((LocalDays() + 2 + 4) % 7 + 7) % 7;
      }
      found.push_back({SlotKind::kDay, number});
      ++at;
      continue;
    }
    const std::optional<SpokenNumber> number = NumberAt(words, at);
    const bool is_of_us = number && word_at(at + number->words) == "of" &&
                          word_at(at + number->words + 1) == "us";
    if (number && (is_of_us || is_unit(word_at(at + number->words)))) {
      found.push_back({SlotKind::kCount, number->value});
      at += number->words + 1;
      continue;
    }
    const std::optional<SpokenTime> time = TimeAt(words, at);
    if (time &&
        (time->is_certain ||
         IsOneOf(before, {"at", "by", "around", "about", "from", "until"}))) {
      found.push_back({SlotKind::kTime, time->minutes, false, time->has_half});
      at += time->words;
      continue;
    }
    if (number) {
      const bool is_count = IsOneOf(
          before, {"for", "of", "are", "with", "be", "just", "only", "it"});
      found.push_back({SlotKind::kCount, number->value, !is_count});
      at += number->words;
      continue;
    }
    ++at;
  }
  return found;
}

const HouseRules::Slot* HouseRules::FillSlots(State& state, const Said& said,
                                              Bare bare, size_t* filled) const {
  const Form& form = *state.form;
  const std::vector<Slot>& slots = form.slots;
  const std::optional<size_t> asked = OpenSlot(state);
  const Slot* wrong = nullptr;
  // The one that was asked for, or an open one, or, to correct it, the first.
  const auto slot_of = [&](SlotKind kind) -> std::optional<size_t> {
    if (asked && slots[*asked].kind == kind && !state.values[*asked]) {
      return asked;
    }
    std::optional<size_t> first;
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slots[i].kind != kind) continue;
      if (!state.values[i]) return i;
      if (!first) first = i;
    }
    return first;
  };
  for (const Number& value : FindValues(said, form)) {
    SlotKind kind = value.kind;
    int64_t number = value.number;
    bool has_half = value.has_half;
    if (value.is_bare) {
      const std::optional<size_t> open = OpenSlot(state);
      if (bare == Bare::kLeft || !open) continue;
      kind = slots[*open].kind;
      if (kind == SlotKind::kTime) {
        if (number > 23) continue;
        has_half = number > 12 || number == 0;
        number *= 60;
      } else if (kind != SlotKind::kCount) {
        continue;
      }
    }
    const std::optional<size_t> at = slot_of(kind);
    if (!at) continue;
    const Slot& slot = slots[*at];
    if (kind == SlotKind::kCount && (number < slot.min || number > slot.max)) {
      wrong = &slot;
      continue;
    }
    if (kind == SlotKind::kTime && !has_half) {
      constexpr int64_t kHalfDayMinutes = int64_t{12} * 60;
      number %= kHalfDayMinutes;
      if (number < slot.from) number += kHalfDayMinutes;
    }
    state.values[*at] = Value{number, {}};
    ++*filled;
  }
  return wrong;
}

HouseRules::Reply HouseRules::Complete(State state, const Said& said) const {
  Reply reply;
  const Form& form = *state.form;
  reply.tool = &form.tool;
  reply.arguments = form.tool.arguments;
  for (size_t i = 0; i < form.slots.size(); ++i) {
    const Value value = state.values[i].value_or(Value{});
    Json& argument = reply.arguments[form.slots[i].name];
    switch (form.slots[i].kind) {
      case SlotKind::kCount:
        argument = value.number;
        break;
      case SlotKind::kDay:
        argument = DayName(static_cast<SpokenDay>(value.number));
        break;
      case SlotKind::kTime:
        argument = TimeDigits(static_cast<int>(value.number));
        break;
      case SlotKind::kText:
        argument = value.text;
        break;
      case SlotKind::kYesNo:
        argument = value.number != 0;
        break;
    }
  }
  reply.text = Say(form.tool.says, state, said.dice);
  reply.before = state;
  reply.after = std::move(state);
  return reply;
}

HouseRules::Reply HouseRules::GoOn(State state, const Said& said) const {
  if (!OpenSlot(state) && state.form->confirms.empty()) {
    return Complete(std::move(state), said);
  }
  Reply reply;
  reply.after = std::move(state);
  AddQuestion(reply, said.dice);
  return reply;
}

// nullopt if what was said has nothing to do with the form.
std::optional<HouseRules::Reply> HouseRules::AnswerInForm(
    const State& state, const Said& said) const {
  const Form& form = *state.form;
  Reply reply;
  if (Hears(form.cancels, said.words)) {
    reply.text = Say(form.cancelled, state, said.dice);
    if (reply.text.empty()) {
      reply.text = Say(dialogue_.fallback, state, said.dice);
    }
    reply.after.last = state.last;
    return reply;
  }
  const std::optional<size_t> asked = OpenSlot(state);
  State next = state;
  std::string_view caught;
  const Rule* rule = FindRule(said, state, &caught);
  if (asked && form.slots[*asked].kind == SlotKind::kText) {
    // Who says no more than that goes.
    if (rule != nullptr && rule->ends &&
        said.words.size() <= kMaxGoodbyeWords) {
      return std::nullopt;
    }
    next.values[*asked] =
        Value{0, std::string(CutText(said.text, kMaxValueBytes))};
    return GoOn(std::move(next), said);
  }
  if (rule != nullptr && (rule->ends || rule->tool)) return std::nullopt;
  // Its tool was to be called, and was not.
  if (!asked && form.confirms.empty()) return Complete(std::move(next), said);
  size_t filled = 0;
  // A number that another rule asks for is no answer to the form's question.
  const bool is_other = rule != nullptr && !caught.empty();
  const Slot* wrong =
      FillSlots(next, said, is_other ? Bare::kLeft : Bare::kTaken, &filled);
  if (wrong != nullptr) {
    reply.text = Say(wrong->wrong, state, said.dice);
    reply.after = std::move(next);
    AddQuestion(reply, said.dice);
    return reply;
  }
  if (filled > 0) return GoOn(std::move(next), said);
  const bool says_no = Hears(dialogue_.no, said.words);
  const bool says_yes = !says_no && Hears(dialogue_.yes, said.words);
  if (asked && form.slots[*asked].kind == SlotKind::kYesNo &&
      (says_no || says_yes)) {
    next.values[*asked] = Value{says_yes ? 1 : 0, {}};
    return GoOn(std::move(next), said);
  }
  if (!asked && says_yes) return Complete(std::move(next), said);
  if (!asked && says_no) {
    reply.text = Say(form.changes, state, said.dice);
    reply.after = std::move(next);
    if (reply.text.empty()) AddQuestion(reply, said.dice);
    return reply;
  }
  return std::nullopt;
}

HouseRules::Reply HouseRules::TellResult(const Reply& of,
                                         std::string_view result) const {
  Reply reply;
  const Tool& tool = *of.tool;
  reply.text = Say(IsFailure(result) ? tool.failed : tool.done, of.after,
                   DiceOf(result));
  reply.after.last = of.after.last;
  // A form is over with its tool; one that another tool came between goes on.
  const bool is_forms =
      of.after.form != nullptr && &of.after.form->tool == &tool;
  if (!is_forms) {
    reply.after = of.after;
    AddQuestion(reply, DiceOf(result));
  }
  return reply;
}

}  // namespace trunkline::protocol
