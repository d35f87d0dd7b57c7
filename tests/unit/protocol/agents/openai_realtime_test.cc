#include "protocol/agents/openai_realtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OpenAiRealtimeTest : public testing::Test {
 protected:
  static OpenAiRealtime::Config MakeConfig(AudioFormat format) {
    OpenAiRealtime::Config config;
    config.model = "gpt-realtime-2.1";
    config.voice = "marin";
    config.instructions = "Be brief.";
    config.transcription_model = "gpt-live-transcribe";
    config.format = format;
    return config;
  }
  void Take() { log.Take(agent); }
  void ReceiveText(std::string_view text) {
    agent.OnText(channels.newest(), text);
    Take();
  }
  void Receive(const Json& event) { ReceiveText(event.dump()); }
  void Respond() {
    agent.Respond({});
    Take();
  }
  void Open() {
    agent.Begin();
    Take();
    agent.OnSocketOpened(channels.newest());
    Take();
  }
  void Connect() {
    Open();
    Receive({{"type", "session.created"}});
    Receive({{"type", "session.updated"}});
    passed = channels.Texts().size();
    log = {};
  }
  // What was sent since Connect().
  std::vector<Json> Sent() const {
    std::vector<Json> sent;
    const std::vector<std::string> texts = channels.Texts();
    for (size_t i = passed; i < texts.size(); ++i) {
      sent.push_back(Json::parse(texts[i]));
    }
    return sent;
  }
  std::vector<Json> OfType(std::string_view type) const {
    std::vector<Json> found;
    for (const Json& event : Sent()) {
      if (StringMember(event, "type") == type) found.push_back(event);
    }
    return found;
  }
  void Created(const std::string& id) {
    Receive({{"type", "response.created"}, {"response", {{"id", id}}}});
  }
  void Done(const std::string& id, const std::string& status = "completed") {
    Receive({{"type", "response.done"},
             {"response",
              {{"id", id},
               {"status", status},
               {"usage", {{"input_tokens", 3}, {"output_tokens", 4}}}}}});
  }
  void Delta(const std::string& response, const std::string& item,
             const char* type = "response.output_audio.delta") {
    Receive({{"type", type},
             {"response_id", response},
             {"item_id", item},
             {"output_index", 0},
             {"content_index", 0},
             {"delta", std::string(1600 / 3 * 4, 'A') + "AAA="}});
  }

  test::RecordingChannels channels;
  test::AgentLog log;
  OpenAiRealtime agent{MakeConfig({Encoding::kMuLaw, 8000}), channels};
  size_t passed = 0;
};

// Trap 9: GA shapes and nothing of the beta.
TEST_F(OpenAiRealtimeTest, SessionUpdateIsOfTheGaShape) {
  Open();
  EXPECT_THAT(Sent(), IsEmpty());  // the server speaks first
  Receive({{"type", "session.created"}});
  ASSERT_EQ(Sent().size(), 1U);
  EXPECT_EQ(Sent()[0], Json::parse(R"({
    "type": "session.update",
    "session": {
      "type": "realtime",
      "output_modalities": ["audio"],
      "instructions": "Be brief.",
      "audio": {
        "input": {
          "format": {"type": "audio/pcmu"},
          "transcription": {"model": "gpt-live-transcribe"},
          "turn_detection": {"type": "server_vad", "threshold": 0.5,
            "prefix_padding_ms": 300, "silence_duration_ms": 500,
            "create_response": false, "interrupt_response": false}},
        "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"}}}})"));
  EXPECT_THAT(log.Words(), IsEmpty());
  Receive({{"type", "session.updated"}});
  EXPECT_THAT(log.Words(), ElementsAre("ready"));
}

// Trap 10: the rate is said for PCM and for nothing else.
TEST(OpenAiRealtimeFormatTest, EachFormatIsWrittenAsRealtimeWantsIt) {
  const std::pair<AudioFormat, Json> cases[] = {
      {{Encoding::kMuLaw, 8000}, {{"type", "audio/pcmu"}}},
      {{Encoding::kALaw, 8000}, {{"type", "audio/pcma"}}},
      {{Encoding::kLinear16, 24000}, {{"type", "audio/pcm"}, {"rate", 24000}}}};
  for (const auto& [format, expected] : cases) {
    test::RecordingChannels channels;
    OpenAiRealtime::Config config;
    config.format = format;
    OpenAiRealtime agent(std::move(config), channels);
    agent.Begin();
    agent.OnSocketOpened(channels.newest());
    agent.OnText(channels.newest(), R"({"type":"session.created"})");
    const Json sent = Json::parse(channels.Texts().at(0));
    const Json& audio = sent["session"]["audio"];
    EXPECT_EQ(audio["input"]["format"], expected);
    EXPECT_EQ(audio["output"]["format"], expected);
  }
}

