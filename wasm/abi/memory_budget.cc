// The module's memory never grows: here is what it is for. The largest that
// each part can be is summed up, as if all were so at once, and the compiler
// sees that it fits. A new queue, or a wider bound of one, joins the sum.

#include <cstddef>

#include "abi/effect_encoder.h"
#include "abi/trunkline.h"
#include "media/call_recorder.h"
#include "media/caller_audio.h"
#include "media/heard_track.h"
#include "media/reply_queue.h"
#include "protocol/agents/parrot.h"
#include "protocol/wire.h"
#include "session/agent_link.h"
#include "session/leg_link.h"

namespace trunkline::abi {
namespace {

using protocol::AudioFormat;
using protocol::BytesOf;
using protocol::Encoding;

constexpr AudioFormat kWidest{Encoding::kLinear16, 48000};
// What agents that have a socket take and give.
constexpr AudioFormat kWidestAgent{Encoding::kLinear16, 24000};

constexpr size_t kStack = TRUNKLINE_WASM_STACK_BYTES;
// Tables and variables, 45 KB today, and the inbox.
constexpr size_t kStatics = size_t{128} * 1024 + TL_MAX_INPUT_BYTES;
// While it grows to its bound it is there twice.
constexpr size_t kEffects =
    EffectEncoder::kMaxBytes + EffectEncoder::kSmallBytes;
constexpr size_t kReply = media::ReplyQueue::kMaxBytes;
// The parrot: a turn that is heard, one that is said, and what the first one
// was before it grew. That is also room for what an agent with a socket has
// instead: the tree of a message of TL_MAX_INPUT_BYTES with all the values that
// JSON may have (2.2 MB), its audio (0.8 MB), and a message of its own.
constexpr size_t kAgent =
    2 * protocol::Parrot::kMaxTurnBytes + protocol::Parrot::kMaxTurnBytes / 4;
// The audio of its longest message, decoded.
constexpr size_t kLeg = TL_MAX_INPUT_BYTES;
// A vector that doubles: up to twice what is in it, and what it was before.
constexpr size_t kBacklog =
    3 * BytesOf(kWidestAgent, session::AgentLink::kMaxBacklogMs);
constexpr size_t kEarlyAudio =
    3 * BytesOf(kWidest, session::LegLink::kMaxEarlyMs);
// Profile, transcript and snapshot: 128, 64 and 256 KiB, each as text and once
// more on its way in or out.
constexpr size_t kTexts = size_t{1024} * 1024;
constexpr size_t kSides = BytesOf(
    kWidest, static_cast<int>(
                 (media::HeardTrack::kSpan + media::CallRecorder::kLag).ms()));
// Filters, detectors, encoders, a second of pages.
constexpr size_t kStages = size_t{192} * 1024;

static_assert(kStack + kStatics + kEffects + kReply + kAgent + kLeg + kBacklog +
                  kEarlyAudio + kTexts + kSides + kStages <=
              TRUNKLINE_WASM_MEMORY_BYTES);

// The most that one input makes of the caller's audio: a gap and a message,
// frame by frame to the agent, in base64 within JSON of 100 bytes; both sides
// recorded; what is due to the leg, the same; and events.
constexpr size_t InBase64(size_t bytes, size_t messages) {
  return bytes / 3 * 4 + messages * (4 + 100 + 24);
}
constexpr int kMostMs = static_cast<int>(
    (media::CallerAudio::kMaxGap + media::CallerAudio::kMaxAudio).ms());
constexpr size_t kFramesOfInput = kMostMs / media::CallerAudio::kFrameMs;
constexpr int kLongestLeadMs = 1'000;
constexpr size_t kRecordedPerSecond = 2 * 40'000 / 8;
constexpr size_t kEvents = size_t{256} * 1024;

static_assert(InBase64(BytesOf(kWidest, kMostMs), kFramesOfInput) +
                  kMostMs / 1000 * kRecordedPerSecond +
                  InBase64(BytesOf(kWidest, kLongestLeadMs), 50) + kEvents <=
              EffectEncoder::kMaxBytes);

}  // namespace
}  // namespace trunkline::abi
