#include "support/input_script.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include "abi/trunkline.h"
#include "audio/opus_encoder.h"
#include "base/check.h"
#include "base/json.h"
#include "support/ogg_opus.h"

namespace trunkline::test {
namespace {

constexpr const char* kConfigurations[] = {
    R"({"callId":"c","agent":"parrot"})",
    R"({"callId":"c","agent":"openai-realtime"})",
    R"({"callId":"c","agent":"openai-realtime","profile":{"agentAudio":"pcm","greeting":"hi","farewell":"bye","tools":[{"name":"lookup"}]}})",
    R"({"callId":"c","agent":"parrot","limits":{"deadAirMs":500,"maxCallMs":3000,"endOfTurnMs":200,"leadMs":60,"markMs":20}})",
    R"({"callId":"c","agent":"parrot","profile":{"recording":"onConsent","denoiseForRecording":"light"}})",
    R"({"callId":"c","agent":"openai-realtime","profile":{"recording":"on","denoiseForAgent":"strong","levelForAgent":"on"}})",
    R"({"callId":"c","agent":"parrot","firstSeq":900,"snapshot":"{}","profile":{"recording":"on"},"recordingSoFar":{"serial":7,"pages":4,"granule":96000,"ageMs":5000,"pauses":["command","digits"]}})",
};

// What peers say; a script picks one and may overwrite bytes of it.
constexpr const char* kLegMessages[] = {
    R"({"event":"connected","protocol":"Call","version":"1.0.0"})",
    R"({"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"streamSid":"MZ1","callSid":"CA1","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"token":"t"}}})",
    R"({"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"g0:1280"}})",
    R"({"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"g1:2560"}})",
    R"({"event":"dtmf","streamSid":"MZ1","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"1"}})",
    R"({"event":"stop","sequenceNumber":"5","streamSid":"MZ1","stop":{"callSid":"CA1"}})",
};
constexpr const char* kAgentMessages[] = {
    R"({"type":"session.created","session":{"id":"s"}})",
    R"({"type":"session.updated","session":{"id":"s"}})",
    R"({"type":"input_audio_buffer.speech_started","item_id":"u"})",
    R"({"type":"input_audio_buffer.speech_stopped","item_id":"u"})",
    R"({"type":"input_audio_buffer.committed","item_id":"u"})",
    R"({"type":"response.created","response":{"id":"r"}})",
    R"({"type":"response.output_audio.delta","response_id":"r","item_id":"i","content_index":0,"delta":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})",
    R"({"type":"response.output_audio_transcript.done","response_id":"r","item_id":"i","transcript":"some words"})",
    R"({"type":"conversation.item.input_audio_transcription.delta","item_id":"u","delta":"words"})",
    R"({"type":"response.output_item.done","response_id":"r","item":{"type":"function_call","status":"completed","call_id":"k","name":"lookup","arguments":""}})",
    R"({"type":"response.output_item.done","response_id":"r","item":{"type":"function_call","status":"completed","call_id":"k","name":"end_call"}})",
    R"({"type":"response.done","response":{"id":"r","status":"completed","usage":{"input_tokens":1,"output_tokens":2}}})",
    R"({"type":"response.done","response":{"id":"r","status":"failed"}})",
    R"({"type":"error","error":{"code":"conversation_already_has_active_response"}})",
    R"({"type":"error","error":{"code":"session_expired"}})",
};
constexpr const char* kCommands[] = {
    R"({"type":"hangUp"})",
    R"({"type":"say","text":"hello"})",
    R"({"type":"toolResult","toolCallId":"k","output":"x"})",
    R"({"type":"pauseRecording"})",
    R"({"type":"resumeRecording"})",
    R"({"type":"recordingConsent"})",
    R"({"type":"toolResult","toolCallId":"k","output":{"a":1}})",
    R"({"type":"crash"})",
};
constexpr const char* kSources[] = {
    R"({"kind":"operator"})",
    R"({"kind":"observer","role":"supervisor","name":"n"})",
    R"({"kind":"client"})",
    R"({"kind":"harness"})",
};
// What comes of an HTTP exchange.
constexpr const char* kResponseHeaders[] = {
    R"({"content-type":"text/event-stream"})",
    R"({"content-type":"audio/pcm","retry-after":"1"})",
    "{}",
};
constexpr const char* kChunks[] = {
    "data: {\"choices\":[{\"delta\":{\"content\":\"Hello. \"}}]}\n\n",
    "data: [DONE]\n\n",
    R"({"text":"some words","error":null})",
};

