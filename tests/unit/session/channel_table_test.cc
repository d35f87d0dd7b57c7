#include "session/channel_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "session/command.h"

namespace trunkline::session {
namespace {

using protocol::ChannelId;
using protocol::Channels;
using protocol::ConnectRequest;
using protocol::FetchRequest;
using protocol::kLegChannel;
using Kind = ChannelTable::Kind;
using Owner = ChannelTable::Owner;

// Writes down what reaches it.
class Effects final : public EffectSink {
 public:
  std::vector<std::string> all;

  void SendText(ChannelId channel, std::string_view text) override {
    Note(channel, "text " + std::string(text));
  }
  void SendBinary(ChannelId channel, std::span<const uint8_t> bytes) override {
    Note(channel, "binary " + std::to_string(bytes.size()));
  }
  void Connect(ChannelId channel, const ConnectRequest& request) override {
    Note(channel, "connect " + request.upstream);
  }
  void Close(ChannelId channel, uint16_t code,
             std::string_view reason) override {
    Note(channel, "close " + std::to_string(code) + " " + std::string(reason));
  }
  void Fetch(ChannelId channel, const FetchRequest& request) override {
    Note(channel, "fetch " + request.upstream);
  }
  void AbortFetch(ChannelId channel) override { Note(channel, "abort"); }
  void Credit(ChannelId channel, uint32_t bytes) override {
    Note(channel, "credit " + std::to_string(bytes));
  }
  void LoadResource(std::string_view /*name*/) override {}
  void SetDeadline(Instant /*at*/) override {}
  void Authorize(const Json& /*credentials*/) override {}
  void CommandResult(const Json& /*result*/) override {}
  void Event(const Json& /*event*/) override {}
  void Record(int64_t /*granule*/,
              std::span<const uint8_t> /*pages*/) override {}
  void Snapshot(std::string_view /*text*/) override {}
  void Ended(const Json& /*summary*/) override {}

