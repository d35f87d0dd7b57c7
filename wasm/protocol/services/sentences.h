#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace trunkline::protocol {

// Whether there is anything in it that a voice could say: letters of any script
// or digits. Quotes, dashes and pictures are none.
bool HasWords(std::string_view text);

// Cuts a text that comes by and by into what is spoken at a time: sentences.
// Their bytes together are the text's, white space included, which stands in
// front of a sentence.
//
// A sentence ends behind . ! ? or an ellipsis, with what closes quotes and
// brackets, before white space; in Chinese and Japanese behind their own full
// stops, without any; and before a new line. A full stop behind an
// abbreviation, an initial, the number of a list's entry, or before a word in
// lower case ends none.
class Sentences {
 public:
  // A text without an end of a sentence is cut here: behind a comma or the like
  // where it is longer than kSoftBytes, else before a word; longer words are
  // cut between two characters.
  static constexpr size_t kSoftBytes = 240;
  static constexpr size_t kMaxBytes = 480;

  void Push(std::string_view text) { text_ += text; }
  // No more comes.
  void Finish() { finished_ = true; }
  void Clear();

  // The next whole sentence; nullopt until there is one.
  std::optional<std::string> Take();
  // Nothing is left to take, and Finish() was called.
  bool done() const { return finished_ && text_.empty(); }

 private:
  // Where the first sentence ends; npos if that is not known.
  size_t End() const;
  // Where a text that is too long for one is cut.
  size_t Cut() const;

  std::string text_;
  bool finished_ = false;
};

}  // namespace trunkline::protocol
