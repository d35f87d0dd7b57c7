#include "session/leg_link.h"

#include <utility>

#include "base/check.h"
#include "session/close_codes.h"

namespace trunkline::session {
namespace {

using protocol::Fault;

// Whether a fault counts towards closing the leg. Those that do no harm may
// come in any number.
bool IsOffence(Fault fault) {
  return fault != Fault::kUnknownEvent && fault != Fault::kUnknownMark &&
         fault != Fault::kLostMessages && fault != Fault::kPeerError;
}

uint16_t CloseCodeOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kGranted:
      break;
    case Verdict::kForeign:
      return kCloseForeign;
    case Verdict::kExpired:
      return kCloseExpired;
    case Verdict::kUsed:
      return kCloseUsed;
    case Verdict::kMissing:
      return kCloseNoStart;
  }
  return kCloseNormal;
}

}  // namespace

void LegLink::LegWire::SendText(std::string_view text) {
  channels_.SendText(protocol::kLegChannel, text);
}

void LegLink::LegWire::SendBinary(std::span<const uint8_t> bytes) {
  channels_.SendBinary(protocol::kLegChannel, bytes);
}

LegLink::LegLink(CallContext& context, const protocol::Registry& registry,
                 protocol::Channels& channels)
    : context_(context), channels_(channels), wire_(channels) {
  const protocol::LegEntry* entry = registry.FindLeg(context.config().leg);
  // INVARIANT: a configuration names a leg of the registry.
  TL_CHECK(entry != nullptr);
  leg_ = entry->make(wire_);
  // A shim that never opens the socket must not keep the call for ever.
  context_.SetTimer(Timer::kLegStart, context_.config().limits.start);
}

void LegLink::OnSocketOpened(std::string_view subprotocol) {
  phase_ = Phase::kAwaitingStart;
  leg_->OnSocketOpened(subprotocol);
  context_.SetTimer(Timer::kLegStart, context_.config().limits.start);
}

void LegLink::OnText(std::string_view text) {
  if (phase_ != Phase::kClosed) leg_->OnText(text);
}

void LegLink::OnBinary(std::span<const uint8_t> bytes) {
  if (phase_ != Phase::kClosed) leg_->OnBinary(bytes);
}

protocol::LegClose LegLink::OnSocketClosed(uint16_t code) {
  const bool was_up = up();
  const protocol::LegClose how = leg_->OnSocketClosed(code);
  Lose();
  // A stream that was not authorised yet belongs to nobody who could hang up.
  return was_up ? how : protocol::LegClose::kBroken;
}

void LegLink::OnOversize() {
  // No carrier sends a megabyte: whoever does is none.
  context_.CountFault(faults_, "leg", Fault::kTooLarge);
  Close(kCloseTooBig, "message too big");
}

std::optional<LegFact> LegLink::NextFact() {
  while (const auto event = leg_->NextEvent()) {
    if (const auto* media = std::get_if<protocol::LegAudio>(&*event)) {
      if (phase_ == Phase::kUp) return *media;
      if (phase_ == Phase::kAuthorizing) KeepEarly(*media);
    } else if (const auto* mark =
                   std::get_if<protocol::LegMarkEchoed>(&*event)) {
      return *mark;
    } else if (const auto* played = std::get_if<protocol::LegPlayed>(&*event)) {
      if (phase_ == Phase::kUp) return *played;
    } else if (const auto* flow = std::get_if<protocol::LegFlow>(&*event)) {
      if (phase_ == Phase::kUp) return *flow;
    } else if (const auto* digit = std::get_if<protocol::LegDigit>(&*event)) {
      if (phase_ == Phase::kUp) return *digit;
    } else if (const auto* start = std::get_if<protocol::LegStarted>(&*event)) {
      if (phase_ != Phase::kAwaitingStart) continue;
      if (granted_ && start->traits != pending_traits_) {
        if (OnFault(Fault::kUnsupportedFormat)) {
          return LegOver{LegOver::How::kRejected};
        }
        continue;
      }
      OnStarted(*start);
    } else if (const auto* fault = std::get_if<protocol::LegFaulted>(&*event)) {
      if (OnFault(fault->fault)) return LegOver{LegOver::How::kRejected};
    } else if (std::holds_alternative<protocol::LegStopped>(*event)) {
      const LegOver::How how =
          up() ? LegOver::How::kHungUp : LegOver::How::kNoStart;
      Close(kCloseNormal, "stopped");
      return LegOver{how};
    }
  }
  return std::nullopt;
}

void LegLink::OnStarted(const protocol::LegStarted& start) {
  pending_traits_ = start.traits;
  pending_since_ = context_.now();
  early_audio_.clear();
  Json started = context_.NewEvent("started");
  started["carrierCallId"] = start.carrier_call_id;
  started["streamId"] = start.stream_id;
  started["encoding"] = ToString(start.traits.heard.encoding);
  started["sampleRateHz"] = start.traits.heard.sample_rate_hz;
  context_.Emit(started);
  phase_ = Phase::kAuthorizing;
  context_.sink().Authorize({{"token", start.token},
                             {"carrierCallId", start.carrier_call_id},
                             {"streamId", start.stream_id}});
}

bool LegLink::OnFault(Fault fault) {
  context_.CountFault(faults_, "leg", fault);
  if (!IsOffence(fault)) return false;
  ++offences_;
  const uint64_t limit = up() ? kMaxFaults : kMaxFaultsBeforeStart;
  // A format that cannot be carried is refused, not guessed.
  if (offences_ < limit && fault != Fault::kUnsupportedFormat) return false;
  Close(kCloseProtocol, ToString(fault));
  return true;
}

// The verdict takes a few milliseconds; the caller may speak in them.
void LegLink::KeepEarly(const protocol::LegAudio& media) {
  if (early_audio_.size() + media.audio.size() >
      protocol::BytesOf(pending_traits_.heard, kMaxEarlyMs)) {
    context_.ReportFault("core", "earlyDropped", ++early_dropped_);
    return;
  }
  if (early_audio_.empty()) early_timestamp_ms_ = media.timestamp_ms;
  early_audio_.insert(early_audio_.end(), media.audio.begin(),
                      media.audio.end());
}

LegLink::Admission LegLink::OnAuthorized(Verdict verdict) {
  if (phase_ != Phase::kAuthorizing) return Admission::kStale;
  context_.ClearTimer(Timer::kLegStart);
  if (verdict != Verdict::kGranted) {
    Close(CloseCodeOf(verdict), "not authorized");
    return Admission::kRefused;
  }
  phase_ = Phase::kUp;
  granted_ = true;
  return Admission::kGranted;
}

std::optional<protocol::LegAudio> LegLink::TakeEarlyAudio() {
  if (early_audio_.empty() || !up()) return std::nullopt;
  taken_early_audio_ = std::exchange(early_audio_, {});
  return protocol::LegAudio{early_timestamp_ms_, taken_early_audio_};
}

void LegLink::Close(uint16_t code, std::string_view reason) {
  context_.ClearTimer(Timer::kLegStart);
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  channels_.Close(protocol::kLegChannel, code, reason);
}

void LegLink::Lose() {
  phase_ = Phase::kClosed;
  context_.ClearTimer(Timer::kLegStart);
}

}  // namespace trunkline::session
