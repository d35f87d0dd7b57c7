#include "session/replies.h"

#include <algorithm>
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
  texts_.Clear();
}

void Replies::Restore(const Json& snapshot,
                      const std::function<bool(int64_t)>& heard_whole) {
  const auto line = IntegerMember(snapshot, "greetingLine");
  if (IntegerMember(snapshot, "owesGreeting").value_or(0) <= 0 ||
      (line && heard_whole(*line))) {
    greeting_ = Greeting::kNone;
  }
  left_over_ = IntegerMember(snapshot, "owesReply").value_or(0) > 0;
}

void Replies::AddTo(
    Json& snapshot, Due due,
    const std::function<int64_t(protocol::ItemId)>& line_of) const {
  const bool is_here = !owes_greeting() && !greeting_items_.empty();
  snapshot["owesGreeting"] = owes_greeting() || is_here ? 1 : 0;
  if (is_here) snapshot["greetingLine"] = line_of(greeting_items_.back());
  snapshot["owesReply"] =
      left_over_ || answers_due_ || due == Due::kYes ? 1 : 0;
}

void Replies::Ask(Duration since_speech) {
  context_.ClearTimer(Timer::kAskAgain);
  answers_due_ = owed_again_ = false;
  left_over_ = false;
  // One that is on its way is followed by the reply.
  const bool greets =
      owes_greeting() && !(greeting_ == Greeting::kAsked && asked_);
  behind_ = asked_ || making_ || texts_.awaited();
  asked_ = true;
  ++unheard_;
  ++requests_;
  if (greets) {
    ++greeting_tries_;
    greeting_ = Greeting::kAsked;
    Say(context_.config().profile.greeting);
    return;
  }
  origin_ = Transcript::Origin::kReply;
  expects_ = false;
  agent_.agent().Respond(agent_.AgoOf(since_speech));
}

void Replies::Say(std::string_view text) {
  origin_ = Transcript::Origin::kSay;
  words_ = text;
  expects_ = true;
  agent_.agent().Say(text);
}

bool Replies::MaySay() const {
  return texts_.IsDue() && !owes_greeting() && greeting_ != Greeting::kBroken &&
         IsIdle();
}

bool Replies::MayGreet() const { return owes_greeting() && IsIdle(); }

bool Replies::GiveUpGreeting(GiveUp which) {
  if (which == GiveUp::kHopeless &&
      (!MayGreet() || greeting_tries_ < kMaxGreetingTries)) {
    return false;
  }
  const bool owed = owes_greeting();
  if (owed) greeting_ = Greeting::kNone;
  return owed;
}

bool Replies::IsIdle() const {
  return !texts_.awaited() && !coming() && !making_ && !left_over_ &&
         !answers_due_;
}

void Replies::AskForSay() {
  ++unheard_;
  Say(texts_.Ask());
  AwaitMore();
}

void Replies::TakeBackText(protocol::ItemId item) {
  texts_.TakeBack();
  Cancel();
  context_.ClearTimer(Timer::kReply);
  // The agent is not to believe that it has said it.
  agent_.agent().Truncate(item, 0);
}

void Replies::PutOff(std::optional<Duration> time) {
  if (time && !asked_)
    context_.SetTimer(Timer::kAskAgain, std::min(*time, patience()));
}

void Replies::CountWait() {
  if (!waits_since_) return;
  waited_ = waited_ + (context_.now() - *waits_since_);
  waits_since_.reset();
}

void Replies::ForgetWaits() {
  waited_ = Duration();
  waits_since_.reset();
}

void Replies::Cancel() {
  CountWait();
  asked_ = behind_ = left_over_ = audible_ = false;
  made_ = Duration();
  texts_.OnCancelled();
  if (greeting_ == Greeting::kBegun) greeting_ = Greeting::kNone;
  if (agent_.ready()) agent_.agent().Cancel();
}

void Replies::Await() {
  CountWait();
  const Duration most = Duration::Millis(patience().ms() * kMaxPatience);
  due_by_ = context_.now() +
            std::min(patience(), std::max(most - waited_, Duration()));
  waits_since_ = context_.now();
  left_.reset();
  caller_spoke_ = audible_ = false;
  // It is on its way.
  if (asked_) left_over_ = false;
  awaited_since_ = context_.now() - kDatedBack;
  AwaitStill();
}

void Replies::AwaitStill() { context_.deadlines().Set(Timer::kReply, due_by_); }