 private:
  void Note(ChannelId channel, const std::string& what) {
    all.push_back(std::to_string(static_cast<int>(channel)) + " " + what);
  }
};

class ChannelTableTest : public testing::Test {
 protected:
  static ConnectRequest Socket() { return {"openai", "/", {}}; }
  static FetchRequest Exchange() {
    FetchRequest request;
    request.upstream = "speech";
    return request;
  }
  Effects effects;
  ChannelTable table{effects};
  Channels& leg = table.Of(Owner::kLeg);
  Channels& agent = table.Of(Owner::kAgent);
};

TEST_F(ChannelTableTest, NumbersGoUpFromOne) {
  EXPECT_EQ(agent.Connect(Socket()), ChannelId{1});
  EXPECT_EQ(agent.Fetch(Exchange()), ChannelId{2});
  agent.Close(ChannelId{1}, 1000, "over");
  EXPECT_EQ(agent.Connect(Socket()), ChannelId{3});
  EXPECT_EQ(effects.all, (std::vector<std::string>{
                             "1 connect openai", "2 fetch speech",
                             "1 close 1000 over", "3 connect openai"}));
  EXPECT_EQ(table.open(), 2U);
}

TEST_F(ChannelTableTest, NoMoreAreOpenThanItSays) {
  for (size_t i = 0; i < ChannelTable::kMaxOpen; ++i) {
    EXPECT_TRUE(i % 2 == 0 ? agent.Connect(Socket()) : agent.Fetch(Exchange()));
  }
  const size_t asked = effects.all.size();
  EXPECT_EQ(agent.Connect(Socket()), std::nullopt);
  EXPECT_EQ(agent.Fetch(Exchange()), std::nullopt);
  EXPECT_EQ(effects.all.size(), asked) << "a refused request is not made";
  EXPECT_EQ(table.Release(ChannelId{2}, Kind::kExchange), Owner::kAgent);
  EXPECT_EQ(agent.Fetch(Exchange()), ChannelId{17});
}

TEST_F(ChannelTableTest, ABodyThatIsTooLongIsNotSent) {
  const std::vector<uint8_t> half(FetchRequest::kMaxBodyBytes / 2 + 1);
  FetchRequest request = Exchange();
  request.parts = {{"file", "a.wav", "audio/wav", half}};
  EXPECT_TRUE(agent.Fetch(request));
  request.parts.push_back({"file", "b.wav", "audio/wav", half});
  EXPECT_FALSE(agent.Fetch(request));
  EXPECT_EQ(table.open(), 1U);
}

// After 65,535 channels the numbers come round, and pass over the one that is
// still open.
TEST_F(ChannelTableTest, ANumberIsNotInUseTwice) {
  const auto kept = agent.Connect(Socket());
  EXPECT_EQ(kept, ChannelId{1});
  for (int i = 2; i <= 0xFFFF; ++i) {
    const auto channel = agent.Fetch(Exchange());
    ASSERT_EQ(channel, ChannelId{static_cast<uint16_t>(i)});
    table.Release(*channel, Kind::kExchange);
  }
  EXPECT_EQ(agent.Fetch(Exchange()), ChannelId{2});
}

TEST_F(ChannelTableTest, AnInputBelongsToWhoeverHasTheChannel) {
  EXPECT_EQ(table.OwnerOf(ChannelId{1}, Kind::kSocket), std::nullopt);
  agent.Connect(Socket());
  EXPECT_EQ(table.OwnerOf(ChannelId{1}, Kind::kSocket), Owner::kAgent);
  // Of another kind: nobody's.
  EXPECT_EQ(table.OwnerOf(ChannelId{1}, Kind::kExchange), std::nullopt);
  EXPECT_EQ(table.Release(ChannelId{1}, Kind::kExchange), std::nullopt);
  EXPECT_EQ(table.Release(ChannelId{1}, Kind::kSocket), Owner::kAgent);
  // Late.
  EXPECT_EQ(table.OwnerOf(ChannelId{1}, Kind::kSocket), std::nullopt);
  EXPECT_EQ(table.Release(ChannelId{1}, Kind::kSocket), std::nullopt);
  EXPECT_EQ(table.open(), 0U);
}

TEST_F(ChannelTableTest, WhatIsNotOpenTakesNothing) {
  agent.Connect(Socket());
  agent.Fetch(Exchange());
  effects.all.clear();
  const std::vector<uint8_t> bytes = {1, 2};
  // Of another part, of another kind, and of nobody.
  leg.SendText(ChannelId{1}, "x");
  leg.Close(ChannelId{1}, 1000, "");
  agent.SendText(ChannelId{2}, "x");
  agent.Close(ChannelId{2}, 1000, "");
  agent.Abort(ChannelId{1});
  agent.Credit(ChannelId{1}, 5);
  agent.SendBinary(ChannelId{3}, bytes);
  agent.SendText(kLegChannel, "x");
  leg.SendText(kLegChannel, "x");
  // Nothing was used up.
  agent.Credit(ChannelId{2}, 0);
  EXPECT_TRUE(effects.all.empty());
  agent.SendBinary(ChannelId{1}, bytes);
  agent.Credit(ChannelId{2}, 5);
  agent.Abort(ChannelId{2});
  agent.Abort(ChannelId{2});
  EXPECT_EQ(effects.all,
            (std::vector<std::string>{"1 binary 2", "2 credit 5", "2 abort"}));
}

TEST_F(ChannelTableTest, TheLegsIsZeroAndMayBeAbsent) {
  EXPECT_EQ(table.OwnerOf(kLegChannel, Kind::kSocket), std::nullopt);
  table.OpenLeg();
  EXPECT_EQ(table.OwnerOf(kLegChannel, Kind::kSocket), Owner::kLeg);
  EXPECT_EQ(table.OwnerOf(kLegChannel, Kind::kExchange), std::nullopt);
  leg.SendText(kLegChannel, "hello");
  leg.Close(kLegChannel, 4401, "no");
  leg.SendText(kLegChannel, "late");
  EXPECT_EQ(effects.all,
            (std::vector<std::string>{"0 text hello", "0 close 4401 no"}));
  EXPECT_EQ(table.open(), 0U) << "it is not counted";
}

TEST_F(ChannelTableTest, APartsChannelsGoTogether) {
  agent.Connect(Socket());
  agent.Fetch(Exchange());
  table.OpenLeg();
  effects.all.clear();
  table.CloseAll(Owner::kAgent, 1000, "over");
  EXPECT_EQ(effects.all,
            (std::vector<std::string>{"1 close 1000 over", "2 abort"}));
  EXPECT_EQ(table.open(), 0U);
  EXPECT_EQ(table.OwnerOf(kLegChannel, Kind::kSocket), Owner::kLeg);
}

TEST(CommandTest, AnEnvelopeIsRead) {
  const auto envelope = ParseCommand(
      R"({"id":9007199254740991,"source":{"kind":"observer","role":"supervisor","name":"Ann"},"command":{"type":"x"}})");
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->id, 9007199254740991);
  EXPECT_EQ(envelope->source, CommandEnvelope::Source::kObserver);
  EXPECT_EQ(envelope->role, "supervisor");
  EXPECT_EQ(envelope->name, "Ann");
  EXPECT_EQ(envelope->command, Json({{"type", "x"}}));
}

TEST(CommandTest, WhatIsNoEnvelopeIsNotRead) {
  for (
      const char* text : {
          "",
          "[]",
          R"({"source":{"kind":"operator"},"command":{}})",
          R"({"id":"1","source":{"kind":"operator"},"command":{}})",
          R"({"id":1.5,"source":{"kind":"operator"},"command":{}})",
          R"({"id":-1,"source":{"kind":"operator"},"command":{}})",
          R"({"id":1,"command":{}})",
          R"({"id":1,"source":"operator","command":{}})",
          R"({"id":1,"source":{"kind":"nobody"},"command":{}})",
          R"({"id":1,"source":{"kind":"observer","role":7},"command":{}})",
          // 65 bytes of a name.
          R"({"id":1,"source":{"kind":"observer","name":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"command":{}})",
          R"({"id":1,"source":{"kind":"operator"}})",
          R"({"id":1,"source":{"kind":"operator"},"command":[]})",
          R"({"id":1,"source":{"kind":"operator"},"command":"hangUp"})",
      }) {
    EXPECT_FALSE(ParseCommand(text)) << text;
  }
}

TEST(CommandTest, AResultSaysWhatBecameOfIt) {
  EXPECT_EQ(CommandResult(7, {}), Json({{"id", 7}, {"status", "done"}}));
  EXPECT_EQ(
      CommandResult(8, {CommandOutcome::Code::kInvalid, "no text", "text"}),
      Json({{"id", 8},
            {"status", "refused"},
            {"code", "invalid"},
            {"why", "no text"},
            {"field", "text"}}));
  EXPECT_FALSE(CommandResult(9, {CommandOutcome::Code::kConflict, "later", ""})
                   .contains("field"));
}

}  // namespace
}  // namespace trunkline::session
