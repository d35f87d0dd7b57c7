#include "abi/trunkline.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace {

struct Record {
  uint16_t tag;
  uint64_t arg;
  std::string body;
};

std::vector<Record> Read(tl_handle session) {
  std::vector<Record> records;
  const uint8_t* at = tl_effects(session);
  const uint8_t* const end = at + tl_effects_len(session);
  while (at < end) {
    Record record{};
    uint32_t length = 0;
    std::memcpy(&record.tag, at, 2);
    std::memcpy(&length, at + 4, 4);
    std::memcpy(&record.arg, at + 8, 8);
    record.body.assign(reinterpret_cast<const char*>(at + 16), length);
    for (uint32_t i = length; i < (length + 7) / 8 * 8; ++i) {
      EXPECT_EQ(at[16 + i], 0) << "padding";
    }
    at += 16 + (length + 7) / 8 * 8;
    records.push_back(record);
  }
  EXPECT_EQ(at, end) << "whole records";
  return records;
}

std::vector<Record> Drain(tl_handle session) {
  std::vector<Record> records = Read(session);
  tl_effects_consume(session, tl_effects_len(session));
  EXPECT_EQ(tl_effects_len(session), 0U);
  return records;
}

uint32_t Fill(const std::string& body) {
  std::memcpy(tl_inbox(static_cast<uint32_t>(body.size())), body.data(),
              body.size());
  return static_cast<uint32_t>(body.size());
}

tl_handle Create(const std::string& config = R"({"callId":"c"})") {
  return tl_session_create(1000, Fill(config));
}

std::string Command(const std::string& command) {
  return R"({"id":7,"source":{"kind":"operator"},"command":)" + command + "}";
}

class TrunklineTest : public testing::Test {
 protected:
  void SetUp() override {
    session = Create();
    ASSERT_NE(session, 0U);
    Drain(session);
  }
  void TearDown() override { tl_session_destroy(session); }
  tl_status Input(uint32_t tag, const std::string& body = "") {
    return tl_session_input(session, 2000, tag, Fill(body));
  }
  // Whether the input is taken, and its status tells of its effects.
  bool Takes(uint32_t tag, const std::string& body = "") {
    const tl_status status = Input(tag, body);
    return status >= 0 &&
           static_cast<uint32_t>(status) == tl_effects_len(session);
  }
  tl_handle session = 0;
};

TEST_F(TrunklineTest, TheVersionIsTheHeaders) {
  EXPECT_EQ(tl_abi_version(), TL_ABI_VERSION);
}

TEST_F(TrunklineTest, TheInboxHasABound) {
  EXPECT_NE(tl_inbox(TL_MAX_INPUT_BYTES), nullptr);
  EXPECT_EQ(tl_inbox(TL_MAX_INPUT_BYTES + 1), nullptr);
  EXPECT_EQ(
      tl_session_input(session, 2000, TL_INPUT_TIMER, TL_MAX_INPUT_BYTES + 1),
      TL_ERR_INPUT);
}

TEST_F(TrunklineTest, AnInputWaitsForTheEffectsOfTheFormer) {
  ASSERT_TRUE(Takes(TL_INPUT_SOCKET_OPENED));
  ASSERT_TRUE(Takes(
      TL_INPUT_SOCKET_TEXT,
      R"({"event":"start","start":{"streamSid":"MZ1","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000}}})"));
  ASSERT_GT(tl_effects_len(session), 0U);
  EXPECT_EQ(Input(TL_INPUT_TIMER), TL_ERR_UNDRAINED);
  Drain(session);
  EXPECT_EQ(Input(TL_INPUT_TIMER), TL_OK);
}

