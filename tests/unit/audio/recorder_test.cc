#include "audio/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "audio/level.h"
#include "audio/opus_decoder.h"
#include "support/audio_signals.h"

namespace trunkline::audio {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Bytes = std::vector<uint8_t>;
using Samples = std::vector<int16_t>;

constexpr size_t kFrame = 160;

void Append(Bytes& file, std::span<const uint8_t> pages) {
  file.insert(file.end(), pages.begin(), pages.end());
}

std::span<const int16_t> FrameOf(const Samples& samples, size_t frame,
                                 size_t size = kFrame) {
  return std::span(samples).subspan(frame * size, size);
}

constexpr std::array<std::string_view, 3> kComments = {
    "TITLE=Call CA1", "DATE=2026-01-02T03:04:05Z", "CALL_ID=CA1"};

// A recording of both sides, to the end of the shorter one.
Bytes Record(Recorder& recorder, const Samples& caller, const Samples& agent,
             size_t frame = kFrame) {
  Bytes file;
  Append(file, recorder.Start(kComments));
  for (size_t i = 0; (i + 1) * frame <= std::min(caller.size(), agent.size());
       ++i) {
    Append(file, recorder.Process(FrameOf(caller, i, frame),
                                  FrameOf(agent, i, frame)));
  }
  Append(file, recorder.Finish());
  return file;
}

// Speech for a time, then silence, sides taking turns.
Samples Turns(size_t seconds, size_t first) {
  Samples line = test::NoiseSignal(seconds * 8000, -650, 3 + first);
  for (size_t at = first; at + 2 <= seconds; at += 4) {
    const Samples voice = test::VoiceSignal(16000, -250, at + 1);
    test::Mix(std::span(line).subspan(at * 8000), voice);
  }
  return line;
}

struct Page {
  uint8_t flags;
  uint64_t granule;
  uint32_t serial;
  uint32_t sequence;
  std::vector<Bytes> packets;
  size_t end;
};

uint64_t Number(const Bytes& bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | bytes.at(at + i);
  return value;
}

// Bit by bit, as RFC 3533 defines it.
uint32_t SlowChecksum(Bytes page) {
  for (size_t i = 22; i < 26; ++i) page[i] = 0;
  uint32_t value = 0;
  for (const uint8_t byte : page) {
    for (int bit = 7; bit >= 0; --bit) {
      const bool carry = ((value >> 31) ^ (byte >> bit & 1U)) != 0;
      value = value << 1 ^ (carry ? 0x04C11DB7U : 0U);
    }
  }
  return value;
}

// The pages of a file; fails the test when they are not pages of packets that
// end with them.
std::vector<Page> Pages(const Bytes& file) {
  std::vector<Page> pages;
  size_t at = 0;
  while (at < file.size()) {
    EXPECT_LE(at + 27, file.size());
    EXPECT_EQ(std::string(file.begin() + static_cast<ptrdiff_t>(at),
                          file.begin() + static_cast<ptrdiff_t>(at + 4)),
              "OggS");
    Page page{.flags = file.at(at + 5),
              .granule = Number(file, at + 6, 8),
              .serial = static_cast<uint32_t>(Number(file, at + 14, 4)),
              .sequence = static_cast<uint32_t>(Number(file, at + 18, 4)),
              .packets = {},
              .end = 0};
    const size_t lacing = file.at(at + 26);
    size_t body = at + 27 + lacing;
    Bytes packet;
    for (size_t i = 0; i < lacing; ++i) {
      const uint8_t size = file.at(at + 27 + i);
      for (size_t k = 0; k < size; ++k) packet.push_back(file.at(body + k));
      body += size;
      if (size == 255) continue;
      page.packets.push_back(packet);
      packet.clear();
    }
    EXPECT_TRUE(packet.empty());
    page.end = body;
    EXPECT_EQ(SlowChecksum({file.begin() + static_cast<ptrdiff_t>(at),
                            file.begin() + static_cast<ptrdiff_t>(body)}),
              Number(file, at + 22, 4));
    pages.push_back(page);
    at = body;
  }
  return pages;
}

// Both sides of a file, with the pre-skip cut off.
std::array<Samples, 2> Decode(const Bytes& file, int rate) {
  std::array<OpusDecoder, 2> decoders = {OpusDecoder(rate), OpusDecoder(rate)};
  std::array<Samples, 2> sides;
  Samples out(decoders[0].MaxSamples());
  const std::vector<Page> pages = Pages(file);
  for (size_t i = 2; i < pages.size(); ++i) {
    for (const Bytes& packet : pages[i].packets) {
      const size_t left = packet.at(1);
      Bytes first = {packet[0]};
      first.insert(first.end(), packet.begin() + 2,
                   packet.begin() + 2 + static_cast<ptrdiff_t>(left));
      const Bytes second(packet.begin() + 2 + static_cast<ptrdiff_t>(left),
                         packet.end());
      for (size_t side = 0; side < 2; ++side) {
        const size_t count =
            decoders[side].Process(side == 0 ? first : second, out);
        sides[side].insert(sides[side].end(), out.begin(),
                           out.begin() + static_cast<ptrdiff_t>(count));
      }
    }
  }
  for (Samples& side : sides) {
    EXPECT_GE(side.size(), 2 * kFrame);
    side.erase(side.begin(), side.begin() + 312 * rate / 48000);
    side.resize(pages.back().granule >= 312
                    ? (pages.back().granule - 312) *
                          static_cast<uint64_t>(rate) / 48000
                    : 0);
  }
  for (const OpusDecoder& decoder : decoders) {
    EXPECT_EQ(decoder.bad_packets(), 0U);
    // Every frame is there: no decoder has to make one up.
    EXPECT_EQ(decoder.concealed(), 0U);
  }
  return sides;
}

int LevelOf(const Samples& samples, size_t from, size_t count) {
  return LevelDbfsTenths(MeanSquare(std::span(samples).subspan(from, count)));
}

// A file of the test's own, and what a program says of it.
class ToolsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "trunkline-recorder-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string Path() const { return (directory_ / "call.opus").string(); }
  // What ExpectAccepted() decodes to: both sides at 48 kHz.
  std::string Decoded() const { return (directory_ / "decoded.raw").string(); }
  void Write(const Bytes& file) const {
    std::ofstream(Path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(file.data()),
               static_cast<std::streamsize>(file.size()));
  }
  // Output of `command` with the file's name behind it, its errors included.
  // A program that is missing fails like one that finds fault.
  std::string Run(const std::string& command) const {
    const std::string line = command + " '" + Path() + "' 2>&1";
    // The test's own words are all that the shell sees.
    // NOLINTNEXTLINE(bugprone-command-processor)
    FILE* pipe = popen(line.c_str(), "r");
    if (pipe == nullptr) return "no shell";
    std::string output;
    std::array<char, 4096> buffer;
    while (const size_t count = fread(buffer.data(), 1, buffer.size(), pipe)) {
      output.append(buffer.data(), count);
    }
    EXPECT_EQ(pclose(pipe), 0) << command << "\n" << output;
    return output;
  }
  void ExpectAccepted(const std::string& seconds) const {
    const std::string info = Run("opusinfo");
    EXPECT_THAT(info, HasSubstr("Opus stream 1"));
    EXPECT_THAT(info, Not(HasSubstr("WARNING")));
    EXPECT_THAT(Run("ffprobe -v warning -show_entries "
                    "stream=codec_name,channels:format=duration -of csv=p=0"),
                ::testing::StartsWith("opus,2\n" + seconds));
    EXPECT_EQ(Run("ffmpeg -v warning -xerror -f null - -i"), "");
    // The name of the output comes last.
    Run("f() { opusdec --quiet --rate 48000 \"$1\" '" + Decoded() + "'; }; f");
    EXPECT_TRUE(std::filesystem::exists(Decoded()));
  }

