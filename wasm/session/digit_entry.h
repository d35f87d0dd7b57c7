#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "session/call_context.h"

namespace trunkline::session {

// What the caller enters on the keypad, until it is whole: at a '#', after a
// pause, or when no more fits. Owns the timer kDigitEntry.
class DigitEntry {
 public:
  // Between two digits of one number at most.
  static constexpr Duration kPause = Duration::Millis(2'000);
  // An entry that is longer is whole when it has so many.
  static constexpr size_t kMaxDigits = 32;

  // `context` is borrowed for the life of the object.
  explicit DigitEntry(CallContext& context) : context_(context) {}

  // Whether `digits` are 1 to kMaxDigits of 0 to 9, '*', '#' and A to D.
  static bool Are(std::string_view digits);

  // Digits that are more than fit into an entry nobody has taken are dropped.
  void Add(char digit);
  // A whole entry, by command. Precondition: there is room for it.
  void Add(std::string_view digits);
  void OnTimeout() { whole_ = true; }

  bool empty() const { return digits_.empty(); }
  bool has_room_for(std::string_view digits) const {
    return digits_.size() + digits.size() <= kMaxDigits;
  }
  bool whole() const { return whole_; }
  std::string_view entered() const { return digits_; }
  // Whole or not: the next entry begins.
  std::string Take();

 private:
  CallContext& context_;
  std::string digits_;
  bool whole_ = false;
};

}  // namespace trunkline::session
