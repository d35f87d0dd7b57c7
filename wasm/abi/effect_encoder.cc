#include "abi/effect_encoder.h"

#include <cstring>

#include "abi/trunkline.h"
#include "base/check.h"

namespace trunkline::abi {
namespace {

constexpr size_t kHeaderBytes = 16;

constexpr size_t RecordBytes(size_t body_bytes) {
  return kHeaderBytes + (body_bytes + 7) / 8 * 8;
}

// Little-endian, whatever the host is.
void Put(uint8_t* out, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) {
    out[i] = static_cast<uint8_t>(value >> (8 * i));
  }
}

uint32_t GetU32(const uint8_t* in) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= uint32_t{in[i]} << (8 * i);
  return value;
}

}  // namespace

EffectEncoder::EffectEncoder() {
  // A frame's effects, several times over: the steady path never grows it.
  arena_.reserve(size_t{16} * 1024);
}

void EffectEncoder::Append(uint16_t tag, uint64_t arg,
                           std::span<const uint8_t> body) {
  const size_t begin = arena_.size();
  // INVARIANT: see kMaxBytes.
  TL_CHECK(begin + RecordBytes(body.size()) <= kMaxBytes);
  arena_.resize(begin + RecordBytes(body.size()));
  uint8_t* record = arena_.data() + begin;
  Put(record, tag, 2);
  Put(record + 2, 0, 2);
  Put(record + 4, body.size(), 4);
  Put(record + 8, arg, 8);
  if (!body.empty()) {
    std::memcpy(record + kHeaderBytes, body.data(), body.size());
  }
}

void EffectEncoder::AppendText(uint16_t tag, uint64_t arg,
                               std::string_view body) {
  Append(tag, arg,
         {reinterpret_cast<const uint8_t*>(body.data()), body.size()});
}

void EffectEncoder::SendText(session::Port port, std::string_view text) {
  AppendText(TL_EFFECT_SEND_TEXT, static_cast<uint64_t>(port), text);
}

void EffectEncoder::SendBinary(session::Port port,
                               std::span<const uint8_t> bytes) {
  Append(TL_EFFECT_SEND_BINARY, static_cast<uint64_t>(port), bytes);
}

void EffectEncoder::Connect(session::Port port, const Json& request) {
  AppendText(TL_EFFECT_CONNECT, static_cast<uint64_t>(port),
             PrintJson(request));
}

void EffectEncoder::Close(session::Port port, uint16_t code,
                          std::string_view reason) {
  AppendText(TL_EFFECT_CLOSE,
             static_cast<uint64_t>(port) | static_cast<uint64_t>(code) << 32,
             reason);
}

void EffectEncoder::SetDeadline(Instant at) {
  const uint64_t arg =
      at.is_never() ? UINT64_MAX : static_cast<uint64_t>(at.us());
  Append(TL_EFFECT_DEADLINE, arg, {});
}

void EffectEncoder::Authorize(const Json& credentials) {
  AppendText(TL_EFFECT_AUTHORIZE, 0, PrintJson(credentials));
}

void EffectEncoder::Event(const Json& event) {
  AppendText(TL_EFFECT_EVENT, 0, PrintJson(event));
}

void EffectEncoder::Record(int64_t granule, std::span<const uint8_t> pages) {
  Append(TL_EFFECT_RECORD, static_cast<uint64_t>(granule), pages);
}

void EffectEncoder::Ended(const Json& summary) {
  AppendText(TL_EFFECT_ENDED, 0, PrintJson(summary));
}

void EffectEncoder::Consume(size_t length) {
  const size_t waiting = arena_.size() - consumed_;
  if (length < waiting) {
    size_t record = 0;
    while (record < length) {
      record += RecordBytes(GetU32(arena_.data() + consumed_ + record + 4));
    }
    if (record != length) return;
    consumed_ += length;
  } else if (length == waiting) {
    arena_.clear();
    consumed_ = 0;
  }
}

}  // namespace trunkline::abi
