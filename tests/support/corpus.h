#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string_view>
#include <vector>

// Recordings that distributions package, for tests and measurements. Nothing
// of them is in the tree; scripts/setup installs them.

namespace trunkline::test {

// Human prompts of one speaker per language, mono S16 at 8 kHz (Debian's
// asterisk-core-sounds-*-wav): one woman in English and Spanish, one in French,
// a man in Italian, a woman in Russian.
inline constexpr std::string_view kPromptLanguages[] = {"en", "es", "fr", "it",
                                                        "ru"};

// Ends the process: recordings are missing, or are not what they should be.
[[noreturn]] void Die(std::string_view what,
                      const std::filesystem::path& where);

// Files below `folder` with an ending such as ".wav", sorted by path. Dies
// without the folder.
std::vector<std::filesystem::path> FilesBelow(
    const std::filesystem::path& folder,
    std::initializer_list<std::string_view> endings);

// Every prompt of `language`, sorted by path. Dies when there is none.
std::vector<std::filesystem::path> PromptFiles(std::string_view language);

// Music on hold, mono S16 at 8 kHz (Debian's asterisk-moh-opsound-wav).
std::vector<std::filesystem::path> MusicFiles();

// The samples of a mono S16 WAV, whatever its rate. Dies when it is none.
std::vector<int16_t> ReadWavFile(const std::filesystem::path& file);

}  // namespace trunkline::test
