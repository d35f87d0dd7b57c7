#pragma once

#include <cstddef>

#include "media/call_recorder.h"
#include "media/caller_audio.h"
#include "media/heard_track.h"
#include "media/reply_queue.h"
#include "protocol/agents/parrot.h"
#include "protocol/services/tool_requests.h"
#include "protocol/wire.h"
#include "session/agent_link.h"
#include "session/config.h"
#include "session/leg_link.h"
#include "session/missed_speech.h"
#include "session/tool_desk.h"

// The largest that the parts of a session can be, as if all were so at once. A
// new queue, or a wider bound of one, joins the sum; abi/memory_budget.cc
// compares it with the module's memory.

namespace trunkline::session {

namespace memory {

inline constexpr protocol::AudioFormat kWidest{protocol::Encoding::kLinear16,
                                               48000};
// What agents that have a socket take and give.
inline constexpr protocol::AudioFormat kWidestAgent{
    protocol::Encoding::kLinear16, 24000};

constexpr size_t BytesOf(protocol::AudioFormat format, Duration duration) {
  return protocol::BytesOf(format, static_cast<int>(duration.ms()));
}

inline constexpr size_t kReply = media::ReplyQueue::kMaxBytes;
// The parrot: a turn that is heard, one that is said, and what the first one
// was before it grew. That is also room for what an agent with a socket has
// instead: the tree of a message of 1 MiB with all the values that JSON may
// have (2.2 MB), its audio (0.8 MB), and a message of its own.
inline constexpr size_t kAgent =
    2 * protocol::Parrot::kMaxTurnBytes + protocol::Parrot::kMaxTurnBytes / 4;
// A vector that doubles: up to twice what is in it, and what it was before; or
// that, and the same in the format of the next agent.
inline constexpr size_t kBacklog =
    3 * protocol::BytesOf(kWidestAgent, AgentLink::kMaxBacklogMs);
// Has the room for all of it from its first turn on.
inline constexpr size_t kMissed =
    protocol::BytesOf(MissedSpeech::kWidestKept, MissedSpeech::kMaxMs);
inline constexpr size_t kEarlyAudio =
    3 * protocol::BytesOf(kWidest, LegLink::kMaxEarlyMs);
// Profile, what its agents say of themselves, transcript and snapshot: 128, 64,
// 64 and 256 KiB, each as text and once more on its way in or out.
inline constexpr size_t kTexts = size_t{1152} * 1024;
inline constexpr size_t kSides =
    BytesOf(kWidest, media::HeardTrack::kSpan + media::CallRecorder::kLag +
                         media::CallRecorder::kBatch +
                         media::CallRecorder::kMostWaiting);
// What tools answer: to the calls that the gateway makes, as it comes, in a
// text that doubles; as a result that waits, of every call that may be open;
// and one of them as a tree, of 16 KiB with as many values as that may hold.
inline constexpr size_t kTools =
    (2 * protocol::ToolRequests::kMaxOpen + ToolDesk::kMaxOpen) *
        protocol::ToolRequests::kMaxAnswerBytes +
    size_t{384} * 1024;
// Filters, detectors, encoders, a second of pages.
inline constexpr size_t kStages = size_t{192} * 1024;

// Bytes that become base64 in so many messages, each within 100 bytes of JSON
// and an effect's header.
constexpr size_t InBase64(size_t bytes, size_t messages) {
  return bytes / 3 * 4 + messages * (4 + 100 + 24);
}
// The most of the caller that one input brings: a gap and a message.
inline constexpr Duration kMostAudio =
    media::CallerAudio::kMaxGap + media::CallerAudio::kMaxAudio;
inline constexpr size_t kMostFrames =
    static_cast<size_t>(kMostAudio.ms()) / media::CallerAudio::kFrameMs;
inline constexpr size_t kRecorded =
    static_cast<size_t>(kMostAudio.ms()) * 2 * 40 / 8;
inline constexpr size_t kEvents = size_t{256} * 1024;

}  // namespace memory

// What a session holds, without its leg's decoder and the effects.
inline constexpr size_t kMostBytes =
    memory::kReply + memory::kAgent + memory::kBacklog + memory::kMissed +
    memory::kEarlyAudio + memory::kTexts + memory::kTools + memory::kSides +
    memory::kStages;

// What one input of the leg makes of effects: its audio frame by frame to the
// agent, both sides recorded, what is due to the leg, and events.
inline constexpr size_t kMostLegEffectBytes =
    memory::InBase64(memory::BytesOf(memory::kWidest, memory::kMostAudio),
                     memory::kMostFrames) +
    memory::kRecorded +
    memory::InBase64(memory::BytesOf(memory::kWidest, Config::kMaxLead), 50) +
    memory::kEvents;

}  // namespace trunkline::session
