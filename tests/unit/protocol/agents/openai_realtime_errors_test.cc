// What a Realtime server says no to, and what it leaves out.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/agents/openai_realtime.h"
#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class OpenAiRealtimeErrorsTest : public testing::Test {
 protected:
  void Receive(std::string_view text) {
    agent.OnText(channels.newest(), text);
    log.Take(agent);
  }
  void Open() {
    agent.Begin();
    log.Take(agent);
    agent.OnSocketOpened(channels.newest());
    Receive(R"({"type":"session.created"})");
  }
  void Connect() {
    Open();
    Receive(R"({"type":"session.updated"})");
    log = {};
  }
  void Respond() {
    agent.Respond({});
    log.Take(agent);
  }
  void Cancel() {
    agent.Cancel();
    log.Take(agent);
  }
  void TellHello() {
    ConversationLine line;
    line.text = "Hello.";
    agent.Tell({&line, 1});
  }
  // The event_id of the last message of this type that was sent.
  std::string IdOf(std::string_view type) const {
    std::string id;
    for (const std::string& text : channels.raw_texts) {
      const Json message = Json::parse(text);
      if (StringMember(message, "type") == type) {
        id = StringMember(message, "event_id");
      }
    }
    return id;
  }
  size_t CountSent(std::string_view type) const {
    size_t count = 0;
    for (const std::string& text : channels.raw_texts) {
      if (StringMember(Json::parse(text), "type") == type) ++count;
    }
    return count;
  }
  // `error` are the members of the error object.
  void Refuse(Json error) {
    Receive(Json{{"type", "error"}, {"error", std::move(error)}}.dump());
  }

  test::RecordingChannels channels;
  test::AgentLog log;
  OpenAiRealtime agent{[] {
                         OpenAiRealtime::Config config;
                         config.format = {Encoding::kMuLaw, 8000};
                         return config;
                       }(),
                       channels};
};

TEST_F(OpenAiRealtimeErrorsTest, EveryRequestHasAnIdOfItsOwn) {
  Connect();
  Respond();
  Cancel();
  agent.Say("Good morning.");
  TellHello();
  std::set<std::string> ids;
  for (const std::string& text : channels.raw_texts) {
    const Json message = Json::parse(text);
    const std::string id(StringMember(message, "event_id"));
    EXPECT_TRUE(id.starts_with(StringMember(message, "type"))) << text;
    EXPECT_TRUE(ids.insert(id).second) << id;
  }
  EXPECT_EQ(ids.size(), 4U);
}

TEST_F(OpenAiRealtimeErrorsTest, ARefusedConfigurationIsFinal) {
  Open();
  Refuse({{"type", "invalid_request_error"},
          {"code", "missing_required_parameter"},
          {"param", "session.tools[0].name"},
          {"message", "Missing name."},
          {"event_id", IdOf("session.update")}});
  EXPECT_THAT(log.Words(), ElementsAre("fatal missing_required_parameter "
                                       "session.tools[0].name Missing name."));
}

// Compatible servers do not say which message was wrong.
TEST_F(OpenAiRealtimeErrorsTest, AnErrorBeforeReadyAnswersTheConfiguration) {
  Open();
  Refuse({{"code", "unknown_parameter"}, {"param", "session.audio"}});
  EXPECT_THAT(log.Words(),
              ElementsAre("fatal unknown_parameter session.audio"));
}

TEST_F(OpenAiRealtimeErrorsTest, AServerThatIsBusyMayBeTriedAgain) {
  for (const Json& error :
       {Json{{"type", "server_error"}},
        Json{{"type", "server_error"}, {"code", "internal"}},
        Json{{"code", "rate_limit_exceeded"}},
        Json{{"code", "x"}, {"message", "try again in 2s"}}}) {
    Open();
    log = {};
    Refuse(error);
    ASSERT_EQ(log.Words().size(), 1U);
    EXPECT_TRUE(log.Words()[0].starts_with("lost ")) << log.Words()[0];
  }
}

