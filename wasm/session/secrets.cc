#include "session/secrets.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "session/secret_words.h"

namespace trunkline::session {
namespace secrets {
namespace {

constexpr size_t kKeyBytes = 24;
// No word that a message says of a key is that long.
constexpr size_t kLongWordBytes = 20;
// "Basic" and the like are words as well: what follows them as a value is at
// least so long.
constexpr size_t kCredentialBytes = 8;
// The same of "key", which is a word of many meanings.
constexpr size_t kWeakBytes = 16;
// The longest word in the name of a model.
constexpr size_t kPartLetters = 12;
// A number that may be a count, and one that may be an HTTP status.
constexpr size_t kCountDigits = 5;
constexpr size_t kStatusDigits = 3;
// What no key holds.
constexpr std::string_view kBetween = " \t\r\n\"'`,;()[]{}<>";
constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kQuotes = "\"'`";
constexpr std::string_view kMask = "***";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsAlphanumeric(char c) { return IsLower(c) || IsUpper(c) || IsDigit(c); }
bool IsOfName(char c) { return IsAlphanumeric(c) || c == '-' || c == '_'; }
bool IsOfKey(char c) { return IsOfName(c) || c == '*'; }
bool Holds(std::string_view set, char c) {
  return set.find(c) != std::string_view::npos;
}

char Lower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return Lower(c); });
  return lower;
}

