#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "protocol/channels.h"
#include "support/world/clock.h"
#include "support/world/link.h"

namespace trunkline::session {
class Session;
}  // namespace trunkline::session

namespace trunkline::test {

// Feeds an input to the session at the clock's time.
using FeedSession =
    std::function<void(const std::function<void(session::Session&, Instant)>&)>;

// An HTTP request as it arrives.
struct SentRequest {
  std::string upstream;
  std::string path;
  std::string body;
  // Of a form, the bytes of its file.
  std::string file;
  // How long the network waits for headers, and between two chunks.
  Duration timeout;
  Duration idle;
};

// A provider, as far as the network knows it: what comes to it.
class Provider {
 public:
  // One that looks at no more than the body has OnFetch() alone.
  virtual void OnRequest(protocol::ChannelId channel,
                         const SentRequest& request) {
    OnFetch(channel, request.upstream, request.body);
  }
  // A socket is wanted, or an exchange; answered by Upstreams.
  virtual void OnConnect(protocol::ChannelId channel,
                         const protocol::ConnectRequest& request) = 0;
  virtual void OnFetch(protocol::ChannelId channel, const std::string& upstream,
                       const std::string& body) = 0;
  virtual void OnMessage(protocol::ChannelId channel,
                         const Message& message) = 0;
  // The gateway closed the socket.
  virtual void OnClosed(protocol::ChannelId channel) = 0;

 protected:
  ~Provider() = default;
};

// The network between the gateway and its providers: sockets and HTTP exchanges
// by their channels, each with a delay either way.
class Upstreams {
 public:
  // `delay` is one way, and is looked at whenever something is sent.
  Upstreams(Clock& clock, const Duration& delay, FeedSession feed)
      : clock_(clock), delay_(delay), feed_(std::move(feed)) {}
  Upstreams(const Upstreams&) = delete;
  Upstreams& operator=(const Upstreams&) = delete;

  // Takes what comes for tools, upstreams "tool:NAME" and "weather", which a
  // test answers itself; without it nobody does.
  std::function<void(protocol::ChannelId channel,
                     const protocol::FetchRequest& request,
                     const std::string& body)>
      tools;

  // Who gets what comes; before anything does.
  void SetProvider(Provider& provider) { provider_ = &provider; }
  // Who gets what is for upstreams of names that begin so instead. `chosen` is
  // called whenever one is asked for.
  void AddProvider(std::string upstream, Provider& provider,
                   std::function<void()> chosen = {}) {
    routes_.push_back({std::move(upstream), &provider, std::move(chosen)});
  }

  // From the gateway, the effects of the same names.
  void Connect(protocol::ChannelId channel,
               const protocol::ConnectRequest& request);
  void Send(protocol::ChannelId channel, Message message);
  void Close(protocol::ChannelId channel);
  void Fetch(protocol::ChannelId channel,
             const protocol::FetchRequest& request);
  void AbortFetch(protocol::ChannelId channel);
  void Credit(protocol::ChannelId channel, uint32_t bytes);

  // From the provider. Open, Refuse and Drop are felt at once.
  void Open(protocol::ChannelId channel, std::string_view subprotocol);
  void Refuse(protocol::ChannelId channel, uint16_t http_status);
  void Tell(protocol::ChannelId channel, Message message);
  void Drop(protocol::ChannelId channel, uint16_t code,
            std::string_view reason = {});
  // Headers, the body as there is credit for it, and its end, after so long.
  void Answer(protocol::ChannelId channel, uint16_t status, const Json& headers,
              const std::string& body, Duration after);
  // The same, but that it does not end.
  void AnswerPart(protocol::ChannelId channel, uint16_t status,
                  const Json& headers, const std::string& body, Duration after);
  void Fail(protocol::ChannelId channel, protocol::HttpFailure failure,
            std::string_view reason = {});

  bool IsOpen(protocol::ChannelId channel) const;
  // The exchange goes on: nobody has ended it.
  bool IsAwaited(protocol::ChannelId channel) const;
  // Whether a socket is, or an exchange goes on.
  bool any_open() const;
  // Messages to a socket that was not open, or no more; must stay 0.
  int stray_messages() const { return stray_messages_; }
  // Sockets and exchanges that were asked for and neither ended nor were ended.
  int dangling() const;
  // The channels that were asked for, in order.
  const std::vector<protocol::ChannelId>& sockets() const { return sockets_; }
  const std::vector<protocol::ChannelId>& exchanges() const {
    return exchanges_;
  }

 private:
  // What leads to the provider, and what leads back.
  struct Socket {
    Provider* provider = nullptr;
    bool open = false;
    bool closed = false;  // by the gateway
    bool over = false;    // by the provider, and the gateway knows
    std::unique_ptr<Link> there;
    std::unique_ptr<Link> back;
  };
  struct Exchange {
    bool open = true;
    // Bytes that may be sent; nullopt for any number.
    std::optional<int64_t> credit;
    bool answered = false;
    std::string body;
    bool told_end = false;
    // Nothing follows the body, and it does not end.
    bool stalls = false;
  };

  struct Route {
    std::string upstream;
    Provider* provider = nullptr;
    std::function<void()> chosen;
  };

  // Of what is asked for now.
  Provider& ProviderOf(const std::string& upstream) const;
  void SendBody(protocol::ChannelId channel);

  Clock& clock_;
  const Duration& delay_;
  const FeedSession feed_;
  Provider* provider_ = nullptr;
  std::vector<Route> routes_;
  int stray_messages_ = 0;
  std::map<protocol::ChannelId, Socket> by_socket_;
  std::map<protocol::ChannelId, Exchange> by_exchange_;
  std::vector<protocol::ChannelId> sockets_;
  std::vector<protocol::ChannelId> exchanges_;
};

}  // namespace trunkline::test