TEST_F(TrunklineTest, EffectsAreConsumedByWholeRecords) {
  ASSERT_TRUE(Takes(TL_INPUT_COMMAND, Command(R"({"type":"hangUp"})")));
  const std::vector<Record> records = Read(session);
  ASSERT_GE(records.size(), 2U);
  const uint32_t all = tl_effects_len(session);
  tl_effects_consume(session, 8);
  EXPECT_EQ(tl_effects_len(session), all);
  const auto first =
      static_cast<uint32_t>(16 + (records[0].body.size() + 7) / 8 * 8);
  tl_effects_consume(session, first);
  EXPECT_EQ(tl_effects_len(session), all - first);
  EXPECT_EQ(Read(session).size(), records.size() - 1);
  tl_effects_consume(session, all);  // more than there is
  EXPECT_EQ(tl_effects_len(session), all - first);
}

TEST_F(TrunklineTest, WhatTheShimGetsWrongChangesNothing) {
  EXPECT_EQ(Input(0), TL_ERR_INPUT);
  EXPECT_EQ(Input(99), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_SOCKET_CLOSED, "123"), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_SOCKET_OVERSIZE, "1234"), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_AUTHORIZED, ""), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_AUTHORIZED, "\x09"), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_COMMAND, "{"), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_COMMAND, R"({"type":"hangUp"})"), TL_ERR_INPUT);
  const std::string zeros(4, '\0');
  EXPECT_EQ(Input(TL_INPUT_HTTP_HEADERS | 1 << 16, zeros), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_HTTP_HEADERS | 1 << 16, zeros + "[]"), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_HTTP_HEADERS | 1 << 16, "1234{}"), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_HTTP_FAILED | 1 << 16, ""), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_HTTP_FAILED | 1 << 16, "\x05"), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_RESOURCE, "\x01"), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_RESOURCE, std::string("\2\0\0\0", 4)), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_RESOURCE, std::string("\1\0\4\0abc", 7)),
            TL_ERR_INPUT);
  // On a channel that they do not have.
  EXPECT_EQ(Input(TL_INPUT_TIMER | 1 << 16), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_COMMAND | 1 << 16, Command("{}")), TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_AUTHORIZED | 1 << 16, zeros.substr(0, 1)),
            TL_ERR_INPUT);
  EXPECT_EQ(Input(TL_INPUT_RESOURCE | 1 << 16, zeros), TL_ERR_INPUT);
  EXPECT_EQ(tl_effects_len(session), 0U);
  EXPECT_EQ(tl_session_input(session + 1, 2000, TL_INPUT_TIMER, 0),
            TL_ERR_HANDLE);
  EXPECT_EQ(tl_session_input(0, 2000, TL_INPUT_TIMER, 0), TL_ERR_HANDLE);
}

TEST_F(TrunklineTest, WhatComesOnNoOpenChannelChangesNothing) {
  const std::string zeros(4, '\0');
  for (const uint32_t channel : {0U, 1U, 2U, 0xFFFFU}) {
    const uint32_t on = channel << 16;
    EXPECT_EQ(Input(TL_INPUT_SOCKET_TEXT | on, "{}"), TL_OK);
    EXPECT_EQ(Input(TL_INPUT_SOCKET_BINARY | on, "x"), TL_OK);
    EXPECT_EQ(Input(TL_INPUT_SOCKET_CLOSED | on, zeros), TL_OK);
    EXPECT_EQ(Input(TL_INPUT_SOCKET_OVERSIZE | on, zeros + zeros), TL_OK);
    EXPECT_EQ(Input(TL_INPUT_HTTP_HEADERS | on, zeros + "{}"), TL_OK);
    EXPECT_EQ(Input(TL_INPUT_HTTP_CHUNK | on, "x"), TL_OK);
    EXPECT_EQ(Input(TL_INPUT_HTTP_DONE | on), TL_OK);
    EXPECT_EQ(Input(TL_INPUT_HTTP_FAILED | on, "\x01gone"), TL_OK);
  }
  EXPECT_EQ(Input(TL_INPUT_SOCKET_OPENED | 1 << 16), TL_OK);
  EXPECT_EQ(Input(TL_INPUT_RESOURCE, std::string("\1\0\3\0abcdef", 10)), TL_OK);
  EXPECT_EQ(tl_effects_len(session), 0U);
}

