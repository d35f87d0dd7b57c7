#include "session/owed_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trunkline::session {
namespace {

using By = OwedTexts::By;
using Done = OwedTexts::Done;
using protocol::ItemId;
using testing::ElementsAre;

constexpr ItemId kItem{7};
constexpr ItemId kNext{8};

std::vector<std::string> All(const OwedTexts& texts) {
  std::vector<std::string> all;
  for (const Json& one : texts.ToJson([](ItemId) { return 1; })) {
    all.push_back(one.is_object() ? one["text"] : one);
  }
  return all;
}

OwedTexts Two() {
  OwedTexts texts;
  texts.Owe("One.");
  texts.Owe("Two.");
  return texts;
}

// Its audio has come, all of it.
OwedTexts TwoWithOneHere() {
  OwedTexts texts = Two();
  texts.Ask();
  texts.OnAudio(kItem);
  texts.OnDone(Done::kWhole);
  return texts;
}

TEST(OwedTextsTest, OneIsAskedForAtATime) {
  OwedTexts texts = Two();
  ASSERT_TRUE(texts.IsDue());
  EXPECT_FALSE(texts.awaited());
  EXPECT_EQ(texts.Ask(), "One.");
  EXPECT_TRUE(texts.awaited());
  EXPECT_TRUE(texts.any_to_come());
  EXPECT_FALSE(texts.IsDue());
  texts.OnAudio(kItem);
  EXPECT_FALSE(texts.awaited());
  EXPECT_TRUE(texts.is_made());
  EXPECT_FALSE(texts.IsDue()) << "more of it may come";
  texts.OnDone(Done::kWhole);
  EXPECT_FALSE(texts.is_made());
  ASSERT_TRUE(texts.IsDue()) << "the next one comes while it is heard";
  EXPECT_EQ(texts.Ask(), "Two.");
}

TEST(OwedTextsTest, OneIsOwedUntilItWasHeard) {
  OwedTexts texts = TwoWithOneHere();
  EXPECT_THAT(All(texts), ElementsAre("One.", "Two."));
  texts.OnHeard();
  EXPECT_THAT(All(texts), ElementsAre("Two."));
  texts.Ask();
  texts.OnAudio(kItem);
  EXPECT_FALSE(texts.any_to_come());
  texts.OnHeard();
  EXPECT_THAT(All(texts), ElementsAre("Two.")) << "more of it may come";
}

TEST(OwedTextsTest, OneThatBreaksOffIsAskedForAgainWhenThatWasHeard) {
  OwedTexts texts = Two();
  texts.Ask();
  texts.OnAudio(kItem);
  texts.OnDone(Done::kBroken);
  EXPECT_FALSE(texts.IsDue()) << "no other comes before it";
  texts.OnHeard();
  ASSERT_TRUE(texts.IsDue());
  EXPECT_FALSE(texts.IsOf(kItem));
  EXPECT_EQ(texts.Ask(), "One.");
}

TEST(OwedTextsTest, OneThatIsTakenBackIsNotGivenUpForIt) {
  OwedTexts texts = Two();
  for (int i = 0; i < 2 * OwedTexts::kMaxTries; ++i) {
    EXPECT_EQ(texts.Ask(), "One.");
    texts.TakeBack();
    EXPECT_FALSE(texts.awaited());
    EXPECT_FALSE(texts.TakeHopeless());
  }
  EXPECT_EQ(texts.Ask(), "One.");
}

TEST(OwedTextsTest, AnInterruptionAfterItsFirstWordIsItsEnd) {
  OwedTexts texts = TwoWithOneHere();
  texts.Ask();
  texts.OnAudio(kNext);
  texts.OnCancelled();
  const ItemId unheard[] = {kNext};
  texts.OnDropped(unheard, By::kCaller);
  EXPECT_THAT(All(texts), ElementsAre("Two."));
  EXPECT_TRUE(texts.IsDue());
}

TEST(OwedTextsTest, OneOfSeveralItemsIsHeardIfOneOfThemIs) {
  OwedTexts texts = Two();
  texts.Ask();
  texts.OnAudio(kItem);
  texts.OnAudio(kNext);
  texts.OnAudio(kNext);
  EXPECT_TRUE(texts.IsOf(kItem));
  EXPECT_TRUE(texts.IsOf(kNext));
  texts.OnCancelled();
  const ItemId unheard[] = {kNext};
  texts.OnDropped(unheard, By::kCaller);
  EXPECT_THAT(All(texts), ElementsAre("Two."));
}

TEST(OwedTextsTest, WhatIsPutOffIsStillAskedFor) {
  OwedTexts texts = Two();
  texts.Ask();
  texts.OnAudio(kItem);
  texts.OnPutOff();
  EXPECT_TRUE(texts.awaited());
  EXPECT_FALSE(texts.IsOf(kItem));
  texts.OnHeard();
  EXPECT_THAT(All(texts), ElementsAre("One.", "Two."));
  texts.OnAudio(kNext);
  texts.OnDone(Done::kWhole);
  texts.OnHeard();
  EXPECT_THAT(All(texts), ElementsAre("Two."));
}

TEST(OwedTextsTest, OneThatIsNeverHeardIsGivenUp) {
  OwedTexts texts = Two();
  for (int tries = 0; tries < OwedTexts::kMaxTries; ++tries) {
    EXPECT_FALSE(texts.TakeHopeless());
    ASSERT_TRUE(texts.IsDue());
    EXPECT_EQ(texts.Ask(), "One.");
    EXPECT_FALSE(texts.TakeHopeless()) << "it may come";
    texts.OnDone(Done::kBroken);
  }
  EXPECT_EQ(texts.TakeHopeless(), "One.");
  EXPECT_FALSE(texts.TakeHopeless());
  EXPECT_THAT(All(texts), ElementsAre("Two."));
}

TEST(OwedTextsTest, OneThatIsRefusedIsGivenUpAtOnce) {
  OwedTexts texts = Two();
  texts.Ask();
  texts.OnDone(Done::kHopeless);
  EXPECT_EQ(texts.TakeHopeless(), "One.");
  // Also when some of it has come.
  texts.Ask();
  texts.OnAudio(kItem);
  texts.OnDone(Done::kHopeless);
  EXPECT_FALSE(texts.TakeHopeless()) << "it is heard";
  texts.OnHeard();
  EXPECT_EQ(texts.TakeHopeless(), "Two.");
  EXPECT_TRUE(texts.empty());
}

TEST(OwedTextsTest, AtTheEndAllAreTaken) {
  OwedTexts texts = TwoWithOneHere();
  EXPECT_EQ(texts.TakeAny(), "One.");
  EXPECT_EQ(texts.TakeAny(), "Two.");
  EXPECT_FALSE(texts.TakeAny());
}

// One that broke off was taken for interrupted when the call ended for that.
TEST(OwedTextsTest, TheEndOfTheCallIsNoAnswerToWhatBrokeOff) {
  for (const By by : {By::kCaller, By::kEnd}) {
    OwedTexts texts = Two();
    texts.Ask();
    texts.OnAudio(kItem);
    texts.OnDone(Done::kBroken);
    texts.OnDropped({}, by);
    EXPECT_EQ(All(texts).size(), by == By::kEnd ? 2U : 1U);
  }
  OwedTexts texts = TwoWithOneHere();
  texts.OnDropped({}, By::kEnd);
  EXPECT_THAT(All(texts), ElementsAre("Two.")) << "its line tells the rest";
}

TEST(OwedTextsTest, TheNextSessionOwesWhatWasNotHeard) {
  for (const bool heard : {false, true}) {
    SCOPED_TRACE(heard);
    const Json json = TwoWithOneHere().ToJson([](ItemId item) {
      EXPECT_EQ(item, kItem);
      return 5;
    });
    OwedTexts texts;
    texts.Restore(json, [heard](int64_t line) {
      EXPECT_EQ(line, 5);
      return heard;
    });
    ASSERT_TRUE(texts.IsDue());
    EXPECT_EQ(texts.Ask(), heard ? "Two." : "One.");
  }
}

TEST(OwedTextsTest, WhatIsNoListOfTextsIsLeftOut) {
  const auto heard = [](int64_t) { return true; };
  OwedTexts texts;
  texts.Restore(Json::object(), heard);
  EXPECT_TRUE(texts.empty());
  texts.Restore(Json::array({1, "One.", nullptr, Json::object(),
                             Json{{"line", 1}}, Json{{"text", "Two."}}}),
                heard);
  EXPECT_THAT(All(texts), ElementsAre("One.", "Two."));
  const Json many(std::vector<std::string>(2 * OwedTexts::kMaxTexts, "x"));
  texts.Restore(many, heard);
  EXPECT_EQ(All(texts).size(), OwedTexts::kMaxTexts);
  EXPECT_FALSE(texts.has_room());
  texts.Clear();
  EXPECT_TRUE(texts.empty());
  EXPECT_TRUE(texts.has_room());
}

}  // namespace
}  // namespace trunkline::session
