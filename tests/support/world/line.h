#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/world/clock.h"
#include "support/world/item_levels.h"
#include "support/world/leg_adapter.h"

namespace trunkline::test {

// A caller's line: sends frames of 20 ms of what he says, plays what it is sent
// at real time, tells of that in its manner, and knows what was heard, to the
// sample. Which protocol it speaks is its adapter's.
class Line final : private LineControl {
 public:
  struct Config {
    protocol::LegTraits traits;
    // Of audio in a message of the caller's.
    Duration frame = Duration::Millis(20);
    // Between two reports, of a line that makes any.
    Duration report_every = Duration::Millis(100);
    // A line with flow control is full with so much audio, and takes audio
    // again when no more than that waits: longer than the way there and back.
    Duration full = Duration::Millis(120);
    Duration ready = Duration::Millis(60);
  };

  // The gateway's end of the network: a socket is opened, and takes messages.
  struct Gateway {
    std::function<void()> open;
    LegAdapter::Send send;
    // The socket breaks at once, or closes when what is on its way has come.
    std::function<void(uint16_t code)> drop;
  };

  Line(Clock& clock, std::unique_ptr<LegAdapter> adapter, const Config& config,
       Gateway gateway);

  // What the caller and his carrier do.

  // Opens the socket and starts the stream.
  void Call(const std::string& token = "token");
  // Says these samples at 8 kHz from the next frame on, after what is already
  // to be said.
  void Say(const std::vector<int16_t>& speech);
  void Press(char digit);
  void StopMedia() { ++media_run_; }
  void ResumeMedia();
  // By a message; by an orderly close; by none.
  void Stop();
  void HangUp();
  void Drop();
  void SendText(const std::string& text) { gateway_.send(Message::Text(text)); }

  // From the gateway.
  void Receive(const Message& message);

  // What was played so far, without pauses, as it was encoded.
  const std::string& heard();
  int64_t heard_ms();
  // Of an item of the agent, by its level.
  int64_t HeardSamplesOf(size_t item);
  // The same, of what is said, as the line encodes it.
  std::string Encoded(const std::vector<int16_t>& speech) const;

  bool connected() const { return connected_; }
  std::optional<uint16_t> close_code() const { return close_code_; }
  int clears() const { return clears_; }
  int marks() const { return marks_; }
  int pauses() const { return pauses_; }
  int64_t waiting_ms();
  // The longest message of audio, and those that were no multiple of what the
  // traits say, bytes.
  size_t longest_message() const { return longest_message_; }
  const std::vector<size_t>& odd_messages() const { return odd_messages_; }
  // Messages that were none of the protocol's.
  const std::vector<std::string>& violations() const { return violations_; }
  // Audio came more than a millisecond and less than kPause after all had been
  // played, and no clear between: a reply that stuttered.
  static constexpr Duration kPause = Duration::Millis(300);
  int underruns() const { return underruns_; }
  // When playing began into an empty line, each time.
  const std::vector<Instant>& runs() const { return runs_; }
  const Config& config() const { return config_; }

  // By samples of virtual time, where `keeps_timeline`: what the caller said,
  // lost frames included, and what was played to him.
  bool keeps_timeline = false;
  const std::vector<int16_t>& said() const { return microphone_; }
  const std::vector<int16_t>& played() const { return loudspeaker_; }
  // When the first frame's first sample was spoken.
  Instant media_began() const { return media_began_; }

  // Echoes of marks are late by up to this, at random.
  Duration echo_jitter;
  // Audio that waits before playing begins.
  Duration holds;
  // The caller's loudspeaker: what it plays comes back into the microphone
  // this much later, times `loudspeaker_gain`. Both rates must be the same.
  Duration loudspeaker_delay;
  double loudspeaker_gain = 0;
  // Frames that are not sent, per thousand.
  uint32_t loss_per_mille = 0;

 private:
  struct Piece {
    std::string audio;
    size_t played = 0;  // bytes of it
    std::string mark;   // after the audio
  };

  void Play(std::string_view audio) override;
  void Mark(const std::string& name) override;
  void Clear() override;
  void Complain(std::string_view message) override;

  void SendFrame(uint64_t run);
  void AddLoudspeaker(std::vector<int16_t>& frame) const;
  // Brings playback up to now.
  void PlayOn();
  void HearPiece(std::string_view audio);
  void Echo(const std::string& name);
  void Report(uint64_t stream);
  void TellFlow();
  // Of the run that is played: samples by now, and when so many are over.
  int64_t RunSamples() const;
  Instant RunTime(int64_t samples) const;
  int64_t WaitingSamples() const;
  int64_t SamplesOf(Duration duration) const;
  size_t FrameSamples() const;

  Clock& clock_;
  const std::unique_ptr<LegAdapter> adapter_;
  const Config config_;
  const Gateway gateway_;
  const int64_t sample_bytes_;

  bool connected_ = false;
  std::optional<uint16_t> close_code_;
  // Counts the sockets.
  uint64_t stream_ = 0;

  // The caller's side.
  uint64_t media_run_ = 0;
  int64_t frames_ = 0;
  std::vector<int16_t> speech_;
  size_t spoken_ = 0;
  std::vector<int16_t> microphone_;
  Instant media_began_;

  // What waits to be played. The run that is played began at `run_began_`.
  std::deque<Piece> waiting_;
  int64_t waiting_bytes_ = 0;
  Instant run_began_;
  std::vector<Instant> runs_;
  int64_t run_played_ = 0;
  uint64_t stream_played_ = 0;
  bool full_ = false;
  // When all had been played; nullopt before anything was, and after a clear.
  std::optional<Instant> ran_dry_at_;

  std::string heard_;
  LevelCounter levels_;
  std::vector<int16_t> loudspeaker_;
  int clears_ = 0;
  int marks_ = 0;
  int pauses_ = 0;
  int underruns_ = 0;
  size_t longest_message_ = 0;
  std::vector<size_t> odd_messages_;
  std::vector<std::string> violations_;
};

}  // namespace trunkline::test