 private:
  std::filesystem::path directory_;
};

TEST(RecorderTest, PagesAreWholeAndAtMostASecondLong) {
  Recorder recorder({.serial = 0x12345678});
  const Bytes file = Record(recorder, Turns(9, 0), Turns(9, 2));
  const std::vector<Page> pages = Pages(file);
  ASSERT_GE(pages.size(), 11U);
  uint64_t packets = 0;
  for (size_t i = 0; i < pages.size(); ++i) {
    EXPECT_EQ(pages[i].sequence, i);
    EXPECT_EQ(pages[i].serial, 0x12345678U);
    EXPECT_EQ(pages[i].flags, i == 0 ? 2 : i + 1 == pages.size() ? 4 : 0);
    EXPECT_GE(pages[i].packets.size(), 1U);
    EXPECT_LE(pages[i].packets.size(), 50U);
    if (i < 2) {
      EXPECT_EQ(pages[i].granule, 0U);
      continue;
    }
    packets += pages[i].packets.size();
    // All of the call, behind the pre-skip, and no more.
    EXPECT_EQ(pages[i].granule,
              i + 1 < pages.size() ? packets * 960 : 9 * 48000U + 312);
  }
  EXPECT_EQ(packets, 9 * 50 + 1U);
}

TEST(RecorderTest, SidesAreWhereAndWhenTheySpoke) {
  for (const int rate : {8000, 16000}) {
    const auto frame = static_cast<size_t>(rate / 50);
    // A tone burst on either side, its beginning 5 s apart.
    std::array<Samples, 2> in;
    for (size_t side = 0; side < 2; ++side) {
      in[side].resize(static_cast<size_t>(rate) * 10);
      const Samples tone =
          test::SineSignal(static_cast<size_t>(rate), 440.0, rate, 8000);
      test::Mix(std::span(in[side]).subspan(static_cast<size_t>(rate) *
                                            (2 + 5 * side)),
                tone);
    }
    Recorder recorder({.sample_rate_hz = rate});
    const auto out = Decode(Record(recorder, in[0], in[1], frame), rate);
    const auto tenth = static_cast<size_t>(rate / 10);
    for (size_t side = 0; side < 2; ++side) {
      ASSERT_EQ(out[side].size(), in[side].size());
      for (size_t at = 0; at + tenth <= out[side].size(); at += tenth) {
        const size_t tenths = at / tenth;
        const size_t start = 20 + 50 * side;
        const int level = LevelOf(out[side], at, tenth);
        if (tenths >= start && tenths < start + 10) {
          // SILK takes a tone in over its first frames.
          EXPECT_NEAR(level, LevelOf(in[side], at, tenth),
                      tenths == start ? 35 : 20)
              << tenths;
        } else if (tenths != start + 10) {
          EXPECT_LT(level, -550) << rate << " " << side << " " << tenths;
        }
      }
    }
  }
}

