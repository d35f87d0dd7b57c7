#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "protocol/legs/leg.h"
#include "support/world/link.h"

namespace trunkline::test {

// What a message of the gateway asks a line for.
class LineControl {
 public:
  // Plays encoded audio behind what waits.
  virtual void Play(std::string_view audio) = 0;
  // Echoes the mark when what waits has been played.
  virtual void Mark(const std::string& name) = 0;
  // Drops what waits.
  virtual void Clear() = 0;
  // A message that is none of the protocol's.
  virtual void Complain(std::string_view message) = 0;

 protected:
  ~LineControl() = default;
};

// The words in which a line speaks to the gateway: one for each leg codec, of
// which it shares no code. A line says what happens by these methods; what is
// to be said of it goes to `send`.
class LegAdapter {
 public:
  using Send = std::function<void(Message)>;

  virtual ~LegAdapter() = default;

  // The codec's name in the registry.
  virtual const char* codec() const = 0;

  // A new socket's first words.
  virtual void Start(const std::string& token,
                     const protocol::LegTraits& traits, const Send& send) = 0;
  virtual void Audio(int64_t timestamp_ms, std::string_view audio,
                     const Send& send) = 0;
  // A piece of audio that gets lost on its way.
  virtual void LoseAudio() = 0;
  virtual void Echo(const std::string& mark, const Send& send) = 0;
  virtual void Digit(char digit, const Send& send) = 0;
  // The caller hangs up.
  virtual void Stop(const Send& send) = 0;
  // How much was played since the start, and whether more may come; only of
  // lines that say so.
  virtual void Played(uint64_t samples, const Send& send) = 0;
  virtual void Flow(protocol::LegFlow::State state, const Send& send) = 0;

  virtual void Receive(const Message& message, LineControl& line) = 0;
};

}  // namespace trunkline::test
