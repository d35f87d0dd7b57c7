// Results of tools: what is acknowledged is kept and reaches the provider, and
// what the provider refuses is told by its name.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/dialogue.h"
#include "session/config.h"
#include "session/owed_texts.h"
#include "session/tool_desk.h"
#include "session/transcript.h"
#include "support/world/world.h"
#include "unit/session/connect.h"

namespace trunkline::test {
namespace {

using session::ToolDesk;
using testing::SizeIs;

class ToolResultsTest : public testing::Test {
 protected:
  static VirtualWorld::Options Options() {
    VirtualWorld::Options options = RealtimeOptions(Duration::Millis(20));
    options.profile = {{"tools", Json::array({Json{{"type", "function"},
                                                   {"name", "lookup"},
                                                   {"timeoutMs", 30'000}}})}};
    return options;
  }
  // The caller is listened to, and from now on the test is the provider.
  void Begin() {
    Connect(world);
    world.agent.stalled = true;
  }
  void Tell(const Json& json, int64_t ms = 60) {
    world.realtime.Send(json);
    world.Advance(Duration::Millis(ms));
  }
  void Call(const std::vector<std::string>& ids) {
    Tell({{"type", "input_audio_buffer.committed"}, {"item_id", "u1"}});
    Tell({{"type", "response.created"}, {"response", {{"id", "r1"}}}});
    for (const std::string& id : ids) {
      Tell({{"type", "response.output_item.done"},
            {"response_id", "r1"},
            {"item",
             {{"type", "function_call"},
              {"status", "completed"},
              {"call_id", id},
              {"name", "lookup"},
              {"arguments", "{}"}}}},
           1);
    }
    Tell({{"type", "response.done"},
          {"response", {{"id", "r1"}, {"status", "completed"}}}});
  }
  static std::vector<std::string> Ids(int count) {
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i) ids.push_back("c" + std::to_string(i));
    return ids;
  }
  Json Give(const std::string& id, const std::string& output) {
    return world.Command(
        {{"type", "toolResult"}, {"toolCallId", id}, {"output", output}});
  }
  // Those that the next session would have.
  size_t Kept() const {
    size_t kept = 0;
    const Json snapshot = Json::parse(world.snapshot());
    for (const Json& call : snapshot["conversation"]["tools"]["calls"]) {
      if (call.contains("output")) ++kept;
    }
    return kept;
  }
  bool Said(const char* code) const {
    for (const Json& fault : world.EventsOf("fault")) {
      if (fault["code"] == code) return true;
    }
    return false;
  }

  VirtualWorld world{Options()};
};

// ---------------------------------------------------------------------------
// Refused by the provider

// The log said that it was answered, and a fault that there was an error.
TEST_F(ToolResultsTest, OneThatTheProviderRefusesIsNamed) {
  Begin();
  Call({"c0", "c1", "c2"});
  for (const char* id : {"c0", "c1", "c2"}) {
    Give(id, "nine");
    world.Advance(Duration::Millis(60));
    const Json* sent = world.realtime.LastReceived("conversation.item.create");
    ASSERT_NE(sent, nullptr);
    Tell({{"type", "error"},
          {"error",
           {{"type", "invalid_request_error"},
            {"code", "invalid_tool_call_id"},
            {"param", "item.call_id"},
            {"message", std::string("No call; key sk-") + std::string(40, 'a') +
                            " " + std::string(400, 'b')},
            {"event_id", StringMember(*sent, "event_id")}}}});
  }
  // Each, also those beyond the first of its kind.
  const std::vector<Json> faults = world.EventsOf("fault");
  ASSERT_THAT(faults, SizeIs(3));
  for (size_t i = 0; i < faults.size(); ++i) {
    EXPECT_EQ(faults[i]["source"], "agent");
    EXPECT_EQ(faults[i]["code"], "peerError");
    EXPECT_EQ(faults[i]["count"], i + 1);
    EXPECT_EQ(faults[i]["error"], "invalid_tool_call_id");
    EXPECT_EQ(faults[i]["param"], "item.call_id");
    EXPECT_EQ(faults[i]["toolCallId"], "c" + std::to_string(i));
    const std::string message = faults[i].value("message", "");
    EXPECT_EQ(message.find("No call"), 0U);
    EXPECT_EQ(message.find("aaaa"), std::string::npos);
    EXPECT_LE(message.size(), 300U);
  }
}

TEST_F(ToolResultsTest, AnyErrorOfTheProvidersSaysWhatItIs) {
  Begin();
  for (const char* code : {"invalid_value", "item_truncate_invalid_item_id",
                           "item_delete_invalid_item_id", "unknown"}) {
    Tell({{"type", "error"},
          {"error",
           {{"code", code}, {"param", "audio_end_ms"}, {"message", "No."}}}});
  }
  // The first, the second and the fourth.
  const std::vector<Json> faults = world.EventsOf("fault");
  ASSERT_THAT(faults, SizeIs(3));
  EXPECT_EQ(faults[0]["error"], "invalid_value");
  EXPECT_EQ(faults[1]["error"], "item_truncate_invalid_item_id");
  EXPECT_EQ(faults[2]["error"], "unknown");
  for (const Json& fault : faults) {
    EXPECT_EQ(fault["param"], "audio_end_ms");
    EXPECT_EQ(fault["message"], "No.");
    EXPECT_FALSE(fault.contains("toolCallId"));
  }
}

// ---------------------------------------------------------------------------
// Acknowledged and kept

struct Results {
  size_t bytes;
  // Of 15 that wait for one before them.
  size_t done;
  const char* refused;
};

class WaitingResultsTest : public ToolResultsTest,
                           public testing::WithParamInterface<Results> {};

// Four of 60 kB were kept; of more, each of them done, none was.
TEST_P(WaitingResultsTest, AreKeptIfTheyAreAcknowledged) {
  Begin();
  Call(Ids(16));
  const std::string output(GetParam().bytes, 'x');
  size_t done = 0;
  for (int i = 1; i < 16; ++i) {
    const Json result = Give("c" + std::to_string(i), output);
    if (result["status"] == "done") {
      ++done;
      continue;
    }
    EXPECT_EQ(result.value("code", "") + " " + result.value("field", ""),
              GetParam().refused);
  }
  EXPECT_EQ(done, GetParam().done);
  EXPECT_EQ(Kept(), done);
  EXPECT_FALSE(Said("snapshotTooLarge"));
  if (output.size() > ToolDesk::kMaxOutputBytes) return;
  // The one that they wait for has room, and then so have the others.
  EXPECT_EQ(Give("c0", output)["status"], "done");
  EXPECT_EQ(world.realtime.CountReceived("conversation.item.create"), 0);
  world.Advance(Duration::Millis(60));
  EXPECT_EQ(world.realtime.CountReceived("conversation.item.create"),
            static_cast<int>(done + 1));
  if (done < 15) {
    EXPECT_EQ(Give("c15", output)["status"], "done");
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, WaitingResultsTest,
    testing::Values(Results{60'000, 0, "invalid output"},
                    Results{ToolDesk::kMaxOutputBytes + 1, 0, "invalid output"},
                    Results{ToolDesk::kMaxOutputBytes, 2, "conflict "},
                    Results{5'000, 9, "conflict "}, Results{3'000, 15, ""}),
    [](const testing::TestParamInfo<Results>& info) {
      return std::to_string(info.param.bytes);
    });

// ---------------------------------------------------------------------------
// By an id that is too long

TEST_F(ToolResultsTest, AnIdIsKeptWholeOrNotTaken) {
  Begin();
  const std::string longest(protocol::kMaxCallIdBytes, 'x');
  Call({longest, longest + "y"});
  EXPECT_THAT(world.EventsOf("toolCall"), SizeIs(1));
  EXPECT_TRUE(Said("tooLarge"));
  world.agent.stalled = false;
  world.agent.Drop(1011);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentReady") == 2; }));
  EXPECT_EQ(Give(longest + "y", "ten")["code"], "unknown");
  EXPECT_EQ(Give(longest, "nine")["status"], "done");
  world.Advance(Duration::Millis(500));
  EXPECT_THAT(world.agent.tool_results(), SizeIs(1));
}

// ---------------------------------------------------------------------------
// All that a snapshot may have

TEST_F(ToolResultsTest, AllBoundsTogetherFitASnapshot) {
  Begin();
  Call(Ids(40));
  for (int i = 1; i < 16; ++i) {
    Give("c" + std::to_string(i),
         std::string(ToolDesk::kMaxWaitingBytes / 15, 'x'));
  }
  // More lines than are kept, of more text than is.
  constexpr size_t kLine =
      session::Transcript::kMaxTextBytes / session::Transcript::kMaxLines;
  for (size_t i = 0; i < session::Transcript::kMaxLines + 50; ++i) {
    std::string name = "item_" + std::to_string(i);
    name += std::string(64 - name.size(), '_');
    Tell({{"type", "conversation.item.input_audio_transcription.completed"},
          {"item_id", name},
          {"content_index", 0},
          {"transcript", std::string(kLine - 64, 'w')}},
         1);
  }
  for (size_t i = 0; i < session::OwedTexts::kMaxTexts; ++i) {
    EXPECT_EQ(world.Command({{"type", "say"},
                             {"text", std::string(session::OwedTexts::kMaxBytes,
                                                  's')}})["status"],
              "done");
  }
  EXPECT_FALSE(Said("snapshotTooLarge"));
  const std::string snapshot = world.snapshot();
  EXPECT_GT(snapshot.size(), 150'000U);
  EXPECT_LE(snapshot.size(), session::Config::kMaxSnapshotBytes);
  const Json json = Json::parse(snapshot)["conversation"];
  EXPECT_EQ(json["says"].size(), session::OwedTexts::kMaxTexts);
  EXPECT_GE(json["transcript"]["lines"].size(), 150U);
  EXPECT_GE(Kept(), 15U);
}

}  // namespace
}  // namespace trunkline::test
