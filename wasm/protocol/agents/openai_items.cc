#include "protocol/agents/openai_items.h"

#include <algorithm>

namespace trunkline::protocol {

const OpenAiItems::Item* OpenAiItems::OnAudio(std::string_view name,
                                              int64_t content_index,
                                              uint32_t connection,
                                              size_t bytes) {
  const auto is_of = [&](const Item& item) {
    return item.connection == connection &&
           item.content_index == content_index && item.name == name;
  };
  for (const Item& item : items_) {
    if (item.cut && is_of(item)) return nullptr;
  }
  if (items_.empty() || !is_of(items_.back())) {
    if (items_.size() == kMaxItems) items_.erase(items_.begin());
    items_.push_back({ItemId{++count_}, std::string(name), content_index,
                      /*received_bytes=*/0, connection, /*cut=*/false});
  }
  items_.back().received_bytes += bytes;
  return &items_.back();
}

void OpenAiItems::Cut(ItemId id) {
  for (Item& item : items_) {
    if (item.id == id) item.cut = true;
  }
}

const OpenAiItems::Item* OpenAiItems::Find(ItemId id) const {
  const auto it =
      std::find_if(items_.begin(), items_.end(),
                   [id](const Item& item) { return item.id == id; });
  return it == items_.end() ? nullptr : &*it;
}

}  // namespace trunkline::protocol
