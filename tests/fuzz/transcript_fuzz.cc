// Sequences of calls to the transcript, and the words that were heard of any
// text: the transcript checks itself, and a copy that goes through its JSON
// does the same.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"
#include "session/heard_words.h"
#include "session/transcript.h"
#include "support/transcript_script.h"

namespace {

using trunkline::session::HeardText;
using trunkline::session::Pause;

int32_t IntegerAt(std::string_view bytes, size_t at) {
  int32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

// The bytes: u8 count of pauses, i32 heard and received, the pauses, a text.
void Hear(std::string_view bytes) {
  if (bytes.size() < 9) return;
  const size_t count = static_cast<uint8_t>(bytes[0]) % 64;
  const int32_t heard_ms = IntegerAt(bytes, 1);
  const int32_t received_ms = IntegerAt(bytes, 5);
  std::vector<Pause> pauses;
  size_t at = 9;
  for (; pauses.size() < count && at + 8 <= bytes.size(); at += 8) {
    pauses.push_back({IntegerAt(bytes, at), IntegerAt(bytes, at + 4)});
  }
  const std::string_view text = bytes.substr(at);
  const std::string_view heard = HeardText(text, heard_ms, received_ms, pauses);
  TL_CHECK(heard.data() == text.data() && heard.size() <= text.size());
  size_t end = 0;
  while (end < heard.size()) end += trunkline::CodePointAt(text, end).bytes;
  TL_CHECK(end == heard.size());
  TL_CHECK(heard_ms < received_ms || heard == text);
}

// A snapshot that is none of ours is refused, or holds what it promises.
void Restore(std::string_view bytes) {
  using trunkline::session::Transcript;
  const auto json = trunkline::ParseJson(bytes);
  if (!json) return;
  auto transcript = Transcript::FromJson(*json, trunkline::Instant());
  if (!transcript) return;
  const auto now = trunkline::Instant::Micros(1'000'000);
  transcript->OnSessionLost(/*alive_until_ms=*/500, now);
  TL_CHECK(transcript->IsConsistent());
  transcript->Finish(now);
  while (transcript->TakeFinal()) {
  }
  TL_CHECK(transcript->IsConsistent());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(bytes) + 1,
                              size - 1);
  switch (bytes[0]) {
    case 'h':
      Hear(rest);
      break;
    case 'j':
      Restore(rest);
      break;
    default:
      trunkline::test::RunTranscriptScript({bytes, size});
      break;
  }
  return 0;
}
