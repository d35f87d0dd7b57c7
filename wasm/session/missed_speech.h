#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/transcoder.h"
#include "protocol/wire.h"

namespace trunkline::session {

// What the caller has said since he was last answered, as sound: an agent that
// takes the place of one that has died hears it as if it was said now, where
// there is no text of it.
//
// Keeps turns and a little of what was before the first one, and leaves out the
// silence behind them. Kept is mu-law, at 8 kHz or, of a wider leg, at 16 kHz:
// a telephone's quality for one turn, at a sixth of the memory.
class MissedSpeech {
 public:
  // What is kept in all, ms: a turn that is longer is the exception (they last
  // 2 s, and 10 s one time in a hundred). Overflow: the oldest kDropMs are
  // dropped and counted, since what is asked stands at the end.
  static constexpr int kMaxMs = 12'000;
  static constexpr int kDropMs = 1'000;
  // Of what was before a turn: speech is told from noise within 60 ms, and a
  // recogniser wants to hear it begin.
  static constexpr int kLeadMs = 300;
  static constexpr protocol::AudioFormat kWidestKept{protocol::Encoding::kMuLaw,
                                                     16000};

  // `leg` is what the caller is heard in, and `source` what comes to Add().
  MissedSpeech(protocol::AudioFormat leg, protocol::AudioFormat source);
  // From now on another format comes.
  void SetSource(protocol::AudioFormat source);

  // A frame, whole samples. kIn: the caller is in a turn, of which it is kept.
  enum class Turn : uint8_t { kOut, kIn };
  void Add(std::span<const uint8_t> frame, Turn turn);
  // It was answered, or was no turn: nothing is missed.
  void Forget();

  // Whether there is anything of a turn.
  bool holds() const { return holds_; }
  // Gives all that is kept to `listen`, in this format, piece by piece.
  template <class Listen>
  void Play(protocol::AudioFormat format, Listen listen) const {
    media::Transcoder transcoder(kept_, format);
    std::span<const uint8_t> rest = audio_;
    while (!rest.empty()) {
      const size_t count =
          rest.size() < kPieceBytes ? rest.size() : kPieceBytes;
      listen(transcoder.Process(rest.first(count)));
      rest = rest.subspan(count);
    }
  }
  // How long it is, and the silence behind it that is not kept.
  Duration length() const;
  Duration left_out() const { return left_out_; }
  uint64_t dropped_ms() const { return dropped_ms_; }

 private:
  // Half a second, or a quarter.
  static constexpr size_t kPieceBytes = 4'000;

  size_t Bytes(int ms) const { return protocol::BytesOf(kept_, ms); }
  void DropFront(size_t bytes);

  const protocol::AudioFormat kept_;
  protocol::AudioFormat source_;
  std::unique_ptr<media::Transcoder> to_kept_;
  std::vector<uint8_t> audio_;
  bool holds_ = false;
  Duration left_out_;
  uint64_t dropped_ms_ = 0;
};

}  // namespace trunkline::session
