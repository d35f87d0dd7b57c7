#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "audio/ogg_writer.h"
#include "audio/opus_encoder.h"

namespace trunkline::audio {

// Records a call as an Ogg Opus file (RFC 7845): left the caller, right the
// agent as heard, in packets of 20 ms on pages of at most a second.
//
//   append(recorder.Start(comments));          // once
//   append(recorder.Process(caller, agent));   // every 20 ms, both sides
//   append(recorder.Finish());                 // once
//
// Each of these returns whole pages, mostly none, valid until the next call;
// the file is all of them in order. Memory does not grow with the call. A file
// cut after any page plays to there, and another recorder can go on behind it.
//
// Each side is a mono Opus stream of its own (channel mapping family 1, two
// streams, none coupled), so that neither leaks into the other and one that is
// silent costs little: after 60 ms of silence stand packets that are made
// beforehand. In the place of what is not louder than the line's own noise for
// 200 ms stands noise that the encoder makes, with a frame every 400 ms that is
// encoded to keep it like the line's. Speech is encoded from its first frame
// on, and noise ends when the line's does. No frame is left to a decoder to
// make up.
//
// Integer arithmetic: every build writes the same bytes. Allocates nothing; a
// copy goes on with the same pages. State: 41 KB; of the module's stack 15 KB
// at 8 kHz and 20.3 KB at 16 kHz. Not thread-safe.
class Recorder {
 public:
  struct Config {
    // 8000 or 16000, of both sides.
    int sample_rate_hz = 8000;
    // Of a side that speaks, [6000, 40000].
    int bitrate_bps = 12000;
    // Tells streams apart; take it from the call's seed.
    uint32_t serial = 0;
    // Of a recorder that goes on with the file of one that is lost: how many
    // pages the file has, at least the two of the headers, and the position of
    // the last, a multiple of kGranulesPerFrame. Its pages are appended to the
    // file's, and Start() is not called. Its first frame is the one behind
    // them, whenever that is: silence has to be processed for the time
    // between. 0 and 0 begin a file.
    uint32_t pages_before = 0;
    uint64_t granule_before = 0;
  };

  // Positions in the file count samples at 48 kHz (RFC 7845, 4).
  static constexpr uint64_t kGranulesPerFrame = 960;

  // Comments that do not fit into this are left out, and those after them.
  static constexpr size_t kMaxCommentBytes = 2048;

  // Precondition: `config` is in range.
  explicit Recorder(const Config& config);

  // The pages of the headers. Each comment is NAME=value, the name in ASCII,
  // the value in UTF-8: TITLE, DATE and the like. To be called first, when the
  // recorder begins a file.
  std::span<const uint8_t> Start(std::span<const std::string_view> comments);
  // Takes 20 ms of both sides. Precondition: each has sample_rate_hz / 50
  // samples; not after Finish().
  std::span<const uint8_t> Process(std::span<const int16_t> caller,
                                   std::span<const int16_t> agent);
  // The last page. What plays is as long as what was processed.
  std::span<const uint8_t> Finish();

  // While paused, silence is recorded in place of both sides: the file's clock
  // stays the call's.
  void Pause() { paused_ = true; }
  void Resume() { paused_ = false; }

  bool paused() const { return paused_; }
  // In the file, with those before a recorder that goes on with it.
  int64_t frames() const { return frames_; }
  // Frames of both sides that this recorder encoded, at most two a frame; the
  // others are noise that it made.
  int64_t encoded_frames() const { return encoded_frames_; }

 private:
  // One side: its encoder and what decides whether a frame needs it.
  class Track {
   public:
    explicit Track(const OpusEncoder::Config& config) : encoder_(config) {}
    // Writes the frame's packet and returns its size.
    size_t Process(std::span<const int16_t> frame, std::span<uint8_t> packet);
    bool encoded() const { return encoded_; }

   private:
    // The noise is the quietest frame of 8 slots of 250 ms: nobody speaks for
    // two seconds without a closure or a breath.
    static constexpr size_t kSlots = 8;
    static constexpr int kSlotFrames = 13;

    // A frame's level in tenths of dBFS.
    bool IsQuiet(int level);

    OpusEncoder encoder_;
    // Tenths of dBFS. Nothing is known at first, and so all is recorded.
    std::array<int16_t, kSlots> quietest_{};
    size_t slot_ = 0;
    int slot_frames_ = 0;
    // Since the last frame that was not quiet, and since the last that was not
    // silent.
    int quiet_frames_ = 0;
    int silent_frames_ = 0;
    // Tenths of dBFS: of the last frame, and of what is in the last one that
    // was encoded.
    int last_level_ = 0;
    int learned_level_ = 0;
    bool encoded_ = false;
  };

  // Adds the packet of a frame.
  void Add(std::span<const int16_t> caller, std::span<const int16_t> agent);

  Config config_;
  Track caller_;
  Track agent_;
  OggWriter ogg_;
  // The headers' two pages, which must last together.
  std::array<uint8_t, 128 + kMaxCommentBytes> headers_{};
  int64_t frames_;
  int64_t encoded_frames_ = 0;
  bool paused_ = false;
};

}  // namespace trunkline::audio
