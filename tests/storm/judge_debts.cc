#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "session/caller_turns.h"
#include "session/digit_entry.h"
#include "session/replies.h"
#include "session/session.h"
#include "storm/judge.h"

// What is owed to the caller and to the agent: texts, keys, results, replies.

namespace trunkline::test {

using session::State;

namespace {

// The sound for who waits is on its way, or is held up by a line that is full.
constexpr int64_t kWaitingGapMs = 400;

}  // namespace

template <class Holds>
bool Judge::AllOfLast(const Said& said, Holds holds) const {
  return !said.last_items.empty() &&
         std::all_of(said.last_items.begin(), said.last_items.end(),
                     [&](const std::string& name) {
                       const Agent::Item* item = FindItem(name);
                       return item != nullptr && IsToldWhole(*item) &&
                              holds(*item);
                     });
}

void Judge::LookAtWaiting(int64_t ms, bool plays) {
  unplayed_ms_ = plays ? 0 : unplayed_ms_ + ms;
  const int64_t clears = world_->line.clears();
  // Nothing else tells of its end where waiting is no state of its own.
  if (clears != std::exchange(clears_, clears)) waiting_ = false;
  const bool may_wait =
      state_ == State::kListening || state_ == State::kSpeaking;
  const bool sound =
      StringMember(plan_.options.profile, "waitingSound") != "off";
  if (!sound || !(session::Waits(state_) || may_wait)) {
    if (waiting_) Complain("he is told that he waits");
    waiting_ = false;
    return;
  }
  if (may_wait) return;
  const int64_t most = IntegerMember(plan_.options.limits, "waitingMs")
                           .value_or(session::Config::Limits().waiting.ms());
  if (!waiting_ && std::min(in_state_ms_, unplayed_ms_) > most + kSlackMs) {
    Complain("he waits for " + Ms(in_state_ms_) + " in silence");
    waiting_ = true;
    waits_unheard_ms_ = -1'000'000;
  }
  if (!waiting_ || !plan_.honest_line) return;
  waits_unheard_ms_ =
      plays ? std::min<int64_t>(waits_unheard_ms_, 0) : waits_unheard_ms_ + ms;
  if (waits_unheard_ms_ > kWaitingGapMs) {
    Complain("he waits, and nothing was to be heard for " +
             Ms(waits_unheard_ms_));
    waits_unheard_ms_ = -1'000'000;
  }
}

void Judge::LookAtDebts() {
  if (state_ == State::kEnded) return;
  if (world_->stray_messages() != 0) {
    Complain("a message on a channel that is not open");
  }
  // An error that names no request may be taken for the answer to this one.
  const bool named = plan_.provider.whim_every == Duration();
  // The caller's turn is not over when his speech is, and later still where his
  // frames do not come.
  const int64_t idle =
      kIdleMs + Limit("endOfTurnMs") +
      (plan_.honest_line ? 0 : session::Session::kCallerStall.ms());
  if (lost_reply_ && named && idle_ms_ > idle && !plan_.has_successors()) {
    Complain("a reply that was lost with its socket was not asked for again");
    lost_reply_ = false;
  }
  // What the ear has heard was said.
  for (Said& said : says_) {
    for (const Agent::Item& item : world_->agent.items()) {
      if (said.heard || !said.items.contains(item.id)) continue;
      // Of the shortest, a fade leaves no level that could be told.
      said.faint = item.generated_ms > 0 && item.generated_ms <= 60;
      if (world_->HeardMs(item) <= 0) continue;
      said.heard = true;
      last_say_ = world_->now();
    }
    // Of the shortest that cannot be told.
    said.whole =
        said.whole ||
        (plan_.honest_line && AllOfLast(said, [this](const Agent::Item& item) {
           return item.generated_ms > 2 * MostError() &&
                  world_->HeardMs(item) >= item.generated_ms - MostError();
         }));
  }
  // One at a time.
  const auto next = std::find_if(
      says_.begin(), says_.end(),
      [](const Said& said) { return !said.heard && !said.failed; });
  if (next != says_.end() && plan_.watches_provider()) {
    // Another request may be on its way, and in vain.
    // Before it, a reply that is owed once more, whose turn may yet be taken.
    const int64_t most =
        idle + Limit("replyMs") + session::CallerTurns::kMayTake.ms();
    const int64_t waits = (world_->now() - std::max(next->at, last_say_)).ms();
    // Where messages are lost or broken, a response of the server's own may be
    // taken for it.
    const bool known = next->requests == 0 ||
                       (plan_.on_a_socket() && plan_.provider.lost == 0);
    if (std::min(waits, idle_ms_) > most && !next->faint && !next->mistaken &&
        !next->cut && known) {
      Complain("'" + next->text + "' was never " +
               (next->requests == 0 ? "asked for" : "said"));
      next->failed = true;
    }
  }
  LookAtKeys();
  for (Result& result : results_) {
    if (result.ready_ms <= 3'000 || plan_.has_successors()) continue;
    Complain("the accepted " + result.output + " was not given to the agent");
    result.ready_ms = -1'000'000;
  }
  if (!plan_.greeting().empty() && plan_.watches_provider() &&
      greetings_ == 0 && idle_ms_ > idle) {
    Complain("the greeting was never asked for");
    greetings_ = 1;
  }
}

void Judge::OnKeys(const std::string& keys) {
  keys_ += keys;
  keys_at_ = world_->now();
  if (keys.find('#') != std::string::npos ||
      keys_.size() >= session::DigitEntry::kMaxDigits) {
    keys_whole_ = true;
  }
}

void Judge::OnKeysTold(const std::string& keys) {
  if (!plan_.watches_provider()) return;
  const auto told = std::find(keys_on_way_.begin(), keys_on_way_.end(), keys);
  if (told != keys_on_way_.end()) {
    keys_on_way_.erase(keys_on_way_.begin(), told + 1);
    keys_told_.insert(keys);
  } else if (!keys_told_.contains(keys) &&
             StringMember(plan_.options.profile, "recordDigits") != "yes") {
    // Each new connection is told of them, and each object where they are kept.
    Complain("the agent is told of keys " + keys);
  }
}

void Judge::LookAtKeys() {
  if (!plan_.watches_provider() || idle_ms_ <= kIdleMs) return;
  const int64_t pause =
      keys_whole_ ? 0 : session::DigitEntry::kPause.ms() + kSlackMs;
  if (!keys_.empty() && (world_->now() - keys_at_).ms() > pause + kIdleMs) {
    Complain("the keys " + keys_ + " were not told to the agent");
    keys_.clear();
  }
  if (!keys_on_way_.empty() && (world_->now() - keys_at_).ms() > kIdleMs) {
    Complain("the keys " + keys_on_way_.front() + " did not come to the agent");
    keys_on_way_.clear();
  }
}

void Judge::OnRequest(const Json& request) {
  const std::string type(StringMember(request, "type"));
  if (type == "response.create") {
    ++figures_.requests;
    reply_wanted_ = true;
    lost_reply_ = false;
    figures_.requests_unheard.Take(++requests_unheard_, seed_);
    figures_.requests_per_turn.Take(++requests_of_turn_, seed_);
    // Each may be put off by a busy server, and sent once more.
    if (requests_unheard_ > 2 * session::Replies::kMaxUnheard) {
      Complain(std::to_string(requests_unheard_) +
               " requests, and nothing to be heard");
      requests_unheard_ = -1'000'000;
    }
    if (requests_of_turn_ > session::Replies::kMaxRequests) {
      Complain(std::to_string(requests_of_turn_) + " requests for one turn");
      requests_of_turn_ = -1'000'000;
    }
    const Json* response = FindMember(request, "response");
    const std::string said(
        response == nullptr ? "" : StringMember(*response, "instructions"));
    // Also one that a lost session owed: others wait for it.
    if (!said.empty()) last_say_ = world_->now();
    greeting_in_air_ = !plan_.greeting().empty() &&
                       said.find(plan_.greeting()) != std::string::npos;
    if (greeting_in_air_) {
      if (greeted_ && plan_.in_order())
        Complain("the caller was greeted, and is once more");
      ++greetings_;
    }
    says_in_air_ = SIZE_MAX;
    for (size_t i = 0; i < says_.size(); ++i) {
      if (said.find(says_[i].text) == std::string::npos) continue;
      if (says_[i].whole && plan_.in_order())
        Complain("'" + says_[i].text + "' was heard, twice");
      ++says_[i].requests;
      says_[i].cut = false;
      says_[i].last_items.clear();
      // There and back.
      const Duration way = plan_.options.agent_delay;
      says_[i].mistaken = world_->now() - own_over_ <= way + way + way;
      says_in_air_ = i;
    }
    return;
  }
  if (type != "conversation.item.create") return;
  const Json* item = FindMember(request, "item");
  if (item == nullptr) return;
  const std::string text = PrintJson(*item);
  const std::string id(StringMember(*item, "call_id"));
  const std::string_view kind = StringMember(*item, "type");
  constexpr std::string_view kKeypad = "[keypad: ";
  if (const size_t at = text.find(kKeypad); at != std::string::npos) {
    const size_t from = at + kKeypad.size();
    OnKeysTold(text.substr(from, text.find(']', from) - from));
  }
  if (kind == "function_call") {
    ++may_output_[id];
  } else if (kind == "function_call_output") {
    if (++outputs_[id] > may_output_[id]) {
      Complain("call " + id + " was answered more often than made");
    }
  }
  std::erase_if(results_, [&](const Result& result) {
    return text.find(result.output) != std::string::npos;
  });
}

void Judge::OnItem(const std::string& item) {
  if (greeting_in_air_) greeting_items_.insert(item);
  if (says_in_air_ >= says_.size()) return;
  says_[says_in_air_].items.insert(item);
  says_[says_in_air_].last_items.insert(item);
}

void Judge::OnHeardItem(std::string_view item) {
  const std::string name(item);
  for (Said& said : says_) {
    if (said.heard || !said.items.contains(name)) continue;
    said.heard = true;
    last_say_ = world_->now();
  }
}

void Judge::OnHeardToItsEnd(const std::string& name) {
  const Agent::Item* item = FindItem(name);
  if (item == nullptr || !IsToldWhole(*item)) return;
  if (greeting_items_.contains(name)) greeted_ = true;
  for (Said& said : says_) {
    // One that broke off behind its first item is not.
    if (said.last_items.contains(name) &&
        AllOfLast(said, [](const Agent::Item&) { return true; })) {
      said.whole = true;
    }
  }
}

void Judge::OnCommand(const Json& command, const Json& result) {
  const bool done = StringMember(result, "status") == "done";
  const std::string type(StringMember(command, "type"));
  if (!done) return;
  if (type == "hangUp") told_to_hang_up_ = true;
  if (type == "digits") {
    OnKeys(std::string(StringMember(command, "digits")));
    keys_whole_ = true;
  }
  if (type == "say" && state_ != State::kFarewell) {
    Said said;
    said.text = StringMember(command, "text");
    said.at = world_->now();
    says_.push_back(std::move(said));
  }
  if (type == "toolResult") {
    results_.push_back(
        {std::string(StringMember(command, "output")), world_->now()});
  }
}

std::string Judge::OpenTool() const {
  return awaited_tools_.empty() ? "" : *awaited_tools_.begin();
}

std::string Judge::OldestTool() const {
  return tools_.empty() ? "" : tools_.front();
}

// To the session that follows: texts of which nothing was heard, or that broke
// off. Not those that were interrupted.
void Judge::KeepWhatIsOwed() {
  std::erase_if(says_, [this](const Said& said) {
    const bool broke_off = std::none_of(
        said.items.begin(), said.items.end(), [this](const std::string& name) {
          const Agent::Item* item = FindItem(name);
          return item == nullptr || item->whole_at;
        });
    return said.failed || said.cut || (said.heard && !broke_off);
  });
}

}  // namespace trunkline::test
