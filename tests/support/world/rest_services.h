#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "support/world/clock.h"
#include "support/world/upstreams.h"

namespace trunkline::test {

// OpenAI's REST APIs as far as a call sees of them: ears that know what a test
// has the caller say, a model that says what a test wants, and a voice whose
// words take as long as they have letters, about.
class RestServices final : public Provider {
 public:
  enum class Endpoint : uint8_t { kTranscription, kChat, kSpeech };
  static constexpr size_t kEndpoints = 3;

  // What becomes of a request.
  struct Fault {
    enum class Kind : uint8_t {
      kNone,
      kRefused,    // nobody listens
      kStatus,     // an error
      kDrop,       // it breaks in the middle of the answer
      kStall,      // nothing comes
      kStallLate,  // half of the answer comes, and nothing else
      kGarbage,    // an answer that is none of the endpoint's
      kTruncated,  // half of the answer, as if that were all
      kErrorBody,  // a good status, and an error in the place of the answer
    };
    Kind kind = Kind::kNone;
    uint16_t status = 0;
    std::optional<int> retry_after_s = {};
  };
  struct Pace {
    Duration transcription = Duration::Millis(250);
    Duration chat = Duration::Millis(250);
    Duration speech = Duration::Millis(120);
  };
  struct Request {
    Endpoint endpoint{};
    Instant at;
    protocol::ChannelId channel{};
    // Of a transcription, what was heard; of the voice, what it is to say.
    std::string text;
  };

  // Takes the place of the world's provider.
  RestServices(Upstreams& upstreams, Clock& clock);

  // The words of each burst of speech of a turn, in order; those of a turn's
  // first bursts are what is heard when no more of it is there.
  std::vector<std::string> says;
  // The model's answer to the messages of a request.
  std::function<std::string(const Json& messages)> answer;
  Pace pace;
  // A voice whose words differ by up to so much from what their letters take,
  // in percent.
  uint32_t jitter_percent = 0;

  // What becomes of the next requests.
  void Fail(Endpoint endpoint, std::vector<Fault> faults);

  const std::vector<Request>& requests() const { return requests_; }
  size_t Count(Endpoint endpoint) const;
  // When each word of a text that was asked for ends, ms from its beginning;
  // and how long all of it is.
  struct Spoken {
    std::vector<int64_t> word_ends_ms;
    int64_t length_ms = 0;
  };
  // In the order of the requests.
  const std::vector<Spoken>& spoken() const { return spoken_; }

 private:
  struct Reply {
    std::string type;
    std::string body;
    Duration after;
  };

  void OnRequest(protocol::ChannelId channel,
                 const SentRequest& request) override;
  void OnConnect(protocol::ChannelId channel,
                 const protocol::ConnectRequest& request) override;
  void OnFetch(protocol::ChannelId channel, const std::string& upstream,
               const std::string& body) override;
  void OnMessage(protocol::ChannelId channel, const Message& message) override;
  void OnClosed(protocol::ChannelId channel) override;

  Reply Make(Endpoint endpoint, const SentRequest& request, std::string& text);
  Reply Say(const std::string& text);
  // Strikes, or lets the answer go its way.
  void Send(protocol::ChannelId channel, const SentRequest& request,
            Endpoint endpoint, const Reply& reply);

  Upstreams& upstreams_;
  Clock& clock_;
  std::array<std::deque<Fault>, kEndpoints> faults_;
  std::vector<Request> requests_;
  std::vector<Spoken> spoken_;
};

}  // namespace trunkline::test
