#include "session/owed_texts.h"

#include <algorithm>
#include <utility>

namespace trunkline::session {

void OwedTexts::Owe(std::string_view text) {
  texts_.push_back({.text = std::string(text)});
}

bool OwedTexts::any_to_come() const {
  return Has(State::kOwed) || Has(State::kAsked);
}

bool OwedTexts::Has(State state) const {
  return std::any_of(texts_.begin(), texts_.end(),
                     [state](const Text& one) { return one.state == state; });
}

std::string_view OwedTexts::asked() const {
  for (const Text& one : texts_) {
    if (one.state == State::kAsked) return one.text;
  }
  return {};
}

size_t OwedTexts::Due() const {
  for (size_t i = 0; i < texts_.size(); ++i) {
    if (texts_[i].state == State::kOwed) return i;
    if (texts_[i].state != State::kHere) break;
  }
  return texts_.size();
}

bool OwedTexts::IsDue() const { return Due() < texts_.size() && !awaited(); }

std::string_view OwedTexts::Ask() {
  Text& due = texts_[Due()];
  due.state = State::kAsked;
  ++due.tries;
  return due.text;
}

void OwedTexts::TakeBack() {
  for (Text& one : texts_) {
    if (one.state != State::kAsked) continue;
    one.state = State::kOwed;
    --one.tries;
  }
}

bool OwedTexts::IsOf(protocol::ItemId item) const {
  return std::any_of(texts_.begin(), texts_.end(), [item](const Text& one) {
    return std::find(one.items.begin(), one.items.end(), item) !=
           one.items.end();
  });
}

void OwedTexts::OnAudio(protocol::ItemId item) {
  for (Text& one : texts_) {
    if (one.state != State::kAsked && one.state != State::kMade) continue;
    one.state = State::kMade;
    // The latest is the last.
    std::erase(one.items, item);
    one.items.push_back(item);
    return;
  }
}

void OwedTexts::OnPutOff() {
  for (Text& one : texts_) {
    if (one.state != State::kMade) continue;
    one.state = State::kAsked;
    one.items.clear();
  }
}

void OwedTexts::OnDone(Done done) {
  for (Text& one : texts_) {
    if (one.state != State::kAsked && one.state != State::kMade) continue;
    if (done == Done::kHopeless) one.tries = kMaxTries;
    if (one.state == State::kAsked) {
      one.state = State::kOwed;
    } else {
      one.state = done == Done::kWhole ? State::kHere : State::kBroken;
    }
  }
}

void OwedTexts::OnCancelled() { OnDone(Done::kBroken); }

void OwedTexts::OnHeard() {
  std::erase_if(texts_,
                [](const Text& one) { return one.state == State::kHere; });
  for (Text& one : texts_) {
    if (one.state == State::kBroken) OweAgain(one);
  }
}

void OwedTexts::OnDropped(std::span<const protocol::ItemId> unheard, By by) {
  const auto is_unheard = [unheard](protocol::ItemId item) {
    return std::find(unheard.begin(), unheard.end(), item) != unheard.end();
  };
  for (Text& one : texts_) {
    if ((by == By::kEnd && one.state == State::kBroken) ||
        std::all_of(one.items.begin(), one.items.end(), is_unheard)) {
      OweAgain(one);
    }
  }
  std::erase_if(texts_, [](const Text& one) { return !one.items.empty(); });
}

void OwedTexts::OweAgain(Text& text) {
  text.state = State::kOwed;
  text.items.clear();
}

std::optional<std::string> OwedTexts::TakeHopeless() {
  if (texts_.empty() || texts_.front().state != State::kOwed ||
      texts_.front().tries < kMaxTries) {
    return std::nullopt;
  }
  return TakeAny();
}

std::optional<std::string> OwedTexts::TakeAny() {
  if (texts_.empty()) return std::nullopt;
  std::string text = std::move(texts_.front().text);
  texts_.erase(texts_.begin());
  return text;
}

}  // namespace trunkline::session
