#include "session/caller_turns.h"

#include <algorithm>
#include <utility>

namespace trunkline::session {
namespace {

constexpr int64_t kFrameMs = TurnDetector::kFrameMs;

}  // namespace

CallerTurns::CallerTurns(CallContext& context, AgentLink& agent,
                         Transcript& transcript,
                         const media::SpokenClock& spoken)
    : context_(context),
      events_(context),
      agent_(agent),
      transcript_(transcript),
      spoken_(spoken),
      detector_(context.config().limits.end_of_turn.value_or(
          agent.traits().default_end_of_turn)) {}

TurnDetector::Event CallerTurns::OnFrame(bool speaks) {
  const TurnDetector::Event event = detector_.OnFrame(speaks);
  if (speaks) end_frame_ = spoken_.frames();
  if (event == TurnDetector::Event::kSpeechStarted) {
    const Duration ago = detector_.since_start();
    events_.SpeechStarted(ago);
    if (line_ == LineId{}) {
      start_frame_ =
          std::max<int64_t>(spoken_.frames() - ago.ms() / kFrameMs, 0);
    }
    const int64_t start_ms = StartMs();
    line_ = transcript_.OnCallerTurnBegan(start_ms);
    transcript_.OnCallerSpoke(line_, start_ms, start_ms);
    if (agent_.ready()) TellOfTurn();
  } else if (event == TurnDetector::Event::kSpeechStopped) {
    events_.SpeechStopped(detector_.since_speech());
    TellSpoken();
  }
  return event;
}

void CallerTurns::OnAgentSpeech(protocol::AgentSpeech::Edge edge) {
  const bool hears = edge == protocol::AgentSpeech::Edge::kStarted;
  if (!std::exchange(provider_hears_, hears)) heard_since_ = context_.now();
}

bool CallerTurns::is_awaited() const {
  return in_turn() || (provider_hears_ && context_.now() - heard_since_ <
                                              context_.config().limits.reply);
}

void CallerTurns::OnTaken() {
  taken_at_ = context_.now();
  context_.ClearTimer(Timer::kDeaf);
}

void CallerTurns::OnUntaken() {
  if (detector_.turn_speech() >= kUnmistakable &&
      taken_at_ < context_.now() - detector_.since_turn() &&
      !context_.deadlines().IsSet(Timer::kDeaf)) {
    context_.SetTimer(Timer::kDeaf, context_.config().limits.reply);
  }
}

bool CallerTurns::IsDeaf() {
  if (!provider_hears_) return true;
  context_.SetTimer(Timer::kDeaf, context_.config().limits.reply);
  return false;
}

void CallerTurns::TellOfTurn() {
  agent_.agent().TurnStarted(detector_.since_start());
  const std::string_view name = agent_.agent().turn_name();
  if (!name.empty()) transcript_.BindCallerItem(line_, {name});
}

void CallerTurns::OnAgentReady() {
  if (in_turn() && line_ != LineId{}) TellOfTurn();
}

void CallerTurns::OnAgentFailed() {
  provider_hears_ = false;
  context_.ClearTimer(Timer::kDeaf);
}

void CallerTurns::End(std::string_view source, int64_t turn) {
  events_.TurnEnded(source, turn);
  if (line_ == LineId{}) return;
  TellSpoken();
  transcript_.OnCallerTurnEnded(std::exchange(line_, {}), EndMs(),
                                context_.now());
}

void CallerTurns::TellSpoken() {
  if (line_ == LineId{}) return;
  transcript_.OnCallerSpoke(line_, StartMs(), EndMs());
}

void CallerTurns::Abandon() {
  detector_.AbandonTurn();
  if (line_ == LineId{}) return;
  transcript_.OnCallerTurnDropped(std::exchange(line_, {}));
}

}  // namespace trunkline::session
