#include "protocol/channels.h"

namespace trunkline::protocol {

size_t FetchRequest::body_bytes() const {
  if (parts.empty()) return body.size();
  size_t bytes = 0;
  for (const Part& part : parts) bytes += part.bytes.size();
  return bytes;
}

const char* ToString(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::kUpstream:
      return "upstream";
    case HttpFailure::kNetwork:
      return "network";
    case HttpFailure::kTimeout:
      return "timeout";
    case HttpFailure::kTooLarge:
      return "tooLarge";
    case HttpFailure::kRefused:
      return "refused";
  }
  return "unknown";
}

}  // namespace trunkline::protocol
