#include "protocol/services/house_text.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/utf8.h"
#include "protocol/services/house_rules.h"
#include "protocol/services/spoken_values.h"

namespace trunkline::protocol {
namespace {

using SlotKind = HouseDialogue::Slot::Kind;

constexpr int64_t kDayMs = 86'400'000;

}  // namespace

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

bool IsFailure(std::string_view result) {
  const std::optional<Json> json = ParseJson(result);
  if (!json) return false;
  const Json* error = FindMember(*json, "error");
  if (error != nullptr && !error->is_null() && *error != false) return true;
  const Json* ok = FindMember(*json, "ok");
  return ok != nullptr && *ok == false;
}

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

}  // namespace trunkline::protocol
