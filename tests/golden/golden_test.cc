// Golden transcripts: each *.md here has a block of inputs and the block of
// effects they must have. This test runs them on the native core,
// golden.test.ts on both modules; all three must agree to the byte.
//
//   <ms> create <config>           <ms> text|binary|closed|opened <channel> ...
//   <ms> command <envelope>        <ms> authorized <verdict>
//   <ms> headers <channel> <status> <json>
//   <ms> chunk <channel> <text>    <ms> done <channel>
//   <ms> failed <channel> <kind> <reason>
//   <ms> resource <name> <text>
//   <ms> frames <kind> <count>     media frames of the leg, 20 ms apart; kind
//                                  is speech, silence or lost
//
// A channel is `leg` or the number that the core gave it.
//
// TIMER inputs are fed whenever the deadline passes. A body above 160 bytes
// shows its first 60, its length and its FNV-1a hash; pages of the recording
// show the last two.
//
// GOLDEN_UPDATE=1 writes the effects anew; the test fails while it is set.

#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "abi/trunkline.h"
#include "audio/g711.h"
#include "base/base64.h"

namespace trunkline {
namespace {

std::string ChannelName(uint64_t arg) {
  const uint64_t channel = arg & 0xFFFFFFFF;
  return channel == TL_CHANNEL_LEG ? "leg" : std::to_string(channel);
}

// A 16-bit number of a body.
std::string Two(unsigned value) {
  return {static_cast<char>(value & 0xFF), static_cast<char>(value >> 8)};
}

std::string LengthAndHash(const std::string& body) {
  uint64_t hash = 14695981039346656037U;
  for (const char c : body) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
  char tail[64];
  std::snprintf(tail, sizeof tail, " ~%zu %016" PRIx64, body.size(), hash);
  return tail;
}

std::string Show(const std::string& body) {
  return body.size() <= 160 ? body : body.substr(0, 60) + LengthAndHash(body);
}

// A voice of 125 Hz in integers: three triangles, in syllables of 160 ms, with
// noise. `n` counts samples of the transcript's speech.
int16_t Voice(uint32_t n) {
  const auto triangle = [](uint32_t at, uint32_t period) {
    const auto x = static_cast<int32_t>(at % period * 4096 / period);
    return x < 2048 ? x - 1024 : 3072 - x;
  };
  const uint32_t random = n * 1664525 + 1013904223;
  const auto noise = static_cast<int32_t>(random >> 22) - 512;
  const int32_t syllable = 4 + triangle(n, 1280) / 512;
  return static_cast<int16_t>((4 * triangle(n, 64) + 3 * triangle(n, 13) +
                               2 * triangle(n, 5) + noise / 2) *
                              syllable / 6);
}

class Transcript {
 public:
  std::string Run(const std::string& inputs) {
    std::istringstream lines(inputs);
    for (std::string line; std::getline(lines, line);) {
      if (line.empty()) continue;
      std::istringstream words(line);
      uint64_t ms = 0;
      std::string verb;
      words >> ms >> verb;
      Apply(ms, verb, words);
    }
    if (session_ != 0) tl_session_destroy(session_);
    return effects_.str();
  }

 private:
  static std::string Rest(std::istringstream& words) {
    std::string rest;
    std::getline(words >> std::ws, rest);
    return rest;
  }

