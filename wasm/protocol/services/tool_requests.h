#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "protocol/channels.h"
#include "protocol/services/service.h"

namespace trunkline::protocol {

// The calls of tools that the gateway makes itself, one HTTP exchange each: a
// POST to the tool's webhook, the upstream `tool:NAME`, or the gateway's own
// request for the weather. docs/boundary.md shows what is sent.
//
// Every call that is begun has one result, unless it is taken back. The result
// is what the tool answered with a 2xx, as JSON or text; anything else is an
// error that says to the model what happened, {"error":"..."}. A redirect is
// an answer that is no 2xx.
class ToolRequests final : public Service {
 public:
  // Exchanges at a time. Overflow: the call has an error at once.
  static constexpr size_t kMaxOpen = 8;
  // An answer. A longer one is an error, not a part of it.
  static constexpr size_t kMaxAnswerBytes = size_t{16} * 1024;

  enum class To : uint8_t { kWebhook, kWeather };

  // Views that are valid during the call only.
  struct Call {
    std::string_view id;
    std::string_view name;
    // JSON text, as the model made it.
    std::string_view arguments;
    // When the agent called it, on the call's clock. The same call, made again
    // by another session, has the same body and the same key.
    int64_t at_ms = 0;
    // No result comes later.
    Instant due;
  };
  struct Result {
    std::string call_id;
    std::string output;
    ToolRequestFacts facts;
  };

  // `channels` is borrowed for the life of the object. `phone_call_id` is the
  // call's own id.
  ToolRequests(std::string phone_call_id, Channels& channels)
      : phone_call_id_(std::move(phone_call_id)), channels_(channels) {}

  // A call that is open already is the same one.
  void Begin(const Call& call, To to);
  // Aborts all of them; nothing more comes.
  void End();
  bool IsOpen(std::string_view call_id) const;
  std::optional<Result> NextResult();

  void OnHttpHeaders(ChannelId channel, uint16_t status,
                     const Json& headers) override;
  void OnHttpChunk(ChannelId channel, std::span<const uint8_t> bytes) override;
  void OnHttpDone(ChannelId channel) override;
  void OnHttpFailed(ChannelId channel, HttpFailure failure,
                    std::string_view reason) override;
  Instant deadline() const override;
  void OnDeadline() override;

 private:
  struct Request {
    ChannelId channel{};
    std::string call_id;
    To to = To::kWebhook;
    Instant began;
    Instant due;
    uint16_t status = 0;
    bool is_json = false;
    std::string body;
  };

  std::vector<Request>::iterator Find(ChannelId channel);
  std::optional<FetchRequest> RequestOf(const Call& call, To to,
                                        std::string& body,
                                        std::string& fault) const;
  // Its result is why there is none; GiveUp: and it is aborted.
  void GiveUp(std::vector<Request>::iterator request, const char* failure,
              std::string_view error);
  void Fail(std::vector<Request>::iterator request, const char* failure,
            std::string_view error);
  void Refuse(const Call& call, const char* failure, std::string_view error);
  void Finish(std::vector<Request>::iterator request, std::string output,
              const char* failure);

  const std::string phone_call_id_;
  Channels& channels_;
  std::vector<Request> requests_;
  std::vector<Result> results_;
};

}  // namespace trunkline::protocol
