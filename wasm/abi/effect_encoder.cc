#include "abi/effect_encoder.h"

#include <cstring>
#include <string>
#include <utility>

#include "abi/trunkline.h"
#include "base/check.h"

namespace trunkline::abi {

using protocol::ChannelId;

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

// One function a type, where an initializer list would be code at each place.
void SetText(Json& object, const char* key, std::string_view text) {
  object[key] = text;
}

void SetNumber(Json& object, const char* key, int64_t number) {
  object[key] = number;
}

void SetTexts(Json& object, const char* key,
              const std::vector<std::string>& texts) {
  Json& array = object[key] = Json::array();
  for (const std::string& text : texts) array.push_back(text);
}

}  // namespace

EffectEncoder::EffectEncoder() {
  // A frame's effects, several times over: the steady path never grows it.
  arena_.reserve(size_t{16} * 1024);
}

uint8_t* EffectEncoder::Begin(uint16_t tag, uint64_t arg, size_t body_bytes) {
  const size_t begin = arena_.size();
  // INVARIANT: see kMaxBytes.
  TL_CHECK(begin + RecordBytes(body_bytes) <= kMaxBytes);
  const size_t end = begin + RecordBytes(body_bytes);
  if (end > kSmallBytes && arena_.capacity() < end) arena_.reserve(kMaxBytes);
  arena_.resize(end);
  uint8_t* record = arena_.data() + begin;
  Put(record, tag, 2);
  Put(record + 2, 0, 2);
  Put(record + 4, body_bytes, 4);
  Put(record + 8, arg, 8);
  return record + kHeaderBytes;
}

void EffectEncoder::Append(uint16_t tag, uint64_t arg,
                           std::span<const uint8_t> body) {
  uint8_t* const out = Begin(tag, arg, body.size());
  if (!body.empty()) std::memcpy(out, body.data(), body.size());
}

void EffectEncoder::AppendText(uint16_t tag, uint64_t arg,
                               std::string_view body) {
  Append(tag, arg,
         {reinterpret_cast<const uint8_t*>(body.data()), body.size()});
}

void EffectEncoder::SendText(ChannelId channel, std::string_view text) {
  AppendText(TL_EFFECT_SEND_TEXT, static_cast<uint64_t>(channel), text);
}

void EffectEncoder::SendBinary(ChannelId channel,
                               std::span<const uint8_t> bytes) {
  Append(TL_EFFECT_SEND_BINARY, static_cast<uint64_t>(channel), bytes);
}

void EffectEncoder::Connect(ChannelId channel,
                            const protocol::ConnectRequest& request) {
  Json json;
  SetText(json, "upstream", request.upstream);
  SetText(json, "path", request.path);
  SetTexts(json, "protocols", request.protocols);
  AppendText(TL_EFFECT_CONNECT, static_cast<uint64_t>(channel),
             PrintJson(json));
}

void EffectEncoder::Close(ChannelId channel, uint16_t code,
                          std::string_view reason) {
  AppendText(TL_EFFECT_CLOSE,
             static_cast<uint64_t>(channel) | static_cast<uint64_t>(code) << 32,
             reason);
}

void EffectEncoder::Fetch(ChannelId channel,
                          const protocol::FetchRequest& request) {
  Json json;
  SetText(json, "upstream", request.upstream);
  SetText(json, "method", request.method);
  SetText(json, "path", request.path);
  Json& headers = json["headers"] = Json::object();
  for (const auto& [name, value] : request.headers) {
    SetText(headers, name.c_str(), value);
  }
  SetTexts(json, "wants", request.wants);
  SetNumber(json, "timeoutMs", request.timeout.ms());
  SetNumber(json, "idleMs", request.idle.ms());
  SetNumber(json, "maxBytes", request.max_bytes);
  SetNumber(json, "window", request.window);
  for (const protocol::FetchRequest::Part& part : request.parts) {
    Json described;
    SetText(described, "name", part.name);
    SetText(described, "contentType", part.content_type);
    SetNumber(described, "length", static_cast<int64_t>(part.bytes.size()));
    if (part.file_name) SetText(described, "filename", *part.file_name);
    json["multipart"].push_back(std::move(described));
  }
  const std::string text = PrintJson(json);
  uint8_t* out = Begin(TL_EFFECT_FETCH, static_cast<uint64_t>(channel),
                       4 + text.size() + request.body_bytes());
  Put(out, text.size(), 4);
  out += 4;
  const auto add = [&out](const void* from, size_t size) {
    if (size != 0) std::memcpy(out, from, size);
    out += size;
  };
  add(text.data(), text.size());
  if (request.parts.empty()) add(request.body.data(), request.body.size());
  for (const protocol::FetchRequest::Part& part : request.parts) {
    add(part.bytes.data(), part.bytes.size());
  }
}

void EffectEncoder::AbortFetch(ChannelId channel) {
  Append(TL_EFFECT_FETCH_ABORT, static_cast<uint64_t>(channel), {});
}

void EffectEncoder::Credit(ChannelId channel, uint32_t bytes) {
  Append(TL_EFFECT_FETCH_CREDIT,
         static_cast<uint64_t>(channel) | uint64_t{bytes} << 32, {});
}

void EffectEncoder::LoadResource(std::string_view name) {
  AppendText(TL_EFFECT_LOAD_RESOURCE, 0, name);
}

void EffectEncoder::SetDeadline(Instant at) {
  const uint64_t arg =
      at.is_never() ? UINT64_MAX : static_cast<uint64_t>(at.us());
  Append(TL_EFFECT_DEADLINE, arg, {});
}

void EffectEncoder::Authorize(const Json& credentials) {
  AppendText(TL_EFFECT_AUTHORIZE, 0, PrintJson(credentials));
}

void EffectEncoder::CommandResult(const Json& result) {
  AppendText(TL_EFFECT_COMMAND_RESULT, 0, PrintJson(result));
}

void EffectEncoder::Event(const Json& event) {
  AppendText(TL_EFFECT_EVENT, 0, PrintJson(event));
}

void EffectEncoder::Record(int64_t granule, std::span<const uint8_t> pages) {
  Append(TL_EFFECT_RECORD, static_cast<uint64_t>(granule), pages);
}

void EffectEncoder::Snapshot(std::string_view text) {
  AppendText(TL_EFFECT_SNAPSHOT, 0, text);
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
