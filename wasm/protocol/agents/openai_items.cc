#include "protocol/agents/openai_items.h"

#include <algorithm>
#include <utility>

namespace trunkline::protocol {

std::string_view OpenAiItems::KnownAs(std::string_view name,
                                      uint32_t connection,
                                      std::string_view response) {
  if (response.empty() && !items_.empty() && items_.back().name == name &&
      items_.back().connection == connection) {
    return items_.back().known_as;
  }
  known_as_.clear();
  for (const char c : name) {
    known_as_ += c;
    // So that no name is what another one is known as.
    if (c == '@') known_as_ += c;
  }
  // The newest first: mostly it is that.
  const auto known =
      std::find_if(names_.rbegin(), names_.rend(), [&](const Name& one) {
        return one.connection == connection && one.name == name;
      });
  if (known == names_.rend()) {
    if (names_.size() == kMaxItems) names_.erase(names_.begin());
    names_.push_back({std::string(name), std::string(response), connection});
  } else if (known->response.empty()) {
    known->response = response;
  } else if (!response.empty() && known->response != response) {
    known_as_ += '@';
    known_as_ += response;
  }
  return known_as_;
}

const OpenAiItems::Item* OpenAiItems::OnAudio(std::string_view name,
                                              int64_t content_index,
                                              uint32_t connection,
                                              std::string_view response,
                                              size_t bytes) {
  const std::string_view known_as = KnownAs(name, connection, response);
  const auto is_of = [&](const Item& item) {
    return item.connection == connection &&
           item.content_index == content_index && item.known_as == known_as;
  };
  // The newest first: mostly it is that.
  Item* known = nullptr;
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    if (!is_of(*item)) continue;
    if (item->cut) return nullptr;
    const bool goes_on = !item->over || item == items_.rbegin();
    if (known == nullptr && goes_on) known = &*item;
  }
  if (known == nullptr) {
    std::string kept(known_as);
    if (items_.size() == kMaxItems) items_.erase(items_.begin());
    items_.push_back({ItemId{++count_}, std::string(name), std::move(kept),
                      content_index, /*received_bytes=*/0, connection,
                      /*cut=*/false});
    known = &items_.back();
  }
  if (known->response.empty()) known->response = response;
  known->received_bytes += bytes;
  return known;
}

void OpenAiItems::OnResponseOver() {
  for (Item& item : items_) item.over = true;
}

void OpenAiItems::Cut(ItemId id, int64_t heard_ms) {
  for (Item& item : items_) {
    if (item.id != id) continue;
    item.cut = true;
    item.heard_ms = heard_ms;
  }
}

void OpenAiItems::OnDropped(std::string_view name, int64_t content_index,
                            uint32_t connection, std::string_view response,
                            size_t bytes) {
  Item* item = FindNamed(name, content_index, connection, response);
  if (item != nullptr) item->dropped_bytes += bytes;
}

const OpenAiItems::Item* OpenAiItems::Named(std::string_view name,
                                            int64_t content_index,
                                            uint32_t connection,
                                            std::string_view response) const {
  return const_cast<OpenAiItems*>(this)->FindNamed(name, content_index,
                                                   connection, response);
}

OpenAiItems::Item* OpenAiItems::FindNamed(std::string_view name,
                                          int64_t content_index,
                                          uint32_t connection,
                                          std::string_view response) {
  // The latest first: that is meant where no response is named.
  const auto found =
      std::find_if(items_.rbegin(), items_.rend(), [&](const Item& item) {
        return item.connection == connection &&
               item.content_index == content_index && item.name == name &&
               (response.empty() || item.response.empty() ||
                item.response == response);
      });
  return found == items_.rend() ? nullptr : &*found;
}

const OpenAiItems::Item* OpenAiItems::Find(ItemId id) const {
  const auto it =
      std::find_if(items_.begin(), items_.end(),
                   [id](const Item& item) { return item.id == id; });
  return it == items_.end() ? nullptr : &*it;
}

}  // namespace trunkline::protocol