TEST_F(OpenAiRealtimeTest, UpstreamNamesTheModelEscaped) {
  OpenAiRealtime::Config config;
  config.model = "a b&c=d";
  OpenAiRealtime other(std::move(config), channels);
  other.Begin();
  EXPECT_THAT(
      channels.lines,
      ElementsAre(
          "connect 1 openai /v1/realtime?model=a%20b%26c%3Dd realtime"));
}

// Trap 9: compatible servers send either name of a delta.
TEST_F(OpenAiRealtimeTest, BothNamesOfTheAudioDeltaAreRead) {
  Connect();
  Respond();
  Created("r1");
  Delta("r1", "i1");
  Delta("r1", "i1", "response.audio.delta");
  EXPECT_EQ(log.audio[1].size(), 2 * 1601U);
  Receive({{"type", "response.output_audio_transcript.delta"},
           {"response_id", "r1"},
           {"item_id", "i1"},
           {"delta", "Hel"}});
  Receive({{"type", "response.audio_transcript.done"},
           {"response_id", "r1"},
           {"item_id", "i1"},
           {"transcript", "Hello"}});
  EXPECT_THAT(log.Words(), ElementsAre("agent i1+Hel", "agent i1=Hello"));
}

// Trap 3: the truncation is of the item that plays, an integer, and never
// beyond what was received of that item.
TEST_F(OpenAiRealtimeTest, TruncationIsBoundedByWhatWasReceivedOfTheItem) {
  Connect();
  Respond();
  Created("r1");
  Delta("r1", "i1");
  Delta("r1", "i2");
  Delta("r1", "i2");
  EXPECT_EQ(agent.Truncate(ItemId{2}, 100'000), 400);
  EXPECT_EQ(agent.Truncate(ItemId{1}, 50), 50);
  EXPECT_EQ(agent.Truncate(ItemId{9}, 50), 0);  // never heard of
  const std::vector<Json> sent = OfType("conversation.item.truncate");
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0], Json({{"type", "conversation.item.truncate"},
                           {"item_id", "i2"},
                           {"content_index", 0},
                           {"audio_end_ms", 400}}));
  EXPECT_EQ(sent[1]["audio_end_ms"], 50);
}

// It was heard, and told as heard from its beginning.
TEST_F(OpenAiRealtimeTest, NothingMoreIsHeardOfAnItemThatWasTruncated) {
  Connect();
  Respond();
  Created("r1");
  Delta("r1", "i1");
  agent.Truncate(ItemId{1}, 50);
  Delta("r1", "i1");
  EXPECT_EQ(log.audio[1].size(), 1601U);
  EXPECT_EQ(log.lines.back(), "fault outOfOrder");
  Delta("r1", "i2");
  EXPECT_EQ(log.audio[2].size(), 1601U);
}

// A server that names its items anew in each response was never heard again
// once one of them was truncated.
TEST_F(OpenAiRealtimeTest, ANameOfAFormerResponseIsAnotherItem) {
  Connect();
  Respond();
  Created("r1");
  Delta("r1", "i1");
  agent.Truncate(ItemId{1}, 50);
  Done("r1");
  Respond();
  Created("r2");
  Receive({{"type", "response.output_audio_transcript.delta"},
           {"response_id", "r2"},
           {"item_id", "i1"},
           {"delta", "Hel"}});
  EXPECT_EQ(log.Words().back(), "agent i1@r2+Hel");
  Delta("r2", "i1");
  EXPECT_EQ(log.audio[2].size(), 1601U);
  EXPECT_EQ(agent.item_name(ItemId{1}), "i1");
  EXPECT_EQ(agent.item_name(ItemId{2}), "i1@r2");
  // The server knows it by its own name.
  agent.Truncate(ItemId{2}, 20);
  EXPECT_EQ(OfType("conversation.item.truncate").back()["item_id"], "i1");
}

// Trap 4: a cancel that crosses the end of its response.
TEST_F(OpenAiRealtimeTest, CancelErrorWhileIdleIsHarmless) {
  Connect();
  agent.Cancel();
  EXPECT_THAT(OfType("response.cancel"), IsEmpty());
  Receive(
      {{"type", "error"}, {"error", {{"code", "response_cancel_not_active"}}}});
  EXPECT_THAT(log.Words(), IsEmpty());
  EXPECT_THAT(log.faults, ElementsAre(Fault::kPeerError));
  Respond();
  EXPECT_EQ(OfType("response.create").size(), 1U);
}

