#include "protocol/services/house_rules.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "protocol/services/spoken_values.h"

namespace trunkline::protocol {
namespace {

using SlotKind = HouseDialogue::Slot::Kind;

// Around words that are others a moment later; in no text of a dialogue.
constexpr char kClockMark = '\x01';
// Words that the time may be: "Wednesday, September twenty nine".
constexpr size_t kMaxClockWords = 8;
constexpr std::string_view kEndCallTool = "end_call";
constexpr int64_t kDayMs = 86'400'000;
// A message of so few words that ends with a good bye is none.
constexpr size_t kMaxGoodbyeWords = 4;

bool Hears(const std::vector<WordPattern>& patterns,
           std::span<const TextWord> words) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const WordPattern& pattern) {
                       return pattern.Find(words).has_value();
                     });
}

// FNV-1a.
uint32_t DiceOf(std::string_view text) {
  uint32_t dice = 2166136261U;
  for (const char c : text) {
    dice = (dice ^ static_cast<unsigned char>(c)) * 16777619U;
  }
  return dice;
}

std::string Spoken(std::string_view text) {
  std::string spoken;
  for (const char c : CutText(text, HouseRules::kMaxReplyBytes)) {
    if (c >= ' ' && c <= '~') spoken += c;
  }
  return spoken;
}

void AddSentence(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) text += ' ';
  text += more;
}

// What is said, word by word; "" for words that the time makes different.
std::vector<std::string> WordsToSay(std::string_view text) {
  std::vector<std::string> words;
  bool is_clock = false;
  while (true) {
    const size_t end = text.find(kClockMark);
    if (is_clock) {
      words.emplace_back();
    } else {
      for (TextWord& word :
           TextWordsOf(text.substr(0, end), 2 * HouseRules::kMaxWords)) {
        words.push_back(std::move(word.word));
      }
    }
    if (end == std::string_view::npos) return words;
    text.remove_prefix(end + 1);
    is_clock = !is_clock;
  }
}

enum class Heard : uint8_t { kNo, kPart, kAll };

// How much of `said` the words of an agent line are: it begins there, or has
// all of it and more around it. Word by word of `said`, with all places of the
// line at once where it may have come to.
Heard HowMuchHeard(std::string_view line, std::string_view reply) {
  const std::vector<TextWord> heard =
      TextWordsOf(line, 2 * HouseRules::kMaxWords);
  const std::vector<std::string> said = WordsToSay(reply);
  if (heard.empty() || said.empty()) return Heard::kPart;
  const size_t end = heard.size();
  // From the beginning of the line, and from anywhere.
  std::vector<bool> here(end + 1, false);
  here[0] = true;
  std::vector<bool> anywhere(end + 1, true);
  bool is_part = false;
  for (const std::string& word : said) {
    // The line ended between two words, or in the middle of one.
    is_part = is_part || here[end] ||
              (here[end - 1] && word.starts_with(heard[end - 1].word));
    for (std::vector<bool>* places : {&here, &anywhere}) {
      std::vector<bool> next(end + 1, false);
      for (size_t at = 0; at <= end; ++at) {
        if (!(*places)[at]) continue;
        if (word.empty()) {
          const size_t last = std::min(end, at + kMaxClockWords);
          for (size_t to = at; to <= last; ++to) next[to] = true;
        } else if (at < end && heard[at].word == word) {
          next[at + 1] = true;
        }
      }
      places->swap(next);
    }
  }
  const bool is_all =
      std::find(anywhere.begin(), anywhere.end(), true) != anywhere.end();
  if (is_all) return Heard::kAll;
  return is_part ? Heard::kPart : Heard::kNo;
}

