#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

// Recordings that distributions package, for tests and measurements. Nothing
// of them is in the tree; scripts/setup installs them.

namespace trunkline::test {

// Human prompts of one speaker per language, mono S16 at 8 kHz (Debian's
// asterisk-core-sounds-*-wav). Two women, two men and a woman: English, Spanish
// and French, Italian, Russian.
inline constexpr std::string_view kPromptLanguages[] = {"en", "es", "fr", "it",
                                                        "ru"};

// Every prompt of `language`, sorted by path. Ends the process with a message
// when there is none.
std::vector<std::filesystem::path> PromptFiles(std::string_view language);

// Music on hold, mono S16 at 8 kHz (Debian's asterisk-moh-opsound-wav).
std::vector<std::filesystem::path> MusicFiles();

// The samples of a mono S16 WAV, whatever its rate. Ends the process with a
// message when it is none.
std::vector<int16_t> ReadWavFile(const std::filesystem::path& file);

}  // namespace trunkline::test
