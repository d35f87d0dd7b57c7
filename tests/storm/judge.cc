#include "storm/judge.h"

#include <cmath>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "session/digit_entry.h"
#include "session/replies.h"
#include "session/session.h"

namespace trunkline::test {
namespace {

using session::State;

// Marks may stand still for so long before they are given up.
constexpr int64_t kMarksMs = 3'000;

constexpr const char* kReasons[Figures::kReasons] = {
    "callerHangUp", "legLost",     "agentFailed", "noAnswer",
    "deadAir",      "maxDuration", "hangUp",      "unauthorized",
    "noStart",      "protocol",    "other"};

State StateOf(std::string_view name) {
  for (int i = 0; i < session::kStateCount; ++i) {
    const auto state = static_cast<State>(i);
    if (name == session::ToString(state)) return state;
  }
  return State::kEnded;
}

}  // namespace

const char* ReasonOfEnd(size_t index) { return kReasons[index]; }

void Figures::Add(const Figures& other) {
  calls += other.calls;
  lives += other.lives;
  events += other.events;
  virtual_ms += other.virtual_ms;
  requests += other.requests;
  unexplained += other.unexplained;
  for (size_t i = 0; i < kReasons; ++i) ends[i] += other.ends[i];
  for (size_t i = 0; i < longest_ms.size(); ++i) {
    longest_ms[i].Take(other.longest_ms[i]);
  }
  silence_ms.Take(other.silence_ms);
  thinking_ms.Take(other.thinking_ms);
  outage_ms.Take(other.outage_ms);
  requests_unheard.Take(other.requests_unheard);
  requests_per_turn.Take(other.requests_per_turn);
  heard_error_ms.Take(other.heard_error_ms);
  made_of_nothing_ms.Take(other.made_of_nothing_ms);
  memory_bytes.Take(other.memory_bytes);
}

void Judge::Complain(const std::string& what) {
  // One of a kind is enough.
  if (complaints_.size() < 20) {
    complaints_.push_back("at " + Ms(Now()) + " in " +
                          session::ToString(state_) + ": " + what);
  }
}

int64_t Judge::Now() const {
  return world_ == nullptr ? 0 : world_->now().us() / 1000 - 1000;
}

bool Judge::Ready() const { return agent_ready_; }

void Judge::BeginLife(VirtualWorld& world) {
  world_ = &world;
  ++figures_.lives;
  // Between two sessions.
  if (figures_.lives > 1) call_ms_ += 300;
  life_from_ms_ = call_ms_;
  seen_events_ = 0;
  last_look_ = world.now();
  state_ = State::kSetup;
  in_state_ms_ = thinking_ms_ = dry_ms_ = outage_ms_ = idle_ms_ = 0;
  stream_ms_ = 0;
  agent_ready_ = was_ready_ = false;
  agent_ = plan_.options.agent;
  quiet_ = true;
  heard_ms_ = 0;
  // Bound to the former session's agent.
  outputs_.clear();
  may_output_.clear();
  lost_reply_ = false;
  greeting_items_.clear();
  truncated_.clear();
  own_over_ = {};
  // That the object was lost says why.
  unanswered_.reset();
  given_up_at_.clear();
  for (Said& said : says_) {
    std::string text = std::move(said.text);
    said = {};
    said.text = std::move(text);
    said.at = world.now();
  }
  last_say_ = {};
  results_.clear();
  // Digits that may be kept outlive the object, and are whole.
  if (StringMember(plan_.options.profile, "recordDigits") != "yes") {
    keys_lost_ = keys_lost_ || !keys_.empty();
    keys_.clear();
  }
  keys_whole_ = !keys_.empty();
  keys_at_ = world.now();
  keys_on_way_.clear();
  keys_told_.clear();
  waiting_ = false;
  unplayed_ms_ = clears_ = 0;
  losses_ = 0;
  resumes_of_life_ = 0;
}

void Judge::Look() {
  LookAtTime();
  while (!heard_.empty() && heard_.front().due <= world_->now()) {
    JudgeHeard(heard_.front());
    heard_.erase(heard_.begin());
  }
  const auto& events = world_->events();
  while (seen_events_ < events.size()) OnEvent(events[seen_events_++]);
  state_ = world_->state();
  // From now on: what has passed was before that.
  if (!world_->agent_open() && agent_ != "parrot") {
    agent_ready_ = false;
  }
  LookAtDebts();
}

// ---------------------------------------------------------------------------
// Time

void Judge::LookAtTime() {
  const int64_t us = (world_->now() - last_look_).us();
  if (us < 1000 || state_ == State::kEnded) return;
  const int64_t ms = us / 1000;
  last_look_ = last_look_ + Duration::Millis(ms);
  call_ms_ += ms;
  in_state_ms_ += ms;
  const int64_t heard = world_->line.heard_ms();
  const bool plays = heard > heard_ms_;
  // What is heard while he waits says nothing.
  if (!session::Waits(state_) && !waiting_) talked_ms_ += heard - heard_ms_;
  heard_ms_ = heard;
  if (talked_ms_ >= 200) {
    talked_ms_ = 0;
    requests_unheard_ = 0;
  }
  if (!quiet_) spoke_ = true;
  const bool may_be_silent = state_ == State::kSetup ||
                             state_ == State::kLegLost ||
                             state_ == State::kFarewell;
  silence_ms_ = plays || !quiet_ || may_be_silent ? 0 : silence_ms_ + ms;
  figures_.silence_ms.Take(silence_ms_, seed_);

  LookAtWaiting(ms, plays);
  const bool wants = state_ == State::kConnecting || state_ == State::kThinking;
  outage_ms_ = !agent_ready_ && wants ? outage_ms_ + ms : 0;
  figures_.outage_ms.Take(outage_ms_, seed_);
  const int64_t outage = Limit("agentReadyMs") + (was_ready_ ? 500 : 0);
  // Each of them has its time, and none has it twice but by command.
  if (outage_ms_ > (outage + 3 * kSlackMs) * plan_.agents()) {
    Complain("no agent for " + Ms(outage_ms_) + ", agentReadyMs is " +
             Ms(Limit("agentReadyMs")));
    outage_ms_ = -1'000'000;
  }
  switch (state_) {
    case State::kThinking:
      if (agent_ready_ && awaited_tools_.empty()) thinking_ms_ += ms;
      figures_.thinking_ms.Take(thinking_ms_, seed_);
      if (thinking_ms_ > Limit("replyMs") + kSlackMs) {
        Complain("a reply has been due for " + Ms(thinking_ms_) +
                 ", replyMs is " + Ms(Limit("replyMs")));
        thinking_ms_ = -1'000'000;
      }
      break;
    case State::kSpeaking:
      if (!plays && awaited_tools_.empty()) dry_ms_ += ms;
      if (dry_ms_ > Limit("replyMs") + 2 * kMarksMs) {
        Complain("it speaks, and nothing was to be heard for " + Ms(dry_ms_));
        dry_ms_ = -1'000'000;
      }
      break;
    case State::kListening:
    case State::kSetup:
    case State::kConnecting:
    case State::kInterrupted:
    case State::kFarewell:
    case State::kLegLost:
    case State::kEnded:
      break;
  }
  const auto bound = [&](State state, int64_t most) {
    if (state_ != state || in_state_ms_ <= most + kSlackMs) return;
    Complain("for " + Ms(in_state_ms_) + ", at most " + Ms(most));
    in_state_ms_ = -1'000'000;
  };
  bound(State::kSetup, Limit("startMs"));
  bound(State::kInterrupted, session::kDecide.ms());
  bound(State::kFarewell, Limit("farewellMs"));
  bound(State::kLegLost, Limit("legLostMs"));
  // Nobody speaks.
  if (state_ == State::kListening && quiet_) {
    if (std::min(silence_ms_, in_state_ms_) > Limit("deadAirMs") + 250) {
      Complain("silence for " + Ms(silence_ms_));
      silence_ms_ = in_state_ms_ = -1'000'000;
    }
  }
  if (call_ms_ > Limit("maxCallMs") +
                     std::max(Limit("farewellMs"), Limit("legLostMs")) +
                     kSlackMs + 1000 * (figures_.lives > 1)) {
    Complain("a call of " + Ms(call_ms_));
    call_ms_ = -1'000'000;
  }
  const bool idle = state_ == State::kListening && agent_ready_ && quiet_ &&
                    awaited_tools_.empty();
  idle_ms_ = idle ? idle_ms_ + ms : 0;
  for (Result& result : results_) {
    if (agent_ready_) result.ready_ms += ms;
  }
}

// ---------------------------------------------------------------------------
// Events

void Judge::OnEvent(const Json& event) {
  ++figures_.events;
  const std::string_view type = StringMember(event, "type");
  if (type == "state") {
    OnState(event);
  } else if (type == "opened") {
    agent_ = StringMember(event, "agent");
  } else if (type == "agentSwitched") {
    OnSwitched(event);
  } else if (type == "agentReady") {
    agent_ready_ = was_ready_ = true;
    thinking_ms_ = outage_ms_ = 0;
    outputs_.clear();
    // What it is told comes before this event, and what the former one was on
    // its way to be told is part of that.
    keys_told_.insert(keys_on_way_.begin(), keys_on_way_.end());
    keys_on_way_.clear();
  } else if (type == "agentFailed") {
    const Json* fatal = FindMember(event, "fatal");
    if (fatal != nullptr && *fatal == true) fatal_ = true;
    // Its socket is closed, which the provider is yet to hear of.
    const std::string_view code = StringMember(event, "code");
    if (code == "noReply" || code == "deaf") {
      agent_ready_ = false;
      given_up_at_.push_back(world_->now());
    }
    // Of which the end was not told: more of it might have come.
    if (greeting_in_air_ && state_ != State::kListening) {
      greeted_ = false;
      greeting_items_.clear();
    }
    unanswered_.reset();
    last_say_ = world_->now();
  } else if (type == "speechStarted") {
    quiet_ = false;
    spoke_ = true;
    silence_ms_ = 0;
    // He may have begun before the last turn was taken.
    if (IntegerMember(event, "startMs").value_or(0) < turn_at_ms_) {
      thinking_ms_ = 0;
    }
    requests_unheard_ = 0;
    requests_of_turn_ = 0;
  } else if (type == "speechStopped") {
    quiet_ = true;
  } else if (type == "dtmf") {
    // He enters digits: what is owed waits for the rest of them.
    idle_ms_ = 0;
    silence_ms_ = 0;
    if (state_ != State::kSetup && plan_.watches_provider()) {
      // More than that is dropped.
      if (keys_.size() < session::DigitEntry::kMaxDigits) {
        OnKeys(std::string(StringMember(event, "digit")));
      }
      requests_unheard_ = 0;
      requests_of_turn_ = 0;
    }
  } else if (type == "waiting") {
    waiting_ = true;
    waits_unheard_ms_ = 0;
  } else if (type == "turnEnded") {
    ++turns_;
    turn_at_ms_ = IntegerMember(event, "atMs").value_or(0);
    if (spoke_ || StringMember(event, "source") == "keypad") {
      thinking_ms_ = 0;
      unanswered_ = world_->now();
    }
    // What he says on is of this turn, or of another.
    spoke_ = !quiet_;
    if (IntegerMember(event, "turn") != turns_) {
      Complain("turn " + PrintJson(event["turn"]) + " is the " +
               std::to_string(turns_) + "th");
    }
  } else if (type == "replyStarted") {
    unanswered_.reset();
    OnHeardItem(StringMember(event, "item"));
  } else if (type == "truncated") {
    OnTruncated(event);
  } else if (type == "notSaid") {
    for (size_t i = 0; i < says_.size(); ++i) {
      last_say_ = world_->now();
      if (says_[i].text != StringMember(event, "text")) continue;
      says_[i].failed = true;
      // What is given up by name is not asked for again.
      if (says_in_air_ == i) lost_reply_ = false;
    }
    const std::string_view text = StringMember(event, "text");
    if (text == plan_.greeting()) {
      greetings_ = std::max(greetings_, 1);
      if (greeting_in_air_) lost_reply_ = false;
    }
    if (text.starts_with("[keypad")) {
      keys_.clear();
      keys_whole_ = keys_lost_ = false;
    }
  } else if (type == "replyDone") {
    ++replies_;
    OnHeardItem(StringMember(event, "item"));
    OnHeardToItsEnd(std::string(StringMember(event, "item")));
  } else if (type == "resumed") {
    ++resumes_;
    ++resumes_of_life_;
  } else if (type == "toolCall") {
    const std::string id(StringMember(event, "toolCallId"));
    const std::string_view name = StringMember(event, "name");
    if (calls_of_tool_[id]++ == 0) tools_.push_back(id);
    ++may_output_[id];
    open_tools_.insert(id);
    if (name == "lookup" || name == "quick") awaited_tools_.insert(id);
    if (name == "end_call") told_to_hang_up_ = true;
  } else if (type == "line") {
    OnLine(event);
  } else if (type == "fault") {
    if (StringMember(event, "source") == "leg") leg_fault_ = true;
    if (StringMember(event, "code") == "snapshotRefused") {
      Complain("its own snapshot was refused");
    }
  }
}

void Judge::OnSwitched(const Json& event) {
  if (StringMember(event, "from") != agent_) {
    Complain("the call goes from an agent that does not have it");
  }
  if (event["fromIndex"] == event["toIndex"]) {
    Complain("an agent takes its own place");
  }
  agent_ = StringMember(event, "to");
  const std::string_view reason = StringMember(event, "reason");
  if (reason == "restored") return;
  ++switches_;
  if (reason == "command") outage_ms_ = 0;
  // The list is gone through once; a command may begin it anew.
  if (reason != "command" && ++failovers_ >= plan_.agents()) {
    Complain("the list of agents is gone through for ever");
  }
  if (reason == "command") failovers_ = -1;
  agent_ready_ = false;
  thinking_ms_ = idle_ms_ = 0;
  // It has all of the time that silence may take.
  if (state_ == State::kListening) in_state_ms_ = 0;
  // Another one's attempts.
  requests_unheard_ = requests_of_turn_ = 0;
}

void Judge::OnState(const Json& event) {
  const State from = StateOf(StringMember(event, "from"));
  const State to = StateOf(StringMember(event, "to"));
  const std::string_view reason = StringMember(event, "reason");
  figures_.longest_ms[static_cast<size_t>(from)].Take(in_state_ms_, seed_);
  in_state_ms_ = idle_ms_ = 0;
  waiting_ = waiting_ && (session::Waits(to) || to == State::kListening);
  dry_ms_ = 0;
  if (to == State::kThinking) thinking_ms_ = 0;
  if (reason == "replyAudio") unanswered_.reset();
  if (reason == "bargeIn") {
    ++barge_ins_;
    for (Said& said : says_) said.cut = said.cut || said.heard;
    reply_wanted_ = lost_reply_ = false;
    last_say_ = world_->now();
  }
  if (reason == "callerGoesOn") {
    unanswered_.reset();
    reply_wanted_ = lost_reply_ = false;
  }
  if (reason == "legGone") ++losses_;
  if (to == State::kFarewell) {
    reply_wanted_ = lost_reply_ = false;
    waited_ms_ = !unanswered_ ? 0
                 : from == State::kThinking
                     ? thinking_ms_
                     : (world_->now() - *unanswered_).ms();
    // The goodbye is an answer to that.
    unanswered_.reset();
    before_farewell_ = session::ToString(from);
  }
  if (to == State::kEnded) last_from_ = session::ToString(from);
  state_ = to;
}

// ---------------------------------------------------------------------------
// The end

void Judge::EndLife(How how) {
  Look();
  for (const Heard& heard : heard_) JudgeHeard(heard);
  heard_.clear();
  const int64_t listened = world_->realtime.listened_ms();
  figures_.made_of_nothing_ms.Take(listened - Now(), seed_);
  if (how == How::kLost) {
    KeepWhatIsOwed();
    return;
  }
  over_ = true;
  ++figures_.calls;
  figures_.virtual_ms += static_cast<uint64_t>(std::max<int64_t>(call_ms_, 0));
  JudgeEnd();
}

void Judge::JudgeEnd() {
  const auto& ended = world_->ended();
  if (ended.size() != 1) {
    Complain(std::to_string(ended.size()) + " summaries");
    return;
  }
  if (world_->effects_after_end() != 0) Complain("effects after the end");
  if (world_->upstreams.dangling() != 0) Complain("a channel was left open");
  if (world_->leg_open()) Complain("the leg's socket was left open");
  const Json& summary = ended[0];
  const std::string reason(StringMember(summary, "reason"));
  const auto known =
      std::find(std::begin(kReasons), std::end(kReasons), reason);
  const auto index = static_cast<size_t>(known - std::begin(kReasons));
  ++figures_.ends[std::min(index, Figures::kReasons - 1)];
  const auto count = [&](const char* key, int64_t counted) {
    const int64_t told = IntegerMember(summary, key).value_or(-1);
    if (told == counted) return;
    Complain("the summary has " + std::to_string(told) + " " + key +
             ", the events " + std::to_string(counted));
  };
  count("turns", turns_);
  count("replies", replies_);
  count("bargeIns", barge_ins_);
  count("resumes", resumes_);
  for (const auto& [id, calls] : calls_of_tool_) {
    const int lines = lines_of_tool_[id];
    if (lines < 1 || lines > calls) {
      Complain("call " + id + " was made " + std::to_string(calls) +
               " times and has " + std::to_string(lines) + " lines");
    }
  }
  // Where it is known which items are of it.
  for (const Said& said : says_) {
    if (said.heard || said.failed || !plan_.watches_provider() ||
        !plan_.in_order()) {
      continue;
    }
    Complain("'" + said.text + "' was neither said nor given up");
  }
  if (keys_lost_ && plan_.watches_provider()) {
    Complain("keys went with an object, and were not given up");
  }
  if (!keys_.empty() && plan_.watches_provider()) {
    Complain("the keys " + keys_ + " were not told, and not given up");
  }
  // Why it ended.
  const size_t before = complaints_.size();
  if (plan_.has_successors()) {
    if (StringMember(summary, "agent") != agent_) {
      Complain("the summary has another agent than the events");
    }
    count("agentSwitches", switches_);
  }
  if (known == std::end(kReasons)) Complain("it ended for '" + reason + "'");
  const auto unexplained = [&](const char* of, bool explained) {
    if (reason == of && !explained) Complain("nothing explains " + reason);
  };
  const bool in_lost = last_from_ == "legLost";
  unexplained("callerHangUp", hung_up_);
  unexplained("legLost", in_lost);
  unexplained("agentFailed", fatal_);
  unexplained("noAnswer", fatal_);
  unexplained("deadAir", before_farewell_ == "listening");
  unexplained("maxDuration",
              call_ms_ < 0 || call_ms_ >= Limit("maxCallMs") - kSlackMs);
  unexplained("hangUp", told_to_hang_up_);
  unexplained("unauthorized", false);
  unexplained("noStart", last_from_ == "setup");
  unexplained("protocol", leg_fault_);
  const bool failed =
      reason == "agentFailed" || reason == "noAnswer" || reason == "protocol";
  const bool was_failed = waited_ms_ > Limit("replyMs") + kSlackMs;
  if ((reason == "deadAir" || reason == "maxDuration") && was_failed &&
      awaited_tools_.empty()) {
    Complain("the caller was failed, and the log says " + reason);
  }
  // Another end may come before that of the farewell, and another session may
  // have another agent.
  const bool ended_first = reason == "callerHangUp" || reason == "hangUp" ||
                           reason == "maxDuration" || reason == "legLost" ||
                           reason == "deadAir" || figures_.lives > 1;
  if (fatal_ && !failed && !ended_first) {
    Complain("the agent failed, and the log says " + reason);
  }
  if (complaints_.size() > before) ++figures_.unexplained;
}

}  // namespace trunkline::test
