#include "support/world/rest_services.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/json.h"
#include "support/world/sound.h"

namespace trunkline::test {
namespace {

using protocol::ChannelId;
using Endpoint = RestServices::Endpoint;
using Kind = RestServices::Fault::Kind;

constexpr int kVoiceHz = 24'000;
constexpr int64_t kVoiceSamplesPerMs = kVoiceHz / 1000;
constexpr size_t kWavHead = 44;

// Of speech that is apart by silence longer than any within a word.
size_t BurstsOf(const std::string& file) {
  if (file.size() < kWavHead) return 0;
  const auto byte = [&file](size_t at) {
    return static_cast<uint32_t>(static_cast<uint8_t>(file[at]));
  };
  const uint32_t rate_hz =
      byte(24) | byte(25) << 8 | byte(26) << 16 | byte(27) << 24;
  const std::vector<int16_t> samples = DecodeSound(
      protocol::Encoding::kLinear16, std::string_view(file).substr(kWavHead));
  constexpr int kLoud = 300;
  const size_t gap = rate_hz * 180 / 1000;
  size_t bursts = 0;
  size_t quiet = gap;
  for (const int16_t sample : samples) {
    if (std::abs(static_cast<int>(sample)) < kLoud) {
      ++quiet;
      continue;
    }
    if (quiet >= gap) ++bursts;
    quiet = 0;
  }
  return bursts;
}

std::string EventOf(const Json& json) {
  return "data: " + json.dump() + "\n\n";
}

}  // namespace

RestServices::RestServices(Upstreams& upstreams, Clock& clock)
    : upstreams_(upstreams), clock_(clock) {
  answer = [](const Json& /*messages*/) {
    return std::string("Of course. I have noted that for you.");
  };
  upstreams_.SetProvider(*this);
}

void RestServices::Fail(Endpoint endpoint, std::vector<Fault> faults) {
  faults_[static_cast<size_t>(endpoint)] = {faults.begin(), faults.end()};
}

size_t RestServices::Count(Endpoint endpoint) const {
  return static_cast<size_t>(std::count_if(
      requests_.begin(), requests_.end(),
      [endpoint](const Request& one) { return one.endpoint == endpoint; }));
}

void RestServices::OnRequest(ChannelId channel, const SentRequest& request) {
  TL_CHECK(request.upstream == "openai");
  const Endpoint endpoint =
      request.path == "/v1/audio/transcriptions" ? Endpoint::kTranscription
      : request.path == "/v1/chat/completions"   ? Endpoint::kChat
                                                 : Endpoint::kSpeech;
  std::string text;
  const Reply reply = Make(endpoint, request, text);
  requests_.push_back({endpoint, clock_.now(), channel, text});
  Send(channel, request, endpoint, reply);
}

RestServices::Reply RestServices::Make(Endpoint endpoint,
                                       const SentRequest& request,
                                       std::string& text) {
  if (endpoint == Endpoint::kTranscription) {
    const size_t bursts = std::min(BurstsOf(request.file), says.size());
    for (size_t i = 0; i < bursts; ++i) {
      if (i > 0) text += ' ';
      text += says[i];
    }
    return {"application/json", Json{{"text", text}}.dump(),
            pace.transcription};
  }
  const Json body = Json::parse(request.body);
  if (endpoint == Endpoint::kSpeech) {
    text = body["input"].get<std::string>();
    return Say(text);
  }
  text = answer(body["messages"]);
  std::string events;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at + 1), text.size());
    events += EventOf(
        {{"choices",
          Json::array(
              {{{"index", 0},
                {"delta", {{"content", text.substr(at, end - at)}}}}})}});
    at = end;
  }
  events += EventOf({{"choices", Json::array({{{"index", 0},
                                               {"delta", Json::object()},
                                               {"finish_reason", "stop"}}})}});
  return {"text/event-stream", events + "data: [DONE]\n\n", pace.chat};
}

