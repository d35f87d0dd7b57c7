#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/heard_track.h"
#include "media/playout.h"
#include "media/reply_pauses.h"
#include "media/transcoder.h"
#include "media/waiting_sound.h"
#include "protocol/agents/agent.h"
#include "protocol/legs/leg.h"
#include "protocol/wire.h"

namespace trunkline::media {

// The way of the agent's audio: from its format to the leg's, at the pace of
// real time, in messages as the leg wants them, and with the knowledge of what
// was heard.
//
// What waits does so in the leg's format, or in the agent's own where that is
// fewer bytes and a whole fraction of the leg's rate: then it is resampled when
// it is sent. Positions count samples of what waits.
class LineOut {
 public:
  // What the sounds of our own are called here: no agent's item.
  static constexpr protocol::ItemId kTonesItem{0};
  // A resumed reply fades in.
  static constexpr int kResumeFadeMs = 20;

  struct Config {
    protocol::AudioFormat agent;
    protocol::LegTraits leg;
    // As of Playout::Config. `max_pause` is the longest that a reply may take.
    Duration lead;
    Duration mark_interval;
    Duration max_pause = Duration::Millis(12'000);
    Waiting waiting = Waiting::kSilence;
    // Of the agents that may take its place: what waits is wide enough for
    // each.
    std::vector<protocol::AudioFormat> other_agents = {};
  };
  // What to send to the leg: audio, then the mark. One of them may be missing.
  struct Piece {
    std::span<const uint8_t> audio;
    std::optional<protocol::MarkId> mark;
    // Of the audio, which may be of several items: whose it is, in order.
    std::span<const ReplyQueue::Part> parts;
  };

  explicit LineOut(const Config& config);

  // Queues audio of an item in the agent's format, any length. False if its
  // bound was reached: nothing was queued. `bytes` is what it takes as it
  // waits.
  struct Appended {
    bool queued = false;
    size_t bytes = 0;
  };
  Appended Append(protocol::ItemId item, std::span<const uint8_t> audio);
  // What so many bytes of the agent's format take as they wait.
  size_t QueueBytes(size_t bytes) const {
    return to_queue_->OutputBytes(bytes);
  }
  // Queues the three falling notes that end a call without words.
  void AppendFarewellTones();
  // The sound for who waits: whether there is one; from its beginning; queues
  // as much of it as may be sent now. It is dropped like a reply.
  bool has_waiting_sound() const { return waiting_sound_.exists(); }
  void BeginWaitingSound();
  void AppendWaitingSound();
  // No more audio comes for now: what waits is played to its last sample.
  void EndReply() { playout_.EndReply(); }
  // What was dropped was no end of it.
  void GoOn() { playout_.GoOn(); }
  // The audio that comes next has no relation to what came.
  void ResetInput();
  // The same, and it comes in this format.
  void SetAgentFormat(protocol::AudioFormat agent);

  // What is to be sent now, in order; nullopt when that is all. Valid until the
  // next call of any method.
  std::optional<Piece> Next(Instant now);
  // As of Playout: when the part of the last piece is heard that begins there.
  Instant PlaysAt(uint64_t begin) const { return playout_.PlaysAt(begin); }
  // When Next() or done() will answer otherwise, if nothing else happens.
  Instant NextCheck(Instant now) const { return playout_.NextCheck(now); }

  // An echo of a mark; one of a cleared generation is ignored.
  void OnMark(protocol::MarkId mark, Instant now) {
    playout_.OnMark(mark, now);
  }
  // The leg has played so many samples of its format since its stream began.
  void OnPlayed(uint64_t samples, Instant now);
  // The leg's buffer is full, or takes audio again.
  void OnFlow(protocol::LegFlow::State state, Instant now) {
    playout_.OnFlow(state, now);
  }
  // The leg's stream begins anew, its buffer empty.
  void OnStreamStarted() { playout_.OnStreamStarted(); }
  // The leg's buffer is dropped: what was not heard stays here.
  void Interrupt(Instant now);
  // What was interrupted goes on, from where it was heard, with a fade.
  void Resume();
  void StopFade() { fade_samples_ = 0; }
  // As of Playout.
  std::span<const Playout::Cut> Discard(Instant now) {
    return playout_.Discard(now);
  }
  void HearAll() { playout_.HearAll(); }
  void Forget() { playout_.Forget(); }

  bool done(Instant now) const { return playout_.done(now); }
  bool IsOver(Instant now) const { return playout_.IsOver(now); }
  bool IsStarved(Instant now) const { return playout_.IsStarved(now); }
  // Whether something was received that was not heard.
  bool has_unheard(Instant now) const {
    return playout_.received() > playout_.heard(now);
  }
  bool has_unsent() const { return playout_.received() > playout_.sent(); }
  bool reply_ended() const { return playout_.reply_ended(); }
  // Counts all audio received since the call began, in samples.
  uint64_t received() const { return playout_.received(); }
  // The item at the heard position and how much of it was heard.
  Playout::Cut current(Instant now) const { return playout_.current(now); }
  // When the last of that was heard.
  Instant HeardAt(Instant now) const { return playout_.HeardAt(now); }
  std::span<const ReplyPauses::Pause> pauses(protocol::ItemId item) const {
    return pauses_.Of(item);
  }
  std::optional<Duration> round_trip() const { return playout_.round_trip(); }
  const Playout::Counters& counters() const { return playout_.counters(); }
  const HeardTrack& heard_track() const { return heard_track_; }

 private:
  std::span<const uint8_t> FadeIn(std::span<const uint8_t> chunk);
  // Queues samples of our own.
  void AppendTones(std::span<const int16_t> samples);
  // Makes to_leg_ stand where the next piece begins.
  void PrepareToSend(uint64_t position);

  const protocol::AudioFormat leg_;
  // What waits.
  const protocol::AudioFormat held_;
  Playout playout_;
  HeardTrack heard_track_;
  ReplyPauses pauses_;
  WaitingSound waiting_sound_;
  // Of what waits, what is sent at most before its time.
  const uint64_t lead_samples_;
  // From the agent to what waits, and on to the leg; one of them copies.
  std::unique_ptr<Transcoder> to_queue_;
  Transcoder to_leg_;
  // Where to_leg_ stands, and where it is to forget what was before.
  uint64_t prepared_ = 0;
  std::optional<uint64_t> break_;
  // Of a resumed reply: samples faded so far, of how many.
  size_t fade_position_ = 0;
  size_t fade_samples_ = 0;
  std::vector<uint8_t> faded_;
  std::vector<int16_t> faded_samples_;
};

}  // namespace trunkline::media
