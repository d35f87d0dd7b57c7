#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/channels.h"
#include "protocol/legs/leg.h"
#include "protocol/registry.h"
#include "protocol/wire.h"
#include "session/call_context.h"

namespace trunkline::session {

// What the shim says of the token that a stream brought.
enum class Verdict : uint8_t {
  kGranted,
  kForeign,
  kExpired,
  kUsed,
  kMissing,
};

// The leg's socket is over, or of no use any more; it is closed already.
struct LegOver {
  enum class How : uint8_t {
    kHungUp,    // by the caller
    kNoStart,   // before an authorised start
    kRejected,  // it broke the leg's protocol too often
  };
  How how = How::kHungUp;
};

// What the conversation learns of the leg. Views are valid until the leg's next
// input.
using LegFact = std::variant<LegOver, protocol::LegAudio, protocol::LegDigit,
                             protocol::LegMarkEchoed, protocol::LegPlayed,
                             protocol::LegFlow>;

// The leg's socket: the phase it is in, who may use it, and how much nonsense
// it may bring. Owns the timers kLegStart and kLegLost.
class LegLink {
 public:
  // Audio that may come before the verdict on its stream, ms. Overflow: the
  // newest is dropped and counted.
  static constexpr int kMaxEarlyMs = 1'000;
  // Messages against the leg's protocol before the leg is closed: few before
  // its start, many after it (a second of nothing else).
  static constexpr uint64_t kMaxFaultsBeforeStart = 16;
  static constexpr uint64_t kMaxFaults = 1'000;

  enum class Phase : uint8_t {
    kClosed,
    kAwaitingStart,
    kAuthorizing,
    kUp,
  };

  // All are borrowed for the life of the object.
  LegLink(CallContext& context, const protocol::Registry& registry,
          protocol::Channels& channels);
  LegLink(const LegLink&) = delete;
  LegLink& operator=(const LegLink&) = delete;

  Phase phase() const { return phase_; }
  bool up() const { return phase_ == Phase::kUp; }
  bool closed() const { return phase_ == Phase::kClosed; }

  // Inputs. After OnText and OnBinary, NextFact() is called until it has none.

  // Precondition: closed(). `subprotocol` is the one that was chosen.
  void OnSocketOpened(std::string_view subprotocol);
  void OnText(std::string_view text);
  void OnBinary(std::span<const uint8_t> bytes);
  // The peer closed it. Precondition: not closed().
  protocol::LegClose OnSocketClosed(uint16_t code);
  // A message too long to be delivered: the leg is closed.
  void OnOversize();
  std::optional<LegFact> NextFact();

  enum class Admission : uint8_t {
    kStale,  // nobody waits for the verdict any more
    kRefused,
    kGranted,
  };
  Admission OnAuthorized(Verdict verdict);

  // What the stream that was granted is like, and when it began.
  const protocol::LegTraits& traits() const { return pending_traits_; }
  Instant stream_began() const { return pending_since_; }
  // The audio that came before the verdict. Valid until the next input.
  std::optional<protocol::LegAudio> TakeEarlyAudio();

  // Commands to the leg.
  void Play(std::span<const uint8_t> audio) { leg_->Play(audio); }
  void Mark(protocol::MarkId mark) { leg_->Mark(mark); }
  void Clear() { leg_->Clear(); }
  // Closes the socket, if it is open.
  void Close(uint16_t code, std::string_view reason);
  // The socket is gone: another one may come.
  void Lose();

  const FaultCounts& faults() const { return faults_; }
  uint64_t early_dropped() const { return early_dropped_; }

 private:
  // Bytes of the codec to the leg's channel.
  class LegWire final : public protocol::Wire {
   public:
    explicit LegWire(protocol::Channels& channels) : channels_(channels) {}
    void SendText(std::string_view text) override;
    void SendBinary(std::span<const uint8_t> bytes) override;

   private:
    protocol::Channels& channels_;
  };

  void OnStarted(const protocol::LegStarted& start);
  // Returns whether the leg was closed for it.
  bool OnFault(protocol::Fault fault);
  void KeepEarly(const protocol::LegAudio& media);

  CallContext& context_;
  protocol::Channels& channels_;
  LegWire wire_;
  std::unique_ptr<protocol::Leg> leg_;
  Phase phase_ = Phase::kClosed;
  // Whether a stream was granted: every later one must be like it.
  bool granted_ = false;
  // Of the last start, and the audio that came before its verdict.
  protocol::LegTraits pending_traits_;
  Instant pending_since_;
  std::vector<uint8_t> early_audio_;
  std::vector<uint8_t> taken_early_audio_;
  std::optional<int64_t> early_timestamp_ms_;
  FaultCounts faults_{};
  uint64_t offences_ = 0;
  uint64_t early_dropped_ = 0;
};

}  // namespace trunkline::session
