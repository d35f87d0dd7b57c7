#include "protocol/agents/openai_items.h"

#include <gtest/gtest.h>

#include <string>

namespace trunkline::protocol {
namespace {

TEST(OpenAiItemsTest, AudioOfTheSamePartIsOneItem) {
  OpenAiItems items;
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "", 100)->id, ItemId{1});
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "", 50)->id, ItemId{1});
  EXPECT_EQ(items.OnAudio("i1", 1, 1, "", 7)->id, ItemId{2});
  EXPECT_EQ(items.OnAudio("i2", 1, 1, "", 8)->id, ItemId{3});
  // The next socket may use a name again.
  EXPECT_EQ(items.OnAudio("i2", 1, 2, "", 9)->id, ItemId{4});
  EXPECT_EQ(items.Find(ItemId{1})->received_bytes, 150U);
  EXPECT_EQ(items.Find(ItemId{2})->content_index, 1);
  EXPECT_EQ(items.Find(ItemId{3})->name, "i2");
  EXPECT_EQ(items.Find(ItemId{4})->connection, 2U);
  EXPECT_EQ(items.Find(ItemId{4})->received_bytes, 9U);
}

// It was another item each time, and each was truncated by itself.
TEST(OpenAiItemsTest, AnItemGoesOnBehindOthersOfItsResponse) {
  OpenAiItems items;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(items.OnAudio("i1", 0, 1, "r1", 100)->id, ItemId{1});
    EXPECT_EQ(items.OnAudio("i2", 0, 1, "r1", 10)->id, ItemId{2});
    EXPECT_EQ(items.OnAudio("i1", 1, 1, "r1", 1)->id, ItemId{3});
  }
  EXPECT_EQ(items.Find(ItemId{1})->received_bytes, 300U);
  EXPECT_EQ(items.Find(ItemId{2})->received_bytes, 30U);
  EXPECT_EQ(items.Find(ItemId{3})->received_bytes, 3U);
}

// Servers that name no response may use a name again in the next one.
TEST(OpenAiItemsTest, WithoutAResponseANameIsAnotherItemInTheNextOne) {
  OpenAiItems items;
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "", 100)->id, ItemId{1});
  EXPECT_EQ(items.OnAudio("i2", 0, 1, "", 100)->id, ItemId{2});
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "", 100)->id, ItemId{1});
  items.OnResponseOver();
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "", 100)->id, ItemId{3});
  EXPECT_EQ(items.OnAudio("i2", 0, 1, "", 100)->id, ItemId{4});
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "", 100)->id, ItemId{3});
  // The last one goes on.
  items.OnAudio("i2", 0, 1, "", 100);
  items.OnResponseOver();
  EXPECT_EQ(items.OnAudio("i2", 0, 1, "", 100)->id, ItemId{4});
}

TEST(OpenAiItemsTest, WhatCannotBeKnownIsNotFound) {
  OpenAiItems items;
  EXPECT_EQ(items.Find(ItemId{0}), nullptr);
  EXPECT_EQ(items.Find(ItemId{1}), nullptr);
}

// It was heard from its beginning, and told as heard anew.
TEST(OpenAiItemsTest, NothingMoreComesOfAPartThatWasCut) {
  OpenAiItems items;
  items.OnAudio("i1", 0, 1, "", 100);
  items.Cut(ItemId{1}, 5);
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "", 100), nullptr);
  EXPECT_EQ(items.Find(ItemId{1})->received_bytes, 100U);
  EXPECT_NE(items.OnAudio("i1", 1, 1, "", 100), nullptr);
  EXPECT_NE(items.OnAudio("i1", 0, 2, "", 100), nullptr) << "of another socket";
}

// The second sound was the first one's line, or none where that was over.
TEST(OpenAiItemsTest, ANameOfAnotherResponseIsAnotherItem) {
  OpenAiItems items;
  EXPECT_EQ(items.KnownAs("i1", 1, "r1"), "i1");
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "r1", 100)->id, ItemId{1});
  items.Cut(ItemId{1}, 5);
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "r1", 100), nullptr);
  // Its words may come first.
  EXPECT_EQ(items.KnownAs("i1", 1, "r2"), "i1@r2");
  const OpenAiItems::Item* again = items.OnAudio("i1", 0, 1, "r2", 40);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->id, ItemId{2});
  EXPECT_EQ(again->name, "i1");
  EXPECT_EQ(again->known_as, "i1@r2");
  EXPECT_EQ(again->received_bytes, 40U);
  EXPECT_EQ(items.KnownAs("i1", 1, "r1"), "i1") << "late words of the first";
  // Who names no response means the latest.
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "", 5)->id, ItemId{2});
  EXPECT_EQ(items.KnownAs("i1", 1, ""), "i1@r2");
  // The next socket knows neither.
  EXPECT_EQ(items.KnownAs("i1", 2, "r3"), "i1");
}

