// What a provider took for a turn and what was none here (a cough over a reply)
// is deleted there. Its words may come all the same, at any time: they are not
// those of the caller's next turn.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

struct Words {
  const char* name;
  // Before it is taken back, when the caller is in his next turn, or when that
  // is over.
  enum class When { kBefore, kWithin, kBehind } when;
  enum class As { kPart, kWhole, kPartAndWhole, kFailed } as;
};

class TakenBackTurnsTest : public testing::TestWithParam<Words> {
 protected:
  TakenBackTurnsTest() : world(RealtimeOptions(Duration::Millis(20))) {}

  void Tell(const Json& json, int64_t ms = 60) {
    world.realtime.Send(json);
    world.Advance(Duration::Millis(ms));
  }
  void Committed(const char* item) {
    Tell({{"type", "input_audio_buffer.committed"}, {"item_id", item}});
  }
  void Text(const char* item, const char* type, const char* field,
            const char* text) {
    Tell({{"type",
           std::string("conversation.item.input_audio_transcription.") + type},
          {"item_id", item},
          {"content_index", 0},
          {field, text}});
  }
  // Those of the cough, if they come now.
  void Late(Words::When when) {
    using As = Words::As;
    if (GetParam().when != when) return;
    const As as = GetParam().as;
    if (as == As::kFailed) Text("u2", "failed", "error", "none");
    if (as == As::kPart || as == As::kPartAndWhole) {
      Text("u2", "delta", "delta", "Mm-hm");
    }
    if (as == As::kWhole || as == As::kPartAndWhole) {
      Text("u2", "completed", "transcript", "Mm-hm.");
    }
  }
  // A reply plays, and somebody coughs over it.
  void CoughOverAReply() {
    Connect(world);
    world.agent.stalled = true;
    world.line.Say(Speech(1'000));
    world.Advance(Duration::Millis(1'600));
    Committed("u1");
    Text("u1", "completed", "transcript", "Tell me a story");
    Tell({{"type", "response.created"}, {"response", {{"id", "r1"}}}});
    Tell({{"type", "response.output_audio.delta"},
          {"response_id", "r1"},
          {"item_id", "i1"},
          {"content_index", 0},
          {"delta", ToBase64(std::string(24'000, 'P'))}});
    Tell({{"type", "response.done"},
          {"response", {{"id", "r1"}, {"status", "completed"}}}});
    world.Advance(Duration::Millis(300));
    world.line.Say(Speech(180, 3));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kInterrupted; }));
    ASSERT_TRUE(
        world.RunUntil([&] { return world.state() == State::kSpeaking; }));
    world.Advance(Duration::Millis(300));
  }

  VirtualWorld world;
};

TEST_P(TakenBackTurnsTest, LeaveNothingToTheNextOne) {
  CoughOverAReply();
  Late(Words::When::kBefore);
  Committed("u2");
  ASSERT_EQ(world.realtime.CountReceived("conversation.item.delete"), 1);
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  world.line.Say(Speech(1'500, 4));
  world.Advance(Duration::Millis(700));
  Late(Words::When::kWithin);
  world.Advance(Duration::Millis(1'400));
  Committed("u3");
  Late(Words::When::kBehind);
  Text("u3", "completed", "transcript", "I want to cancel my order");
  world.Advance(Duration::Millis(1'000));
  world.line.HangUp();
  world.Advance(Duration::Millis(500));
  std::vector<Json> turns;
  for (const Json& line : world.EventsOf("line")) {
    if (line["role"] == "caller") turns.push_back(line);
    EXPECT_THAT(line.value("said", ""), Not(HasSubstr("Mm"))) << line;
  }
  const bool before = GetParam().when == Words::When::kBefore;
  // Words that come before anybody knows what they are of make a line.
  if (before && GetParam().as != Words::As::kFailed) return;
  ASSERT_EQ(turns.size(), 2U);
  EXPECT_EQ(turns[1]["item"], "u3");
  EXPECT_EQ(turns[1]["said"], "I want to cancel my order");
  EXPECT_NEAR(
      turns[1]["endMs"].get<double>() - turns[1]["startMs"].get<double>(),
      1'500, 200);
}

INSTANTIATE_TEST_SUITE_P(
    All, TakenBackTurnsTest,
    testing::Values(
        Words{"PartWithin", Words::When::kWithin, Words::As::kPart},
        Words{"WholeWithin", Words::When::kWithin, Words::As::kWhole},
        Words{"BothWithin", Words::When::kWithin, Words::As::kPartAndWhole},
        Words{"FailedWithin", Words::When::kWithin, Words::As::kFailed},
        Words{"PartBehind", Words::When::kBehind, Words::As::kPart},
        Words{"WholeBehind", Words::When::kBehind, Words::As::kWhole},
        Words{"FailedBehind", Words::When::kBehind, Words::As::kFailed}),
    [](const testing::TestParamInfo<Words>& info) { return info.param.name; });

}  // namespace
}  // namespace trunkline::test
