#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "protocol/agents/agent.h"
#include "protocol/wire.h"

namespace trunkline::media {

// Where a reply's audio pauses: with its punctuation, that tells which of its
// words were heard. Allocates nothing after construction; about
// 3.5 KB, and 20 ms of audio of each of the replies.
class ReplyPauses {
 public:
  static constexpr int kFrameMs = 20;
  // Closures within words are mostly shorter.
  static constexpr int kShortestMs = 80;
  // Of an item; later ones are not kept.
  static constexpr size_t kMaxPauses = 48;
  // Replies that wait to be heard; the oldest is forgotten for a new one.
  static constexpr size_t kMaxItems = 8;

  // Milliseconds from the item's beginning, whole frames.
  struct Pause {
    int32_t from_ms = 0;
    int32_t to_ms = 0;
  };

  explicit ReplyPauses(protocol::AudioFormat format);

  // The next audio of an item, in `format`; it may go on behind others.
  void Append(protocol::ItemId item, std::span<const uint8_t> audio);
  // All that are over, ascending, valid until the next call; empty for an item
  // that is not known.
  std::span<const Pause> Of(protocol::ItemId item) const;

 private:
  struct Reply {
    protocol::ItemId item{};
    int32_t length_ms = 0;
    // Where the quiet that lasts until now began; negative if it is not quiet.
    int32_t quiet_from_ms = 0;
    // The greatest mean square of a frame.
    uint32_t loudest = 0;
    size_t pause_count = 0;
    std::array<Pause, kMaxPauses> pauses;
    // Of the beginning of its next frame.
    size_t frame_size = 0;
  };

  // The index of the item's, which takes the oldest one's place if it is new.
  size_t IndexOf(protocol::ItemId item);
  void TakeFrame(Reply& reply, std::span<const uint8_t> frame);

  const protocol::AudioFormat format_;
  // A ring.
  std::array<Reply, kMaxItems> replies_;
  size_t count_ = 0;
  size_t newest_ = 0;
  const size_t frame_bytes_;
  // A frame of each.
  std::vector<uint8_t> frames_;
  std::vector<int16_t> samples_;
};

}  // namespace trunkline::media