TEST_F(OpenAiRealtimeErrorsTest, AnErrorInThePlaceOfAReplyIsItsEnd) {
  for (const bool names_it : {true, false}) {
    SCOPED_TRACE(names_it);
    Connect();
    Respond();
    Json error = {{"type", "invalid_request_error"},
                  {"code", "rate_limit_exceeded"},
                  {"message", "Please try again in 3.1s."}};
    if (names_it) error["event_id"] = IdOf("response.create");
    Refuse(error);
    EXPECT_THAT(log.Words(),
                ElementsAre("done failed 0/0 rate_limit_exceeded Please try "
                            "again in 3.1s. after 3100"));
    // Nothing stands in the way of the next one.
    const size_t before = CountSent("response.create");
    Respond();
    EXPECT_EQ(CountSent("response.create"), before + 1);
  }
}

// Silence for the time of a reply.
TEST_F(OpenAiRealtimeErrorsTest, AnErrorBehindTheAnnouncementIsItsEndToo) {
  for (const bool names_it : {true, false}) {
    SCOPED_TRACE(names_it);
    Connect();
    Respond();
    Receive(R"({"type":"response.created","response":{"id":"r1"}})");
    Json error = {
        {"type", "server_error"}, {"code", "overloaded"}, {"message", "Oops."}};
    if (names_it) error["event_id"] = IdOf("response.create");
    Refuse(error);
    EXPECT_THAT(log.Words(), ElementsAre("done failed 0/0 overloaded Oops."));
    EXPECT_THAT(log.faults, IsEmpty());
    const size_t before = CountSent("response.create");
    Respond();
    EXPECT_EQ(CountSent("response.create"), before + 1);
    // It goes on with it all the same.
    log = {};
    Receive(R"({"type":"response.output_audio.delta","response_id":"r1",
        "item_id":"i1","content_index":0,"delta":"AQID"})");
    Receive(R"({"type":"response.output_audio_transcript.delta",
        "response_id":"r1","item_id":"i1","delta":"late"})");
    Receive(R"({"type":"response.done","response":{"id":"r1",
        "status":"completed"}})");
    EXPECT_THAT(log.lines, ElementsAre("fault outOfOrder", "fault outOfOrder"));
    Receive(R"({"type":"response.created","response":{"id":"r2"}})");
    Receive(R"({"type":"response.output_audio.delta","response_id":"r2",
        "item_id":"i2","content_index":0,"delta":"AQID"})");
    Receive(R"({"type":"response.done","response":{"id":"r2",
        "status":"completed"}})");
    EXPECT_EQ(log.audio.size(), 1U);
    EXPECT_EQ(log.Words().back(), "done complete 0/0");
  }
}

TEST_F(OpenAiRealtimeErrorsTest, AnErrorBehindTheFirstOfAReplyIsNotItsEnd) {
  const std::string begun[] = {
      R"({"type":"response.output_audio.delta","response_id":"r1",
          "item_id":"i1","content_index":0,"delta":"AQID"})",
      R"({"type":"response.output_audio_transcript.delta","response_id":"r1",
          "item_id":"i1","delta":"Hel"})",
      R"({"type":"response.output_text.delta","response_id":"r1",
          "item_id":"i1","delta":"Hel"})",
      R"({"type":"response.output_item.done","response_id":"r1","item":
          {"type":"function_call","call_id":"k","name":"n"}})",
      R"({"type":"response.function_call_arguments.done","response_id":"r1",
          "item_id":"f1","call_id":"k","arguments":"{}"})"};
  for (const std::string& first : begun) {
    SCOPED_TRACE(first);
    Connect();
    Respond();
    Receive(R"({"type":"response.created","response":{"id":"r1"}})");
    Receive(first);
    log = {};
    Refuse({{"code", "server_error"}});
    EXPECT_THAT(log.lines, ElementsAre("fault peerError"));
  }
}

