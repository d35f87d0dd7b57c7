#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "session/state.h"
#include "support/world/sound.h"
#include "support/world/speech_worker.h"
#include "support/world/world.h"

namespace trunkline::test {

// A call whose first agent dies and that has others: what of it the caller has
// to hear, and whoever speaks next to know.
class FailoverWorld {
 public:
  // Longer than a caller is left in silence, with a frame and the way to him.
  static constexpr int64_t kMostSilenceMs = 1'500 + 100;

  // `agents` are the entries of the profile's list. `members` join the profile.
  explicit FailoverWorld(const Json& agents,
                         const Json& members = Json::object());

  // Connected and listening, or as far as it comes.
  void Call() { world.line.Call(); }
  bool Listen();
  // Until `done` or so long, while it is heard how long the caller hears
  // nothing although he waits. Returns whether it was done.
  bool Run(const std::function<bool()>& done, int64_t most_ms = 40'000);
  void Wait(int64_t ms) {
    Run([] { return false; }, ms);
  }
  // The caller says something, to the end of his turn.
  void Speak(int ms = 900) { world.line.Say(Speech(ms)); }
  // He does, is heard and gets a whole reply.
  bool Ask();

  std::vector<Json> Switches() const { return world.EventsOf("agentSwitched"); }
  std::string EndReason() const {
    return world.ended().empty()
               ? ""
               : std::string(StringMember(world.ended()[0], "reason"));
  }
  int64_t silence_ms() const { return longest_ms_; }
  // What agents were told of the conversation, as one text.
  std::string Told() const;

  VirtualWorld world;
  SpeechWorker speech{world.upstreams, SpeechWorker::Place::kBeside};

 private:
  void Look(int64_t ms);

  int64_t heard_ms_ = 0;
  int64_t silence_ms_ = 0;
  int64_t longest_ms_ = 0;
};

}  // namespace trunkline::test
