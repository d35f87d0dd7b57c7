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

// Of one that detects turns, in the place of kFinal and of what is said to it.

// The caller began to speak, or there was nothing in what he began.
struct SttSpeech {
  enum class Edge : uint8_t { kStarted, kStopped };
  Edge edge = Edge::kStarted;
};
// The turn may be over, and this is all of it then: SttTurnEnded or SttResumed
// says so. Worth a guess, not a reply.
struct SttEager {
  std::string_view text;
};
// It was not.
struct SttResumed {};
// The turn is over: all that was said in it, not "".
struct SttTurnEnded {
  std::string_view text;
};

using SttEvent =
    std::variant<ServiceFaulted, SttReady, SttText, SttTextFailed,
                 ServiceFailed, SttSpeech, SttEager, SttResumed, SttTurnEnded>;

// Speech to text: what the caller says in a turn. Where a turn begins and ends
// is said to it, or, by one that detects turns, by it.
class Stt : public Service {
 public:
  virtual AudioFormat format() const = 0;
  // Whether it decides when a turn is over: then what is said of turns to it is
  // what was found here, and asks for nothing. Constant.
  virtual bool detects_turns() const { return false; }

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
  // The caller has stopped speaking, `ago` before the end of what was listened
  // to, and the turn may be over: one that tells no parts by itself may find
  // out what he has said so far, and tells it as one. TurnStarted() says that
  // he goes on.
  virtual void Pause(Duration /*ago*/) {}
  // In a pause: all that was said before it is being found out, and a part, or
  // the final text, will tell.
  virtual bool finds_out() const { return false; }
  // Texts that were found out in vain, since the last time.
  virtual int64_t TakeDroppedTexts() { return 0; }
  // The turn is over, its speech `ago` before the end of what was listened to:
  // a final text comes, SttTextFailed, or ServiceFailed. Without a turn nothing
  // happens.
  virtual void Finish(Duration ago) = 0;
  // The turn was none, or its text is not wanted any more. One that detects
  // turns tells of it again when the caller says more in it.
  virtual void Forget() = 0;

  virtual std::optional<SttEvent> NextEvent() = 0;
};

}  // namespace trunkline::protocol
