#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"

namespace trunkline::session {

// Who is at the other end of a socket; the values are those of trunkline.h.
enum class Port : uint8_t { kLeg = 0, kAgent = 1 };

// What the session wants done, in order. Implemented by abi/ (bytes for the
// shim) and by the test harness (values). Views are valid during the call only.
class EffectSink {
 public:
  virtual void SendText(Port port, std::string_view text) = 0;
  virtual void SendBinary(Port port, std::span<const uint8_t> bytes) = 0;
  virtual void Connect(Port port, const Json& request) = 0;
  virtual void Close(Port port, uint16_t code, std::string_view reason) = 0;
  // Replaces the former deadline; Instant::Never() clears it.
  virtual void SetDeadline(Instant at) = 0;
  virtual void Authorize(const Json& credentials) = 0;
  virtual void Event(const Json& event) = 0;
  // Whole Ogg pages of the recording, in order, about a second's worth. The
  // granule position, 48 kHz, is the one at their end; the last has EOS.
  virtual void Record(int64_t granule, std::span<const uint8_t> pages) = 0;
  // Exactly once, and nothing after it.
  virtual void Ended(const Json& summary) = 0;

 protected:
  ~EffectSink() = default;
};

}  // namespace trunkline::session
