#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "session/session.h"

// A session in virtual time, between a simulated Twilio and a simulated
// Realtime server that are written from the vendors' documents and share no
// code with the codecs. Nothing here sleeps, and nothing is random but by seed.

namespace trunkline::test {

// Happenings in order of time; of equal times in order of their making.
class EventQueue {
 public:
  void At(Instant at, std::function<void()> action);
  bool empty() const { return queue_.empty(); }
  Instant next() const { return queue_.top().at; }
  // Runs the next one. Precondition: !empty().
  void RunNext();

 private:
  struct Entry {
    Instant at;
    uint64_t order;
    std::function<void()> action;
    bool operator<(const Entry& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  std::priority_queue<Entry> queue_;
  uint64_t made_ = 0;
};

class VirtualWorld;

// The carrier: sends 20 ms frames of what the caller says, plays what it is
// sent at real time, and knows what was heard, to the sample.
class VirtualTwilio {
 public:
  static constexpr uint8_t kNothing = 0xFF;

  explicit VirtualTwilio(VirtualWorld& world) : world_(world) {}

  // Opens the socket and sends connected and start.
  void Call(const std::string& token = "token");
  // The caller says these mu-law bytes from the next frame on, after what is
  // already to be said.
  void Say(const std::vector<uint8_t>& speech);
  void StopMedia() { ++media_run_; }
  void ResumeMedia();
  // Closes the socket from the carrier's side.
  void HangUp();
  void Drop();
  void SendText(const std::string& text);

  // From the gateway, after the network's delay.
  void Receive(const std::string& text);
  void Closed(uint16_t code);

  // Bytes played so far, in order; kNothing is not recorded. The value of a
  // byte tells whose it is.
  const std::vector<uint8_t>& heard();
  // Played bytes of this value.
  int64_t HeardMs(uint8_t value);

  bool connected() const { return connected_; }
  std::optional<uint16_t> close_code() const { return close_code_; }
  int clears() const { return clears_; }
  int64_t received_bytes() const { return received_bytes_; }
  const std::vector<std::string>& violations() const { return violations_; }
  // When the last `clear` and the last media arrived.
  Instant cleared_at() const { return cleared_at_; }
  Instant media_at() const { return media_at_; }
  uint8_t last_media_byte() const { return last_media_byte_; }
  // Whole pieces of silence between two bytes of one value: a reply that
  // stuttered.
  int underruns() const { return underruns_; }
  // By samples of virtual time, where `keeps_timeline`: what the caller said,
  // lost frames included, and what was played to him.
  bool keeps_timeline = false;
  const std::vector<int16_t>& said() const { return microphone_; }
  const std::vector<int16_t>& played() const { return loudspeaker_; }
  // When the first frame's first sample was spoken.
  Instant media_began() const { return media_began_; }
  // Echoes of marks are late by up to this, at random.
  Duration echo_jitter;
  // The caller's loudspeaker: what it plays comes back into the microphone
  // this much later, times `loudspeaker_gain`.
  Duration loudspeaker_delay;
  double loudspeaker_gain = 0;
  // Frames that are not sent, per thousand.
  uint32_t loss_per_mille = 0;

 private:
  struct Queued {
    std::vector<uint8_t> bytes;
    std::string mark;  // after the bytes
  };
  void SendFrame(uint64_t run);
  void AddLoudspeaker(std::vector<uint8_t>& frame) const;
  void Play();
  void EchoMark(const std::string& name);

