#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "media/line_out.h"
#include "media/reply_queue.h"
#include "protocol/agents/agent.h"
#include "protocol/wire.h"
#include "session/transcript.h"

namespace trunkline::session {

// The agent's items that are on their way to the caller: which line of the
// transcript each of them is, and what becomes of it.
class SpokenItems {
 public:
  // Items at a time, as many as wait to be heard. Overflow: the oldest is taken
  // as heard.
  static constexpr size_t kMaxItems = media::ReplyQueue::kMaxItems;

  // `transcript` is borrowed for the life of the object. `format` is the
  // agent's.
  SpokenItems(Transcript& transcript, protocol::AudioFormat format)
      : transcript_(transcript), format_(format) {}

  // Items that begin from now on are of an agent of this format.
  void SetFormat(protocol::AudioFormat format) { format_ = format; }
  // Audio of an item was queued. One that goes on when its line is final is
  // another line from there on. `words`: what it was asked to say, or "".
  void OnAudio(const protocol::AgentAudio& audio, ItemName name,
               Transcript::Origin origin, std::string_view words, Instant now);
  // Audio of an item found no room: it ends where it was queued, no more of it
  // is taken (IsRefused()), and its line is cut there.
  void OnRefused(const protocol::AgentAudio& audio);
  bool IsRefused(protocol::ItemId id) const;
  // Those, each with what of it was queued, once: whatever comes is of others.
  struct Refused {
    protocol::ItemId id{};
    int64_t queued_ms = 0;
  };
  std::vector<Refused> TakeRefused();
  // The one that audio came of last was not asked for, unless its reply is
  // over.
  void OnPutOff();
  // The reply of those that there are is over: no more audio comes of them.
  // kPart: the one that audio came of last is not whole.
  enum class Extent : uint8_t { kPart, kWhole };
  void OnReplyOver(Extent extent);
  // Audio of an item was sent to the leg, and is heard from `plays_at` on.
  // True if it was asked for.
  bool OnSent(protocol::ItemId id, Instant now, Instant plays_at);
  // 0 if it is none of them.
  LineId LineOf(protocol::ItemId id) const;
  // Those that are not known to be heard to their end, from this one on; all if
  // it is none of them.
  std::vector<protocol::ItemId> From(protocol::ItemId current) const;
  // How much is heard of the item that is played, the last of it at `at`.
  void OnProgress(const media::Playout::Cut& current, Instant at);
  // No more of the item is heard than `cut` says. False if that is not a word.
  bool OnCut(const media::Playout::Cut& cut,
             std::span<const media::ReplyPauses::Pause> pauses, Instant now);
  // All that was sent and not cut was heard to its end.
  void OnAllHeard(Instant now);

 private:
  struct Item {
    protocol::ItemId id{};
    LineId line{};
    size_t bytes = 0;
    // Where in its audio the line begins.
    int32_t from_ms = 0;
    bool sent = false;
    bool asked = false;
    // Its reply is; known of the latest one.
    bool over = false;
    // To its end. Only the latest is kept: its audio may go on.
    bool heard = false;
  };

  Item* Find(protocol::ItemId id);
  const Item* Find(protocol::ItemId id) const;
  // The one that audio came of last, or nullptr.
  Item* Latest() { return Find(latest_); }
  int32_t Ms(size_t bytes) const {
    return static_cast<int32_t>(bytes / protocol::BytesOf(format_, 1));
  }

  Transcript& transcript_;
  protocol::AudioFormat format_;
  // In the order in which their audio began.
  std::vector<Item> items_;
  // At most kMaxItems; the oldest is forgotten, and would go on.
  std::vector<Refused> refused_;
  protocol::ItemId latest_{};
};

}  // namespace trunkline::session
