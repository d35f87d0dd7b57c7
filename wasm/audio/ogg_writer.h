#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// One logical Ogg bitstream (RFC 3533), page by page. A page holds whole
// packets only, so that a file cut after any page plays to its end.
//
// Allocates nothing. State: 4.2 KB. A copy goes on with the same pages.
class OggWriter {
 public:
  // Such a packet takes one lacing value.
  static constexpr size_t kMaxPacketBytes = 254;
  static constexpr size_t kMaxPackets = 50;
  static constexpr size_t kHeaderBytes = 27;
  // Of a page's packets together.
  static constexpr size_t kMaxBodyBytes = 4096;
  static constexpr size_t kMaxPageBytes =
      kHeaderBytes + kMaxPackets + kMaxBodyBytes;

  enum class Place : uint8_t { kFirst = 2, kMiddle = 0, kLast = 4 };

  // The first page has the number `sequence`.
  explicit OggWriter(uint32_t serial, uint32_t sequence = 0)
      : serial_(serial), sequence_(sequence) {}

  // Room for the next packet, to be filled in and added. Precondition:
  // HasRoom().
  std::span<uint8_t, kMaxPacketBytes> NextPacket();
  // Appends the first `bytes` bytes of NextPacket().
  void Add(size_t bytes);
  // Whether the page takes another packet, whatever its size.
  bool HasRoom() const;
  size_t packets() const { return packets_; }
  // Of the next page.
  uint32_t sequence() const { return sequence_; }

  // Ends the page; the next packet begins another one. `granule` is the
  // stream's position after the page's last packet. Valid until the next Add()
  // or call of NextPacket().
  std::span<const uint8_t> TakePage(uint64_t granule, Place place);
  // The same for one packet of up to kMaxBodyBytes that has a page for itself.
  // Precondition: no packet waits.
  std::span<const uint8_t> PageOf(std::span<const uint8_t> packet,
                                  uint64_t granule, Place place);

 private:
  std::span<const uint8_t> FinishPage(size_t lacing_values, uint64_t granule,
                                      Place place);

  // Header and lacing values end where the packets begin.
  static constexpr size_t kBody = kHeaderBytes + kMaxPackets;

  uint32_t serial_;
  uint32_t sequence_;
  size_t packets_ = 0;
  size_t body_bytes_ = 0;
  std::array<uint8_t, kMaxPackets> sizes_{};
  std::array<uint8_t, kMaxPageBytes> page_{};
};

}  // namespace trunkline::audio