TEST_F(OpenAiRealtimeErrorsTest, AnErrorThatIsOfNoResponseChangesNothing) {
  for (const bool announced : {false, true}) {
    SCOPED_TRACE(announced);
    Connect();
    Respond();
    Receive(R"({"type":"response.created","response":{"id":"r0"}})");
    Receive(R"({"type":"response.output_audio.delta","response_id":"r0",
        "item_id":"i1","content_index":0,"delta":"AQID"})");
    const std::string former = IdOf("response.create");
    Cancel();
    agent.Truncate(ItemId{announced ? 2U : 1U}, 0);
    Receive(R"({"type":"response.done","response":{"id":"r0",
        "status":"cancelled"}})");
    TellHello();
    Respond();
    if (announced) {
      Receive(R"({"type":"response.created","response":{"id":"r1"}})");
    }
    log = {};
    const Json errors[] = {
        {{"code", "invalid_value"},
         {"event_id", IdOf("conversation.item.truncate")}},
        {{"code", "response_cancel_not_active"},
         {"event_id", IdOf("response.cancel")}},
        {{"code", "invalid_value"}, {"event_id", IdOf("response.cancel")}},
        {{"code", "invalid_value"},
         {"event_id", IdOf("conversation.item.create")}},
        {{"code", "invalid_value"}, {"event_id", IdOf("session.update")}},
        {{"code", "invalid_value"}, {"event_id", former}},
        // They name nothing, and say what they are of.
        {{"code", "item_truncate_invalid_item_id"}},
        {{"code", "invalid_value"},
         {"message", "Audio content of 3ms is already shorter than 50ms"}},
        {{"code", "invalid_value"}, {"param", "audio_end_ms"}}};
    for (const Json& error : errors) {
      Refuse(error);
      EXPECT_EQ(log.lines, std::vector<std::string>{"fault peerError"})
          << error;
      log = {};
    }
    if (announced) {
      // What the server is busy with is that, as far as anybody can tell.
      Refuse({{"code", "conversation_already_has_active_response"}});
      EXPECT_THAT(log.lines, ElementsAre("fault peerError"));
      log = {};
    }
    Receive(R"({"type":"response.output_audio.delta","response_id":"r1",
        "item_id":"i2","content_index":0,"delta":"AQID"})");
    Receive(R"({"type":"response.done","response":{"id":"r1",
        "status":"completed"}})");
    EXPECT_THAT(log.Words(), ElementsAre("done complete 0/0"));
  }
}

TEST_F(OpenAiRealtimeErrorsTest, AnErrorOfSomethingElseIsNotTheReplys) {
  Connect();
  TellHello();
  Respond();
  Refuse({{"code", "invalid_value"},
          {"event_id", IdOf("conversation.item.create")}});
  EXPECT_THAT(log.Words(), IsEmpty());
  EXPECT_THAT(log.faults, ElementsAre(Fault::kPeerError));
  Respond();
  EXPECT_EQ(CountSent("response.create"), 1U);
}

// Nobody was told what the server had refused.
TEST_F(OpenAiRealtimeErrorsTest, AnErrorSaysWhatItIsOf) {
  Connect();
  struct Case {
    Json error;
    const char* said;
  };
  const Case cases[] = {
      {{{"type", "invalid_request_error"},
        {"code", "invalid_value"},
        {"param", "audio_end_ms"},
        {"message", "Audio content of 3ms is already shorter than 50ms"}},
       "invalid_value audio_end_ms Audio content of 3ms is already shorter "
       "than 50ms "},
      {{{"type", "invalid_request_error"}, {"param", "item"}},
       "invalid_request_error item  "},
      {{{"code", "item_delete_invalid_item_id"}},
       "item_delete_invalid_item_id   "},
  };
  for (const Case& one : cases) {
    log = {};
    Refuse(one.error);
    EXPECT_THAT(log.errors, ElementsAre(one.said));
  }
}

TEST_F(OpenAiRealtimeErrorsTest, ARefusedResultIsThatOfItsCall) {
  Connect();
  const auto call = [this](const std::string& id) {
    Receive(R"({"type":"response.output_item.done","response_id":"r1",
        "item":{"type":"function_call","status":"completed","call_id":")" +
            id + R"(","name":"lookup","arguments":"{}"}})");
  };
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r1"}})");
  for (const char* id : {"c1", "c2", "c3"}) call(id);
  std::vector<std::string> sent;
  for (const char* id : {"c1", "c2"}) {
    agent.ToolResult(id, "nine");
    sent.push_back(IdOf("conversation.item.create"));
  }
  log = {};
  const auto refuse = [this](const std::string& event_id) {
    Refuse({{"code", "invalid_tool_call_id"}, {"event_id", event_id}});
  };
  refuse(sent[1]);
  refuse(sent[0]);
  // Once each; and none of what is no result.
  refuse(sent[0]);
  Refuse({{"code", "invalid_tool_call_id"}, {"param", "item.call_id"}});
  TellHello();
  refuse(IdOf("conversation.item.create"));
  EXPECT_THAT(log.errors, ElementsAre("invalid_tool_call_id   c2",
                                      "invalid_tool_call_id   c1",
                                      "invalid_tool_call_id   ",
                                      "invalid_tool_call_id item.call_id  ",
                                      "invalid_tool_call_id   "));
  // Those that may yet be refused are bounded: the first was forgotten.
  agent.ToolResult("c3", "nine");
  const std::string first = IdOf("conversation.item.create");
  for (int i = 0; i < 16; ++i) {
    call("d" + std::to_string(i));
    agent.ToolResult("d" + std::to_string(i), "nine");
  }
  log = {};
  refuse(first);
  refuse(IdOf("conversation.item.create"));
  EXPECT_THAT(log.errors, ElementsAre("invalid_tool_call_id   ",
                                      "invalid_tool_call_id   d15"));
}

