#include "storm/plan.h"

#include <algorithm>
#include <utility>

#include "support/plain_leg.h"

namespace trunkline::test {
namespace {

using Reply = HostileRealtime::Reply;
using Start = HostileRealtime::Start;
using protocol::AudioFormat;
using protocol::Encoding;
using protocol::LegTraits;

// One by which the plans of corpus.txt have nothing odd.
constexpr uint64_t kOddFork = 330;
// Of the agents that come next.
constexpr uint64_t kSuccessorFork = 331;

size_t Index(Reply reply) { return static_cast<size_t>(reply); }
size_t Index(Start start) { return static_cast<size_t>(start); }

LegTraits ThrowTraits(Dice& dice) {
  LegTraits traits = PlainLeg::DefaultTraits();
  constexpr AudioFormat kFormats[] = {{Encoding::kLinear16, 16000},
                                      {Encoding::kALaw, 8000},
                                      {Encoding::kMuLaw, 8000}};
  constexpr LegTraits::Playback kPlaybacks[] = {LegTraits::Playback::kMarks,
                                                LegTraits::Playback::kReports,
                                                LegTraits::Playback::kClock};
  traits.heard = traits.spoken = dice.Pick(kFormats);
  traits.playback = dice.Pick(kPlaybacks);
  traits.flow_control = dice.Chance(300) ? LegTraits::FlowControl::kPauses
                                         : LegTraits::FlowControl::kNone;
  traits.max_message_bytes = 0;
  traits.message_multiple_bytes = 0;
  return traits;
}

}  // namespace

Plan::Plan(uint64_t seed) : dice(seed) {
  options.seed = seed + 1;
  options.epoch_ms = 1'000'000;
  ThrowPeers();
  ThrowLimits();
  if (realtime()) ThrowProvider();
  ThrowCarrier();
  ThrowDeeds();
  if (seed >= kSuccessorSeeds) ThrowSuccessors(seed);
}

// One to three of them behind the agent that there is, and commands that choose
// among them. Providers fail more often.
void Plan::ThrowSuccessors(uint64_t seed) {
  Dice next = dice.Fork(kSuccessorFork + seed);
  constexpr const char* kNames[] = {"scripted", "openai-realtime", "parrot"};
  Json agents = Json::array({Json{{"agent", options.agent}}});
  for (int64_t more = next.Between(1, 3); more > 0; --more) {
    Json entry = {{"agent", next.Pick(kNames)}};
    if (entry["agent"] == "openai-realtime" && next.Chance(300)) {
      entry["agentAudio"] = "pcm";
    }
    agents.push_back(std::move(entry));
  }
  // One mind is behind all of them, which detects turns or does not; Realtime
  // servers do.
  const bool realtime_too = std::any_of(
      agents.begin(), agents.end(),
      [](const Json& entry) { return entry["agent"] == "openai-realtime"; });
  const bool turns = next.Chance(500) || realtime_too;
  for (Json& entry : agents) {
    if (entry["agent"] != "scripted") continue;
    entry["model"] = turns ? "provider-turns texts" : "texts";
  }
  options.profile["agents"] = std::move(agents);
  if (next.Chance(100)) options.config["skipped"] = Json::array({0});
  for (int64_t count = next.Chance(400) ? next.Between(1, 3) : 0; count > 0;
       --count) {
    deeds.push_back({Deed::Kind::kSwitchAgent,
                     Duration::Millis(next.Between(0, limit("maxCallMs"))),
                     next.Between(0, 4)});
  }
  for (int64_t drops = next.Between(0, 2); drops > 0; --drops) {
    deeds.push_back({Deed::Kind::kAgentDrops,
                     Duration::Millis(next.Between(100, limit("maxCallMs"))),
                     0});
  }
  std::sort(deeds.begin(), deeds.end(), [](const Deed& a, const Deed& b) {
    return std::pair(a.at, a.kind) < std::pair(b.at, b.kind);
  });
}

// Short ones: what a limit is for shows within a second as well.
void Plan::ThrowLimits() {
  options.limits = {{"startMs", dice.Between(50, 800)},
                    {"agentReadyMs", dice.Between(300, 1500)},
                    {"replyMs", dice.Between(300, 1500)},
                    {"deadAirMs", dice.Between(600, 2500)},
                    {"maxCallMs", dice.Between(2000, 8000)},
                    {"farewellMs", dice.Between(100, 900)},
                    {"legLostMs", dice.Between(100, 1200)},
                    {"endOfTurnMs", dice.Between(10, 25) * 20},
                    {"bargeInConfirmMs", dice.Between(5, 15) * 20},
                    {"leadMs", dice.Between(60, 300)},
                    {"markMs", dice.Between(20, 200)}};
  if (dice.Chance(500)) options.limits["waitingMs"] = dice.Between(400, 900);
}

void Plan::ThrowPeers() {
  constexpr int kCarriers = 1000;
  const uint32_t agent = dice.Below(kCarriers);
  options.agent = agent < 860   ? "openai-realtime"
                  : agent < 930 ? "scripted"
                                : "parrot";
  if (dice.Chance(350)) {
    options.leg = "plain";
    options.traits = ThrowTraits(dice);
  }
  options.leg_delay = Duration::Millis(dice.Between(0, 60));
  options.leg_jitter = Duration::Millis(dice.Chance(300) ? 10 : 0);
  options.agent_delay = Duration::Millis(dice.Between(1, 60));
  options.line_frame = Duration::Millis(dice.Chance(500) ? 20 : 40);
  Json& profile = options.profile;
  profile = {
      {"tools", Json::array({Json{{"type", "function"},
                                  {"name", "lookup"},
                                  {"timeoutMs", dice.Between(100, 1500)}},
                             Json{{"type", "function"},
                                  {"name", "quick"},
                                  {"timeoutMs", 100}}})}};
  if (dice.Chance(400)) profile["greeting"] = "Good day to you.";
  if (dice.Chance(300)) profile["farewell"] = "Goodbye to you.";
  if (dice.Chance(100)) profile["recording"] = "on";
  if (dice.Chance(600)) profile["echoGuard"] = "off";
  if (dice.Chance(150)) profile["agentAudio"] = "pcm";
  if (dice.Chance(500)) {
    profile["waitingSound"] = dice.Chance(500) ? "off" : "melody";
  }
  if (dice.Chance(200)) profile["recordDigits"] = "yes";
}

void Plan::ThrowProvider() {
  std::array<uint32_t, HostileRealtime::kReplies>& replies = provider.replies;
  replies.fill(dice.Chance(300) ? 0 : 4);
  // Few ends of the call by the agent: what comes after would be missed.
  replies[Index(Reply::kEndsCall)] = 1;
  replies[Index(Reply::kHonest)] = static_cast<uint32_t>(dice.Between(1, 120));
  // Most bad days are bad in one way.
  for (int64_t i = dice.Between(0, 2); i > 0; --i) {
    replies[dice.Below(HostileRealtime::kReplies)] = 60;
  }
  std::array<uint32_t, HostileRealtime::kStarts>& starts = provider.starts;
  starts.fill(dice.Chance(500) ? 0 : 2);
  starts[Index(Start::kHonest)] = static_cast<uint32_t>(dice.Between(10, 100));
  if (dice.Chance(60)) starts[dice.Below(HostileRealtime::kStarts)] = 100;
  if (dice.Chance(150)) provider.lost = dice.Below(200);
  if (dice.Chance(150)) provider.doubled = dice.Below(300);
  if (dice.Chance(150)) provider.reordered = dice.Below(300);
  if (dice.Chance(80)) provider.split = dice.Below(200);
  if (dice.Chance(200)) provider.cancel_ignored = dice.Below(1000);
  if (dice.Chance(200)) provider.cancel_denied = dice.Below(1000);
  if (dice.Chance(500)) {
    provider.whim_every = Duration::Millis(dice.Between(5, 600));
  }
  if (dice.Chance(300)) provider.whims_that_close = dice.Below(100);
  if (dice.Chance(500)) provider.same_again = dice.Below(1001);
  provider.pause = Duration::Millis(dice.Chance(500) ? dice.Between(0, 30)
                                                     : dice.Between(0, 600));
  // Where it is clear which names the gateway has heard of.
  Dice names = dice.Fork(1);
  if (on_a_socket() && provider.lost == 0 && names.Chance(200)) {
    provider.same_name = names.Below(1001);
  }
  Dice odd = dice.Fork(kOddFork);
  if (odd.Chance(120)) provider.odd = odd.Below(700);
  if (odd.Chance(80)) provider.late_words = odd.Below(1001);
}

void Plan::ThrowCarrier() {
  honest_line = dice.Chance(450);
  if (honest_line) return;
  if (dice.Chance(200)) carrier.lost = dice.Below(300);
  if (dice.Chance(200)) carrier.doubled = dice.Below(300);
  if (dice.Chance(200)) carrier.reordered = dice.Below(300);
  if (dice.Chance(300)) {
    carrier.times = static_cast<HostileLine::Times>(dice.Below(6));
  }
  if (dice.Chance(300)) {
    carrier.marks = static_cast<HostileLine::Marks>(dice.Below(5));
  }
  if (dice.Chance(600)) {
    carrier.whim_every = Duration::Millis(dice.Between(10, 900));
  }
  carrier.breaks = dice.Chance(400) ? dice.Below(300) : 0;
  carrier.comes_back = dice.Chance(700) ? 1000 : dice.Below(1000);
  carrier.hang_ups = dice.Chance(200) ? dice.Below(100) : 0;
  carrier.media_first = dice.Chance(100);
}

void Plan::ThrowDeeds() {
  using Kind = Deed::Kind;
  const auto add = [this](Kind kind, int64_t from_ms, int64_t to_ms,
                          int64_t ms = 0) {
    deeds.push_back({kind, Duration::Millis(dice.Between(from_ms, to_ms)), ms});
  };
  const int64_t end_ms = limit("maxCallMs");
  int64_t at = dice.Between(0, 900);
  for (int64_t turns = dice.Between(0, 4); turns > 0; --turns) {
    const int64_t ms = dice.Between(2, 40) * 20;
    add(Kind::kSpeak, at, at, ms);
    at += ms + dice.Between(50, 2000);
  }
  if (dice.Chance(350)) {
    for (int64_t says = dice.Between(1, 4); says > 0; --says) {
      add(Kind::kSay, 0, end_ms);
    }
  }
  for (int64_t results = dice.Between(0, 4); results > 0; --results) {
    add(Kind::kToolResult, 0, end_ms);
  }
  if (dice.Chance(200)) add(Kind::kUnknownToolResult, 0, end_ms);
  for (int64_t late = dice.Between(0, 2); late > 0; --late) {
    add(Kind::kAnswerLate, 0, end_ms);
  }
  if (dice.Chance(100)) add(Kind::kPauseRecording, 0, end_ms);
  if (dice.Chance(100)) add(Kind::kHangUp, 0, end_ms);
  if (dice.Chance(100)) add(Kind::kCallerHangsUp, 0, end_ms);
  for (int64_t lost = dice.Chance(200) ? dice.Between(1, 2) : 0; lost > 0;
       --lost) {
    add(Kind::kLoseObject, 100, end_ms);
  }
  for (int64_t lost = dice.Chance(200) ? dice.Between(1, 2) : 0; lost > 0;
       --lost) {
    add(Kind::kLoseLeg, 100, end_ms);
  }
  if (options.agent == "scripted" && dice.Chance(300))
    add(Kind::kAgentDrops, 100, end_ms);
  for (int64_t keys = dice.Chance(300) ? dice.Between(1, 3) : 0; keys > 0;
       --keys) {
    add(Kind::kKeys, 0, end_ms, dice.Between(1, 6));
  }
  for (int64_t keys = dice.Chance(150) ? dice.Between(1, 3) : 0; keys > 0;
       --keys) {
    add(Kind::kKeysCommand, 0, end_ms, dice.Between(1, 20));
  }
  std::sort(deeds.begin(), deeds.end(), [](const Deed& a, const Deed& b) {
    return std::pair(a.at, a.kind) < std::pair(b.at, b.kind);
  });
}

bool Plan::in_order() const {
  return provider.lost == 0 && provider.doubled == 0 &&
         provider.reordered == 0 && provider.split == 0 &&
         provider.replies[Index(Reply::kUnannounced)] == 0 &&
         provider.whim_every == Duration();
}

std::string Plan::Describe() const {
  std::string text = "leg " + options.leg + ", agent " + options.agent +
                     (honest_line ? ", an honest carrier" : "") + "\nlimits " +
                     PrintJson(options.limits) + "\nprofile " +
                     PrintJson(options.profile) + "\n";
  for (const Deed& deed : deeds) {
    text += std::to_string(deed.at.ms()) + " ms: " + ToString(deed.kind);
    if (deed.ms != 0) text += " " + std::to_string(deed.ms);
    text += "\n";
  }
  return text;
}

const char* ToString(Plan::Deed::Kind kind) {
  using Kind = Plan::Deed::Kind;
  switch (kind) {
    case Kind::kSpeak:
      return "speaks";
    case Kind::kSay:
      return "command say";
    case Kind::kToolResult:
      return "command toolResult";
    case Kind::kUnknownToolResult:
      return "command toolResult of no call";
    case Kind::kAnswerLate:
      return "command toolResult of the oldest call";
    case Kind::kPauseRecording:
      return "command pauseRecording";
    case Kind::kHangUp:
      return "command hangUp";
    case Kind::kCallerHangsUp:
      return "hangs up";
    case Kind::kLoseObject:
      return "the object is lost";
    case Kind::kLoseLeg:
      return "the stream is lost";
    case Kind::kAgentDrops:
      return "the agent's socket breaks";
    case Kind::kKeys:
      return "enters keys";
    case Kind::kKeysCommand:
      return "command digits";
    case Kind::kSwitchAgent:
      return "command switchAgent";
  }
  return "unknown";
}

}  // namespace trunkline::test