// Trap 5: one response.create at a time, whoever wants another.
TEST_F(OpenAiRealtimeTest, ASecondRequestWaitsForTheFirstToBeDone) {
  Connect();
  Respond();
  Respond();
  Created("r1");
  Respond();
  EXPECT_EQ(OfType("response.create").size(), 1U);
  Done("r1");
  EXPECT_EQ(OfType("response.create").size(), 2U);
  Created("r2");
  Done("r2");
  EXPECT_EQ(OfType("response.create").size(), 2U);
}

TEST_F(OpenAiRealtimeTest, ABusyServerIsAskedAgainOnce) {
  Connect();
  const auto busy = [this] {
    Receive(
        {{"type", "error"},
         {"error", {{"code", "conversation_already_has_active_response"}}}});
  };
  Respond();
  busy();
  EXPECT_EQ(OfType("response.create").size(), 1U);
  Done("made_by_the_server");
  EXPECT_EQ(OfType("response.create").size(), 2U);
  busy();
  Done("another");
  // Twice refused, the request was not repeated for ever within one attempt.
  EXPECT_LE(OfType("response.create").size(), 3U);
}

// Trap 5 again: tool results while their response is still active.
TEST_F(OpenAiRealtimeTest, ToolResultsAreAnsweredOnceAfterTheResponse) {
  Connect();
  Respond();
  Created("r1");
  for (const char* id : {"call_1", "call_2"}) {
    Receive({{"type", "response.output_item.done"},
             {"response_id", "r1"},
             {"item",
              {{"type", "function_call"},
               {"status", "completed"},
               {"call_id", id},
               {"name", "lookup"},
               {"arguments", ""}}}});
  }
  // An empty string of arguments is an empty object.
  EXPECT_THAT(log.Words(),
              ElementsAre("tool call_1 lookup {}", "tool call_2 lookup {}"));
  agent.ToolResult("call_1", "one");
  agent.ToolResult("call_2", "two");
  agent.ToolResult("call_2", "two again");
  // The owner of the results asks for one reply to all of them.
  Respond();
  EXPECT_EQ(OfType("response.create").size(), 1U);
  Done("r1");
  EXPECT_EQ(OfType("response.create").size(), 2U);
  EXPECT_EQ(log.Words().back(), "done complete tools 3/4");
  const std::vector<Json> items = OfType("conversation.item.create");
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0]["item"], Json({{"type", "function_call_output"},
                                    {"call_id", "call_1"},
                                    {"output", "one"}}));
}

TEST_F(OpenAiRealtimeTest, ToolResultsAfterTheResponseAskForTheNext) {
  Connect();
  Respond();
  Created("r1");
  Receive({{"type", "response.output_item.done"},
           {"response_id", "r1"},
           {"item",
            {{"type", "function_call"},
             {"status", "completed"},
             {"call_id", "call_1"},
             {"name", "lookup"}}}});
  Done("r1");
  EXPECT_EQ(OfType("response.create").size(), 1U);
  agent.ToolResult("call_1", "one");
  EXPECT_EQ(OfType("conversation.item.create").size(), 1U);
  Respond();
  EXPECT_EQ(OfType("response.create").size(), 2U);
}

// Whatever became of the reply that made it.
TEST_F(OpenAiRealtimeTest, AToolsResultOutlivesItsReply) {
  Connect();
  Respond();
  Created("r1");
  Receive({{"type", "response.output_item.done"},
           {"response_id", "r1"},
           {"item",
            {{"type", "function_call"},
             {"status", "completed"},
             {"call_id", "call_1"},
             {"name", "lookup"}}}});
  agent.Cancel();
  Done("r1", "cancelled");
  agent.ToolResult("call_1", "one");
  EXPECT_EQ(OfType("conversation.item.create").size(), 1U);
}

TEST_F(OpenAiRealtimeTest, AnIncompleteToolCallIsNotMade) {
  Connect();
  Receive({{"type", "response.output_item.done"},
           {"item",
            {{"type", "function_call"},
             {"status", "incomplete"},
             {"call_id", "call_1"},
             {"arguments", "{\"a"}}}});
  EXPECT_THAT(log.Words(), IsEmpty());
}