  VirtualWorld& world_;
  bool connected_ = false;
  std::optional<uint16_t> close_code_;
  uint64_t media_run_ = 0;
  uint64_t sequence_ = 0;
  int64_t timestamp_ms_ = 0;
  std::vector<uint8_t> speech_;
  size_t spoken_ = 0;
  std::vector<Queued> buffer_;
  // Playback has reached this instant.
  Instant played_until_;
  std::vector<uint8_t> heard_;
  std::vector<int16_t> loudspeaker_;
  std::vector<int16_t> microphone_;
  Instant media_began_;
  std::map<uint8_t, int64_t> heard_bytes_;
  Instant last_heard_at_;
  int clears_ = 0;
  int underruns_ = 0;
  int64_t received_bytes_ = 0;
  std::vector<std::string> violations_;
  Instant cleared_at_;
  Instant media_at_;
  uint8_t last_media_byte_ = 0;
};

// The provider: server VAD by level on appended audio, replies whose every byte
// says which reply it is, the truncate and cancel rules.
class VirtualRealtime {
 public:
  explicit VirtualRealtime(VirtualWorld& world) : world_(world) {}

  struct Item {
    std::string id;
    uint8_t value = 0;  // of each of its bytes
    int64_t generated_ms = 0;
    std::optional<int64_t> truncated_at_ms;
  };

  void Connect();
  void Receive(const std::string& text);
  void Closed() { open_ = false; }
  void Drop(uint16_t code);
  void Refuse(uint16_t status);
  void Send(const Json& event);
  void SendRaw(const std::string& text);
  // Makes a response as response.create does.
  void Respond();

  const std::vector<Item>& items() const { return items_; }
  const std::vector<Json>& received() const { return received_; }
  int CountReceived(std::string_view type) const;
  const Json* LastReceived(std::string_view type) const;
  const std::vector<std::string>& errors() const { return errors_; }
  bool open() const { return open_; }
  int connections() const { return connections_; }

  // Length of the next replies, ms.
  int64_t reply_ms = 4000;
  // How much faster than real time audio comes.
  int64_t speed = 8;
  // Between response.create and the first audio.
  Duration think = Duration::Millis(120);
  // Deltas that still come after a response was cancelled.
  int late_deltas = 2;
  bool has_vad = true;
  // Does not answer the socket at all.
  bool stalled = false;
  bool refuses = false;

 private:
  void SendDelta(uint64_t response, int64_t sent_ms);
  void FinishResponse(const char* status);
  void Listen(const std::string& audio);
  void Error(const std::string& code, const std::string& message);

  VirtualWorld& world_;
  bool open_ = false;
  int connections_ = 0;
  std::vector<Json> received_;
  std::vector<std::string> errors_;
  std::vector<Item> items_;
  uint64_t responses_ = 0;
  bool active_ = false;
  bool cancelled_ = false;
  int late_left_ = 0;
  std::string input_format_;
  int64_t silence_duration_ms_ = 500;
  // VAD
  bool in_speech_ = false;
  int quiet_frames_ = 0;
  int loud_frames_ = 0;
  int committed_ = 0;
  std::vector<uint8_t> pending_;
};

// The session, its peers and the network between them.
class VirtualWorld : private session::EffectSink {
 public:
  struct Options {
    std::string agent = "parrot";
    Json profile = Json::object();
    Json limits = Json::object();
    // What a former session left of the recording; null for none.
    Json recording_so_far;
    // The number of the first event.
    int64_t first_seq = 0;
    // The snapshot of a former session, and the wall clock.
    std::optional<std::string> snapshot;
    int64_t epoch_ms = 1;
    // More of the configuration: its members replace those above.
    Json config = Json::object();
    // One way, between gateway and carrier.
    Duration leg_delay;
    Duration agent_delay = Duration::Millis(20);
    uint64_t seed = 1;
    session::Session::Verdict verdict = session::Session::Verdict::kGranted;
  };

  explicit VirtualWorld(Options options);
  ~VirtualWorld();

