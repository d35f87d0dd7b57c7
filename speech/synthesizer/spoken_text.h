#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// From a text to what a voice can be told: pieces of words, in stretches that
// are spoken one at a time.

namespace trunkline::speech {

// How good a place there is behind a word to pause.
enum class Break : uint8_t { kNone, kClause, kSentence };

// A word of the text: what white space separates.
struct Word {
  // Bytes of the text, [begin, end).
  uint32_t begin = 0;
  uint32_t end = 0;
  Break break_after = Break::kNone;
};

// Words of `text`. A sentence ends with `.`, `!` or `?`, quotes and brackets
// behind it left aside, but not with an abbreviation ("Dr.", "e.g.") or a
// single letter ("J."); or with an empty line. A clause ends with `,`, `;`,
// `:` or a dash.
std::vector<Word> SplitWords(std::string_view text);

// What is read out at once, printable ASCII without spaces: a word, or a part
// of one that is long or of which a part is named ("5" "euros").
struct Piece {
  std::string ascii;
  // Index of the word.
  uint32_t word = 0;
  // How much there is to speak, about letters.
  uint32_t weight = 0;
  Break break_after = Break::kNone;
};

// What is longer is no word, and flite's buffers were made for words.
inline constexpr size_t kMaxPieceBytes = 32;

// Words of which nothing can be read have no piece.
std::vector<Piece> PiecesOf(std::string_view text,
                            const std::vector<Word>& words);

// About letters. A digit is a word when it is read out, and so are some signs,
// and the letters of what has no vowel.
size_t Weight(std::string_view ascii);

// A stretch weighs at most this, but for a single piece, which weighs at most
// 8 * kMaxPieceBytes + 1: 13 and 17 s of speech, since a second has about 15
// letters.
inline constexpr size_t kMaxStretchWeight = 200;

// How many of `pieces` are the next stretch: a sentence, or what of it fits, up
// to the last clause in its second half, else up to the last piece. At least 1
// where there is one.
size_t NextStretch(std::span<const Piece> pieces);

}  // namespace trunkline::speech
