#pragma once

#include <string>
#include <string_view>

namespace trunkline::protocol {

// `text` as a part of a URL (RFC 3986, section 2.3): all but letters, digits
// and "-._~" as percent and two digits.
std::string PercentEncode(std::string_view text);

// A path, and its query as it grows.
class Query {
 public:
  explicit Query(std::string_view path) : path_(path) {}

  void Add(std::string_view name, std::string_view value);

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace trunkline::protocol
