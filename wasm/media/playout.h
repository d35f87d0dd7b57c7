#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/reply_queue.h"
#include "protocol/agents/agent.h"
#include "protocol/legs/leg.h"

namespace trunkline::media {

// The heard clock: what of the agent's audio waits, was sent, and was heard.
//
// Audio waits here, encoded for the leg, and leaves with a bounded lead over
// real time. Positions count samples since the call began and never go back
// but for `sent`, which an interruption sets back to `heard`:
//
//   |...heard...|...in the leg's buffer...|...waiting...|
//             heard                     sent          received
//
// `heard` is where the leg's playback stands when a message sent now arrives
// there: exactly what a `clear` sent now leaves heard. It runs with the clock
// from the first byte sent into an empty buffer, is corrected by mark echoes,
// is never beyond what was sent, and stops at a mark whose echo is overdue.
//
// The round trip is the smallest time by which an echo has trailed that clock.
// Echoes that all trail by more say that the leg's playback slipped; the clock
// is set back by the difference.
//
// Allocates nothing after construction.
class Playout {
 public:
  struct Config {
    protocol::AudioFormat format;
    // Audio that may lie unplayed in the leg's buffer.
    Duration lead = Duration::Millis(200);
    Duration mark_interval = Duration::Millis(160);
  };

  // Smallest piece that is sent while more is to come.
  static constexpr int kChunkMs = 20;
  // An echo this much later than expected means that the leg does not play.
  static constexpr Duration kMarkGrace = Duration::Millis(250);
  // After that long without the echo, marks are taken as lost, not late.
  static constexpr Duration kMarkGiveUp = Duration::Millis(2'000);
  // Playback that lags by less is jitter of the network, not a slip.
  static constexpr Duration kSlipTolerance = Duration::Millis(10);

  using Cut = ReplyQueue::Cut;

  explicit Playout(const Config& config);

  // Queues `audio`, whole samples in the leg's format. False, and nothing is
  // queued, when a bound of the queue is reached.
  bool Append(protocol::ItemId item, std::span<const uint8_t> audio);
  // No more audio comes for now: what waits is played to its last sample.
  void EndReply() { reply_ended_ = true; }

  // Returns what to send to the leg now and counts it as sent; empty when the
  // lead is reached or nothing waits. Ends where a mark is due. Valid until the
  // next call of any method.
  std::span<const uint8_t> NextChunk(Instant now);
  // The mark that belongs behind what was sent, if one is due.
  std::optional<protocol::MarkId> TakeMark();
  // When NextChunk or done() will answer otherwise, if nothing else happens.
  Instant NextCheck(Instant now) const;

  // An echo of a mark. False if it belongs to a cleared generation.
  bool OnMark(protocol::MarkId mark, Instant now);

  // The leg's buffer is to be dropped: freezes `heard` and keeps what lies
  // behind it. Sending goes on from there.
  void Interrupt(Instant now);
  // Drops all that waits. The cuts of what was not heard to its end, in order,
  // are valid until the next call.
  std::span<const Cut> Discard(Instant now);

  // Forgets a reply that is done. The queue starts over at its front, so that a
  // long call touches no more memory than its longest reply.
  void Forget();

  // When the sample at `position`, which was sent, is heard. Precondition: it
  // is in the run that is played now.
  Instant PlaysAt(uint64_t position) const;
  // Samples heard since the call began.
  uint64_t heard(Instant now) const;
  uint64_t sent() const { return sent_; }
  uint64_t received() const { return queue_.end(); }
  bool reply_ended() const { return reply_ended_; }
  // Everything was heard and no more comes.
  bool done(Instant now) const;
  // The item at the heard position and how much of it was heard.
  Cut current(Instant now) const { return queue_.At(heard(now)); }
  uint32_t generation() const { return generation_; }
  // nullopt until a mark came back.
  std::optional<Duration> round_trip() const { return round_trip_; }

 private:
  uint64_t Samples(Duration duration) const;
  Duration Time(uint64_t samples) const;
  // Where the clock stands, without the limit of what was sent.
  uint64_t Clock(Instant now) const;
  bool IsStalled(Instant now, Duration beyond) const;

  const Config config_;
  const size_t sample_bytes_;
  ReplyQueue queue_;

  // INVARIANT: queue_.begin() <= heard() <= sent_ <= queue_.end().
  uint64_t sent_ = 0;
  bool reply_ended_ = true;

  // The clock: at `clock_time_` playback stood at `clock_position_`.
  uint64_t clock_position_ = 0;
  Instant clock_time_;
  // By how much it was set back since it was started.
  Duration slipped_;
  uint64_t acknowledged_ = 0;

  uint32_t generation_ = 0;
  uint64_t last_mark_ = 0;
  std::vector<uint64_t> pending_marks_;
  std::optional<Duration> round_trip_;
  // How far the last echoes trailed the clock; a slip needs all of them.
  static constexpr size_t kTrailWindow = 4;
  std::vector<Duration> trails_;
};

}  // namespace trunkline::media
