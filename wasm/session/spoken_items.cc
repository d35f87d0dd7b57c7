#include "session/spoken_items.h"

#include <algorithm>
#include <utility>

namespace trunkline::session {

SpokenItems::Item* SpokenItems::Find(protocol::ItemId id) {
  const auto found =
      std::find_if(items_.begin(), items_.end(),
                   [id](const Item& item) { return item.id == id; });
  return found == items_.end() ? nullptr : &*found;
}

const SpokenItems::Item* SpokenItems::Find(protocol::ItemId id) const {
  return const_cast<SpokenItems*>(this)->Find(id);
}

void SpokenItems::OnAudio(const protocol::AgentAudio& audio, ItemName name,
                          Transcript::Origin origin, std::string_view words,
                          Instant now) {
  const auto line_of = [&] {
    return words.empty() ? transcript_.OnAgentItem(name, origin)
                         : transcript_.OnSay(name, words);
  };
  // An agent makes one after the other: those before it are whole, unless they
  // go on.
  Item* latest = audio.item == latest_ ? nullptr : Latest();
  if (latest != nullptr && !latest->over) transcript_.OnAgentDone(latest->line);
  latest_ = audio.item;
  Item* item = Find(audio.item);
  if (item == nullptr) {
    if (items_.size() == kMaxItems) {
      transcript_.OnAgentHeard(items_.front().line, now);
      items_.erase(items_.begin());
    }
    items_.push_back({audio.item, line_of()});
    item = &items_.back();
  } else if (item->heard && !transcript_.IsOpen(item->line)) {
    item->line = line_of();
    item->from_ms = Ms(item->bytes);
  }
  item->bytes += audio.audio.size();
  item->asked = item->asked || audio.asked;
  item->over = false;
  if (std::exchange(item->heard, false)) item->sent = false;
  transcript_.OnAgentAudio(item->line, Ms(item->bytes) - item->from_ms);
}

void SpokenItems::OnRefused(const protocol::AgentAudio& audio) {
  const Item* item = Find(audio.item);
  if (item != nullptr) {
    transcript_.OnAgentRefused(item->line, Ms(audio.audio.size()));
  }
  if (IsRefused(audio.item)) return;
  if (refused_.size() == kMaxItems) refused_.erase(refused_.begin());
  refused_.push_back({audio.item, item == nullptr ? 0 : Ms(item->bytes)});
}

bool SpokenItems::IsRefused(protocol::ItemId id) const {
  return std::any_of(refused_.begin(), refused_.end(),
                     [id](const Refused& one) { return one.id == id; });
}

std::vector<SpokenItems::Refused> SpokenItems::TakeRefused() {
  return std::exchange(refused_, {});
}

void SpokenItems::OnReplyOver(Extent extent) {
  Item* latest = Latest();
  if (latest == nullptr) return;
  if (!std::exchange(latest->over, true) && extent == Extent::kWhole) {
    transcript_.OnAgentDone(latest->line);
  }
}

bool SpokenItems::OnSent(protocol::ItemId id, Instant now, Instant plays_at) {
  Item* item = Find(id);
  if (item == nullptr) return false;
  if (!std::exchange(item->sent, true)) {
    transcript_.OnAgentSent(item->line, now);
    transcript_.OnAgentHeardFrom(item->line, plays_at);
  }
  return item->asked;
}

void SpokenItems::OnPutOff() {
  Item* latest = Latest();
  if (latest == nullptr || latest->over) return;
  latest->asked = false;
  transcript_.OnNotAsked(latest->line);
}

LineId SpokenItems::LineOf(protocol::ItemId id) const {
  const Item* item = Find(id);
  return item == nullptr ? LineId{} : item->line;
}

std::vector<protocol::ItemId> SpokenItems::From(
    protocol::ItemId current) const {
  auto from =
      std::find_if(items_.begin(), items_.end(),
                   [current](const Item& item) { return item.id == current; });
  if (from == items_.end()) from = items_.begin();
  std::vector<protocol::ItemId> ids;
  for (; from != items_.end(); ++from) {
    if (!from->heard) ids.push_back(from->id);
  }
  return ids;
}

void SpokenItems::OnProgress(const media::Playout::Cut& current, Instant at) {
  const Item* item = Find(current.item);
  if (item == nullptr || !item->sent) return;
  transcript_.OnAgentProgress(item->line, current.heard_ms - item->from_ms, at);
}

bool SpokenItems::OnCut(const media::Playout::Cut& cut,
                        std::span<const media::ReplyPauses::Pause> pauses,
                        Instant now) {
  const Item* item = Find(cut.item);
  if (item == nullptr) return false;
  const int32_t from_ms = item->from_ms;
  std::vector<Pause> of_line;
  of_line.reserve(pauses.size());
  for (const auto& [from, to] : pauses) {
    if (to > from_ms) of_line.push_back({from - from_ms, to - from_ms});
  }
  const bool heard =
      transcript_.OnAgentCut(item->line, cut.heard_ms - from_ms,
                             cut.received_ms - from_ms, of_line, now);
  std::erase_if(items_, [&cut](const Item& one) { return one.id == cut.item; });
  return heard;
}

void SpokenItems::OnAllHeard(Instant now) {
  for (Item& item : items_) {
    if (!item.sent) continue;
    transcript_.OnAgentHeard(item.line, now);
    item.heard = true;
  }
  std::erase_if(items_, [this](const Item& item) {
    return item.heard && item.id != latest_;
  });
}

}  // namespace trunkline::session
