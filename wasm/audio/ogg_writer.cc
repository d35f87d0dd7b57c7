#include "audio/ogg_writer.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace trunkline::audio {
namespace {

// Where the fields of a page's header lie, RFC 3533, section 6.
constexpr size_t kFlagsAt = 5;
constexpr size_t kGranuleAt = 6;
constexpr size_t kSerialAt = 14;
constexpr size_t kSequenceAt = 18;
constexpr size_t kChecksumAt = 22;
constexpr size_t kLacingCountAt = 26;

// The polynomial 0x04C11DB7, most significant bit first, nothing inverted.
constexpr std::array<uint32_t, 256> kChecksums = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i << 24;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value << 1) ^ ((value >> 31) != 0 ? 0x04C11DB7U : 0U);
    }
    table[i] = value;
  }
  return table;
}();

uint32_t Checksum(std::span<const uint8_t> page) {
  uint32_t value = 0;
  for (const uint8_t byte : page) {
    value = (value << 8) ^ kChecksums[(value >> 24) ^ byte];
  }
  return value;
}

template <typename Unsigned>
void Put(std::span<uint8_t> at, Unsigned value) {
  for (size_t i = 0; i < sizeof(value); ++i) {
    at[i] = static_cast<uint8_t>((value >> (8 * i)) & 0xFF);
  }
}

// All of a header but its checksum.
void PutHeader(std::span<uint8_t> page, uint8_t flags, uint64_t granule,
               uint32_t serial, uint32_t sequence, size_t lacing_values) {
  std::memcpy(page.data(), "OggS\0", 5);
  page[kFlagsAt] = flags;
  Put(page.subspan(kGranuleAt), granule);
  Put(page.subspan(kSerialAt), serial);
  Put(page.subspan(kSequenceAt), sequence);
  Put(page.subspan(kChecksumAt), uint32_t{0});
  page[kLacingCountAt] = static_cast<uint8_t>(lacing_values);
}

}  // namespace

bool OggWriter::HasRoom() const {
  return packets_ < kMaxPackets &&
         body_bytes_ + kMaxPacketBytes <= kMaxBodyBytes;
}

std::span<uint8_t, OggWriter::kMaxPacketBytes> OggWriter::NextPacket() {
  TL_CHECK(HasRoom());
  return std::span(page_).subspan(kBody + body_bytes_).first<kMaxPacketBytes>();
}

void OggWriter::Add(size_t bytes) {
  TL_CHECK(HasRoom() && bytes <= kMaxPacketBytes);
  sizes_[packets_++] = static_cast<uint8_t>(bytes);
  body_bytes_ += bytes;
}

std::span<const uint8_t> OggWriter::TakePage(uint64_t granule, Place place) {
  const size_t lacing_values = packets_;
  std::copy_n(sizes_.begin(), packets_,
              page_.begin() + static_cast<ptrdiff_t>(kBody - lacing_values));
  return FinishPage(lacing_values, granule, place);
}

std::span<const uint8_t> OggWriter::PageOf(std::span<const uint8_t> packet,
                                           uint64_t granule, Place place) {
  TL_CHECK(packets_ == 0 && packet.size() <= kMaxBodyBytes);
  const size_t lacing_values = packet.size() / 255 + 1;
  const auto lacing =
      std::span(page_).subspan(kBody - lacing_values, lacing_values);
  std::fill(lacing.begin(), lacing.end(), uint8_t{255});
  lacing.back() = static_cast<uint8_t>(packet.size() % 255);
  std::copy(packet.begin(), packet.end(), page_.begin() + kBody);
  body_bytes_ = packet.size();
  return FinishPage(lacing_values, granule, place);
}

std::span<const uint8_t> OggWriter::FinishPage(size_t lacing_values,
                                               uint64_t granule, Place place) {
  const auto page =
      std::span(page_).subspan(kBody - lacing_values - kHeaderBytes,
                               kHeaderBytes + lacing_values + body_bytes_);
  PutHeader(page, static_cast<uint8_t>(place), granule, serial_, sequence_++,
            lacing_values);
  Put(page.subspan(kChecksumAt), Checksum(page));
  packets_ = 0;
  body_bytes_ = 0;
  return page;
}

}  // namespace trunkline::audio
