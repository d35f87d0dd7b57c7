// The voice's answers, any text cut anywhere: no cut changes what is told.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "protocol/services/local_tts.h"

namespace {

// NOLINTNEXTLINE(google-build-using-namespace)
using namespace trunkline::protocol;

constexpr std::string_view kText = "Good day, this is a text of some length.";

class Exchange final : public Channels {
 public:
  std::optional<ChannelId> Connect(const ConnectRequest& /*request*/) override {
    TL_CHECK(false);
    return std::nullopt;
  }
  std::optional<ChannelId> Fetch(const FetchRequest& request) override {
    TL_CHECK(request.upstream == "speech" && !open);
    open = true;
    return channel;
  }
  void SendText(ChannelId /*channel*/, std::string_view /*text*/) override {
    TL_CHECK(false);
  }
  void SendBinary(ChannelId /*channel*/,
                  std::span<const uint8_t> /*bytes*/) override {
    TL_CHECK(false);
  }
  void Close(ChannelId /*channel*/, uint16_t /*code*/,
             std::string_view /*reason*/) override {
    TL_CHECK(false);
  }
  void Abort(ChannelId aborted) override {
    TL_CHECK(open && aborted == channel);
    open = false;
  }
  void Credit(ChannelId credited, uint32_t bytes) override {
    TL_CHECK(open && credited == channel);
    credit += bytes;
  }
  static constexpr ChannelId channel{1};
  bool open = false;
  size_t credit = 0;
};

// What is told of an answer, as text.
class Judge {
 public:
  void Take(LocalTts& tts) {
    while (const std::optional<TtsEvent> event = tts.NextEvent()) {
      TL_CHECK(!over);
      std::visit([this](const auto& e) { See(e); }, *event);
    }
  }

  std::string told;
  bool over = false;

 private:
  void See(const ServiceFaulted& faulted) {
    told += ToString(faulted.fault);
    told += '\n';
  }
  void See(const TtsWords& words) {
    TL_CHECK(!words.words.empty());
    for (const SpokenWord& word : words.words) {
      TL_CHECK(word.text_end <= kText.size() && word.end_ms >= last.end_ms &&
               word.text_end >= last.text_end);
      last = word;
      told += std::to_string(word.text_end) + '@' +
              std::to_string(word.end_ms) + '\n';
    }
  }
  void See(const TtsAudio& audio) {
    TL_CHECK(!audio.audio.empty() && audio.audio.size() % 2 == 0);
    told.append(audio.audio.begin(), audio.audio.end());
    told += '\n';
  }
  void See(const TtsDone& /*done*/) {
    over = true;
    told += "done\n";
  }
  void See(const ServiceFailed& failed) {
    TL_CHECK(!failed.why.code.empty());
    over = true;
    told += failed.why.code;
    told += failed.why.message;
    told += '\n';
  }

  SpokenWord last;
};

std::string Tell(std::string_view answer, uint16_t status, size_t step) {
  Exchange exchange;
  Judge judge;
  LocalTts tts({}, exchange);
  tts.Speak(kText);
  tts.OnHttpHeaders(Exchange::channel, status, trunkline::Json::object());
  judge.Take(tts);
  for (size_t at = 0; at < answer.size(); at += step) {
    const std::string_view chunk = answer.substr(at, step);
    tts.OnHttpChunk(
        Exchange::channel,
        {reinterpret_cast<const uint8_t*>(chunk.data()), chunk.size()});
    judge.Take(tts);
  }
  TL_CHECK(exchange.credit <= answer.size());
  tts.OnHttpDone(Exchange::channel);
  judge.Take(tts);
  TL_CHECK(judge.over);
  return judge.told;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  // The first byte: how it is cut, and whether it is a refusal.
  const size_t step = 1 + (bytes[0] & 0x3fU);
  const uint16_t status = (bytes[0] & 0x80U) != 0 ? 503 : 200;
  const std::string_view answer(reinterpret_cast<const char*>(bytes) + 1,
                                size - 1);
  TL_CHECK(Tell(answer, status, step) ==
           Tell(answer, status, std::max<size_t>(answer.size(), 1)));
  return 0;
}
