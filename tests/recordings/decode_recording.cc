// A recording as the system's libopus decodes it at the recording's own rate,
// where SILK's samples come out as they are and through no resampler.
//
//   decode_recording < FILE   writes both sides in turns, S16, to the standard
//                             output, from where the pre-skip ends

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include "support/native_opus.h"
#include "support/ogg_opus.h"

namespace trunkline::test {
namespace {

// At 16 kHz, of a packet of 20 ms.
constexpr size_t kMaxFrame = 320;

std::vector<uint8_t> ReadAll(std::FILE* file) {
  std::vector<uint8_t> bytes;
  std::array<uint8_t, 65536> part{};
  while (const size_t count = std::fread(part.data(), 1, part.size(), file)) {
    bytes.insert(bytes.end(), part.begin(),
                 part.begin() + static_cast<ptrdiff_t>(count));
  }
  return bytes;
}

// Little-endian.
int Read16(std::span<const uint8_t> bytes, size_t at) {
  return bytes[at] | bytes[at + 1] << 8;
}

class Decoder {
 public:
  Decoder(const NativeOpus& opus, int rate_hz)
      : opus_(opus), decoder_(opus.decoder_create(rate_hz, 1, &error_)) {}
  ~Decoder() { opus_.decoder_destroy(decoder_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // The samples of `packet`; none if it is no packet of 20 ms.
  std::span<const int16_t> Decode(std::span<const uint8_t> packet) {
    const int count = opus_.decode(
        decoder_, packet.data(), static_cast<opus_int32>(packet.size()),
        samples_.data(), static_cast<int>(samples_.size()), /*decode_fec=*/0);
    return std::span(samples_).first(
        static_cast<size_t>(count > 0 ? count : 0));
  }

 private:
  const NativeOpus& opus_;
  int error_ = 0;
  OpusDecoder* decoder_;
  std::array<int16_t, kMaxFrame> samples_{};
};

int Run() {
  const std::vector<uint8_t> file = ReadAll(stdin);
  const std::vector<OggPage> pages = ReadOggPages(file);
  // "OpusHead" of RFC 7845, 5.1: the pre-skip at 48 kHz, and the rate.
  if (pages.size() < 3 || pages[0].packets.size() != 1 ||
      pages[0].packets[0].size() < 19) {
    std::fputs("not a recording\n", stderr);
    return 1;
  }
  const std::vector<uint8_t>& head = pages[0].packets[0];
  const int rate_hz = Read16(head, 12);
  if (rate_hz != 8000 && rate_hz != 16000) {
    std::fprintf(stderr, "a recording at %d Hz\n", rate_hz);
    return 1;
  }
  const auto skip = static_cast<size_t>(Read16(head, 10) / (48000 / rate_hz));
  const NativeOpus opus = NativeOpus::Load();
  std::array<Decoder, 2> decoders = {Decoder(opus, rate_hz),
                                     Decoder(opus, rate_hz)};
  std::vector<int16_t> both;
  for (const OggPage& page : std::span(pages).subspan(2)) {
    for (const std::vector<uint8_t>& packet : page.packets) {
      // RFC 6716, appendix B: the first one's TOC byte, and how long the rest
      // of it is, up to 251.
      const size_t left = packet.size() < 2 ? 0 : packet[1];
      if (left > 251 || packet.size() < 2 + left + 1) {
        std::fputs("not two packets of mono\n", stderr);
        return 1;
      }
      std::vector<uint8_t> first(
          packet.begin() + 1,
          packet.begin() + 2 + static_cast<ptrdiff_t>(left));
      first[0] = packet[0];
      const std::span<const int16_t> caller = decoders[0].Decode(first);
      const std::span<const int16_t> agent =
          decoders[1].Decode(std::span(packet).subspan(2 + left));
      if (caller.size() != agent.size() || caller.empty()) {
        std::fputs("packets that cannot be decoded\n", stderr);
        return 1;
      }
      for (size_t i = 0; i < caller.size(); ++i) {
        both.push_back(caller[i]);
        both.push_back(agent[i]);
      }
    }
  }
  const std::span<const int16_t> heard =
      std::span(both).subspan(std::min(both.size(), 2 * skip));
  return std::fwrite(heard.data(), 2, heard.size(), stdout) == heard.size() ? 0
                                                                            : 1;
}

}  // namespace
}  // namespace trunkline::test

int main() { return trunkline::test::Run(); }