// It was dropped without a word, and the caller waited for nothing.
TEST_F(OpenAiRealtimeTest, ACallWithoutAStatusOrWithAStrangeOneIsMade) {
  Connect();
  Respond();
  Created("r1");
  const auto call = [this](const std::string& id, const Json& status) {
    Json item = {{"type", "function_call"},
                 {"call_id", id},
                 {"name", "lookup"},
                 {"arguments", "{\"a\":1}"}};
    if (!status.is_null()) item["status"] = status;
    Receive({{"type", "response.output_item.done"},
             {"response_id", "r1"},
             {"item", std::move(item)}});
  };
  call("c1", nullptr);
  EXPECT_THAT(log.faults, IsEmpty());
  call("c2", "done");
  EXPECT_THAT(log.faults, ElementsAre(Fault::kWrongType));
  call("c3", "in_progress");
  call("c4", "incomplete");
  EXPECT_THAT(log.Words(), ElementsAre("tool c1 lookup {\"a\":1}",
                                       "tool c2 lookup {\"a\":1}"));
  log = {};
  Done("r1");
  EXPECT_THAT(log.Words(), ElementsAre("done complete tools 3/4"));
}

class OpenAiLateCallsTest : public OpenAiRealtimeTest {
 protected:
  void Begin() {
    Connect();
    Respond();
    Created("r1");
  }
  void Arguments(const std::string& id, const std::string& arguments) {
    Receive({{"type", "response.function_call_arguments.done"},
             {"response_id", "r1"},
             {"item_id", "f" + id},
             {"output_index", 0},
             {"call_id", id},
             {"name", "lookup"},
             {"arguments", arguments}});
  }
  static Json Item(const std::string& id, const std::string& status) {
    return {{"type", "function_call"}, {"id", "f" + id},   {"status", status},
            {"call_id", id},           {"name", "lookup"}, {"arguments", "{}"}};
  }
  void End(const Json& output, const std::string& status = "completed",
           const std::string& id = "r1") {
    Receive(
        {{"type", "response.done"},
         {"response", {{"id", id}, {"status", status}, {"output", output}}}});
  }
};

TEST_F(OpenAiLateCallsTest, ArgumentsMayComeByThemselves) {
  Begin();
  Receive({{"type", "response.output_item.added"},
           {"response_id", "r1"},
           {"item",
            {{"type", "function_call"},
             {"id", "fc1"},
             {"status", "in_progress"},
             {"call_id", "c1"},
             {"name", "search"}}}});
  // Older servers name neither the call nor the function with them.
  Receive({{"type", "response.function_call_arguments.done"},
           {"response_id", "r1"},
           {"item_id", "fc1"},
           {"arguments", "{\"b\":2}"}});
  EXPECT_THAT(log.Words(), IsEmpty()) << "they may be a beginning";
  Receive({{"type", "response.output_item.done"},
           {"response_id", "r1"},
           {"item", {{"type", "function_call"}, {"id", "fc1"}}}});
  EXPECT_THAT(log.Words(), ElementsAre("tool c1 search {\"b\":2}"));
  EXPECT_THAT(log.faults, IsEmpty());
}

TEST_F(OpenAiLateCallsTest, WithoutItsItemACallIsMadeWhenTheResponseIsDone) {
  for (const bool has_output : {true, false}) {
    Begin();
    Arguments("c1", "{\"b\":2}");
    End(has_output ? Json::array() : Json());
    EXPECT_THAT(log.Words(), ElementsAre("tool c1 lookup {\"b\":2}",
                                         "done complete tools 0/0"));
    agent.ToolResult("c1", "one");
    EXPECT_EQ(OfType("conversation.item.create").size(), 1U);
  }
}

TEST_F(OpenAiLateCallsTest, ACallMayStandInTheOutputAlone) {
  Begin();
  End(Json::array({Json{{"type", "message"}}, Item("c1", "completed"), Json(5),
                   Item("c2", "incomplete"), Item("c3", "completed")}));
  EXPECT_THAT(log.Words(), ElementsAre("tool c1 lookup {}", "tool c3 lookup {}",
                                       "done complete tools 0/0"));
  EXPECT_THAT(log.faults, IsEmpty());
}

TEST_F(OpenAiLateCallsTest, ACallIsMadeOnceInWhateverWaysItComes) {
  Begin();
  Arguments("c1", "{}");
  for (int i = 0; i < 2; ++i) {
    Receive({{"type", "response.output_item.done"},
             {"response_id", "r1"},
             {"item", Item("c1", "completed")}});
  }
  Arguments("c1", "{}");
  End(Json::array({Item("c1", "completed"), Item("c1", "completed")}));
  End(Json::array({Item("c1", "completed")}));
  EXPECT_THAT(log.Words(),
              ElementsAre("tool c1 lookup {}", "done complete tools 0/0"));
}

