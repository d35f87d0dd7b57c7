#include "protocol/agents/openai_items.h"

#include <gtest/gtest.h>

#include <string>

namespace trunkline::protocol {
namespace {

TEST(OpenAiItemsTest, AudioOfTheSamePartIsOneItem) {
  OpenAiItems items;
  EXPECT_EQ(items.OnAudio("i1", 0, 1, 100)->id, ItemId{1});
  EXPECT_EQ(items.OnAudio("i1", 0, 1, 50)->id, ItemId{1});
  EXPECT_EQ(items.OnAudio("i1", 1, 1, 7)->id, ItemId{2});
  EXPECT_EQ(items.OnAudio("i2", 1, 1, 8)->id, ItemId{3});
  // The next socket may use a name again.
  EXPECT_EQ(items.OnAudio("i2", 1, 2, 9)->id, ItemId{4});
  EXPECT_EQ(items.Find(ItemId{1})->received_bytes, 150U);
  EXPECT_EQ(items.Find(ItemId{2})->content_index, 1);
  EXPECT_EQ(items.Find(ItemId{3})->name, "i2");
  EXPECT_EQ(items.Find(ItemId{4})->connection, 2U);
  EXPECT_EQ(items.Find(ItemId{4})->received_bytes, 9U);
}

TEST(OpenAiItemsTest, WhatCannotBeKnownIsNotFound) {
  OpenAiItems items;
  EXPECT_EQ(items.Find(ItemId{0}), nullptr);
  EXPECT_EQ(items.Find(ItemId{1}), nullptr);
}

// It was heard from its beginning, and told as heard anew.
TEST(OpenAiItemsTest, NothingMoreComesOfAPartThatWasCut) {
  OpenAiItems items;
  items.OnAudio("i1", 0, 1, 100);
  items.Cut(ItemId{1});
  EXPECT_EQ(items.OnAudio("i1", 0, 1, 100), nullptr);
  EXPECT_EQ(items.Find(ItemId{1})->received_bytes, 100U);
  EXPECT_NE(items.OnAudio("i1", 1, 1, 100), nullptr);
  EXPECT_NE(items.OnAudio("i1", 0, 2, 100), nullptr) << "of another socket";
}

TEST(OpenAiItemsTest, TheOldestIsForgottenAndNumbersGoOn) {
  OpenAiItems items;
  for (size_t i = 0; i < OpenAiItems::kMaxItems; ++i) {
    items.OnAudio("i" + std::to_string(i), 0, 1, 1);
  }
  EXPECT_NE(items.Find(ItemId{1}), nullptr);
  EXPECT_EQ(items.OnAudio("one more", 0, 1, 1)->id,
            ItemId{OpenAiItems::kMaxItems + 1});
  EXPECT_EQ(items.Find(ItemId{1}), nullptr);
  EXPECT_NE(items.Find(ItemId{2}), nullptr);
}

}  // namespace
}  // namespace trunkline::protocol