  void Advance(Duration duration);
  // Until `done` or `limit` has passed; returns whether it was done.
  bool RunUntil(const std::function<bool()>& done,
                Duration limit = Duration::Millis(60'000));
  void After(Duration delay, std::function<void()> action);
  // Feeds one input now and applies its effects.
  void Input(const std::function<void(session::Session&)>& input);

  Instant now() const { return now_; }
  uint32_t Random(uint32_t bound);
  session::Session& session() { return *session_; }
  session::State state() const { return session_->state(); }

  const std::vector<Json>& events() const { return events_; }
  std::vector<Json> EventsOf(std::string_view type) const;
  size_t Count(const std::string& type) const {
    const auto it = counts_.find(type);
    return it == counts_.end() ? 0 : it->second;
  }
  const std::vector<Json>& ended() const { return ended_; }
  // The recording's pages, one behind the other.
  const std::vector<uint8_t>& recording() const { return recording_; }
  // Effects after ENDED; must stay 0.
  int effects_after_end() const { return effects_after_end_; }
  Instant deadline() const { return deadline_; }
  // The last that the session wrote.
  const std::string& snapshot() const { return snapshot_; }
  struct SnapshotCounts {
    uint64_t count = 0;
    uint64_t bytes = 0;
  };
  const SnapshotCounts& snapshot_counts() const { return snapshot_counts_; }
  int connects() const { return connects_; }
  bool leg_open() const { return leg_open_; }
  bool agent_open() const { return agent_open_; }
  // The agent's latest socket, or the first that it would have.
  protocol::ChannelId agent_channel() const { return agent_channel_; }
  // The result of a command that is given now; effects are applied. Null after
  // the end.
  Json Command(const Json& command,
               session::CommandEnvelope::Source source =
                   session::CommandEnvelope::Source::kOperator);

  VirtualTwilio twilio;
  VirtualRealtime realtime;
  Options options;

 private:
  friend class VirtualTwilio;
  friend class VirtualRealtime;

  void SendText(protocol::ChannelId channel, std::string_view text) override;
  void SendBinary(protocol::ChannelId channel,
                  std::span<const uint8_t> bytes) override;
  void Connect(protocol::ChannelId channel,
               const protocol::ConnectRequest& request) override;
  void Close(protocol::ChannelId channel, uint16_t code,
             std::string_view reason) override;
  void Fetch(protocol::ChannelId channel,
             const protocol::FetchRequest& request) override;
  void AbortFetch(protocol::ChannelId channel) override;
  void Credit(protocol::ChannelId channel, uint32_t bytes) override;
  void LoadResource(std::string_view name) override;
  void SetDeadline(Instant at) override;
  void Authorize(const Json& credentials) override;
  void CommandResult(const Json& result) override;
  void Event(const Json& event) override;
  void Record(int64_t granule, std::span<const uint8_t> pages) override;
  void Snapshot(std::string_view text) override;
  void Ended(const Json& summary) override;
  void NoteEffect();

  Instant now_ = Instant::Micros(1'000'000);
  EventQueue queue_;
  uint64_t random_;
  Instant deadline_ = Instant::Never();
  std::vector<Json> events_;
  std::vector<uint8_t> recording_;
  std::string snapshot_;
  SnapshotCounts snapshot_counts_;
  int64_t recorded_until_ = 0;
  std::map<std::string, size_t> counts_;
  std::vector<Json> ended_;
  int effects_after_end_ = 0;
  int connects_ = 0;
  // A close overtakes the connect that is under way.
  int agent_closes_ = 0;
  bool leg_open_ = false;
  bool agent_open_ = false;
  protocol::ChannelId agent_channel_{1};
  int64_t next_command_ = 1;
  int64_t next_seq_;
  std::vector<Json> command_results_;
  // Effects are performed after the input that made them has returned.
  std::vector<std::function<void()>> effects_;
  bool in_input_ = false;
  std::unique_ptr<session::Session> session_;
};

// Mu-law bytes of speech-like sound, `ms` long, a multiple of 20.
std::vector<uint8_t> SpeechBytes(int ms, uint64_t seed = 1);
// Mu-law silence.
std::vector<uint8_t> SilenceBytes(int ms);

}  // namespace trunkline::test