// Its arguments are those that it had when it was stopped.
TEST_F(OpenAiLateCallsTest, ArgumentsOfAStoppedResponseAreNoCall) {
  for (const char* status : {"incomplete", "failed", "cancelled"}) {
    Begin();
    Arguments("c1", "{\"b");
    End(Json::array({Item("c2", "completed")}), status);
    EXPECT_EQ(log.Words().front(), "tool c2 lookup {}") << status;
    EXPECT_EQ(log.Words().size(), 2U) << status;
  }
}

TEST_F(OpenAiLateCallsTest, NoneIsMadeOfWhatWasCancelled) {
  Begin();
  Arguments("c1", "{}");
  agent.Cancel();
  Arguments("c2", "{}");
  End(Json::array({Item("c1", "completed"), Item("c3", "completed")}),
      "cancelled");
  EXPECT_THAT(log.Words(), ElementsAre("done cancelled 0/0"));
  // Nor of one that has ended.
  log = {};
  Arguments("c4", "{}");
  Respond();
  Created("r2");
  End(Json::array(), "completed", "r2");
  EXPECT_THAT(log.Words(), ElementsAre("done complete 0/0"));
}

TEST_F(OpenAiLateCallsTest, ThoseOfAnEndAreBounded) {
  Begin();
  Json output = Json::array();
  for (size_t i = 0; i < 1'000; ++i) {
    output.push_back(Item("c" + std::to_string(i), "completed"));
    output.push_back({{"type", "function_call"}, {"name", "lookup"}});
  }
  End(output);
  EXPECT_EQ(log.Words().size(), OpenAiCalls::kMaxPending + 1);
  EXPECT_THAT(log.faults, ElementsAre(Fault::kTooLarge));
}

// Trap 11: by response id, freed when the response is done.
TEST_F(OpenAiRealtimeTest, ACancelledResponseIsSilentFromThereOn) {
  Connect();
  Respond();
  Created("r1");
  Delta("r1", "i1");
  agent.Cancel();
  agent.Cancel();
  EXPECT_EQ(OfType("response.cancel").size(), 1U);
  Delta("r1", "i1");
  Receive({{"type", "response.output_audio_transcript.delta"},
           {"response_id", "r1"},
           {"delta", "late"}});
  EXPECT_EQ(log.audio[1].size(), 1601U);
  EXPECT_THAT(log.Words(), IsEmpty());
  Done("r1", "cancelled");
  EXPECT_THAT(log.Words(), ElementsAre("done cancelled 3/4"));
  // It has ended: nothing more is heard of it.
  Delta("r1", "i1");
  EXPECT_EQ(log.audio[1].size(), 1601U);
  // Its id may be used again.
  Respond();
  Created("r1");
  Delta("r1", "i2");
  EXPECT_EQ(log.audio[2].size(), 1601U);
}

// They came behind the cancel, and the line had none although it was heard.
TEST_F(OpenAiRealtimeTest, WordsOfACancelledResponseAreThoseOfWhatWasHeard) {
  Connect();
  Respond();
  Created("r1");
  Delta("r1", "i1");
  Delta("r1", "i2");
  agent.Cancel();
  agent.Truncate(ItemId{1}, 120);
  agent.Truncate(ItemId{2}, 0);
  const auto words = [this](const std::string& item, const std::string& text,
                            const char* type, const char* field) {
    Receive({{"type", type},
             {"response_id", "r1"},
             {"item_id", item},
             {"content_index", 0},
             {field, text}});
  };
  const auto part = [&](const std::string& item, const std::string& text) {
    words(item, text, "response.output_audio_transcript.delta", "delta");
  };
  const auto whole = [&](const std::string& item, const std::string& text) {
    words(item, text, "response.audio_transcript.done", "transcript");
  };
  part("i1", "We");
  // More of it was made, 1601 bytes, or about as many.
  Delta("r1", "i1");
  whole("i1", "We open");
  EXPECT_THAT(log.Words(),
              ElementsAre("agent i1+We", "agent i1=We open dropped 200"));
  EXPECT_EQ(log.audio[1].size(), 1601U);
  EXPECT_THAT(log.faults, IsEmpty());
  log = {};
  // Nobody heard any of the second, and of the third nothing was made.
  part("i2", "at");
  whole("i2", "at nine");
  part("i3", "every");
  whole("i3", "every day");
  EXPECT_THAT(log.Words(), IsEmpty());
  Done("r1", "cancelled");
  log = {};
  whole("i3", "every day");
  EXPECT_THAT(log.Words(), IsEmpty());
  whole("i1", "We open");
  EXPECT_THAT(log.Words(), ElementsAre("agent i1=We open dropped 200"));
  // A name of the next response is another item's.
  Respond();
  Created("r2");
  Receive({{"type", "response.output_audio_transcript.delta"},
           {"response_id", "r2"},
           {"item_id", "i3"},
           {"delta", "Hello"}});
  EXPECT_EQ(log.Words().back(), "agent i3+Hello");
}

