// Words of a reply that was cancelled, which the provider sends when it has
// heard of that or just before: those of what was heard are kept, and cut where
// the caller stopped hearing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "session/transcript.h"
#include "support/world/heard_reply.h"
#include "support/world/world.h"
#include "unit/session/connect.h"

namespace trunkline::test {
namespace {

using session::State;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr const char* kWords =
    "We open at nine in the morning and close at six in the evening, on "
    "Saturdays at noon.";

// A call in which a reply was interrupted after 1.3 s: the provider has not yet
// heard of it.
class LateWordsTest : public testing::Test {
 protected:
  void SetUp() override { Begin(RealtimeOptions(Duration())); }
  void Begin(const VirtualWorld::Options& options) {
    world_.emplace(options);
    world().agent.reply_ms = 20'000;
    world().agent.speed = 2;
  }
  VirtualWorld& world() { return *world_; }
  const VirtualWorld& world() const { return *world_; }

  void Interrupt() {
    Connect(world());
    HearReply(world(), 1'000);
    world().line.Say(Speech(900));
    ASSERT_TRUE(
        world().RunUntil([&] { return world().Count("truncated") > 0; }));
  }
  void Words(const char* type, const char* field, const std::string& text,
             const std::string& item = "item_1") {
    world().realtime.Send({{"type", type},
                           {"response_id", "resp_1"},
                           {"item_id", item},
                           {"output_index", 0},
                           {"content_index", 0},
                           {field, text}});
  }
  void Part(const std::string& text) {
    Words("response.output_audio_transcript.delta", "delta", text);
  }
  void Whole(const std::string& text = kWords) {
    Words("response.output_audio_transcript.done", "transcript", text);
  }
  // The server's own delay, and a few milliseconds.
  void Settle() { world().Advance(Duration::Millis(60)); }
  std::vector<Json> AgentLines() const {
    std::vector<Json> lines;
    for (Json& line : world().EventsOf("line")) {
      if (StringMember(line, "role") == "agent") lines.push_back(line);
    }
    return lines;
  }
  // A line that has some of its words, and not all.
  static void ExpectCut(const Json& line) {
    const std::string heard(StringMember(line, "heard"));
    EXPECT_EQ(line["said"], kWords);
    EXPECT_EQ(line["text"], "final");
    EXPECT_EQ(line["cut"], true);
    EXPECT_THAT(kWords, StartsWith(heard));
    EXPECT_THAT(heard, StartsWith("We open"));
    EXPECT_LT(heard.size(), std::string_view(kWords).size());
  }

 private:
  std::optional<VirtualWorld> world_;
};

TEST_F(LateWordsTest, TheLineIsFinalWithThem) {
  Interrupt();
  EXPECT_THAT(AgentLines(), IsEmpty());
  Whole();
  Settle();
  ASSERT_THAT(AgentLines(), SizeIs(1));
  ExpectCut(AgentLines()[0]);
  // The response's end changes nothing.
  world().Advance(Duration::Millis(2'000));
  EXPECT_EQ(world().agent.cancels(), 1);
  EXPECT_THAT(AgentLines(), SizeIs(1));
}

TEST_F(LateWordsTest, TheyMayComeInPiecesAndByTheOldNames) {
  Interrupt();
  const std::string words = kWords;
  Words("response.audio_transcript.delta", "delta", words.substr(0, 30));
  Part(words.substr(30));
  Settle();
  EXPECT_THAT(AgentLines(), IsEmpty());
  Words("response.audio_transcript.done", "transcript", words);
  Settle();
  ASSERT_THAT(AgentLines(), SizeIs(1));
  ExpectCut(AgentLines()[0]);
}

TEST_F(LateWordsTest, TheyGoOnWithThoseThatCameBefore) {
  const std::string words = kWords;
  Connect(world());
  HearReply(world(), 500);
  Part(words.substr(0, 20));
  world().Advance(Duration::Millis(500));
  world().line.Say(Speech(900));
  ASSERT_TRUE(world().RunUntil([&] { return world().Count("truncated") > 0; }));
  Part(words.substr(20));
  Whole();
  Settle();
  ASSERT_THAT(AgentLines(), SizeIs(1));
  ExpectCut(AgentLines()[0]);
}

// The server hears of the cancel first, and its words are the last of it.
TEST_F(LateWordsTest, TheyMayComeBehindTheEndOfTheResponse) {
  Interrupt();
  ASSERT_TRUE(world().RunUntil([&] { return !world().agent.replying(); }));
  Settle();
  EXPECT_THAT(AgentLines(), IsEmpty());
  Whole();
  Settle();
  ASSERT_THAT(AgentLines(), SizeIs(1));
  ExpectCut(AgentLines()[0]);
}

// No end of the response makes it final, since they may come behind that.
TEST_F(LateWordsTest, WithoutThemTheLineWaitsItsTimeAndNoLonger) {
  for (const bool some : {false, true}) {
    VirtualWorld::Options options = RealtimeOptions(Duration());
    options.limits["deadAirMs"] = 60'000;
    Begin(options);
    Interrupt();
    if (some) Part("We open");
    // He stays silent, and the provider too.
    world().agent.stalled = true;
    world().Advance(session::Transcript::kTextWait - Duration::Millis(1'000));
    EXPECT_THAT(AgentLines(), IsEmpty());
    world().Advance(Duration::Millis(1'100));
    ASSERT_THAT(AgentLines(), SizeIs(1));
    EXPECT_EQ(AgentLines()[0]["text"], some ? "partial" : "missing");
  }
}

// What comes of the response after the cancel is words of what was dropped.
TEST_F(LateWordsTest, TheyAreAlsoOfTheAudioThatWasDropped) {
  // Twice, with more of it dropped the second time.
  size_t heard[2] = {};
  for (const int more : {0, 1}) {
    Begin(RealtimeOptions(Duration()));
    Interrupt();
    for (int i = 0; i < 20 * more; ++i) {
      world().realtime.Send({{"type", "response.output_audio.delta"},
                             {"response_id", "resp_1"},
                             {"item_id", "item_1"},
                             {"content_index", 0},
                             {"delta", std::string(2'000, '/')}});
    }
    Whole();
    Settle();
    ASSERT_THAT(AgentLines(), SizeIs(1));
    ExpectCut(AgentLines()[0]);
    heard[more] = StringMember(AgentLines()[0], "heard").size();
  }
  EXPECT_LT(heard[1], heard[0]);
}

// It was sent to nobody, or never had a sound.
TEST_F(LateWordsTest, ThoseOfWhatNobodyHeardStayOut) {
  Connect(world());
  HearReply(world(), 1'000);
  // Behind all that is to be heard before the interruption.
  world().agent.BeginItem();
  world().realtime.ItemAudio(1, "item_2", std::vector<int16_t>(8'000, 900));
  world().line.Say(Speech(900));
  ASSERT_TRUE(world().RunUntil([&] { return world().Count("truncated") > 0; }));
  Words("response.output_audio_transcript.done", "transcript",
        "Nobody heard this.", "item_2");
  Words("response.output_audio_transcript.done", "transcript",
        "Nor was this made.", "item_3");
  Whole();
  world().Advance(Duration::Millis(500));
  Words("response.output_audio_transcript.done", "transcript", "Not even then.",
        "item_4");
  Settle();
  world().line.HangUp();
  world().Advance(Duration::Millis(500));
  ASSERT_THAT(AgentLines(), SizeIs(1));
  ExpectCut(AgentLines()[0]);
}

// The next session of a provider is told of an interrupted reply what was heard
// of it, whenever its words came.
TEST_F(LateWordsTest, ANewSocketIsToldWhatWasHeard) {
  Interrupt();
  Whole();
  Settle();
  world().agent.Drop(1006);
  ASSERT_TRUE(
      world().RunUntil([&] { return world().Count("agentReady") == 2; }));
  Settle();
  bool told = false;
  for (const std::string& text : world().agent.told()) {
    told = told || text.find("We open") != std::string::npos;
    EXPECT_EQ(text.find("Saturdays"), std::string::npos) << text;
  }
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace trunkline::test
