#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "protocol/channels.h"
#include "protocol/services/service.h"

namespace trunkline::protocol {

inline std::span<const uint8_t> ToBytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::string ToString(std::span<const uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

// "lost CODE" or "fatal CODE", what else is known of it, and how long to wait.
inline std::string ToLine(const ServiceFailed& failed) {
  std::string line = failed.loss == Loss::kRetryable ? "lost" : "fatal";
  for (const std::string_view word :
       {failed.why.code, failed.why.param, failed.why.message}) {
    if (!word.empty()) (line += ' ') += word;
  }
  if (failed.why.retry_after) {
    line += " after " + std::to_string(failed.why.retry_after->ms());
  }
  return line;
}

// What a service asked for by HTTP, copied. Channels are numbered from 1.
class Exchanges final : public Channels {
 public:
  struct Part {
    std::string name;
    std::optional<std::string> file_name;
    std::string content_type;
    std::string bytes;
  };
  struct Request {
    // Without its body and parts.
    FetchRequest fetch;
    std::string body;
    std::vector<Part> parts;
    bool aborted = false;
    uint64_t credit = 0;
  };

  std::optional<ChannelId> Connect(const ConnectRequest& /*request*/) override {
    return std::nullopt;
  }
  std::optional<ChannelId> Fetch(const FetchRequest& fetch) override {
    if (full || fetch.body_bytes() > FetchRequest::kMaxBodyBytes) {
      return std::nullopt;
    }
    Request request;
    request.fetch = fetch;
    request.fetch.body = {};
    request.fetch.parts.clear();
    request.body = ToString(fetch.body);
    for (const FetchRequest::Part& part : fetch.parts) {
      request.parts.push_back(
          {part.name, part.file_name, part.content_type, ToString(part.bytes)});
    }
    requests.push_back(std::move(request));
    return newest();
  }
  void SendText(ChannelId /*channel*/, std::string_view /*text*/) override {}
  void SendBinary(ChannelId /*channel*/,
                  std::span<const uint8_t> /*bytes*/) override {}
  void Close(ChannelId /*channel*/, uint16_t /*code*/,
             std::string_view /*reason*/) override {}
  void Abort(ChannelId channel) override { Of(channel).aborted = true; }
  void Credit(ChannelId channel, uint32_t bytes) override {
    Of(channel).credit += bytes;
  }

  ChannelId newest() const {
    return ChannelId{static_cast<uint16_t>(requests.size())};
  }
  Request& Of(ChannelId channel) {
    return requests.at(static_cast<size_t>(channel) - 1);
  }
  Json NewestJson() const { return Json::parse(requests.back().body); }

  std::vector<Request> requests;
  // As if too many channels were open.
  bool full = false;
};

}  // namespace trunkline::protocol
