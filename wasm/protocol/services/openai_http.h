#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "protocol/channels.h"
#include "protocol/services/service.h"

// What the exchanges with OpenAI's REST APIs, and with servers that speak like
// them, have in common. Source: the openai npm package 7.55.0 (core/error.js,
// client.js) and what such servers send.

namespace trunkline::protocol {

// The response headers that are read here.
std::vector<std::string> OpenAiResponseHeaders();

// Ends the exchange on `channel`, if there is one; then there is none.
void AbortExchange(Channels& channels, std::optional<ChannelId>& channel);

// The answer is no error.
constexpr bool IsGoodStatus(uint16_t status) {
  return status >= 200 && status < 300;
}

// The content type without its parameters, in lower case; "" if it is not said.
std::string MediaTypeOf(const Json& headers);
bool IsJsonType(std::string_view media_type);
// A page for people: what a proxy, or a wrong address, answers with.
bool IsMarkupType(std::string_view media_type);

// How long to wait, by `retry-after-ms`, else by `retry-after` in seconds. At
// most an hour. nullopt if they say nothing, or a date: the core has no
// calendar.
std::optional<Duration> RetryAfterHeader(const Json& headers);

// Why an exchange brought nothing, or not all: an answer that is an error, an
// error inside of a good answer, no answer. Owns its texts.
//
// An error body may be {"error":{...}}, {"error":"text"}, an error object by
// itself, a list of one, a page or a line of text. Its class follows from the
// status: 408, 409, 429 and all from 500 on may do better the next time, unless
// the code says that the account, the key or the model is at fault.
class OpenAiFailure {
 public:
  // As much of an error body is read. It is enough for every error object; what
  // is behind it is dropped.
  static constexpr size_t kMaxBodyBytes = size_t{8} * 1024;
  // As much of a body that is no JSON becomes the message.
  static constexpr size_t kMaxMessageBytes = 512;

  // An answer: what comes of its body is read for what it says, by OnAnswer()
  // at its end.
  void Begin(uint16_t status, const Json& headers);
  // False as soon as there is enough of it.
  bool OnBody(std::span<const uint8_t> bytes);
  void OnAnswer();

  // An error object, or what holds one, inside of an answer.
  void OnError(const Json& body);
  void OnExchange(HttpFailure failure, std::string_view reason);
  void Set(std::string_view code, Loss loss);

  const std::string& code() const { return code_; }
  // Valid until the next call.
  ServiceFailed Read() const;

 private:
  // `fallback` is the code of an error that has none.
  void Take(const Json& body, std::string_view fallback);

  uint16_t status_ = 0;
  std::optional<Duration> retry_after_;
  std::string body_;

  Loss loss_ = Loss::kRetryable;
  std::string code_;
  std::string param_;
  std::string message_;
};

}  // namespace trunkline::protocol
