#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "audio/recorder.h"
#include "audio/resampler.h"
#include "base/time.h"
#include "media/call_recorder.h"
#include "media/caller_cleaner.h"
#include "media/caller_path.h"
#include "media/line_out.h"
#include "protocol/wire.h"

namespace trunkline::media {

// Why a recording is silent for a time, each for itself.
enum class RecordingPause : uint8_t { kConsent, kCommand, kDigits };
inline constexpr size_t kRecordingPauseCount =
    static_cast<size_t>(RecordingPause::kDigits) + 1;
using RecordingPauses = std::array<bool, kRecordingPauseCount>;

const char* ToString(RecordingPause pause);

// What a former session of the call has left of the recording. This one goes on
// behind it.
struct RecordingSoFar {
  uint32_t serial = 0;
  // At least the two of the headers.
  uint32_t pages = 0;
  // At their end, a multiple of kGranulesPerFrame.
  uint64_t granule = 0;
  // From its beginning to the opening of this session.
  Duration age;
  RecordingPauses pauses{};
};

// The recording of a call: both sides on one clock, in one Ogg Opus file, with
// silence where somebody does not want to be recorded.
//
// It is made at 8 kHz, or at 16 kHz where a side is wider and its noise is not
// taken away. A side of another rate is resampled; what its filter lags is cut
// off at the beginning, so both sides stay where they were.
class CallRecording {
 public:
  static constexpr uint64_t kGranulesPerFrame =
      audio::Recorder::kGranulesPerFrame;

  struct Config {
    // Of the caller's frames.
    protocol::AudioFormat leg;
    Denoising denoise = Denoising::kOff;
    uint32_t serial = 0;
    // Of a recording that goes on; nullopt begins one.
    std::optional<RecordingSoFar> so_far;
  };
  // Whole pages of the file, in order, and the position at their end.
  struct Pages {
    int64_t granule = 0;
    std::vector<uint8_t> bytes;
  };

  // `line_out` is borrowed for the life of the object.
  CallRecording(const Config& config, const LineOut& line_out);

  // Begins the file with its headers, or goes on behind what there is: `age`
  // after the file's beginning, when the stream began. To be called first.
  void Start(std::string_view title, Duration age, Instant stream_began);
  // The stream begins anew: the time without one becomes silence.
  void OnStreamStarted(Instant now) { sides_.OnStreamStarted(now); }
  void OnCallerFrame(const CallerPath::Frame& frame, Instant now);
  // Time has passed and no frame has come: as of CallRecorder.
  void OnTime(Instant now) { sides_.OnTime(now); }
  // Ends the file.
  void Finish(Instant now);

  // Returns whether that is new.
  bool SetPause(RecordingPause pause, bool paused, Instant now);
  // What is held back but not yet in the file becomes silence as well.
  void MuteHeld() { sides_.MuteHeld(); }
  const RecordingPauses& pauses() const { return pauses_; }
  bool paused() const;

  // The next pages of the file; nullopt if there are none for now.
  std::optional<Pages> TakePages();
  // The caller's frames that came too late for the file.
  uint64_t late_frames() const { return sides_.late_frames(); }
  // Length of the file, ms.
  int64_t file_ms() const { return file_.frames() * CallerAudio::kFrameMs; }

 private:
  // Encodes frames of both sides to pages, and keeps these to be taken.
  class File final : public CallRecorder::Listener {
   public:
    File(const Config& config, int heard_hz);
    void Start(std::string_view title);
    void Finish();
    void OnRecordedFrame(std::span<const int16_t> caller,
                         std::span<const int16_t> agent) override;
    void AddSilence(int64_t frames);
    int64_t frames() const { return recorder_.frames(); }
    std::optional<Pages> Take();

   private:
    // One side at the recorder's rate, without the lag of its filter: frames
    // come out one later than they go in.
    class Side {
     public:
      Side(int from_hz, int to_hz);
      void Put(std::span<const int16_t> frame);
      // Whether a frame is there; it is valid until the next call of Take or
      // Put.
      bool ready() const { return size_ >= frame_samples_; }
      std::span<const int16_t> Take();

     private:
      audio::Resampler resampler_;
      const size_t frame_samples_;
      // Of the output, what is lag and is not kept.
      size_t lag_ = 0;
      // What was not taken: the samples at the front. The last frame taken.
      std::vector<int16_t> samples_;
      size_t size_ = 0;
      std::vector<int16_t> taken_;
    };

    void Keep(std::span<const uint8_t> pages);
    void Record(std::span<const int16_t> caller,
                std::span<const int16_t> agent);

    const int sample_rate_hz_;
    Side caller_;
    Side agent_;
    const size_t caller_samples_;
    const size_t agent_samples_;
    // Whether any side has another rate than the recorder.
    const bool resamples_;
    // Frames that came in and are not recorded yet.
    int64_t waiting_ = 0;
    audio::Recorder recorder_;
    CallerCleaner cleaner_;
    std::vector<Pages> pages_;
    // Of pages_, those that were taken.
    size_t taken_ = 0;
  };

  const LineOut& line_out_;
  File file_;
  CallRecorder sides_;
  const bool goes_on_;
  RecordingPauses pauses_{};
};

}  // namespace trunkline::media
