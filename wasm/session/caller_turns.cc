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
      detector_(UsualEnd()) {}

TurnDetector::Event CallerTurns::OnFrame(bool speaks) {
  if (detector_.pausing()) detector_.SetEndOfTurn(EndOfTurn());
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
    if (agent_.ready()) {
      agent_.agent().TurnStarted(ago);
      BindTurn();
    }
  } else if (event == TurnDetector::Event::kSpeechStopped) {
    events_.SpeechStopped(detector_.since_speech());
    TellSpoken();
    if (agent_.ready()) agent_.agent().TurnPaused(detector_.since_speech());
  }
  return event;
}

Duration CallerTurns::UsualEnd() const {
  return context_.config().limits.end_of_turn.value_or(
      agent_.traits().default_end_of_turn);
}

Duration CallerTurns::EndOfTurn() {
  const Duration usual = UsualEnd();
  if (!agent_.ready()) return usual;
  switch (agent_.agent().turn_hint()) {
    case protocol::TurnHint::kNone:
      break;
    case protocol::TurnHint::kUnfinished:
      return std::max(usual, kUnfinishedEnd);
    case protocol::TurnHint::kComplete:
      return std::min(usual, kCompleteEnd);
  }
  return usual;
}

void CallerTurns::OnAgentSpeech(protocol::AgentSpeech::Edge edge) {
  const bool hears = edge == protocol::AgentSpeech::Edge::kStarted;
  if (!std::exchange(provider_hears_, hears)) heard_since_ = context_.now();
  if (!hears) over_at_ = context_.now();
}

bool CallerTurns::is_awaited() const {
  return in_turn() || (provider_hears_ && context_.now() - heard_since_ <
                                              context_.config().limits.reply);
}

void CallerTurns::OnTaken(std::string_view item) {
  taken_at_ = context_.now();
  if (taken_.size() == kMaxTaken) taken_.erase(taken_.begin());
  taken_.push_back({std::string(item), context_.now()});
  over_at_.reset();
  untaken_ = Duration();
  context_.ClearTimer(Timer::kDeaf);
}

bool CallerTurns::WasTaken(std::string_view item, Instant when) const {
  return std::any_of(taken_.begin(), taken_.end(), [&](const Taken& one) {
    return one.item == item && one.at < when;
  });
}

void CallerTurns::OnUntaken() {
  if (taken_at_ >= context_.now() - detector_.since_turn()) return;
  CountUntaken(detector_.turn_speech());
}

void CallerTurns::CountUntaken(Duration speech) {
  if (context_.now() - untaken_at_ > kTogether) untaken_ = Duration();
  untaken_at_ = context_.now();
  untaken_ = untaken_ + speech;
  AwaitTaking();
}

void CallerTurns::AwaitTaking() {
  over_at_ = context_.now();
  if (untaken_ >= kUnmistakable && !is_untaken()) {
    context_.SetTimer(Timer::kDeaf, context_.config().limits.reply);
  }
}

void CallerTurns::OnUnheard() {
  unheard_ = unheard_.value_or(Duration()) + detector_.turn_speech();
}

bool CallerTurns::TakeUnheard() {
  const std::optional<Duration> unheard = std::exchange(unheard_, {});
  if (!unheard || in_turn()) return false;
  if (!takes_turns()) return true;
  CountUntaken(*unheard);
  return true;
}

bool CallerTurns::has_asked() const {
  if (in_turn()) return false;
  return is_untaken() ||
         (unheard_ && (!takes_turns() || *unheard_ >= kUnmistakable));
}

bool CallerTurns::takes_turns() const {
  return agent_.traits().turn_detection ==
         protocol::AgentTraits::TurnDetection::kProvider;
}

bool CallerTurns::IsDeaf() {
  if (!provider_hears_) return true;
  context_.SetTimer(Timer::kDeaf, context_.config().limits.reply);
  return false;
}

void CallerTurns::BindTurn() {
  const std::string_view name = agent_.agent().turn_name();
  if (!name.empty()) transcript_.BindCallerItem(line_, {name});
}

std::optional<Duration> CallerTurns::untold_since() const {
  if (takes_turns() || line_ == LineId{}) return std::nullopt;
  if (!in_turn() && !unheard_) return std::nullopt;
  return Duration::Millis((spoken_.frames() - start_frame_) * kFrameMs);
}

void CallerTurns::OnAgentReady() {
  if (untold_since()) BindTurn();
}

void CallerTurns::OnAgentFailed() {
  provider_hears_ = false;
  over_at_.reset();
  untaken_ = Duration();
  context_.ClearTimer(Timer::kDeaf);
}

void CallerTurns::OnAgentSwitched() { detector_.SetEndOfTurn(UsualEnd()); }

LineId CallerTurns::End(std::string_view source, int64_t turn) {
  events_.TurnEnded(source, turn);
  over_at_.reset();
  if (line_ == LineId{}) return {};
  TellSpoken();
  const LineId line = std::exchange(line_, {});
  transcript_.OnCallerTurnEnded(line, EndMs(), context_.now());
  return line;
}

void CallerTurns::TellSpoken() {
  if (line_ == LineId{}) return;
  transcript_.OnCallerSpoke(line_, StartMs(), EndMs());
}

void CallerTurns::Abandon() {
  detector_.AbandonTurn();
  unheard_.reset();
  over_at_.reset();
  if (line_ == LineId{}) return;
  transcript_.OnCallerTurnDropped(std::exchange(line_, {}));
}

}  // namespace trunkline::session
