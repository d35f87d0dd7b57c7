#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/channels.h"
#include "protocol/services/http_exchange.h"
#include "protocol/services/openai_http.h"
#include "protocol/services/stt.h"
#include "protocol/services/wav_head.h"

namespace trunkline::protocol {

// OpenAI's transcriptions, and the servers that speak like it: a turn is kept
// until it is over, and then sent as a file. Source: the openai npm package
// 7.55.0, resources/audio/transcriptions.d.ts.
//
// A turn that is over while the text of a former one is out is sent at once,
// and its text is told behind that of the former one: each Finish() has its
// answer, in order. A former one that fails takes no other with it, unless no
// other could do better either.
//
// In a pause what was said so far is sent as if the turn were over. Is it, that
// was its text, and nobody waits for it any more; is it not, the text was made
// in vain, and is counted. A turn whose text fails, or does not come, is sent
// once more, at once or when the vendor wants it to be, as long as its audio is
// kept; a fault tells.
class OpenAiTranscription : public Stt {
 public:
  // The longest turn that is sent. What is said beyond it is not understood,
  // and a fault tells.
  static constexpr int kMaxTurnMs = 60'000;

  struct Config {
    std::string upstream = "openai";
    std::string path = "/v1/audio/transcriptions";
    std::string model;
    std::string language;  // ISO 639-1; "" = detected
    // What the caller may speak of, in the language; "" = not said.
    std::string prompt;
    // kText where the model knows no JSON. What comes is read by its type.
    enum class ResponseFormat : uint8_t { kJson, kText };
    ResponseFormat response_format = ResponseFormat::kJson;
    // kLinear16 at 8 or 16 kHz.
    AudioFormat format = {Encoding::kLinear16, 16000};
    // [1 s, kMaxTurnMs].
    int max_turn_ms = kMaxTurnMs;
  };

