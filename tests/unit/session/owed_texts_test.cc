#include "session/owed_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace trunkline::session {
namespace {

using Done = OwedTexts::Done;
using protocol::ItemId;
using testing::ElementsAre;

constexpr ItemId kItem{7};
constexpr ItemId kNext{8};

std::vector<std::string> All(const OwedTexts& texts) {
  return texts.ToJson().get<std::vector<std::string>>();
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
  EXPECT_FALSE(texts.IsRepeated());
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
  EXPECT_TRUE(texts.IsRepeated());
  EXPECT_FALSE(texts.IsOf(kItem));
  EXPECT_EQ(texts.Ask(), "One.");
}

TEST(OwedTextsTest, AnInterruptionAfterItsFirstWordIsItsEnd) {
  OwedTexts texts = TwoWithOneHere();
  texts.Ask();
  texts.OnAudio(kNext);
  texts.OnCancelled();
  const ItemId unheard[] = {kNext};
  texts.OnDropped(unheard);
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
  texts.OnDropped(unheard);
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

TEST(OwedTextsTest, TheNextSessionOwesWhatWasNotHeard) {
  OwedTexts texts;
  texts.Restore(TwoWithOneHere().ToJson());
  EXPECT_THAT(All(texts), ElementsAre("One.", "Two."));
  ASSERT_TRUE(texts.IsDue());
  EXPECT_EQ(texts.Ask(), "One.");
}

TEST(OwedTextsTest, WhatIsNoListOfTextsIsLeftOut) {
  OwedTexts texts;
  texts.Restore(Json::object());
  EXPECT_TRUE(texts.empty());
  texts.Restore(Json::array({1, "One.", nullptr}));
  EXPECT_THAT(All(texts), ElementsAre("One."));
  const Json many(std::vector<std::string>(2 * OwedTexts::kMaxTexts, "x"));
  texts.Restore(many);
  EXPECT_EQ(All(texts).size(), OwedTexts::kMaxTexts);
  EXPECT_FALSE(texts.has_room());
  texts.Clear();
  EXPECT_TRUE(texts.empty());
  EXPECT_TRUE(texts.has_room());
}

}  // namespace
}  // namespace trunkline::session
