// What the caller hears, and what is logged, when one of the services of a
// cascade fails: once, and for as long as he is there. The table is that of
// docs/conformance.md.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "support/generated_text.h"
#include "support/world/cascade_call.h"

namespace trunkline::test {
namespace {

using session::State;
using Endpoint = RestServices::Endpoint;
using Fault = RestServices::Fault;
using Kind = RestServices::Fault::Kind;

constexpr const char* kApology = "Sorry, could you say that again?";
// Longer than a sentence takes to be made, so that some of it is lost.
constexpr const char* kAnswer =
    "Of course, I have noted that for you. Is there anything else?";
// When he is to hear something at the latest: then the waiting sound begins,
// and the line and its frames come on top.
constexpr int64_t kMostSilentMs = 1'500 + 60;
// From one note of that sound to the next, 300 ms of every 2 s.
constexpr int64_t kMostPauseMs = 1'700;

struct Row {
  const char* name;
  Fault fault;
};
const Row kRows[] = {
    {"refused", {.kind = Kind::kRefused}},
    {"401", {.kind = Kind::kStatus, .status = 401}},
    {"429", {.kind = Kind::kStatus, .status = 429}},
    {"429, Retry-After 1 s",
     {.kind = Kind::kStatus, .status = 429, .retry_after_s = 1}},
    {"500", {.kind = Kind::kStatus, .status = 500}},
    {"breaks off", {.kind = Kind::kDrop}},
    {"nothing comes", {.kind = Kind::kStall}},
    {"stops in the middle", {.kind = Kind::kStallLate}},
    {"garbage", {.kind = Kind::kGarbage}},
    {"cut short", {.kind = Kind::kTruncated}},
    {"an error as its body", {.kind = Kind::kErrorBody}},
};
struct Service {
  const char* name;
  Endpoint endpoint;
};
const Service kServices[] = {{"stt", Endpoint::kTranscription},
                             {"llm", Endpoint::kChat},
                             {"tts", Endpoint::kSpeech}};

struct Outcome {
  // From the end of his turn to the first that he hears, and the longest pause
  // from there on.
  int64_t silent_ms = 0;
  int64_t pause_ms = 0;
  // From the end of his turn to the first of the reply; 0: none comes.
  int64_t reply_ms = 0;
  std::string hears;
  std::string logged;
  // The next turn is answered.
  bool goes_on = false;
};

void MeasureSilence(VirtualWorld& world, Instant from, Instant to,
                    Outcome& outcome) {
  const std::vector<int16_t>& played = world.line.played();
  const auto index = [&](Instant at) {
    // At 8 kHz.
    return std::min(static_cast<size_t>(at.us() / 125), played.size());
  };
  size_t at = index(from);
  while (at < index(to) && played[at] == 0) ++at;
  outcome.silent_ms = static_cast<int64_t>((at - index(from)) / 8);
  size_t pause = 0;
  for (; at < index(to); ++at) {
    pause = played[at] == 0 ? pause + 1 : 0;
    outcome.pause_ms =
        std::max(outcome.pause_ms, static_cast<int64_t>(pause / 8));
  }
}

std::string CodesOf(VirtualWorld& world) {
  std::set<std::string> codes;
  for (const Json& event : world.EventsOf("agentFailed")) {
    codes.insert("agentFailed `" + event.value("code", "") + "`");
  }
  for (const Json& event : world.EventsOf("fault")) {
    const std::string code = event.value("code", "");
    codes.insert("fault `" + event.value("error", code) + "`");
  }
  std::string all;
  for (const std::string& code : codes) {
    all += all.empty() ? "" : ", ";
    all += code;
  }
  return all;
}

Outcome Fail(Endpoint endpoint, const Fault& fault, size_t times) {
  VirtualWorld::Options options = CascadeOptions();
  VirtualWorld world(options);
  world.line.keeps_timeline = true;
  RestServices services(world.upstreams, world.clock);
  services.says = {"I would like a table"};
  services.answer = [](const Json& messages) {
    const std::string last = messages.back().value("content", "");
    return std::string(last == "[not understood]" ? kApology : kAnswer);
  };
  Listen(world);
  services.Fail(endpoint, std::vector<Fault>(times, fault));
  const Instant from = world.now();
  world.line.Say(Speech(1'000));
  const Instant over = from + Duration::Millis(1'000);
  Outcome outcome;
  EXPECT_TRUE(world.RunUntil([&] { return world.Count("turnEnded") == 1; }));
  const Instant turn_over = world.now();
  EXPECT_LE((turn_over - over).ms(), 1'500 + 120);
  const auto is_over = [&] {
    return !world.ended().empty() ||
           (world.state() == State::kListening && world.Count("line") >= 2);
  };
  world.RunUntil([&] { return world.Count("replyStarted") > 0 || is_over(); });
  if (world.Count("replyStarted") > 0) {
    outcome.reply_ms = (world.now() - turn_over).ms();
  }
  EXPECT_TRUE(world.RunUntil(is_over));
  MeasureSilence(world, turn_over, world.now(), outcome);
  std::string said;
  for (const Json& line : world.EventsOf("line")) {
    if (line["role"] != "agent") continue;
    said += said.empty() ? "" : " ";
    said += line.value("heard", "");
  }
  const bool is_reply = said.find("anything else?") != std::string::npos;
  if (said.find(kApology) != std::string::npos) {
    outcome.hears = "is asked to say it again";
  } else if (is_reply) {
    outcome.hears = "the reply";
  } else if (!said.empty()) {
    outcome.hears = "a part of the reply";
  }
  if (!world.ended().empty()) {
    outcome.hears += outcome.hears.empty() ? "the farewell" : ", the farewell";
    outcome.logged = CodesOf(world);
    return outcome;
  }
  outcome.logged = CodesOf(world);
  services.Fail(endpoint, {});
  const size_t replies = world.Count("replyDone");
  world.line.Say(Speech(1'000));
  outcome.goes_on =
      world.RunUntil([&] { return world.Count("replyDone") > replies; });
  return outcome;
}

std::string CellOf(const Outcome& outcome) {
  std::string cell = outcome.hears;
  if (outcome.reply_ms > 0) {
    char text[32];
    std::snprintf(text, sizeof(text), " after %.1f s",
                  static_cast<double>(outcome.reply_ms) / 1000);
    cell += text;
  }
  return cell;
}

TEST(CascadeFaultsTest, NobodySitsInSilenceAndNoConversationIsLost) {
  std::string table =
      "| | fails | once: the caller hears | logged | lasting: the caller hears "
      "|\n|---|---|---|---|---|\n";
  for (const Service& service : kServices) {
    for (const Row& row : kRows) {
      SCOPED_TRACE(std::string(service.name) + " " + row.name);
      // Of a turn a text is asked for in the pause, and again when it is over,
      // unless the first one is still to come.
      const bool fails_early = service.endpoint == Endpoint::kTranscription &&
                               row.fault.kind != Kind::kStall &&
                               row.fault.kind != Kind::kStallLate;
      const size_t one = fails_early ? 2 : 1;
      const Outcome once = Fail(service.endpoint, row.fault, one);
      const Outcome lasting = Fail(service.endpoint, row.fault, 1'000);
      table += std::string("| ") + service.name + " | " + row.name + " | " +
               CellOf(once) + " | " + once.logged + " | " + CellOf(lasting) +
               " |\n";
      for (const Outcome& outcome : {once, lasting}) {
        EXPECT_LE(outcome.silent_ms, kMostSilentMs);
        EXPECT_LE(outcome.pause_ms, kMostPauseMs);
      }
      // A key that is refused is refused for good.
      const bool is_fatal = row.fault.status == 401;
      EXPECT_EQ(once.goes_on, !is_fatal);
      EXPECT_FALSE(once.hears.empty());
      EXPECT_FALSE(lasting.hears.empty());
      // Half of a voice's samples, as if that were all, are samples.
      const bool is_unnoticed = service.endpoint == Endpoint::kSpeech &&
                                row.fault.kind == Kind::kTruncated;
      EXPECT_EQ(once.logged.empty(), is_unnoticed);
      if (!is_fatal) EXPECT_EQ(once.hears, "the reply");
    }
  }
  std::printf("%s", table.c_str());
  ExpectConformanceDocument(
      Replaced(ConformanceDocument(), "cascade faults", table),
      "build/asan/tests/session_test --gtest_filter='CascadeFaultsTest.*'");
}

}  // namespace
}  // namespace trunkline::test