TEST_F(OpenAiRealtimeTest, WordsOfWhatWasCancelledUnannouncedAreDropped) {
  Connect();
  Respond();
  agent.Cancel();
  Receive({{"type", "response.output_audio_transcript.delta"},
           {"response_id", "r1"},
           {"item_id", "i1"},
           {"delta", "late"}});
  EXPECT_THAT(log.Words(), IsEmpty());
}

TEST_F(OpenAiRealtimeTest, ACancelBeforeTheResponseHasANameHoldsForIt) {
  Connect();
  Respond();
  agent.Cancel();
  Created("r1");
  Delta("r1", "i1");
  EXPECT_THAT(log.audio, IsEmpty());
  Respond();
  EXPECT_EQ(OfType("response.create").size(), 1U);
  Done("r1", "cancelled");
  EXPECT_EQ(OfType("response.create").size(), 2U);
}

TEST_F(OpenAiRealtimeTest, ADiscardedTurnIsDeletedUpstream) {
  Connect();
  agent.DiscardTurn();
  EXPECT_THAT(Sent(), IsEmpty());
  Receive({{"type", "input_audio_buffer.speech_started"}});
  Receive({{"type", "input_audio_buffer.speech_stopped"}});
  Receive({{"type", "input_audio_buffer.committed"}, {"item_id", "u1"}});
  EXPECT_THAT(log.Words(),
              ElementsAre("speech started", "speech stopped", "committed u1"));
  agent.DiscardTurn();
  EXPECT_EQ(Sent().at(0),
            Json({{"type", "conversation.item.delete"}, {"item_id", "u1"}}));
}

// It went with the next cough, of which there was no commit.
TEST_F(OpenAiRealtimeTest, ATurnThatWasAnsweredIsNotDeleted) {
  for (const bool says : {true, false}) {
    Connect();
    Receive({{"type", "input_audio_buffer.committed"}, {"item_id", "u1"}});
    if (says) {
      agent.Say("Hello");
      Take();
    } else {
      Respond();
    }
    agent.DiscardTurn();
    EXPECT_THAT(OfType("conversation.item.delete"), IsEmpty());
  }
}

// The second commit was taken for a cough over the reply to the first one.
TEST_F(OpenAiRealtimeTest, ATurnIsTakenOnce) {
  for (const bool answered : {true, false}) {
    Connect();
    const Json committed = {{"type", "input_audio_buffer.committed"},
                            {"item_id", "u1"}};
    Receive(committed);
    if (answered) {
      Respond();
    } else {
      agent.DiscardTurn();
    }
    const size_t deleted = answered ? 0 : 1;
    Receive(committed);
    EXPECT_THAT(log.Words(), ElementsAre("committed u1"));
    EXPECT_THAT(log.faults, ElementsAre(Fault::kOutOfOrder));
    agent.DiscardTurn();
    EXPECT_EQ(OfType("conversation.item.delete").size(), deleted);
    // Another one is another turn.
    Receive({{"type", "input_audio_buffer.committed"}, {"item_id", "u2"}});
    agent.DiscardTurn();
    EXPECT_EQ(OfType("conversation.item.delete").size(), deleted + 1);
  }
}

