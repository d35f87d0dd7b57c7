#include "protocol/services/tool_requests.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "protocol/services/openai_http.h"
#include "protocol/services/weather.h"

namespace trunkline::protocol {
namespace {

// What the shim says of arguments that it refuses; the rest is left out.
constexpr size_t kMaxReasonBytes = 512;
constexpr uint16_t kNoContent = 204;

std::string ErrorOutput(std::string_view error) {
  return PrintJson({{"error", error}});
}

// As a header may have it: what is no letter, digit or one of -_.~ as in a URL.
std::string InHeader(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : text) {
    const bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                          (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
                          c == '.' || c == '~';
    if (is_plain) {
      escaped += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    escaped += '%';
    escaped += kHex[byte >> 4U];
    escaped += kHex[byte & 15U];
  }
  return escaped;
}

bool IsText(std::string_view text) {
  std::string whole;
  if (AppendWellFormed(whole, text, text.size()) != Appended::kAll) {
    return false;
  }
  return whole == text && text.find('\0') == std::string_view::npos;
}

}  // namespace

std::vector<ToolRequests::Request>::iterator ToolRequests::Find(
    ChannelId channel) {
  return std::find_if(
      requests_.begin(), requests_.end(),
      [channel](const Request& one) { return one.channel == channel; });
}

bool ToolRequests::IsOpen(std::string_view call_id) const {
  return std::any_of(
      requests_.begin(), requests_.end(),
      [call_id](const Request& one) { return one.call_id == call_id; });
}

std::optional<ToolRequests::Result> ToolRequests::NextResult() {
  if (results_.empty()) return std::nullopt;
  Result result = std::move(results_.front());
  results_.erase(results_.begin());
  return result;
}

// `body` is what the request's view is of. nullopt: `fault` says why.
std::optional<FetchRequest> ToolRequests::RequestOf(const Call& call, To to,
                                                    std::string& body,
                                                    std::string& fault) const {
  const std::optional<Json> arguments = ParseJson(call.arguments);
  if (!arguments || !arguments->is_object()) {
    fault = "arguments: they are no JSON object";
    return std::nullopt;
  }
  FetchRequest request;
  request.wants = {"content-type"};
  request.timeout = call.due - now();
  request.idle = request.timeout;
  request.max_bytes = kMaxAnswerBytes;
  switch (to) {
    case To::kWebhook:
      request.upstream = "tool:" + std::string(call.name);
      request.path = "/";
      request.headers = {
          {"content-type", "application/json"},
          {"idempotency-key", phone_call_id_ + ':' + InHeader(call.id)}};
      // Printed anew: what is checked is what is sent, each name once.
      body = PrintJson({{"callId", phone_call_id_},
                        {"toolCallId", call.id},
                        {"name", call.name},
                        {"arguments", *arguments},
                        {"atMs", call.at_ms}});
      request.body = {reinterpret_cast<const uint8_t*>(body.data()),
                      body.size()};
      return request;
    case To::kWeather: {
      WeatherRequest weather = AskForWeather(*arguments);
      fault = std::move(weather.fault);
      if (!fault.empty()) return std::nullopt;
      request.upstream = kWeatherUpstream;
      request.method = "GET";
      request.path = std::move(weather.path);
      request.headers = {{"accept", "application/json"}};
      return request;
    }
  }
  return std::nullopt;
}

void ToolRequests::Begin(const Call& call, To to) {
  if (IsOpen(call.id)) return;
  if (call.due <= now()) {
    Refuse(call, "timeout", "the tool did not answer in time");
    return;
  }
  if (requests_.size() == kMaxOpen) {
    Refuse(call, "busy", "too many tools at a time");
    return;
  }
  std::string body;
  std::string fault;
  const std::optional<FetchRequest> request = RequestOf(call, to, body, fault);
  if (!request) {
    Refuse(call, "refused", fault);
    return;
  }
  const std::optional<ChannelId> channel = channels_.Fetch(*request);
  if (!channel) {
    Refuse(call, "busy", "too many tools at a time");
    return;
  }
  requests_.push_back(
      {*channel, std::string(call.id), to, now(), call.due, 0, false, {}});
}

void ToolRequests::End() {
  for (const Request& request : requests_) channels_.Abort(request.channel);
  requests_.clear();
  results_.clear();
}

void ToolRequests::Refuse(const Call& call, const char* failure,
                          std::string_view error) {
  ToolRequestFacts facts;
  facts.failure = failure;
  results_.push_back(
      {std::string(call.id), ErrorOutput(error), std::move(facts)});
}

void ToolRequests::Finish(std::vector<Request>::iterator request,
                          std::string output, const char* failure) {
  ToolRequestFacts facts;
  facts.latency_ms = (now() - request->began).ms();
  facts.status = request->status;
  facts.failure = failure;
  results_.push_back(
      {std::move(request->call_id), std::move(output), std::move(facts)});
  requests_.erase(request);
}

void ToolRequests::Fail(std::vector<Request>::iterator request,
                        const char* failure, std::string_view error) {
  Finish(request, ErrorOutput(error), failure);
}

void ToolRequests::GiveUp(std::vector<Request>::iterator request,
                          const char* failure, std::string_view error) {
  channels_.Abort(request->channel);
  Fail(request, failure, error);
}

void ToolRequests::OnHttpHeaders(ChannelId channel, uint16_t status,
                                 const Json& headers) {
  const auto request = Find(channel);
  if (request == requests_.end()) return;
  request->status = status;
  if (!IsGoodStatus(status)) {
    // What it says besides is for people.
    GiveUp(request, "status",
           "the tool answered with status " + std::to_string(status));
    return;
  }
  // It has done what it was asked for, and has nothing to say.
  if (status == kNoContent && request->to == To::kWebhook) {
    channels_.Abort(request->channel);
    Finish(request, "{}", "");
    return;
  }
  const std::string type = MediaTypeOf(headers);
  request->is_json = IsJsonType(type);
  const bool is_text = type.starts_with("text/") && !IsMarkupType(type);
  if (!request->is_json && !is_text) {
    GiveUp(request, "type", "the tool's answer is neither JSON nor text");
  }
}

void ToolRequests::OnHttpChunk(ChannelId channel,
                               std::span<const uint8_t> bytes) {
  const auto request = Find(channel);
  if (request == requests_.end()) return;
  if (bytes.size() > kMaxAnswerBytes - request->body.size()) {
    channels_.Abort(channel);
    OnHttpFailed(channel, HttpFailure::kTooLarge, {});
    return;
  }
  request->body.append(reinterpret_cast<const char*>(bytes.data()),
                       bytes.size());
}

void ToolRequests::OnHttpDone(ChannelId channel) {
  const auto request = Find(channel);
  if (request == requests_.end()) return;
  const std::string& body = request->body;
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) {
    Fail(request, "empty", "the tool's answer is empty");
    return;
  }
  if (!request->is_json) {
    if (IsText(body) && request->to == To::kWebhook) {
      Finish(request, std::move(request->body), "");
    } else {
      Fail(request, "type", "the tool's answer is neither JSON nor text");
    }
    return;
  }
  const std::optional<Json> json = ParseJson(body);
  if (!json) {
    Fail(request, "json", "the tool's answer is no JSON");
    return;
  }
  std::optional<std::string> output = request->to == To::kWeather
                                          ? ReadWeather(*json)
                                          : std::optional(PrintJson(*json));
  if (!output) {
    Fail(request, "json", "the tool's answer is not what it must be");
    return;
  }
  Finish(request, *std::move(output), "");
}

void ToolRequests::OnHttpFailed(ChannelId channel, HttpFailure failure,
                                std::string_view reason) {
  const auto request = Find(channel);
  if (request == requests_.end()) return;
  switch (failure) {
    case HttpFailure::kUpstream:
      Fail(request, ToString(failure), "the tool is not configured");
      return;
    case HttpFailure::kNetwork:
      Fail(request, ToString(failure), "the tool was not reached");
      return;
    case HttpFailure::kTimeout:
      Fail(request, ToString(failure), "the tool did not answer in time");
      return;
    case HttpFailure::kTooLarge:
      Fail(request, ToString(failure),
           "the tool's answer is longer than 16384 bytes");
      return;
    case HttpFailure::kRefused:
      Fail(request, ToString(failure), CutText(reason, kMaxReasonBytes));
      return;
  }
}

Instant ToolRequests::deadline() const {
  Instant next = Instant::Never();
  for (const Request& request : requests_) next = std::min(next, request.due);
  return next;
}

void ToolRequests::OnDeadline() {
  while (true) {
    const auto due = std::find_if(
        requests_.begin(), requests_.end(),
        [this](const Request& request) { return request.due <= now(); });
    if (due == requests_.end()) return;
    GiveUp(due, "timeout", "the tool did not answer in time");
  }
}

}  // namespace trunkline::protocol
