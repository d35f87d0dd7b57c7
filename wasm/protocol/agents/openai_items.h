#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/agents/agent.h"

namespace trunkline::protocol {

// The assistant's items that have audio: the numbers by which the call knows
// them, over all sockets, and the names by which the server does.
class OpenAiItems {
 public:
  // The oldest are forgotten. A response is one to a few items, so these are
  // many turns back.
  static constexpr size_t kMaxItems = 64;

  struct Item {
    ItemId id{};
    std::string name;
    int64_t content_index = 0;
    size_t received_bytes = 0;
    // The socket that it came by.
    uint32_t connection = 0;
    // No more of it is heard.
    bool cut = false;
  };

  // So much more audio came of a content part. It is the last item if it is the
  // same part by the same socket, else a new one; nullptr if that was cut.
  // Valid until the next call.
  const Item* OnAudio(std::string_view name, int64_t content_index,
                      uint32_t connection, size_t bytes);
  // What still comes of it is dropped.
  void Cut(ItemId id);
  // nullptr if it is not remembered.
  const Item* Find(ItemId id) const;

 private:
  std::vector<Item> items_;
  uint32_t count_ = 0;
};

}  // namespace trunkline::protocol
