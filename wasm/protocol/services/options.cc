#include "protocol/services/options.h"

#include <algorithm>

namespace trunkline::protocol {

void ServiceOptions::Name(const char* key, std::string& out) {
  Text(key, out, kMaxNameBytes);
  ok_ = ok_ && !out.empty();
}

void ServiceOptions::Text(const char* key, std::string& out, size_t max_bytes) {
  const Json* member = FindMember(options_, key);
  if (member == nullptr) return;
  if (!member->is_string() ||
      member->get_ptr<const std::string*>()->size() > max_bytes) {
    ok_ = false;
    return;
  }
  out = *member->get_ptr<const std::string*>();
}

void ServiceOptions::Number(const char* key, std::optional<double>& out,
                            double min, double max) {
  const Json* member = FindMember(options_, key);
  if (member == nullptr) return;
  const double value = member->is_number() ? member->get<double>() : min - 1;
  ok_ = ok_ && value >= min && value <= max;
  out = value;
}

void ServiceOptions::Integer(const char* key, std::optional<int64_t>& out,
                             int64_t min, int64_t max) {
  if (FindMember(options_, key) == nullptr) return;
  const std::optional<int64_t> value = IntegerMember(options_, key);
  ok_ = ok_ && value && *value >= min && *value <= max;
  out = value;
}

void ServiceOptions::Texts(const char* key, std::vector<std::string>& out,
                           size_t max_bytes) {
  const Json* member = FindMember(options_, key);
  if (member == nullptr) return;
  ok_ = ok_ && member->is_array() && !member->empty();
  if (!ok_) return;
  size_t bytes = 0;
  for (const Json& each : *member) {
    const auto* text = each.get_ptr<const std::string*>();
    if (text != nullptr) bytes += text->size();
    if (text == nullptr || text->empty() || bytes > max_bytes) {
      ok_ = false;
      return;
    }
    out.push_back(*text);
  }
}

std::string PrimaryLanguage(std::string_view tag) {
  std::string language(tag.substr(0, tag.find('-')));
  std::transform(
      language.begin(), language.end(), language.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
  return language;
}

}  // namespace trunkline::protocol
