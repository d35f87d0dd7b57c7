#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "protocol/services/streaming_stt.h"

namespace trunkline::protocol {

// Deepgram Nova: a call's audio as a stream, and texts of stretches of it that
// change until they are final. Source: the @deepgram/sdk npm package 5.13.0,
// listen/v1, and Cloudflare's page of the model for Workers AI.
//
// Which text is of which turn follows from the times that the server gives: a
// turn has the stretches that end behind its beginning, up to where it was
// finished. Finish() has the server tell what it holds back, which it marks;
// where it has nothing to tell there is no such mark, so that after
// kFinalPatience what has come is all.
//
// While there is no audio, KeepAlive is sent: the server closes after 10 s.
//
// Beside those of StreamingStt the codes of a ServiceFailed are
//
//   finals         too many texts are still to come
class DeepgramNova final : public StreamingStt {
 public:
  struct Config {
    std::string upstream = "deepgram";
    // Of Workers AI: "/run/@cf/deepgram/nova-3".
    std::string path = "/v1/listen";
    // "" where the path names it.
    std::string model;
    // "" = the model's own.
    std::string language;
    // Words that are likely.
    std::vector<std::string> terms;
    // kLinear16 at 8 or 16 kHz.
    AudioFormat format = {Encoding::kLinear16, 16000};
  };

  // Two of these fit into what the server waits for.
  static constexpr Duration kQuiet = Duration::Millis(4'000);
  // Speech may have begun so much before it was noticed here.
  static constexpr int kMarginMs = 200;
  // From Finish() to its text: a round trip, and 100 ms of work.
  static constexpr Duration kFinalPatience = Duration::Millis(1'500);
  // Turns whose texts are still to come; one more fails.
  static constexpr size_t kMaxOwed = 4;
  // Of a turn. Overflow: the rest is left out.
  static constexpr size_t kMaxTextBytes = size_t{8} * 1024;

  // `channels` is borrowed for the life of the object.
  DeepgramNova(Config config, Channels& channels);

  void TurnStarted(Duration ago) override;
  void Finish(Duration ago) override;
  void Forget() override;
  std::optional<SttEvent> NextEvent() override;
  Instant deadline() const override;
  void OnDeadline() override;

 private:
  struct Turn {
    // Of the stream: where it begins, and once it is finished, ends.
    int64_t from_ms = 0;
    int64_t to_ms = 0;
    // Of stretches that are final, and of one that is not.
    std::string text;
    std::string more;
    // The server has told of its end.
    bool is_known = false;
    Instant due = Instant::Never();
    bool wanted = true;
  };

  ConnectRequest Request() const override;
  void Restart() override;
  void OnReopened(int64_t shift_ms) override;
  void OnMessage(const Json& message) override;
  Duration quiet_after() const override { return kQuiet; }
  void OnQuiet() override;
  bool in_turn() const override { return turn_ || !owed_.empty(); }

  void OnResults(const Json& message);
  // Nothing more comes of the oldest turn that is owed.
  void CloseOldest();

  const Config config_;
  std::optional<Turn> turn_;
  // Finished ones whose texts are still to come, the oldest first; and those
  // whose texts are to be told.
  std::deque<Turn> owed_;
  std::deque<Turn> known_;
  // What the views of the last events are of.
  std::string part_;
  std::string told_;
};

}  // namespace trunkline::protocol
