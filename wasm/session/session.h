#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audio/echo_guard.h"
#include "audio/fade.h"
#include "audio/gap_concealer.h"
#include "audio/recorder.h"
#include "audio/speech_detector.h"
#include "base/json.h"
#include "base/time.h"
#include "protocol/agents/agent.h"
#include "protocol/channels.h"
#include "protocol/legs/leg.h"
#include "session/call_recorder.h"
#include "session/caller_audio.h"
#include "session/caller_cleaner.h"
#include "session/channel_table.h"
#include "session/command.h"
#include "session/config.h"
#include "session/deadlines.h"
#include "session/effect_sink.h"
#include "session/heard_track.h"
#include "session/playout.h"
#include "session/reply_pauses.h"
#include "session/state.h"
#include "session/transcoder.h"
#include "session/turn_detector.h"

namespace trunkline::session {

// One call: joins a leg and an agent and decides who speaks. Knows neither
// Twilio nor OpenAI, but for the factory that makes their codecs.
//
// Every input is one method; it runs to the end and leaves its effects in the
// sink. Time comes in with each input and never goes back. After Ended every
// input is ignored.
class Session final : private protocol::LegListener,
                      private protocol::AgentListener,
                      private CallerAudio::Listener,
                      private CallRecorder::Listener {
 public:
  // The caller's audio that is kept for an agent that is not ready, ms.
  // Overflow: the oldest is dropped and counted.
  static constexpr int kMaxBacklogMs = 5'000;
  // Audio that may come before the verdict on its stream, ms. Overflow: the
  // newest is dropped and counted.
  static constexpr int kMaxEarlyMs = 1'000;
  // Messages against the leg's protocol before the leg is closed: few before
  // its start, many after it (a second of nothing else).
  static constexpr uint64_t kMaxFaultsBeforeStart = 16;
  static constexpr uint64_t kMaxFaults = 1'000;
  // Calls of tools that wait for their results at a time. Overflow: the newest
  // is answered with an error.
  static constexpr size_t kMaxOpenToolCalls = 16;
  // Times that the agent's socket is opened again without a reply in between.
  static constexpr int kMaxAgentRetries = 2;
  // No frame for this long is a stall (OpenAI's Twilio transport waits as
  // long); then this much silence lets a turn end.
  static constexpr Duration kCallerStall = Duration::Millis(750);
  static constexpr Duration kStallSilence = Duration::Millis(1'000);
  // An interruption that neither ends nor proves real by then is decided by
  // what is known. The provider hears a cough as 150 ms and its own 500 ms of
  // silence.
  static constexpr Duration kDecide = Duration::Millis(800);
  // A resumed reply fades in.
  static constexpr int kResumeFadeMs = 20;

  // A voice that the provider hears was heard here within the last second.
  static constexpr int kLongAgoFrames = 50;

  // After the last digit that the caller entered, the recording goes on.
  static constexpr Duration kDigitsPause = Duration::Millis(3'000);

  enum class Verdict : uint8_t {
    kGranted,
    kForeign,
    kExpired,
    kUsed,
    kMissing,
  };

  // `sink` is borrowed for the life of the object.
  Session(Config config, Instant now, EffectSink& sink);
  ~Session();
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
  // nullopt: there is no such resource.
  void OnResource(std::string_view name,
                  std::optional<std::span<const uint8_t>> bytes, Instant now);
  void OnTimer(Instant now);
  void OnAuthorized(Verdict verdict, Instant now);
  // Leaves one result, before anything else that the command brings.
  void OnCommand(const CommandEnvelope& envelope, Instant now);

  State state() const { return state_; }
  bool ended() const { return state_ == State::kEnded; }
  // Per state: which timers run, which parts exist, which queues may hold
  // something. Holds between inputs.
  bool IsConsistent() const;

 private:
  // The leg's socket.
  enum class LegPhase : uint8_t {
    kClosed,
    kAwaitingStart,
    kAuthorizing,
    kUp,
  };
  // The agent's socket, or its absence.
  enum class AgentPhase : uint8_t {
    kNone,         // not wanted yet
    kConnecting,   // the shim opens the socket
    kConfiguring,  // the socket is open, the agent not ready
    kReady,
    kBackoff,  // lost; will be opened again
    kLost,     // lost for good
  };
  enum class Interrupter : uint8_t { kLocal, kProvider };
  using Pause = Config::RecordingPause;

  // Bytes of a codec to the channel that its part has.
  class ChannelWire final : public protocol::Wire {
   public:
    ChannelWire(protocol::Channels& channels,
                const std::optional<protocol::ChannelId>& channel)
        : channels_(channels), channel_(channel) {}
    void SendText(std::string_view text) override {
      if (channel_) channels_.SendText(*channel_, text);
    }
    void SendBinary(std::span<const uint8_t> bytes) override {
      if (channel_) channels_.SendBinary(*channel_, bytes);
    }

   private:
    protocol::Channels& channels_;
    const std::optional<protocol::ChannelId>& channel_;
  };

  // One kind of fault of one peer.
  using FaultCounts = std::array<uint64_t, protocol::kFaultCount>;

  // LegListener
  void OnLegStarted(const protocol::LegStart& start) override;
  void OnLegAudio(std::optional<int64_t> timestamp_ms,
                  std::span<const uint8_t> audio) override;
  void OnLegDtmf(char digit) override;
  void OnLegMark(protocol::MarkId mark) override;
  void OnLegStopped() override;
  void OnLegFault(protocol::Fault fault) override;
  // AgentListener
  void OnAgentReady() override;
  void OnAgentSpeechStarted() override;
  void OnAgentSpeechStopped() override;
  void OnAgentTurnCommitted() override;
  void OnAgentTranscript(protocol::Role role, std::string_view item,
                         std::string_view text,
                         protocol::TranscriptState state) override;
  void OnAgentAudio(protocol::ItemId item,
                    std::span<const uint8_t> audio) override;
  void OnAgentToolCall(std::string_view tool_call_id, std::string_view name,
                       std::string_view arguments) override;
  void OnAgentReplyDone(protocol::ReplyEnd end, AfterReply after,
                        const protocol::Usage& usage) override;
  void OnAgentFailed(Loss loss, std::string_view code) override;
  void OnAgentFault(protocol::Fault fault) override;
  // CallerAudio::Listener
  void OnCallerFrame(std::span<const uint8_t> frame,
                     CallerAudio::Source source) override;
  // CallRecorder::Listener
  void OnRecordedFrame(std::span<const int16_t> caller,
                       std::span<const int16_t> agent) override;

  void SetNow(Instant now) { now_ = std::max(now_, now); }
  void SetState(State next, Reason reason);
  // Ends an input: sends what is due, notices what is over, sets the deadline.
  void Settle();
  void Pump();
  std::span<const uint8_t> FadeIn(std::span<const uint8_t> chunk);
  void AnnounceDeadline();

  void CloseLeg(uint16_t code, std::string_view reason);
  void RejectLeg(uint16_t code, std::string_view reason);
  void LoseLeg();
  void CreateMedia(protocol::AudioFormat format);
  void CloseAgent(uint16_t code, std::string_view reason);
  void StartAgent();
  // Puts what the line likely went on with in the place of what was lost, in
  // frame_samples_ and in what is returned, in the leg's format.
  std::span<const uint8_t> ConcealGap(std::span<const uint8_t> frame,
                                      CallerAudio::Source source);
  // Whether the caller's own voice is in frame_samples_.
  bool HearsCaller();
  // The provider heard speech where the agent's own voice came back.
  bool IsEchoForProvider() const;
  std::span<const uint8_t> CleanedForAgent(std::span<const uint8_t> frame,
                                           bool speaks);
  void FeedAgent(std::span<const uint8_t> frame);

  void StartRecording(protocol::AudioFormat format);
  // Silence for the time since the former session's last page.
  void FillRecording(Duration age);
  void SetRecordingPause(Pause pause, bool paused);
  void Record(std::span<const uint8_t> pages);
  void FinishRecording();

  void HandleTurnEvent(TurnDetector::Event event);
  void OnSpeechWhileSpeaking(Interrupter interrupter);
  void EndTurn(std::string_view source);
  void DropLegBuffer();
  void Interrupt(Interrupter interrupter);
  void ResumeReply();
  void ConfirmBargeIn();
  // Tells the agent what was heard of what it said, and drops the rest.
  void TruncateUnheard();
  void ReportCut(const Playout::Cut& cut, int64_t audio_end_ms);
  void ReplyHeard();
  void AwaitCaller(Reason reason);
  void AwaitReply();
  bool CallerGoesOn() const;

  // Whether the command can be carried out now; changes nothing.
  CommandOutcome Judge(const CommandEnvelope& envelope) const;
  void CarryOut(const Json& command);

  void SayGoodbye(std::string_view end_reason);
  void PlayFarewellTones();
  void End(std::string_view end_reason);

  // Every event begins here, and is sent before the next one begins.
  Json NewEvent(std::string_view type);
  int64_t AtMs() const { return (now_ - opened_at_).ms(); }
  void CountFault(FaultCounts& counts, const char* source,
                  protocol::Fault fault);
  // The `count`th of its kind is worth an event: the first, and every power of
  // two.
  void ReportFault(const char* source, const char* code, uint64_t count);
  std::string ItemName(protocol::ItemId item) const;

  const Config config_;
  EffectSink& sink_;
  ChannelTable channels_;
  const std::optional<protocol::ChannelId> leg_channel_ = protocol::kLegChannel;
  // Open, or being opened; a built-in agent has none.
  std::optional<protocol::ChannelId> agent_channel_;
  ChannelWire leg_wire_;
  ChannelWire agent_wire_;
  const Instant opened_at_;
  Instant now_;

  State state_ = State::kSetup;
  LegPhase leg_phase_ = LegPhase::kClosed;
  AgentPhase agent_phase_ = AgentPhase::kNone;
  Deadlines deadlines_;
  Instant announced_deadline_ = Instant::Never();

  std::unique_ptr<protocol::Leg> leg_;
  // From the first authorised start on.
  protocol::AudioFormat leg_format_;
  std::unique_ptr<protocol::Agent> agent_;
  std::unique_ptr<CallerAudio> caller_audio_;
  std::unique_ptr<Playout> playout_;
  std::unique_ptr<ReplyPauses> reply_pauses_;
  std::unique_ptr<HeardTrack> heard_track_;
  std::unique_ptr<Transcoder> to_agent_;
  std::unique_ptr<Transcoder> to_leg_;
  std::unique_ptr<audio::SpeechDetector> speech_detector_;
  std::unique_ptr<TurnDetector> turn_detector_;
  std::unique_ptr<audio::GapConcealer> gap_concealer_;
  bool after_gap_ = false;
  std::vector<uint8_t> concealed_;
  std::unique_ptr<audio::EchoGuard> echo_guard_;
  std::unique_ptr<CallerCleaner> agent_cleaner_;
  std::vector<int16_t> played_samples_;
  std::vector<uint8_t> cleaned_;
  // Frames since the caller's own voice, and since the agent's in its place.
  int frames_since_caller_ = kLongAgoFrames;
  int frames_since_echo_ = kLongAgoFrames;
  // Null unless the call is recorded.
  std::unique_ptr<CallRecorder> call_recorder_;
  std::unique_ptr<audio::Recorder> recording_;
  std::unique_ptr<CallerCleaner> recording_cleaner_;
  Config::RecordingPauses recording_pauses_{};
  std::vector<int16_t> frame_samples_;
  // In the agent's input format.
  std::vector<uint8_t> backlog_;
  // The start that waits for its verdict, and the audio that came with it.
  protocol::AudioFormat pending_format_;
  Instant pending_since_;
  std::vector<uint8_t> early_audio_;
  std::optional<int64_t> early_timestamp_ms_;
  std::vector<uint8_t> faded_;
  std::vector<int16_t> faded_samples_;
  size_t fade_position_ = 0;
  size_t fade_samples_ = 0;

  Interrupter interrupter_ = Interrupter::kLocal;
  bool provider_hears_speech_ = false;
  bool reply_announced_ = false;
  bool reply_goes_on_ = false;  // after its tools
  bool hang_up_after_reply_ = false;
  bool saying_farewell_ = false;
  uint64_t farewell_from_ = 0;  // playout position
  Instant thinking_since_;
  bool reply_retried_ = false;
  int agent_retries_ = 0;
  std::vector<std::string> open_tool_calls_;
  std::string end_reason_;

  int64_t next_seq_;
  int64_t turns_ = 0;
  int64_t replies_ = 0;
  int64_t barge_ins_ = 0;
  int64_t resumes_ = 0;
  FaultCounts leg_faults_{};
  FaultCounts agent_faults_{};
  uint64_t leg_offences_ = 0;
  uint64_t backlog_dropped_ms_ = 0;
  uint64_t reply_refused_bytes_ = 0;
  uint64_t early_dropped_ = 0;
};

}  // namespace trunkline::session
