#include "protocol/agents/openai_responses.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace trunkline::protocol {
namespace {

using Done = OpenAiResponses::Done;

class OpenAiResponsesTest : public testing::Test {
 protected:
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
  responses_.OnDone("r1");
  EXPECT_EQ(Next(), "three");
  responses_.OnCreated("r2");
  responses_.OnDone("r2");
  EXPECT_FALSE(Next());
}

TEST_F(OpenAiResponsesTest, TheEndOfAnotherResponseIsNotTheEndOfThisOne) {
  Create("r1");
  Ask("next");
  responses_.OnDone("r0");
  EXPECT_FALSE(Next());
  // Who says no name means the one that there is.
  responses_.OnDone("");
  EXPECT_EQ(Next(), "next");
  responses_.OnCreated("");
  Ask("last");
  responses_.OnDone("r7");
  EXPECT_EQ(Next(), "last");
}

TEST_F(OpenAiResponsesTest, CancelsWhatIsActiveOnce) {
  EXPECT_FALSE(responses_.Cancel());
  Create("r1");
  Ask("waits");
  EXPECT_TRUE(responses_.Cancel());
  EXPECT_TRUE(responses_.IsDiscarded("r1"));
  EXPECT_FALSE(responses_.Cancel());
  EXPECT_TRUE(responses_.OnDone("r1").discarded);
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
  responses_.OnDone("r1");
  Create("r2");
  EXPECT_FALSE(responses_.IsDiscarded("r2"));
}

TEST_F(OpenAiResponsesTest, AResponseWithoutANameIsNeverDiscarded) {
  Create("");
  EXPECT_TRUE(responses_.Cancel());
  EXPECT_FALSE(responses_.IsDiscarded(""));
  EXPECT_FALSE(responses_.OnDone("").discarded);
}

TEST_F(OpenAiResponsesTest, TheOldestThatIsNeverDoneIsForgotten) {
  for (size_t i = 0; i <= OpenAiResponses::kMaxDiscarded; ++i) {
    Create("r" + std::to_string(i));
    // Both ways of being cancelled keep to the bound.
    if (i % 2 == 0) {
      ASSERT_TRUE(responses_.Cancel());
      responses_.OnDone("");
    } else {
      responses_.OnDone("");
      Ask();
      Next();
      ASSERT_TRUE(responses_.Cancel());
      responses_.OnCreated("r" + std::to_string(i));
      responses_.OnDone("");
    }
  }
  EXPECT_FALSE(responses_.IsDiscarded("r0"));
  EXPECT_TRUE(responses_.IsDiscarded("r1"));
  EXPECT_TRUE(responses_.IsDiscarded("r16"));
}

TEST_F(OpenAiResponsesTest, SaysWhatAResponseWas) {
  Create("r1");
  responses_.OnText();
  Done done = responses_.OnDone("r1");
  EXPECT_TRUE(done.only_text);
  EXPECT_FALSE(done.called_tools);
  EXPECT_FALSE(done.discarded);

  Create("r2");
  responses_.OnText();
  responses_.OnAudio();
  EXPECT_FALSE(responses_.OnDone("r2").only_text);

  Create("r3");
  responses_.OnText();
  responses_.OnToolCall();
  done = responses_.OnDone("r3");
  EXPECT_FALSE(done.only_text);
  EXPECT_TRUE(done.called_tools);

  Create("r4");
  done = responses_.OnDone("r4");
  EXPECT_FALSE(done.only_text);
  EXPECT_FALSE(done.called_tools);
}

TEST_F(OpenAiResponsesTest, AServerThatIsBusyIsAskedAgainWhenThatIsDone) {
  Ask("one");
  Next();
  responses_.OnBusy();
  EXPECT_FALSE(responses_.requested());
  EXPECT_FALSE(Next());
  // The name of what it makes comes with its end.
  responses_.OnDone("theirs");
  EXPECT_EQ(Next(), "one");
  // What was asked for meanwhile comes in its place.
  responses_.OnBusy();
  Ask("two");
  responses_.OnDone("theirs");
  EXPECT_EQ(Next(), "two");
  responses_.OnCreated("r1");
  responses_.OnDone("r1");
  EXPECT_FALSE(Next());
}

// It is not known to be done: no third attempt.
TEST_F(OpenAiResponsesTest, AServerThatStaysBusyIsNotAskedForEver) {
  Ask("one");
  Next();
  responses_.OnBusy();
  responses_.Cancel();
  responses_.OnCancelSent("c1");
  ASSERT_TRUE(responses_.OnNothingToCancel("c1"));
  Ask("two");
  EXPECT_EQ(Next(), "two");
  responses_.OnBusy();
  responses_.OnDone("theirs");
  EXPECT_FALSE(Next());
}

TEST_F(OpenAiResponsesTest, WhatNobodyWantsIsNotAskedForAgain) {
  Ask();
  Next();
  responses_.Cancel();
  responses_.OnBusy();
  responses_.OnDone("theirs");
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

TEST_F(OpenAiResponsesTest, NothingToCancelMayHaveCrossedWithTheEnd) {
  Create("r1");
  responses_.Cancel();
  responses_.OnCancelSent("c1");
  responses_.OnDone("r1");
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
  EXPECT_FALSE(responses_.OnDone("r1").called_tools);
}

}  // namespace
}  // namespace trunkline::protocol
