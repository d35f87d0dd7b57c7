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

// The unit at the front of `text`, which it is taken from, in microseconds for
// a thousandth of it; 0 if there is none.
int64_t TakeUnit(std::string_view& text) {
  struct Unit {
    std::string_view name;
    int64_t us;
  };
  // A name stands before those that it begins with.
  constexpr Unit kUnits[] = {{"milliseconds", 1},  {"ms", 1},
                             {"minutes", 60'000},  {"minute", 60'000},
                             {"min", 60'000},      {"m", 60'000},
                             {"seconds", 1'000},   {"second", 1'000},
                             {"sec", 1'000},       {"s", 1'000},
                             {"hours", 3'600'000}, {"hour", 3'600'000},
                             {"h", 3'600'000}};
  if (text.starts_with(' ')) text.remove_prefix(1);
  for (const auto& [name, us] : kUnits) {
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    return us;
  }
  return 0;
}

}  // namespace

std::optional<Duration> RetryAfterOf(std::string_view message) {
  constexpr std::string_view kIn = "try again in ";
  const size_t at = message.find(kIn);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view text = message.substr(at + kIn.size());
  std::optional<int64_t> total_us;
  while (const auto thousandths = TakeThousandths(text)) {
    const int64_t unit_us = TakeUnit(text);
    if (unit_us == 0) break;
    const int64_t us = *thousandths * unit_us;
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
  read.is_servers = StringMember(error, "type") == "server_error" ||
                    read.why.code == "server_error";
  read.event_id = StringMember(error, "event_id");
  read.fatal = std::find(std::begin(kFatalCodes), std::end(kFatalCodes),
                         read.why.code) != std::end(kFatalCodes);
  return read;
}

bool IsRetryableClose(uint16_t code) {
  return code == 1001 || code == 1005 || code == 1006 || code == 1011 ||
         code == 1012 || code == 1013;
}

bool IsRetryableStatus(uint16_t status) {
  return status == 408 || status == 429 || (status >= 500 && status <= 504);
}

bool IsPassing(const OpenAiError& error) {
  return error.why.retry_after || error.is_servers ||
         error.why.code == "rate_limit_exceeded";
}

}  // namespace trunkline::protocol
