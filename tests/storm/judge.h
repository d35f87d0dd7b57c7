#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "session/state.h"
#include "storm/plan.h"
#include "support/world/world.h"

namespace trunkline::test {

// The most of something, and in which call it was.
struct Most {
  int64_t value = 0;
  uint64_t seed = 0;
  void Take(int64_t other, uint64_t of) {
    if (other > value) *this = {other, of};
  }
  void Take(const Most& other) { Take(other.value, other.seed); }
};

// What calls have come to. Plain, so that processes can share it.
struct Figures {
  static constexpr size_t kReasons = 11;

  uint64_t calls = 0;
  uint64_t lives = 0;
  uint64_t events = 0;
  uint64_t virtual_ms = 0;
  uint64_t requests = 0;
  // Calls of which nothing says why they ended so.
  uint64_t unexplained = 0;
  std::array<uint64_t, kReasons> ends{};
  std::array<Most, session::kStateCount> longest_ms{};
  Most silence_ms;
  Most thinking_ms;  // without the time that tools and new sockets took
  Most outage_ms;
  Most requests_unheard;
  Most requests_per_turn;
  Most heard_error_ms;
  Most made_of_nothing_ms;
  Most memory_bytes;

  void Add(const Figures& other);
};

// Reasons of ends, by their index in Figures::ends; the last is any other.
const char* ReasonOfEnd(size_t index);

// Watches a call, over all its sessions, and says what of it should not have
// been. Looks at what crosses the boundary, at the peers and at events alone.
class Judge {
 public:
  Judge(const Plan& plan, uint64_t seed) : plan_(plan), seed_(seed) {}

  void BeginLife(VirtualWorld& world);
  // After each step.
  void Look();
  // What goes up to the provider, but for audio.
  void OnRequest(const Json& request);
  // The provider's socket is gone in the middle of a reply that was asked for.
  void OnReplyLost() {
    lost_reply_ = reply_wanted_;
    idle_ms_ = 0;
  }
  // Its socket breaks, with what is on its way.
  void OnAgentDropped() { given_up_at_.push_back(world_->now()); }
  // A reply that nobody asked for is over, as the provider has it.
  void OnOwnReplyOver() { own_over_ = world_->now(); }
  // The reply to the last request has this item.
  void OnItem(const std::string& item);
  // What was wanted, and what became of it.
  void OnCommand(const Json& command, const Json& result);
  void OnCallerHungUp() { hung_up_ = true; }
  // The call's session is over, or its object lost.
  enum class How : uint8_t { kOver, kLost };
  void EndLife(How how);
  // It works without end.
  void OnHang(const char* what) { Complain(what); }
  void OnMemory(int64_t bytes) { figures_.memory_bytes.Take(bytes, seed_); }

  // A call of a tool that waits, or the oldest that there was; "" for none.
  std::string OpenTool() const;
  std::string OldestTool() const;

  // The highest number of a line that was told.
  int64_t last_line() const { return lines_.empty() ? 0 : *lines_.rbegin(); }

  const std::vector<std::string>& complaints() const { return complaints_; }
  const Figures& figures() const { return figures_; }
  bool over() const { return over_; }

 private:
  // Two inputs at one time, and a frame, may lie between a deadline and what
  // comes of it.
  static constexpr int64_t kSlackMs = 45;
  // From when on nothing is on its way any more to an agent that is ready in a
  // call that listens: longer than there and back.
  static constexpr int64_t kIdleMs = 400;
  static std::string Ms(int64_t ms) { return std::to_string(ms) + " ms"; }

  struct Said {
    std::string text;
    Instant at;
    int requests = 0;
    std::set<std::string> items;
    // Of them, those of the last request.
    std::set<std::string> last_items;
    bool heard = false;
    // To its end.
    bool whole = false;
    bool failed = false;
    bool faint = false;
    // Cut before it was heard, maybe after it was sent: its line tells which.
    bool cut = false;
    // The gateway may have taken a reply of the provider's own for it.
    bool mistaken = false;
  };
  // What the log says was heard, to be held against the ear.
  struct Heard {
    std::string item;
    int64_t told_ms = 0;
    Instant due;
  };
  struct Result {
    std::string output;
    Instant at;
    int64_t ready_ms = 0;
  };

