#include "storm/storm_call.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "storm/memory_count.h"
#include "storm/plan.h"
#include "support/watchdog.h"
#include "support/world/sound.h"
#include "support/world/work_bounds.h"

namespace trunkline::test {
namespace {

using Kind = Plan::Deed::Kind;

// A call that is not over by then hangs: no limit of one is longer.
constexpr int64_t kLongestMs = 120'000;
constexpr int kMostLives = 4;
// No text or result of a session is that of a former one.
constexpr int kMostCommands = 100;

// One session of a call, and what happens to it.
class Life {
 public:
  // `number` is that of the session, from 0.
  Life(const Plan& plan, const VirtualWorld::Options& options, Judge& judge,
       int number, Dice dice, Telling telling)
      : plan_(plan),
        judge_(judge),
        telling_(telling),
        world_(options),
        commands_(number * kMostCommands) {
    if (plan.realtime()) {
      provider_ = std::make_unique<HostileRealtime>(
          world_.clock, world_.upstreams, world_.agent, world_.realtime,
          dice.Fork(1), plan.provider);
      provider_->on_request = [this](const Json& request) {
        Tell("  -> " + PrintJson(request).substr(0, 200));
        judge_.OnRequest(request);
      };
      provider_->on_deed = [this](const std::string& what) {
        Tell("     provider: " + what);
      };
      provider_->on_item = [this](const std::string& item) {
        judge_.OnItem(item);
      };
      provider_->on_reply_lost = [this] { judge_.OnReplyLost(); };
      provider_->on_own_reply_over = [this] { judge_.OnOwnReplyOver(); };
    }
    Dice calm = dice.Fork(3);
    world_.agent.reply_ms = calm.Between(50, 1500);
    world_.agent.think = Duration::Millis(calm.Between(0, 300));
    world_.agent.speed = calm.Between(1, 8);
    carrier_ =
        std::make_unique<HostileLine>(world_, dice.Fork(2), plan.carrier);
    carrier_->on_deed = [this](const std::string& what) {
      Tell("     carrier: " + what);
    };
    carrier_->on_hang_up = [this] { judge_.OnCallerHungUp(); };
    // There is no way back from within the session.
    world_.on_effect = [this] {
      if (const char* hangs = bounds_.OnEffect()) Watchdog::GiveUp(hangs);
    };
    judge.BeginLife(world_);
  }

  // True if the call is over, false if the object is lost. `from` counts the
  // deeds that were done.
  bool Play(Instant call_began, size_t& deed) {
    carrier_->Call();
    bool lost = false;
    for (; deed < plan_.deeds.size(); ++deed) {
      const Plan::Deed& next = plan_.deeds[deed];
      if (next.kind == Kind::kLoseObject) {
        world_.clock.At(call_began + next.at, [&lost] { lost = true; });
        break;
      }
      world_.clock.At(call_began + next.at, [this, next] { Do(next); });
    }
    world_.RunUntil(
        [&] {
          judge_.Look();
          TellEvents();
          if (const char* hangs = bounds_.OnStep(world_.now())) {
            judge_.OnHang(hangs);
            return true;
          }
          return lost || !world_.ended().empty();
        },
        Duration::Millis(kLongestMs));
    TellEvents();
    const bool over = !lost || !world_.ended().empty();
    if (over) {
      world_.Advance(Duration::Millis(200));
    } else {
      ++deed;
    }
    judge_.EndLife(over ? Judge::How::kOver : Judge::How::kLost);
    return over;
  }

  VirtualWorld& world() { return world_; }

