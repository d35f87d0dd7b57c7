// Runs the flight record of a call through the native core and says whether it
// does what it did then, input by input. docs/replay.md describes the format.
//
//   replay [--effects | --quiet] FILE
//
// FILE is the plain record: neither compressed nor sealed. Prints a line for
// every input and each effect worth reading (--effects: all of them). Exit
// status: 0 the same to the last bit, 1 an input whose effects differ, 2 no
// record that can be replayed.

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "abi/trunkline.h"

namespace trunkline::replay {
namespace {

constexpr std::string_view kMagic = "TLFLIGHT";
constexpr uint32_t kVersion = 2;
constexpr size_t kHeaderBytes = 16;
constexpr size_t kEntryBytes = 24;
// The tag of the configuration that the session was created from.
constexpr uint32_t kTagCreate = 0;
// Set in the tag of an entry whose body was left out.
constexpr uint32_t kRedacted = 0x8000;
constexpr size_t kShownBytes = 120;

enum class Detail { kQuiet, kNormal, kEffects };

struct Entry {
  uint32_t tag = 0;
  uint64_t now_us = 0;
  uint32_t effects_length = 0;
  uint32_t effects_crc = 0;
  std::span<const uint8_t> body;
};

template <typename T>
T Little(const uint8_t* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// CRC-32 as of zlib (ISO 3309).
uint32_t Crc32(std::span<const uint8_t> bytes) {
  static const auto kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < table.size(); ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) {
        crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
      }
      table[i] = crc;
    }
    return table;
  }();
  uint32_t crc = 0xFFFFFFFF;
  for (const uint8_t byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ byte) & 0xFF];
  }
  return ~crc;
}

std::string Printable(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes.first(std::min(bytes.size(), kShownBytes))) {
    text += byte >= 0x20 && byte < 0x7F ? static_cast<char>(byte) : '.';
  }
  if (bytes.size() > kShownBytes) {
    text += "... (" + std::to_string(bytes.size()) + " bytes)";
  }
  return text;
}

std::string ChannelName(uint32_t channel) {
  return channel == TL_CHANNEL_LEG ? "leg" : std::to_string(channel);
}

std::string InputName(uint32_t tag) {
  const std::string channel = ChannelName(tag >> 16);
  switch (tag & 0x7FFF) {
    case kTagCreate:
      return "create";
    case TL_INPUT_SOCKET_OPENED:
      return channel + " opened";
    case TL_INPUT_SOCKET_TEXT:
      return channel + " text";
    case TL_INPUT_SOCKET_BINARY:
      return channel + " binary";
    case TL_INPUT_SOCKET_CLOSED:
      return channel + " closed";
    case TL_INPUT_SOCKET_OVERSIZE:
      return channel + " oversize";
    case TL_INPUT_TIMER:
      return "timer";
    case TL_INPUT_COMMAND:
      return "command";
    case TL_INPUT_AUTHORIZED:
      return "authorized";
    case TL_INPUT_HTTP_HEADERS:
      return channel + " headers";
    case TL_INPUT_HTTP_CHUNK:
      return channel + " chunk";
    case TL_INPUT_HTTP_DONE:
      return channel + " done";
    case TL_INPUT_HTTP_FAILED:
      return channel + " failed";
    case TL_INPUT_RESOURCE:
      return "resource";
    default:
      return "input " + std::to_string(tag);
  }
}

struct EffectName {
  const char* name;
  bool has_channel;
  // Comes with every frame: shown with --effects only.
  bool frequent;
};

EffectName NameOfEffect(uint16_t tag) {
  switch (tag) {
    case TL_EFFECT_SEND_TEXT:
      return {"send text", true, true};
    case TL_EFFECT_SEND_BINARY:
      return {"send binary", true, true};
    case TL_EFFECT_CONNECT:
      return {"connect", true, false};
    case TL_EFFECT_CLOSE:
      return {"close", true, false};
    case TL_EFFECT_DEADLINE:
      return {"deadline", false, true};
    case TL_EFFECT_AUTHORIZE:
      return {"authorize", false, false};
    case TL_EFFECT_EVENT:
      return {"event", false, false};
    case TL_EFFECT_ENDED:
      return {"ended", false, false};
    case TL_EFFECT_RECORD:
      return {"record", false, true};
    case TL_EFFECT_FETCH:
      return {"fetch", true, false};
    case TL_EFFECT_FETCH_ABORT:
      return {"abort", true, false};
    case TL_EFFECT_FETCH_CREDIT:
      return {"credit", true, true};
    case TL_EFFECT_LOAD_RESOURCE:
      return {"load", false, false};
    case TL_EFFECT_COMMAND_RESULT:
      return {"result", false, false};
    case TL_EFFECT_SNAPSHOT:
      return {"snapshot", false, true};
    default:
      return {"effect", false, false};
  }
}

void PrintEffects(std::span<const uint8_t> effects, Detail detail) {
  constexpr size_t kRecordBytes = 16;
  for (size_t at = 0; at + kRecordBytes <= effects.size();) {
    const auto tag = Little<uint16_t>(effects.data() + at);
    if (tag == 0) return;
    const auto length = Little<uint32_t>(effects.data() + at + 4);
    const auto channel = Little<uint32_t>(effects.data() + at + 8);
    const EffectName effect = NameOfEffect(tag);
    if (detail == Detail::kEffects || !effect.frequent) {
      std::printf(
          "             -> %s%s%s %s\n", effect.name,
          effect.has_channel ? " " : "",
          effect.has_channel ? ChannelName(channel).c_str() : "",
          Printable(effects.subspan(at + kRecordBytes, length)).c_str());
    }
    at += kRecordBytes + (length + 7) / 8 * 8;
  }
}

