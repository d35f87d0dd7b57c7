#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "protocol/agents/registry.h"
#include "session/config.h"

namespace trunkline::session {

// The agents that a call may have, in the order in which they are wanted, and
// which of them has it. Knows which were given up and which are to be tried
// last, and nothing of sockets or of time.
//
// The next one is, as far as it was not given up: one that is not to be skipped
// behind the current one, or else before it; the last resort; one that is to be
// skipped. Each is given up once, so that a call goes through the list once; a
// command may choose any.
class AgentList {
 public:
  // `config` is borrowed for the life of the object. The first that is not to
  // be skipped has the call; where all are, the last resort, or else the first.
  explicit AgentList(const Config& config);

  size_t size() const { return given_up_.size(); }
  size_t current() const { return current_; }
  // The name that configurations have for it. Precondition: index < size().
  const std::string& name(size_t index) const;
  const std::string& current_name() const { return name(current_); }
  // What the profile says of it, and what it says itself.
  protocol::AgentSettings Settings(size_t index) const;

  // Who comes behind the current one; nullopt if the list is used up.
  std::optional<size_t> Next() const;
  bool has_next() const { return Next().has_value(); }
  // The current one is not wanted again, unless by Select().
  void GiveUp() { given_up_[current_] = true; }
  // This one has the call from now on. Precondition: index < size().
  void Select(size_t index);
  // Times that another one was chosen.
  int64_t switches() const { return switches_; }

  // Which one a command means: its index, or its name where no other one has
  // the same.
  struct Found {
    enum class What : uint8_t { kOne, kNone, kSeveral };
    What what = What::kNone;
    size_t index = 0;
  };
  Found Find(const Json& which) const;

  // Adds what Restore() reads, if there is a choice.
  void AddTo(Json& snapshot) const;
  // The one that had the call of a session that was lost has it, and those that
  // were given up are. What is not in the list is ignored.
  void Restore(const Json& snapshot);

 private:
  bool IsSkipped(size_t index) const;
  bool IsLastResort(size_t index) const;

  const Config& config_;
  std::vector<bool> given_up_;
  size_t current_ = 0;
  int64_t switches_ = 0;
};

}  // namespace trunkline::session
