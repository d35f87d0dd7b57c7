#include "session/channel_table.h"

#include <algorithm>

#include "base/check.h"

namespace trunkline::session {

using protocol::ChannelId;
using protocol::kLegChannel;

ChannelTable::ChannelTable(EffectSink& sink)
    : sink_(sink),
      leg_(*this, Owner::kLeg),
      agent_(*this, Owner::kAgent),
      tools_(*this, Owner::kTools) {}

protocol::Channels& ChannelTable::Of(Owner owner) {
  switch (owner) {
    case Owner::kLeg:
      return leg_;
    case Owner::kAgent:
      return agent_;
    case Owner::kTools:
      return tools_;
  }
  TL_CHECK(false);
  return leg_;
}

const ChannelTable::Slot* ChannelTable::Find(ChannelId channel) const {
  for (const Slot& slot : slots_) {
    if (slot.channel == channel) return &slot;
  }
  return nullptr;
}

std::optional<ChannelTable::Owner> ChannelTable::OwnerOf(ChannelId channel,
                                                         Kind kind) const {
  if (channel == kLegChannel) {
    if (!leg_open_ || kind != Kind::kSocket) return std::nullopt;
    return Owner::kLeg;
  }
  const Slot* slot = Find(channel);
  if (slot == nullptr || slot->kind != kind) return std::nullopt;
  return slot->owner;
}

std::optional<ChannelTable::Owner> ChannelTable::Release(ChannelId channel,
                                                         Kind kind) {
  const std::optional<Owner> owner = OwnerOf(channel, kind);
  if (!owner) return std::nullopt;
  if (channel == kLegChannel) {
    leg_open_ = false;
    return owner;
  }
  slots_[static_cast<size_t>(Find(channel) - slots_.data())] = Slot();
  --open_;
  return owner;
}

std::optional<ChannelId> ChannelTable::Open(Owner owner, Kind kind) {
  if (open_ == kMaxOpen) return std::nullopt;
  do {
    ++last_;
  } while (last_ == 0 || Find(ChannelId{last_}) != nullptr);
  const auto slot =
      std::find_if(slots_.begin(), slots_.end(),
                   [](const Slot& one) { return one.channel == kLegChannel; });
  // INVARIANT: fewer than kMaxOpen are open.
  TL_CHECK(slot != slots_.end());
  *slot = {ChannelId{last_}, owner, kind};
  ++open_;
  return slot->channel;
}

void ChannelTable::CloseAll(Owner owner, uint16_t code,
                            std::string_view reason) {
  for (const Slot& slot : slots_) {
    if (slot.channel == kLegChannel || slot.owner != owner) continue;
    if (slot.kind == Kind::kSocket) {
      Of(owner).Close(slot.channel, code, reason);
    } else {
      Of(owner).Abort(slot.channel);
    }
  }
}

std::optional<ChannelId> ChannelTable::Access::Connect(
    const protocol::ConnectRequest& request) {
  const auto channel = table_.Open(owner_, Kind::kSocket);
  if (channel) table_.sink_.Connect(*channel, request);
  return channel;
}

std::optional<ChannelId> ChannelTable::Access::Fetch(
    const protocol::FetchRequest& request) {
  if (request.body_bytes() > protocol::FetchRequest::kMaxBodyBytes) {
    return std::nullopt;
  }
  const auto channel = table_.Open(owner_, Kind::kExchange);
  if (channel) table_.sink_.Fetch(*channel, request);
  return channel;
}

void ChannelTable::Access::SendText(ChannelId channel, std::string_view text) {
  if (Has(channel, Kind::kSocket)) table_.sink_.SendText(channel, text);
}

void ChannelTable::Access::SendBinary(ChannelId channel,
                                      std::span<const uint8_t> bytes) {
  if (Has(channel, Kind::kSocket)) table_.sink_.SendBinary(channel, bytes);
}

void ChannelTable::Access::Close(ChannelId channel, uint16_t code,
                                 std::string_view reason) {
  if (!Has(channel, Kind::kSocket)) return;
  table_.Release(channel, Kind::kSocket);
  table_.sink_.Close(channel, code, reason);
}

void ChannelTable::Access::Abort(ChannelId channel) {
  if (!Has(channel, Kind::kExchange)) return;
  table_.Release(channel, Kind::kExchange);
  table_.sink_.AbortFetch(channel);
}

void ChannelTable::Access::Credit(ChannelId channel, uint32_t bytes) {
  if (bytes != 0 && Has(channel, Kind::kExchange)) {
    table_.sink_.Credit(channel, bytes);
  }
}

}  // namespace trunkline::session
