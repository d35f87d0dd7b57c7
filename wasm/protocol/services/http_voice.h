#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/services/http_exchange.h"
#include "protocol/services/tts.h"
#include "protocol/services/wav_head.h"

namespace trunkline::protocol {

// A voice that answers an HTTP request with audio: what the voices of vendors
// have in common. Of each there is what it is asked by.
//
// The audio is linear 16, mono, without a header.
// Nothing is played that is no such audio: neither an error, whatever its
// status and whatever it is called, nor a format that has a name of its own. A
// WAV header in front is skipped if it says the same format. What is refused so
// fails as "audioFormat", and no audio at all as "empty".
//
// Audio comes by credit: kWindowMs of it at once, and then as fast as it is
// played, so that a long text never waits here.
class HttpVoice : public Tts {
 public:
  struct Endpoint {
    std::string upstream;
    std::string path;
    // kLinear16.
    AudioFormat format = {Encoding::kLinear16, 24000};
    // What the vendor takes. A longer text is cut behind a word, and a fault
    // tells.
    size_t max_characters = 0;
  };

  // Two fifths of what a queue of replies holds in this format.
  static constexpr int kWindowMs = 20'000;
  // How often credit is given.
  static constexpr int kCreditEveryMs = 1'000;
  // Of one text: the longest one at 7 characters a second, half as fast as
  // people speak. Beyond it the exchange fails.
  static constexpr int kMaxAudioMs = 600'000;

  AudioFormat format() const final { return endpoint_.format; }

  Instant deadline() const override {
    return std::min(credit_at_, exchange_.deadline());
  }
  void OnDeadline() override;
  void OnHttpHeaders(ChannelId channel, uint16_t status,
                     const Json& headers) override;
  void OnHttpChunk(ChannelId channel, std::span<const uint8_t> bytes) override;
  void OnHttpDone(ChannelId channel) override;
  void OnHttpFailed(ChannelId channel, HttpFailure failure,
                    std::string_view reason) override;

  void Speak(std::string_view text) override;
  void Abort() override;

  std::optional<TtsEvent> NextEvent() override;

 protected:
  // `channels` is borrowed for the life of the object.
  HttpVoice(Endpoint endpoint, Channels& channels);

  // What asks for `text`, as JSON.
  virtual Json Request(std::string_view text) const = 0;

 private:
  // What is made of the body that comes.
  enum class Phase : uint8_t {
    kNothing,
    kHead,   // what it begins with decides what it is
    kAudio,  // samples
  };
  enum class End : uint8_t { kNone, kDone, kFailed };

  void Reset();
  // Of those of one input the first is told.
  void Report(Fault fault) {
    if (!fault_) fault_ = fault;
  }
  // The text as far as the vendor takes it.
  std::string_view Bounded(std::string_view text);
  void OnHead(std::span<const uint8_t> bytes);
  void OnAudio(std::span<const uint8_t> bytes);
  // What its exchange has come to, that is its end or its failure.
  void Take(HttpExchange::Step step);
  // The body has ended.
  void OnEnd();
  // It is over as the exchange says.
  void Fail();
  void Fail(std::string_view code, Loss loss);

  const Endpoint endpoint_;
  Channels& channels_;

  HttpExchange exchange_;
  AnswerPatience patience_;
  Phase phase_ = Phase::kNothing;
  // The answer said that it is audio.
  bool is_audio_said_ = false;
  // The bytes that came first, until they are enough.
  std::vector<uint8_t> head_;
  // Bytes of a WAV file's samples that are still to come; nullopt = all that
  // comes.
  std::optional<size_t> samples_left_;
  // The first byte of a sample whose second one has not come.
  std::optional<uint8_t> odd_;

  // Since when audio comes, and for how much credit was given since.
  Instant first_audio_;
  int64_t credited_ms_ = 0;
  Instant credit_at_ = Instant::Never();

  // What is to be told, in this order.
  std::optional<Fault> fault_;
  std::vector<uint8_t> audio_;
  End end_ = End::kNone;

  bool has_audio_ = false;
  // What the view of the last audio is of.
  std::vector<uint8_t> told_;
};

}  // namespace trunkline::protocol
