#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace trunkline {

// Walks the members of one JSON object in place, for the messages that come
// fifty times a second. It builds nothing and resolves no escapes.
//
// It is deliberately narrower than JSON: a key or string with a backslash, or
// nesting below kMaxDepth, ends the walk with ok() false. The caller then falls
// back to ParseJson, which decides whether the text is wrong or only unusual.
// Scalars are delimited, not validated: `kind` says what the first character
// promises, and whoever reads a number checks its digits.
//
//   JsonScanner object(text);
//   while (object.Next()) if (object.key() == "event") ...
//   if (!object.ok()) ...
//
// A member that is an object is skipped over, unless it is entered.
class JsonScanner {
 public:
  // Depth of nested values that are skipped over.
  static constexpr int kMaxDepth = 8;

  enum class Kind : uint8_t { kString, kObject, kArray, kScalar };

  // `text` is borrowed and must hold one object and nothing but white space
  // around it.
  explicit JsonScanner(std::string_view text);

  // Moves to the next member. False at the end of the object and on an error.
  bool Next();
  // From now on Next() walks the members of the current one, and after it was
  // false at their end, what follows it. Precondition: kind() is kObject.
  void Enter();

  // Of the current member. A string's value excludes its quotes; an object or
  // array has none.
  std::string_view key() const { return key_; }
  std::string_view value() const { return value_; }
  Kind kind() const { return kind_; }
  // The value of a string, nullopt for any other kind.
  std::optional<std::string_view> string_value() const {
    if (kind_ != Kind::kString) return std::nullopt;
    return value_;
  }
  // The value of a number without sign or fraction, or of a string of digits.
  std::optional<int64_t> integer_value() const;

  // True once the whole object was walked and found sound.
  bool ok() const { return state_ == State::kDone; }

 private:
  enum class State : uint8_t { kBegin, kStart, kMembers, kDone, kFailed };

  bool Fail();
  bool FinishObject();
  void SkipSpace();
  bool Consume(char expected);
  bool ReadString(std::string_view& out);
  bool SkipNested();

  // What has not been walked.
  const char* at_;
  const char* end_;
  State state_ = State::kBegin;
  // Objects that were entered and not left.
  int depth_ = 0;
  // The current member is an object or array that starts at at_.
  bool is_nested_ = false;
  Kind kind_ = Kind::kScalar;
  std::string_view key_;
  std::string_view value_;
};

}  // namespace trunkline
