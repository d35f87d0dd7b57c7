#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace trunkline::protocol {

// Reads an event stream (HTML Living Standard, section 9.2.6, "Interpreting an
// event stream") as it comes, in pieces of any size, which never change what is
// read: lines that end with LF, CR or CRLF, comments, a byte order mark in
// front.
//
// Malformed UTF-8 becomes U+FFFD, one for each byte that belongs to no
// character. `id` and `retry` are for whoever connects again, and are ignored,
// as is every unknown field.
//
// Memory: at most the two bounds below.
class SseParser {
 public:
  // The longest line, without its end. Compatible servers send a tool's
  // arguments, or a whole reply, in one. Overflow, here and below: an error.
  static constexpr size_t kMaxLineBytes = size_t{128} * 1024;
  // The longest event, its type included.
  static constexpr size_t kMaxEventBytes = size_t{128} * 1024;

  struct Event {
    // "message" for one that names none.
    std::string_view type;
    // Its `data` lines, joined by LF; may hold any character, NUL included.
    std::string_view data;
  };
  enum class Error : uint8_t { kNone, kLineTooLong, kEventTooLong };

  // Takes bytes off the front of `in` up to the end of the next event; nullopt
  // when all of them are taken. The views are valid until the next call. After
  // an error everything is taken and nothing read.
  std::optional<Event> Next(std::span<const uint8_t>& in);

  Error error() const { return error_; }
  // What came last is no whole event. If the stream ends here, it is dropped.
  bool is_cut_off() const;

  // For another stream.
  void Reset() { *this = {}; }

 private:
  // Whether the line ends an event.
  bool OnLine(std::string_view line);
  void OnField(std::string_view name, std::string_view value);
  void Append(std::string& to, std::string_view value);

  Error error_ = Error::kNone;
  // Of the first line, the byte order mark is no part.
  bool is_first_line_ = true;
  // A LF that comes now belongs to the CR before it.
  bool after_cr_ = false;
  // The event was told; what it was made of goes at the next call.
  bool was_told_ = false;
  bool has_data_ = false;
  // A line whose end has not come.
  std::string line_;
  std::string type_;
  std::string data_;
};

}  // namespace trunkline::protocol
