#include "support/transcript_script.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"
#include "session/heard_words.h"
#include "session/line_fields.h"
#include "session/transcript.h"

namespace trunkline::test {
namespace {

using protocol::Role;
using protocol::TranscriptState;
using session::ItemName;
using session::LineId;
using session::Pause;
using session::Transcript;

class Bytes {
 public:
  explicit Bytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t Next() {
    if (bytes_.empty()) return 0;
    const uint8_t byte = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return byte;
  }
  size_t Below(size_t bound) { return Next() % bound; }
  std::string_view Take(size_t count) {
    count = std::min(count, bytes_.size());
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()),
                                count);
    bytes_ = bytes_.subspan(count);
    return text;
  }

 private:
  std::span<const uint8_t> bytes_;
};

// One of few names, that they may meet again, or none, or any bytes.
std::string NameOf(Bytes& bytes) {
  const size_t which = bytes.Below(10);
  if (which == 8) return "";
  if (which == 9) return std::string(bytes.Take(bytes.Below(8)));
  return "item_" + std::to_string(which);
}

// Words, any bytes, or more than a line holds.
std::string TextOf(Bytes& bytes) {
  switch (bytes.Below(12)) {
    case 0:
    case 1:
    case 2:
      return std::string(bytes.Take(bytes.Below(32)));
    case 3:
      return std::string(size_t{100} * bytes.Next(), 'x');
    case 4:
    case 5:
      return "\u4eca\u65e5\u306f\u4f11\u307f\u3067\u3059\u3002";
    default:
      return "One, two; three. Four five, six! Seven? Eight nine 10. ";
  }
}

// Small, and now and then far out.
int64_t MsOf(Bytes& bytes) {
  const auto ms = static_cast<int64_t>(bytes.Next()) * 40;
  switch (bytes.Below(16)) {
    case 0:
      return -ms;
    case 1:
      return ms << 50;
    default:
      return ms;
  }
}

LineId LineOf(Bytes& bytes, uint32_t newest) {
  // One of the newest, mostly.
  const auto back = static_cast<uint32_t>(bytes.Below(10));
  return LineId{newest > back ? newest - back : newest + 1};
}

std::vector<Pause> PausesOf(Bytes& bytes) {
  std::vector<Pause> pauses;
  int32_t at = 0;
  for (size_t i = bytes.Below(64); i > 0; --i) {
    const auto from = at + 20 * static_cast<int32_t>(bytes.Below(32));
    at = from + 80;
    pauses.push_back({from, at});
  }
  return pauses;
}

void CheckHeard(std::string_view text, std::string_view heard) {
  TL_CHECK(heard == text.substr(0, heard.size()));
  size_t at = 0;
  while (at < heard.size()) at += CodePointAt(text, at).bytes;
  TL_CHECK(at == heard.size());
}

void CheckLine(const Transcript::FinalLine& line) {
  CheckHeard(line.said, line.heard);
  TL_CHECK(line.said.size() <= Transcript::kMaxLineBytes);
  TL_CHECK(line.cut || line.heard == line.said);
  TL_CHECK(line.end_ms >= line.start_ms);
  if (line.kind == Transcript::Kind::kTool) {
    TL_CHECK(line.tool != Transcript::ToolState::kOpen);
  } else {
    TL_CHECK(line.text != Transcript::TextState::kAwaited);
  }
  TL_CHECK(!line.latency_sent_ms || *line.latency_sent_ms >= 0);
  TL_CHECK(!line.latency_heard_ms ||
           *line.latency_heard_ms >= *line.latency_sent_ms);
  TL_CHECK(!PrintJson(LineFields(line)).empty());
}