void Replies::OnToolsWait() {
  CountWait();
  if (!left_) left_ = std::max(due_by_ - context_.now(), Duration());
}

void Replies::OnToolsAnswered() {
  if (!left_) return;
  due_by_ = context_.now() + *left_;
  waits_since_ = context_.now();
  left_.reset();
  if (context_.deadlines().IsSet(Timer::kReply)) AwaitStill();
}

void Replies::AwaitMore() {
  Instant due = context_.now() + patience();
  if (audible_) due = std::min(due, plays_until_ + patience());
  context_.deadlines().Set(Timer::kReply, due);
}

void Replies::OnAudio(Duration length, protocol::ItemId item, bool asked) {
  making_ = true;
  if (!std::exchange(audible_, true)) plays_until_ = context_.now();
  plays_until_ = plays_until_ + length;
  left_over_ = false;
  silent_ = 0;
  since_unheard_ = since_unheard_ + length;
  if (since_unheard_ >= kHeard) {
    since_unheard_ = Duration();
    unheard_ = 0;
    ForgetWaits();
  }
  if (!asked) return;
  made_ = made_ + length;
  const bool greets =
      greeting_ == Greeting::kAsked || greeting_ == Greeting::kBegun;
  if (greets && !texts_.awaited() && !texts_.is_made() &&
      std::find(greeting_items_.begin(), greeting_items_.end(), item) ==
          greeting_items_.end()) {
    greeting_items_.push_back(item);
  }
  texts_.OnAudio(item);
  expects_ = false;
}

void Replies::OnHeard() {
  texts_.OnHeard();
  if (greeting_ == Greeting::kBroken) greeting_ = Greeting::kOwed;
  greeting_items_.clear();
}

void Replies::OnDropped(std::span<const protocol::ItemId> unheard,
                        OwedTexts::By by) {
  texts_.OnDropped(unheard, by);
  const bool no_word = std::all_of(
      greeting_items_.begin(), greeting_items_.end(),
      [unheard](protocol::ItemId item) {
        return std::find(unheard.begin(), unheard.end(), item) != unheard.end();
      });
  const bool broke_off =
      greeting_ == Greeting::kBroken && by == OwedTexts::By::kEnd;
  if (greeting_ == Greeting::kBroken) greeting_ = Greeting::kNone;
  if (!greeting_items_.empty() && (no_word || broke_off)) {
    greeting_ = Greeting::kOwed;
  }
  greeting_items_.clear();
}

void Replies::OnPutOff() {
  texts_.OnPutOff();
  if (greeting_ == Greeting::kBegun) greeting_ = Greeting::kAsked;
  if (greeting_ == Greeting::kAsked) greeting_items_.clear();
  expects_ = origin_ == Transcript::Origin::kSay;
}

bool Replies::OnSent() {
  if (greeting_ != Greeting::kAsked) return false;
  greeting_ = making_ ? Greeting::kBegun : Greeting::kNone;
  return true;
}

Replies::Rest Replies::RestOf(const AgentReplyDone& done) const {
  using End = AgentReplyDone::End;
  // Texts and the greeting are owed as a whole.
  const bool owed_whole =
      texts_.is_made() || texts_.awaited() || greeting_ == Greeting::kBegun;
  // Or what was asked for is another one, which comes later.
  const bool none_came = made_ == Duration();
  if (owed_whole || (none_came && (!asked_ || behind_))) return Rest::kNone;
  if (done.end == End::kComplete && none_came) return Rest::kEmpty;
  if (done.is_whole) return Rest::kNone;
  // A caller who has heard a click has heard nothing.
  const bool heard = made_ >= kHeard;
  switch (done.end) {
    case End::kComplete:
    case End::kCancelled:
      return Rest::kNone;
    case End::kIncomplete:
      return heard || rests_ == kMaxRests ? Rest::kNone : Rest::kAskFor;
    case End::kFailed: {
      // Nobody waits longer than for a reply.
      const bool in_time =
          done.why.retry_after.value_or(Duration()) <= patience();
      if (in_time && rests_ < kMaxRests) return Rest::kAskFor;
      break;
    }
    case End::kRefused:
      break;
  }
  return heard ? Rest::kNone : Rest::kHopeless;
}

