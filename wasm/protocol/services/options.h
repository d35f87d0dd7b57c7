#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace trunkline::protocol {

// Reads what a profile says of a service, and remembers whether any of it was
// unacceptable: of a wrong type, or out of its range. What is not there leaves
// its place as it is.
class ServiceOptions {
 public:
  // A name of a provider's; as worker-shim/schemas.ts.
  static constexpr size_t kMaxNameBytes = 256;

  // `options` is borrowed for the life of the reader.
  explicit ServiceOptions(const Json& options) : options_(options) {}
  bool ok() const { return ok_; }

  // A name that must be there, and not be empty.
  void Name(const char* key, std::string& out);
  void Text(const char* key, std::string& out, size_t max_bytes);
  // [min, max].
  void Number(const char* key, std::optional<double>& out, double min,
              double max);
  void Integer(const char* key, std::optional<int64_t>& out, int64_t min,
               int64_t max);
  // At least one text, none of them empty, `max_bytes` together.
  void Texts(const char* key, std::vector<std::string>& out, size_t max_bytes);

 private:
  const Json& options_;
  bool ok_ = true;
};

// The language alone of a tag such as "pt-BR" (BCP 47), in lower case: all that
// most recognisers take. "" of none.
std::string PrimaryLanguage(std::string_view tag);

}  // namespace trunkline::protocol
