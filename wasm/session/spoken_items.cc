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

void SpokenItems::OnAudio(const protocol::AgentAudio& audio, ItemName name,
                          Transcript::Origin origin, Instant now) {
  Item* item = Find(audio.item);
  if (item == nullptr) {
    if (items_.size() == kMaxItems) {
      transcript_.OnAgentHeard(items_.front().line, now);
      items_.erase(items_.begin());
    }
    items_.push_back({audio.item, transcript_.OnAgentItem(name, origin)});
    item = &items_.back();
  }
  item->bytes += audio.audio.size();
  item->asked = item->asked || audio.asked;
  if (std::exchange(item->heard, false)) item->sent = false;
  transcript_.OnAgentAudio(
      item->line,
      static_cast<int64_t>(item->bytes / protocol::BytesOf(format_, 1)));
}

void SpokenItems::OnReplyDone() {
  for (const Item& item : items_) {
    if (!item.heard) transcript_.OnAgentDone(item.line);
  }
}

void SpokenItems::OnReplyLost() {
  for (const Item& item : items_) {
    if (!item.heard) transcript_.OnAgentLost(item.line);
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

void SpokenItems::OnProgress(const media::Playout::Cut& current, Instant at) {
  const Item* item = Find(current.item);
  if (item == nullptr || !item->sent) return;
  transcript_.OnAgentProgress(item->line, current.heard_ms, at);
}

void SpokenItems::OnCut(const media::Playout::Cut& cut,
                        std::span<const media::ReplyPauses::Pause> pauses,
                        Instant now) {
  const Item* item = Find(cut.item);
  if (item == nullptr) return;
  std::vector<Pause> of_item;
  of_item.reserve(pauses.size());
  for (const media::ReplyPauses::Pause& pause : pauses) {
    of_item.push_back({pause.from_ms, pause.to_ms});
  }
  transcript_.OnAgentCut(item->line, cut.heard_ms, cut.received_ms, of_item,
                         now);
  std::erase_if(items_, [&cut](const Item& one) { return one.id == cut.item; });
}

void SpokenItems::OnAllHeard(Instant now) {
  for (Item& item : items_) {
    if (!item.sent) continue;
    transcript_.OnAgentHeard(item.line, now);
    item.heard = true;
  }
  std::erase_if(items_, [this](const Item& item) {
    return item.heard && &item != &items_.back();
  });
}

}  // namespace trunkline::session