class Script {
 public:
  explicit Script(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return at_ >= bytes_.size(); }
  uint8_t Byte() { return empty() ? 0 : bytes_[at_++]; }
  std::span<const uint8_t> Take(size_t count) {
    const size_t size = std::min(count, bytes_.size() - at_);
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
};

// Kinds of input that a script chooses from: those of trunkline.h, text of the
// script's own in the place of number 0, and media frames.
constexpr uint32_t kRawKind = 0;
constexpr uint32_t kMediaKind = TL_INPUT_RESOURCE + 1;
constexpr uint32_t kKinds = kMediaKind + 1;

template <size_t kCount>
std::string Pick(const char* const (&texts)[kCount], uint8_t choice) {
  return texts[choice % kCount];
}

// A media frame of the caller: loud noise, a tone or silence.
std::string Media(Script& script, uint32_t& sequence) {
  constexpr char kBase64[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const uint8_t kind = script.Byte();
  const uint32_t skipped = kind >> 5;
  sequence += 1 + skipped;
  std::string payload;
  uint32_t random = kind;
  for (int i = 0; i < 216; ++i) {
    random = random * 1664525 + 1013904223;
    switch (kind % 3) {
      case 0:
        payload += '/';
        break;
      case 1:
        payload += kBase64[random >> 26];
        break;
      default:
        payload += i / 6 % 2 == 0 ? 'g' : 'C';
        break;
    }
  }
  return R"({"event":"media","sequenceNumber":")" + std::to_string(sequence) +
         R"(","streamSid":"MZ1","media":{"track":"inbound","timestamp":")" +
         std::to_string(sequence * 20) + R"(","payload":")" + payload +
         R"("}})";
}

class Hash {
 public:
  void Add(std::span<const uint8_t> bytes) {
    for (const uint8_t byte : bytes) value_ = (value_ ^ byte) * 1099511628211U;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 14695981039346656037U;
};

// The recording is one file: each page whole and the next, none behind the end.
class RecordingCheck {
 public:
  void Add(uint64_t position, std::span<const uint8_t> bytes) {
    const std::vector<OggPage> pages = ReadOggPages(bytes);
    TL_CHECK(!pages.empty() && pages.back().end == bytes.size());
    for (const OggPage& page : pages) {
      TL_CHECK(!ended_);
      TL_CHECK(!next_ || page.sequence == *next_);
      TL_CHECK(page.granule >= granule_);
      next_ = page.sequence + 1;
      granule_ = page.granule;
      ended_ = (page.flags & 4) != 0;
    }
    // The last page also has what the codec holds back.
    const auto beyond = static_cast<uint64_t>(granule_) - position;
    TL_CHECK(beyond == (ended_ ? audio::OpusEncoder::kDelay48kHz : 0));
  }
  bool ended() const { return ended_; }
  bool begun() const { return next_.has_value(); }

 private:
  std::optional<uint32_t> next_;
  int64_t granule_ = 0;
  bool ended_ = false;
};

// A channel is asked for once, while there is room; nothing goes to one that is
// not open or of another kind. The leg's is never asked for.
class ChannelCheck {
 public:
  enum class Kind : uint8_t { kSocket, kExchange };

  void OnInput(uint32_t kind, uint32_t channel) {
    if (kind == TL_INPUT_SOCKET_OPENED && channel == TL_CHANNEL_LEG) {
      open_[channel] = Kind::kSocket;
    } else if (kind == TL_INPUT_SOCKET_CLOSED) {
      Forget(channel, Kind::kSocket);
    } else if (kind == TL_INPUT_HTTP_DONE || kind == TL_INPUT_HTTP_FAILED) {
      Forget(channel, Kind::kExchange);
    }
  }

  void OnEffect(uint16_t tag, uint64_t arg) {
    const auto channel = static_cast<uint32_t>(arg);
    switch (tag) {
      case TL_EFFECT_CONNECT:
        Add(channel, Kind::kSocket);
        break;
      case TL_EFFECT_FETCH:
        Add(channel, Kind::kExchange);
        break;
      case TL_EFFECT_SEND_TEXT:
      case TL_EFFECT_SEND_BINARY:
        TL_CHECK(Has(channel, Kind::kSocket));
        break;
      case TL_EFFECT_FETCH_CREDIT:
        TL_CHECK(Has(channel, Kind::kExchange));
        break;
      case TL_EFFECT_CLOSE:
        TL_CHECK(Has(channel, Kind::kSocket));
        open_.erase(channel);
        break;
      case TL_EFFECT_FETCH_ABORT:
        TL_CHECK(Has(channel, Kind::kExchange));
        open_.erase(channel);
        break;
      default:
        break;
    }
  }

