#include "protocol/services/openai_http.h"

#include <algorithm>

#include "base/utf8.h"
#include "protocol/agents/openai_error.h"

namespace trunkline::protocol {
namespace {

constexpr Duration kLongestRetryAfter = Duration::Millis(3'600'000);

// Workers AI's code for a day's allowance that is used up. It is answered with
// 429, as a lack of capacity is, which passes.
constexpr int64_t kAllowanceUsedUp = 3036;

constexpr std::string_view kWhiteSpace = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

char ToLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// The whole part of a decimal number; nullopt if it is none.
std::optional<int64_t> WholePart(std::string_view text) {
  text = Trim(text);
  const size_t point = text.find('.');
  if (point != std::string_view::npos) {
    const std::string_view rest = text.substr(point + 1);
    if (rest.find_first_not_of("0123456789") != std::string_view::npos) {
      return std::nullopt;
    }
  }
  return ParseDecimal(text.substr(0, point));
}

bool MayPass(int64_t status) {
  return status == 409 || status >= 500 ||
         IsRetryableStatus(static_cast<uint16_t>(status));
}

bool IsErrorStatus(int64_t status) { return status >= 400 && status < 600; }

// What `body` says the error is: an object, or a text; nullptr if nothing.
const Json* ErrorIn(const Json& body) {
  // Gemini's compatible endpoint sends a list of one.
  if (body.is_array()) return body.empty() ? nullptr : ErrorIn(body.front());
  // Workers AI's own.
  if (const Json* errors = FindMember(body, "errors");
      errors != nullptr && errors->is_array() && !errors->empty()) {
    return &errors->front();
  }
  const Json* error = FindMember(body, "error");
  if (error != nullptr && (error->is_object() || error->is_string())) {
    return error;
  }
  return body.is_object() ? &body : nullptr;
}

// Of a page its title; of other texts all.
std::string_view MessageIn(std::string_view text) {
  if (!text.starts_with('<')) return text;
  constexpr std::string_view kTitle = "<title>";
  const size_t begin = text.find(kTitle);
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin + kTitle.size());
  return Trim(text.substr(0, text.find('<')));
}

}  // namespace

std::vector<std::string> OpenAiResponseHeaders() {
  return {"content-type", "retry-after", "retry-after-ms"};
}

void AbortExchange(Channels& channels, std::optional<ChannelId>& channel) {
  if (channel) channels.Abort(*channel);
  channel.reset();
}

std::string MediaTypeOf(const Json& headers) {
  std::string_view type = StringMember(headers, "content-type");
  type = Trim(type.substr(0, type.find(';')));
  std::string lower(type);
  std::transform(lower.begin(), lower.end(), lower.begin(), ToLower);
  return lower;
}

bool IsJsonType(std::string_view media_type) {
  return media_type == "application/json" || media_type.ends_with("+json");
}

bool IsMarkupType(std::string_view media_type) {
  return media_type == "text/html" || media_type.ends_with("/xml") ||
         media_type.ends_with("+xml");
}

std::optional<Duration> RetryAfterHeader(const Json& headers) {
  struct Header {
    const char* name;
    int64_t unit_ms;
  };
  for (const auto& [name, unit_ms] :
       {Header{"retry-after-ms", 1}, Header{"retry-after", 1000}}) {
    const auto value = WholePart(StringMember(headers, name));
    if (!value) continue;
    return Duration::Millis(
        std::min(*value, kLongestRetryAfter.ms() / unit_ms) * unit_ms);
  }
  return std::nullopt;
}

void OpenAiFailure::Begin(uint16_t status, const Json& headers) {
  *this = {};
  status_ = status;
  retry_after_ = RetryAfterHeader(headers);
}

bool OpenAiFailure::OnBody(std::span<const uint8_t> bytes) {
  const size_t room = kMaxBodyBytes - body_.size();
  body_.append(reinterpret_cast<const char*>(bytes.data()),
               std::min(room, bytes.size()));
  return body_.size() < kMaxBodyBytes;
}

void OpenAiFailure::OnAnswer() {
  const bool good = IsGoodStatus(status_);
  // A good status with a body that is of the wrong kind.
  const std::string fallback =
      good ? "contentType" : "http" + std::to_string(status_);
  const std::optional<Json> json = ParseJson(body_);
  if (json && ErrorIn(*json) != nullptr) {
    Take(*json, fallback);
    return;
  }
  code_ = fallback;
  loss_ = good || MayPass(status_) ? Loss::kRetryable : Loss::kFatal;
  AppendWellFormed(message_, MessageIn(Trim(body_)), kMaxMessageBytes);
}

void OpenAiFailure::OnError(const Json& body) {
  *this = {};
  Take(body, "error");
}

void OpenAiFailure::Take(const Json& body, std::string_view fallback) {
  const Json* found = ErrorIn(body);
  int64_t status = status_;
  code_ = fallback;
  if (found != nullptr && found->is_string()) {
    message_ = *found->get_ptr<const std::string*>();
  } else if (found != nullptr) {
    const OpenAiError error = ReadOpenAiError(*found);
    // Some put the status into the code.
    const int64_t number = IntegerMember(*found, "code").value_or(0);
    if (IsErrorStatus(number) && !IsErrorStatus(status)) status = number;
    const bool has_code = !StringMember(*found, "code").empty() ||
                          !StringMember(*found, "type").empty();
    if (has_code) {
      code_ = error.why.code;
    } else if (IsErrorStatus(number)) {
      code_ = "http" + std::to_string(number);
    }
    param_ = error.why.param;
    message_ = error.why.message;
    // Deepgram's names, and those of others.
    for (const char* key : {"err_code", "category"}) {
      if (!has_code && !StringMember(*found, key).empty()) {
        code_ = StringMember(*found, key);
      }
    }
    for (const char* key : {"detail", "err_msg", "details"}) {
      if (message_.empty()) message_ = StringMember(*found, key);
    }
    // Numbers of its own, where Workers AI gives them.
    if (!has_code && number > 0 && !IsErrorStatus(number)) {
      code_ = std::to_string(number);
      if (number == kAllowanceUsedUp) loss_ = Loss::kFatal;
    }
    if (!retry_after_) retry_after_ = error.why.retry_after;
    if (error.fatal) loss_ = Loss::kFatal;
  }
  // Inside of a good answer there is no status to judge by.
  if (status >= 300 && !MayPass(status)) loss_ = Loss::kFatal;
}

void OpenAiFailure::OnExchange(HttpFailure failure, std::string_view reason) {
  // What is not configured stays so.
  Set(ToString(failure),
      failure == HttpFailure::kUpstream ? Loss::kFatal : Loss::kRetryable);
  AppendWellFormed(message_, reason, kMaxMessageBytes);
}

void OpenAiFailure::Set(std::string_view code, Loss loss) {
  *this = {};
  loss_ = loss;
  code_ = code;
}

ServiceFailed OpenAiFailure::Read() const {
  return {loss_,
          {.code = code_,
           .param = param_,
           .message = message_,
           .retry_after = retry_after_}};
}

}  // namespace trunkline::protocol