template <size_t kCount>
bool IsAmong(const std::string_view (&words)[kCount], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

// Without what ends a sentence.
std::string_view Trimmed(std::string_view word) {
  const size_t last = word.find_last_not_of(".,:!?");
  return word.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

bool IsWord(std::string_view word) {
  return IsAmong(kWords, Lower(Trimmed(word)));
}

bool IsNumber(std::string_view word) {
  return std::all_of(word.begin(), word.end(), IsDigit);
}

// $API_KEY and ${API_KEY} stand for a key.
bool IsPlaceholder(std::string_view word) {
  return word.starts_with('$') &&
         std::none_of(word.begin(), word.end(),
                      [](char c) { return IsLower(c) || IsDigit(c); });
}

// Whether `word` is none that a message would use.
bool LooksLikeValue(std::string_view word) {
  word = Trimmed(word);
  if (word.size() < 4 || IsPlaceholder(word) || IsWord(word)) return false;
  if (IsNumber(word)) return word.size() > kCountDigits;
  bool letter = false;
  bool digit = false;
  bool sign = false;
  int turns = 0;
  for (size_t at = 0; at < word.size(); ++at) {
    const char c = word[at];
    letter = letter || IsLower(c) || IsUpper(c);
    digit = digit || IsDigit(c);
    sign = sign || Holds("*+=!@#$%^~", c);
    // From a small letter to a capital: none in a word, one in some names.
    if (at > 0 && IsLower(word[at - 1]) && IsUpper(c)) ++turns;
  }
  if (!letter && !digit) return Holds(word, '*');
  const std::string lower = Lower(word);
  if (lower.ends_with("error") || lower.ends_with("exception")) return false;
  return (letter && digit) || sign || turns > 1 ||
         (turns == 1 && word.size() >= kCredentialBytes) ||
         (word.size() >= kLongWordBytes &&
          word.find_first_of("_-./") == std::string_view::npos);
}

// "a-model-mini-2025-03-20": words, numbers and versions.
bool IsNameOfParts(std::string_view word) {
  while (!word.empty()) {
    const std::string_view part = word.substr(0, word.find_first_of("-_"));
    word.remove_prefix(std::min(word.size(), part.size() + 1));
    const bool letters = std::all_of(part.begin(), part.end(), IsLower);
    if (part.size() > (letters ? kPartLetters : IsNumber(part) ? 4U : 3U)) {
      return false;
    }
  }
  return true;
}

enum class Name : uint8_t { kNone, kWeak, kKey, kAuthorization };

// Reads `text_` once, from left to right.
class Masker {
 public:
  explicit Masker(std::string_view text) : text_(text) {}

  std::string Run() {
    while (at_ < text_.size()) {
      if (IsOfKey(text_[at_])) {
        OnIdentifier();
      } else if (Rest().starts_with("://")) {
        OnUrl();
      } else {
        Copy(1);
      }
    }
    return std::move(masked_);
  }

 private:
  std::string_view Rest() const { return text_.substr(at_); }

  void Copy(size_t bytes) {
    masked_ += text_.substr(at_, bytes);
    at_ += bytes;
  }

  // A full stop behind a word is the sentence's.
  void Mask(size_t bytes) {
    masked_ += kMask;
    if (bytes > 0 && text_[at_ + bytes - 1] == '.') masked_ += '.';
    at_ += bytes;
  }

  size_t WordBytes(size_t at) const {
    const size_t end = text_.find_first_of(kBetween, at);
    return (end == std::string_view::npos ? text_.size() : end) - at;
  }

  // As far as the next parameter of a query.
  size_t ValueBytes(size_t at) const {
    const size_t bytes = WordBytes(at);
    const std::string_view word = text_.substr(at, bytes);
    for (size_t amp = word.find('&'); amp != std::string_view::npos;
         amp = word.find('&', amp + 1)) {
      size_t end = amp + 1;
      while (end < word.size() && IsOfName(word[end])) ++end;
      if (end > amp + 1 && end < word.size() && word[end] == '=') return amp;
    }
    return bytes;
  }

  Name Judge(std::string_view name) const {
    std::string bare;
    for (const char c : name) {
      if (IsAlphanumeric(c)) bare += Lower(c);
    }
    if (bare.ends_with("authorization")) return Name::kAuthorization;
    if (std::any_of(
            std::begin(kNames), std::end(kNames),
            [&bare](std::string_view end) { return bare.ends_with(end); }) ||
        (digest_ && IsAmong(kDigestNames, bare)) ||
        (bare == "key" && IsAmong(kKinds, last_word_))) {
      return Name::kKey;
    }
    return IsAmong(kWeakNames, bare) ? Name::kWeak : Name::kNone;
  }

  void OnIdentifier() {
    size_t size = 0;
    bool digit = false;
    while (at_ + size < text_.size() && IsOfKey(text_[at_ + size])) {
      digit = digit || IsDigit(text_[at_ + size]);
      ++size;
    }
    const std::string_view word = Rest().substr(0, size);
    const std::string lower = Lower(word);
    const size_t prefix = PrefixIn(lower);
    if (prefix < size) {
      Copy(prefix);
      Mask(WordBytes(at_));
      return;
    }
    if ((size >= kKeyBytes && digit && !IsNameOfParts(word)) ||
        (size == kKeyIdBytes && word.starts_with(kKeyId))) {
      Mask(size);
      return;
    }
    // "the key provided: ...", "the key is ..."
    const bool tells = told_of_key_ && IsAmong(kParticiples, lower);
    const Name name = tells ? Name::kKey : Judge(word);
    last_word_ = lower;
    told_of_key_ = false;
    Copy(size);
    if (name != Name::kNone && OnAssigned(name)) return;
    told_of_key_ = name == Name::kKey;
    if (told_of_key_ && OnTold(tells ? 0 : kCredentialBytes)) return;
    if (name == Name::kWeak && IsKeyBehind() && OnTold(kWeakBytes)) return;
    OnScheme(lower);
  }

  // What stands behind "key" or "auth" is neither a name nor a text.
  bool IsKeyBehind() const {
    const size_t from = text_.find_first_not_of(" \t(", at_);
    if (from == std::string_view::npos) return false;
    const std::string_view value = Trimmed(text_.substr(from, WordBytes(from)));
    return !IsNameOfParts(value) &&
           std::any_of(value.begin(), value.end(), IsDigit);
  }

  // Where a key with a prefix begins in `word`, or its end.
  static size_t PrefixIn(std::string_view word) {
    for (size_t at = 0; at < word.size(); ++at) {
      if (at > 0 && IsAlphanumeric(word[at - 1])) continue;
      for (const std::string_view prefix : kPrefixes) {
        if (word.substr(at).starts_with(prefix)) return at;
      }
    }
    return word.size();
  }

  // Takes what stands behind a name, or a participle, without a sign, if it
  // looks like a value of at least `min_bytes`.
  bool OnTold(size_t min_bytes) {
    size_t from = at_;
    while (from < text_.size() &&
           (Holds(kSpaces, text_[from]) || Holds(kQuotes, text_[from]) ||
            text_[from] == '(')) {
      ++from;
    }
    const size_t bytes = WordBytes(from);
    const std::string_view value = text_.substr(from, bytes);
    if (from == at_ || Trimmed(value).size() < min_bytes ||
        !LooksLikeValue(value)) {
      return false;
    }
    Copy(from - at_);
    Mask(bytes);
    return true;
  }

  // Takes what is assigned to a name that was copied; returns false, and has
  // taken nothing, if nothing is.
  bool OnAssigned(Name name) {
    size_t at = at_;
    // The quote that ends the name, and spaces.
    while (at < text_.size()) {
      const std::string_view escape = text_.substr(at, 3);
      if (escape == "%20" || escape == "%22" || escape == "%27") {
        at += 3;
      } else if (Holds(kQuotes, text_[at]) || Holds(kSpaces, text_[at]) ||
                 text_[at] == '\\' || text_[at] == ']') {
        ++at;
      } else {
        break;
      }
    }
    const std::string escape = Lower(text_.substr(at, 3));
    bool equals = false;
    if (escape == "%3d" || escape == "%3a") {
      equals = true;
      at += 3;
    } else {
      const size_t sign = at;
      while (at < text_.size() && Holds(":=>", text_[at])) {
        equals = equals || text_[at] == '=';
        ++at;
      }
      if (at == sign || text_.substr(sign).starts_with("://")) return false;
    }
    while (at < text_.size() &&
           (Holds(kSpaces, text_[at]) || text_[at] == '[')) {
      ++at;
    }
    const size_t escaped = at;
    while (at < text_.size() && text_[at] == '\\') ++at;
    if (at < text_.size() && Holds(kQuotes, text_[at])) {
      Copy(at + 1 - at_);
      TakeQuoted(name, masked_.back());
      return true;
    }
    if (escaped != at) return false;
    Copy(at - at_);
    TakeBare(name, equals);
    return true;
  }

  void TakeBare(Name name, bool equals) {
    if (name == Name::kAuthorization && BeginsWithScheme()) return;
    const size_t bytes = ValueBytes(at_);
    const std::string_view value = text_.substr(at_, bytes);
    if (Trimmed(value).empty() || IsWord(value) || IsPlaceholder(value)) return;
    const bool is_status =
        IsNumber(Trimmed(value)) && Trimmed(value).size() <= kStatusDigits;
    const bool is_assigned = equals && name != Name::kWeak && !is_status;
    if (is_assigned || LooksLikeValue(value)) Mask(bytes);
  }

  // Behind the quote that begins it.
  void TakeQuoted(Name name, char quote) {
    size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) end = text_.size();
    size_t bytes = end - at_;
    while (bytes > 0 && text_[at_ + bytes - 1] == '\\') --bytes;
    const std::string_view value = text_.substr(at_, bytes);
    if (name == Name::kAuthorization && BeginsWithScheme()) return;
    if (value.find_first_of(kSpaces) != std::string_view::npos) {
      TakeSentence(at_ + bytes);
      return;
    }
    if (name == Name::kWeak && !LooksLikeValue(value)) return;
    if (std::none_of(value.begin(), value.end(), IsAlphanumeric) ||
        IsWord(value) || IsPlaceholder(value)) {
      return;
    }
    Mask(bytes);
  }

  // Of several words in quotes those are masked that look like a value.
  void TakeSentence(size_t end) {
    if (BeginsWithScheme()) return;
    while (at_ < end) {
      const size_t bytes = std::min(WordBytes(at_), end - at_);
      if (bytes == 0) {
        Copy(1);
      } else if (LooksLikeValue(text_.substr(at_, bytes))) {
        Mask(bytes);
      } else {
        Copy(bytes);
      }
    }
  }

  // What follows the scheme is taken with it.
  bool BeginsWithScheme() {
    const std::string lower = Lower(text_.substr(at_, WordBytes(at_)));
    credentials_ = lower == "bearer" || IsAmong(kSchemes, lower);
    return credentials_;
  }

  // What follows the name of a scheme, if `word`, which was copied, is one.
  void OnScheme(std::string_view word) {
    const bool bearer = word == "bearer";
    if (!bearer && !IsAmong(kSchemes, word)) return;
    const bool credentials = std::exchange(credentials_, false);
    size_t from = at_;
    while (from < text_.size() &&
           (Holds(kSpaces, text_[from]) || Holds(kQuotes, text_[from]) ||
            Holds(":=\\", text_[from]) ||
            text_.substr(from).starts_with("%20"))) {
      from += text_[from] == '%' ? 3 : 1;
    }
    const size_t bytes = WordBytes(from);
    const std::string_view value = text_.substr(from, bytes);
    if (from == at_ || Trimmed(value).empty() || IsWord(value)) return;
    const size_t sign = value.find('=');
    if (sign != std::string_view::npos &&
        IsAmong(kParameters, Lower(value.substr(0, sign)))) {
      digest_ = word == "digest";
      return;
    }
    if (!bearer && !credentials &&
        (Trimmed(value).size() < kCredentialBytes || !LooksLikeValue(value))) {
      return;
    }
    Copy(from - at_);
    Mask(bytes);
  }

  // At the "://": who asks, and by which password, stands before the host.
  void OnUrl() {
    Copy(3);
    const std::string_view word = Rest().substr(0, WordBytes(at_));
    const size_t at = word.substr(0, word.find_first_of("/?#")).rfind('@');
    if (at != std::string_view::npos) Mask(at);
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string masked_;
  std::string last_word_;
  // Whether the last word was the name of a key, or belongs to one.
  bool told_of_key_ = false;
  // Whether the next scheme is that of an Authorization header.
  bool credentials_ = false;
  // Whether the parameters of a Digest follow.
  bool digest_ = false;
};

}  // namespace
}  // namespace secrets

std::string WithoutSecrets(std::string_view text) {
  // More than is kept, so that a key that the cut goes through is seen whole.
  const std::string masked =
      secrets::Masker(text.substr(0, size_t{4} * kMaxMessageBytes)).Run();
  std::string kept;
  AppendWellFormed(kept, masked, kMaxMessageBytes);
  return kept;
}

}  // namespace trunkline::session