TEST(RecorderTest, ASilentSideIsNotEncoded) {
  Recorder recorder({});
  const Samples silence(8000 * 20);
  Record(recorder, silence, silence);
  EXPECT_EQ(recorder.frames(), 1000);
  // 60 ms at first on either side.
  EXPECT_EQ(recorder.encoded_frames(), 2 * 3);
}

TEST(RecorderTest, ANoisySideCostsAFrameIn400Milliseconds) {
  Recorder recorder({});
  const Samples noise = test::NoiseSignal(8000 * 20, -650, 1);
  Record(recorder, noise, noise);
  EXPECT_EQ(recorder.frames(), 1000);
  // 200 ms at first and one of 20 from then on, on either side; the last frame
  // may be one more.
  EXPECT_LE(recorder.encoded_frames(), 2 * (10 + 50 + 1));
  EXPECT_GE(recorder.encoded_frames(), 2 * (10 + 49));
}

// Silence is no noise that is learned: behind it the line's is encoded again.
TEST(RecorderTest, NoiseBehindSilenceIsAsLoudAsBefore) {
  for (const size_t silent_frames : {2U, 4U, 9U, 25U, 40U}) {
    Samples noise = test::NoiseSignal(160 * 400, -550, 3);
    std::fill_n(noise.begin() + 160 * 150,
                static_cast<ptrdiff_t>(160 * silent_frames), int16_t{0});
    Recorder recorder({});
    const auto sides = Decode(Record(recorder, noise, noise), 8000);
    const size_t again = 160 * (150 + silent_frames + 21);
    EXPECT_NEAR(LevelOf(sides[0], again, 160 * 390 - again), -550, 60)
        << silent_frames;
  }
}

