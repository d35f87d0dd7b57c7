#include "abi/trunkline.h"

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "abi/effect_encoder.h"
#include "base/json.h"
#include "session/session.h"

namespace trunkline::abi {
namespace {

using protocol::ChannelId;
using session::Session;

static_assert(TL_MAX_CHANNELS == session::ChannelTable::kMaxOpen);
static_assert(ChannelId{TL_CHANNEL_LEG} == protocol::kLegChannel);

// A session with the arena its effects go to.
struct Call {
  Call(session::Config config, Instant now)
      : session(std::move(config), now, effects, protocol::LinkedRegistry()) {}
  EffectEncoder effects;
  Session session;
};

// A slot keeps its generation when the call is gone, so that a stale handle
// never reaches the next one.
struct Slot {
  Call* call = nullptr;
  uint32_t generation = 0;
};

// The one mutable global: the handle table and the inbox.
struct Module {
  Slot slots[TL_MAX_SESSIONS];
  alignas(8) uint8_t inbox[TL_MAX_INPUT_BYTES] = {};
};
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): the ABI.
constinit Module module_state;

constexpr uint32_t kSlotBits = 8;
static_assert(TL_MAX_SESSIONS <= (1U << kSlotBits));

// Slot + 1, so that 0 is never valid.
tl_handle MakeHandle(uint32_t slot, uint32_t generation) {
  return generation << kSlotBits | (slot + 1);
}

Slot* FindSlot(tl_handle handle) {
  const uint32_t number = handle & ((1U << kSlotBits) - 1);
  if (number == 0 || number > TL_MAX_SESSIONS) return nullptr;
  Slot& slot = module_state.slots[number - 1];
  if (slot.call == nullptr ||
      MakeHandle(number - 1, slot.generation) != handle) {
    return nullptr;
  }
  return &slot;
}

uint64_t Get(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    value |= uint64_t{bytes[i]} << (8 * i);
  }
  return value;
}

std::string_view Text(std::span<const uint8_t> body) {
  return {reinterpret_cast<const char*>(body.data()), body.size()};
}

std::optional<Session::Verdict> ParseVerdict(uint8_t value) {
  switch (value) {
    case TL_VERDICT_GRANTED:
      return Session::Verdict::kGranted;
    case TL_VERDICT_FOREIGN:
      return Session::Verdict::kForeign;
    case TL_VERDICT_EXPIRED:
      return Session::Verdict::kExpired;
    case TL_VERDICT_USED:
      return Session::Verdict::kUsed;
    case TL_VERDICT_MISSING:
      return Session::Verdict::kMissing;
    default:
      return std::nullopt;
  }
}

std::optional<protocol::HttpFailure> ParseFailure(uint8_t value) {
  switch (value) {
    case TL_HTTP_FAILED_UPSTREAM:
      return protocol::HttpFailure::kUpstream;
    case TL_HTTP_FAILED_NETWORK:
      return protocol::HttpFailure::kNetwork;
    case TL_HTTP_FAILED_TIMEOUT:
      return protocol::HttpFailure::kTimeout;
    case TL_HTTP_FAILED_TOO_LARGE:
      return protocol::HttpFailure::kTooLarge;
    case TL_HTTP_FAILED_REFUSED:
      return protocol::HttpFailure::kRefused;
    default:
      return std::nullopt;
  }
}

uint16_t GetU16(std::span<const uint8_t> bytes, size_t at) {
  return static_cast<uint16_t>(Get(bytes.subspan(at, 2)));
}

// What comes on a channel.
tl_status DispatchOnChannel(Session& session, uint32_t kind, ChannelId channel,
                            std::span<const uint8_t> body, Instant now) {
  switch (kind) {
    case TL_INPUT_SOCKET_OPENED:
      session.OnOpened(channel, Text(body), now);
      return TL_OK;
    case TL_INPUT_SOCKET_TEXT:
      session.OnText(channel, Text(body), now);
      return TL_OK;
    case TL_INPUT_SOCKET_BINARY:
      session.OnBinary(channel, body, now);
      return TL_OK;
    case TL_INPUT_SOCKET_CLOSED:
      if (body.size() < 4) return TL_ERR_INPUT;
      session.OnClosed(channel, GetU16(body, 0), GetU16(body, 2),
                       Text(body.subspan(4)), now);
      return TL_OK;
    case TL_INPUT_SOCKET_OVERSIZE:
      if (body.size() != 8) return TL_ERR_INPUT;
      session.OnOversize(channel, Get(body), now);
      return TL_OK;
    case TL_INPUT_HTTP_HEADERS: {
      if (body.size() < 4 || GetU16(body, 2) != 0) return TL_ERR_INPUT;
      const std::optional<Json> headers = ParseJson(Text(body.subspan(4)));
      if (!headers || !headers->is_object()) return TL_ERR_INPUT;
      session.OnHttpHeaders(channel, GetU16(body, 0), *headers, now);
      return TL_OK;
    }
    case TL_INPUT_HTTP_CHUNK:
      session.OnHttpChunk(channel, body, now);
      return TL_OK;
    case TL_INPUT_HTTP_DONE:
      session.OnHttpDone(channel, now);
      return TL_OK;
    case TL_INPUT_HTTP_FAILED: {
      if (body.empty()) return TL_ERR_INPUT;
      const auto failure = ParseFailure(body[0]);
      if (!failure) return TL_ERR_INPUT;
      session.OnHttpFailed(channel, *failure, Text(body.subspan(1)), now);
      return TL_OK;
    }
    default:
      return TL_ERR_INPUT;
  }
}