class Record {
 public:
  // nullopt, with a message, when `bytes` is no record.
  static std::optional<Record> Open(std::span<const uint8_t> bytes) {
    if (bytes.size() < kHeaderBytes ||
        std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
      std::fprintf(stderr, "not a flight record\n");
      return std::nullopt;
    }
    const auto version = Little<uint32_t>(bytes.data() + 8);
    const auto abi = Little<uint32_t>(bytes.data() + 12);
    if (version != kVersion || abi != tl_abi_version()) {
      std::fprintf(stderr,
                   "a flight record of format %u (ABI %u); this build replays "
                   "format %u (ABI %u): use the release that wrote it\n",
                   version, abi, kVersion, tl_abi_version());
      return std::nullopt;
    }
    return Record(bytes.subspan(kHeaderBytes));
  }

  // nullopt at the end; a last entry that is cut short is dropped: the call's
  // object was lost while it was written.
  std::optional<Entry> Next() {
    if (rest_.size() < kEntryBytes) return std::nullopt;
    const auto length = Little<uint32_t>(rest_.data());
    if (rest_.size() - kEntryBytes < length) return std::nullopt;
    Entry entry;
    entry.tag = Little<uint32_t>(rest_.data() + 4);
    entry.now_us = Little<uint64_t>(rest_.data() + 8);
    entry.effects_length = Little<uint32_t>(rest_.data() + 16);
    entry.effects_crc = Little<uint32_t>(rest_.data() + 20);
    entry.body = rest_.subspan(kEntryBytes, length);
    rest_ = rest_.subspan(kEntryBytes + length);
    return entry;
  }

 private:
  explicit Record(std::span<const uint8_t> entries) : rest_(entries) {}
  std::span<const uint8_t> rest_;
};

bool WriteInbox(std::span<const uint8_t> body) {
  uint8_t* inbox = tl_inbox(static_cast<uint32_t>(body.size()));
  if (inbox == nullptr) return false;
  if (!body.empty()) std::memcpy(inbox, body.data(), body.size());
  return true;
}

int Run(std::span<const uint8_t> bytes, Detail detail) {
  std::optional<Record> record = Record::Open(bytes);
  if (!record) return 2;
  tl_handle session = 0;
  size_t count = 0;
  while (const std::optional<Entry> entry = record->Next()) {
    ++count;
    const std::string name = InputName(entry->tag);
    if (detail != Detail::kQuiet) {
      std::printf("%7zu %8" PRIu64 ".%03" PRIu64 " ms %s %s\n", count,
                  entry->now_us / 1000, entry->now_us % 1000, name.c_str(),
                  Printable(entry->body).c_str());
    }
    if ((entry->tag & kRedacted) != 0) continue;
    if (!WriteInbox(entry->body)) {
      std::fprintf(stderr, "input %zu is longer than any\n", count);
      return 2;
    }
    const auto length = static_cast<uint32_t>(entry->body.size());
    if (entry->tag == kTagCreate) {
      if (session != 0) tl_session_destroy(session);
      session = tl_session_create(entry->now_us, length);
      if (session == 0) {
        std::printf("differs at input %zu: the configuration is refused\n",
                    count);
        return 1;
      }
    } else if (session == 0) {
      std::fprintf(stderr, "input %zu comes before any configuration\n", count);
      return 2;
    } else {
      tl_session_input(session, entry->now_us, entry->tag, length);
    }
    const std::span<const uint8_t> effects(tl_effects(session),
                                           tl_effects_len(session));
    if (detail != Detail::kQuiet) PrintEffects(effects, detail);
    if (effects.size() != entry->effects_length ||
        Crc32(effects) != entry->effects_crc) {
      std::printf(
          "differs at input %zu (%s, %" PRIu64
          " us): %zu bytes of effects with CRC %08x, then %u with %08x\n",
          count, name.c_str(), entry->now_us, effects.size(), Crc32(effects),
          entry->effects_length, entry->effects_crc);
      PrintEffects(effects, Detail::kEffects);
      return 1;
    }
    tl_effects_consume(session, static_cast<uint32_t>(effects.size()));
  }
  if (session != 0) tl_session_destroy(session);
  if (count == 0) {
    std::fprintf(stderr, "the record is empty\n");
    return 2;
  }
  if (session == 0) {
    std::printf("%zu inputs, redacted: read, not replayed\n", count);
    return 2;
  }
  std::printf("%zu inputs, every effect the same\n", count);
  return 0;
}

int Main(std::span<char*> arguments) {
  Detail detail = Detail::kNormal;
  const char* file = nullptr;
  for (char* argument : arguments.subspan(1)) {
    const std::string_view text = argument;
    if (text == "--effects") {
      detail = Detail::kEffects;
    } else if (text == "--quiet") {
      detail = Detail::kQuiet;
    } else {
      file = argument;
    }
  }
  if (file == nullptr) {
    std::fprintf(stderr, "usage: replay [--effects | --quiet] FILE\n");
    return 2;
  }
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    std::fprintf(stderr, "%s cannot be read\n", file);
    return 2;
  }
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  return Run({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()},
             detail);
}

}  // namespace
}  // namespace trunkline::replay

int main(int count, char** arguments) {
  return trunkline::replay::Main({arguments, static_cast<size_t>(count)});
}
