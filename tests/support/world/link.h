#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "support/world/clock.h"

namespace trunkline::test {

// What crosses a network: a message of a socket, or its close.
struct Message {
  enum class Kind : uint8_t { kText, kBinary, kClose };

  static Message Text(std::string text) {
    return {Kind::kText, std::move(text), 0};
  }
  static Message Binary(std::string bytes) {
    return {Kind::kBinary, std::move(bytes), 0};
  }
  static Message Close(uint16_t code) { return {Kind::kClose, {}, code}; }

  Kind kind = Kind::kText;
  std::string bytes;
  uint16_t code = 0;
};

// One direction of one socket: a message arrives some time after it was sent,
// and none before the one that was sent before it.
class Link {
 public:
  // `delay` is looked at whenever a message is sent; what is borrowed lives as
  // long as the link, and the link as long as the clock runs.
  Link(Clock& clock, const Duration& delay,
       std::function<void(const Message&)> arrive)
      : clock_(clock), delay_(delay), arrive_(std::move(arrive)) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void Send(Message message);
  // What is on its way is lost.
  void Break();

  // Messages are later by up to this, at random.
  Duration jitter;

 private:
  void Arrive(uint64_t run);

  Clock& clock_;
  const Duration& delay_;
  const std::function<void(const Message&)> arrive_;
  std::deque<Message> on_its_way_;
  Instant last_arrival_;
  uint64_t run_ = 0;
};

}  // namespace trunkline::test
