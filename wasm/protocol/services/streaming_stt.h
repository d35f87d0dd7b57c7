#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/event_queue.h"
#include "protocol/services/stt.h"

namespace trunkline::protocol {

// What recognisers have in common that are sent all of a call's audio over one
// WebSocket and answer with JSON: the socket, audio in chunks, what is sent
// while there is none, a peer that has fallen silent.
//
// Nothing is kept before the socket is open for the first time: SttReady comes
// then, and until then the caller's audio waits, within bounds, with whoever
// owns the agent.
//
// A socket that is lost later is opened anew here, and hears again what has no
// final words yet: all of the turn, or the last of the silence, in which one
// may have begun. A fault tells. Only when that is in vain, or the loss is one
// that no other socket mends, is it a ServiceFailed.
//
// The codes of a ServiceFailed are the peer's, or
//
//   channels       no channel was free
//   closedNNNN     the socket closed, with this code; 1008 (the request or the
//                  audio is at fault): kFatal
//   httpNNN        it did not open; 400 to 404: kFatal
//   timeout        it did not open in time
//   stalled        it is open, and in a turn nothing comes any more
class StreamingStt : public Stt {
 public:
  // Audio of a message. What Deepgram advises; every frame by itself would be
  // four times the messages, and larger ones delay the end of a turn.
  static constexpr int kChunkMs = 80;
  // From Begin() to an open socket: that of the Workers AI binding takes
  // hundreds of milliseconds.
  static constexpr Duration kOpenPatience = Duration::Millis(10'000);
  // From a loss to another open socket, for each attempt. Of those there are so
  // many until one has stayed open for kSteady.
  static constexpr Duration kReopenPatience = Duration::Millis(3'000);
  static constexpr int kMaxReopens = 2;
  static constexpr Duration kSteady = Duration::Millis(10'000);
  // Audio that is kept for another socket, of a turn and while there is none: a
  // peer tells of a turn within a second of its beginning. Overflow: the oldest
  // is dropped, and a fault tells of a turn's.
  static constexpr int kMaxKeptMs = 20'000;
  static constexpr int kMaxKeptQuietMs = 2'000;
  // In a turn, so much audio is sent at most without a message from the peer,
  // which tells several times a second what it hears.
  static constexpr int kStallMs = 5'000;

  // `channels` is borrowed for the life of the object.
  StreamingStt(AudioFormat format, Channels& channels);

  AudioFormat format() const final { return format_; }
  void Begin() final;
  void End(std::string_view reason) final;
  void Listen(std::span<const uint8_t> audio) final;
  std::optional<SttEvent> NextEvent() override { return events_.Take(); }

  Instant deadline() const override;
  void OnDeadline() override;
  void OnSocketOpened(ChannelId channel) final;
  void OnText(ChannelId channel, std::string_view text) final;
  void OnBinary(ChannelId channel, std::span<const uint8_t> bytes) final;
  void OnSocketClosed(ChannelId channel, uint16_t code, uint16_t http_status,
                      std::string_view reason) final;
  void OnOversize(ChannelId channel) final;

 protected:
  // Of one message: what is wrong with it, the beginning of a turn, its text,
  // that it may be over or is; and of a loss.
  static constexpr size_t kMaxEvents = 8;

  // Where the peer is.
  virtual ConnectRequest Request() const = 0;
  // Forgets the turns.
  virtual void Restart() = 0;
  // Another socket is open, and has heard again what was kept. Times of the
  // stream are earlier by `shift_ms`: its beginning is that of what was kept.
  virtual void OnReopened(int64_t shift_ms) = 0;
  // A message of the peer's, an object.
  virtual void OnMessage(const Json& message) = 0;
  // For so long there has been no audio.
  virtual Duration quiet_after() const = 0;
  virtual void OnQuiet() = 0;
  // The peer owes messages.
  virtual bool in_turn() const = 0;

  bool is_open() const { return phase_ == Phase::kOpen; }
  // What is listened to is of the stream, be it sent at once or later.
  bool hears() const { return is_open() || phase_ == Phase::kReopening; }
  void Push(SttEvent event) { events_.Push(event); }
  void Report(Fault fault) { Push(ServiceFaulted{fault}); }
  void Send(std::string_view text) { channels_.SendText(channel_, text); }
  // What has not made a chunk yet.
  void SendRest();
  void SendSilence(Duration length);
  // Of the stream, since it began.
  int64_t heard_ms() const;
  // What is before this time of the stream has its final words.
  void KeepFrom(int64_t stream_ms);
  // The socket is of no use any more: another one is opened, if that may help,
  // or it has failed.
  void Lose(Loss loss, std::string_view code, std::string_view message);
  // The last event until Begin().
  void Fail(Loss loss, std::string_view code, std::string_view message);

 private:
  // Of a message of the peer's that is passed on.
  static constexpr size_t kMaxFailureBytes = 300;
  static constexpr uint16_t kCloseNormal = 1000;

  enum class Phase : uint8_t { kNone, kConnecting, kOpen, kReopening };

  bool IsOf(ChannelId channel) const {
    return phase_ != Phase::kNone && channel == channel_;
  }
  void Reset();
  void SendChunks(size_t least);
  void Keep(std::span<const uint8_t> audio);
  // The open socket is of no use any more.
  void OnLoss();
  // False if that is in vain.
  bool Reopen();

  const AudioFormat format_;
  Channels& channels_;
  EventQueue<SttEvent, kMaxEvents> events_;

  Phase phase_ = Phase::kNone;
  ChannelId channel_{};
  Instant open_by_ = Instant::Never();
  // When audio came last, and when to look whether that was too long ago.
  Instant heard_at_;
  Instant quiet_at_ = Instant::Never();
  std::vector<uint8_t> unsent_;
  // The end of the stream, and whether some of its turn was dropped.
  std::vector<uint8_t> kept_;
  bool kept_overflowed_ = false;
  bool was_open_ = false;
  int reopens_ = 0;
  Instant opened_at_;
  // Of the stream, and since the peer's last message.
  uint64_t heard_bytes_ = 0;
  uint64_t unanswered_bytes_ = 0;

  std::string failure_code_;
  std::string failure_message_;
};

}  // namespace trunkline::protocol
