#include "media/call_recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "audio/g711.h"
#include "support/audio_signals.h"

namespace trunkline::media {
namespace {

constexpr protocol::AudioFormat kMuLaw{protocol::Encoding::kMuLaw, 8000};
constexpr size_t kFrame = 160;
constexpr auto kCarrier = CallerAudio::Source::kCarrier;

constexpr Instant At(int64_t ms) {
  return Instant::Micros(static_cast<uint64_t>(1'000'000 + ms * 1000));
}

// A click of 4 ms at the begin of a stretch of silence.
std::vector<uint8_t> Click(size_t samples) {
  std::vector<int16_t> linear(samples);
  std::fill_n(linear.begin(), std::min<size_t>(32, samples), int16_t{12'000});
  std::vector<uint8_t> codes(samples);
  audio::EncodeMuLaw(linear, codes);
  return codes;
}

// Keeps both tracks.
struct Tracks : CallRecorder::Listener {
  std::vector<int16_t> caller;
  std::vector<int16_t> agent;
  void OnRecordedFrame(std::span<const int16_t> left,
                       std::span<const int16_t> right) override {
    caller.insert(caller.end(), left.begin(), left.end());
    agent.insert(agent.end(), right.begin(), right.end());
  }
  // Where samples rise from silence, ms.
  static std::vector<int64_t> OnsetsMs(std::span<const int16_t> track) {
    std::vector<int64_t> onsets;
    for (size_t i = 1; i < track.size(); ++i) {
      const bool loud = std::abs(int{track[i]}) > 4000;
      const bool quiet_before = std::abs(int{track[i - 1]}) <= 4000;
      if (loud && quiet_before) onsets.push_back(static_cast<int64_t>(i) / 8);
    }
    return onsets;
  }
};

// A caller whose frames take `way_ms` and up to `jitter_ms` more to come, and
// who hears what is sent `way_ms` later.
class Caller {
 public:
  explicit Caller(int64_t way_ms, int64_t jitter_ms = 0, int64_t drift_ppm = 0)
      : way_ms_(way_ms), jitter_ms_(jitter_ms), drift_ppm_(drift_ppm) {}

  // Speaks frame by frame up to `until_ms` of the caller's own time, silence
  // but for a click at each of `clicks_ms`.
  void Speak(int64_t until_ms, const std::vector<int64_t>& clicks_ms = {}) {
    for (; spoken_ms_ < until_ms; spoken_ms_ += 20) {
      std::vector<int16_t> frame(kFrame);
      for (const int64_t click : clicks_ms) {
        if (click >= spoken_ms_ && click < spoken_ms_ + 20) {
          const auto begin = static_cast<size_t>(click - spoken_ms_) * 8;
          for (size_t i = begin; i < std::min(begin + 32, kFrame); ++i) {
            frame[i] = 12'000;
          }
        }
      }
      const auto late = static_cast<int64_t>(
          jitter_ms_ == 0 ? 0
                          : random_.Below(static_cast<size_t>(jitter_ms_) + 1));
      arrived_ms_ =
          std::max(arrived_ms_, CarrierMs(spoken_ms_ + 20) + way_ms_ + late);
      recorder_.OnCallerFrame(frame, kCarrier, At(arrived_ms_),
                              Duration::Millis(2 * way_ms_));
    }
  }
  void Skip(int64_t until_ms) { spoken_ms_ = until_ms; }
  // The caller hears `audio` from `heard_ms` of his time on.
  void Play(std::span<const uint8_t> audio, int64_t heard_ms) {
    heard_.Play(audio, At(CarrierMs(heard_ms) - way_ms_));
  }
  // Our time, when the carrier's clock shows `ms`.
  int64_t CarrierMs(int64_t ms) const {
    return ms + ms * drift_ppm_ / 1'000'000;
  }

  const Tracks& Hear() {
    recorder_.Finish(At(arrived_ms_));
    return tracks_;
  }
  CallRecorder& recorder() { return recorder_; }
  HeardTrack& heard() { return heard_; }

 private:
  const int64_t way_ms_;
  const int64_t jitter_ms_;
  const int64_t drift_ppm_;
  Tracks tracks_;
  HeardTrack heard_{kMuLaw};
  CallRecorder recorder_{8000, heard_, tracks_};
  test::Random random_{7};
  int64_t spoken_ms_ = 0;
  int64_t arrived_ms_ = 0;
};

void ExpectNear(const std::vector<int64_t>& onsets,
                const std::vector<int64_t>& expected, int64_t tolerance_ms) {
  ASSERT_EQ(onsets.size(), expected.size());
  for (size_t i = 0; i < onsets.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(onsets[i]),
                static_cast<double>(expected[i]),
                static_cast<double>(tolerance_ms));
  }
}

TEST(CallRecorderTest, WhatWasHeardLiesBesideWhatWasSpokenThen) {
  for (const int64_t way_ms : {0, 40, 120}) {
    Caller caller(way_ms);
    caller.Speak(1000);
    caller.Play(Click(800), 1200);
    caller.Speak(2500, {1100, 2300});
    const Tracks& tracks = caller.Hear();
    ExpectNear(Tracks::OnsetsMs(tracks.caller), {1100, 2300}, 0);
    ExpectNear(Tracks::OnsetsMs(tracks.agent), {1200}, 0);
    EXPECT_EQ(tracks.caller.size(), size_t{2500 * 8});
    EXPECT_EQ(tracks.agent.size(), tracks.caller.size());
  }
}

TEST(CallRecorderTest, ChunksOfOneReplyJoinWithoutASeam) {
  Caller caller(30);
  caller.Speak(1000);
  std::vector<int16_t> ramp(8000);
  for (size_t i = 0; i < ramp.size(); ++i) {
    ramp[i] = static_cast<int16_t>(4000 + i % 160 * 40);
  }
  std::vector<uint8_t> codes(ramp.size());
  audio::EncodeMuLaw(ramp, codes);
  for (size_t at = 0; at < codes.size(); at += 160) {
    caller.Play(std::span<const uint8_t>(codes).subspan(at, 160),
                1200 + static_cast<int64_t>(at) / 8);
  }
  caller.Speak(3000);
  const Tracks& tracks = caller.Hear();
  std::vector<int16_t> played(codes.size());
  audio::DecodeMuLaw(codes, played);
  const auto begin = tracks.agent.begin() + 1200 * 8;
  EXPECT_TRUE(std::equal(played.begin(), played.end(), begin));
}

TEST(CallRecorderTest, WhatWasClearedWasNotHeard) {
  Caller caller(0);
  caller.Speak(1000);
  std::vector<uint8_t> loud(1600, uint8_t{0x80});
  caller.Play(loud, 1100);
  caller.heard().Cut(At(1150));
  caller.Speak(2500);
  const Tracks& tracks = caller.Hear();
  for (size_t i = 0; i < tracks.agent.size(); ++i) {
    const bool heard = i >= 1100 * 8 && i < 1150 * 8;
    ASSERT_EQ(tracks.agent[i] != 0, heard) << i;
  }
}

TEST(CallRecorderTest, WhatIsSentAfterAClearIsHeardInItsPlace) {
  Caller caller(0);
  caller.Speak(1000);
  caller.Play(std::vector<uint8_t>(1600, uint8_t{0x80}), 1100);
  caller.heard().Cut(At(1150));
  caller.Play(Click(160), 1400);
  caller.Speak(2500);
  ExpectNear(Tracks::OnsetsMs(caller.Hear().agent), {1100, 1400}, 0);
}

TEST(CallRecorderTest, JitterOfTheNetworkMovesNothing) {
  Caller caller(50, /*jitter_ms=*/60);
  caller.Speak(2000);
  std::vector<int64_t> expected;
  for (int64_t at = 2500; at < 12'000; at += 1000) {
    caller.Play(Click(800), at);
    caller.Speak(at + 500);
    expected.push_back(at);
  }
  caller.Speak(13'000);
  // The shortest way that was seen may be some jitter too long.
  ExpectNear(Tracks::OnsetsMs(caller.Hear().agent), expected, 5);
}

TEST(CallRecorderTest, AClockThatRunsOffIsFollowed) {
  for (const int64_t drift_ppm : {-200, 200}) {
    Caller caller(20, /*jitter_ms=*/10, drift_ppm);
    std::vector<int64_t> expected;
    // 200 ppm are 120 ms in ten minutes.
    for (int64_t at = 1000; at < 600'000; at += 5000) {
      caller.Speak(at - 500);
      caller.Play(Click(800), at);
      expected.push_back(at);
    }
    caller.Speak(600'000);
    ExpectNear(Tracks::OnsetsMs(caller.Hear().agent), expected, 10);
  }
}

TEST(CallRecorderTest, TheTimeWithoutAStreamIsSilence) {
  Tracks tracks;
  const HeardTrack heard(kMuLaw);
  CallRecorder recorder(8000, heard, tracks);
  const std::vector<int16_t> loud(kFrame, int16_t{9000});
  for (int i = 0; i < 50; ++i) {
    recorder.OnCallerFrame(loud, kCarrier, At(20 * (i + 1)), std::nullopt);
  }
  recorder.OnStreamStarted(At(4000));
  for (int i = 0; i < 50; ++i) {
    recorder.OnCallerFrame(loud, kCarrier, At(4000 + 20 * (i + 1)),
                           std::nullopt);
  }
  recorder.Finish(At(5000));
  EXPECT_EQ(tracks.caller.size(), size_t{5000 * 8});
  ExpectNear(Tracks::OnsetsMs(tracks.caller), {4000}, 0);
}

TEST(CallRecorderTest, TimeThatNoTimestampToldOfIsPutBack) {
  Tracks tracks;
  const HeardTrack heard(kMuLaw);
  CallRecorder recorder(8000, heard, tracks);
  const std::vector<int16_t> frame(kFrame);
  int64_t now_ms = 0;
  for (int i = 0; i < 500; ++i) {
    recorder.OnCallerFrame(frame, kCarrier, At(now_ms += 20), std::nullopt);
  }
  now_ms += 3000;
  // Within two windows the loss is known for sure.
  for (int i = 0; i < 1000; ++i) {
    recorder.OnCallerFrame(frame, kCarrier, At(now_ms += 20), std::nullopt);
  }
  recorder.Finish(At(now_ms));
  EXPECT_EQ(static_cast<int64_t>(tracks.caller.size()) / 8, now_ms);
}

// A caller whose frames stay out, and a session that keeps time.
class StalledCall {
 public:
  StalledCall() { recorder_.Begin(At(0)); }

  // Frames come as they are spoken until `until_ms`, loud ones.
  void Speak(int64_t until_ms) {
    while (now_ms_ < until_ms) {
      now_ms_ += 20;
      Take(kLoud, kCarrier);
    }
  }
  // Time passes without any.
  void Wait(int64_t until_ms) {
    for (; now_ms_ < until_ms; now_ms_ += 20) {
      const int64_t out_ms = now_ms_ - came_ms_ - CallRecorder::kWake.ms();
      // On the next frame's time.
      if (out_ms >= 0 && out_ms % CallRecorder::kTick.ms() < 20) {
        recorder_.OnTime(At(now_ms_));
      }
    }
  }
  // What was spoken meanwhile comes at once, or silence for it.
  void Burst(int64_t ms, CallerAudio::Source source) {
    for (; ms > 0; ms -= 20) {
      Take(source == kCarrier ? kLoud : kSilent, source);
    }
  }
  // A tone of the agent from now on, as it is sent: 200 ms at a time.
  void PlayWhileWaiting(int64_t until_ms) {
    while (now_ms_ < until_ms) {
      heard_.Play(std::vector<uint8_t>(1600, uint8_t{0x80}), At(now_ms_));
      Wait(now_ms_ + 200);
    }
  }
  const Tracks& Hear() {
    recorder_.Finish(At(now_ms_));
    return tracks_;
  }
  CallRecorder& recorder() { return recorder_; }
  int64_t file_ms() const { return recorder_.frames() * 20; }

 private:
  static constexpr int16_t kLoud = 9000;
  static constexpr int16_t kSilent = 0;

  void Take(int16_t value, CallerAudio::Source source) {
    if (source == kCarrier) came_ms_ = now_ms_;
    recorder_.OnCallerFrame(std::vector<int16_t>(kFrame, value), source,
                            At(now_ms_), std::nullopt);
  }

  Tracks tracks_;
  HeardTrack heard_{kMuLaw};
  CallRecorder recorder_{8000, heard_, tracks_};
  int64_t now_ms_ = 0;
  int64_t came_ms_ = 0;
};

// Gaps were filled up to 10 s, and the rest of a longer one was put back when
// frames had been late for 10 s: until then the caller lay early.
TEST(CallRecorderTest, AGapOfAnyLengthIsItsLength) {
  for (const int64_t gap_ms : {300, 1000, 5000, 14'000, 60'000, 600'000}) {
    // Timestamps tell of all of it, of the first ten seconds, and of nothing.
    for (const int64_t told_ms :
         {gap_ms, std::min<int64_t>(gap_ms, 10'000), int64_t{0}}) {
      StalledCall call;
      call.Speak(2000);
      call.Wait(2000 + gap_ms);
      call.Burst(told_ms, CallerAudio::Source::kFilled);
      call.Speak(2000 + gap_ms + 3000);
      const Tracks& tracks = call.Hear();
      EXPECT_EQ(static_cast<int64_t>(tracks.caller.size()) / 8, 5000 + gap_ms);
      EXPECT_EQ(tracks.agent.size(), tracks.caller.size());
      ExpectNear(Tracks::OnsetsMs(tracks.caller), {2000 + gap_ms}, 20);
      EXPECT_EQ(call.recorder().late_frames(), 0U);
    }
  }
}

TEST(CallRecorderTest, AGapAtTheBeginIsItsLength) {
  for (const int64_t gap_ms : {100, 400, 3000, 30'000}) {
    StalledCall call;
    call.Wait(gap_ms);
    call.Speak(gap_ms + 2000);
    const Tracks& tracks = call.Hear();
    EXPECT_EQ(static_cast<int64_t>(tracks.caller.size()) / 8, 2000 + gap_ms);
    ExpectNear(Tracks::OnsetsMs(tracks.caller), {gap_ms}, 20);
  }
}

TEST(CallRecorderTest, AFileIsAsLongAsACallThatEndsInAGap) {
  for (const int64_t gap_ms : {300, 2000, 14'000, 600'000}) {
    StalledCall call;
    call.Speak(1000);
    call.Wait(1000 + gap_ms);
    EXPECT_NEAR(static_cast<double>(call.Hear().caller.size()) / 8,
                static_cast<double>(1000 + gap_ms), 20);
  }
}

TEST(CallRecorderTest, FramesThatWereHeldUpTakeTheirPlace) {
  for (const int64_t stall_ms : {300, 1000, 2400}) {
    StalledCall call;
    call.Speak(2000);
    call.Wait(2000 + stall_ms);
    call.Burst(stall_ms, kCarrier);
    call.Speak(2000 + stall_ms + 2000);
    const Tracks& tracks = call.Hear();
    EXPECT_EQ(static_cast<int64_t>(tracks.caller.size()) / 8, 4000 + stall_ms);
    EXPECT_EQ(std::count(tracks.caller.begin(), tracks.caller.end(), 0), 0);
    EXPECT_EQ(call.recorder().late_frames(), 0U);
  }
}

TEST(CallRecorderTest, FramesThatWereHeldUpTooLongAreDroppedAndCounted) {
  StalledCall call;
  call.Speak(2000);
  call.Wait(10'000);
  const int64_t silent_ms = call.file_ms() - 2000;
  call.Burst(8000, kCarrier);
  call.Speak(12'000);
  const Tracks& tracks = call.Hear();
  EXPECT_EQ(static_cast<int64_t>(tracks.caller.size()) / 8, 12'000);
  EXPECT_EQ(static_cast<int64_t>(call.recorder().late_frames()) * 20,
            silent_ms);
  EXPECT_GT(silent_ms, 4000);
}

TEST(CallRecorderTest, TheAgentIsHeardWhileTheCallersFramesStayOut) {
  for (const int64_t gap_ms : {1000, 3000, 14'000}) {
    StalledCall call;
    call.Speak(2000);
    call.PlayWhileWaiting(2000 + gap_ms);
    call.Speak(2000 + gap_ms + 2000);
    const Tracks& tracks = call.Hear();
    ExpectNear(Tracks::OnsetsMs(tracks.agent), {2000}, 20);
    const auto loud = std::count_if(
        tracks.agent.begin(), tracks.agent.end(),
        [](int16_t sample) { return std::abs(int{sample}) > 4000; });
    EXPECT_NEAR(static_cast<double>(loud) / 8, static_cast<double>(gap_ms), 40);
  }
}

// What was heard while the recording was paused stays out of it, though it is
// written later.
TEST(CallRecorderTest, WhatIsKeptForLaterIsMutedWhenItIsHeard) {
  StalledCall call;
  call.Speak(2000);
  call.recorder().Mute();
  call.PlayWhileWaiting(3600);
  call.recorder().Unmute(At(3600));
  call.Wait(4000);
  call.Speak(6000);
  const Tracks& tracks = call.Hear();
  for (size_t i = 2000 * 8; i < 3600 * 8; ++i) {
    ASSERT_EQ(tracks.agent[i], 0) << i / 8;
  }
  StalledCall reaching;
  reaching.Speak(2000);
  reaching.PlayWhileWaiting(3600);
  reaching.recorder().MuteHeld();
  reaching.Wait(4000);
  const std::vector<int16_t>& agent = reaching.Hear().agent;
  EXPECT_EQ(std::count(agent.begin() + 2000 * 8, agent.end(), 0),
            static_cast<ptrdiff_t>(agent.size()) - 2000 * 8);
}

TEST(CallRecorderTest, MessagesOf200MillisecondsAreNoBurst) {
  StalledCall call;
  call.Speak(2000);
  call.Wait(16'000);
  for (int64_t ms = 16'200; ms <= 19'000; ms += 200) {
    call.Wait(ms);
    call.Burst(200, kCarrier);
  }
  const Tracks& tracks = call.Hear();
  EXPECT_EQ(static_cast<int64_t>(tracks.caller.size()) / 8, 19'000);
  ExpectNear(Tracks::OnsetsMs(tracks.caller), {16'000}, 20);
  EXPECT_EQ(call.recorder().late_frames(), 0U);
}

TEST(CallRecorderTest, SilenceAheadOfTheCarrierDoesNotMoveTheClock) {
  Caller caller(0);
  caller.Speak(1000);
  const std::vector<int16_t> silence(kFrame);
  // The carrier stalls; a second of silence comes at once, and its own audio
  // follows a second later.
  for (int i = 0; i < 50; ++i) {
    caller.recorder().OnCallerFrame(silence, CallerAudio::Source::kStall,
                                    At(1000), std::nullopt);
  }
  caller.Skip(2000);
  caller.Play(Click(800), 2500);
  caller.Speak(4000);
  ExpectNear(Tracks::OnsetsMs(caller.Hear().agent), {2500}, 0);
}

TEST(CallRecorderTest, WhatIsMutedIsSilenceOfItsLength) {
  Tracks tracks;
  HeardTrack heard(kMuLaw);
  CallRecorder recorder(8000, heard, tracks);
  heard.Play(std::vector<uint8_t>(8000, uint8_t{0x80}), At(0));
  const std::vector<int16_t> loud(kFrame, int16_t{9000});
  auto speak = [&, now_ms = int64_t{0}](int64_t until_ms) mutable {
    while (now_ms < until_ms) {
      recorder.OnCallerFrame(loud, kCarrier, At(now_ms += 20), std::nullopt);
    }
  };
  speak(200);
  recorder.Mute();
  speak(400);
  recorder.Unmute(At(400));
  speak(600);
  recorder.Finish(At(600));
  for (const auto& track : {tracks.caller, tracks.agent}) {
    ASSERT_EQ(track.size(), size_t{600 * 8});
    for (size_t i = 0; i < track.size(); ++i) {
      ASSERT_EQ(track[i] != 0, i < 200 * 8 || i >= 400 * 8) << i;
    }
  }
}

TEST(CallRecorderTest, WhatIsHeldCanBeMutedYet) {
  Tracks tracks;
  const HeardTrack heard(kMuLaw);
  CallRecorder recorder(8000, heard, tracks);
  const std::vector<int16_t> loud(kFrame, int16_t{9000});
  // A batch has left with this frame.
  for (int i = 1; i <= 55; ++i) {
    recorder.OnCallerFrame(loud, kCarrier, At(20 * i), std::nullopt);
  }
  recorder.MuteHeld();
  recorder.Finish(At(1100));
  const auto silent = std::find(tracks.caller.begin(), tracks.caller.end(), 0);
  EXPECT_EQ((silent - tracks.caller.begin()) / 8,
            1100 - CallRecorder::kLag.ms());
}

TEST(CallRecorderTest, FramesLeaveInBatchesAndNoneBeforeTheLag) {
  Tracks tracks;
  const HeardTrack heard(kMuLaw);
  CallRecorder recorder(8000, heard, tracks);
  const std::vector<int16_t> loud(kFrame, int16_t{9000});
  for (int i = 1; i <= 200; ++i) {
    recorder.OnCallerFrame(loud, kCarrier, At(20 * i), std::nullopt);
    const auto left = static_cast<int64_t>(tracks.caller.size() / 8);
    EXPECT_EQ(left % CallRecorder::kBatch.ms(), 0);
    const int64_t late = 20 * i - left;
    EXPECT_LT(late, (CallRecorder::kLag + CallRecorder::kBatch).ms());
    if (left > 0) {
      EXPECT_GE(late, CallRecorder::kLag.ms());
    }
  }
}

// A call of 15 s by the clock. The caller is silent but from kVoiceMs to
// kVoiceEndMs; the agent is heard from kReplyMs on for kReplyLengthMs. How many
// frames come at each 20 ms is the test's.
class PacedCall {
 public:
  static constexpr int64_t kCallMs = 15'000;
  static constexpr int64_t kVoiceMs = 10'000;
  static constexpr int64_t kVoiceEndMs = 12'000;
  static constexpr int64_t kReplyMs = 3'000;
  static constexpr int64_t kReplyLengthMs = 6'000;

  PacedCall() { recorder_.Begin(At(0)); }

  // 20 ms pass, and frames come that were spoken at these times.
  void Pass(const std::vector<int64_t>& spoken_ms) {
    now_ms_ += 20;
    const int64_t out_ms = now_ms_ - came_ms_ - CallRecorder::kWake.ms();
    if (out_ms >= 0 && out_ms % CallRecorder::kTick.ms() < 20) {
      recorder_.OnTime(At(now_ms_));
    }
    // As it is sent, a little ahead.
    const int64_t played_ms = now_ms_ - kReplyMs;
    if (played_ms >= 0 && played_ms < kReplyLengthMs) {
      heard_.Play(std::vector<uint8_t>(160, uint8_t{0x80}), At(now_ms_));
    }
    for (const int64_t at_ms : spoken_ms) {
      const bool voice = at_ms >= kVoiceMs && at_ms < kVoiceEndMs;
      came_ms_ = now_ms_;
      recorder_.OnCallerFrame(
          std::vector<int16_t>(kFrame, voice ? int16_t{9000} : int16_t{0}),
          kCarrier, At(now_ms_), std::nullopt);
    }
  }
  void Pass() { Pass({now_ms_}); }
  int64_t now_ms() const { return now_ms_; }
  bool over() const { return now_ms_ >= kCallMs; }
  CallRecorder& recorder() { return recorder_; }
  const Tracks& Hear() {
    recorder_.Finish(At(now_ms_));
    return tracks_;
  }

 private:
  Tracks tracks_;
  HeardTrack heard_{kMuLaw};
  CallRecorder recorder_{8000, heard_, tracks_};
  int64_t now_ms_ = 0;
  int64_t came_ms_ = 0;
};

int64_t LoudMs(const std::vector<int16_t>& track) {
  return std::count_if(
             track.begin(), track.end(),
             [](int16_t sample) { return std::abs(int{sample}) > 4000; }) /
         8;
}

// The file is as long as the call, and the agent where and as long as he was
// heard.
void ExpectTheCallsClock(PacedCall& call) {
  const Tracks& tracks = call.Hear();
  EXPECT_EQ(tracks.agent.size(), tracks.caller.size());
  EXPECT_NEAR(static_cast<double>(tracks.caller.size()) / 8,
              static_cast<double>(PacedCall::kCallMs), 40);
  ExpectNear(Tracks::OnsetsMs(tracks.agent), {PacedCall::kReplyMs}, 20);
  EXPECT_NEAR(static_cast<double>(LoudMs(tracks.agent)),
              static_cast<double>(PacedCall::kReplyLengthMs), 20);
}

// The caller's first word is early by no more than this.
int64_t MostEarlyMs(int64_t lost_per_mille) {
  return (CallRecorder::kLeastLoss.ms() + 20) +
         (CallRecorder::kHoldUp + CallRecorder::kPace).ms() * lost_per_mille /
             1000;
}

// Frames that came fewer than time passed made the file that much shorter, and
// the agent was cut out of it: at a half there was none of him.
TEST(CallRecorderTest, FramesThatAreLostUntoldShortenNothing) {
  for (const int64_t per_mille : {10, 50, 200, 500, 800, 950}) {
    for (const uint64_t seed : {1U, 2U, 3U}) {
      SCOPED_TRACE(testing::Message() << per_mille << ", seed " << seed);
      test::Random random(seed);
      PacedCall call;
      while (!call.over()) {
        if (random.Below(1000) < static_cast<size_t>(per_mille)) {
          call.Pass({});
        } else {
          call.Pass();
        }
      }
      ExpectTheCallsClock(call);
      EXPECT_EQ(call.recorder().late_frames(), 0U);
    }
  }
}

TEST(CallRecorderTest, FramesThatComeTooSlowlyShortenNothing) {
  for (const int64_t per_mille : {990, 950, 800, 500, 250}) {
    SCOPED_TRACE(per_mille);
    PacedCall call;
    int64_t came = 0;
    while (!call.over()) {
      const bool comes = (call.now_ms() + 20) * per_mille / 1000 >= came + 20;
      if (comes) {
        call.Pass();
        came += 20;
      } else {
        call.Pass({});
      }
    }
    ExpectTheCallsClock(call);
    EXPECT_EQ(call.recorder().late_frames(), 0U);
  }
}

// What is put in for lost time is put near it.
TEST(CallRecorderTest, ACallerOfWhomFramesAreLostIsNearlyWhereHeSpoke) {
  for (const int64_t per_mille : {20, 50, 200, 500}) {
    SCOPED_TRACE(per_mille);
    test::Random random(5);
    PacedCall call;
    while (!call.over()) {
      if (random.Below(1000) < static_cast<size_t>(per_mille)) {
        call.Pass({});
      } else {
        call.Pass();
      }
    }
    const std::vector<int64_t> onsets = Tracks::OnsetsMs(call.Hear().caller);
    ASSERT_FALSE(onsets.empty());
    EXPECT_LE(onsets.front(), PacedCall::kVoiceMs + 40);
    // The random numbers may lose more than their share for a while.
    EXPECT_GE(onsets.front(),
              PacedCall::kVoiceMs - MostEarlyMs(per_mille * 5 / 4));
  }
}

// The network holds frames up and brings all of them: nothing is put in for
// what is not lost, and nothing is doubled.
TEST(CallRecorderTest, FramesThatAreHeldUpAgainAndAgainMoveNothing) {
  for (const int64_t hold_ms : {100, 240, 500, 1000, 1900}) {
    for (const int64_t every_ms : {hold_ms, hold_ms + 300, hold_ms + 2000}) {
      SCOPED_TRACE(testing::Message() << hold_ms << " of " << every_ms);
      PacedCall call;
      std::vector<int64_t> held;
      while (!call.over()) {
        held.push_back(call.now_ms());
        if (call.now_ms() % every_ms < hold_ms - 20) {
          call.Pass({});
          continue;
        }
        call.Pass(held);
        held.clear();
      }
      ExpectTheCallsClock(call);
      const Tracks& tracks = call.Hear();
      ExpectNear(Tracks::OnsetsMs(tracks.caller), {PacedCall::kVoiceMs}, 20);
      EXPECT_EQ(LoudMs(tracks.caller),
                PacedCall::kVoiceEndMs - PacedCall::kVoiceMs);
      EXPECT_EQ(call.recorder().late_frames(), 0U);
    }
  }
}

// The same, of a network that lets a trickle through.
TEST(CallRecorderTest, ATrickleThatIsMadeUpForMovesNothing) {
  for (const int64_t slow_ms : {400, 1000, 1600}) {
    for (const int64_t one_of : {2, 4}) {
      SCOPED_TRACE(testing::Message() << slow_ms << ", one of " << one_of);
      PacedCall call;
      std::vector<int64_t> held;
      while (!call.over()) {
        held.push_back(call.now_ms());
        const int64_t into_ms = call.now_ms() - 9'600;
        if (into_ms >= 0 && into_ms < slow_ms) {
          if (into_ms / 20 % one_of == 0) {
            call.Pass({held.front()});
            held.erase(held.begin());
          } else {
            call.Pass({});
          }
          continue;
        }
        call.Pass(held);
        held.clear();
      }
      ExpectTheCallsClock(call);
      const Tracks& tracks = call.Hear();
      EXPECT_EQ(LoudMs(tracks.caller),
                PacedCall::kVoiceEndMs - PacedCall::kVoiceMs);
      EXPECT_EQ(call.recorder().late_frames(), 0U);
    }
  }
}

// A trickle for longer than anything is held up is lost time; if all of it
// comes yet, it has silence in its place, and moves nothing.
TEST(CallRecorderTest, WhatComesWhenItWasTakenForLostMovesNothing) {
  PacedCall call;
  std::vector<int64_t> held;
  while (!call.over()) {
    held.push_back(call.now_ms());
    if (call.now_ms() >= 2'000 && call.now_ms() < 7'000 &&
        call.now_ms() / 20 % 2 == 0) {
      call.Pass({held.front()});
      held.erase(held.begin());
      continue;
    }
    if (call.now_ms() < 7'000 && call.now_ms() >= 2'000) {
      call.Pass({});
      continue;
    }
    call.Pass(held);
    held.clear();
  }
  ExpectTheCallsClock(call);
  const Tracks& tracks = call.Hear();
  ExpectNear(Tracks::OnsetsMs(tracks.caller), {PacedCall::kVoiceMs}, 20);
  EXPECT_EQ(LoudMs(tracks.caller),
            PacedCall::kVoiceEndMs - PacedCall::kVoiceMs);
  EXPECT_GT(call.recorder().late_frames(), 0U);
}

// Jitter below the allowance costs nothing and puts nothing in.
TEST(CallRecorderTest, JitterBelowTheAllowanceIsNoLoss) {
  for (const int64_t most_ms : {40, 100, 180}) {
    PacedCall call;
    test::Random random(9);
    std::vector<int64_t> due_ms;
    std::vector<int64_t> spoken_ms;
    int64_t last_ms = 0;
    while (!call.over()) {
      spoken_ms.push_back(call.now_ms());
      last_ms = std::max(
          last_ms,
          call.now_ms() + 20 +
              static_cast<int64_t>(random.Below(static_cast<size_t>(most_ms))));
      due_ms.push_back(last_ms);
      std::vector<int64_t> come;
      while (!due_ms.empty() && due_ms.front() <= call.now_ms() + 20) {
        come.push_back(spoken_ms.front());
        due_ms.erase(due_ms.begin());
        spoken_ms.erase(spoken_ms.begin());
      }
      call.Pass(come);
    }
    const Tracks& tracks = call.Hear();
    ExpectNear(Tracks::OnsetsMs(tracks.caller), {PacedCall::kVoiceMs}, 40);
    EXPECT_EQ(LoudMs(tracks.caller),
              PacedCall::kVoiceEndMs - PacedCall::kVoiceMs);
    // The first frames' way is known no better than that.
    EXPECT_LE(call.recorder().late_frames() * 20,
              static_cast<uint64_t>(CallRecorder::kLeastGap.ms()));
  }
}

// A way that is longer for some seconds, and then as it was.
TEST(CallRecorderTest, AWayThatIsLongerForAWhileIsNoLossUpToTheAllowance) {
  for (const int64_t longer_ms :
       {CallRecorder::kLeastLoss.ms() - 20, CallRecorder::kLeastLoss.ms()}) {
    PacedCall call;
    std::vector<int64_t> spoken_ms;
    while (!call.over()) {
      spoken_ms.push_back(call.now_ms());
      const bool is_longer = call.now_ms() >= 5'000 && call.now_ms() < 9'000;
      const size_t out = is_longer ? static_cast<size_t>(longer_ms / 20) : 0;
      std::vector<int64_t> come;
      while (spoken_ms.size() > out) {
        come.push_back(spoken_ms.front());
        spoken_ms.erase(spoken_ms.begin());
      }
      call.Pass(come);
    }
    ExpectTheCallsClock(call);
    // All that come early but one, by a frame.
    const bool is_loss = longer_ms >= CallRecorder::kLeastLoss.ms();
    EXPECT_EQ(call.recorder().late_frames(),
              static_cast<uint64_t>(is_loss ? longer_ms / 20 - 1 : 0));
    const Tracks& tracks = call.Hear();
    ExpectNear(Tracks::OnsetsMs(tracks.caller), {PacedCall::kVoiceMs}, 20);
    EXPECT_EQ(LoudMs(tracks.caller),
              PacedCall::kVoiceEndMs - PacedCall::kVoiceMs);
  }
}

// 200 ppm are 360 ms in half an hour.
TEST(CallRecorderTest, AFileRunsOffWithTheCarriersClockByNoMoreThanItsBound) {
  constexpr int64_t kHalfHourMs = 1'800'000;
  for (const int64_t drift_ppm : {-200, 200}) {
    Caller caller(20, /*jitter_ms=*/10, drift_ppm);
    std::vector<int64_t> expected;
    std::vector<int64_t> clicks;
    for (int64_t at = 1000; at < kHalfHourMs; at += 5000) {
      caller.Speak(at - 500, clicks);
      caller.Play(Click(800), at);
      expected.push_back(caller.CarrierMs(at));
      clicks = {at};
    }
    caller.Speak(kHalfHourMs, clicks);
    const int64_t bound_ms = CallRecorder::kMostDrift.ms() + 30;
    const Tracks& tracks = caller.Hear();
    EXPECT_NEAR(static_cast<double>(tracks.caller.size()) / 8,
                static_cast<double>(caller.CarrierMs(kHalfHourMs)),
                static_cast<double>(bound_ms));
    ExpectNear(Tracks::OnsetsMs(tracks.caller), expected, bound_ms);
    ExpectNear(Tracks::OnsetsMs(tracks.agent), expected, bound_ms);
  }
}

// In a voice that would be a click.
TEST(CallRecorderTest, NothingIsPutInOrLeftOutOfAVoiceForADrift) {
  for (const int64_t ms_more : {-1, 1}) {
    for (const int value : {CallRecorder::kQuiet, CallRecorder::kQuiet + 1}) {
      Tracks tracks;
      const HeardTrack heard(kMuLaw);
      CallRecorder recorder(8000, heard, tracks);
      const std::vector<int16_t> frame(kFrame, static_cast<int16_t>(value));
      // 500 ppm: 250 ms in 500 s.
      constexpr int64_t kFrames = 25'000;
      for (int64_t i = 1; i <= kFrames; ++i) {
        recorder.OnCallerFrame(frame, kCarrier, At(20 * i + ms_more * i / 100),
                               std::nullopt);
      }
      const int64_t off_ms = recorder.frames() * 20 - kFrames * 20;
      if (value > CallRecorder::kQuiet) {
        EXPECT_EQ(off_ms, 0);
      } else {
        EXPECT_GE(off_ms * ms_more, 60);
        EXPECT_LE(off_ms * ms_more, 120);
      }
    }
  }
}

}  // namespace
}  // namespace trunkline::media
