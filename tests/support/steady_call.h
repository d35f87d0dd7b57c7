#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "abi/trunkline.h"

namespace trunkline::test {

// A call in a steady state behind the C boundary: a frame comes every 20 ms and
// every effect is drained. For benchmarks and for counting allocations.
class SteadyCall {
 public:
  enum class Kind {
    kListening,  // frames in; nothing goes out but, to Realtime, the same audio
    kSpeaking,   // frames in, and a long reply going out
  };
  // `agent`: "parrot" or "openai-realtime".
  SteadyCall(const std::string& agent, Kind kind);
  ~SteadyCall();
  SteadyCall(const SteadyCall&) = delete;
  SteadyCall& operator=(const SteadyCall&) = delete;

  // One inbound frame and all that follows of it; returns the bytes of effects.
  size_t Frame();
  // The text of the next inbound frame, as Frame() would feed it.
  const std::string& next_frame() const { return frames_[next_]; }

 private:
  void Feed(uint32_t tag, const std::string& body);
  void Refill();

  Kind kind_;
  tl_handle session_ = 0;
  uint64_t now_us_ = 1'000'000;
  std::vector<std::string> frames_;
  size_t next_ = 0;
  uint64_t frames_fed_ = 0;
};

}  // namespace trunkline::test
