#include "support/world/speech_worker.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/json.h"
#include "support/world/sound.h"

namespace trunkline::test {
namespace {

constexpr std::string_view kSpaces = " \t\n";
constexpr int kRateHz = 8000;
constexpr int64_t kSamplesPerMs = kRateHz / 1000;

struct Word {
  size_t begin = 0;
  size_t end = 0;
};

std::vector<Word> WordsOf(const std::string& text) {
  std::vector<Word> words;
  size_t at = 0;
  while ((at = text.find_first_not_of(kSpaces, at)) != std::string::npos) {
    const size_t end = std::min(text.find_first_of(kSpaces, at), text.size());
    words.push_back({at, end});
    at = end;
  }
  return words;
}

}  // namespace

SpeechWorker::SpeechWorker(Upstreams& upstreams, Place place)
    : upstreams_(upstreams) {
  if (place == Place::kAll) {
    upstreams.SetProvider(*this);
  } else {
    upstreams.AddProvider("speech", *this);
  }
}

std::string SpeechWorker::FirstWords(const std::string& text, int64_t words) {
  const std::vector<Word> all = WordsOf(text);
  if (words <= 0 || all.empty()) return {};
  return text.substr(
      0, all[std::min(static_cast<size_t>(words), all.size()) - 1].end);
}

void SpeechWorker::Drop(uint16_t code) {
  if (ears_) upstreams_.Drop(*std::exchange(ears_, std::nullopt), code);
}

void SpeechWorker::OnConnect(protocol::ChannelId channel,
                             const protocol::ConnectRequest& request) {
  TL_CHECK(request.upstream == "speech" && request.path == "/listen");
  ++connections_;
  if (refuses_ears) return upstreams_.Refuse(channel, 503);
  ears_ = channel;
  upstreams_.Open(channel, "");
}

void SpeechWorker::OnClosed(protocol::ChannelId channel) {
  if (ears_ == channel) ears_.reset();
}

void SpeechWorker::OnMessage(protocol::ChannelId channel,
                             const Message& message) {
  if (message.kind == Message::Kind::kBinary) {
    heard_bytes_ += static_cast<int64_t>(message.bytes.size());
    return;
  }
  const Json json = Json::parse(message.bytes, nullptr, false);
  const std::string_view type = StringMember(json, "type");
  if (type == "listen") {
    TL_CHECK(!json["sentences"].empty());
    upstreams_.Tell(channel, Message::Text(R"({"type":"ready","unknown":[]})"));
  } else if (type == "finish") {
    ++utterances_;
    std::string text;
    if (!hears.empty()) {
      text = hears.front();
      hears.pop_front();
    }
    const Json final = {{"type", "final"},
                        {"text", text},
                        {"words", Json::array()},
                        {"ms", 1000},
                        {"why", "asked"}};
    upstreams_.Tell(channel, Message::Text(final.dump()));
  } else {
    TL_CHECK(type == "drop");
    ++drops_;
  }
}

void SpeechWorker::OnFetch(protocol::ChannelId channel,
                           const std::string& upstream,
                           const std::string& body) {
  TL_CHECK(upstream == "speech");
  const Json request = Json::parse(body);
  const std::string text = request["text"].get<std::string>();
  said_.push_back(text);
  if (refuses_texts) {
    upstreams_.Answer(
        channel, *refuses_texts, {{"content-type", "application/json"}},
        R"({"type":"error","code":"busy","message":"busy"})", speaks);
    return;
  }
  const std::vector<Word> words =
      mute.contains(said_.size()) ? std::vector<Word>() : WordsOf(text);
  const auto samples_of = [](size_t word) {
    return static_cast<int64_t>(word) * kWordMs * kSamplesPerMs;
  };
  Json rows = Json::array();
  for (size_t i = 0; i < words.size(); ++i) {
    rows.push_back(
        {i, words[i].begin, words[i].end, samples_of(i), samples_of(i + 1)});
  }
  std::vector<int16_t> all(static_cast<size_t>(samples_of(words.size())));
  for (size_t i = 0; i < all.size(); ++i) all[i] = i % 16 < 8 ? 3000 : -3000;
  std::string lines;
  for (size_t at = 0; at < all.size(); at += kRateHz) {
    const std::span<const int16_t> second =
        std::span(all).subspan(at, std::min<size_t>(kRateHz, all.size() - at));
    const Json line = {{"type", "audio"},
                       {"rateHz", kRateHz},
                       {"words", at == 0 ? rows : Json::array()},
                       {"audio", ToBase64(EncodeSound(
                                     protocol::Encoding::kLinear16, second))}};
    lines += line.dump() + '\n';
  }
  lines +=
      Json({{"type", "done"}, {"rateHz", kRateHz}, {"samples", all.size()}})
          .dump() +
      '\n';
  upstreams_.Answer(channel, 200, {{"content-type", "application/x-ndjson"}},
                    lines, speaks);
}

}  // namespace trunkline::test