 private:
  void Tell(const std::string& what) const {
    if (telling_ == Telling::kNothing) return;
    std::printf("%7.3f %s\n",
                static_cast<double>(world_.now().us() - 1'000'000) / 1e6,
                what.c_str());
  }
  void TellEvents() {
    if (telling_ == Telling::kNothing) return;
    for (; told_ < world_.events().size(); ++told_) {
      Tell(PrintJson(world_.events()[told_]));
    }
    if (!world_.ended().empty() && !std::exchange(told_end_, true)) {
      Tell(PrintJson(world_.ended()[0]));
    }
  }
  void Command(const Json& command) {
    if (world_.session().ended()) return;
    const Json result = world_.Command(command);
    Tell("     command: " + PrintJson(command) + " " + PrintJson(result));
    judge_.OnCommand(command, result);
  }
  void Do(const Plan::Deed& deed) {
    if (world_.session().ended()) return;
    Tell(std::string("     ") + ToString(deed.kind));
    const std::string number = std::to_string(++commands_);
    switch (deed.kind) {
      case Kind::kSpeak:
        return world_.line.Say(Speech(static_cast<int>(deed.ms)));
      case Kind::kSay:
        return Command({{"type", "say"}, {"text", "Remark " + number + "."}});
      case Kind::kToolResult:
        return Result(judge_.OpenTool(), number);
      case Kind::kUnknownToolResult:
        return Result("nobody's", number);
      case Kind::kAnswerLate:
        return Result(judge_.OldestTool(), number);
      case Kind::kPauseRecording:
        return Command({{"type", "pauseRecording"}});
      case Kind::kHangUp:
        return Command({{"type", "hangUp"}});
      case Kind::kCallerHangsUp:
        if (!world_.line.connected()) return;
        judge_.OnCallerHungUp();
        return world_.line.HangUp();
      case Kind::kLoseLeg:
        if (!world_.leg_open()) return;
        world_.line.Drop();
        world_.clock.After(Duration::Millis(200), [this] {
          if (world_.session().ended() || world_.line.connected()) return;
          world_.line.Call();
        });
        return;
      case Kind::kAgentDrops:
        if (plan_.has_successors() && !world_.agent_open()) return;
        // What it makes of a reply ends with its socket.
        if (provider_) provider_->OnClosed(world_.realtime.channel());
        if (plan_.has_successors()) judge_.OnAgentDropped();
        return world_.agent.Drop(1006);
      case Kind::kKeys:
        // Half of the entries end with the key that says so.
        for (const char key : Keys(deed.ms)) world_.line.Press(key);
        if (deed.ms % 2 == 0) world_.line.Press('#');
        return;
      case Kind::kSwitchAgent:
        return Command({{"type", "switchAgent"}, {"agent", deed.ms}});
      case Kind::kKeysCommand:
        return Command({{"type", "digits"}, {"digits", Keys(deed.ms)}});
      case Kind::kLoseObject:
        return;
    }
  }
  // No two entries are the same.
  std::string Keys(int64_t count) const {
    std::string keys;
    for (int64_t i = 0; i < count; ++i) {
      keys += "0123456789*ABCD"[(commands_ * 7 + i) % 15];
    }
    return keys;
  }
  void Result(const std::string& id, const std::string& number) {
    if (id.empty()) return;
    Command({{"type", "toolResult"},
             {"toolCallId", id},
             {"output", "result " + number + "!"}});
  }

  const Plan& plan_;
  Judge& judge_;
  const Telling telling_;
  VirtualWorld world_;
  std::unique_ptr<HostileRealtime> provider_;
  std::unique_ptr<HostileLine> carrier_;
  size_t told_ = 0;
  bool told_end_ = false;
  WorkBounds bounds_;
  int commands_;
};

}  // namespace

Verdict PlayCall(uint64_t seed, Telling telling) {
  const Watchdog watchdog(seed);
  const Plan plan(seed);
  if (telling == Telling::kAll) std::printf("%s", plan.Describe().c_str());
  Judge judge(plan, seed);
  VirtualWorld::Options options = plan.options;
  size_t deed = 0;
  int64_t began_ms = 0;
  const int64_t before = MemoryCount::live();
  MemoryCount::ResetPeak();
  for (int life = 0; life < kMostLives; ++life) {
    Life one(plan, options, judge, life,
             plan.dice.Fork(100 + static_cast<uint64_t>(life)), telling);
    if (one.Play(Instant::Micros(1'000'000) - Duration::Millis(began_ms),
                 deed)) {
      break;
    }
    if (telling == Telling::kAll) std::printf("        the object is lost\n");
    // Its stream is back a little later.
    const int64_t alive_ms =
        began_ms + (one.world().now().us() - 1'000'000) / 1000;
    began_ms = alive_ms + 300;
    // The last one that was written, by whatever session.
    const std::string& snapshot = one.world().snapshot();
    if (!snapshot.empty()) options.snapshot = snapshot;
    options.first_seq += static_cast<int64_t>(one.world().events().size());
    options.epoch_ms = plan.options.epoch_ms + began_ms;
    options.config = plan.options.config;
    options.config.update(Json{{"callEpochMs", plan.options.epoch_ms},
                               {"aliveMs", alive_ms},
                               {"lastLine", judge.last_line()}});
  }
  judge.OnMemory(MemoryCount::peak() - before);
  if (!judge.over()) return {{"it did not end"}, judge.figures()};
  return {judge.complaints(), judge.figures()};
}

}  // namespace trunkline::test