// One call, by the same bytes for each transcript. Returns the line it names.
LineId Call(Transcript& transcript, Bytes bytes, Instant now, uint32_t newest,
            Bytes* rest) {
  LineId line{};
  const uint8_t kind = bytes.Next();
  const Role role = (kind & 0x80) != 0 ? Role::kCaller : Role::kAgent;
  const std::string name = NameOf(bytes);
  const ItemName item{name, static_cast<int32_t>(bytes.Below(3)) - 1};
  switch (kind % 24) {
    case 0:
      line = transcript.OnCallerTurnBegan(MsOf(bytes));
      break;
    case 1:
      transcript.OnCallerTurnEnded(LineOf(bytes, newest), MsOf(bytes), now);
      break;
    case 2:
      transcript.OnCallerTurnDropped(LineOf(bytes, newest));
      break;
    case 3:
      line = transcript.OnCallerItem(item, now);
      break;
    case 4:
      transcript.BindCallerItem(LineOf(bytes, newest), item);
      break;
    case 5:
    case 6:
      line = transcript.OnText(role, item, TextOf(bytes),
                               TranscriptState::kPart, now);
      break;
    case 7:
      line = transcript.OnText(role, item, TextOf(bytes),
                               TranscriptState::kFinal, now);
      break;
    case 8:
      transcript.OnTextFailed(role, item, now);
      break;
    case 9:
      line = transcript.OnAgentItem(item, Transcript::Origin::kReply);
      break;
    case 10:
      line = transcript.OnSay(item, TextOf(bytes));
      break;
    case 11:
      transcript.OnAgentAudio(LineOf(bytes, newest), MsOf(bytes));
      break;
    case 12:
      transcript.OnAgentDone(LineOf(bytes, newest));
      break;
    case 13:
      transcript.OnAgentSent(LineOf(bytes, newest), now);
      break;
    case 14:
      transcript.OnAgentHeardFrom(LineOf(bytes, newest),
                                  now + Duration::Millis(bytes.Next()));
      break;
    case 15:
      transcript.OnAgentProgress(LineOf(bytes, newest), MsOf(bytes), now);
      break;
    case 16:
      transcript.OnAgentHeard(LineOf(bytes, newest), now);
      break;
    case 17: {
      const LineId which = LineOf(bytes, newest);
      const int64_t heard_ms = MsOf(bytes);
      const int64_t received_ms = MsOf(bytes);
      transcript.OnAgentCut(which, heard_ms, received_ms, PausesOf(bytes), now);
      break;
    }
    case 18:
      line = transcript.OnToolCall(name, "lookup", TextOf(bytes), now);
      break;
    case 19:
      transcript.OnToolResult(name, TextOf(bytes),
                              bytes.Below(2) == 0
                                  ? Transcript::ToolState::kAnswered
                                  : Transcript::ToolState::kFailed,
                              now);
      break;
    case 20:
      transcript.OnDeadline(now);
      break;
    case 22:
      transcript.OnCallerItemGone(item);
      break;
    case 23:
      transcript.OnAgentRefused(LineOf(bytes, newest), MsOf(bytes));
      break;
    case 21:
      // What ends a life is rare.
      switch (bytes.Below(16)) {
        case 0:
          transcript.OnSessionLost(MsOf(bytes), now);
          break;
        case 1:
          transcript.Finish(now);
          break;
        default:
          transcript.OnAgentConnected(
              bytes.Below(4) == 0 ? Transcript::Texts::kNone
                                  : Transcript::Texts::kSent,
              bytes.Below(4) == 0 ? Transcript::Texts::kNone
                                  : Transcript::Texts::kSent,
              now);
          break;
      }
      break;
    default:
      break;
  }
  *rest = bytes;
  return line;
}

}  // namespace

uint64_t RunTranscriptScript(std::span<const uint8_t> script) {
  Bytes bytes(script);
  const Instant began = Instant::Micros(1'000'000);
  Instant now = began;
  Transcript transcript(began);
  Transcript copy(began);
  std::set<LineId> taken;
  uint32_t newest = 0;
  const auto take = [&] {
    std::optional<Transcript::FinalLine> line = transcript.TakeFinal();
    const std::optional<Transcript::FinalLine> other = copy.TakeFinal();
    TL_CHECK(line.has_value() == other.has_value());
    if (!line) return false;
    TL_CHECK(PrintJson(LineFields(*line)) == PrintJson(LineFields(*other)));
    TL_CHECK(taken.insert(line->line).second);
    CheckLine(*line);
    return true;
  };
  while (!bytes.empty()) {
    const uint8_t passed = bytes.Next();
    now = now + Duration::Millis(passed < 250 ? passed : 10'000);
    Bytes rest = bytes;
    const LineId line = Call(transcript, bytes, now, newest, &rest);
    TL_CHECK(Call(copy, bytes, now, newest, &rest) == line);
    bytes = rest;
    newest = std::max(newest, static_cast<uint32_t>(line));
    TL_CHECK(transcript.IsConsistent() && copy.IsConsistent());
    TL_CHECK(transcript.deadline() == copy.deadline());
    TL_CHECK(transcript.counters() == copy.counters());

    const uint8_t then = bytes.Next();
    // Not always, for the bounds of what is not taken.
    if (then % 4 != 0) {
      while (take()) {
      }
    }
    if (then % 8 == 1) {
      const std::string json = PrintJson(transcript.ToJson());
      TL_CHECK(json.size() <= Transcript::kMaxJsonBytes);
      TL_CHECK(json == PrintJson(copy.ToJson()));
      const std::optional<Json> parsed = ParseJson(json);
      TL_CHECK(parsed.has_value());
      std::optional<Transcript> restored = Transcript::FromJson(*parsed, began);
      TL_CHECK(restored.has_value());
      copy = *std::move(restored);
    }
    if (then % 8 == 2) {
      for (const Transcript::Told& told : transcript.Conversation()) {
        TL_CHECK(told.kind == Transcript::Kind::kTool || !told.text.empty());
      }
    }
  }
  transcript.Finish(now);
  copy.Finish(now);
  while (take()) {
  }
  TL_CHECK(transcript.deadline().is_never() && transcript.IsConsistent());
  TL_CHECK(PrintJson(transcript.ToJson()) == PrintJson(copy.ToJson()));
  return taken.size();
}

}  // namespace trunkline::test
