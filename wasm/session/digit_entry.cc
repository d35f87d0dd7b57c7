#include "session/digit_entry.h"

#include <utility>

namespace trunkline::session {

bool DigitEntry::Are(std::string_view digits) {
  return !digits.empty() && digits.size() <= kMaxDigits &&
         digits.find_first_not_of("0123456789*#ABCD") == std::string_view::npos;
}

void DigitEntry::Add(char digit) {
  if (digits_.size() == kMaxDigits) return;
  digits_ += digit;
  if (digit == '#' || digits_.size() == kMaxDigits) {
    whole_ = true;
    context_.ClearTimer(Timer::kDigitEntry);
  } else if (!whole_) {
    context_.SetTimer(Timer::kDigitEntry, kPause);
  }
}

void DigitEntry::Add(std::string_view digits) {
  for (const char digit : digits) Add(digit);
  whole_ = true;
  context_.ClearTimer(Timer::kDigitEntry);
}

std::string DigitEntry::Take() {
  whole_ = false;
  return std::exchange(digits_, {});
}

}  // namespace trunkline::session