TEST_F(TrunklineTest, EveryCommandHasOneResult) {
  ASSERT_TRUE(Takes(TL_INPUT_COMMAND, Command(R"({"type":"nonsense"})")));
  const std::vector<Record> refused = Drain(session);
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].tag, TL_EFFECT_COMMAND_RESULT);
  EXPECT_EQ(
      refused[0].body,
      R"({"code":"invalid","field":"type","id":7,"status":"refused","why":"there is no such command"})");
  ASSERT_TRUE(Takes(TL_INPUT_COMMAND, Command(R"({"type":"hangUp"})")));
  const std::vector<Record> done = Drain(session);
  ASSERT_GE(done.size(), 2U);
  EXPECT_EQ(done.front().tag, TL_EFFECT_COMMAND_RESULT);
  EXPECT_EQ(done.front().body, R"({"id":7,"status":"done"})");
  EXPECT_EQ(done.back().tag, TL_EFFECT_ENDED);
}

TEST_F(TrunklineTest, EventsCountOnFromTheConfiguration) {
  const tl_handle next = Create(
      R"({"callId":"c","firstSeq":41,"snapshot":"what was, \"verbatim\""})");
  ASSERT_NE(next, 0U);
  EXPECT_NE(Drain(next)[0].body.find(R"("seq":41)"), std::string::npos);
  tl_session_destroy(next);
  EXPECT_EQ(Create(R"({"callId":"c","firstSeq":-1})"), 0U);
  EXPECT_EQ(Create(R"({"callId":"c","snapshot":{}})"), 0U);
}

TEST_F(TrunklineTest, AfterTheEndEveryInputSaysSo) {
  ASSERT_TRUE(Takes(TL_INPUT_COMMAND, Command(R"({"type":"hangUp"})")));
  const std::vector<Record> records = Drain(session);
  EXPECT_EQ(records.back().tag, TL_EFFECT_ENDED);
  EXPECT_EQ(Input(TL_INPUT_TIMER), TL_ERR_ENDED);
  EXPECT_EQ(tl_effects_len(session), 0U);
}

TEST_F(TrunklineTest, AStaleHandleNeverReachesTheNextCall) {
  const tl_handle stale = session;
  tl_session_destroy(session);
  session = Create();
  Drain(session);
  EXPECT_NE(session, stale);
  EXPECT_EQ(tl_session_input(stale, 2000, TL_INPUT_TIMER, 0), TL_ERR_HANDLE);
  EXPECT_EQ(tl_effects(stale), nullptr);
  EXPECT_EQ(tl_effects_len(stale), 0U);
  tl_effects_consume(stale, 8);
  tl_session_destroy(stale);
  EXPECT_EQ(Input(TL_INPUT_TIMER), TL_OK);
}

TEST_F(TrunklineTest, ABadConfigurationIsRefused) {
  EXPECT_EQ(Create(""), 0U);
  EXPECT_EQ(Create("{}"), 0U);
  EXPECT_EQ(tl_session_create(0, TL_MAX_INPUT_BYTES + 1), 0U);
}

TEST_F(TrunklineTest, HoldsNoMoreSessionsThanItSays) {
  std::vector<tl_handle> sessions;
  for (uint32_t i = 1; i < TL_MAX_SESSIONS; ++i) {
    sessions.push_back(Create());
    EXPECT_NE(sessions.back(), 0U);
  }
  EXPECT_EQ(Create(), 0U);
  for (const tl_handle other : sessions) tl_session_destroy(other);
  const tl_handle again = Create();
  EXPECT_NE(again, 0U);
  tl_session_destroy(again);
}

TEST_F(TrunklineTest, TimeNeverGoesBackAndMayBeAnything) {
  const tl_status at_the_end =
      tl_session_input(session, UINT64_MAX, TL_INPUT_SOCKET_OPENED, 0);
  ASSERT_GE(at_the_end, TL_OK);
  EXPECT_EQ(static_cast<uint32_t>(at_the_end), tl_effects_len(session));
  Drain(session);
  EXPECT_EQ(tl_session_input(session, 0, TL_INPUT_TIMER, 0), TL_OK);
}

}  // namespace