  void Complain(const std::string& what);
  // Whether the provider has finished the item, and did not say so into a
  // socket that was being given up.
  bool IsToldWhole(const Agent::Item& item) const;
  // That of each item of the last request, and `holds`.
  template <class Holds>
  bool AllOfLast(const Said& said, Holds holds) const;
  void OnEvent(const Json& event);
  void OnState(const Json& event);
  void OnSwitched(const Json& event);
  void OnLine(const Json& event);
  void OnHeardItem(std::string_view item);
  void KeepWhatIsOwed();
  void OnHeardToItsEnd(const std::string& name);
  void JudgeCut(const Json& line, const std::string& item);
  const Agent::Item* FindItem(const std::string& item) const;
  void LookAtTime();
  void LookAtWaiting(int64_t ms, bool plays);
  void LookAtDebts();
  void LookAtKeys();
  void OnKeys(const std::string& keys);
  void OnKeysTold(const std::string& keys);
  void JudgeEnd();
  void OnTruncated(const Json& event);
  void JudgeHeard(const Heard& heard);
  // How much of an item the log may say that was heard more, or less, than the
  // ear has.
  int64_t MostError() const;
  bool Ready() const;
  int64_t Now() const;
  int64_t Limit(const char* key) const { return plan_.limit(key); }

  const Plan& plan_;
  const uint64_t seed_;
  VirtualWorld* world_ = nullptr;
  std::vector<std::string> complaints_;
  Figures figures_;
  bool over_ = false;
  size_t seen_events_ = 0;

  // Time.
  Instant last_look_;
  session::State state_ = session::State::kSetup;
  int64_t in_state_ms_ = 0;
  int64_t thinking_ms_ = 0;
  int64_t dry_ms_ = 0;
  int64_t outage_ms_ = 0;
  int64_t silence_ms_ = 0;
  int64_t idle_ms_ = 0;
  int64_t call_ms_ = 0;
  // When the session began, of the call.
  int64_t life_from_ms_ = 0;
  int64_t stream_ms_ = 0;
  bool quiet_ = true;
  bool agent_ready_ = false;
  // Who has the call, by the log; how often that has changed.
  std::string agent_;
  int64_t switches_ = 0;
  int64_t failovers_ = 0;
  // When its sockets were closed by the gateway.
  std::vector<Instant> given_up_at_;
  bool was_ready_ = false;
  bool spoke_ = false;
  int64_t turn_at_ms_ = 0;
  int64_t heard_ms_ = 0;
  int64_t talked_ms_ = 0;
  // Since the state began, the caller has been told that he waits; and for how
  // long he has heard nothing since.
  bool waiting_ = false;
  int64_t waits_unheard_ms_ = 0;
  // Since the line has played anything; the clears that it got.
  int64_t unplayed_ms_ = 0;
  int64_t clears_ = 0;

  // What is owed.
  int64_t requests_unheard_ = 0;
  int64_t requests_of_turn_ = 0;
  // The last one that was asked for, until the caller interrupts it.
  bool reply_wanted_ = false;
  bool lost_reply_ = false;
  bool greeted_ = false;
  int greetings_ = 0;
  bool greeting_in_air_ = false;
  std::set<std::string> greeting_items_;
  Instant own_over_;
  Instant last_say_;
  std::vector<Said> says_;
  size_t says_in_air_ = SIZE_MAX;
  std::vector<Result> results_;
  std::vector<Heard> heard_;
  // Items of which not all was heard, by the log.
  std::set<std::string> truncated_;
  // Of those, the caller has spoken over.
  std::set<std::string> interrupted_;
  std::set<std::string> open_tools_;
  std::set<std::string> awaited_tools_;
  std::vector<std::string> tools_;
  std::map<std::string, int> calls_of_tool_;
  std::map<std::string, int> lines_of_tool_;
  // On this connection.
  std::map<std::string, int> outputs_;
  std::map<std::string, int> may_output_;
  // What was entered and is not told; and what of that is on its way to the
  // agent, by the log.
  std::string keys_;
  Instant keys_at_;
  bool keys_whole_ = false;
  // Those that a lost session had, and could not keep.
  bool keys_lost_ = false;
  std::vector<std::string> keys_on_way_;
  // What it was told of by this session.
  std::set<std::string> keys_told_;
  // A turn that nobody has answered, and nobody has said why.
  std::optional<Instant> unanswered_;

  // The log.
  std::set<int64_t> lines_;
  int64_t turns_ = 0;
  int64_t replies_ = 0;
  int64_t barge_ins_ = 0;
  int64_t resumes_ = 0;
  int64_t losses_ = 0;
  int64_t resumes_of_life_ = 0;
  // How long one had waited for an answer when the goodbye began.
  int64_t waited_ms_ = 0;
  bool fatal_ = false;
  bool hung_up_ = false;
  bool told_to_hang_up_ = false;
  bool leg_fault_ = false;
  std::string before_farewell_;
  std::string last_from_;
};

}  // namespace trunkline::test
