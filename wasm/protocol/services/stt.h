#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "base/time.h"
#include "protocol/services/service.h"

namespace trunkline::protocol {

// Turns may begin.
struct SttReady {};
// What the caller has said in the turn so far, or, kFinal, in all of it; "" if
// nothing was understood.
struct SttText {
  std::string_view text;
  TranscriptState state = TranscriptState::kPart;
};

// In the place of a final text: it will not come, and the next turn may be
// understood.
struct SttTextFailed {
  Failure why = {};
};

using SttEvent = std::variant<ServiceFaulted, SttReady, SttText, SttTextFailed,
                              ServiceFailed>;

// Speech to text: what the caller says in a turn. Where a turn begins and ends
// is said to it.
class Stt : public Service {
 public:
  virtual AudioFormat format() const = 0;

  // A fresh start, with new channels. SttReady comes when it hears, or
  // ServiceFailed, which may also come at any later time.
  virtual void Begin() = 0;
  // Closes what is open; nothing comes of it any more.
  virtual void End(std::string_view reason) = 0;

  // The caller's audio in its format, without gaps, from SttReady on.
  virtual void Listen(std::span<const uint8_t> audio) = 0;
  // The caller began to speak `ago` before the end of what was listened to. A
  // turn that is open goes on.
  virtual void TurnStarted(Duration ago) = 0;
  // The turn is over, its speech `ago` before the end of what was listened to:
  // a final text comes, SttTextFailed, or ServiceFailed. Without a turn nothing
  // happens.
  virtual void Finish(Duration ago) = 0;
  // The turn was none, or its text is not wanted any more.
  virtual void Forget() = 0;

  virtual std::optional<SttEvent> NextEvent() = 0;
};

}  // namespace trunkline::protocol