void Replies::OnDone(const AgentReplyDone& done, Next next) {
  using End = AgentReplyDone::End;
  using Done = OwedTexts::Done;
  making_ = false;
  made_ = Duration();
  const bool audible = std::exchange(audible_, false);
  const bool behind = std::exchange(behind_, false);
  if (done.end == End::kCancelled) {
    // A text that is waited for comes first still.
    behind_ = behind && texts_.awaited();
    return;
  }
  const bool whole = done.end == End::kComplete || done.is_whole;
  // What follows the reply before it follows it still.
  const bool is_text = texts_.is_made() || texts_.awaited();
  texts_.OnDone(done.end == End::kRefused ? Done::kHopeless
                : whole                   ? Done::kWhole
                                          : Done::kBroken);
  if (greeting_ == Greeting::kBegun) {
    greeting_ = whole                     ? Greeting::kNone
                : greeting_items_.empty() ? Greeting::kOwed
                                          : Greeting::kBroken;
    if (done.end == End::kRefused) greeting_tries_ = kMaxGreetingTries;
  }
  if (next == Next::kLost) ++rests_;
  asked_ = asked_ && behind;
  // What was asked for comes next.
  if (asked_) {
    next_ = Next::kMore;
  } else if (!is_text || next != Next::kCallersTurn) {
    next_ = next;
  }
  context_.ClearTimer(Timer::kReply);
  if (done.end == End::kComplete) {
    // An agent of which nothing is heard is none that works.
    if (audible && !deaf_) agent_.ForgetRetries();
    retried_ = false;
    waits_ = rests_ = 0;
  }
}

Replies::Missing Replies::OnMissing(const AgentReplyDone& done) {
  using End = AgentReplyDone::End;
  protocol::Failure why = done.why;
  if (why.code.empty()) why.code = "replyFailed";
  // Once more; or behind the time that the provider wants, as often as it may,
  // as long as the caller does not wait too long for that.
  const bool may =
      why.retry_after
          ? waits_ < kMaxWaits && *why.retry_after <= due_by_ - context_.now()
          : !retried_;
  // Who has a successor is not waited for so long.
  const bool soon =
      !agent_.has_next() ||
      why.retry_after.value_or(Duration()) <= AgentLink::kTryAgainWithin;
  const bool again = done.end != End::kRefused && may && soon;
  const bool fatal = !again && done.end != End::kIncomplete;
  context_.ReportAgentFailed(why, fatal && !agent_.has_next());
  if (!again) return fatal ? Missing::kFailed : Missing::kNothing;
  AwaitStill();
  if (!why.retry_after) {
    retried_ = true;
    return Missing::kAskNow;
  }
  ++waits_;
  context_.SetTimer(Timer::kAskAgain, *why.retry_after);
  return Missing::kAskLater;
}

void Replies::OnAgentFailed(AgentLink::Outlook outlook) {
  const bool returns = outlook != AgentLink::Outlook::kLost;
  ForgetWaits();
  if (!returns) {
    next_ = Next::kCallersTurn;
  } else if ((making_reply() && audible_) || asked_) {
    // Nothing of one that was cancelled is, and a text is said again.
    next_ = Next::kLost;
  }
  texts_.OnCancelled();
  if (greeting_ == Greeting::kBegun) {
    greeting_ = greeting_items_.empty() ? Greeting::kOwed : Greeting::kBroken;
  }
  making_ = false;
  made_ = Duration();
  audible_ = false;
  asked_ = behind_ = false;
  if (returns) context_.ClearTimer(Timer::kReply);
}

void Replies::OnAgentSwitched() {
  retried_ = deaf_ = false;
  waits_ = rests_ = 0;
  ForgetWaits();
  silent_ = unheard_ = requests_ = 0;
  greeting_tries_ = 0;
  // The time that the former one's provider wanted.
  context_.ClearTimer(Timer::kAskAgain);
}

void Replies::OnLegLost() { left_over_ = agent_.traits().can_say; }

void Replies::OnLegBack() {
  plays_until_ = std::max(plays_until_, context_.now());
  AwaitMore();
}

Replies::Next Replies::TakeNext() {
  return std::exchange(next_, Next::kCallersTurn);
}

// A text comes before the reply that was asked for behind it.
Transcript::Origin Replies::origin() const {
  return texts_.awaited() || texts_.is_made() ? Transcript::Origin::kSay
                                              : origin_;
}

std::string_view Replies::expected() const {
  if (texts_.awaited()) return texts_.asked();
  return expects_ ? std::string_view(words_) : std::string_view();
}

bool Replies::coming() const {
  return asked_ || context_.deadlines().IsSet(Timer::kAskAgain);
}

}  // namespace trunkline::session
