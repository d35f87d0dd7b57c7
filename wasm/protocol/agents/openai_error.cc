#include "protocol/agents/openai_error.h"

#include <algorithm>

namespace trunkline::protocol {
namespace {

constexpr Duration kLongestWait = Duration::Millis(3'600'000);

// Not an enumeration that OpenAI documents: those seen in practice.
constexpr std::string_view kFatalCodes[] = {
    "invalid_api_key", "account_deactivated", "model_not_found",
    "insufficient_quota", "billing_hard_limit_reached"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A decimal number at the front of `text`, which it is taken from, in
// thousandths; nullopt if there is none or it is out of all bounds.
std::optional<int64_t> TakeThousandths(std::string_view& text) {
  constexpr int64_t kMax = 10'000'000;
  int64_t value = 0;
  size_t at = 0;
  while (at < text.size() && IsDigit(text[at])) {
    value = value * 10 + (text[at++] - '0');
    if (value > kMax) return std::nullopt;
  }
  if (at == 0) return std::nullopt;
  value *= 1000;
  if (at + 1 < text.size() && text[at] == '.' && IsDigit(text[at + 1])) {
    ++at;
    for (int64_t unit = 100; at < text.size() && IsDigit(text[at]); ++at) {
      value += unit * (text[at] - '0');
      unit /= 10;
    }
  }
  text.remove_prefix(at);
  return value;
}

bool TakeUnit(std::string_view& text, std::string_view unit) {
  if (!text.starts_with(unit)) return false;
  text.remove_prefix(unit.size());
  return true;
}

}  // namespace

std::optional<Duration> RetryAfterOf(std::string_view message) {
  constexpr std::string_view kIn = "try again in ";
  const size_t at = message.find(kIn);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view text = message.substr(at + kIn.size());
  std::optional<int64_t> total_us;
  while (const auto thousandths = TakeThousandths(text)) {
    int64_t us = 0;
    if (TakeUnit(text, "ms")) {
      us = *thousandths;
    } else if (TakeUnit(text, "s") || TakeUnit(text, " s")) {
      us = *thousandths * 1'000;
    } else if (TakeUnit(text, "m")) {
      us = *thousandths * 60'000;
    } else if (TakeUnit(text, "h")) {
      us = *thousandths * 3'600'000;
    } else {
      break;
    }
    total_us = std::min(total_us.value_or(0) + us, kLongestWait.us());
  }
  if (!total_us) return std::nullopt;
  return Duration::Micros(*total_us);
}

OpenAiError ReadOpenAiError(const Json& error) {
  OpenAiError read;
  read.why.code = StringMember(error, "code");
  if (read.why.code.empty()) read.why.code = StringMember(error, "type");
  if (read.why.code.empty()) read.why.code = "error";
  read.why.param = StringMember(error, "param");
  read.why.message = StringMember(error, "message");
  read.why.retry_after = RetryAfterOf(read.why.message);
  read.event_id = StringMember(error, "event_id");
  read.fatal = std::find(std::begin(kFatalCodes), std::end(kFatalCodes),
                         read.why.code) != std::end(kFatalCodes);
  return read;
}

}  // namespace trunkline::protocol