tl_status Dispatch(Session& session, uint32_t kind, ChannelId channel,
                   std::span<const uint8_t> body, Instant now) {
  if (kind != TL_INPUT_TIMER && kind != TL_INPUT_COMMAND &&
      kind != TL_INPUT_AUTHORIZED && kind != TL_INPUT_RESOURCE) {
    return DispatchOnChannel(session, kind, channel, body, now);
  }
  if (channel != ChannelId{0}) return TL_ERR_INPUT;
  switch (kind) {
    case TL_INPUT_COMMAND: {
      const auto envelope = session::ParseCommand(Text(body));
      if (!envelope) return TL_ERR_INPUT;
      session.OnCommand(*envelope, now);
      return TL_OK;
    }
    case TL_INPUT_AUTHORIZED: {
      if (body.size() != 1) return TL_ERR_INPUT;
      const auto verdict = ParseVerdict(body[0]);
      if (!verdict) return TL_ERR_INPUT;
      session.OnAuthorized(*verdict, now);
      return TL_OK;
    }
    case TL_INPUT_RESOURCE: {
      if (body.size() < 4 || body[0] > 1 || body[1] != 0) return TL_ERR_INPUT;
      const size_t name_bytes = GetU16(body, 2);
      if (body.size() - 4 < name_bytes) return TL_ERR_INPUT;
      const std::string_view name = Text(body.subspan(4, name_bytes));
      const std::span<const uint8_t> bytes = body.subspan(4 + name_bytes);
      session.OnResource(
          name, body[0] == 1 ? std::optional(bytes) : std::nullopt, now);
      return TL_OK;
    }
    default:
      session.OnTimer(now);
      return TL_OK;
  }
}

}  // namespace
}  // namespace trunkline::abi

using trunkline::Instant;
using trunkline::abi::Call;
using trunkline::abi::FindSlot;
using trunkline::abi::module_state;
using trunkline::abi::Slot;

uint32_t tl_abi_version(void) { return TL_ABI_VERSION; }

uint8_t* tl_inbox(uint32_t len) {
  return len > TL_MAX_INPUT_BYTES ? nullptr : module_state.inbox;
}

tl_handle tl_session_create(uint64_t now_us, uint32_t config_len) {
  if (config_len > TL_MAX_INPUT_BYTES) return 0;
  auto config = trunkline::session::ParseConfig(
      {reinterpret_cast<const char*>(module_state.inbox), config_len},
      trunkline::protocol::LinkedRegistry());
  if (!config) return 0;
  for (uint32_t i = 0; i < TL_MAX_SESSIONS; ++i) {
    Slot& slot = module_state.slots[i];
    if (slot.call != nullptr) continue;
    slot.call =
        std::make_unique<Call>(std::move(*config), Instant::Micros(now_us))
            .release();
    return trunkline::abi::MakeHandle(i, slot.generation);
  }
  return 0;
}

void tl_session_destroy(tl_handle session) {
  Slot* slot = FindSlot(session);
  if (slot == nullptr) return;
  const std::unique_ptr<Call> call(std::exchange(slot->call, nullptr));
  ++slot->generation;
}

tl_status tl_session_input(tl_handle session, uint64_t now_us, uint32_t tag,
                           uint32_t len) {
  const Slot* slot = FindSlot(session);
  if (slot == nullptr) return TL_ERR_HANDLE;
  Call& call = *slot->call;
  if (!call.effects.pending().empty()) return TL_ERR_UNDRAINED;
  if (len > TL_MAX_INPUT_BYTES) return TL_ERR_INPUT;
  if (call.session.ended()) return TL_ERR_ENDED;
  const tl_status status = trunkline::abi::Dispatch(
      call.session, tag & 0xFFFF,
      static_cast<trunkline::protocol::ChannelId>(tag >> 16),
      {module_state.inbox, len}, Instant::Micros(now_us));
  if (status != TL_OK) return status;
  return static_cast<tl_status>(call.effects.pending().size());
}

const uint8_t* tl_effects(tl_handle session) {
  const Slot* slot = FindSlot(session);
  return slot == nullptr ? nullptr : slot->call->effects.pending().data();
}

uint32_t tl_effects_len(tl_handle session) {
  const Slot* slot = FindSlot(session);
  return slot == nullptr
             ? 0
             : static_cast<uint32_t>(slot->call->effects.pending().size());
}

void tl_effects_consume(tl_handle session, uint32_t len) {
  const Slot* slot = FindSlot(session);
  if (slot != nullptr) slot->call->effects.Consume(len);
}