TEST_F(OpenAiRealtimeErrorsTest, NothingToCancelMeansIdle) {
  Connect();
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r1"}})");
  Cancel();
  Respond();
  EXPECT_EQ(CountSent("response.create"), 1U);
  // Its response.done never came.
  Refuse({{"code", "response_cancel_not_active"}});
  EXPECT_THAT(log.Words(), ElementsAre("done cancelled 0/0"));
  EXPECT_EQ(CountSent("response.create"), 2U);
}

// The answer to a cancel that crossed the end of its response does not end the
// next one.
TEST_F(OpenAiRealtimeErrorsTest, NothingToCancelIsNotOfTheNextResponse) {
  Connect();
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r1"}})");
  Cancel();
  Receive(
      R"({"type":"response.done","response":{"id":"r1","status":"completed"}})");
  Respond();
  log = {};
  Refuse({{"code", "response_cancel_not_active"}});
  EXPECT_THAT(log.Words(), IsEmpty());
  Respond();
  EXPECT_EQ(CountSent("response.create"), 2U);
}

// Two cancels, and the answer to the first comes behind the second.
TEST_F(OpenAiRealtimeErrorsTest, NothingToCancelIsOfTheCancelThatItNames) {
  Connect();
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r1"}})");
  Cancel();
  const std::string first = IdOf("response.cancel");
  Receive(
      R"({"type":"response.done","response":{"id":"r1","status":"completed"}})");
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r2"}})");
  Cancel();
  Respond();
  log = {};
  Refuse({{"code", "response_cancel_not_active"}, {"event_id", first}});
  EXPECT_THAT(log.Words(), IsEmpty());
  EXPECT_EQ(CountSent("response.create"), 2U);
  Receive(
      R"({"type":"response.done","response":{"id":"r2","status":"cancelled"}})");
  EXPECT_EQ(CountSent("response.create"), 3U);
}

// The server has not said that it began what is cancelled, and says that it
// does not make it: that is over. What comes of it all the same is not wanted.
TEST_F(OpenAiRealtimeErrorsTest, NothingToCancelBeforeItBeganIsItsEnd) {
  Connect();
  Respond();
  Cancel();
  Refuse({{"code", "response_cancel_not_active"}});
  EXPECT_THAT(log.Words(), ElementsAre("done cancelled 0/0"));
  Receive(R"({"type":"response.created","response":{"id":"r1"}})");
  // Still not wanted.
  Receive(R"({"type":"response.output_audio.delta","response_id":"r1",
      "item_id":"i1","content_index":0,"delta":"AQID"})");
  EXPECT_TRUE(log.audio.empty());
}

// A cancelled request is not asked again for the server's being busy, and what
// is wanted after it is.
TEST_F(OpenAiRealtimeErrorsTest, ABusyServerDoesNotReviveWhatWasCancelled) {
  Connect();
  Respond();
  Cancel();
  Refuse({{"code", "conversation_already_has_active_response"}});
  Respond();
  EXPECT_EQ(CountSent("response.create"), 1U);
  Receive(
      R"({"type":"response.done","response":{"id":"r0","status":"completed"}})");
  EXPECT_EQ(CountSent("response.create"), 2U);
  Receive(R"({"type":"response.created","response":{"id":"r2"}})");
  Receive(R"({"type":"response.output_audio.delta","response_id":"r2",
      "item_id":"i2","content_index":0,"delta":"AQID"})");
  EXPECT_FALSE(log.audio.empty());
}

