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
// How the leg makes known what it played decides what corrects the clock:
//  - marks: their echoes, and the clock stops at one that is overdue;
//  - reports: each counts as the echo of a mark where it says playback stands,
//    and from the last one on the clock is ahead by kReportSlack at most. It
//    does not stop for want of them;
//  - the clock alone: nothing. What the leg holds back before it plays, and a
//    pause of its playback, are not seen; `heard` is ahead by as much until the
//    leg's buffer has run empty.
// What becomes of marks on a clear does not matter: a clear opens a new
// generation, nothing waits for echoes of a former one, and what comes of them
// is ignored. A leg whose marks are never echoed is one of the clock alone from
// the first time on that they were given up; one that did echo some, from the
// kMaxLostInRow-th time in a row on, until an echo comes
// after all.
//
// Allocates nothing after construction.
class Playout {
 public:
  struct Config {
    protocol::AudioFormat format;
    // Audio that may lie unplayed in the leg's buffer, at least one piece.
    Duration lead = Duration::Millis(200);
    Duration mark_interval = Duration::Millis(160);
    protocol::LegTraits::Playback playback =
        protocol::LegTraits::Playback::kMarks;
    // What the length of a piece must be a multiple of, but for a reply's last,
    // and the longest piece, a multiple of it or 0 for any. In samples.
    uint64_t unit_samples = 1;
    uint64_t max_samples = 0;
    // A leg that says it is full, and never that it is not, takes audio again.
    Duration max_pause = Duration::Millis(12'000);
  };

  // Smallest piece that is sent while more is to come. Where the leg has more
  // than 120 ms, it gets two at a time.
  static constexpr int kChunkMs = 20;
  // An echo this much later than expected means that the leg does not play.
  static constexpr Duration kMarkGrace = Duration::Millis(250);
  // After that long without the echo, marks are taken as lost, not late.
  static constexpr Duration kMarkGiveUp = Duration::Millis(2'000);
  // Marks given up so often, and none echoed in between: none ever is.
  static constexpr int kMaxLostInRow = 2;
  // By the clock alone a reply counts as heard this much later than it should
  // be: what a leg holds back before it plays.
  static constexpr Duration kClockMargin = Duration::Millis(200);
  // A report that is later than others by less is so by the network's jitter.
  static constexpr Duration kReportSlack = Duration::Millis(50);
  // Playback that lags by less is jitter of the network, not a slip.
  static constexpr Duration kSlipTolerance = Duration::Millis(10);

  using Cut = ReplyQueue::Cut;

  explicit Playout(const Config& config);

  // Queues `audio`, whole samples in the leg's format. False, and nothing is
  // queued, when a bound of the queue is reached.
  bool Append(protocol::ItemId item, std::span<const uint8_t> audio);
  // Whether Append() will take so many bytes.
  bool HasRoom(protocol::ItemId item, size_t bytes) const {
    return queue_.HasRoom(item, bytes / sample_bytes_);
  }
  // No more audio comes for now: what waits is played to its last sample.
  void EndReply() { reply_ended_ = true; }
  // More comes after all.
  void GoOn() { reply_ended_ = false; }

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

  // The leg has played so many samples since its stream began.
  void OnPlayed(uint64_t samples, Instant now);
  // The leg's buffer is full, or takes audio again: nothing is sent meanwhile,
  // for max_pause at most.
  void OnFlow(protocol::LegFlow::State state, Instant now);
  // The leg's stream begins anew, its buffer empty.
  void OnStreamStarted();

  // The leg's buffer is to be dropped: freezes `heard` and keeps what lies
  // behind it. Sending goes on from there.
  void Interrupt(Instant now);
  // Drops all that waits. The cuts of what was not heard to its end, in order,
  // are valid until the next call.
  std::span<const Cut> Discard(Instant now);

  // All that was sent counts as heard, whatever the leg says of it or does not.
  void HearAll();
  // Forgets a reply that is done. The queue starts over at its front, so that a
  // long call touches no more memory than its longest reply.
  void Forget();

  // When the sample at `position`, which was sent, is heard. Precondition: it
  // is in the run that is played now.
  Instant PlaysAt(uint64_t position) const;
  // Samples heard since the call began.
  uint64_t heard(Instant now) const;
  // When the last of them was: `now`, or where all that was sent is heard, or a
  // mark is overdue, earlier.
  Instant HeardAt(Instant now) const;
  uint64_t sent() const { return sent_; }
  uint64_t received() const { return queue_.end(); }
  bool reply_ended() const { return reply_ended_; }
  // Everything was heard and no more comes.
  bool done(Instant now) const;
  // The same by the clock alone, which a leg whose marks are late or missing
  // does not confirm yet: a caller who speaks now answers what he has heard.
  bool IsOver(Instant now) const;
  // All that could be sent was heard, and more comes.
  bool IsStarved(Instant now) const;
  // As of ReplyQueue: whose what was sent from `position` on is.
  std::span<const ReplyQueue::Part> PartsFrom(uint64_t position) {
    return queue_.PartsIn(position, sent_);
  }
  // The item at the heard position and how much of it was heard.
  Cut current(Instant now) const { return queue_.At(heard(now)); }
  uint32_t generation() const { return generation_; }
  // nullopt until a mark came back.
  std::optional<Duration> round_trip() const { return round_trip_; }
  // Up to `samples` of what lies before `position`, as far as it is kept.
  std::span<const uint8_t> Before(uint64_t position, uint64_t samples) const;

  struct Counters {
    uint64_t lost_marks = 0;       // times that marks were given up
    uint64_t overlong_pauses = 0;  // of the leg's flow, beyond max_pause
  };
  const Counters& counters() const { return counters_; }

 private:
  uint64_t Samples(Duration duration) const;
  Duration Time(uint64_t samples) const;
  // Where the clock stands, without the limit of what was sent.
  uint64_t Clock(Instant now) const;
  bool IsStalled(Instant now, Duration beyond) const;
  bool by_marks() const {
    return config_.playback == protocol::LegTraits::Playback::kMarks;
  }
  // Until one comes after all.
  bool marks_are_lost() const {
    return lost_in_row_ >= (round_trip_ ? kMaxLostInRow : 1);
  }
  void CountLostMarks(Instant now);
  // The smallest piece that is sent while more is to come.
  uint64_t ChunkSamples() const;
  uint64_t LeadSamples() const;
  bool IsPaused(Instant now);
  std::span<const uint8_t> Gather(uint64_t position, size_t samples);
  // The leg played `position` as far as is known at `now`.
  void Follow(uint64_t position, Instant now);
  // How long after the last sample should have been played it counts as that.
  Duration EndMargin() const;

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

  // Times in a row that marks were given up; whether they are now.
  int lost_in_row_ = 0;
  bool given_up_ = false;

  // Of reports: the leg's count when its playback stood at a position.
  uint64_t report_count_ = 0;
  uint64_t report_position_ = 0;
  bool count_is_sure_ = true;
  // When it came; nullopt if it is of no use for what is played now.
  std::optional<Instant> reported_at_;

  // When the leg said that it is full.
  std::optional<Instant> paused_at_;
  Counters counters_;
  // A piece from both ends of the ring.
  std::vector<uint8_t> joined_;
};

}  // namespace trunkline::media