  void Apply(uint64_t ms, const std::string& verb, std::istringstream& words) {
    if (verb == "create") {
      const std::string config = Rest(words);
      Fill(config);
      session_ =
          tl_session_create(ms * 1000, static_cast<uint32_t>(config.size()));
      ASSERT_NE(session_, 0U);
      Drain(ms * 1000);
      return;
    }
    if (verb == "frames") {
      std::string kind;
      int count = 0;
      words >> kind >> count;
      for (int i = 0; i < count; ++i, ms += 20) {
        ++sequence_;
        if (kind == "lost") continue;
        Input(ms, TL_INPUT_SOCKET_TEXT, Media(kind == "speech"));
      }
      return;
    }
    if (verb == "command") {
      Input(ms, TL_INPUT_COMMAND, Rest(words));
      return;
    }
    if (verb == "authorized") {
      int verdict = 0;
      words >> verdict;
      Input(ms, TL_INPUT_AUTHORIZED,
            std::string(1, static_cast<char>(verdict)));
      return;
    }
    if (verb == "resource") {
      std::string name;
      words >> name;
      std::string body = {1, 0};
      body += Two(static_cast<unsigned>(name.size())) + name + Rest(words);
      Input(ms, TL_INPUT_RESOURCE, body);
      return;
    }
    std::string name;
    words >> name;
    const auto number = name == "leg" ? TL_CHANNEL_LEG
                                      : static_cast<uint32_t>(std::stoul(name));
    const uint32_t channel = number << 16;
    unsigned value = 0;
    if (verb == "opened") {
      Input(ms, TL_INPUT_SOCKET_OPENED | channel, "");
    } else if (verb == "text") {
      Input(ms, TL_INPUT_SOCKET_TEXT | channel, Rest(words));
    } else if (verb == "binary") {
      Input(ms, TL_INPUT_SOCKET_BINARY | channel, Rest(words));
    } else if (verb == "closed") {
      words >> value;
      Input(ms, TL_INPUT_SOCKET_CLOSED | channel, Two(value) + Two(0));
    } else if (verb == "headers") {
      words >> value;
      Input(ms, TL_INPUT_HTTP_HEADERS | channel,
            Two(value) + Two(0) + Rest(words));
    } else if (verb == "chunk") {
      Input(ms, TL_INPUT_HTTP_CHUNK | channel, Rest(words));
    } else if (verb == "done") {
      Input(ms, TL_INPUT_HTTP_DONE | channel, "");
    } else if (verb == "failed") {
      words >> value;
      Input(ms, TL_INPUT_HTTP_FAILED | channel,
            static_cast<char>(value) + Rest(words));
    } else {
      FAIL() << "unknown input: " << verb;
    }
  }

