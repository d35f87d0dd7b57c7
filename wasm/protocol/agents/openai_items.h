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
//
// The server names an item once on a socket. One that gives a name away again,
// to an item of another response, means another item: that is known here as
// `NAME@RESPONSE`, so that neither its sound nor its words are the former's. An
// `@` of a name itself is doubled.
class OpenAiItems {
 public:
  // Items and, likewise, names; the oldest are forgotten. A response is one to
  // a few items, so these are many turns back.
  static constexpr size_t kMaxItems = 64;

  struct Item {
    ItemId id{};
    // The server's name of it, and that by which it is known here.
    std::string name;
    std::string known_as;
    int64_t content_index = 0;
    size_t received_bytes = 0;
    // The socket that it came by.
    uint32_t connection = 0;
    // No more of it is heard, and how much of it was.
    bool cut = false;
    int64_t heard_ms = 0;
    // The response that it is of; "" if that is not known.
    std::string response = {};
    // What came of it and was not to be heard.
    size_t dropped_bytes = 0;
    // Its response is over.
    bool over = false;

    // Words of it are wanted whatever becomes of its response: some of it was
    // heard, or may yet be.
    bool is_wanted() const { return !cut || heard_ms > 0; }
  };

  // As what the item is known that `response` calls so, "" if none is named:
  // then it is the latest of that name. Valid until the next call.
  std::string_view KnownAs(std::string_view name, uint32_t connection,
                           std::string_view response);
  // So much more audio came of a content part. It is the item that it was, also
  // behind others of the same response, else a new one; nullptr if that was
  // cut. Where no response is named, one that is not the last is another one
  // once the response is over. Valid until the next call.
  const Item* OnAudio(std::string_view name, int64_t content_index,
                      uint32_t connection, std::string_view response,
                      size_t bytes);
  // The response is over whose items those are that there are.
  void OnResponseOver();
  // What still comes of it is dropped; so much of it was heard.
  void Cut(ItemId id, int64_t heard_ms);
  // More audio came of an item that is not to be heard. One of which none was
  // is not known.
  void OnDropped(std::string_view name, int64_t content_index,
                 uint32_t connection, std::string_view response, size_t bytes);
  // The item of which audio came by that name, as of KnownAs(); nullptr if none
  // did.
  const Item* Named(std::string_view name, int64_t content_index,
                    uint32_t connection, std::string_view response) const;
  // nullptr if it is not remembered.
  const Item* Find(ItemId id) const;

 private:
  // Which response has given a name away first; "" if that is not known.
  struct Name {
    std::string name;
    std::string response;
    uint32_t connection = 0;
  };

  Item* FindNamed(std::string_view name, int64_t content_index,
                  uint32_t connection, std::string_view response);

  std::vector<Item> items_;
  std::vector<Name> names_;
  std::string known_as_;
  uint32_t count_ = 0;
};

}  // namespace trunkline::protocol
