#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "audio/recorder.h"
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
class CallRecording {
 public:
  static constexpr uint64_t kGranulesPerFrame =
      audio::Recorder::kGranulesPerFrame;

  struct Config {
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
  // after the file's beginning. To be called first.
  void Start(std::string_view title, Duration age);
  // The stream begins anew: the time without one becomes silence.
  void OnStreamStarted(Instant now) { sides_.OnStreamStarted(now); }
  void OnCallerFrame(const CallerPath::Frame& frame, Instant now);
  // Ends the file.
  void Finish();

  // Returns whether that is new.
  bool SetPause(RecordingPause pause, bool paused);
  // What is held back but not yet in the file becomes silence as well.
  void MuteHeld() { sides_.MuteHeld(); }
  const RecordingPauses& pauses() const { return pauses_; }
  bool paused() const;

  // The next pages of the file; nullopt if there are none for now.
  std::optional<Pages> TakePages();
  // Length of the file, ms.
  int64_t file_ms() const { return file_.frames() * CallerAudio::kFrameMs; }

 private:
  // Encodes frames of both sides to pages, and keeps these to be taken.
  class File final : public CallRecorder::Listener {
   public:
    explicit File(const Config& config);
    void Start(std::string_view title);
    void Finish() { Keep(recorder_.Finish()); }
    void OnRecordedFrame(std::span<const int16_t> caller,
                         std::span<const int16_t> agent) override;
    void AddSilence(int64_t frames);
    int64_t frames() const { return recorder_.frames(); }
    std::optional<Pages> Take();

   private:
    void Keep(std::span<const uint8_t> pages);

    const size_t frame_samples_;
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
