#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trunkline::test {

// The words in which a simulated agent speaks to the gateway: one for each
// agent codec, of which it shares no code. What comes from the gateway it reads
// as a Provider.
class AgentAdapter {
 public:
  enum class End : uint8_t { kComplete, kCancelled };

  // Its own detection of speech and of the end of a turn.
  virtual void SpeechStarted() = 0;
  virtual void SpeechStopped() = 0;
  virtual void Committed(const std::string& item) = 0;
  // What the caller said in a turn.
  virtual void CallerText(const std::string& item, const std::string& text) = 0;

  virtual void ReplyBegan(uint64_t reply) = 0;
  // More of an item, samples at 8 kHz.
  virtual void ItemAudio(uint64_t reply, const std::string& item,
                         const std::vector<int16_t>& samples) = 0;
  virtual void ToolCall(uint64_t reply, const std::string& id,
                        const std::string& name) = 0;
  virtual void ReplyDone(uint64_t reply, End end) = 0;

  // Its channels are gone, by their close code.
  virtual void Drop(uint16_t code) = 0;

 protected:
  ~AgentAdapter() = default;
};

}  // namespace trunkline::test
