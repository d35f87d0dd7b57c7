#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/event_queue.h"
#include "protocol/services/stt.h"

namespace trunkline::protocol {

// The ears of the speech Worker: a WebSocket, /listen; docs/speech.md has its
// messages. They know the words of the sentences that they are told of, in any
// order.
//
// The audio of a turn is sent as it comes, with what was heard just before.
// Each Finish() has one kFinal, in the order of the turns: that of an earlier
// turn may come when the next one has begun. Forget() is about the turn that is
// open, and without one about all whose texts are still to come: those do not
// come then.
//
// The codes of a ServiceFailed are the Worker's (request, language: kFatal;
// busy, trap, model), or
//
//   channels       no channel was free
//   sentences      they are longer than the Worker takes          kFatal
//   closedNNNN     the socket closed, with this code
//   httpNNN        it did not open; 401 to 404: kFatal
//   timeout        it was not ready, or no text came, in time
//   finals         too many texts are still to come
class LocalStt final : public Stt {
 public:
  // What is kept while nobody speaks: a turn is noticed 60 ms or a little more
  // after its beginning.
  static constexpr int kPreRollMs = 600;
  // Sent of what was before the speech: a first sound may be too soft to be
  // noticed, and the recogniser takes the line's noise from it.
  static constexpr int kMarginBeforeMs = 200;
  // Of what is not sent when a turn ends, this much after the speech still is.
  static constexpr int kMarginAfterMs = 200;
  // Audio of a message, unless the turn ends: as much as makes a partial text.
  static constexpr int kGatherMs = 100;
  // The longest message that the Worker takes at 8 kHz is twice this.
  static constexpr int kMaxMessageMs = 1'000;
  // From Begin() to ready. A cold Worker fetches 10 MB of a model, and reads a
  // dictionary in 60 ms.
  static constexpr Duration kReadyPatience = Duration::Millis(10'000);
  // From the end of a turn to its text: 0.5 s after 20 s of speech.
  static constexpr Duration kFinalPatience = Duration::Millis(5'000);
  // Turns whose texts are still to come; one more fails.
  static constexpr size_t kMaxOwed = 4;
  // Of a turn, from utterances of 20 s each; what is longer is cut off.
  static constexpr size_t kMaxTextBytes = size_t{8} * 1024;
  // All sentences as JSON; the Worker takes 200,000 characters.
  static constexpr size_t kMaxListenBytes = 190'000;

  // `sentences` are those a caller may say: at most 1,000 different words.
  // `channels` is borrowed for the life of the object.
  LocalStt(std::vector<std::string> sentences, Channels& channels);

  AudioFormat format() const override;
  void Begin() override;
  void End(std::string_view reason) override;
  void Listen(std::span<const uint8_t> audio) override;
  void TurnStarted(Duration ago) override;
  void Finish(Duration ago) override;
  void Forget() override;
  std::optional<SttEvent> NextEvent() override { return events_.Take(); }

  Instant deadline() const override;
  void OnDeadline() override;
  void OnSocketOpened(ChannelId channel) override;
  void OnText(ChannelId channel, std::string_view text) override;
  void OnBinary(ChannelId channel, std::span<const uint8_t> bytes) override;
  void OnSocketClosed(ChannelId channel, uint16_t code, uint16_t http_status,
                      std::string_view reason) override;
  void OnOversize(ChannelId channel) override;

  // Bytes that are kept of what was listened to.
  size_t kept_bytes() const { return heard_.size(); }

 private:
  // Of a message of the Worker's that is passed on.
  static constexpr size_t kMaxFailureBytes = 300;
  static constexpr uint16_t kCloseNormal = 1000;
  // Ready, and words that cannot be heard.
  static constexpr size_t kMaxEvents = 2;

  enum class Phase : uint8_t { kNone, kConnecting, kPreparing, kReady };

  struct Turn {
    // Sent of it, and of that in utterances that are over.
    int64_t sent_bytes = 0;
    int64_t over_ms = 0;
    // What was said in utterances that are over.
    std::string text;
    // Once it is finished: when its text has to be there, and whether anybody
    // wants it.
    Instant due = Instant::Never();
    bool wanted = true;
  };

  bool IsOf(ChannelId channel) const {
    return phase_ != Phase::kNone && channel == channel_;
  }
  void Report(Fault fault) { events_.Push(ServiceFaulted{fault}); }
  void Reset();
  void Fail(Loss loss, std::string_view code, std::string_view message);
  int64_t SentMs(const Turn& turn) const;
  void SendAudio(Turn& turn, size_t bytes);
  void TrimPreRoll();
  void OnReady(const Json& message);
  void OnPartial(const Json& message);
  void OnFinal(const Json& message);
  void OnError(const Json& message);

  const std::vector<std::string> sentences_;
  Channels& channels_;
  EventQueue<SttEvent, kMaxEvents> events_;

  Phase phase_ = Phase::kNone;
  ChannelId channel_{};
  Instant ready_by_ = Instant::Never();
  // The latest audio; of a turn, its last `unsent_bytes_` are to be sent.
  std::vector<uint8_t> heard_;
  size_t unsent_bytes_ = 0;
  std::optional<Turn> turn_;
  // Finished ones whose texts are still to come, the oldest first.
  std::deque<Turn> owed_;

  // What the views of the last event are of.
  std::string text_;
  std::string failure_code_;
  std::string failure_message_;
};

}  // namespace trunkline::protocol
