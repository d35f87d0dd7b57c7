#include "session/agent_list.h"

#include <algorithm>

#include "base/check.h"

namespace trunkline::session {

AgentList::AgentList(const Config& config)
    : config_(config),
      given_up_(std::max<size_t>(config.agents.size(), 1), false) {
  std::optional<size_t> last_resort;
  for (size_t i = 0; i < size(); ++i) {
    if (IsLastResort(i)) {
      last_resort = i;
    } else if (!IsSkipped(i)) {
      current_ = i;
      return;
    }
  }
  current_ = last_resort.value_or(0);
}

bool AgentList::IsSkipped(size_t index) const {
  return !config_.agents.empty() && config_.agents[index].skipped;
}

bool AgentList::IsLastResort(size_t index) const {
  return !config_.agents.empty() && config_.agents[index].last_resort;
}

const std::string& AgentList::name(size_t index) const {
  TL_CHECK(index < size());
  return config_.agents.empty() ? config_.agent : config_.agents[index].name;
}

protocol::AgentSettings AgentList::Settings(size_t index) const {
  TL_CHECK(index < size());
  protocol::AgentSettings settings = config_.profile.agent;
  if (config_.agents.empty()) return settings;
  // INVARIANT: the configuration has been read.
  TL_CHECK(ReadAgentSettings(config_.agents[index].settings, settings));
  return settings;
}

std::optional<size_t> AgentList::Next() const {
  const auto find = [this](size_t from, size_t to,
                           auto wanted) -> std::optional<size_t> {
    for (size_t i = from; i < to; ++i) {
      if (i != current_ && !given_up_[i] && wanted(i)) return i;
    }
    return std::nullopt;
  };
  const auto is_wanted = [this](size_t i) {
    return !IsSkipped(i) && !IsLastResort(i);
  };
  if (const auto behind = find(current_ + 1, size(), is_wanted)) return behind;
  if (const auto before = find(0, current_, is_wanted)) return before;
  const auto is_last = [this](size_t i) { return IsLastResort(i); };
  if (const auto last = find(0, size(), is_last)) return last;
  return find(0, size(), [this](size_t i) { return IsSkipped(i); });
}

void AgentList::Select(size_t index) {
  TL_CHECK(index < size());
  given_up_[index] = false;
  current_ = index;
  ++switches_;
}

AgentList::Found AgentList::Find(const Json& which) const {
  using What = Found::What;
  if (which.is_number_integer()) {
    const auto index = which.get<int64_t>();
    if (index < 0 || static_cast<uint64_t>(index) >= size()) return {};
    return {What::kOne, static_cast<size_t>(index)};
  }
  if (!which.is_string()) return {};
  const auto& wanted = which.get_ref<const std::string&>();
  Found found;
  for (size_t i = 0; i < size(); ++i) {
    if (name(i) != wanted) continue;
    if (found.what == What::kOne) return {What::kSeveral, 0};
    found = {What::kOne, i};
  }
  return found;
}

void AgentList::AddTo(Json& snapshot) const {
  if (size() == 1) return;
  snapshot["agent"] = static_cast<int64_t>(current_);
  snapshot["agentSwitches"] = switches_;
  Json given_up = Json::array();
  for (size_t i = 0; i < size(); ++i) {
    if (given_up_[i]) given_up.push_back(static_cast<int64_t>(i));
  }
  snapshot["agentsGivenUp"] = std::move(given_up);
}

void AgentList::Restore(const Json& snapshot) {
  const auto in_list = [this](const std::optional<int64_t>& index) {
    return index && *index >= 0 && static_cast<uint64_t>(*index) < size();
  };
  const auto current = IntegerMember(snapshot, "agent");
  if (!current || !in_list(current)) return;
  current_ = static_cast<size_t>(*current);
  switches_ = std::max<int64_t>(
      IntegerMember(snapshot, "agentSwitches").value_or(0), 0);
  const Json* given_up = FindMember(snapshot, "agentsGivenUp");
  if (given_up == nullptr || !given_up->is_array()) return;
  for (const Json& one : *given_up) {
    if (!one.is_number_integer()) continue;
    const std::optional<int64_t> index = one.get<int64_t>();
    if (in_list(index)) given_up_[static_cast<size_t>(*index)] = true;
  }
}

}  // namespace trunkline::session