// The end of the server's own response was taken for the reply's, which was
// sent again when nobody waited for it any more.
TEST_F(OpenAiRealtimeErrorsTest, TheEndOfAForeignResponseIsNoReply) {
  Connect();
  Respond();
  Refuse({{"code", "conversation_already_has_active_response"}});
  Receive(
      R"({"type":"response.done","response":{"id":"r0","status":"completed"}})");
  EXPECT_EQ(CountSent("response.create"), 2U);
  EXPECT_EQ(log.Words().back(), "done cancelled 0/0");
  // Not for ever, however often it says so.
  for (int i = 1; i < 20; ++i) {
    Refuse({{"code", "conversation_already_has_active_response"}});
    Receive(R"({"type":"response.done","response":{"id":"f)" +
            std::to_string(i) + R"(","status":"completed"}})");
  }
  EXPECT_EQ(CountSent("response.create"), 2U);
  EXPECT_THAT(log.Words(),
              testing::Contains(testing::HasSubstr("done failed")));
}

// It was announced while our request was under way: its audio was the reply, or
// the text that was to be said, and that was never asked for again.
TEST_F(OpenAiRealtimeErrorsTest, AForeignResponseThatIsAnnouncedIsNoReply) {
  Connect();
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r0"}})");
  Refuse({{"code", "conversation_already_has_active_response"},
          {"event_id", IdOf("response.create")}});
  EXPECT_EQ(log.Words().back(), "put off");
  Receive(R"({"type":"response.output_audio.delta","response_id":"r0",
      "item_id":"i1","content_index":0,"delta":"AQID"})");
  EXPECT_EQ(CountSent("response.create"), 1U);
  Receive(
      R"({"type":"response.done","response":{"id":"r0","status":"completed"}})");
  EXPECT_EQ(log.Words().back(), "done cancelled 0/0");
  EXPECT_EQ(CountSent("response.create"), 2U);
}

// One that came twice, or late, ended the wait for the next reply.
TEST_F(OpenAiRealtimeErrorsTest, AnEndOfAnotherResponseEndsNothing) {
  Connect();
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r1"}})");
  const std::string done =
      R"({"type":"response.done","response":{"id":"r1","status":"completed"}})";
  Receive(done);
  Respond();
  log = {};
  Receive(done);
  EXPECT_THAT(log.lines, ElementsAre("fault outOfOrder"));
  Receive(R"({"type":"response.created","response":{"id":"r2"}})");
  log = {};
  Receive(
      R"({"type":"response.done","response":{"id":"r9","status":"completed"}})");
  EXPECT_THAT(log.lines, ElementsAre("fault outOfOrder"));
  Receive(
      R"({"type":"response.done","response":{"id":"r2","status":"completed"}})");
  EXPECT_EQ(log.Words().back(), "done complete 0/0");
}

// Nothing could be asked for any more.
TEST_F(OpenAiRealtimeErrorsTest, TheEndOfAResponseThatWasNotAnnouncedIsOne) {
  Connect();
  Respond();
  Receive(R"({"type":"response.output_audio.delta","response_id":"r1",
      "item_id":"i1","content_index":0,"delta":"AQID"})");
  Receive(
      R"({"type":"response.done","response":{"id":"r1","status":"completed"}})");
  EXPECT_EQ(log.Words().back(), "done complete 0/0");
  Respond();
  EXPECT_EQ(CountSent("response.create"), 2U);
}

// What was cancelled was heard after all, when the server had said that there
// was nothing to cancel.
TEST_F(OpenAiRealtimeErrorsTest, NothingIsHeardOfAResponseThatHasEnded) {
  Connect();
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r1"}})");
  Cancel();
  Refuse({{"code", "response_cancel_not_active"}});
  log = {};
  Receive(R"({"type":"response.output_audio.delta","response_id":"r1",
      "item_id":"i1","content_index":0,"delta":"AQID"})");
  Receive(R"({"type":"response.output_item.done","response_id":"r1","item":
      {"type":"function_call","status":"completed","call_id":"k","name":"n"}})");
  EXPECT_THAT(log.lines, ElementsAre("fault outOfOrder", "fault outOfOrder"));
  EXPECT_TRUE(log.audio.empty());
}

