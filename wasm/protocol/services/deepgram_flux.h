#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/services/streaming_stt.h"

namespace trunkline::protocol {

// Deepgram Flux: speech to text that detects the caller's turns itself, by what
// is said and not by silence alone. Source: the @deepgram/sdk npm package
// 5.13.0, listen/v2, and Cloudflare's page of the model for Workers AI.
//
// A turn is told by SttSpeech, SttText, SttEager, SttResumed and SttTurnEnded;
// TurnStarted() and Finish() are not listened to. A turn that was forgotten
// counts again when more is said in it.
//
// There is no message that keeps the connection: while there is no audio,
// silence is sent, as much as there would have been, so that a turn can end as
// well.
//
// A code of an Error that says that the key, the account or the request is at
// fault is kFatal.
class DeepgramFlux final : public StreamingStt {
 public:
  struct Config {
    std::string upstream = "deepgram";
    // Of Workers AI: "/run/@cf/deepgram/flux".
    std::string path = "/v2/listen";
    // "" where the path names it.
    std::string model;
    // (0, 1]; nullopt: the model's own.
    std::optional<double> end_of_turn_threshold;
    // [0.3, 0.9]; nullopt: it never says that a turn may be over.
    std::optional<double> eager_threshold;
    // Silence that ends a turn whatever was said; nullopt: the model's own.
    std::optional<Duration> end_of_turn_timeout;
    // Words that are likely.
    std::vector<std::string> terms;
    // Languages, for a model that knows several.
    std::vector<std::string> languages;
    // kLinear16 at 8 or 16 kHz.
    AudioFormat format = {Encoding::kLinear16, 16000};
  };

  // Without audio for so long, silence is sent.
  static constexpr Duration kQuiet = Duration::Millis(1'000);
  // Of a turn. Overflow: the rest is left out.
  static constexpr size_t kMaxTextBytes = size_t{8} * 1024;

  // `channels` is borrowed for the life of the object.
  DeepgramFlux(Config config, Channels& channels);

  bool detects_turns() const override { return true; }
  void TurnStarted(Duration /*ago*/) override {}
  void Finish(Duration /*ago*/) override {}
  void Forget() override;

 private:
  // What is known of the peer's turn.
  enum class Turn : uint8_t {
    kNone,
    kOpen,       // the caller speaks
    kForgotten,  // he does, and nobody wants it
  };

  ConnectRequest Request() const override;
  void Restart() override;
  void OnReopened(int64_t shift_ms) override;
  void OnMessage(const Json& message) override;
  Duration quiet_after() const override { return kQuiet; }
  void OnQuiet() override;
  bool in_turn() const override { return turn_ != Turn::kNone; }

  void OnTurn(std::string_view event, std::string_view transcript);
  void OnTurnOver();
  void OnError(const Json& message);

  const Config config_;
  Turn turn_ = Turn::kNone;
  // All that was said in it.
  std::string text_;
  // What a lost socket had heard of it.
  std::string lost_text_;
  // What the views of the last events are of.
  std::string told_;
  // The next message's number; nullopt: not known.
  std::optional<int64_t> next_message_;
};

}  // namespace trunkline::protocol