  // The newest channel, then those before it: what `choice` names.
  uint32_t Pick(uint32_t choice) const {
    return newest_ > choice ? newest_ - choice : newest_;
  }

 private:
  bool Has(uint32_t channel, Kind kind) const {
    const auto it = open_.find(channel);
    return it != open_.end() && it->second == kind;
  }
  void Add(uint32_t channel, Kind kind) {
    TL_CHECK(channel != TL_CHANNEL_LEG && channel <= 0xFFFF);
    TL_CHECK(open_.emplace(channel, kind).second);
    TL_CHECK(open_.size() - open_.count(TL_CHANNEL_LEG) <= TL_MAX_CHANNELS);
    newest_ = channel;
  }
  void Forget(uint32_t channel, Kind kind) {
    if (Has(channel, kind)) open_.erase(channel);
  }

  std::map<uint32_t, Kind> open_;
  uint32_t newest_ = 1;
};

// Every record is whole and known, events are numbered one by one, and nothing
// follows ENDED.
struct Contract {
  RecordingCheck recording;
  ChannelCheck channels;
  std::optional<int64_t> next_seq;
  size_t results = 0;
  bool ended = false;
};

void CheckEffects(tl_handle session, Hash& hash, Contract& contract) {
  const uint8_t* at = tl_effects(session);
  const uint32_t length = tl_effects_len(session);
  hash.Add({at, length});
  uint32_t offset = 0;
  while (offset < length) {
    TL_CHECK(!contract.ended);
    TL_CHECK(length - offset >= 16);
    uint16_t tag = 0;
    uint32_t body = 0;
    uint64_t arg = 0;
    std::memcpy(&tag, at + offset, 2);
    std::memcpy(&body, at + offset + 4, 4);
    std::memcpy(&arg, at + offset + 8, 8);
    TL_CHECK(tag >= TL_EFFECT_SEND_TEXT && tag <= TL_EFFECT_SNAPSHOT);
    TL_CHECK(length - offset - 16 >= body);
    const std::span<const uint8_t> bytes(at + offset + 16, body);
    contract.channels.OnEffect(tag, arg);
    if (tag == TL_EFFECT_RECORD) contract.recording.Add(arg, bytes);
    if (tag == TL_EFFECT_COMMAND_RESULT) ++contract.results;
    if (tag == TL_EFFECT_EVENT) {
      const auto event = ParseJson(
          {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      TL_CHECK(event.has_value());
      const auto seq = IntegerMember(*event, "seq");
      // Levels are for the moment, and have no number.
      TL_CHECK(seq.has_value() == (StringMember(*event, "type") != "levels"));
      TL_CHECK(!seq || !contract.next_seq || *seq == *contract.next_seq);
      if (seq) contract.next_seq = *seq + 1;
    }
    contract.ended = tag == TL_EFFECT_ENDED;
    TL_CHECK(!contract.ended ||
             contract.recording.ended() == contract.recording.begun());
    offset += 16 + (body + 7) / 8 * 8;
  }
  TL_CHECK(offset == length);
  tl_effects_consume(session, length);
  TL_CHECK(tl_effects_len(session) == 0);
}

}  // namespace

uint64_t RunInputScript(std::span<const uint8_t> bytes) {
  Hash hash;
  Script script(bytes);
  const std::string config = Pick(kConfigurations, script.Byte());
  std::memcpy(tl_inbox(static_cast<uint32_t>(config.size())), config.data(),
              config.size());
  uint64_t now_us = 1'000'000;
  const tl_handle session =
      tl_session_create(now_us, static_cast<uint32_t>(config.size()));
  TL_CHECK(session != 0);
  Contract contract;
  CheckEffects(session, hash, contract);
  uint32_t sequence = 1;
  while (!script.empty()) {
    const uint8_t kind = script.Byte();
    const uint8_t how = script.Byte();
    // 0 to 5 ms, 20 ms, 300 ms or 20 s.
    constexpr uint64_t kSteps[] = {0,      1'000,  5'000,   20'000,
                                   20'000, 20'000, 300'000, 20'000'000};
    now_us += kSteps[how >> 1 & 7];
    std::string body;
    uint32_t tag = kind % kKinds;
    // The leg's, or one of the newest; of a kind that has none, none.
    uint32_t channel = (how & 1) == 0
                           ? TL_CHANNEL_LEG
                           : contract.channels.Pick(kind / kKinds % 3);
    switch (tag) {
      case TL_INPUT_SOCKET_TEXT:
        body = channel == TL_CHANNEL_LEG ? Pick(kLegMessages, script.Byte())
                                         : Pick(kAgentMessages, script.Byte());
        // Overwrites some of it.
        if ((how & 0x10) != 0) {
          const size_t place = script.Byte();
          for (const uint8_t byte : script.Take(how >> 5)) {
            if (place < body.size()) body[place] = static_cast<char>(byte);
          }
        }
        break;
      case kMediaKind:
        // Most of what really comes.
        tag = TL_INPUT_SOCKET_TEXT;
        body = Media(script, sequence);
        break;
      case kRawKind: {
        tag = TL_INPUT_SOCKET_TEXT;
        const auto raw = script.Take(script.Byte());
        body.assign(raw.begin(), raw.end());
        break;
      }
      case TL_INPUT_SOCKET_BINARY: {
        const auto raw = script.Take(how >> 4);
        body.assign(raw.begin(), raw.end());
        break;
      }
      case TL_INPUT_SOCKET_CLOSED: {
        constexpr uint16_t kCodes[] = {1000, 1005, 1006, 1008, 1011};
        const uint16_t code = kCodes[(how >> 4) % 5];
        const uint16_t status = (how & 0x80) != 0 ? 503 : 0;
        body.resize(4);
        std::memcpy(body.data(), &code, 2);
        std::memcpy(body.data() + 2, &status, 2);
        break;
      }
      case TL_INPUT_SOCKET_OVERSIZE:
        body.assign(8, '\x11');
        break;
      case TL_INPUT_TIMER:
        channel = 0;
        break;
      case TL_INPUT_COMMAND:
        channel = 0;
        body = R"({"id":)" + std::to_string(sequence) + R"(,"source":)" +
               Pick(kSources, how >> 4) + R"(,"command":)" +
               Pick(kCommands, script.Byte()) + "}";
        break;
      case TL_INPUT_AUTHORIZED:
        channel = 0;
        body.assign(1, static_cast<char>(how >> 5));
        break;
      case TL_INPUT_HTTP_HEADERS: {
        constexpr uint16_t kStatuses[] = {200, 204, 302, 401, 429, 500};
        const uint16_t status = kStatuses[(how >> 4) % 6];
        body.resize(4);
        std::memcpy(body.data(), &status, 2);
        body += Pick(kResponseHeaders, script.Byte());
        break;
      }
      case TL_INPUT_HTTP_CHUNK: {
        body = Pick(kChunks, script.Byte());
        // All of it, a part, or bytes of the script's own.
        if ((how & 0x10) != 0) body.resize(script.Byte() % (body.size() + 1));
        if ((how & 0x20) != 0) {
          const auto raw = script.Take(script.Byte());
          body.assign(raw.begin(), raw.end());
        }
        break;
      }
      case TL_INPUT_HTTP_FAILED:
        body.assign(1, static_cast<char>(how >> 4 & 3));
        body += "reason";
        break;
      case TL_INPUT_RESOURCE: {
        channel = 0;
        const auto raw = script.Take(script.Byte());
        body.assign(1, static_cast<char>(how >> 4 & 1));
        body += std::string("\0\x05\0music", 8);
        body.append(raw.begin(), raw.end());
        break;
      }
      default:
        break;
    }
    std::memcpy(tl_inbox(static_cast<uint32_t>(body.size())), body.data(),
                body.size());
    const size_t results = contract.results;
    const bool was_over = contract.ended;
    const tl_status status =
        tl_session_input(session, now_us, tag | channel << 16,
                         static_cast<uint32_t>(body.size()));
    TL_CHECK(status >= 0 || (was_over && status == TL_ERR_ENDED) ||
             (tag == TL_INPUT_AUTHORIZED && status == TL_ERR_INPUT));
    contract.channels.OnInput(tag, channel);
    CheckEffects(session, hash, contract);
    TL_CHECK(contract.results - results ==
             (tag == TL_INPUT_COMMAND && !was_over ? 1 : 0));
  }
  tl_session_destroy(session);
  return hash.value();
}

}  // namespace trunkline::test
