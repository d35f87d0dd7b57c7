// What is said to have been heard, against what was.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "storm/judge.h"

namespace trunkline::test {

using session::State;

void Judge::OnTruncated(const Json& event) {
  const std::string item(StringMember(event, "item"));
  const int64_t told = IntegerMember(event, "audioEndMs").value_or(0);
  if (told > 0) OnHeardItem(item);
  for (Said& said : says_) {
    if (said.items.contains(item)) said.cut = true;
  }
  const int64_t received = IntegerMember(event, "receivedMs").value_or(0);
  if (told > received) Complain("more heard of " + item + " than received");
  truncated_.insert(item);
  if (state_ == State::kInterrupted) interrupted_.insert(item);
  const auto playback = world_->line.config().traits.playback;
  if (!plan_.honest_line || !plan_.watches_provider() || !plan_.on_a_socket() ||
      playback == protocol::LegTraits::Playback::kClock) {
    return;
  }
  // When what stops it has come to the line.
  const Duration way = plan_.options.leg_delay + plan_.options.leg_jitter;
  heard_.push_back({item, told, world_->now() + way + Duration::Millis(5)});
}

void Judge::OnLine(const Json& event) {
  const int64_t line = IntegerMember(event, "line").value_or(-1);
  if (line < 1 || !lines_.insert(line).second) {
    Complain("line " + std::to_string(line) + " twice");
  }
  const auto start = IntegerMember(event, "startMs");
  const auto end = IntegerMember(event, "endMs");
  if (!start || !end || *start > *end) {
    Complain("line " + std::to_string(line) + " ends before it begins");
  }
  const std::string_view role = StringMember(event, "role");
  if (role == "tool") {
    const std::string id(StringMember(event, "toolCallId"));
    ++lines_of_tool_[id];
    open_tools_.erase(id);
    awaited_tools_.erase(id);
    return;
  }
  const std::string said(StringMember(event, "said"));
  const std::string heard(StringMember(event, "heard"));
  if (said.starts_with("[keypad")) {
    keys_on_way_.push_back(std::exchange(keys_, {}));
    keys_at_ = world_->now();
    keys_whole_ = false;
  }
  const std::string item(StringMember(event, "item"));
  OnHeardItem(item);
  // One that breaks off otherwise is owed again.
  if (!heard.empty() && greeting_items_.contains(item) &&
      interrupted_.contains(item)) {
    greeted_ = true;
  }
  if (!said.starts_with(heard)) {
    Complain("'" + heard + "' was heard of '" + said + "'");
  }
  if (role == "agent") JudgeCut(event, item);
}

const Agent::Item* Judge::FindItem(const std::string& item) const {
  const auto& items = world_->agent.items();
  const auto found =
      std::find_if(items.begin(), items.end(),
                   [&](const Agent::Item& one) { return one.id == item; });
  return found == items.end() ? nullptr : &*found;
}

// A line is cut unless the caller has heard all of it, and it was whole.
void Judge::JudgeCut(const Json& line, const std::string& name) {
  const bool cut = line["cut"] == true;
  if (!cut && line["heard"] != line["said"]) {
    Complain("not all words of " + name + " were heard, and it is not cut");
  }
  const auto playback = world_->line.config().traits.playback;
  const Agent::Item* item = FindItem(name);
  const bool of_this_life =
      IntegerMember(line, "startMs").value_or(0) >= life_from_ms_;
  // Where nothing is lost, and no end is told that is none.
  const bool known = plan_.on_a_socket() && plan_.provider.lost == 0 &&
                     plan_.provider.whim_every == Duration();
  if (item == nullptr || !of_this_life || !known || !plan_.honest_line ||
      !plan_.watches_provider() ||
      playback == protocol::LegTraits::Playback::kClock) {
    return;
  }
  const int64_t ear_ms = world_->HeardMs(*item);
  if (!cut && !item->whole_at) {
    Complain(name + " was never whole, and is not cut");
  }
  if (!cut && ear_ms < item->generated_ms - MostError()) {
    Complain("of " + name + " " + Ms(ear_ms) + " of " + Ms(item->generated_ms) +
             " were heard, and it is not cut");
  }
  // What tells of its end was here before the last of it was heard.
  const int64_t end_ms = IntegerMember(line, "endMs").value_or(0);
  const Duration way = plan_.options.agent_delay + Duration::Millis(kSlackMs);
  if (cut && IsToldWhole(*item) && !truncated_.contains(name) &&
      (*item->whole_at - Instant()).ms() - 1000 + life_from_ms_ + way.ms() <
          end_ms) {
    Complain(name + " was whole and heard, and is cut");
  }
}

bool Judge::IsToldWhole(const Agent::Item& item) const {
  if (!item.whole_at) return false;
  const Duration way = plan_.options.agent_delay + Duration::Millis(kSlackMs);
  return std::none_of(
      given_up_at_.begin(), given_up_at_.end(), [&](Instant at) {
        return at - way <= *item.whole_at && *item.whole_at <= at + way;
      });
}

int64_t Judge::MostError() const {
  const int64_t way = 2 * plan_.options.leg_delay.ms();
  return 60 + 25 * resumes_of_life_ + losses_ * (way + 120) +
         2 * plan_.options.leg_jitter.ms() + (hung_up_ ? way : 0);
}

void Judge::JudgeHeard(const Heard& heard) {
  const Agent::Item* item = FindItem(heard.item);
  if (item == nullptr) return;
  const int64_t ear = world_->HeardMs(*item);
  const int64_t error = std::abs(ear - heard.told_ms);
  const int64_t most = MostError();
  if (losses_ == 0 && !hung_up_) figures_.heard_error_ms.Take(error, seed_);
  if (error > most) {
    Complain("of " + heard.item + " " + Ms(heard.told_ms) + " are logged and " +
             Ms(ear) + " were heard");
  }
}

}  // namespace trunkline::test
