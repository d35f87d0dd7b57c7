#include "protocol/agents/openai_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "protocol/dialogue.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OpenAiCallsTest : public testing::Test {
 protected:
  // "call_id name arguments", or "-" if it is not made.
  std::string TakeItem(const Json& item, const std::string& response = "r1") {
    const OpenAiCalls::Call* call = calls.TakeItem(response, item, fault);
    return call == nullptr ? "-" : ToText(*call);
  }
  std::vector<std::string> TakePending(const std::string& response = "r1") {
    std::vector<std::string> all;
    while (const auto* call = calls.TakePending(response, fault)) {
      all.push_back(ToText(*call));
    }
    return all;
  }
  static std::string ToText(const OpenAiCalls::Call& call) {
    return call.call_id + ' ' + call.name + ' ' + call.arguments;
  }
  static Json Item(const std::string& call_id, const Json& status) {
    return {{"type", "function_call"},  {"id", "f" + call_id},
            {"call_id", call_id},       {"name", "lookup"},
            {"arguments", "{\"a\":1}"}, {"status", status}};
  }

  OpenAiCalls calls;
  std::optional<Fault> fault;
};

// A call without a status was dropped without a word.
TEST_F(OpenAiCallsTest, OnlyWhatIsSaidToBeAPartIsNone) {
  Json item = Item("c1", "completed");
  EXPECT_EQ(TakeItem(item), "c1 lookup {\"a\":1}");
  item = Item("c2", nullptr);
  EXPECT_EQ(TakeItem(item), "c2 lookup {\"a\":1}");
  EXPECT_FALSE(fault);
  item = Item("c3", nullptr);
  item.erase("status");
  EXPECT_EQ(TakeItem(item), "c3 lookup {\"a\":1}");
  EXPECT_FALSE(fault);
  for (const char* status : {"incomplete", "in_progress"}) {
    EXPECT_EQ(TakeItem(Item("c4", status)), "-");
    EXPECT_FALSE(fault);
  }
  for (const Json& status :
       {Json("done"), Json("finished"), Json(""), Json(3), Json(true)}) {
    item = Item("c5" + status.dump(), status);
    EXPECT_EQ(TakeItem(item), "c5" + status.dump() + " lookup {\"a\":1}");
    EXPECT_EQ(fault, Fault::kWrongType) << status;
  }
}

TEST_F(OpenAiCallsTest, ACallWithoutAnIdCannotBeAnswered) {
  Json item = Item("c1", "completed");
  item.erase("call_id");
  EXPECT_EQ(TakeItem(item), "-");
  EXPECT_EQ(fault, Fault::kMissingField);
  EXPECT_TRUE(calls.TakePiece({"r1", "f2", "", "lookup", "{}"}));
  EXPECT_THAT(TakePending(), IsEmpty());
  EXPECT_EQ(fault, Fault::kMissingField);
}

// Another connection was told of it by the beginning of its id, and its result
// found no call.
TEST_F(OpenAiCallsTest, ACallWithAnIdThatIsTooLongIsNone) {
  const std::string longest(kMaxCallIdBytes, 'x');
  for (const char* more :
       {"", "x", "\u00e9", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}) {
    const bool fits = *more == '\0';
    const std::string id = longest + more;
    EXPECT_EQ(TakeItem(Item(id, "completed")) != "-", fits) << id;
    EXPECT_EQ(fault, fits ? std::nullopt : std::optional(Fault::kTooLarge));
    calls.Reset();
    EXPECT_TRUE(calls.TakePiece({"r1", "f1", id, "lookup", "{}"}));
    EXPECT_EQ(TakePending().size(), fits ? 1U : 0U);
    EXPECT_EQ(fault, fits ? std::nullopt : std::optional(Fault::kTooLarge));
    calls.Reset();
  }
}

TEST_F(OpenAiCallsTest, ACallIsMadeOncePerResponse) {
  EXPECT_EQ(TakeItem(Item("c1", "completed")), "c1 lookup {\"a\":1}");
  EXPECT_EQ(TakeItem(Item("c1", "completed")), "-");
  EXPECT_EQ(TakeItem(Item("c1", "completed"), ""), "-") << "of the same";
  EXPECT_FALSE(fault);
  // The arguments alone, behind it, make no other one.
  EXPECT_TRUE(calls.TakePiece({"r1", "fc1", "c1", "lookup", "{}"}));
  EXPECT_THAT(TakePending(), IsEmpty());
  EXPECT_NE(TakeItem(Item("c1", "completed"), "r2"), "-");
  calls.OnResponseOver();
  EXPECT_NE(TakeItem(Item("c1", "completed"), ""), "-");
}

