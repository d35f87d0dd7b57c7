#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

namespace trunkline::protocol {

// One socket or one HTTP exchange of the core with the outside, as the boundary
// numbers it.
enum class ChannelId : uint16_t {};

// The leg's socket. Every other channel has a number above it.
inline constexpr ChannelId kLegChannel{0};

// A socket to be opened. Views are copied before the call returns.
struct ConnectRequest {
  // A key of the shim's configuration, never a host: "openai".
  std::string_view upstream;
  std::string_view path;      // path and query
  std::string_view protocol;  // WebSocket subprotocol, may be empty
};

// One part of a multipart body.
struct FetchPart {
  std::string_view name;
  std::string_view filename;      // "" = a plain field
  std::string_view content_type;  // "" = none is said
  std::span<const uint8_t> bytes;
};

// An HTTP exchange to be begun. Views are copied before the call returns.
struct FetchRequest {
  std::string_view upstream;
  std::string_view method = "POST";
  std::string_view path;  // path and query
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  // Response headers that are wanted, lower case.
  std::vector<std::string_view> wants;
  // To the response's headers, and from one of its chunks to the next.
  Duration timeout = Duration::Millis(15'000);
  Duration idle = Duration::Millis(15'000);
  // The longest response; a longer one fails.
  uint32_t max_bytes = 16U * 1024 * 1024;
  // Bytes of the response that may be delivered before Credit() grants more; 0
  // needs no credit.
  uint32_t window = 0;
  // Either a body or parts.
  std::span<const uint8_t> body;
  std::vector<FetchPart> parts;
};

// What a codec may do with the outside. What comes of it reaches the codec as
// its own inputs, never from inside of one of these calls.
class Channels {
 public:
  // nullopt: too many channels are open; nothing was done.
  virtual std::optional<ChannelId> Connect(const ConnectRequest& request) = 0;
  virtual std::optional<ChannelId> Fetch(const FetchRequest& request) = 0;
  // Bytes are copied before the call returns. What is sent on a channel that is
  // not open is dropped.
  virtual void SendText(ChannelId channel, std::string_view text) = 0;
  virtual void SendBinary(ChannelId channel,
                          std::span<const uint8_t> bytes) = 0;
  // Closes a socket. Nothing comes from it any more.
  virtual void Close(ChannelId channel, uint16_t code,
                     std::string_view reason) = 0;
  // Ends an HTTP exchange; the peer sees its connection end. Nothing comes from
  // it any more.
  virtual void Abort(ChannelId channel) = 0;
  // `bytes` of the response have been taken in.
  virtual void Credit(ChannelId channel, uint32_t bytes) = 0;

 protected:
  ~Channels() = default;
};

}  // namespace trunkline::protocol
