#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "media/caller_path.h"
#include "media/line_out.h"
#include "protocol/channel_inputs.h"
#include "protocol/channels.h"
#include "protocol/registry.h"
#include "session/agent_link.h"
#include "session/call_context.h"
#include "session/channel_table.h"
#include "session/command.h"
#include "session/command_desk.h"
#include "session/config.h"
#include "session/conversation.h"
#include "session/effect_sink.h"
#include "session/leg_link.h"
#include "session/level_watch.h"
#include "session/recording_control.h"
#include "session/state.h"

namespace trunkline::session {

// One call: hands each input to the part that it is for, and what that makes of
// it to the conversation. Decides nothing itself.
//
// Every input is one method; it runs to the end and leaves its effects in the
// sink. Time comes in with each input and never goes back. After Ended every
// input is ignored.
class Session final {
 public:
  using Verdict = session::Verdict;

  // No frame for this long is a stall, as other gateways have it; then this
  // much silence lets a turn end.
  static constexpr Duration kCallerStall = Duration::Millis(750);
  static constexpr Duration kStallSilence = Duration::Millis(1'000);

  // `sink` is borrowed for the life of the object, and so is what `registry`
  // views. Precondition: `config` was read with the same registry.
  Session(Config config, Instant now, EffectSink& sink,
          const protocol::Registry& registry = protocol::Registry::BuiltIn());
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // What comes on a channel. One that is not open, or of another kind, changes
  // nothing.
  void OnOpened(protocol::ChannelId channel, std::string_view subprotocol,
                Instant now);
  void OnText(protocol::ChannelId channel, std::string_view text, Instant now);
  void OnBinary(protocol::ChannelId channel, std::span<const uint8_t> bytes,
                Instant now);
  // `http_status` is 0 unless the upgrade was refused.
  void OnClosed(protocol::ChannelId channel, uint16_t code,
                uint16_t http_status, std::string_view reason, Instant now);
  // A frame of `bytes` was too long to be delivered.
  void OnOversize(protocol::ChannelId channel, uint64_t bytes, Instant now);
  // `headers` is an object: those that the request wanted.
  void OnHttpHeaders(protocol::ChannelId channel, uint16_t status,
                     const Json& headers, Instant now);
  void OnHttpChunk(protocol::ChannelId channel, std::span<const uint8_t> bytes,
                   Instant now);
  void OnHttpDone(protocol::ChannelId channel, Instant now);
  void OnHttpFailed(protocol::ChannelId channel, protocol::HttpFailure failure,
                    std::string_view reason, Instant now);
  // nullopt: there is no resource of this name.
  void OnResource(std::string_view name,
                  std::optional<std::span<const uint8_t>> bytes, Instant now);
  void OnTimer(Instant now);
  void OnAuthorized(Verdict verdict, Instant now);
  // Answered by exactly one CommandResult.
  void OnCommand(const CommandEnvelope& envelope, Instant now);

  State state() const { return conversation_.state(); }
  bool ended() const { return finished_; }
  // Per state: which timers run, which parts exist, which queues may hold
  // something. Holds between inputs.
  bool IsConsistent() const { return conversation_.IsConsistent(); }

 private:
  // What a snapshot is written as; another version's is refused.
  static constexpr int64_t kSnapshotVersion = 1;

  // Goes on with what a lost session has left.
  void Restore(std::string_view text);

  // From a part to the conversation, all that it has to tell.
  void TakeLegFacts();
  void TakeAgentEvents();
  void TakeCallerFrames();
  void OnCallerAudio(const protocol::LegAudio& media);
  void OnGranted();
  void CreateMedia();

  // Who takes what comes on an exchange; nullptr if nobody does.
  protocol::ChannelInputs* InputsOf(std::optional<ChannelTable::Owner> owner);
  void SettleExchange(std::optional<ChannelTable::Owner> owner);
  // Ends an input: sends what is due, sets the deadline, or ends the call.
  void Settle();
  void TakeSnapshot();
  void AnnounceDeadline();
  void Finish();

  const Config config_;
  CallContext context_;
  ChannelTable channels_;
  LegLink leg_;
  AgentLink agent_;
  Conversation conversation_;
  RecordingControl recording_;
  LevelWatch levels_;
  CommandDesk commands_;
  // From the first authorised start on.
  std::unique_ptr<media::LineOut> line_out_;
  std::unique_ptr<media::CallerPath> caller_path_;
  Instant announced_deadline_ = Instant::Never();
  // Wall clock when the call began.
  int64_t call_epoch_ms_;
  uint64_t snapshots_refused_ = 0;
  bool finished_ = false;
};

}  // namespace trunkline::session