// A new socket is a new session: it is told the conversation, and never named
// an item of the former one.
TEST_F(OpenAiRealtimeTest, TheConversationSurvivesItsSocket) {
  Connect();
  Receive({{"type", "conversation.item.input_audio_transcription.completed"},
           {"item_id", "u1"},
           {"transcript", "when do you open"}});
  Respond();
  Created("r1");
  Delta("r1", "i1");
  Receive({{"type", "response.output_audio_transcript.done"},
           {"response_id", "r1"},
           {"item_id", "i1"},
           {"transcript", "We open at nine every day"}});
  Done("r1");
  agent.OnSocketClosed(channels.newest(), 1006, 0, "");
  Take();
  EXPECT_EQ(log.Words().back(), "lost closed1006");
  passed = channels.Texts().size();
  Open();
  Receive({{"type", "session.created"}});
  Receive({{"type", "session.updated"}});
  using Kind = ConversationLine::Kind;
  const ConversationLine told[] = {
      {Kind::kCaller, "when do you open", {}, {}, {}, {}},
      {Kind::kAgent, "We open at", {}, {}, {}, {}},
      {Kind::kTool, {}, "k1", "lookup", "{}", {}},
      {Kind::kTool, {}, "k2", "lookup", "{}", "nine"}};
  agent.Tell(told);
  EXPECT_EQ(agent.Truncate(ItemId{1}, 100), 100);  // of 200 ms
  EXPECT_THAT(OfType("conversation.item.truncate"), IsEmpty());
  agent.ToolResult("k1", "ten");
  agent.ToolResult("k2", "ten");
  const std::vector<Json> items = OfType("conversation.item.create");
  ASSERT_EQ(items.size(), 6U);
  EXPECT_EQ(items[2]["item"]["call_id"], "k1");
  EXPECT_EQ(items[4]["item"]["output"], "nine");
  EXPECT_EQ(items[5]["item"]["output"], "ten");
  EXPECT_EQ(items[0]["item"], Json::parse(R"({"type":"message","role":"user",
                "content":[{"type":"input_text","text":"when do you open"}]})"));
  EXPECT_EQ(items[1]["item"],
            Json::parse(R"({"type":"message","role":"assistant",
                "content":[{"type":"output_text","text":"We open at"}]})"));
}

TEST_F(OpenAiRealtimeTest, ClosesAndStatusesAreRetriedAsTheOfficialClientDoes) {
  const std::pair<int, const char*> closes[] = {
      {1000, "fatal"}, {1001, "lost"},  {1002, "fatal"}, {1003, "fatal"},
      {1005, "lost"},  {1006, "lost"},  {1007, "fatal"}, {1008, "fatal"},
      {1009, "fatal"}, {1010, "fatal"}, {1011, "lost"},  {1012, "lost"},
      {1013, "lost"}};
  for (const auto& [code, expected] : closes) {
    Open();
    agent.OnSocketClosed(channels.newest(), static_cast<uint16_t>(code), 0, "");
    Take();
    EXPECT_EQ(log.Words().back(),
              expected + std::string(" closed") + std::to_string(code));
  }
  const std::pair<int, const char*> statuses[] = {
      {400, "fatal"}, {401, "fatal"}, {403, "fatal"}, {404, "fatal"},
      {408, "lost"},  {429, "lost"},  {500, "lost"},  {503, "lost"}};
  for (const auto& [status, expected] : statuses) {
    agent.Begin();
    agent.OnSocketClosed(channels.newest(), 1006, static_cast<uint16_t>(status),
                         "");
    Take();
    EXPECT_EQ(log.Words().back(),
              expected + std::string(" http") + std::to_string(status));
  }
}

// What a former socket still says, or one that is not open yet, is nobody's.
TEST_F(OpenAiRealtimeTest, OnlyItsOpenChannelIsListenedTo) {
  agent.Begin();
  ReceiveText(R"({"type":"session.created"})");
  EXPECT_THAT(Sent(), IsEmpty());
  agent.OnSocketOpened(ChannelId{7});
  ReceiveText(R"({"type":"session.created"})");
  EXPECT_THAT(Sent(), IsEmpty());
  Connect();
  for (const ChannelId foreign : {ChannelId{1}, ChannelId{9}}) {
    agent.OnText(foreign, "{");
    agent.OnBinary(foreign, {});
    agent.OnOversize(foreign);
    agent.OnSocketClosed(foreign, 1006, 0, "");
    Take();
  }
  EXPECT_THAT(log.lines, IsEmpty());
  agent.OnOversize(channels.newest());
  Take();
  EXPECT_THAT(log.lines, ElementsAre("fault tooLarge"));
}

TEST_F(OpenAiRealtimeTest, EndClosesItsChannelAlsoWhileItConnects) {
  agent.End("early");
  agent.Begin();
  agent.End("too slow");
  agent.End("twice");
  Connect();
  agent.End("call ended");
  // Nothing comes of it, and nothing is sent to it.
  ReceiveText("{");
  agent.Respond({});
  agent.OnSocketClosed(channels.newest(), 1006, 0, "");
  Take();
  EXPECT_THAT(log.lines, IsEmpty());
  EXPECT_THAT(channels.open(), IsEmpty());
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_EQ(channels.lines.at(1), "close 1 1000 too slow");
  EXPECT_EQ(channels.lines.back(), "close 2 1000 call ended");
}

