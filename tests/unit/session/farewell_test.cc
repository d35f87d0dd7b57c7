#include "session/farewell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/session_parts.h"

namespace trunkline::session {
namespace {

using test::SessionParts;
using testing::ElementsAre;
using testing::IsEmpty;

Config WithFarewell(const char* abilities = "") {
  Config config = SessionParts::MakeConfig();
  config.profile.farewell = "Goodbye.";
  config.profile.agent.model = abilities;
  return config;
}

struct Goodbye {
  explicit Goodbye(Config config)
      : parts(std::move(config)), replies(parts.context, parts.agent) {
    parts.MakeAgentReady();
    parts.BringLegUp();
    line.emplace(
        media::LineOut::Config{parts.agent.traits().output, parts.leg.traits(),
                               Duration::Millis(200), Duration::Millis(160)});
  }
  void Begin() { farewell.emplace(parts.context, parts.agent, replies, *line); }
  void Append(int ms) {
    ASSERT_TRUE(line->Append(protocol::ItemId{1},
                             std::vector<uint8_t>(size_t(ms) * 8, 0x55))
                    .queued);
  }
  // Plays all that is there.
  void Play() {
    for (int i = 0; i < 1'000 && !line->done(parts.context.now()); ++i) {
      while (line->Next(parts.context.now())) {
      }
      parts.Advance(Duration::Millis(20));
    }
  }
  bool done() const { return farewell->done(parts.context.now()); }

  SessionParts parts;
  Replies replies;
  std::optional<media::LineOut> line;
  std::optional<Farewell> farewell;
};

TEST(FarewellTest, TheAgentSaysTheWords) {
  Goodbye goodbye(WithFarewell());
  goodbye.Begin();
  EXPECT_THAT(goodbye.parts.TakeCommands(), ElementsAre("say Goodbye."));
  EXPECT_TRUE(goodbye.farewell->wants_audio());
  EXPECT_EQ(goodbye.replies.origin(), Transcript::Origin::kSay);
  // Nothing was received: that is not the end of it.
  EXPECT_FALSE(goodbye.done());
  goodbye.Append(300);
  goodbye.farewell->OnReplyDone();
  goodbye.line->EndReply();
  EXPECT_FALSE(goodbye.done());
  const uint64_t received = goodbye.line->received();
  goodbye.Play();
  EXPECT_TRUE(goodbye.done());
  // No notes behind the words.
  EXPECT_EQ(goodbye.line->received(), received);
}

TEST(FarewellTest, NotesStandForWordsThatNobodyCanSay) {
  for (const bool has_words : {true, false}) {
    SCOPED_TRACE(has_words);
    Config config = WithFarewell(has_words ? "cannot-say" : "");
    if (!has_words) config.profile.farewell.clear();
    Goodbye goodbye(std::move(config));
    goodbye.Begin();
    EXPECT_THAT(goodbye.parts.TakeCommands(), IsEmpty());
    EXPECT_FALSE(goodbye.farewell->wants_audio());
    EXPECT_GT(goodbye.line->received(), 0U);
    EXPECT_FALSE(goodbye.done());
    goodbye.Play();
    EXPECT_TRUE(goodbye.done());
  }
}

TEST(FarewellTest, NotesStandForAnAgentThatIsAway) {
  Goodbye goodbye(WithFarewell());
  goodbye.parts.agent.Fail(protocol::AgentFailed::Loss::kRetryable, {});
  goodbye.Begin();
  EXPECT_THAT(goodbye.parts.TakeCommands(), IsEmpty());
  EXPECT_GT(goodbye.line->received(), 0U);
}

TEST(FarewellTest, NotesStandForWordsWithoutAudio) {
  Goodbye goodbye(WithFarewell());
  goodbye.Append(100);
  goodbye.line->EndReply();
  goodbye.Play();
  goodbye.Begin();
  const uint64_t before = goodbye.line->received();
  goodbye.farewell->OnReplyDone();
  EXPECT_FALSE(goodbye.farewell->wants_audio());
  const uint64_t with_notes = goodbye.line->received();
  EXPECT_GT(with_notes, before);
  // Once.
  goodbye.farewell->OnReplyDone();
  goodbye.farewell->OnAgentFailed();
  EXPECT_EQ(goodbye.line->received(), with_notes);
}

TEST(FarewellTest, NotesFollowWordsThatAreCutOff) {
  Goodbye goodbye(WithFarewell());
  goodbye.Begin();
  goodbye.Append(100);
  const uint64_t words = goodbye.line->received();
  goodbye.farewell->OnAgentFailed();
  EXPECT_FALSE(goodbye.farewell->wants_audio());
  EXPECT_GT(goodbye.line->received(), words);
}

}  // namespace
}  // namespace trunkline::session
