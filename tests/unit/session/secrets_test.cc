#include "session/secrets.h"

#include <gtest/gtest.h>

#include <string>

namespace trunkline::session {
namespace {

TEST(SecretsTest, KeysAreMasked) {
  EXPECT_EQ(WithoutSecrets("Incorrect API key provided: sk-proj-abc****wxyz."),
            "Incorrect API key provided: ***.");
  EXPECT_EQ(WithoutSecrets("sk-1"), "***");
  EXPECT_EQ(WithoutSecrets("token ek_68af296e8e408191a1120ab6383263c2 expired"),
            "token *** expired");
  EXPECT_EQ(WithoutSecrets("Authorization: Bearer abc, or else"),
            "Authorization: Bearer ***, or else");
  EXPECT_EQ(WithoutSecrets("api_key=sk-abcdefgh&x"), "api_key=***");
  EXPECT_EQ(WithoutSecrets("Bearer abc.def+g/h= is wrong"),
            "Bearer *** is wrong");
  EXPECT_EQ(WithoutSecrets("Bearer\tabc"), "Bearer\t***");
  EXPECT_EQ(WithoutSecrets("Bearer: abc"), "Bearer: ***");
  EXPECT_EQ(WithoutSecrets("url?key=0123456789abcdef01234567&x=1"),
            "url?key=***&x=1");
  EXPECT_EQ(WithoutSecrets("{\"key\":\"0123456789abcdef0123456789abcdef\"}"),
            "{\"key\":\"***\"}");
}

TEST(SecretsTest, WhatIsSaidStays) {
  for (const char* text :
       {"",
        "Rate limit reached for gpt-realtime-2.1 in organization on tokens "
        "per min (TPM): Limit 40000. Please try again in 3.1s.",
        "Invalid value: 'session.tools[0].name'.",
        "internationalization-of-everything"}) {
    EXPECT_EQ(WithoutSecrets(text), text);
  }
}

TEST(SecretsTest, LongTextsAreCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "\xC3\xA4 ";
  const std::string kept = WithoutSecrets(text);
  EXPECT_LE(kept.size(), kMaxMessageBytes);
  EXPECT_GE(kept.size(), kMaxMessageBytes - 2);
  EXPECT_EQ(text.substr(0, kept.size()), kept);
}

// One that the cut goes through is no less a key.
TEST(SecretsTest, AKeyAtTheCutIsMasked) {
  const std::string text = std::string(kMaxMessageBytes - 10, ' ') +
                           "abcdefghijklmnopqrstuvwxyz0123456789";
  EXPECT_EQ(WithoutSecrets(text).find("abc"), std::string::npos);
}

TEST(SecretsTest, MalformedTextIsMended) {
  EXPECT_EQ(WithoutSecrets("a \xFF b"), "a \xEF\xBF\xBD b");
}

}  // namespace
}  // namespace trunkline::session
