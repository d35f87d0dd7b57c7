// The reader of event streams on any bytes, whole and in pieces of the first
// byte's size: the same events and verdict, and those of the obvious reader.

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/check.h"
#include "protocol/services/sse.h"
#include "support/sse_reference.h"

namespace {

using trunkline::protocol::SseParser;
using trunkline::test::SseReading;

SseReading Read(SseParser& parser, std::span<const uint8_t> stream,
                size_t longest) {
  SseReading reading;
  while (!stream.empty()) {
    auto in = stream.first(std::min(longest, stream.size()));
    stream = stream.subspan(in.size());
    while (const auto event = parser.Next(in)) {
      TL_CHECK(event->type.size() + event->data.size() <=
               SseParser::kMaxEventBytes + sizeof("message"));
      reading.events.push_back(
          {std::string(event->type), std::string(event->data)});
    }
    TL_CHECK(in.empty());
  }
  reading.cut_off = parser.is_cut_off();
  return reading;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const std::span<const uint8_t> stream(bytes + 1, size - 1);
  SseParser whole;
  SseParser pieces;
  const SseReading read = Read(whole, stream, size);
  const SseReading again = Read(pieces, stream, bytes[0] % 64U + 1);
  TL_CHECK(again.events == read.events && again.cut_off == read.cut_off);
  TL_CHECK(pieces.error() == whole.error());
  const SseReading reference = trunkline::test::ReadEventStream(
      {reinterpret_cast<const char*>(stream.data()), stream.size()});
  if (whole.error() == SseParser::Error::kNone) {
    TL_CHECK(reference.events == read.events);
    TL_CHECK(reference.cut_off == read.cut_off);
  } else {
    TL_CHECK(read.events.size() <= reference.events.size());
    TL_CHECK(std::equal(read.events.begin(), read.events.end(),
                        reference.events.begin()));
  }
  return 0;
}