// A word takes 110 ms and 50 ms a letter, a comma 180 ms of silence and the end
// of a sentence 140.
RestServices::Reply RestServices::Say(const std::string& text) {
  constexpr int64_t kWordMs = 110;
  constexpr int64_t kLetterMs = 50;
  Spoken& spoken = spoken_.emplace_back();
  std::vector<int16_t> samples;
  size_t at = 0;
  while ((at = text.find_first_not_of(' ', at)) != std::string::npos) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const auto letters = static_cast<int64_t>(end - at);
    int64_t ms = kWordMs + kLetterMs * letters;
    if (jitter_percent > 0) {
      const auto more =
          static_cast<int64_t>(clock_.Random(2 * jitter_percent + 1)) -
          static_cast<int64_t>(jitter_percent);
      ms += ms * more / 100;
    }
    for (int64_t i = 0; i < ms * kVoiceSamplesPerMs; ++i) {
      samples.push_back(i / 40 % 2 == 0 ? int16_t{3000} : int16_t{-3000});
    }
    spoken.length_ms += ms;
    spoken.word_ends_ms.push_back(spoken.length_ms);
    const char last = text[end - 1];
    const int64_t pause = last == ','                                 ? 180
                          : last == '.' || last == '?' || last == '!' ? 140
                                                                      : 0;
    samples.resize(samples.size() +
                   static_cast<size_t>(pause * kVoiceSamplesPerMs));
    spoken.length_ms += pause;
    at = end;
  }
  return {"audio/pcm", EncodeSound(protocol::Encoding::kLinear16, samples),
          pace.speech};
}

void RestServices::Send(ChannelId channel, const SentRequest& request,
                        Endpoint endpoint, const Reply& reply) {
  const auto end_as = [this, channel](protocol::HttpFailure failure,
                                      Duration after) {
    clock_.After(
        after, [this, channel, failure] { upstreams_.Fail(channel, failure); });
  };
  std::deque<Fault>& faults = faults_[static_cast<size_t>(endpoint)];
  Fault fault;
  if (!faults.empty()) {
    fault = faults.front();
    faults.pop_front();
  }
  Json headers = {{"content-type", reply.type}};
  const std::string half = reply.body.substr(0, reply.body.size() / 2);
  switch (fault.kind) {
    case Kind::kNone:
      upstreams_.Answer(channel, 200, headers, reply.body, reply.after);
      break;
    case Kind::kRefused:
      end_as(protocol::HttpFailure::kNetwork, Duration::Millis(1));
      break;
    case Kind::kStatus:
      headers = {{"content-type", "application/json"}};
      if (fault.retry_after_s) {
        headers["retry-after"] = std::to_string(*fault.retry_after_s);
      }
      upstreams_.Answer(
          channel, fault.status, headers,
          Json{{"error", {{"message", "scripted"}, {"code", nullptr}}}}.dump(),
          Duration::Millis(30));
      break;
    case Kind::kDrop:
      upstreams_.AnswerPart(channel, 200, headers, half, reply.after);
      end_as(protocol::HttpFailure::kNetwork,
             reply.after + Duration::Millis(200));
      break;
    case Kind::kStall:
      end_as(protocol::HttpFailure::kTimeout, request.timeout);
      break;
    case Kind::kStallLate:
      upstreams_.AnswerPart(channel, 200, headers, half, reply.after);
      end_as(protocol::HttpFailure::kTimeout, reply.after + request.idle);
      break;
    case Kind::kGarbage:
      upstreams_.Answer(
          channel, 200,
          endpoint == Endpoint::kChat ? headers
                                      : Json{{"content-type", "text/html"}},
          endpoint == Endpoint::kChat ? "data: { this is no JSON\n\n"
                                      : "<html><title>It works!</title></html>",
          reply.after);
      break;
    case Kind::kTruncated:
      upstreams_.Answer(channel, 200, headers, half, reply.after);
      break;
    case Kind::kErrorBody:
      upstreams_.Answer(channel, 200, headers,
                        endpoint == Endpoint::kChat
                            ? EventOf({{"error", {{"message", "scripted"}}}})
                            : Json{{"error", {{"message", "scripted"}}}}.dump(),
                        reply.after);
      break;
  }
}

void RestServices::OnConnect(ChannelId channel,
                             const protocol::ConnectRequest& /*request*/) {
  upstreams_.Refuse(channel, 404);
}

void RestServices::OnFetch(ChannelId /*channel*/,
                           const std::string& /*upstream*/,
                           const std::string& /*body*/) {}

void RestServices::OnMessage(ChannelId /*channel*/,
                             const Message& /*message*/) {}

void RestServices::OnClosed(ChannelId /*channel*/) {}

}  // namespace trunkline::test