TEST(RecorderTest, LineNoiseIsLearnedAndStaysAudible) {
  const Samples noise = test::NoiseSignal(8000 * 20, -550, 1);
  Recorder recorder({});
  const auto sides = Decode(Record(recorder, noise, noise), 8000);
  EXPECT_LE(recorder.encoded_frames(), 2 * 200);
  for (size_t at = 0; at < sides[0].size(); at += 8000) {
    EXPECT_NEAR(LevelOf(sides[0], at, 8000), -550, 60) << at;
  }
}

TEST(RecorderTest, SpeechIsEncodedFromItsFirstFrameHoweverQuiet) {
  for (const int level : {-250, -400, -550}) {
    Recorder recorder({});
    Samples line = test::NoiseSignal(8000 * 13, -700, 1);
    const Samples silence(line.size());
    for (size_t word = 0; word < 10; ++word) {
      test::Mix(std::span(line).subspan(8000 * 13 / 10 * word + 1600),
                test::VoiceSignal(8000, level, 7 + word));
    }
    int64_t before = 0;
    for (size_t i = 0; i < 650; ++i) {
      recorder.Process(FrameOf(line, i), FrameOf(silence, i));
      // The silent side has frames at first.
      const int64_t encoded = recorder.encoded_frames() - before;
      before = recorder.encoded_frames();
      const bool speech = i % 65 >= 10 && i % 65 < 60;
      const bool other_side = i < 3;
      if (speech) {
        EXPECT_EQ(encoded, other_side ? 2 : 1) << level << " " << i;
      }
    }
  }
}

TEST(RecorderTest, APauseIsSilenceAndKeepsTheClock) {
  const Samples voice = test::VoiceSignal(8000 * 9, -200, 5);
  Recorder recorder({});
  Bytes file;
  Append(file, recorder.Start({}));
  for (size_t i = 0; i < 450; ++i) {
    if (i == 150) recorder.Pause();
    if (i == 300) recorder.Resume();
    EXPECT_EQ(recorder.paused(), i >= 150 && i < 300);
    Append(file, recorder.Process(FrameOf(voice, i), FrameOf(voice, i)));
  }
  Append(file, recorder.Finish());
  const auto sides = Decode(file, 8000);
  for (const Samples& side : sides) {
    ASSERT_EQ(side.size(), voice.size());
    EXPECT_NEAR(LevelOf(side, 8000, 16000), -200, 20);
    // The codec's own ringing has gone after 100 ms.
    EXPECT_LT(LevelOf(side, 8000 * 3 + 800, 8000 * 3 - 800), -600);
    EXPECT_NEAR(LevelOf(side, 8000 * 6 + 800, 16000), -200, 20);
  }
}

// The noise that was made of the line's went on for up to 400 ms of a pause.
TEST(RecorderTest, NoiseEndsWithTheLine) {
  for (const int rate : {8000, 16000}) {
    const auto frame = static_cast<size_t>(rate / 50);
    for (size_t from = 100; from < 131; ++from) {
      const Samples noise = test::NoiseSignal(frame * 200, -520, 9);
      Recorder recorder({.sample_rate_hz = rate});
      Bytes file;
      Append(file, recorder.Start({}));
      for (size_t i = 0; i < 200; ++i) {
        if (i == from) recorder.Pause();
        Append(file, recorder.Process(FrameOf(noise, i, frame),
                                      FrameOf(noise, i, frame)));
      }
      Append(file, recorder.Finish());
      const auto sides = Decode(file, rate);
      const size_t silent = (from + 5) * frame;
      EXPECT_LT(LevelOf(sides[0], silent, 200 * frame - silent), -700) << from;
      EXPECT_NEAR(LevelOf(sides[1], 20 * frame, (from - 20) * frame), -520, 60);
    }
  }
}

