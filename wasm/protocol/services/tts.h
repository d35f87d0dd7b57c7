#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "protocol/services/service.h"

namespace trunkline::protocol {

// The words that follow, ascending, before the audio that says them; only from
// a voice that knows.
struct TtsWords {
  std::span<const SpokenWord> words;
};
// The next samples, whole ones; faster than real time.
struct TtsAudio {
  std::span<const uint8_t> audio;
};
// All of it has come.
struct TtsDone {};

using TtsEvent =
    std::variant<ServiceFaulted, TtsWords, TtsAudio, TtsDone, ServiceFailed>;

// Text to speech.
class Tts : public Service {
 public:
  virtual AudioFormat format() const = 0;

  // One text at a time, not empty, UTF-8: the former is over, or was aborted.
  // TtsDone or ServiceFailed ends it.
  virtual void Speak(std::string_view text) = 0;
  // Nothing more comes of it, and the vendor is told.
  virtual void Abort() = 0;

  virtual std::optional<TtsEvent> NextEvent() = 0;
};

}  // namespace trunkline::protocol
