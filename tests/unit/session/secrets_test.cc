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

struct Masking {
  const char* text;
  const char* masked;
};

// It was masked for its length, and nobody knew which model it was.
TEST(SecretsTest, NamesOfModelsStay) {
  for (const char* text :
       {"Model gpt-4o-realtime-preview-2025-06-03 is deprecated",
        "gpt-4o-mini-transcribe-2025-03-20: unknown"}) {
    EXPECT_EQ(WithoutSecrets(text), text);
  }
  for (const char* text :
       {"123e4567-e89b-12d3-a456-426614174000", "abcdefghijklm-nopqrst-uvw-1",
        "key_1234-5678-90123-4567-8901", "Abcd-def-ghi-jkl-mno-pqr-1"}) {
    EXPECT_EQ(WithoutSecrets(text), "***");
  }
}

TEST(SecretsTest, WhatIsAssignedToANameIsMasked) {
  for (const auto& [text, masked] : {
           Masking{"api_key=abc", "api_key=***"},
           Masking{"API_KEY = abc1", "API_KEY = ***"},
           Masking{"apikey: k3y9", "apikey: ***"},
           Masking{"apiKey:k3y9,", "apiKey:***,"},
           Masking{"X-Api-Key: k3y9", "X-Api-Key: ***"},
           Masking{"token=swordfish.", "token=***."},
           Masking{"access_token=a1b2&user=me", "access_token=***&user=me"},
           Masking{"wss://host/v1?model=m&token=xyz&n=3",
                   "wss://host/v1?model=m&token=***&n=3"},
           Masking{"?client_secret=a%20b&x=1#f", "?client_secret=***&x=1#f"},
           Masking{"token%3Dabc is wrong", "token%3D*** is wrong"},
           Masking{"%22api_key%22%3A%22abc%22,", "%22api_key%22%3A***,"},
           Masking{"password=hunter2", "password=***"},
           Masking{"password: hunter2!", "password: ***"},
           Masking{"password=1234", "password=***"},
           Masking{"secret='open sesame1'", "secret='open ***'"},
           Masking{R"({"password":"swordfish","n":1})",
                   R"({"password":"***","n":1})"},
           Masking{R"({"accessToken" : "abc", "user":"me"})",
                   R"({"accessToken" : "***", "user":"me"})"},
           Masking{R"({\"api_key\":\"abc\",\"n\":1})",
                   R"({\"api_key\":\"***\",\"n\":1})"},
           Masking{R"({"secret":["a1b2"]})", R"({"secret":["***"]})"},
           // The message is cut before the quote that ends it.
           Masking{R"({"secret":"abc)", R"({"secret":"***)"},
           Masking{"headers['api-key'] = 'abc'", "headers['api-key'] = '***'"},
           Masking{"{api_key => 'abc'}", "{api_key => '***'}"},
           Masking{"Incorrect API key provided: test1234.",
                   "Incorrect API key provided: ***."},
           Masking{"the api key given 'x1y2z3' is wrong",
                   "the api key given '***' is wrong"},
           Masking{"Invalid API key a1b2c3d4 (request 7)",
                   "Invalid API key *** (request 7)"},
           Masking{"API key: abc1", "API key: ***"},
           Masking{"your password is hunter22, no?",
                   "your password is ***, no?"},
       }) {
    EXPECT_EQ(WithoutSecrets(text), masked);
  }
}

TEST(SecretsTest, CredentialsAreMasked) {
  for (const auto& [text, masked] : {
           Masking{"Authorization:Bearer abcdef", "Authorization:Bearer ***"},
           Masking{"authorization=bearer abc", "authorization=bearer ***"},
           Masking{"Authorization: BEARER abc", "Authorization: BEARER ***"},
           Masking{R"({"Authorization":"Bearer abc"})",
                   R"({"Authorization":"Bearer ***"})"},
           Masking{"Bearer%20abc", "Bearer%20***"},
           Masking{"Bearer token a1b2c3d4 is wrong",
                   "Bearer token *** is wrong"},
           Masking{"Basic dXNlcjpwYXNz", "Basic ***"},
           Masking{"Authorization: Basic abcd", "Authorization: Basic ***"},
           Masking{"Proxy-Authorization: Basic YTpi",
                   "Proxy-Authorization: Basic ***"},
           Masking{"Authorization: dXNlcjpwYXNz", "Authorization: ***"},
           Masking{"Authorization: Token xyz", "Authorization: Token ***"},
           Masking{"Token a1b2c3d4", "Token ***"},
           Masking{"Digest a1b2c3d4", "Digest ***"},
           Masking{R"(Digest username="me", realm="r", response="6629fae4")",
                   R"(Digest username="***", realm="r", response="***")"},
           Masking{"https://user:pass@host/x", "https://***@host/x"},
           Masking{"wss://user@host:8080/x?a=b@c",
                   "wss://***@host:8080/x?a=b@c"},
           Masking{"at redis://:p@ss@host.", "at redis://***@host."},
       }) {
    EXPECT_EQ(WithoutSecrets(text), masked);
  }
}

TEST(SecretsTest, KeysAreKnownByTheirBeginningAndTheirLength) {
  for (const auto& [text, masked] : {
           Masking{"SK-ABC is wrong", "*** is wrong"},
           Masking{"Sk-Abc", "***"},
           Masking{"sk_live_ab", "***"},
           Masking{"whsec_abc", "***"},
           Masking{"SK0123456789abcdef0123456789abcdef", "***"},
           Masking{"account AC0123456789abcdef0123456789abcdef is closed",
                   "account *** is closed"},
           Masking{"ghp_abc123 and github_pat_11AB", "*** and ***"},
           Masking{"xoxb-12-ab is revoked", "*** is revoked"},
           Masking{"AKIAIOSFODNN7EXAMPLE", "***"},
           Masking{"api_key (a1b2c3d4e5) was refused",
                   "api_key (***) was refused"},
           Masking{"Key a1b2c3d4e5f6a7b8 was revoked", "Key *** was revoked"},
           Masking{"jwt eyJhbGciOi.eyJzdWIi.c2ln expired", "jwt *** expired"},
       }) {
    EXPECT_EQ(WithoutSecrets(text), masked);
  }
}

// A mask over ordinary words hides what went wrong.
TEST(SecretsTest, WordsBehindANameStay) {
  for (const char* text :
       {"the token expired",
        "The token has expired.",
        "invalid api_key",
        "Bearer authentication is required",
        "Bearer realm=\"example\", error=\"invalid_token\"",
        "Missing bearer or basic authentication in header",
        "password: required",
        "password=missing",
        "token: expired",
        "token: 401 Unauthorized",
        "secret: none",
        "api_key: field required",
        "Invalid token: AuthenticationError",
        "{\"api_key\":[\"This field is required.\"]}",
        "{\"token\":null,\"secret\":\"\"}",
        "{\"password\":\"invalid\"}",
        "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
        "Unexpected token: '}'",
        "Basic plan, digest of a token limit: 4096",
        "max_output_tokens: 4096, prompt_token=12",
        "your password is required",
        "set api_key=$OPENAI_API_KEY or ${API_KEY}",
        "Authorization: <your key>",
        "a risk-free task-list on the disk_0",
        "see https://host/v1/realtime?model=gpt-realtime-2.1, mail me@host",
        "Key expired, the key (see below) of item_0",
        "Unknown key gpt-realtime-2025-08-28, enable_hf_transfer",
        "Unrecognized key \"inputAudioTranscription\", Akiak",
        "the key is missing, the keyboard: qwerty12"}) {
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