TEST(RecorderTest, ACopyGoesOnWithTheSamePages) {
  const Samples caller = Turns(8, 0);
  const Samples agent = Turns(8, 1);
  Recorder recorder({.serial = 9});
  recorder.Start(kComments);
  std::unique_ptr<Recorder> copy;
  for (size_t i = 0; i < 400; ++i) {
    if (i == 133) copy = std::make_unique<Recorder>(recorder);
    const auto pages = recorder.Process(FrameOf(caller, i), FrameOf(agent, i));
    if (copy == nullptr) continue;
    const Bytes expected(pages.begin(), pages.end());
    const auto copied = copy->Process(FrameOf(caller, i), FrameOf(agent, i));
    ASSERT_EQ(Bytes(copied.begin(), copied.end()), expected) << i;
  }
  const auto end = recorder.Finish();
  const Bytes expected(end.begin(), end.end());
  const auto copied = copy->Finish();
  EXPECT_EQ(Bytes(copied.begin(), copied.end()), expected);
}

TEST(RecorderTest, ExtremesFitIntoTheirPackets) {
  for (const int rate : {8000, 16000}) {
    const auto frame = static_cast<size_t>(rate / 50);
    const size_t count = frame * 200;
    const std::vector<Samples> extremes = {
        test::RandomSamples(count, 1), test::SquareSignal(count, 1),
        test::SquareSignal(count, 37), Samples(count, INT16_MIN),
        Samples(count, INT16_MAX),     test::NoiseSignal(count, -100, 2)};
    for (size_t i = 0; i < extremes.size(); ++i) {
      Recorder recorder({.sample_rate_hz = rate, .bitrate_bps = 40000});
      const auto sides =
          Decode(Record(recorder, extremes[i],
                        extremes[(i + 1) % extremes.size()], frame),
                 rate);
      EXPECT_EQ(sides[0].size(), count);
    }
  }
}

TEST(RecorderTest, CommentsThatDoNotFitAreLeftOut) {
  Recorder recorder({});
  const std::string longest(Recorder::kMaxCommentBytes, 'x');
  const std::array<std::string_view, 3> comments = {"TITLE=first", longest,
                                                    "TITLE=third"};
  Bytes file;
  Append(file, recorder.Start(comments));
  const std::vector<Page> pages = Pages(file);
  ASSERT_EQ(pages.size(), 2U);
  const Bytes& tags = pages[1].packets.at(0);
  const std::string text(tags.begin(), tags.end());
  EXPECT_THAT(text, HasSubstr("TITLE=first"));
  EXPECT_THAT(text, Not(HasSubstr("third")));
  EXPECT_EQ(Number(tags, 12 + Number(tags, 8, 4), 4), 1U);
}

TEST(RecorderTest, StateIsBounded) { EXPECT_LE(sizeof(Recorder), 42 * 1024U); }

TEST_F(ToolsTest, AcceptWholeFiles) {
  for (const int rate : {8000, 16000}) {
    Recorder recorder({.sample_rate_hz = rate, .serial = 77});
    const Samples line = Turns(14, 1);
    Write(Record(recorder, line, Turns(14, 3), static_cast<size_t>(rate / 50)));
    ExpectAccepted(rate == 8000 ? "14.0" : "7.0");
    EXPECT_THAT(Run("opusinfo"), HasSubstr("CALL_ID=CA1"));
  }
}

TEST_F(ToolsTest, AcceptAFileOfNoFrames) {
  Recorder recorder({});
  Write(Record(recorder, {}, {}));
  EXPECT_THAT(Run("opusinfo"), HasSubstr("Opus stream 1"));
}

TEST_F(ToolsTest, AcceptFilesThatWereCut) {
  Recorder recorder({.serial = 5});
  const Bytes file = Record(recorder, Turns(6, 0), Turns(6, 2));
  const std::vector<Page> pages = Pages(file);
  for (size_t i = 2; i + 1 < pages.size(); ++i) {
    // opusinfo notes that no end is set.
    Write(Bytes(file.begin(),
                file.begin() + static_cast<ptrdiff_t>(pages[i].end)));
    EXPECT_EQ(Run("ffmpeg -v warning -xerror -f null - -i"), "");
  }
}