TEST_F(OpenAiRealtimeErrorsTest, NothingIsHeardOfWhatWasCancelledUnannounced) {
  Connect();
  Respond();
  Cancel();
  Receive(R"({"type":"response.output_audio.delta","response_id":"r1",
      "item_id":"i1","content_index":0,"delta":"AQID"})");
  EXPECT_TRUE(log.audio.empty());
}

// The caller waited for the reply to the end of its time.
TEST_F(OpenAiRealtimeErrorsTest, AResponseThatTheServerCancelsIsIncomplete) {
  Connect();
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r1"}})");
  Receive(R"({"type":"response.done","response":{"id":"r1",
      "status":"cancelled","status_details":{"reason":"turn_detected"}}})");
  EXPECT_EQ(log.Words().back(), "done incomplete 0/0 turn_detected");
}

TEST_F(OpenAiRealtimeErrorsTest, AnEndOfNoResponseIsAFault) {
  Connect();
  Respond();
  log = {};
  Receive(R"({"type":"response.done"})");
  EXPECT_THAT(log.lines, ElementsAre("fault missingField"));
}

TEST_F(OpenAiRealtimeErrorsTest, ACancelledRequestThatIsRefusedIsCancelled) {
  Connect();
  Respond();
  Cancel();
  Refuse(
      {{"code", "rate_limit_exceeded"}, {"event_id", IdOf("response.create")}});
  EXPECT_THAT(log.Words(), ElementsAre("done cancelled 0/0"));
}

TEST_F(OpenAiRealtimeErrorsTest, AFailedReplySaysWhy) {
  Connect();
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r1"}})");
  Receive(R"({"type":"response.done","response":{"id":"r1","status":"failed",
      "status_details":{"type":"failed","error":{"type":"server_error",
      "code":null,"message":"Oops."}}}})");
  EXPECT_THAT(log.Words(), ElementsAre("done failed 0/0 server_error Oops."));
}

TEST_F(OpenAiRealtimeErrorsTest, AReplyWithoutQuotaIsRefused) {
  Connect();
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r1"}})");
  Receive(R"({"type":"response.done","response":{"id":"r1","status":"failed",
      "status_details":{"error":{"code":"insufficient_quota"}}}})");
  EXPECT_THAT(log.Words(), ElementsAre("done refused 0/0 insufficient_quota"));
}

TEST_F(OpenAiRealtimeErrorsTest, AnIncompleteReplySaysWhy) {
  for (const char* reason : {"content_filter", "max_output_tokens"}) {
    Connect();
    Respond();
    Receive(R"({"type":"response.created","response":{"id":"r1"}})");
    Receive(Json{{"type", "response.done"},
                 {"response",
                  {{"id", "r1"},
                   {"status", "incomplete"},
                   {"status_details", {{"reason", reason}}}}}}
                .dump());
    EXPECT_THAT(log.Words(),
                ElementsAre(std::string("done incomplete 0/0 ") + reason));
  }
}

TEST_F(OpenAiRealtimeErrorsTest, AReplyOfTextAloneIsIncomplete) {
  Connect();
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r1"}})");
  Receive(R"({"type":"response.output_text.delta","response_id":"r1",
      "item_id":"i1","delta":"Hello"})");
  Receive(
      R"({"type":"response.done","response":{"id":"r1","status":"completed"}})");
  EXPECT_THAT(log.Words(), ElementsAre("done incomplete 0/0 noAudio"));
  // The next one has audio.
  Respond();
  Receive(R"({"type":"response.created","response":{"id":"r2"}})");
  Receive(R"({"type":"response.output_audio.delta","response_id":"r2",
      "item_id":"i2","content_index":0,"delta":"AQID"})");
  log = {};
  Receive(
      R"({"type":"response.done","response":{"id":"r2","status":"completed"}})");
  EXPECT_THAT(log.Words(), ElementsAre("done complete 0/0"));
}

TEST_F(OpenAiRealtimeErrorsTest, ACloseKeepsItsReason) {
  Connect();
  agent.OnSocketClosed(channels.newest(), 1008, 0, "policy: no such project");
  log.Take(agent);
  EXPECT_THAT(log.Words(),
              ElementsAre("fatal closed1008 policy: no such project"));
}

}  // namespace
}  // namespace trunkline::protocol