TEST_F(OpenAiCallsTest, WhatAnItemLacksIsOfItsPieces) {
  EXPECT_TRUE(calls.TakePiece({"r1", "f1", "c1", "lookup", ""}));
  EXPECT_TRUE(calls.TakePiece({"r1", "f1", "", "", "{\"b\":2}"}));
  EXPECT_EQ(TakeItem({{"type", "function_call"}, {"id", "f1"}}),
            "c1 lookup {\"b\":2}");
  // By its id, where the item has no name.
  EXPECT_TRUE(calls.TakePiece({"", "", "c2", "lookup", "{\"b\":3}"}));
  EXPECT_EQ(TakeItem({{"call_id", "c2"}, {"arguments", ""}}),
            "c2 lookup {\"b\":3}");
  // Its own is the last word.
  EXPECT_TRUE(calls.TakePiece({"r1", "fc3", "c3", "other", "{\"b\":3}"}));
  EXPECT_EQ(TakeItem(Item("c3", "completed")), "c3 lookup {\"a\":1}");
  EXPECT_THAT(TakePending(), IsEmpty());
  // And nothing says what it is to be called with.
  EXPECT_EQ(TakeItem({{"call_id", "c4"}, {"name", "lookup"}}), "c4 lookup {}");
}

TEST_F(OpenAiCallsTest, ACallOfWhichNoItemCameIsPending) {
  EXPECT_TRUE(calls.TakePiece({"r1", "f1", "c1", "lookup", "{\"a\":1}"}));
  EXPECT_TRUE(calls.TakePiece({"r1", "f2", "c2", "lookup", "{\"a\":2}"}));
  EXPECT_TRUE(calls.TakePiece({"r2", "f3", "c3", "lookup", "{\"a\":3}"}));
  // Announced, and nothing more.
  EXPECT_TRUE(calls.TakePiece({"r1", "f4", "c4", "lookup", ""}));
  EXPECT_EQ(TakeItem(Item("c2", "incomplete")), "-");
  EXPECT_THAT(TakePending(), ElementsAre("c1 lookup {\"a\":1}"));
  EXPECT_THAT(TakePending(), IsEmpty());
  EXPECT_THAT(TakePending("r2"), ElementsAre("c3 lookup {\"a\":3}"));
  calls.OnResponseOver();
  EXPECT_TRUE(calls.TakePiece({"r1", "f4", "", "", "{}"}));
  EXPECT_THAT(TakePending(), IsEmpty()) << "its id is forgotten";
}

TEST_F(OpenAiCallsTest, WhatIsPendingIsBounded) {
  for (size_t i = 0; i < OpenAiCalls::kMaxPending; ++i) {
    EXPECT_TRUE(
        calls.TakePiece({"r1", "", "c" + std::to_string(i), "lookup", ""}));
  }
  EXPECT_FALSE(calls.TakePiece({"r1", "", "one more", "lookup", "{}"}));
  // There is room for what those lack.
  EXPECT_TRUE(calls.TakePiece({"r1", "", "c0", "", "{}"}));
  EXPECT_FALSE(calls.TakePiece(
      {"r1", "", "c1", "", std::string(OpenAiCalls::kMaxPendingBytes, 'x')}));
  EXPECT_THAT(TakePending(), ElementsAre("c0 lookup {}"));
}

TEST_F(OpenAiCallsTest, TheOldestThatWasMadeIsForgotten) {
  for (size_t i = 0; i <= OpenAiCalls::kMaxMade; ++i) {
    EXPECT_NE(TakeItem(Item("c" + std::to_string(i), "completed")), "-");
  }
  EXPECT_EQ(TakeItem(Item("c1", "completed")), "-");
  EXPECT_NE(TakeItem(Item("c0", "completed")), "-");
}

TEST_F(OpenAiCallsTest, WhatIsToldStaysUntilItIsForgotten) {
  const OpenAiCalls::Call* first =
      calls.TakeItem("r1", Item("c0", "completed"), fault);
  for (size_t i = 1; i < 100; ++i) {
    calls.TakeItem("r1", Item("c" + std::to_string(i), "completed"), fault);
  }
  calls.OnResponseOver();
  EXPECT_EQ(ToText(*first), "c0 lookup {\"a\":1}");
}

TEST_F(OpenAiCallsTest, AFreshSessionHasNothingOfTheFormer) {
  EXPECT_TRUE(calls.TakePiece({"r1", "f1", "c1", "lookup", "{}"}));
  EXPECT_NE(TakeItem(Item("c2", "completed")), "-");
  calls.Reset();
  EXPECT_THAT(TakePending(), IsEmpty());
  EXPECT_NE(TakeItem(Item("c2", "completed")), "-");
}

}  // namespace
}  // namespace trunkline::protocol