// Whether a tool's answer says that nothing came of it.
bool IsFailure(std::string_view result) {
  const std::optional<Json> json = ParseJson(result);
  if (!json) return false;
  const Json* error = FindMember(*json, "error");
  if (error != nullptr && !error->is_null() && *error != false) return true;
  const Json* ok = FindMember(*json, "ok");
  return ok != nullptr && *ok == false;
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

HouseRules::HouseRules(HouseDialogue dialogue, Config config)
    : dialogue_(std::move(dialogue)), config_(config) {}

int64_t HouseRules::LocalMs() const {
  return config_.epoch_ms + config_.utc_offset.ms() + now().us() / 1000;
}

int64_t HouseRules::LocalDays() const {
  const int64_t local_ms = LocalMs();
  return (local_ms - (local_ms % kDayMs + kDayMs) % kDayMs) / kDayMs;
}

std::string HouseRules::SlotWords(const Slot& slot, const Value& value) {
  switch (slot.kind) {
    case SlotKind::kCount:
      return NumberWords(value.number);
    case SlotKind::kDay:
      return DayWords(static_cast<SpokenDay>(value.number));
    case SlotKind::kTime:
      return TimeWords(static_cast<int>(value.number));
    case SlotKind::kText:
      return Spoken(value.text);
    case SlotKind::kYesNo:
      return value.number != 0 ? "yes" : "no";
  }
  return {};
}

// nullopt if there is nothing to put there.
std::optional<std::string> HouseRules::Place(std::string_view name,
                                             const State& state,
                                             std::string_view caught) const {
  if (state.form != nullptr) {
    for (size_t i = 0; i < state.form->slots.size(); ++i) {
      if (state.form->slots[i].name != name) continue;
      const std::optional<Value>& value = state.values[i];
      if (!value) return std::nullopt;
      return SlotWords(state.form->slots[i], *value);
    }
  }
  const auto of_clock = [](const std::string& words) {
    return kClockMark + words + kClockMark;
  };
  const int64_t local_ms = LocalMs();
  const int64_t ms_of_day = (local_ms % kDayMs + kDayMs) % kDayMs;
  if (name == "name") return dialogue_.name;
  if (name == "now") {
    return of_clock(TimeWords(static_cast<int>(ms_of_day / 60'000)));
  }
  if (name == "today") {
    return of_clock(DateWords(LocalDays()));
  }
  if (name == "callLength") {
    const int64_t seconds =
        std::max<int64_t>((now() - config_.began).us() / 1'000'000, 0);
    const int64_t count = seconds < 60 ? seconds : seconds / 60;
    std::string words = NumberWords(count);
    words += seconds < 60 ? " second" : " minute";
    if (count != 1) words += 's';
    return of_clock(words);
  }
  if (name == "last") {
    if (state.last.empty()) return std::nullopt;
    return state.last;
  }
  const std::vector<TextWord> words = TextWordsOf(caught, 3);
  if (words.empty()) return std::nullopt;
  std::string text;
  if (name == "spelled") {
    const std::string& word = words.front().word;
    const bool is_plain = std::all_of(
        word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    if (!is_plain || word.size() > kMaxSpelledLetters) return std::nullopt;
    for (const char c : word) {
      if (!text.empty()) text += ", ";
      text += static_cast<char>(c - 'a' + 'A');
    }
    return text + '.';
  }
  // "counted".
  const std::optional<SpokenNumber> number = NumberAt(words, 0);
  if (!number || number->value < 1 || number->value > kMaxCount) {
    return std::nullopt;
  }
  for (int i = 1; i <= number->value; ++i) {
    if (!text.empty()) text += ", ";
    text += NumberWords(i);
  }
  return text + '.';
}

std::optional<std::string> HouseRules::Fill(std::string_view text,
                                            const State& state,
                                            std::string_view caught) const {
  std::string filled;
  while (!text.empty()) {
    const size_t begin = text.find('{');
    filled += text.substr(0, begin);
    if (begin == std::string_view::npos) break;
    const size_t end = text.find('}', begin);
    const auto words =
        Place(text.substr(begin + 1, end - begin - 1), state, caught);
    if (!words) return std::nullopt;
    filled += *words;
    // What was said last may be said again, and again.
    if (filled.size() > kMaxReplyBytes) {
      return std::string(CutText(filled, kMaxReplyBytes));
    }
    text.remove_prefix(std::min(end, text.size() - 1) + 1);
  }
  return filled;
}

std::string HouseRules::Say(const std::vector<std::string>& texts,
                            const State& state, uint32_t dice,
                            std::string_view caught) const {
  std::string said;
  for (size_t i = 0; i < texts.size(); ++i) {
    auto filled = Fill(texts[(dice + i) % texts.size()], state, caught);
    if (!filled) continue;
    said = std::move(*filled);
    if (said != state.last) break;
  }
  return said;
}

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

const HouseRules::Rule* HouseRules::FindRule(const Said& said,
                                             const State& state,
                                             std::string_view* caught) const {
  for (const Rule& rule : dialogue_.rules) {
    // Its form is open already: this is an answer to it.
    if (rule.goes && &dialogue_.forms[*rule.goes] == state.form) continue;
    for (const WordPattern& pattern : rule.hears) {
      const std::optional<WordPattern::Found> found = pattern.Find(said.words);
      if (!found) continue;
      *caught = {};
      if (found->begin < found->end) {
        const size_t begin = said.words[found->begin].begin;
        *caught =
            said.text.substr(begin, said.words[found->end - 1].end - begin);
      }
      return &rule;
    }
  }
  return nullptr;
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

HouseRules::Reply HouseRules::AnswerRule(const State& state, const Said& said,
                                         const Rule& rule,
                                         std::string_view caught) const {
  Reply reply;
  reply.text = Say(rule.says, state, said.dice, caught);
  if (reply.text.empty()) {
    reply.text = Say(rule.otherwise, state, said.dice, caught);
  }
  reply.after = state;
  if (rule.goes) {
    State next;
    next.last = state.last;
    next.form = &dialogue_.forms[*rule.goes];
    next.values.resize(next.form->slots.size());
    size_t filled = 0;
    const Slot* wrong = FillSlots(next, said, Bare::kLeft, &filled);
    for (size_t i = 0; i < next.values.size() && !caught.empty(); ++i) {
      if (next.form->slots[i].kind != SlotKind::kText) continue;
      next.values[i] = Value{0, std::string(CutText(caught, kMaxValueBytes))};
      break;
    }
    Reply first = GoOn(std::move(next), said);
    if (wrong != nullptr) {
      AddSentence(reply.text, Say(wrong->wrong, state, said.dice));
    }
    AddSentence(reply.text, first.text);
    first.text = std::move(reply.text);
    return first;
  }
  if (rule.tool) {
    reply.tool = &*rule.tool;
    reply.arguments = rule.tool->arguments;
    AddSentence(reply.text, Say(rule.tool->says, state, said.dice));
    reply.before = state;
  } else if (rule.ends) {
    reply.ends = true;
    reply.arguments = Json::object();
  } else {
    // Whoever is in the middle of a form is asked again.
    AddQuestion(reply, said.dice);
  }
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

HouseRules::Reply HouseRules::Answer(const State& state,
                                     std::string_view text) const {
  Said said;
  said.text = text;
  said.words = TextWordsOf(text, kMaxWords);
  said.dice = DiceOf(text);
  if (said.words.empty()) return Nudge(state);
  if (state.form != nullptr) {
    if (auto reply = AnswerInForm(state, said)) return *std::move(reply);
  }
  std::string_view caught;
  if (const Rule* rule = FindRule(said, state, &caught)) {
    Reply reply = AnswerRule(state, said, *rule, caught);
    if (!reply.text.empty() || reply.tool != nullptr) return reply;
  }
  Reply reply;
  reply.after = state;
  if (state.form != nullptr) {
    reply.text = Say(dialogue_.again, state, said.dice);
    AddQuestion(reply, said.dice);
  }
  if (reply.text.empty()) {
    reply.text = Say(dialogue_.fallback, state, said.dice);
  }
  return reply;
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

HouseRules::Reply HouseRules::Greet() const {
  Reply reply;
  reply.text = Say(dialogue_.greeting, {}, 0);
  return reply;
}

// The caller says nothing.
HouseRules::Reply HouseRules::Nudge(const State& state) const {
  Reply reply;
  reply.after = state;
  reply.text = state.form == nullptr
                   ? Say(dialogue_.silence.empty() ? dialogue_.fallback
                                                   : dialogue_.silence,
                         state, 0)
                   : Question(state, 0);
  if (reply.text.empty()) reply.text = Say(dialogue_.fallback, state, 0);
  return reply;
}

// Goes through a conversation, line by line.
class HouseRules::Story {
 public:
  explicit Story(const HouseRules& rules)
      : rules_(rules), reply_(rules.Greet()) {}

  void OnCaller(std::string_view text) {
    Settle();
    reply_ = rules_.Answer(state_, text);
    heard_ = Heard::kNo;
    others_ = false;
    called_ = false;
    waits_ = false;
    goes_on_ = false;
    line_ = Line::kCaller;
  }
  void OnAgent(std::string_view text) {
    if (!text.empty() && HowMuchHeard(text, untold_) != Heard::kNo) {
      untold_.clear();
    }
    const Heard heard = HowMuchHeard(text, reply_.text);
    heard_ = std::max(heard_, heard);
    if (heard == Heard::kNo) {
      others_ = true;
      other_text_ = text;
    }
    line_ = Line::kAgent;
  }
  void OnTool(const ConversationLine& tool) {
    line_ = Line::kTool;
    const bool is_ours =
        !called_ &&
        (reply_.tool != nullptr ? reply_.tool->name == tool.name
                                : reply_.ends && tool.name == kEndCallTool);
    if (!is_ours) {
      others_ = true;
      return;
    }
    called_ = true;
    waits_ = !tool.result;
    heard_ = Heard::kAll;
    goes_on_ = reply_.ends && tool.result && IsFailure(*tool.result);
    if (tool.result && reply_.tool != nullptr) {
      reply_ = rules_.TellResult(reply_, *tool.result);
      untold_ = reply_.text;
      heard_ = Heard::kPart;
    }
  }

  // What is to be said now.
  Reply Next() {
    Reply next = NextOfStory();
    // What became of a tool that answered when it was not its turn.
    if (!untold_.empty() && next.text != untold_) {
      std::string told = std::move(untold_);
      AddSentence(told, next.text);
      next.text = std::move(told);
    }
    return next;
  }

  void OnTurn() { has_turns_ = true; }

 private:
  enum class Line : uint8_t { kNone, kCaller, kAgent, kTool };

  Reply NextOfStory() {
    Reply next;
    if (line_ == Line::kCaller) return reply_;
    if (waits_) {
      next.text =
          rules_.Say(rules_.dialogue_.waits.empty() ? rules_.dialogue_.fallback
                                                    : rules_.dialogue_.waits,
                     {}, 0);
      return next;
    }
    // The end of the call has no more words, if it is one.
    if (called_ && reply_.ends && !goes_on_) return next;
    if (goes_on_) {
      Settle();
      return rules_.Nudge(state_);
    }
    if (line_ == Line::kTool && called_) return reply_;
    // It was interrupted, or never said, and the caller adds nothing.
    if (heard_ == Heard::kPart || (!has_turns_ && heard_ == Heard::kNo)) {
      return reply_;
    }
    Settle();
    return rules_.Nudge(state_);
  }

  // What the last reply leaves behind.
  void Settle() {
    const bool is_ours = heard_ != Heard::kNo || !others_;
    if (!is_ours) {
      state_ = {};
      state_.last = Spoken(other_text_);
      return;
    }
    const bool is_uncalled = reply_.tool != nullptr && !called_;
    State next =
        is_uncalled ? std::move(reply_.before) : std::move(reply_.after);
    const std::string& said = reply_.text.empty() ? state_.last : reply_.text;
    next.last = CutText(said, kMaxReplyBytes);
    // Its tool is at work; what comes of that is told when it is known.
    const bool is_forms =
        next.form != nullptr && reply_.tool == &next.form->tool;
    if (waits_ && is_forms) {
      next.form = nullptr;
      next.values.clear();
    }
    state_ = std::move(next);
  }

  const HouseRules& rules_;
  State state_;
  // To what the caller said last: before that, the greeting.
  Reply reply_;
  // How much of that was heard, and whether the agent said other things.
  Heard heard_ = Heard::kNo;
  bool others_ = false;
  std::string other_text_;
  // What became of a tool, until somebody has heard it.
  std::string untold_;
  // Its tool was called, and has no result.
  bool called_ = false;
  bool waits_ = false;
  // The call was to end, and does not.
  bool goes_on_ = false;
  bool has_turns_ = false;
  Line line_ = Line::kNone;
};

void HouseRules::Ask(const LlmRequest& request) {
  events_.Clear();
  const std::span<const ConversationLine> lines = request.conversation;
  size_t first = lines.size();
  for (size_t turns = 0; first > 0; --first) {
    if (lines[first - 1].kind != ConversationLine::Kind::kCaller) continue;
    if (++turns > kMaxTurns) break;
  }
  Story story(*this);
  for (const ConversationLine& line : lines.subspan(first)) {
    switch (line.kind) {
      case ConversationLine::Kind::kCaller:
        story.OnTurn();
        story.OnCaller(line.text);
        break;
      case ConversationLine::Kind::kAgent:
        story.OnAgent(line.text);
        break;
      case ConversationLine::Kind::kTool:
        story.OnTool(line);
        break;
    }
  }
  Speak(story.Next(), lines.size());
}

void HouseRules::Speak(const Reply& reply, size_t lines) {
  text_ = Spoken(reply.text);
  if (!text_.empty()) events_.Push(LlmText{text_});
  if (reply.tool != nullptr || reply.ends) {
    // No other call of this call has the same time and place.
    call_id_ = "house-" + std::to_string(lines) + '-' +
               std::to_string(now().us() / 1000);
    tool_name_ = reply.tool != nullptr ? reply.tool->name : kEndCallTool;
    arguments_ = PrintJson(reply.arguments);
    events_.Push(LlmToolCall{call_id_, tool_name_, arguments_});
  }
  events_.Push(LlmDone{});
}

std::vector<std::string> HouseRules::Sentences() const {
  std::vector<std::string> sentences = dialogue_.expects;
  const auto add = [&](const std::vector<WordPattern>& patterns) {
    for (const WordPattern& pattern : patterns) {
      pattern.AppendSentences(dialogue_.spells, sentences);
    }
  };
  for (const Rule& rule : dialogue_.rules) add(rule.hears);
  add(dialogue_.yes);
  add(dialogue_.no);
  for (const Form& form : dialogue_.forms) {
    add(form.cancels);
    for (const Slot& slot : form.slots) {
      switch (slot.kind) {
        case SlotKind::kCount:
          AppendCountSentences(slot.units, sentences);
          break;
        case SlotKind::kDay:
          AppendDaySentences(sentences);
          break;
        case SlotKind::kTime:
          AppendTimeSentences(sentences);
          break;
        case SlotKind::kText:
        case SlotKind::kYesNo:
          break;
      }
    }
  }
  // Each once, in their order: the first ones are those that were written down.
  std::vector<std::string> once;
  std::vector<std::string_view> known;
  size_t written = 0;
  for (size_t i = 0; i < sentences.size() && once.size() < kMaxSentences; ++i) {
    const std::string& sentence = sentences[i];
    const auto at = std::lower_bound(known.begin(), known.end(), sentence);
    if (at != known.end() && *at == sentence) continue;
    known.insert(at, sentence);
    once.push_back(sentence);
    if (i < dialogue_.expects.size()) written = once.size();
  }
  once.reserve(kMaxSentences);
  for (size_t times = 1; times < kLikelier; ++times) {
    for (size_t i = 0; i < written && once.size() < kMaxSentences; ++i) {
      once.push_back(once[i]);
    }
  }
  return once;
}

}  // namespace trunkline::protocol
