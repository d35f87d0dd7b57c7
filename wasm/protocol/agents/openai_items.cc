#include "protocol/agents/openai_items.h"

#include <algorithm>

namespace trunkline::protocol {

const OpenAiItems::Item& OpenAiItems::OnAudio(std::string_view name,
                                              int64_t content_index,
                                              uint32_t connection,
                                              size_t bytes) {
  if (items_.empty() || items_.back().connection != connection ||
      items_.back().name != name ||
      items_.back().content_index != content_index) {
    if (items_.size() == kMaxItems) items_.pop_front();
    items_.push_back({ItemId{++count_}, std::string(name), content_index,
                      /*received_bytes=*/0, connection});
  }
  items_.back().received_bytes += bytes;
  return items_.back();
}

const OpenAiItems::Item* OpenAiItems::Find(ItemId id) const {
  const auto it =
      std::find_if(items_.begin(), items_.end(),
                   [id](const Item& item) { return item.id == id; });
  return it == items_.end() ? nullptr : &*it;
}

}  // namespace trunkline::protocol
