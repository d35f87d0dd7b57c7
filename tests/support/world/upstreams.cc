#include "support/world/upstreams.h"

#include <algorithm>
#include <utility>

#include "session/session.h"

namespace trunkline::test {

using protocol::ChannelId;
using session::Session;

Provider& Upstreams::ProviderOf(const std::string& upstream) const {
  for (const Route& route : routes_) {
    if (!upstream.starts_with(route.upstream)) continue;
    if (route.chosen) route.chosen();
    return *route.provider;
  }
  return *provider_;
}

void Upstreams::Connect(ChannelId channel,
                        const protocol::ConnectRequest& request) {
  sockets_.push_back(channel);
  Socket& socket = by_socket_[channel];
  socket.there =
      std::make_unique<Link>(clock_, delay_, [this, channel](const Message& m) {
        if (IsOpen(channel))
          by_socket_[channel].provider->OnMessage(channel, m);
      });
  socket.back =
      std::make_unique<Link>(clock_, delay_, [this, channel](const Message& m) {
        if (!IsOpen(channel)) return;
        feed_([&](Session& session, Instant now) {
          if (m.kind == Message::Kind::kBinary) {
            session.OnBinary(channel,
                             {reinterpret_cast<const uint8_t*>(m.bytes.data()),
                              m.bytes.size()},
                             now);
          } else {
            session.OnText(channel, m.bytes, now);
          }
        });
      });
  clock_.After(delay_, [this, channel, request] {
    // A close may have overtaken it.
    if (by_socket_[channel].closed) return;
    Provider& provider = ProviderOf(request.upstream);
    by_socket_[channel].provider = &provider;
    provider.OnConnect(channel, request);
  });
}

void Upstreams::Send(ChannelId channel, Message message) {
  const auto socket = by_socket_.find(channel);
  if (socket == by_socket_.end() || !socket->second.open) ++stray_messages_;
  if (socket != by_socket_.end())
    socket->second.there->Send(std::move(message));
}

void Upstreams::Close(ChannelId channel) {
  const auto socket = by_socket_.find(channel);
  if (socket == by_socket_.end()) return;
  const bool was_open = socket->second.open;
  socket->second.open = false;
  socket->second.closed = true;
  socket->second.there->Break();
  socket->second.back->Break();
  if (was_open) socket->second.provider->OnClosed(channel);
}

void Upstreams::Fetch(ChannelId channel,
                      const protocol::FetchRequest& request) {
  exchanges_.push_back(channel);
  Exchange& exchange = by_exchange_[channel];
  if (request.window != 0) exchange.credit = request.window;
  const std::string body(request.body.begin(), request.body.end());
  if (request.upstream.starts_with("tool:") || request.upstream == "weather") {
    protocol::FetchRequest copy = request;
    copy.body = {};
    clock_.After(delay_, [this, channel, copy = std::move(copy), body] {
      if (by_exchange_[channel].open && tools) tools(channel, copy, body);
    });
    return;
  }
  SentRequest sent = {request.upstream, request.path, body, {},
                      request.timeout,  request.idle};
  for (const protocol::FetchRequest::Part& part : request.parts) {
    if (part.file_name) sent.file.assign(part.bytes.begin(), part.bytes.end());
  }
  clock_.After(delay_, [this, channel, sent = std::move(sent)] {
    if (by_exchange_[channel].open) {
      ProviderOf(sent.upstream).OnRequest(channel, sent);
    }
  });
}

void Upstreams::AbortFetch(ChannelId channel) {
  by_exchange_[channel].open = false;
}

void Upstreams::Credit(ChannelId channel, uint32_t bytes) {
  Exchange& exchange = by_exchange_[channel];
  if (exchange.credit) *exchange.credit += bytes;
  SendBody(channel);
}

void Upstreams::Open(ChannelId channel, std::string_view subprotocol) {
  by_socket_[channel].open = true;
  feed_([&](Session& session, Instant now) {
    session.OnOpened(channel, subprotocol, now);
  });
}

void Upstreams::Refuse(ChannelId channel, uint16_t http_status) {
  by_socket_[channel].over = true;
  feed_([&](Session& session, Instant now) {
    session.OnClosed(channel, 1006, http_status, "", now);
  });
}

void Upstreams::Tell(ChannelId channel, Message message) {
  if (IsOpen(channel)) by_socket_[channel].back->Send(std::move(message));
}

void Upstreams::Drop(ChannelId channel, uint16_t code,
                     std::string_view reason) {
  Socket& socket = by_socket_[channel];
  if (!std::exchange(socket.open, false)) return;
  socket.over = true;
  socket.there->Break();
  socket.back->Break();
  feed_([&](Session& session, Instant now) {
    session.OnClosed(channel, code, 0, reason, now);
  });
}

void Upstreams::Answer(ChannelId channel, uint16_t status, const Json& headers,
                       const std::string& body, Duration after) {
  clock_.After(after + delay_, [this, channel, status, headers, body] {
    Exchange& exchange = by_exchange_[channel];
    if (!exchange.open) return;
    exchange.answered = true;
    exchange.body = body;
    feed_([&](Session& session, Instant now) {
      session.OnHttpHeaders(channel, status, headers, now);
    });
    SendBody(channel);
  });
}

void Upstreams::AnswerPart(ChannelId channel, uint16_t status,
                           const Json& headers, const std::string& body,
                           Duration after) {
  by_exchange_[channel].stalls = true;
  Answer(channel, status, headers, body, after);
}

void Upstreams::SendBody(ChannelId channel) {
  Exchange& exchange = by_exchange_[channel];
  if (!exchange.open || !exchange.answered || exchange.told_end) return;
  if (exchange.body.empty()) {
    if (exchange.stalls) return;
    exchange.told_end = true;
    clock_.After(delay_, [this, channel] {
      if (!std::exchange(by_exchange_[channel].open, false)) return;
      feed_([&](Session& session, Instant now) {
        session.OnHttpDone(channel, now);
      });
    });
    return;
  }
  constexpr int64_t kMaxChunkBytes = int64_t{64} * 1024;
  const int64_t count =
      std::min({static_cast<int64_t>(exchange.body.size()), kMaxChunkBytes,
                exchange.credit.value_or(kMaxChunkBytes)});
  if (count <= 0) return;
  const std::string chunk = exchange.body.substr(0, static_cast<size_t>(count));
  exchange.body.erase(0, chunk.size());
  if (exchange.credit) *exchange.credit -= count;
  clock_.After(delay_, [this, channel, chunk] {
    if (!by_exchange_[channel].open) return;
    feed_([&](Session& session, Instant now) {
      session.OnHttpChunk(
          channel,
          {reinterpret_cast<const uint8_t*>(chunk.data()), chunk.size()}, now);
    });
    SendBody(channel);
  });
}

void Upstreams::Fail(ChannelId channel, protocol::HttpFailure failure,
                     std::string_view reason) {
  if (!std::exchange(by_exchange_[channel].open, false)) return;
  feed_([&](Session& session, Instant now) {
    session.OnHttpFailed(channel, failure, reason, now);
  });
}

bool Upstreams::IsOpen(ChannelId channel) const {
  const auto socket = by_socket_.find(channel);
  return socket != by_socket_.end() && socket->second.open;
}

bool Upstreams::IsAwaited(ChannelId channel) const {
  const auto exchange = by_exchange_.find(channel);
  return exchange != by_exchange_.end() && exchange->second.open;
}

int Upstreams::dangling() const {
  return static_cast<int>(
      std::count_if(by_socket_.begin(), by_socket_.end(),
                    [](const auto& entry) {
                      return !entry.second.closed && !entry.second.over;
                    }) +
      std::count_if(by_exchange_.begin(), by_exchange_.end(),
                    [](const auto& entry) { return entry.second.open; }));
}

bool Upstreams::any_open() const {
  const auto is_open = [](const auto& entry) { return entry.second.open; };
  return std::any_of(by_socket_.begin(), by_socket_.end(), is_open) ||
         std::any_of(by_exchange_.begin(), by_exchange_.end(), is_open);
}

}  // namespace trunkline::test
