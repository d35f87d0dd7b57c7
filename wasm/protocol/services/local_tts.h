#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/event_queue.h"
#include "protocol/services/tts.h"

namespace trunkline::protocol {

// The voice of the speech Worker: POST /speak, answered by lines of JSON, each
// with at most a second of samples; docs/speech.md has them. It knows when it
// says each word.
//
// The answer is read as it is needed: of a long text no more is made than is
// heard soon, and nothing of what is not heard.
//
// What ends a text early is a ServiceFailed. Its code is the Worker's, or
//
//   text        the text is longer than the voice takes        kFatal
//   channels    no channel was free
//   httpNNN     an HTTP status and no code; 4xx other than 408 and 429: kFatal
//   upstream, network, timeout, tooLarge     of the exchange (HttpFailure)
//   line        a line is longer than any that the voice sends
//   malformed   a line is no JSON, or lacks its audio
//   payload     the audio is no base64 or no whole samples
//   format      another rate than format()                     kFatal
//   empty       there is something to say, and not a sample came
//   samples     more or fewer samples came than the voice says it made
//   truncated   the answer ended before its last line
class LocalTts final : public Tts {
 public:
  struct Config {
    // How fast it speaks, percent, [50, 200].
    int pace = 100;
  };

  // The longest text that the voice takes, bytes.
  static constexpr size_t kMaxTextBytes = 16'384;
  // A line is 21.4 KB of base64 for a second at 8 kHz, 42.7 KB at 16 kHz (which
  // is to be told by its rate, not by its length), and the words of a stretch,
  // some 6 KB at most. A longer one ends the text.
  static constexpr size_t kMaxLineBytes = size_t{64} * 1024;
  // What may come before it is asked for: 4 s of speech. More than a line, so
  // that one is never waited for in vain.
  static constexpr uint32_t kWindowBytes = 96 * 1024;
  // Speech that is here and cannot have been heard yet; beyond it no more is
  // asked for. With the window it is up to 10 s.
  static constexpr Duration kAhead = Duration::Millis(6'000);
  // The longest answer: 16,384 digits at half the pace are about 4 hours, at
  // 22 KB a second. Nothing is kept of it.
  static constexpr uint32_t kMaxAnswerBytes = 400 * 1024 * 1024;
  // What is read of the answer to a request that was refused.
  static constexpr size_t kMaxRefusalBytes = 4096;

  // `channels` is borrowed for the life of the object.
  LocalTts(Config config, Channels& channels);

  AudioFormat format() const override;
  void Speak(std::string_view text) override;
  void Abort() override;
  std::optional<TtsEvent> NextEvent() override;

  // When more is to be asked for.
  Instant deadline() const override;
  void OnDeadline() override { AskForMore(); }
  void OnHttpHeaders(ChannelId channel, uint16_t status,
                     const Json& headers) override;
  void OnHttpChunk(ChannelId channel, std::span<const uint8_t> bytes) override;
  void OnHttpDone(ChannelId channel) override;
  void OnHttpFailed(ChannelId channel, HttpFailure failure,
                    std::string_view reason) override;

 private:
  // Of a message of the Worker's that is passed on.
  static constexpr size_t kMaxFailureBytes = 300;
  // A line makes a fault, words and audio; a failure comes with a fault.
  static constexpr size_t kMaxEvents = 4;

  // The exchange goes on, and its lines are wanted.
  bool IsOf(ChannelId channel) const { return channel_ == channel; }
  void Forget();
  void Fail(Loss loss, std::string_view code, std::string_view message);
  void Fail(Fault fault, std::string_view code);
  void FailAsRefused();
  void AskForMore();
  void OnLine(std::string_view line);
  void OnAudio(const Json& message);
  void OnWords(const Json& rows, int64_t rate_hz);
  void OnDone(const Json& message);

  const Config config_;
  Channels& channels_;
  EventQueue<TtsEvent, kMaxEvents> events_;

  // Of the text that is spoken; none when there is none.
  std::optional<ChannelId> channel_;
  size_t text_bytes_ = 0;
  bool has_words_ = false;
  uint16_t status_ = 0;
  // The answer has ended; what has come of it may still be here.
  bool ended_ = false;
  // What came and was not looked at, from read_ on: lines, which NextEvent()
  // takes one by one. At most an unfinished one after that.
  std::string incoming_;
  size_t read_ = 0;
  // Bytes that came and that nothing was asked for in place of.
  uint32_t unasked_bytes_ = 0;
  int64_t samples_ = 0;
  // When the first samples came: none are heard sooner.
  Instant began_ = Instant::Never();

  // What the views of the last event are of.
  std::vector<uint8_t> audio_;
  std::vector<SpokenWord> words_;
  SpokenWord last_word_;
  std::string failure_code_;
  std::string failure_message_;
};

}  // namespace trunkline::protocol
