#include "protocol/agents/openai_error.h"

#include <algorithm>
#include <string>

namespace trunkline::protocol {
namespace {

constexpr Duration kLongestWait = Duration::Millis(3'600'000);

// Not an enumeration that OpenAI documents: those seen in practice.
constexpr std::string_view kFatalCodes[] = {
    "invalid_api_key", "account_deactivated", "model_not_found",
    "insufficient_quota", "billing_hard_limit_reached"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

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
  value *= 1000;
  const bool has_fraction = at + 1 < text.size() &&
                            (text[at] == '.' || text[at] == ',') &&
                            IsDigit(text[at + 1]);
  if (at == 0 && !has_fraction) return std::nullopt;
  if (has_fraction) {
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
  constexpr Unit kUnits[] = {
      {"ms", 1},           {"msec", 1},          {"millis", 1},
      {"millisecond", 1},  {"milliseconds", 1},  {"s", 1'000},
      {"sec", 1'000},      {"secs", 1'000},      {"second", 1'000},
      {"seconds", 1'000},  {"m", 60'000},        {"min", 60'000},
      {"mins", 60'000},    {"minute", 60'000},   {"minutes", 60'000},
      {"h", 3'600'000},    {"hr", 3'600'000},    {"hrs", 3'600'000},
      {"hour", 3'600'000}, {"hours", 3'600'000}, {"d", 86'400'000},
      {"day", 86'400'000}, {"days", 86'400'000}};
  if (text.starts_with(' ')) text.remove_prefix(1);
  size_t size = 0;
  while (size < text.size() && IsLetter(text[size])) ++size;
  for (const auto& [name, us] : kUnits) {
    if (text.substr(0, size) != name) continue;
    text.remove_prefix(size);
    return us;
  }
  return 0;
}

// What may stand between two parts of a time.
void SkipJoint(std::string_view& text) {
  for (const std::string_view joint : {",", " ", "and "}) {
    if (text.starts_with(joint)) text.remove_prefix(joint.size());
  }
}

// The time at the front of `text`, "1m2.5s" or "1 minute and 2.5 seconds".
std::optional<Duration> ReadTime(std::string_view text) {
  std::optional<int64_t> total_us;
  while (const auto thousandths = TakeThousandths(text)) {
    const int64_t unit_us = TakeUnit(text);
    if (unit_us == 0) break;
    const int64_t us = *thousandths * unit_us;
    total_us = std::min(total_us.value_or(0) + us, kLongestWait.us());
    SkipJoint(text);
  }
  if (!total_us) return std::nullopt;
  return Duration::Micros(*total_us);
}

// Seconds without a unit, as HTTP's Retry-After has them (RFC 9110, 10.2.3):
// "retry-after: 2", "retry after 2." `between` is what stands before the
// number, behind the word that begins it.
std::optional<Duration> ReadBareSeconds(std::string_view between,
                                        std::string_view text) {
  constexpr std::string_view kAfter = "after";
  const size_t after = between.find(kAfter);
  if (after == std::string_view::npos) return std::nullopt;
  const std::string_view rest = between.substr(after + kAfter.size());
  if (between.find_first_not_of(" -") != after ||
      rest.find_first_not_of(" :=") != std::string_view::npos) {
    return std::nullopt;
  }
  const auto thousandths = TakeThousandths(text);
  const bool ends = text.empty() || text == "." || text.starts_with(". ") ||
                    text.starts_with(',') || text.starts_with(')');
  if (!thousandths || !ends) return std::nullopt;
  return std::min(Duration::Millis(*thousandths), kLongestWait);
}

// The first time that `text` says in its first sentence, and not far from its
// beginning.
std::optional<Duration> FindTime(std::string_view text) {
  constexpr size_t kReach = 40;
  const size_t end = std::min({text.size(), text.find(". "), kReach});
  char before = ' ';
  for (size_t at = 0; at < end; before = text[at++]) {
    const bool begins =
        IsDigit(text[at]) ||
        (text[at] == '.' && at + 1 < text.size() && IsDigit(text[at + 1]));
    if (!begins || IsDigit(before) || IsLetter(before) || before == '.' ||
        before == '-') {
      continue;
    }
    if (const auto time = ReadTime(text.substr(at))) return time;
    const auto bare = ReadBareSeconds(text.substr(0, at), text.substr(at));
    if (bare) return bare;
  }
  return std::nullopt;
}

// The words behind which a time is one to wait: OpenAI's, those of Azure and of
// other compatible servers.
constexpr std::string_view kBeforeTimes[] = {"again", "retry", "wait"};

// Errors that say that too much was asked for, by `code` or `type`.
constexpr std::string_view kLimits[] = {"rate_limit_exceeded",
                                        "rate_limit_error", "slow_down",
                                        "too_many_requests"};
// How long is waited for one that does not say.
constexpr Duration kDefaultWait = Duration::Millis(2'000);

bool IsLimit(std::string_view name) {
  return std::find(std::begin(kLimits), std::end(kLimits), name) !=
         std::end(kLimits);
}

}  // namespace

std::optional<Duration> RetryAfterOf(std::string_view message) {
  const std::string lower = LowerCase(message);
  const std::string_view text = lower;
  std::optional<Duration> wait;
  size_t first = std::string_view::npos;
  for (const std::string_view word : kBeforeTimes) {
    for (size_t at = text.find(word); at < first;
         at = text.find(word, at + 1)) {
      const std::string_view behind = text.substr(at + word.size());
      const bool is_word = (at == 0 || !IsLetter(text[at - 1])) &&
                           (behind.empty() || !IsLetter(behind.front()));
      const auto time = is_word ? FindTime(behind) : std::nullopt;
      if (!time) continue;
      wait = time;
      first = at;
    }
  }
  return wait;
}

OpenAiError ReadOpenAiError(const Json& error) {
  OpenAiError read;
  read.why.code = StringMember(error, "code");
  if (read.why.code.empty()) read.why.code = StringMember(error, "type");
  if (read.why.code.empty()) read.why.code = "error";
  read.why.param = StringMember(error, "param");
  read.why.message = StringMember(error, "message");
  read.why.retry_after = RetryAfterOf(read.why.message);
  if (!read.why.retry_after &&
      (IsLimit(read.why.code) || IsLimit(StringMember(error, "type")))) {
    read.why.retry_after = kDefaultWait;
  }
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

bool IsOfNoResponse(const OpenAiError& error) {
  constexpr std::string_view kCodes[] = {
      "item_", "conversation_item_", "input_audio_buffer_", "response_cancel_"};
  constexpr std::string_view kParams[] = {"audio_end_ms", "content_index",
                                          "item", "previous_item_id"};
  const auto begins = [](std::string_view text) {
    return [text](std::string_view with) { return text.starts_with(with); };
  };
  return std::any_of(std::begin(kCodes), std::end(kCodes),
                     begins(error.why.code)) ||
         std::any_of(std::begin(kParams), std::end(kParams),
                     begins(error.why.param)) ||
         // Of a truncation, which has a code that says nothing.
         error.why.message.find("already shorter than") !=
             std::string_view::npos;
}

bool IsPassing(const OpenAiError& error) {
  return error.why.retry_after || error.is_servers;
}

}  // namespace trunkline::protocol