  std::string Media(bool speech) {
    int16_t samples[160] = {};
    if (speech) {
      for (int16_t& sample : samples) sample = Voice(voiced_++);
    }
    uint8_t encoded[160];
    audio::EncodeMuLaw(samples, encoded);
    std::string payload(Base64EncodedSize(sizeof encoded), ' ');
    Base64Encode(encoded, payload.data());
    return R"({"event":"media","sequenceNumber":")" +
           std::to_string(sequence_) +
           R"(","streamSid":"MZ1","media":{"track":"inbound","chunk":"1","timestamp":")" +
           std::to_string(sequence_ * 20) + R"(","payload":")" + payload +
           R"("}})";
  }

  static void Fill(const std::string& body) {
    std::memcpy(tl_inbox(static_cast<uint32_t>(body.size())), body.data(),
                body.size());
  }

  void Input(uint64_t ms, uint32_t tag, const std::string& body) {
    const uint64_t now_us = ms * 1000;
    while (deadline_us_ <= now_us) {
      const uint64_t due = std::exchange(deadline_us_, UINT64_MAX);
      Feed(due, TL_INPUT_TIMER, "");
    }
    Feed(now_us, tag, body);
  }

  void Feed(uint64_t now_us, uint32_t tag, const std::string& body) {
    Fill(body);
    const tl_status status = tl_session_input(
        session_, now_us, tag, static_cast<uint32_t>(body.size()));
    if (status < 0) {
      effects_ << now_us / 1000 << " status " << status << "\n";
    }
    Drain(now_us);
  }

  void Drain(uint64_t now_us) {
    const uint8_t* at = tl_effects(session_);
    const uint8_t* const end = at + tl_effects_len(session_);
    while (at < end) {
      uint16_t tag = 0;
      uint32_t length = 0;
      uint64_t arg = 0;
      std::memcpy(&tag, at, 2);
      std::memcpy(&length, at + 4, 4);
      std::memcpy(&arg, at + 8, 8);
      const std::string body(reinterpret_cast<const char*>(at + 16), length);
      at += 16 + (length + 7) / 8 * 8;
      effects_ << now_us / 1000 << " ";
      switch (tag) {
        case TL_EFFECT_SEND_TEXT:
          effects_ << "text " << ChannelName(arg) << " " << Show(body);
          break;
        case TL_EFFECT_CONNECT:
          effects_ << "connect " << ChannelName(arg) << " " << body;
          break;
        case TL_EFFECT_CLOSE:
          effects_ << "close " << ChannelName(arg) << " " << (arg >> 32) << " "
                   << body;
          break;
        case TL_EFFECT_FETCH: {
          uint32_t json = 0;
          std::memcpy(&json, body.data(), 4);
          effects_ << "fetch " << ChannelName(arg) << " "
                   << body.substr(4, json) << " "
                   << LengthAndHash(body.substr(4 + json));
          break;
        }
        case TL_EFFECT_FETCH_ABORT:
          effects_ << "abort " << ChannelName(arg);
          break;
        case TL_EFFECT_FETCH_CREDIT:
          effects_ << "credit " << ChannelName(arg) << " " << (arg >> 32);
          break;
        case TL_EFFECT_LOAD_RESOURCE:
          effects_ << "load " << body;
          break;
        case TL_EFFECT_COMMAND_RESULT:
          effects_ << "result " << body;
          break;
        case TL_EFFECT_SNAPSHOT:
          effects_ << "snapshot " << Show(body);
          break;
        case TL_EFFECT_DEADLINE:
          deadline_us_ = arg;
          effects_ << "deadline ";
          if (arg == UINT64_MAX) {
            effects_ << "none";
          } else {
            effects_ << arg / 1000;
          }
          break;
        case TL_EFFECT_AUTHORIZE:
          effects_ << "authorize " << body;
          break;
        case TL_EFFECT_EVENT:
          effects_ << "event " << Show(body);
          break;
        case TL_EFFECT_ENDED:
          effects_ << "ended " << Show(body);
          break;
        case TL_EFFECT_RECORD:
          effects_ << "record " << arg << LengthAndHash(body);
          break;
        default:
          effects_ << "tag " << tag;
          break;
      }
      effects_ << "\n";
    }
    tl_effects_consume(session_, tl_effects_len(session_));
  }

  tl_handle session_ = 0;
  uint64_t deadline_us_ = UINT64_MAX;
  uint32_t sequence_ = 1;
  uint32_t voiced_ = 0;
  std::ostringstream effects_;
};

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The text between ```name and ```.
std::string Block(const std::string& text, const std::string& name) {
  const std::string open = "```" + name + "\n";
  const size_t begin = text.find(open);
  if (begin == std::string::npos) return "";
  const size_t from = begin + open.size();
  return text.substr(from, text.find("```", from) - from);
}

class GoldenTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, EffectsAreAsWritten) {
  const std::filesystem::path path =
      std::filesystem::path(TRUNKLINE_SOURCE_DIR) / "tests/golden" /
      (GetParam() + ".md");
  const std::string text = ReadFile(path);
  const std::string inputs = Block(text, "inputs");
  ASSERT_FALSE(inputs.empty());
  const std::string effects = Transcript().Run(inputs);
  if (std::getenv("GOLDEN_UPDATE") != nullptr) {
    std::string updated = text.substr(0, text.find("```effects\n"));
    updated += "```effects\n" + effects + "```\n";
    std::ofstream(path) << updated;
    FAIL() << "rewritten: " << path;
  }
  EXPECT_EQ(effects, Block(text, "effects"));
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(TRUNKLINE_SOURCE_DIR) / "tests/golden")) {
    if (entry.path().extension() == ".md") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Transcripts, GoldenTest, testing::ValuesIn(Names()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace trunkline
