// Texts that are there before their audio, or without it: a greeting and a text
// by command, which are known before a word of them is said, and words that run
// ahead. Of one that breaks off the log has, and the next socket is told, no
// more than the audio that was heard can have said.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/world/sound.h"
#include "support/world/world.h"
#include "unit/session/connect.h"

namespace trunkline::test {
namespace {

using session::State;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kText =
    "Hello this is Trunkline and this call is recorded do you agree to that";

std::vector<Json> AgentLines(const VirtualWorld& world) {
  std::vector<Json> lines;
  for (Json& line : world.EventsOf("line")) {
    if (line["role"] == "agent") lines.push_back(line);
  }
  return lines;
}

enum class Text { kGreeting, kSay, kWords };
enum class Break { kResponse, kSocket, kObject, kCall, kInterrupted };

struct Broken {
  Text text;
  Break how;
};

class UnsaidTextTest : public testing::TestWithParam<Broken> {
 protected:
  static VirtualWorld::Options Options() {
    VirtualWorld::Options options = RealtimeOptions(Duration::Millis(20));
    if (GetParam().text == Text::kGreeting) options.profile["greeting"] = kText;
    return options;
  }
  static void Audio(VirtualWorld& world, int64_t ms) {
    world.realtime.Send(
        {{"type", "response.output_audio.delta"},
         {"response_id", "r0"},
         {"item_id", "i0"},
         {"content_index", 0},
         {"delta", ToBase64(std::string(static_cast<size_t>(ms * 8), 'P'))}});
  }
  // So much of it is made, and no more comes.
  static void Begin(VirtualWorld& world, int64_t ms) {
    world.agent.think = Duration::Millis(60'000);
    world.line.Call();
    if (GetParam().text == Text::kGreeting) {
      ASSERT_TRUE(
          world.RunUntil([&] { return world.state() == State::kThinking; }));
    } else {
      ASSERT_TRUE(
          world.RunUntil([&] { return world.state() == State::kListening; }));
    }
    world.agent.stalled = true;
    if (GetParam().text == Text::kSay) {
      world.Command({{"type", "say"}, {"text", kText}});
    }
    if (GetParam().text == Text::kWords) {
      world.line.Say(Speech(800));
      ASSERT_TRUE(
          world.RunUntil([&] { return world.Count("speechStopped") > 0; }));
      world.realtime.Send(
          {{"type", "input_audio_buffer.committed"}, {"item_id", "u0"}});
      world.Advance(Duration::Millis(60));
    }
    world.realtime.Send(
        {{"type", "response.created"}, {"response", {{"id", "r0"}}}});
    if (GetParam().text == Text::kWords) {
      world.realtime.Send({{"type", "response.output_audio_transcript.delta"},
                           {"response_id", "r0"},
                           {"item_id", "i0"},
                           {"content_index", 0},
                           {"delta", kText}});
    }
    Audio(world, ms);
    ASSERT_TRUE(
        world.RunUntil([&] { return world.Count("replyStarted") > 0; }));
  }
  static void BreakOff(VirtualWorld& world) {
    switch (GetParam().how) {
      case Break::kResponse:
        world.realtime.Send({{"type", "response.done"},
                             {"response",
                              {{"id", "r0"},
                               {"status", "failed"},
                               {"status_details",
                                {{"type", "failed"},
                                 {"error", {{"code", "server_error"}}}}}}}});
        break;
      case Break::kSocket:
        world.agent.stalled = false;
        world.agent.Drop(1011);
        break;
      case Break::kObject:
      case Break::kCall:
        break;
      case Break::kInterrupted:
        world.line.Say(Speech(900, 3));
        break;
    }
  }
};

TEST_P(UnsaidTextTest, IsNotHeard) {
  VirtualWorld world(Options());
  Begin(world, 600);
  BreakOff(world);
  world.Advance(Duration::Millis(3'000));
  std::vector<Json> lines;
  if (GetParam().how == Break::kObject) {
    VirtualWorld::Options options = Options();
    options.snapshot = world.snapshot();
    options.epoch_ms = 1 + 10'000;
    options.config = {{"callEpochMs", 1}, {"aliveMs", 9'000}};
    VirtualWorld next(options);
    next.Advance(Duration::Millis(20));
    lines = AgentLines(next);
  } else {
    world.line.HangUp();
    world.Advance(Duration::Millis(200));
    lines = AgentLines(world);
  }
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines[0]["said"], kText);
  EXPECT_EQ(lines[0]["cut"], true);
  // An interruption may be sooner than a word is over.
  if (GetParam().how != Break::kInterrupted) {
    EXPECT_THAT(lines[0].value("heard", ""), StartsWith("Hello"));
  }
  EXPECT_LT(lines[0].value("heard", "").size(), 15U) << lines[0];
  for (const std::string& told : world.agent.told()) {
    // What is to be said again is no part of the conversation.
    if (told.starts_with("Say exactly")) continue;
    EXPECT_THAT(told, Not(HasSubstr("call"))) << told;
  }
}

// The same, whole: that all of it came is what makes the difference.
TEST_P(UnsaidTextTest, IsHeardWhereItsAudioIsWhole) {
  if (GetParam().how != Break::kResponse) return;
  VirtualWorld world(Options());
  Begin(world, 600);
  world.realtime.Send({{"type", "response.done"},
                       {"response", {{"id", "r0"}, {"status", "completed"}}}});
  world.Advance(Duration::Millis(3'000));
  world.line.HangUp();
  world.Advance(Duration::Millis(200));
  const std::vector<Json> lines = AgentLines(world);
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(lines[0]["heard"], kText);
  EXPECT_EQ(lines[0]["cut"], false);
}

INSTANTIATE_TEST_SUITE_P(
    All, UnsaidTextTest,
    testing::Values(Broken{Text::kGreeting, Break::kResponse},
                    Broken{Text::kGreeting, Break::kSocket},
                    Broken{Text::kGreeting, Break::kObject},
                    Broken{Text::kGreeting, Break::kCall},
                    Broken{Text::kGreeting, Break::kInterrupted},
                    Broken{Text::kSay, Break::kResponse},
                    Broken{Text::kSay, Break::kSocket},
                    Broken{Text::kSay, Break::kCall},
                    Broken{Text::kWords, Break::kResponse},
                    Broken{Text::kWords, Break::kSocket},
                    Broken{Text::kWords, Break::kObject},
                    Broken{Text::kWords, Break::kCall},
                    Broken{Text::kWords, Break::kInterrupted}),
    [](const testing::TestParamInfo<Broken>& info) {
      const char* text = "";
      switch (info.param.text) {
        case Text::kGreeting:
          text = "Greeting";
          break;
        case Text::kSay:
          text = "Say";
          break;
        case Text::kWords:
          text = "Words";
          break;
      }
      const char* how = "";
      switch (info.param.how) {
        case Break::kResponse:
          how = "Response";
          break;
        case Break::kSocket:
          how = "Socket";
          break;
        case Break::kObject:
          how = "Object";
          break;
        case Break::kCall:
          how = "Call";
          break;
        case Break::kInterrupted:
          how = "Interrupted";
          break;
      }
      return std::string(text) + how;
    });

}  // namespace
}  // namespace trunkline::test
