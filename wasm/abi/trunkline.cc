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

using session::Port;
using session::Session;

// A session with the arena its effects go to.
struct Call {
  Call(session::Config config, Instant now)
      : session(std::move(config), now, effects) {}
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

tl_status Dispatch(Session& session, uint32_t kind, Port port,
                   std::span<const uint8_t> body, Instant now) {
  switch (kind) {
    case TL_INPUT_SOCKET_OPENED:
      session.OnSocketOpened(port, now);
      return TL_OK;
    case TL_INPUT_SOCKET_TEXT:
      session.OnSocketText(port, Text(body), now);
      return TL_OK;
    case TL_INPUT_SOCKET_BINARY:
      session.OnSocketBinary(port, body, now);
      return TL_OK;
    case TL_INPUT_SOCKET_CLOSED:
      if (body.size() < 4) return TL_ERR_INPUT;
      session.OnSocketClosed(port, static_cast<uint16_t>(Get(body.first(2))),
                             static_cast<uint16_t>(Get(body.subspan(2, 2))),
                             now);
      return TL_OK;
    case TL_INPUT_SOCKET_OVERSIZE:
      if (body.size() != 8) return TL_ERR_INPUT;
      session.OnSocketOversize(port, Get(body), now);
      return TL_OK;
    case TL_INPUT_TIMER:
      session.OnTimer(now);
      return TL_OK;
    case TL_INPUT_COMMAND: {
      const std::optional<Json> command = ParseJson(Text(body));
      if (!command || !session.OnCommand(*command, now)) return TL_ERR_INPUT;
      return TL_OK;
    }
    case TL_INPUT_AUTHORIZED: {
      if (body.size() != 1) return TL_ERR_INPUT;
      const auto verdict = ParseVerdict(body[0]);
      if (!verdict) return TL_ERR_INPUT;
      session.OnAuthorized(*verdict, now);
      return TL_OK;
    }
    default:
      return TL_ERR_INPUT;
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
      {reinterpret_cast<const char*>(module_state.inbox), config_len});
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
  const uint32_t port = tag >> 16;
  if (len > TL_MAX_INPUT_BYTES || port >= TL_PORT_COUNT) return TL_ERR_INPUT;
  if (call.session.ended()) return TL_ERR_ENDED;
  return trunkline::abi::Dispatch(
      call.session, tag & 0xFFFF, static_cast<trunkline::session::Port>(port),
      {module_state.inbox, len}, Instant::Micros(now_us));
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
