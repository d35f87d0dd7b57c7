#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace trunkline::protocol {

// One socket or one HTTP exchange of the core with the outside.
enum class ChannelId : uint16_t {};

// The leg's socket. It is not asked for: it comes, or the call has none.
inline constexpr ChannelId kLegChannel{0};

// A WebSocket that is wanted. Answered by "opened" or "closed" on its channel.
struct ConnectRequest {
  std::string upstream;  // a name of the shim's configuration: "openai"
  std::string path;      // path and query, from the slash on
  std::vector<std::string> protocols;
};

// An HTTP request. Answered on its channel by headers, chunks and "done", any
// of which "failed" may replace. Texts are owned, bodies borrowed: they must
// live until Channels::Fetch() has returned.
struct FetchRequest {
  // Of `body`, or of all parts: a minute of linear 16 at 16 kHz. A longer one
  // is refused.
  static constexpr size_t kMaxBodyBytes = size_t{2} * 1024 * 1024;

  struct Header {
    std::string name;
    std::string value;
  };
  // One field of a form (multipart/form-data). With a file name it is a file.
  struct Part {
    std::string name;
    std::optional<std::string> file_name;
    std::string content_type;
    std::span<const uint8_t> bytes;
  };

  std::string upstream;
  std::string method = "POST";
  std::string path;
  // No credentials: the shim has them, and its own win.
  std::vector<Header> headers;
  // Response headers to be told, in lower case; no other one comes.
  std::vector<std::string> wants;
  // From the request to the answer's headers.
  Duration timeout = Duration::Millis(10'000);
  // Between two chunks, while there is credit.
  Duration idle = Duration::Millis(10'000);
  // The longest response body; beyond it the exchange fails as kTooLarge.
  uint32_t max_bytes = 1024 * 1024;
  // Bytes of the response that come before the first Credit(); 0: all of them,
  // without any.
  uint32_t window = 0;
  std::span<const uint8_t> body;
  // A form in the place of `body`, unless empty.
  std::vector<Part> parts;

  // Bytes that follow the JSON of the effect.
  size_t body_bytes() const;
};

// Why an exchange has no, or no whole, answer; the values are those of
// trunkline.h.
enum class HttpFailure : uint8_t {
  kUpstream = 0,  // unknown, or not configured
  kNetwork = 1,   // not reached, or broken off
  kTimeout = 2,   // no headers within `timeout`, or no chunk within `idle`
  kTooLarge = 3,  // longer than `max_bytes`
  kRefused = 4,   // not sent: it is not what the upstream takes; the reason is
                  // for whoever made it
};

const char* ToString(HttpFailure failure);

// How a codec reaches the outside. What it asks for has no answer before the
// next input. A channel that is not open, or another part's, takes nothing:
// its end may have crossed with what was sent.
class Channels {
 public:
  // nullopt if too many channels are open, or the body is too long: the request
  // has failed, and nothing else will be heard of it.
  virtual std::optional<ChannelId> Connect(const ConnectRequest& request) = 0;
  virtual std::optional<ChannelId> Fetch(const FetchRequest& request) = 0;

  // To a socket. Before it has opened, what is sent is lost.
  virtual void SendText(ChannelId channel, std::string_view text) = 0;
  virtual void SendBinary(ChannelId channel,
                          std::span<const uint8_t> bytes) = 0;
  // Ends a socket, or the attempt to open one. Nothing more comes from it.
  virtual void Close(ChannelId channel, uint16_t code,
                     std::string_view reason) = 0;
  // Ends an exchange. Nothing more comes from it.
  virtual void Abort(ChannelId channel) = 0;
  // So many bytes of the response have been used up: as many more may come.
  virtual void Credit(ChannelId channel, uint32_t bytes) = 0;

 protected:
  ~Channels() = default;
};

}  // namespace trunkline::protocol
