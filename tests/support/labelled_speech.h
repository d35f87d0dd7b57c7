#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

// Telephone lines of which it is known, frame by frame, whether somebody
// speaks: prompts with pauses between them, and noise added. Needs the corpora
// of support/corpus.h. For measurements and for training, not for unit tests.

namespace trunkline::test {

inline constexpr size_t kLabelFrame = 160;

// Who the detector's net was chosen on and who it learned from while its shape
// was sought. What is shipped learned from all of them; it is measured on
// quality/voices.h, whom it never met.
inline constexpr std::string_view kValidationLanguages[] = {"fr", "it"};
inline constexpr std::string_view kTrainingLanguages[] = {"en", "es", "ru"};

// Per frame, 1 where the clean recording is louder than 32 dB below its 95th
// percentile and than -58 dBFS. Gaps of up to 60 ms, closures of consonants,
// count as speech; a lone frame does not.
std::vector<uint8_t> LabelFrames(std::span<const int16_t> clean);

// Level of the frames that are speech, dBFS; -100 without any.
double SpeechLevelDbfs(std::span<const int16_t> clean,
                       std::span<const uint8_t> labels);

struct CleanSpeech {
  std::vector<int16_t> samples;
  std::vector<uint8_t> labels;
  // The first speech frame of each prompt.
  std::vector<size_t> onsets;
};

// One speaker's `prompts`, picked by `seed`, at `dbfs`, pauses of 0.6 to 2.5 s
// around each, digital silence in them.
CleanSpeech Prompts(std::span<const std::vector<int16_t>> recordings,
                    size_t prompts, double dbfs, uint64_t seed);

// Whether `samples` of `file` are a prompt from `shortest_ms` to 8 s, and not
// silence or tones.
bool IsPrompt(const std::filesystem::path& file,
              std::span<const int16_t> samples, int shortest_ms);

// All such prompts of a language's speaker.
std::vector<std::vector<int16_t>> Recordings(std::string_view language,
                                             int shortest_ms);

enum class Noise : uint8_t { kNone, kWhite, kPink, kBrown, kBabble, kHum };
std::string_view NoiseName(Noise noise);

// `count` samples of noise of unit power. Babble is eight voices of `voices`
// at once, each without its pauses.
std::vector<float> MakeNoise(Noise noise, size_t count,
                             std::span<const std::vector<int16_t>> voices,
                             uint64_t seed);

// Adds `gain` times `noise` and takes the sum through mu-law.
std::vector<int16_t> OnLine(std::span<const int16_t> clean,
                            std::span<const float> noise, double gain);

// Sounds that are nobody speaking, about one in two seconds, at `dbfs`.
enum class Disturbance : uint8_t { kCoughs, kClicks, kDtmf };
std::string_view DisturbanceName(Disturbance disturbance);
std::vector<int16_t> MakeDisturbance(Disturbance disturbance, size_t count,
                                     double dbfs, uint64_t seed);

}  // namespace trunkline::test