TEST_F(OpenAiRealtimeTest, WithoutAChannelItFailsAndMayTryAgain) {
  channels.full = true;
  agent.Begin();
  Take();
  EXPECT_THAT(log.lines, ElementsAre("lost channels"));
  channels.full = false;
  Connect();
  EXPECT_EQ(channels.open().size(), 1U);
}

// The owner hears of the end of a response before the request that waited for
// it is sent, and may take it back.
TEST_F(OpenAiRealtimeTest, WhatWaitedForAResponseCanBeCancelledAtItsEnd) {
  Connect();
  Respond();
  Created("r1");
  Respond();
  agent.OnText(channels.newest(),
               R"({"type":"response.done","response":{"id":"r1"}})");
  EXPECT_TRUE(agent.NextEvent());
  EXPECT_FALSE(agent.NextEvent());
  agent.Cancel();
  agent.Proceed();
  EXPECT_EQ(OfType("response.create").size(), 1U);
}

TEST(OpenAiRealtimeConfigTest, TheLegsLawIsTakenWhereRealtimeKnowsIt) {
  const auto format = [](AudioFormat leg, AgentSettings::Audio audio) {
    AgentSettings settings;
    settings.leg_format = leg;
    settings.audio = audio;
    return MakeOpenAiConfig(std::move(settings)).format;
  };
  constexpr auto kCompanded = AgentSettings::Audio::kCompanded;
  constexpr AudioFormat kMuLaw8{Encoding::kMuLaw, 8000};
  constexpr AudioFormat kALaw8{Encoding::kALaw, 8000};
  EXPECT_EQ(format(kMuLaw8, kCompanded), kMuLaw8);
  EXPECT_EQ(format(kALaw8, kCompanded), kALaw8);
  EXPECT_EQ(format({Encoding::kALaw, 16000}, kCompanded), kMuLaw8);
  EXPECT_EQ(format({Encoding::kLinear16, 8000}, kCompanded), kMuLaw8);
  EXPECT_EQ(format({Encoding::kLinear16, 24000}, kCompanded), kMuLaw8);
  EXPECT_EQ(format(kALaw8, AgentSettings::Audio::kLinear),
            (AudioFormat{Encoding::kLinear16, 24000}));
}

TEST(OpenAiRealtimeConfigTest, WhatIsNotSaidHasADefault) {
  const OpenAiRealtime::Config config = MakeOpenAiConfig({});
  EXPECT_EQ(config.model, "gpt-realtime-2.1");
  EXPECT_EQ(config.voice, "marin");
  EXPECT_EQ(config.transcription_model, "gpt-live-transcribe");
  EXPECT_EQ(config.end_of_turn, Duration::Millis(500));
  AgentSettings settings;
  settings.model = "m";
  settings.voice = "";
  settings.transcription_model = "";
  settings.end_of_turn = Duration::Millis(300);
  const auto said = MakeOpenAiConfig(std::move(settings));
  EXPECT_EQ(said.model, "m");
  EXPECT_EQ(said.voice, "");
  EXPECT_EQ(said.transcription_model, "");
  EXPECT_EQ(said.end_of_turn, Duration::Millis(300));
}

TEST_F(OpenAiRealtimeTest, BadMessagesAreCountedAndChangeNothing) {
  Connect();
  for (const char* text :
       {"", "{", "[]", "7", R"({"type":5})", R"({"type":"news"})",
        R"({"type":"response.output_audio.delta","item_id":"i","delta":"*"})",
        R"({"type":"response.output_audio.delta","delta":"AAAA"})",
        R"({"type":"response.output_audio.delta","item_id":"i","delta":5})"}) {
    ReceiveText(text);
  }
  agent.OnBinary(channels.newest(), {});
  Take();
  EXPECT_THAT(
      log.faults,
      ElementsAre(Fault::kMalformed, Fault::kMalformed, Fault::kMalformed,
                  Fault::kMalformed, Fault::kMissingField, Fault::kUnknownEvent,
                  Fault::kBadPayload, Fault::kMissingField,
                  Fault::kUnexpectedBinary));
  EXPECT_THAT(log.Words(), IsEmpty());
  EXPECT_THAT(log.audio, IsEmpty());
}

TEST_F(OpenAiRealtimeTest, UsageMayBeMissing) {
  Connect();
  Respond();
  Created("r1");
  Receive({{"type", "response.done"}, {"response", {{"id", "r1"}}}});
  Receive({{"type", "response.done"}});
  EXPECT_EQ(log.Words()[0], "done complete 0/0");
}

}  // namespace
}  // namespace trunkline::protocol
