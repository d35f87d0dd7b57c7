#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "support/world/upstreams.h"

namespace trunkline::test {

// The Worker that speaks and listens (docs/speech.md), as far as a call sees of
// it: it hears in each utterance what the test has put there, and says each
// word of a text in 300 ms.
class SpeechWorker final : public Provider {
 public:
  static constexpr int64_t kWordMs = 300;

  // Takes the place of the world's provider, or stands beside it.
  enum class Place : uint8_t { kAll, kBeside };
  explicit SpeechWorker(Upstreams& upstreams, Place place = Place::kAll);

  // What the next utterances say; "" for those after them.
  std::deque<std::string> hears;
  // From the end of an utterance to its text, and from a text to its sound.
  Duration recognises = Duration::Millis(60);
  Duration speaks = Duration::Millis(10);
  // Sockets are refused, and texts answered with this status.
  bool refuses_ears = false;
  std::optional<uint16_t> refuses_texts;
  // Texts of which no sample is made, by their number from 1 on.
  std::set<size_t> mute;

  // The socket breaks.
  void Drop(uint16_t code);

  // The texts that were asked for, in order.
  const std::vector<std::string>& said() const { return said_; }
  int connections() const { return connections_; }
  int utterances() const { return utterances_; }
  int drops() const { return drops_; }
  int64_t heard_bytes() const { return heard_bytes_; }
  // The `words` first words of `text`, with what stands between them.
  static std::string FirstWords(const std::string& text, int64_t words);

 private:
  void OnConnect(protocol::ChannelId channel,
                 const protocol::ConnectRequest& request) override;
  void OnFetch(protocol::ChannelId channel, const std::string& upstream,
               const std::string& body) override;
  void OnMessage(protocol::ChannelId channel, const Message& message) override;
  void OnClosed(protocol::ChannelId channel) override;

  Upstreams& upstreams_;
  std::optional<protocol::ChannelId> ears_;
  std::vector<std::string> said_;
  int connections_ = 0;
  int utterances_ = 0;
  int drops_ = 0;
  int64_t heard_bytes_ = 0;
};

}  // namespace trunkline::test
