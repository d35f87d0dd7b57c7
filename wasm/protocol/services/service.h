#pragma once

#include "base/time.h"
#include "protocol/channel_inputs.h"
#include "protocol/dialogue.h"
#include "protocol/wire.h"

// An agent may be made of services: one that hears (stt.h), one that answers
// (llm.h), and voices (tts.h). A service is one vendor's way to do one of
// these: bytes of its channels <-> neutral events. As with agents, nothing
// calls it from inside of one of its calls, and NextEvent() is called after
// each input and command until it has none; views in events are valid until the
// next one.

namespace trunkline::protocol {

// What was asked for does not come, or no more of it.
struct ServiceFailed {
  Loss loss = Loss::kRetryable;
  Failure why = {};
};
struct ServiceFaulted {
  Fault fault = Fault::kMalformed;
  // Of kPeerError: what went wrong, and costs nothing but time.
  Failure why = {};
};

class Service : public ChannelInputs {
 public:
  // The time of what comes next, said before each input and command.
  void SetNow(Instant now) { now_ = now; }

  virtual Instant deadline() const { return Instant::Never(); }
  // The time is at or behind the deadline.
  virtual void OnDeadline() {}

 protected:
  Instant now() const { return now_; }

 private:
  Instant now_;
};

}  // namespace trunkline::protocol
