#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "support/world/dice.h"
#include "support/world/world.h"

namespace trunkline::test {

// A carrier on a bad day, before the line of a world: loses, doubles and
// reorders what the line sends, tells times that are none, keeps marks to
// itself, sends what belongs to no protocol, breaks off and comes back.
class HostileLine final {
 public:
  enum class Times : uint8_t {
    kHonest,
    kHoursApart,
    kBackwards,
    kNotANumber,
    kMissing,
    kRandom,
  };
  enum class Marks : uint8_t { kHonest, kNever, kTwice, kUnknown, kLate };

  // Chances are per thousand; all 0 is the honest carrier.
  struct Temper {
    // Of a message.
    uint32_t lost = 0;
    uint32_t doubled = 0;
    uint32_t reordered = 0;
    Times times = Times::kHonest;
    Marks marks = Marks::kHonest;
    // Things that no caller does, one about every so often; 0 for none.
    Duration whim_every;
    // Of them, those that break the socket, and of these those that come back.
    uint32_t breaks = 0;
    uint32_t comes_back = 0;
    // Of the whims, those that end the call.
    uint32_t hang_ups = 0;
    // What comes before the start.
    bool media_first = false;
  };

  HostileLine(VirtualWorld& world, Dice dice, const Temper& temper);

  // Calls, with what comes before that.
  void Call();
  bool honest_marks() const { return temper_.marks == Marks::kHonest; }

  // The caller, or his carrier, ends the call.
  std::function<void()> on_hang_up;
  // What it does, for people.
  std::function<void(const std::string&)> on_deed;

 private:
  void Deed(const std::string& what) const {
    if (on_deed) on_deed(what);
  }
  void Whim();
  void DoWhim();
  void Garbage();
  void Break();
  void Tampered(Message message, const std::function<void(Message)>& deliver);
  void SpoilTime(std::string& text);

  VirtualWorld& world_;
  Dice dice_;
  const Temper temper_;
  int64_t time_ms_ = 0;
  std::optional<Message> held_back_;
};

}  // namespace trunkline::test
