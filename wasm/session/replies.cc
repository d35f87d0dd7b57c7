#include "session/replies.h"

#include <utility>

namespace trunkline::session {

using protocol::AgentReplyDone;

Replies::Replies(CallContext& context, AgentLink& agent)
    : context_(context),
      agent_(agent),
      greeting_(context.config().profile.greeting.empty() ? Greeting::kNone
                                                          : Greeting::kOwed) {}

void Replies::OnAgentCreated() {
  if (agent_.traits().can_say) return;
  greeting_ = Greeting::kNone;
  // One that is not told the conversation has nothing to go on with.
  left_over_ = false;
}

void Replies::Restore(const Json& snapshot) {
  if (IntegerMember(snapshot, "owesGreeting").value_or(0) <= 0) {
    greeting_ = Greeting::kNone;
  }
  left_over_ = IntegerMember(snapshot, "owesReply").value_or(0) > 0;
}

void Replies::AddTo(Json& snapshot, Due due) const {
  snapshot["owesGreeting"] = owes_greeting() ? 1 : 0;
  snapshot["owesReply"] =
      left_over_ || answers_due_ || due == Due::kYes ? 1 : 0;
}

void Replies::Ask(Duration since_speech) {
  context_.ClearTimer(Timer::kAskAgain);
  answers_due_ = false;
  left_over_ = false;
  asked_ = true;
  if (owes_greeting()) {
    greeting_ = Greeting::kAsked;
    Say(context_.config().profile.greeting);
    return;
  }
  origin_ = Transcript::Origin::kReply;
  agent_.agent().Respond(since_speech);
}

void Replies::Say(std::string_view text) {
  origin_ = Transcript::Origin::kSay;
  agent_.agent().Say(text);
}

void Replies::Cancel() {
  asked_ = false;
  if (agent_.ready()) agent_.agent().Cancel();
}

void Replies::Await() {
  awaited_since_ = context_.now();
  AwaitMore();
}

void Replies::AwaitMore() { context_.SetTimer(Timer::kReply, patience()); }

void Replies::OnAudio() {
  making_ = true;
  left_over_ = false;
  silent_ = 0;
}

bool Replies::OnSent() {
  if (greeting_ != Greeting::kAsked) return false;
  greeting_ = Greeting::kNone;
  return true;
}

void Replies::OnDone(AgentReplyDone::End end, Next next) {
  making_ = false;
  if (end == AgentReplyDone::End::kCancelled) return;
  asked_ = false;
  next_ = next;
  context_.ClearTimer(Timer::kReply);
  if (end == AgentReplyDone::End::kComplete) {
    agent_.ForgetRetries();
    retried_ = false;
  }
}

Replies::Missing Replies::OnMissing(const AgentReplyDone& done) {
  using End = AgentReplyDone::End;
  protocol::Failure why = done.why;
  if (why.code.empty()) why.code = "replyFailed";
  // Once more, and not sooner than the provider wants; a caller who would wait
  // too long for that is told goodbye.
  const bool again = done.end != End::kRefused && !retried_ &&
                     why.retry_after.value_or(Duration()) <= patience();
  const bool fatal = !again && done.end != End::kIncomplete;
  context_.ReportAgentFailed(why, fatal);
  if (!again) return fatal ? Missing::kFailed : Missing::kNothing;
  retried_ = true;
  Await();
  if (!why.retry_after) return Missing::kAskNow;
  context_.SetTimer(Timer::kAskAgain, *why.retry_after);
  context_.SetTimer(Timer::kReply, *why.retry_after + patience());
  return Missing::kAskLater;
}

void Replies::OnAgentFailed(AgentLink::Outlook outlook) {
  const bool returns = outlook == AgentLink::Outlook::kReturns;
  if (!returns) {
    next_ = Next::kCallersTurn;
  } else if (making_ || asked_) {
    next_ = Next::kLost;
  }
  making_ = false;
  asked_ = false;
  if (returns) context_.ClearTimer(Timer::kReply);
}

void Replies::OnLegLost() { left_over_ = agent_.traits().can_say; }

Replies::Next Replies::TakeNext() {
  return std::exchange(next_, Next::kCallersTurn);
}

bool Replies::coming() const {
  return asked_ || context_.deadlines().IsSet(Timer::kAskAgain);
}

}  // namespace trunkline::session