  // The shortest that the vendor takes. In a shorter one nothing was said, and
  // its text is "".
  static constexpr int kMinTurnMs = 100;
  // What is sent before and after the speech of a turn: consonants begin and
  // end below the level at which speech is detected, and models understand
  // words better that begin in silence. It costs no time.
  static constexpr int kMarginBeforeMs = 160;
  static constexpr int kMarginAfterMs = 160;
  // What is kept while nobody speaks. Detection looks back at most 200 ms; the
  // margin and a frame come on top.
  static constexpr int kPreRollMs = 400;
  // Silence behind speech after which what was said is sent. Pauses between
  // words that belong together are mostly shorter, and what the vendor takes
  // has passed by the end of the turn, or most of it.
  static constexpr int kEarlyMs = 300;
  // Texts of a call that were made in vain. After so many none is any more
  // before its turn is over.
  static constexpr int kMaxDroppedTexts = 100;
  // Of the newest turn that was sent, its audio is kept until its text is
  // known. A longer one, or one that another has followed, is not sent again.
  static constexpr int kMaxKeptMs = 30'000;
  // A vendor that wants to be asked later than that is not asked again: the
  // caller is asked to say it again.
  static constexpr Duration kMaxRetryWait = Duration::Millis(3'000);
  // Turns whose text has not come. Overflow: the oldest one fails as
  // "overtaken".
  static constexpr size_t kMaxTurns = 4;
  // Of an answer: a minute of speech is a thousand characters. Beyond it the
  // exchange fails.
  static constexpr uint32_t kMaxAnswerBytes = 64 * 1024;
  // Of the prompt; the rest is left out. Models read 224 tokens of it.
  static constexpr size_t kMaxPromptBytes = 2048;

  // `channels` is borrowed for the life of the object.
  OpenAiTranscription(Config config, Channels& channels);

  AudioFormat format() const override { return config_.format; }

  Instant deadline() const override;
  void OnDeadline() override;
  void OnHttpHeaders(ChannelId channel, uint16_t status,
                     const Json& headers) override;
  void OnHttpChunk(ChannelId channel, std::span<const uint8_t> bytes) override;
  void OnHttpDone(ChannelId channel) override;
  void OnHttpFailed(ChannelId channel, HttpFailure failure,
                    std::string_view reason) override;

  void Begin() override;
  void End(std::string_view reason) override;
  void Listen(std::span<const uint8_t> audio) override;
  void TurnStarted(Duration ago) override;
  void Pause(Duration ago) override;
  bool finds_out() const override;
  int64_t TakeDroppedTexts() override {
    return std::exchange(untold_dropped_texts_, 0);
  }
  void Finish(Duration ago) override;
  // The turn that is open; if none is, the newest one whose text has not come.
  void Forget() override;

  std::optional<SttEvent> NextEvent() override;

 protected:
  // Gives `fetch` the turn, which `file` is, and what else is to be said of it;
  // `body` is borrowed by it. Its upstream, path and bounds are set.
  virtual void Fill(FetchRequest& fetch, std::span<const uint8_t> file,
                    std::string& body) const;
  const Config& config() const { return config_; }

 private:
  // What was said in a turn that is over, or may be.
  struct Turn {
    enum class Phase : uint8_t {
      kAsked,   // its text, or an error, comes
      kWaits,   // to be sent once more
      kKnown,   // `text` is what was said
      kFailed,  // its exchange says why there is none
    };
    explicit Turn(Channels& channels) : exchange(channels) {}

    Phase phase = Phase::kAsked;
    HttpExchange exchange;
    bool is_json = false;
    std::string text;
    // To be sent once more; empty where it cannot be.
    std::vector<uint8_t> file;
    bool was_sent_again = false;
    Instant send_at = Instant::Never();
  };
  // Of the turn that is open, in a pause.
  struct Pausing {
    // Bytes of it up to the end of the speech, and those that were kept when
    // the pause is long enough.
    size_t speech_bytes = 0;
    size_t early_at_bytes = 0;
    std::optional<Turn> turn;
    bool told = false;
  };

  size_t heard_bytes() const { return heard_.size() - kWavHeadBytes; }
  size_t max_turn_bytes() const;
  // Bytes before the end of what was heard, at most all that is kept.
  size_t BytesBack(Duration ago) const;
  // Forgets all but the last bytes of what was heard.
  void KeepLast(size_t bytes);
  // The end of the turn is the next pre-roll, if it is what was heard last.
  void CloseTurn();
  void ClearTurns();
  Turn* TurnOf(ChannelId channel);
  // Of the turn up to this byte.
  size_t AudioUpTo(size_t speech_bytes) const;
  // `audio` bytes of what was heard are the turn.
  void Send(Turn& turn, size_t audio);
  void Send(Turn& turn, std::span<const uint8_t> file);
  // Keeps the file that was sent last, of so much audio, for the newest turn.
  void Keep(size_t audio);
  // He says more, or it was no turn.
  void DropPause();
  // The text of what was said before the pause, if that is all of the turn.
  std::optional<Turn> TakeEarly(size_t speech_bytes);
  void Take(Turn& turn, HttpExchange::Step step);
  void OnFailed(Turn& turn);
  void Fail(Turn& turn, std::string_view code);
  void OnEnd(Turn& turn);

  const Config config_;
  Channels& channels_;

  // Room for a file's head, and behind it the audio of the turn, or the
  // pre-roll while there is none.
  std::vector<uint8_t> heard_;
  bool in_turn_ = false;
  // Bytes of it that came beyond the longest one, and are not kept.
  size_t beyond_bytes_ = 0;

  std::optional<Pausing> pausing_;
  int dropped_texts_ = 0;
  int64_t untold_dropped_texts_ = 0;

  bool ready_ = false;
  std::optional<Fault> fault_;
  // Of a turn that is sent once more.
  std::optional<OpenAiFailure> trouble_;
  std::deque<Turn> turns_;
  AnswerPatience patience_;
  // What the views of the last event are of.
  std::optional<Turn> told_;
  OpenAiFailure told_trouble_;
};

}  // namespace trunkline::protocol
