#include "protocol/agents/openai_responses.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace trunkline::protocol {
namespace {

using Done = OpenAiResponses::Done;

class OpenAiResponsesTest : public testing::Test {
 protected:
  // An end that ends something.
  Done OnDone(const std::string& id) {
    const std::optional<Done> done = responses_.OnDone(id, "completed");
    EXPECT_TRUE(done) << id;
    return done.value_or(Done{});
  }
  bool IsStale(const std::string& id) {
    return !responses_.OnDone(id, "completed");
  }
  // The instructions of what is to be sent now.
  std::optional<std::string> Next() {
    const std::string* instructions = responses_.Next();
    return instructions == nullptr ? std::nullopt
                                   : std::optional(*instructions);
  }
  void Ask(const std::string& instructions = "") {
    responses_.Ask(instructions);
  }
  // A response is active.
  void Create(const std::string& id) {
    Ask();
    ASSERT_TRUE(Next());
    responses_.OnCreated(id);
  }

  OpenAiResponses responses_;
};

TEST_F(OpenAiResponsesTest, OneRequestAtATimeAndOfThoseThatWaitTheNewest) {
  EXPECT_FALSE(Next());
  Ask("one");
  EXPECT_FALSE(responses_.requested());
  EXPECT_EQ(Next(), "one");
  EXPECT_TRUE(responses_.requested());
  Ask("two");
  Ask("three");
  EXPECT_FALSE(Next());
  responses_.OnCreated("r1");
  EXPECT_FALSE(responses_.requested());
  EXPECT_FALSE(Next());
  OnDone("r1");
  EXPECT_EQ(Next(), "three");
  responses_.OnCreated("r2");
  OnDone("r2");
  EXPECT_FALSE(Next());
}

TEST_F(OpenAiResponsesTest, TheEndOfAnotherResponseIsNotTheEndOfThisOne) {
  Create("r1");
  Ask("next");
  EXPECT_TRUE(IsStale("r0"));
  EXPECT_FALSE(Next());
  // Who says no name means the one that there is.
  OnDone("");
  EXPECT_EQ(Next(), "next");
  responses_.OnCreated("");
  Ask("last");
  OnDone("r7");
  EXPECT_EQ(Next(), "last");
}

TEST_F(OpenAiResponsesTest, WhatTheServerBeginsByItselfWasNotAskedFor) {
  EXPECT_FALSE(responses_.IsAsked(""));
  responses_.OnCreated("own");
  EXPECT_FALSE(responses_.IsAsked("own"));
  // That what was asked for waits changes nothing.
  Ask("greeting");
  EXPECT_FALSE(responses_.IsAsked("own"));
  EXPECT_FALSE(responses_.IsAsked(""));
  OnDone("own");
  EXPECT_EQ(Next(), "greeting");
  // Maybe it is never announced.
  EXPECT_TRUE(responses_.IsAsked("r1"));
  responses_.OnCreated("r1");
  EXPECT_TRUE(responses_.IsAsked("r1"));
  EXPECT_TRUE(responses_.IsAsked(""));
  EXPECT_FALSE(responses_.IsAsked("own"));
  OnDone("r1");
  EXPECT_FALSE(responses_.IsAsked("r1"));
}

TEST_F(OpenAiResponsesTest, CancelsWhatIsActiveOnce) {
  EXPECT_FALSE(responses_.Cancel());
  Create("r1");
  Ask("waits");
  EXPECT_TRUE(responses_.Cancel());
  EXPECT_TRUE(responses_.IsDiscarded("r1"));
  EXPECT_FALSE(responses_.Cancel());
  EXPECT_EQ(OnDone("r1").what, Done::What::kNothing);
  EXPECT_FALSE(responses_.IsDiscarded("r1"));
  // What waited went with it.
  EXPECT_FALSE(Next());
}

TEST_F(OpenAiResponsesTest, WhatIsCancelledBeforeItHasANameIsDiscardedByIt) {
  Ask();
  Next();
  EXPECT_TRUE(responses_.Cancel());
  EXPECT_FALSE(responses_.Cancel());
  EXPECT_FALSE(responses_.IsDiscarded("r1"));
  responses_.OnCreated("r1");
  EXPECT_TRUE(responses_.IsDiscarded("r1"));
  EXPECT_FALSE(responses_.Cancel());
  OnDone("r1");
  Create("r2");
  EXPECT_FALSE(responses_.IsDiscarded("r2"));
}

TEST_F(OpenAiResponsesTest, AResponseWithoutANameIsNeverDiscarded) {
  Create("");
  EXPECT_TRUE(responses_.Cancel());
  EXPECT_FALSE(responses_.IsDiscarded(""));
  EXPECT_EQ(OnDone("").what, Done::What::kAnswer);
}

TEST_F(OpenAiResponsesTest, TheOldestThatIsNeverDoneIsForgotten) {
  for (size_t i = 0; i <= OpenAiResponses::kMaxKept; ++i) {
    Create("r" + std::to_string(i));
    // Both ways of being cancelled keep to the bound.
    if (i % 2 == 0) {
      ASSERT_TRUE(responses_.Cancel());
      OnDone("");
    } else {
      OnDone("");
      Ask();
      Next();
      ASSERT_TRUE(responses_.Cancel());
      responses_.OnCreated("r" + std::to_string(i));
      OnDone("");
    }
  }
  EXPECT_FALSE(responses_.IsDiscarded("r0"));
  EXPECT_TRUE(responses_.IsDiscarded("r1"));
  EXPECT_TRUE(responses_.IsDiscarded("r16"));
}

TEST_F(OpenAiResponsesTest, SaysWhatAResponseWas) {
  Create("r1");
  responses_.OnText();
  Done done = OnDone("r1");
  EXPECT_TRUE(done.only_text);
  EXPECT_FALSE(done.called_tools);
  EXPECT_EQ(done.what, Done::What::kAnswer);

  Create("r2");
  responses_.OnText();
  responses_.OnAudio();
  EXPECT_FALSE(OnDone("r2").only_text);

  Create("r3");
  responses_.OnText();
  responses_.OnToolCall();
  done = OnDone("r3");
  EXPECT_FALSE(done.only_text);
  EXPECT_TRUE(done.called_tools);

  Create("r4");
  done = OnDone("r4");
  EXPECT_FALSE(done.only_text);
  EXPECT_FALSE(done.called_tools);
}

TEST_F(OpenAiResponsesTest, AServerThatIsBusyIsAskedAgainWhenThatIsDone) {
  Ask("one");
  Next();
  responses_.OnBusy("");
  EXPECT_FALSE(responses_.requested());
  EXPECT_FALSE(Next());
  // The name of what it makes comes with its end.
  EXPECT_EQ(OnDone("theirs").what, Done::What::kNothing);
  EXPECT_EQ(Next(), "one");
  // What was asked for meanwhile comes in its place.
  responses_.OnBusy("");
  Ask("two");
  EXPECT_EQ(OnDone("theirs too").what, Done::What::kNothing);
  EXPECT_EQ(Next(), "two");
  responses_.OnCreated("r1");
  OnDone("r1");
  EXPECT_FALSE(Next());
}

// It was announced while our request was under way, and taken for ours.
TEST_F(OpenAiResponsesTest, AServerThatSaysThatItWasBusyHasNotAnswered) {
  Ask("one");
  Next();
  responses_.OnCreateSent("create-1");
  responses_.OnCreated("theirs");
  EXPECT_TRUE(responses_.IsAsked("theirs"));
  EXPECT_FALSE(responses_.OnBusy("")) << "it may answer anything";
  EXPECT_FALSE(responses_.OnBusy("create-0"));
  EXPECT_TRUE(responses_.IsAsked("theirs"));
  EXPECT_TRUE(responses_.OnBusy("create-1"));
  EXPECT_FALSE(responses_.IsAsked("theirs"));
  EXPECT_FALSE(responses_.OnBusy("create-1")) << "once";
  EXPECT_TRUE(IsStale("another"));
  EXPECT_EQ(OnDone("theirs").what, Done::What::kNothing);
  EXPECT_EQ(Next(), "one");
}

TEST_F(OpenAiResponsesTest, NobodyIsBusyWhoWasNotAsked) {
  EXPECT_FALSE(responses_.OnBusy(""));
  Ask("one");
  EXPECT_EQ(Next(), "one");
}

// A turn that ended took the place of a text that had waited: it was never
// said, and the reply was taken for it.
TEST_F(OpenAiResponsesTest, ATextAndAReplyWaitForEachOther) {
  Create("r1");
  Ask("text");
  Ask();
  Ask();
  OnDone("r1");
  EXPECT_EQ(Next(), "text");
  responses_.OnCreated("r2");
  Ask("another");
  OnDone("r2");
  EXPECT_EQ(Next(), "");
  responses_.OnCreated("r3");
  OnDone("r3");
  EXPECT_EQ(Next(), "another");
  responses_.OnCreated("r4");
  OnDone("r4");
  EXPECT_FALSE(Next());
}

TEST_F(OpenAiResponsesTest, SaysWhetherAllOfAResponseHasCome) {
  Create("r1");
  EXPECT_TRUE(OnDone("r1").is_whole);
  Create("r2");
  EXPECT_FALSE(responses_.OnDone("r2", "incomplete")->is_whole);
  Create("r3");
  responses_.Cancel();
  EXPECT_FALSE(OnDone("r3").is_whole) << "what came of it was dropped";
  // The server's own is, though what was asked for waits for it.
  responses_.OnCreated("own");
  Ask();
  EXPECT_TRUE(OnDone("own").is_whole);
}

// No third attempt, and who asked is told that there is none.
TEST_F(OpenAiResponsesTest, AServerThatStaysBusyIsNotAskedForEver) {
  Ask("one");
  Next();
  responses_.OnBusy("");
  OnDone("theirs");
  EXPECT_EQ(Next(), "one");
  responses_.OnBusy("");
  EXPECT_EQ(OnDone("theirs too").what, Done::What::kBusy);
  EXPECT_FALSE(Next());
  // Another request has attempts of its own.
  Ask("two");
  EXPECT_EQ(Next(), "two");
  responses_.OnBusy("");
  OnDone("another");
  EXPECT_EQ(Next(), "two");
}

// The server ends nothing twice, and nothing that nobody has heard of.
TEST_F(OpenAiResponsesTest, AnEndThatIsLateIsStale) {
  Create("r1");
  OnDone("r1");
  EXPECT_TRUE(responses_.IsOver("r1"));
  EXPECT_TRUE(IsStale("r1"));
  Ask();
  Next();
  EXPECT_TRUE(IsStale("r1"));
  EXPECT_TRUE(IsStale("r2")) << "nothing has come of it";
  EXPECT_TRUE(responses_.requested());
  // One that was not announced, and of which something has come.
  responses_.OnAudio();
  EXPECT_FALSE(IsStale("r2"));
  EXPECT_FALSE(responses_.requested());
  // A name that is used again is not over.
  responses_.OnCreated("r1");
  EXPECT_FALSE(responses_.IsOver("r1"));
}

TEST_F(OpenAiResponsesTest, WhatIsOverIsForgottenInTheEnd) {
  for (size_t i = 0; i <= OpenAiResponses::kMaxKept; ++i) {
    const std::string id = "r" + std::to_string(i);
    Create(id);
    OnDone(id);
  }
  EXPECT_FALSE(responses_.IsOver("r0"));
  EXPECT_TRUE(responses_.IsOver("r1"));
}

TEST_F(OpenAiResponsesTest, NothingOfWhatWasCancelledUnannouncedIsWanted) {
  Ask();
  Next();
  EXPECT_FALSE(responses_.IsUnwanted("r1"));
  responses_.Cancel();
  EXPECT_TRUE(responses_.IsUnwanted("r1"));
  responses_.OnCreated("r1");
  EXPECT_TRUE(responses_.IsUnwanted("r1"));
  OnDone("r1");
  EXPECT_FALSE(responses_.IsUnwanted("r1"));
}

TEST_F(OpenAiResponsesTest, WhatTheServerCancelsByItselfWasNoAnswerRefused) {
  Create("r1");
  EXPECT_EQ(responses_.OnDone("r1", "cancelled")->what, Done::What::kAnswer);
  Create("r2");
  responses_.Cancel();
  responses_.OnCancelSent("c1");
  EXPECT_EQ(responses_.OnDone("", "cancelled")->what, Done::What::kNothing);
}

TEST_F(OpenAiResponsesTest, WhatNobodyWantsIsNotAskedForAgain) {
  Ask();
  Next();
  responses_.Cancel();
  responses_.OnBusy("");
  OnDone("theirs");
  EXPECT_FALSE(Next());
}

TEST_F(OpenAiResponsesTest, AnErrorInThePlaceOfTheResponseEndsIt) {
  Ask();
  Next();
  EXPECT_TRUE(responses_.OnRefused());
  EXPECT_FALSE(responses_.requested());
  Ask();
  Next();
  responses_.Cancel();
  EXPECT_FALSE(responses_.OnRefused());
  // The cancel was of that one only.
  Create("r1");
  EXPECT_FALSE(responses_.IsDiscarded("r1"));
}

// The server had announced it, and the caller waited for its time in silence.
TEST_F(OpenAiResponsesTest, AnErrorBehindTheAnnouncementEndsItAsWell) {
  EXPECT_FALSE(responses_.MayBeRefused("")) << "nothing was asked for";
  Ask();
  Next();
  responses_.OnCreateSent("create-1");
  EXPECT_TRUE(responses_.MayBeRefused(""));
  EXPECT_TRUE(responses_.MayBeRefused("create-1"));
  EXPECT_FALSE(responses_.MayBeRefused("create-0")) << "of another request";
  responses_.OnCreated("r1");
  EXPECT_TRUE(responses_.MayBeRefused(""));
  EXPECT_TRUE(responses_.MayBeRefused("create-1"));
  EXPECT_FALSE(responses_.MayBeRefused("create-0"));
  EXPECT_TRUE(responses_.OnRefused());
  EXPECT_FALSE(responses_.MayBeRefused(""));
  // What comes of it is late.
  EXPECT_TRUE(responses_.IsOver("r1"));
  EXPECT_TRUE(IsStale("r1"));
  Create("r2");
  EXPECT_TRUE(IsStale("r1"));
  EXPECT_EQ(OnDone("r2").what, Done::What::kAnswer);
}

TEST_F(OpenAiResponsesTest, WhatHasBegunIsNotRefused) {
  const auto begun = [this](void (OpenAiResponses::*what)(), const char* id) {
    Create(id);
    responses_.OnCreateSent("create-1");
    (responses_.*what)();
    EXPECT_FALSE(responses_.MayBeRefused("")) << id;
    EXPECT_FALSE(responses_.MayBeRefused("create-1")) << id;
    OnDone(id);
  };
  begun(&OpenAiResponses::OnAudio, "audio");
  begun(&OpenAiResponses::OnText, "text");
  begun(&OpenAiResponses::OnPiece, "piece");
  begun(&OpenAiResponses::OnToolCall, "call");
  // The next one has not.
  Create("r1");
  EXPECT_TRUE(responses_.MayBeRefused(""));
}

TEST_F(OpenAiResponsesTest, WhatIsTheServersOwnIsNotRefused) {
  responses_.OnCreated("own");
  EXPECT_FALSE(responses_.MayBeRefused(""));
}

TEST_F(OpenAiResponsesTest, WhatWasCancelledIsRefusedOnlyByItsName) {
  Create("r1");
  responses_.OnCreateSent("create-1");
  responses_.Cancel();
  EXPECT_FALSE(responses_.MayBeRefused("")) << "it is ended by response.done";
  EXPECT_TRUE(responses_.MayBeRefused("create-1"));
  EXPECT_FALSE(responses_.OnRefused());
  EXPECT_TRUE(responses_.IsOver("r1"));
}

// It went on with it all the same: what was asked for waited for no end of
// anything.
TEST_F(OpenAiResponsesTest, AServerMayBeBusyWithWhatItHasRefused) {
  Create("r1");
  ASSERT_TRUE(responses_.OnRefused());
  Ask("again");
  EXPECT_EQ(Next(), "again");
  EXPECT_TRUE(responses_.OnBusy(""));
  EXPECT_TRUE(responses_.IsDiscarded("r1")) << "nobody waits for it any more";
  EXPECT_EQ(OnDone("r1").what, Done::What::kNothing);
  EXPECT_EQ(Next(), "again");
  EXPECT_TRUE(IsStale("r1"));
}

TEST_F(OpenAiResponsesTest, WhatWasRefusedAndHasEndedIsNotWaitedFor) {
  Create("r1");
  ASSERT_TRUE(responses_.OnRefused());
  EXPECT_TRUE(IsStale("r1"));
  Ask("again");
  EXPECT_EQ(Next(), "again");
  EXPECT_TRUE(responses_.OnBusy(""));
  EXPECT_EQ(OnDone("theirs").what, Done::What::kNothing);
  EXPECT_EQ(Next(), "again");
}

TEST_F(OpenAiResponsesTest, NothingToCancelIsTheEndOfWhatIsActive) {
  Create("r1");
  EXPECT_FALSE(responses_.OnNothingToCancel("")) << "none was sent";
  responses_.Cancel();
  responses_.OnCancelSent("c1");
  Ask("next");
  EXPECT_FALSE(responses_.OnNothingToCancel("c0")) << "of another cancel";
  EXPECT_FALSE(Next());
  EXPECT_TRUE(responses_.OnNothingToCancel("c1"));
  EXPECT_FALSE(responses_.IsDiscarded("r1"));
  EXPECT_EQ(Next(), "next");
}

// No request was made any more, since the lost one was waited for.
TEST_F(OpenAiResponsesTest, NothingToCancelIsTheEndOfARequestThatWasLost) {
  for (const char* names : {"c1", ""}) {
    Ask("lost");
    ASSERT_EQ(Next(), "lost");
    responses_.Cancel();
    responses_.OnCancelSent("c1");
    Ask("next");
    EXPECT_FALSE(Next());
    EXPECT_TRUE(responses_.OnNothingToCancel(names));
    EXPECT_FALSE(responses_.requested());
    ASSERT_EQ(Next(), "next");
    // Which is wanted.
    responses_.OnCreated("r1");
    EXPECT_FALSE(responses_.IsUnwanted("r1"));
    OnDone("r1");
  }
}

TEST_F(OpenAiResponsesTest, NothingToCancelMayHaveCrossedWithTheEnd) {
  Create("r1");
  responses_.Cancel();
  responses_.OnCancelSent("c1");
  OnDone("r1");
  EXPECT_FALSE(responses_.OnNothingToCancel("c1"));
  // With the next request the cancel is forgotten.
  Create("r2");
  EXPECT_FALSE(responses_.OnNothingToCancel("c1"));
  EXPECT_FALSE(responses_.OnNothingToCancel(""));
}

TEST_F(OpenAiResponsesTest, AFreshSessionHasNothingOfTheFormer) {
  Create("r1");
  responses_.OnToolCall();
  responses_.Cancel();
  responses_.OnCancelSent("c1");
  Ask("waits");
  responses_.Reset();
  EXPECT_FALSE(responses_.IsDiscarded("r1"));
  EXPECT_FALSE(Next());
  EXPECT_FALSE(responses_.requested());
  Create("r1");
  EXPECT_FALSE(responses_.OnNothingToCancel(""));
  EXPECT_FALSE(OnDone("r1").called_tools);
}

}  // namespace
}  // namespace trunkline::protocol
