#include "support/ogg_opus.h"

#include <algorithm>
#include <cstring>

#include "audio/opus_decoder.h"
#include "base/check.h"

namespace trunkline::test {
namespace {

constexpr size_t kHeader = 27;

template <typename T>
T Little(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// The two streams of one packet (RFC 6716, appendix B): the first one's frame
// is preceded by its length, as its TOC byte says one frame.
std::array<std::vector<uint8_t>, 2> Streams(const std::vector<uint8_t>& both) {
  TL_CHECK(both.size() >= 3 && (both[0] & 3) == 0);
  size_t length = both[1];
  size_t begin = 2;
  if (length >= 252) {
    length += 4 * size_t{both[2]};
    begin = 3;
  }
  const auto middle = both.begin() + static_cast<ptrdiff_t>(begin + length);
  std::array<std::vector<uint8_t>, 2> streams;
  streams[0].push_back(both[0]);
  streams[0].insert(streams[0].end(),
                    both.begin() + static_cast<ptrdiff_t>(begin), middle);
  streams[1].assign(middle, both.end());
  return streams;
}

}  // namespace

std::vector<OggPage> ReadOggPages(std::span<const uint8_t> file) {
  std::vector<OggPage> pages;
  size_t end = 0;
  while (file.size() >= kHeader) {
    TL_CHECK(std::memcmp(file.data(), "OggS", 4) == 0);
    const size_t lacing = file[26];
    size_t body = kHeader + lacing;
    size_t length = body;
    for (size_t i = 0; i < lacing; ++i) length += file[kHeader + i];
    if (length > file.size()) break;
    OggPage page;
    page.flags = file[5];
    page.granule = Little<int64_t>(file.data() + 6);
    page.serial = Little<uint32_t>(file.data() + 14);
    page.sequence = Little<uint32_t>(file.data() + 18);
    std::vector<uint8_t> packet;
    for (size_t i = 0; i < lacing; ++i) {
      const size_t size = file[kHeader + i];
      packet.insert(packet.end(), file.data() + body,
                    file.data() + body + size);
      body += size;
      if (size == 255) continue;
      page.packets.push_back(std::move(packet));
      packet.clear();
    }
    end += length;
    page.end = end;
    pages.push_back(std::move(page));
    file = file.subspan(length);
  }
  return pages;
}

std::array<std::vector<int16_t>, 2> DecodeRecording(
    std::span<const uint8_t> file, int sample_rate_hz) {
  const std::vector<OggPage> pages = ReadOggPages(file);
  TL_CHECK(pages.size() >= 2);
  const auto pre_skip = Little<uint16_t>(pages[0].packets.at(0).data() + 10);
  std::array<audio::OpusDecoder, 2> decoders = {
      audio::OpusDecoder(sample_rate_hz), audio::OpusDecoder(sample_rate_hz)};
  std::array<std::vector<int16_t>, 2> sides;
  std::vector<int16_t> out(decoders[0].MaxSamples());
  for (const OggPage& page : std::span(pages).subspan(2)) {
    for (const std::vector<uint8_t>& packet : page.packets) {
      const auto streams = Streams(packet);
      for (size_t side = 0; side < 2; ++side) {
        const size_t count = decoders[side].Process(streams[side], out);
        sides[side].insert(sides[side].end(), out.begin(),
                           out.begin() + static_cast<ptrdiff_t>(count));
      }
    }
  }
  const int64_t total =
      (pages.back().granule - pre_skip) * sample_rate_hz / 48000;
  const auto skip = static_cast<ptrdiff_t>(pre_skip * sample_rate_hz / 48000);
  for (std::vector<int16_t>& side : sides) {
    side.erase(side.begin(), side.begin() + skip);
    side.resize(std::min(side.size(), static_cast<size_t>(total)));
  }
  return sides;
}

}  // namespace trunkline::test
