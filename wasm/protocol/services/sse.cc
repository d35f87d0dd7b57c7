#include "protocol/services/sse.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace trunkline::protocol {
namespace {

std::string_view ToText(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The first line without the byte order mark that may be in front of it.
std::string_view WithoutMark(std::string_view line) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  return line;
}

}  // namespace

std::optional<SseParser::Event> SseParser::Next(std::span<const uint8_t>& in) {
  if (std::exchange(was_told_, false)) {
    type_.clear();
    data_.clear();
    has_data_ = false;
  }
  while (!in.empty() && error_ == Error::kNone) {
    if (std::exchange(after_cr_, false) && in.front() == '\n') {
      in = in.subspan(1);
      continue;
    }
    const auto end = std::find_if(
        in.begin(), in.end(), [](uint8_t c) { return c == '\r' || c == '\n'; });
    const auto size = static_cast<size_t>(end - in.begin());
    if (line_.size() + size > kMaxLineBytes) {
      error_ = Error::kLineTooLong;
      break;
    }
    std::string_view line = ToText(in.first(size));
    if (end == in.end()) {
      line_ += line;
      in = {};
      break;
    }
    after_cr_ = *end == '\r';
    in = in.subspan(size + 1);
    if (!line_.empty()) {
      line_ += line;
      line = line_;
    }
    const bool is_end = OnLine(line);
    line_.clear();
    if (!is_end) continue;
    was_told_ = true;
    return Event{type_.empty() ? std::string_view("message") : type_, data_};
  }
  if (error_ != Error::kNone) in = {};
  return std::nullopt;
}

bool SseParser::is_cut_off() const {
  if (error_ != Error::kNone) return true;
  if (has_data_ && !was_told_) return true;
  const std::string_view line = is_first_line_ ? WithoutMark(line_) : line_;
  return !line.empty() && !line.starts_with(':');
}

bool SseParser::OnLine(std::string_view line) {
  if (std::exchange(is_first_line_, false)) line = WithoutMark(line);
  if (line.empty()) {
    // One without data is none, and its type is forgotten.
    if (!has_data_) type_.clear();
    return has_data_;
  }
  const size_t colon = line.find(':');
  std::string_view value;
  if (colon != std::string_view::npos) {
    value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
  }
  // A comment is a field without a name.
  OnField(line.substr(0, colon), value);
  return false;
}

void SseParser::OnField(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (std::exchange(has_data_, true)) Append(data_, "\n");
    Append(data_, value);
  } else if (name == "event") {
    type_.clear();
    Append(type_, value);
  }
}

void SseParser::Append(std::string& to, std::string_view value) {
  const size_t others = type_.size() + data_.size() - to.size();
  if (AppendWellFormed(to, value, kMaxEventBytes - others) != Appended::kAll) {
    error_ = Error::kEventTooLong;
  }
}

}  // namespace trunkline::protocol
