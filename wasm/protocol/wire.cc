#include "protocol/wire.h"

namespace trunkline::protocol {

const char* ToString(Fault fault) {
  switch (fault) {
    case Fault::kMalformed:
      return "malformed";
    case Fault::kMissingField:
      return "missingField";
    case Fault::kWrongType:
      return "wrongType";
    case Fault::kUnknownEvent:
      return "unknownEvent";
    case Fault::kOutOfOrder:
      return "outOfOrder";
    case Fault::kDuplicateStart:
      return "duplicateStart";
    case Fault::kForeignStream:
      return "foreignStream";
    case Fault::kBadPayload:
      return "badPayload";
    case Fault::kUnexpectedBinary:
      return "unexpectedBinary";
    case Fault::kTooLarge:
      return "tooLarge";
    case Fault::kUnsupportedFormat:
      return "unsupportedFormat";
    case Fault::kUnknownMark:
      return "unknownMark";
    case Fault::kLostMessages:
      return "lostMessages";
    case Fault::kPeerError:
      return "peerError";
  }
  return "unknown";
}

const char* ToString(Encoding encoding) {
  switch (encoding) {
    case Encoding::kMuLaw:
      return "mulaw";
    case Encoding::kALaw:
      return "alaw";
    case Encoding::kLinear16:
      return "pcm16";
    case Encoding::kLinear16Big:
      return "pcm16be";
  }
  return "unknown";
}

}  // namespace trunkline::protocol
