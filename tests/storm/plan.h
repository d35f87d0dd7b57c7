#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "support/world/dice.h"
#include "support/world/hostile_line.h"
#include "support/world/hostile_realtime.h"
#include "support/world/world.h"

namespace trunkline::test {

// A call of the storm, all of it by seed: who meets whom, in which moods, and
// what callers and operators do when.
struct Plan {
  // What a caller says, an operator wants, or fate does, at a time of the call.
  struct Deed {
    enum class Kind : uint8_t {
      kSpeak,
      kSay,
      kToolResult,  // of a call that waits, if one does
      kUnknownToolResult,
      kAnswerLate,  // of the oldest call
      kPauseRecording,
      kHangUp,  // by command
      kCallerHangsUp,
      kLoseObject,
      kLoseLeg,  // and it comes back
      kAgentDrops,
      kKeys,         // the caller enters some
      kKeysCommand,  // an operator does
      kSwitchAgent,  // by command, to any of the list
    };
    Kind kind = Kind::kSpeak;
    Duration at;
    int64_t ms = 0;
  };

  // Seeds from here on are of calls with several agents; those below have the
  // plans that they always had.
  static constexpr uint64_t kSuccessorSeeds = uint64_t{1} << 32;

  explicit Plan(uint64_t seed);

  VirtualWorld::Options options;
  HostileRealtime::Temper provider;
  HostileLine::Temper carrier;
  std::vector<Deed> deeds;
  Dice dice;
  // Where the peers keep to their protocols, and the rule's accuracy holds.
  bool honest_line = false;

  // What the provider says comes once, whole and in order, as on a socket, and
  // nothing that nobody asked for.
  bool in_order() const;
  // The same of what it may do of its own accord: as a socket guarantees.
  bool on_a_socket() const {
    return provider.doubled == 0 && provider.reordered == 0 &&
           provider.split == 0;
  }
  bool realtime() const { return options.agent == "openai-realtime"; }
  bool has_successors() const { return options.profile.contains("agents"); }
  // All that is asked of an agent is seen: there is a Realtime provider, and it
  // is the only one.
  bool watches_provider() const { return realtime() && !has_successors(); }
  // How many agents may be tried before the call has one.
  int64_t agents() const {
    const Json* list = FindMember(options.profile, "agents");
    return list == nullptr ? 1 : static_cast<int64_t>(list->size());
  }
  int64_t limit(const char* key) const {
    return IntegerMember(options.limits, key).value_or(0);
  }
  std::string greeting() const {
    return std::string(StringMember(options.profile, "greeting"));
  }
  // For people.
  std::string Describe() const;

 private:
  void ThrowLimits();
  void ThrowPeers();
  void ThrowProvider();
  void ThrowCarrier();
  void ThrowDeeds();
  void ThrowSuccessors(uint64_t seed);
};

const char* ToString(Plan::Deed::Kind kind);

}  // namespace trunkline::test