// The recording of 14 s of `caller` and `agent` whose recorder is lost with the
// page that it was filling, and replaced 1.5 s later, when the file ends with
// its page `last`.
Bytes RecordWithALoss(const Samples& caller, const Samples& agent, size_t last,
                      size_t frame) {
  const int rate = static_cast<int>(frame) * 50;
  Recorder whole({.sample_rate_hz = rate, .serial = 21});
  Bytes file = Record(whole, caller, agent, frame);
  const std::vector<Page> pages = Pages(file);
  file.resize(pages[last].end);
  Recorder recorder({.sample_rate_hz = rate,
                     .serial = 21,
                     .pages_before = static_cast<uint32_t>(last + 1),
                     .granule_before = pages[last].granule});
  EXPECT_EQ(static_cast<uint64_t>(recorder.frames()) * 960,
            pages[last].granule);
  const Samples silence(frame);
  const auto resumed_at = static_cast<size_t>(recorder.frames()) + 75;
  for (auto i = static_cast<size_t>(recorder.frames());
       (i + 1) * frame <= std::min(caller.size(), agent.size()); ++i) {
    const bool lost = i < resumed_at;
    Append(file, recorder.Process(lost ? silence : FrameOf(caller, i, frame),
                                  lost ? silence : FrameOf(agent, i, frame)));
  }
  Append(file, recorder.Finish());
  return file;
}

TEST(RecorderTest, AFreshRecorderGoesOnWithTheFileOfALostOne) {
  const Samples caller = test::VoiceSignal(8000 * 9, -200, 5);
  const Samples agent = test::VoiceSignal(8000 * 9, -200, 6);
  const size_t last = 5;
  const Bytes file = RecordWithALoss(caller, agent, last, kFrame);
  const std::vector<Page> pages = Pages(file);
  uint64_t packets = 0;
  for (size_t i = 0; i < pages.size(); ++i) {
    EXPECT_EQ(pages[i].sequence, i);
    EXPECT_EQ(pages[i].serial, 21U);
    EXPECT_EQ(pages[i].flags, i == 0 ? 2 : i + 1 == pages.size() ? 4 : 0);
    if (i < 2) continue;
    packets += pages[i].packets.size();
    EXPECT_EQ(pages[i].granule,
              i + 1 < pages.size() ? packets * 960 : 9 * 48000U + 312);
  }
  const auto sides = Decode(file, 8000);
  const size_t lost = static_cast<size_t>(pages[last].granule) / 6;
  const size_t resumed = lost + 12000;
  for (size_t i = 0; i < 2; ++i) {
    const Samples& in = i == 0 ? caller : agent;
    const Samples& out = sides[i];
    ASSERT_EQ(out.size(), in.size());
    EXPECT_NEAR(LevelOf(out, 8000, lost - 8160), LevelOf(in, 8000, lost - 8160),
                20);
    EXPECT_LT(LevelOf(out, lost + 800, 12000 - 800), -600);
    EXPECT_NEAR(LevelOf(out, resumed + 800, 8000),
                LevelOf(in, resumed + 800, 8000), 20);
    // Nothing louder than what was said where the two recorders meet.
    EXPECT_LE(Peak(std::span(out).subspan(lost - 160, 1600)),
              Peak(std::span(out).subspan(8000, lost - 8160)));
  }
}

TEST_F(ToolsTest, AcceptFilesThatAFreshRecorderWentOnWith) {
  for (const int rate : {8000, 16000}) {
    // Behind the headers alone, too.
    for (const size_t last : {1U, 4U}) {
      Write(RecordWithALoss(Turns(14, 1), Turns(14, 3), last,
                            static_cast<size_t>(rate / 50)));
      ExpectAccepted(rate == 8000 ? "14.0" : "7.0");
      EXPECT_EQ(std::filesystem::file_size(Decoded()) / 4,
                (rate == 8000 ? 14U : 7U) * 48000);
    }
  }
}

}  // namespace
}  // namespace trunkline::audio
