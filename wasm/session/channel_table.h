#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/channels.h"
#include "session/effect_sink.h"

namespace trunkline::session {

// Every open channel: its number, its kind and the part that it belongs to.
//
// Gives numbers from 1 up and comes round after 65,535; a number is free again
// once its channel is closed. Allocates nothing.
class ChannelTable {
 public:
  // Channels open at a time beside the leg's: an agent of three services with
  // a successor that is being opened, and eight tools. Overflow: the request
  // is refused, and whoever made it is told.
  static constexpr size_t kMaxOpen = 16;

  // The part that asked for a channel and is told what comes on it.
  enum class Owner : uint8_t { kLeg, kAgent, kTools };
  enum class Kind : uint8_t { kSocket, kExchange };

  // `sink` is borrowed for the life of the object.
  explicit ChannelTable(EffectSink& sink);
  ChannelTable(const ChannelTable&) = delete;
  ChannelTable& operator=(const ChannelTable&) = delete;

  // The channels of one part, for its codecs; lives as long as the table.
  protocol::Channels& Of(Owner owner);

  // The leg's socket is there.
  void OpenLeg() { leg_open_ = true; }

  // Whose input it is. nullopt if the channel is not open or of another kind:
  // the input is late, and nobody's.
  std::optional<Owner> OwnerOf(protocol::ChannelId channel, Kind kind) const;
  // The same for the channel's last input: a close, the end or the failure of
  // an exchange. The channel is open no more.
  std::optional<Owner> Release(protocol::ChannelId channel, Kind kind);

  // Closes the sockets of a part and aborts its exchanges.
  void CloseAll(Owner owner, uint16_t code, std::string_view reason);

  // Beside the leg's.
  size_t open() const { return open_; }

 private:
  class Access final : public protocol::Channels {
   public:
    Access(ChannelTable& table, Owner owner) : table_(table), owner_(owner) {}
    std::optional<protocol::ChannelId> Connect(
        const protocol::ConnectRequest& request) override;
    std::optional<protocol::ChannelId> Fetch(
        const protocol::FetchRequest& request) override;
    void SendText(protocol::ChannelId channel, std::string_view text) override;
    void SendBinary(protocol::ChannelId channel,
                    std::span<const uint8_t> bytes) override;
    void Close(protocol::ChannelId channel, uint16_t code,
               std::string_view reason) override;
    void Abort(protocol::ChannelId channel) override;
    void Credit(protocol::ChannelId channel, uint32_t bytes) override;

   private:
    bool Has(protocol::ChannelId channel, Kind kind) const {
      return table_.OwnerOf(channel, kind) == owner_;
    }
    ChannelTable& table_;
    Owner owner_;
  };

  struct Slot {
    // kLegChannel: free.
    protocol::ChannelId channel = protocol::kLegChannel;
    Owner owner = Owner::kLeg;
    Kind kind = Kind::kSocket;
  };

  const Slot* Find(protocol::ChannelId channel) const;
  std::optional<protocol::ChannelId> Open(Owner owner, Kind kind);

  EffectSink& sink_;
  Access leg_;
  Access agent_;
  Access tools_;
  bool leg_open_ = false;
  uint16_t last_ = 0;
  size_t open_ = 0;
  std::array<Slot, kMaxOpen> slots_{};
};

}  // namespace trunkline::session