TEST(OpenAiItemsTest, AResponseThatIsNamedLateIsNoOtherOne) {
  OpenAiItems items;
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "", 100)->id, ItemId{1});
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "r1", 100)->id, ItemId{1});
  EXPECT_EQ(items.KnownAs("i1", 1, "r1"), "i1");
  EXPECT_EQ(items.KnownAs("i1", 1, "r2"), "i1@r2");
}

// A name that the server had given was what another one was known as here.
TEST(OpenAiItemsTest, NoNameIsWhatAnotherOneIsKnownAs) {
  OpenAiItems items;
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "r1", 100)->known_as, "i1");
  EXPECT_EQ(items.OnAudio("i1", 0, 1, "r2", 100)->known_as, "i1@r2");
  const OpenAiItems::Item* other = items.OnAudio("i1@r2", 0, 1, "r2", 100);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->id, ItemId{3});
  EXPECT_EQ(other->name, "i1@r2") << "by which the server knows it";
  EXPECT_EQ(other->known_as, "i1@@r2");
  EXPECT_EQ(items.KnownAs("@", 1, "r3"), "@@");
}

TEST(OpenAiItemsTest, AnItemIsFoundByItsNameOnlyIfItHasAudio) {
  OpenAiItems items;
  items.KnownAs("i1", 1, "r1");
  EXPECT_EQ(items.Named("i1", 0, 1, "r1"), nullptr);
  items.OnAudio("i1", 0, 1, "r1", 100);
  items.OnAudio("i1", 0, 1, "r2", 7);
  EXPECT_EQ(items.Named("i1", 0, 1, "r1")->id, ItemId{1});
  EXPECT_EQ(items.Named("i1", 0, 1, "r2")->id, ItemId{2});
  EXPECT_EQ(items.Named("i1", 0, 1, "")->id, ItemId{2});
  EXPECT_EQ(items.Named("i1", 1, 1, "r1"), nullptr);
  EXPECT_EQ(items.Named("i1", 0, 2, "r1"), nullptr);
  EXPECT_EQ(items.Named("i1", 0, 1, "r3"), nullptr);
  // Who has named no response may have meant that one.
  items.OnAudio("i2", 0, 1, "", 7);
  EXPECT_EQ(items.Named("i2", 0, 1, "r4")->id, ItemId{3});
}

TEST(OpenAiItemsTest, WhatIsDroppedOfAnItemIsCounted) {
  OpenAiItems items;
  items.OnAudio("i1", 0, 1, "r1", 100);
  EXPECT_TRUE(items.Find(ItemId{1})->is_wanted());
  items.OnDropped("i1", 0, 1, "r1", 30);
  items.OnDropped("i1", 0, 1, "r1", 4);
  items.OnDropped("unheard of", 0, 1, "r1", 4);
  EXPECT_EQ(items.Find(ItemId{1})->dropped_bytes, 34U);
  EXPECT_EQ(items.Find(ItemId{1})->received_bytes, 100U);
  items.Cut(ItemId{1}, 1);
  EXPECT_TRUE(items.Find(ItemId{1})->is_wanted());
  items.Cut(ItemId{1}, 0);
  EXPECT_FALSE(items.Find(ItemId{1})->is_wanted());
}

TEST(OpenAiItemsTest, TheOldestNameIsForgotten) {
  OpenAiItems items;
  for (size_t i = 0; i < OpenAiItems::kMaxItems; ++i) {
    items.KnownAs("i" + std::to_string(i), 1, "r1");
  }
  EXPECT_EQ(items.KnownAs("i0", 1, "r2"), "i0@r2");
  items.KnownAs("one more", 1, "r2");
  EXPECT_EQ(items.KnownAs("i1", 1, "r2"), "i1@r2");
  EXPECT_EQ(items.KnownAs("i0", 1, "r3"), "i0");
}

TEST(OpenAiItemsTest, TheOldestIsForgottenAndNumbersGoOn) {
  OpenAiItems items;
  for (size_t i = 0; i < OpenAiItems::kMaxItems; ++i) {
    items.OnAudio("i" + std::to_string(i), 0, 1, "", 1);
  }
  EXPECT_NE(items.Find(ItemId{1}), nullptr);
  EXPECT_EQ(items.OnAudio("one more", 0, 1, "", 1)->id,
            ItemId{OpenAiItems::kMaxItems + 1});
  EXPECT_EQ(items.Find(ItemId{1}), nullptr);
  EXPECT_NE(items.Find(ItemId{2}), nullptr);
}

}  // namespace
}  // namespace trunkline::protocol
