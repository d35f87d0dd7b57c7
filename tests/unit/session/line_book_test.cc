#include "session/line_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace trunkline::session {
namespace {

using Call = LineBook::Call;
using Kind = LineBook::Kind;
using Line = LineBook::Line;
using Phase = LineBook::Phase;
using TextState = Line::TextState;

class LineBookTest : public testing::Test {
 protected:
  Line& Turn(const std::string& name = "") {
    Line& line = book_.Add(Kind::kCaller, Phase::kSpeaking, 0);
    line.text = TextState::kFinal;
    book_.SetName(line, {name});
    return line;
  }
  LineId Final(size_t bytes = 1) {
    Line& line = Turn();
    line.said = std::string(bytes, 'x');
    book_.MakeFinal(line);
    return line.id;
  }
  void Take() { ASSERT_NE(book_.TakeFinal(), nullptr); }
  size_t size() const { return book_.lines().size(); }

  LineBook book_;
};

TEST_F(LineBookTest, NumbersGoOnAndAreNeverUsedAgain) {
  EXPECT_EQ(Turn().id, LineId{1});
  EXPECT_EQ(Turn().id, LineId{2});
  book_.Erase(LineId{2});
  EXPECT_EQ(book_.Find(LineId{2}), nullptr);
  EXPECT_EQ(Turn().id, LineId{3});
  book_.Skip(10);
  book_.Skip(5);
  EXPECT_EQ(Turn().id, LineId{11});
  EXPECT_EQ(book_.Find(LineId{3})->id, LineId{3});
  EXPECT_EQ(book_.Find(LineId{0}), nullptr);
  EXPECT_EQ(book_.Find(LineId{12}), nullptr);
  EXPECT_TRUE(book_.IsConsistent());
}

TEST_F(LineBookTest, ALineIsFoundByItsNameOnItsConnection) {
  const LineId first = Turn("u1").id;
  EXPECT_EQ(book_.FindNamed(Kind::kCaller, {"u1"})->id, first);
  EXPECT_EQ(book_.FindNamed(Kind::kAgent, {"u1"}), nullptr);
  EXPECT_EQ(book_.FindNamed(Kind::kCaller, {"u1", 1}), nullptr);
  // Parts below the first are the first.
  EXPECT_EQ(book_.FindNamed(Kind::kCaller, {"u1", -1})->id, first);
  book_.Connect();
  EXPECT_EQ(book_.FindNamed(Kind::kCaller, {"u1"}), nullptr);
  const LineId second = Turn("u1").id;
  EXPECT_EQ(book_.FindNamed(Kind::kCaller, {"u1"})->id, second);
  // Who has no name is not found by it.
  Turn();
  EXPECT_EQ(book_.FindNamed(Kind::kCaller, {""}), nullptr);
}

TEST_F(LineBookTest, NamesThatAgreeAsFarAsTheyAreKeptAreOne) {
  const std::string name(LineBook::Line::kMaxNameBytes + 1, 'n');
  const LineId line = Turn(name).id;
  EXPECT_EQ(book_.FindNamed(Kind::kCaller, {name + "more"})->id, line);
  EXPECT_EQ(book_.Find(line)->item.size(), LineBook::Line::kMaxNameBytes);
  // One that is malformed is found by itself.
  const LineId odd = Turn("a\xFF").id;
  EXPECT_EQ(book_.FindNamed(Kind::kCaller, {"a\xFF"})->id, odd);
}

TEST_F(LineBookTest, AToolIsFoundByItsCallOnAnyConnection) {
  Line& tool = book_.Add(Kind::kTool, Phase::kSpeaking, 0);
  tool.item = "k1";
  tool.text = TextState::kFinal;
  book_.Connect();
  EXPECT_EQ(book_.FindTool("k1", Call::kOpen)->id, LineId{1});
  EXPECT_EQ(book_.FindTool("k1", Call::kOver), nullptr);
  EXPECT_EQ(book_.FindTool("k2", Call::kOpen), nullptr);
  tool.tool = Line::ToolState::kAnswered;
  book_.MakeFinal(tool);
  EXPECT_EQ(book_.FindTool("k1", Call::kOpen), nullptr);
  EXPECT_EQ(book_.FindTool("k1", Call::kOver)->id, LineId{1});
  // The newer of two.
  Line& again = book_.Add(Kind::kTool, Phase::kSpeaking, 0);
  again.item = "k1";
  again.text = TextState::kFinal;
  again.tool = Line::ToolState::kFailed;
  book_.MakeFinal(again);
  EXPECT_EQ(book_.FindTool("k1", Call::kOver)->id, LineId{2});
}

TEST_F(LineBookTest, AFinalLineIsTakenOnceInTheOrderOfTheirEnds) {
  const LineId first = Turn().id;
  const LineId second = Turn().id;
  EXPECT_EQ(book_.TakeFinal(), nullptr);
  book_.MakeFinal(*book_.Find(second));
  book_.MakeFinal(*book_.Find(first));
  const Line* taken = book_.TakeFinal();
  ASSERT_NE(taken, nullptr);
  EXPECT_EQ(taken->id, second);
  EXPECT_EQ(taken->phase, Phase::kTaken);
  EXPECT_EQ(book_.TakeFinal()->id, first);
  EXPECT_EQ(book_.TakeFinal(), nullptr);
  EXPECT_EQ(size(), 2U);
  EXPECT_TRUE(book_.IsConsistent());
}

TEST_F(LineBookTest, WhatIsErasedIsGoneOnThisConnection) {
  book_.Erase(Turn("u1").id);
  EXPECT_TRUE(book_.IsGone(Kind::kCaller, {"u1"}));
  EXPECT_TRUE(book_.IsGone(Kind::kCaller, {"u1", -1}));
  EXPECT_FALSE(book_.IsGone(Kind::kAgent, {"u1"}));
  EXPECT_FALSE(book_.IsGone(Kind::kCaller, {"u1", 1}));
  book_.Connect();
  EXPECT_FALSE(book_.IsGone(Kind::kCaller, {"u1"}));
  // A line of a former connection has no name on this one.
  const LineId former = Turn("u2").id;
  book_.Connect();
  book_.Erase(former);
  EXPECT_FALSE(book_.IsGone(Kind::kCaller, {"u2"}));
  // Nor has a tool.
  Line& tool = book_.Add(Kind::kTool, Phase::kSpeaking, 0);
  tool.item = "k1";
  book_.Erase(tool.id);
  EXPECT_FALSE(book_.IsGone(Kind::kTool, {"k1"}));
  book_.Erase(LineId{99});
  EXPECT_EQ(size(), 0U);
}

TEST_F(LineBookTest, TheOldestNameThatIsGoneIsForgotten) {
  for (size_t i = 0; i < LineBook::kMaxGone; ++i) {
    book_.Erase(Turn("u" + std::to_string(i)).id);
  }
  EXPECT_TRUE(book_.IsGone(Kind::kCaller, {"u0"}));
  book_.Erase(Turn("one more").id);
  EXPECT_FALSE(book_.IsGone(Kind::kCaller, {"u0"}));
  EXPECT_TRUE(book_.IsGone(Kind::kCaller, {"u1"}));
  EXPECT_TRUE(book_.IsGone(Kind::kCaller, {"one more"}));
}

TEST_F(LineBookTest, TheOldestThatWereTakenMakeRoom) {
  Turn();
  for (size_t i = 1; i < LineBook::kMaxLines; ++i) {
    Final();
    Take();
  }
  EXPECT_EQ(book_.DropTaken(), 0U);
  EXPECT_EQ(book_.OldestBeyondBounds(), nullptr);
  Turn();
  Turn();
  EXPECT_FALSE(book_.IsConsistent());
  EXPECT_EQ(book_.DropTaken(), 2U);
  EXPECT_EQ(size(), LineBook::kMaxLines);
  // The open one before them stays.
  EXPECT_NE(book_.Find(LineId{1}), nullptr);
  EXPECT_EQ(book_.Find(LineId{2}), nullptr);
  EXPECT_EQ(book_.Find(LineId{3}), nullptr);
  EXPECT_NE(book_.Find(LineId{4}), nullptr);
  EXPECT_TRUE(book_.IsConsistent());
}

TEST_F(LineBookTest, TextHasABoundOfItsOwn) {
  constexpr size_t kEach = Line::kMaxTextBytes;
  constexpr size_t kMost = LineBook::kMaxTextBytes / kEach;
  for (size_t i = 0; i < kMost; ++i) {
    Final(kEach);
    Take();
  }
  EXPECT_EQ(book_.DropTaken(), 0U);
  Turn("x");
  EXPECT_EQ(book_.DropTaken(), 1U);
  EXPECT_EQ(book_.Find(LineId{1}), nullptr);
}

TEST_F(LineBookTest, WithoutOneThatWasTakenTheOldestOpenIsNamed) {
  Final();
  for (size_t i = 0; i < LineBook::kMaxLines; ++i) Turn();
  EXPECT_EQ(book_.DropTaken(), 0U);
  EXPECT_EQ(book_.OldestBeyondBounds(), nullptr) << "those that wait are apart";
  Turn();
  const Line* oldest = book_.OldestBeyondBounds();
  ASSERT_NE(oldest, nullptr);
  EXPECT_EQ(oldest->id, LineId{2});
  book_.MakeFinal(*book_.Find(LineId{2}));
  EXPECT_EQ(book_.OldestBeyondBounds(), nullptr);
}

TEST_F(LineBookTest, LinesThatNobodyTakesAreDropped) {
  for (size_t i = 0; i < LineBook::kMaxUntaken; ++i) Final();
  EXPECT_EQ(book_.DropUntaken(), 0U);
  Final();
  Final();
  EXPECT_EQ(book_.DropUntaken(), 2U);
  EXPECT_EQ(size(), LineBook::kMaxUntaken);
  EXPECT_EQ(book_.TakeFinal()->id, LineId{3});
  EXPECT_TRUE(book_.IsConsistent());
}

TEST_F(LineBookTest, SoIsTheTextOfLinesThatNobodyTakes) {
  constexpr size_t kEach = Line::kMaxTextBytes;
  for (size_t i = 0; i < LineBook::kMaxTextBytes / kEach; ++i) Final(kEach);
  EXPECT_EQ(book_.DropUntaken(), 0U);
  Final(1);
  EXPECT_EQ(book_.DropUntaken(), 1U);
  EXPECT_EQ(book_.TakeFinal()->id, LineId{2});
}

TEST_F(LineBookTest, GoesThroughJsonAsItIs) {
  book_.Skip(6);
  book_.Connect();
  Turn("u1");
  Final(3);
  book_.Erase(Turn("u2").id);
  Json json = Json::object();
  book_.AddTo(json);
  LineBook back;
  ASSERT_TRUE(back.Read(json));
  EXPECT_TRUE(back.IsConsistent());
  Json again = Json::object();
  back.AddTo(again);
  EXPECT_EQ(again, json);
  EXPECT_EQ(back.connection(), 1U);
  EXPECT_TRUE(back.IsGone(Kind::kCaller, {"u2"}));
  EXPECT_EQ(back.FindNamed(Kind::kCaller, {"u1"})->id, LineId{7});
  EXPECT_EQ(back.TakeFinal()->id, LineId{8});
  EXPECT_EQ(back.Add(Kind::kCaller, Phase::kSpeaking, 0).id, LineId{10});
}

TEST_F(LineBookTest, WhatIsNoBookIsRefused) {
  Final();
  Json good = Json::object();
  book_.AddTo(good);
  const auto reads = [&good](const char* key, Json value) {
    Json json = good;
    json[key] = std::move(value);
    LineBook back;
    return back.Read(json) && back.IsConsistent();
  };
  EXPECT_TRUE(reads("connection", 7));
  EXPECT_FALSE(reads("connection", -1));
  EXPECT_FALSE(reads("lines", 7));
  EXPECT_FALSE(reads("lines", Json::array({7})));
  // Read as it is written, and not one book.
  EXPECT_FALSE(reads("lastLine", 0));
  EXPECT_FALSE(reads("untaken", Json::array()));
  EXPECT_FALSE(reads("untaken", Json::array({1, 1})));
  EXPECT_FALSE(reads("untaken", Json::array({"1"})));
  EXPECT_FALSE(reads("gone", Json::array({{{"kind", 2}}})));
  Json lines = good["lines"];
  lines.push_back(lines[0]);
  EXPECT_FALSE(reads("lines", lines)) << "two with one number";
}

}  // namespace
}  // namespace trunkline::session
