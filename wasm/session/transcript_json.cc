#include <initializer_list>
#include <utility>

#include "base/utf8.h"
#include "session/transcript.h"

// The transcript as a part of a snapshot, and back.

namespace trunkline::session {
namespace {

// Reads members that are left out where they have their usual value, and
// remembers whether any is not what is written.
class Reader {
 public:
  explicit Reader(const Json& object) : object_(object) {}
  bool ok() const { return ok_ && object_.is_object(); }

  // [min, max]
  int64_t Integer(const char* key, int64_t usual, int64_t min, int64_t max) {
    if (FindMember(object_, key) == nullptr) return usual;
    const std::optional<int64_t> value = IntegerMember(object_, key);
    if (!value || *value < min || *value > max) {
      ok_ = false;
      return usual;
    }
    return *value;
  }
  int64_t Ms(const char* key, int64_t usual) {
    return Integer(key, usual, 0, TranscriptLine::kLongestMs);
  }
  bool Flag(const char* key) { return Integer(key, 0, 1, 1) == 1; }
  template <typename Enum>
  Enum Choice(const char* key, Enum last) {
    return static_cast<Enum>(Integer(key, 0, 0, static_cast<int64_t>(last)));
  }
  std::string Text(const char* key, size_t max_bytes) {
    const Json* member = FindMember(object_, key);
    if (member == nullptr) return {};
    std::string text;
    if (!member->is_string() ||
        AppendWellFormed(text, StringMember(object_, key), max_bytes) !=
            Appended::kAll) {
      ok_ = false;
    }
    return text;
  }
  // An array of at most `max`, or what is taken for an empty one.
  const Json* Array(const char* key, size_t max) {
    const Json* member = FindMember(object_, key);
    if (member == nullptr) return nullptr;
    if (!member->is_array() || member->size() > max) {
      ok_ = false;
      return nullptr;
    }
    return member;
  }

 private:
  const Json& object_;
  bool ok_ = true;
};

// A number in [0, max]; nullopt if it is anything else.
std::optional<int64_t> ReadNumber(const Json& value, int64_t max) {
  if (!value.is_number_integer()) return std::nullopt;
  const auto number = value.get<int64_t>();
  if (number < 0 || number > max) return std::nullopt;
  return number;
}

// "one-other " of each; nullopt if there is anything else, or more than `max`.
using Pairs = std::vector<std::pair<int32_t, int32_t>>;
std::optional<Pairs> ReadPairs(std::string_view text, size_t max) {
  Pairs pairs;
  while (!text.empty()) {
    const size_t dash = text.find('-');
    const size_t end = text.find(' ');
    if (dash >= end || end == std::string_view::npos || pairs.size() == max) {
      return std::nullopt;
    }
    const std::optional<int64_t> one = ParseDecimal(text.substr(0, dash));
    const std::optional<int64_t> other =
        ParseDecimal(text.substr(dash + 1, end - dash - 1));
    if (!one || !other || *one > INT32_MAX || *other > INT32_MAX) {
      return std::nullopt;
    }
    pairs.emplace_back(static_cast<int32_t>(*one),
                       static_cast<int32_t>(*other));
    text.remove_prefix(end + 1);
  }
  return pairs;
}

void Write(Json& json, const char* key, int64_t value, int64_t usual = 0) {
  if (value != usual) json[key] = value;
}

template <typename Enum>
void WriteEnum(Json& json, const char* key, Enum value) {
  Write(json, key, static_cast<int64_t>(value));
}

void Write(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}

}  // namespace

Json TranscriptLine::ToJson() const {
  Json json = Json::object();
  json["id"] = static_cast<uint32_t>(id);
  WriteEnum(json, "kind", kind);
  WriteEnum(json, "phase", phase);
  WriteEnum(json, "origin", origin);
  WriteEnum(json, "text", text);
  WriteEnum(json, "tool", tool);
  Write(json, "shortened", shortened ? 1 : 0);
  Write(json, "expected", expected ? 1 : 0);
  Write(json, "done", done ? 1 : 0);
  Write(json, "cut", cut ? 1 : 0);
  Write(json, "connection", connection);
  Write(json, "part", part);
  Write(json, "item", item);
  Write(json, "said", said);
  Write(json, "heardBytes", static_cast<int64_t>(heard_bytes));
  Write(json, "name", name);
  Write(json, "arguments", arguments);
  Write(json, "result", result);
  Write(json, "latencyMs", facts.latency_ms, protocol::ToolRequestFacts::kNone);
  Write(json, "status", facts.status);
  Write(json, "failure", facts.failure);
  Write(json, "startMs", start_ms);
  Write(json, "endMs", end_ms);
  Write(json, "overMs", over_ms, kNone);
  Write(json, "sentMs", sent_ms, kNone);
  Write(json, "heardFromMs", heard_from_ms, kNone);
  Write(json, "askedMs", asked_ms, kNone);
  Write(json, "textDueMs", text_due_ms, kNone);
  Write(json, "heardMs", heard_ms);
  Write(json, "heardAtMs", heard_at_ms);
  Write(json, "receivedMs", received_ms);
  Write(json, "droppedMs", dropped_ms);
  // As one text: a snapshot that is all pauses has not too many values.
  std::string all;
  for (const auto& [from, to] : pauses) {
    all += std::to_string(from) + '-' + std::to_string(to) + ' ';
  }
  Write(json, "pauses", all);
  all.clear();
  for (const protocol::SpokenWord& word : words) {
    all +=
        std::to_string(word.text_end) + '-' + std::to_string(word.end_ms) + ' ';
  }
  Write(json, "words", all);
  return json;
}

std::optional<TranscriptLine> TranscriptLine::FromJson(const Json& json) {
  Reader reader(json);
  TranscriptLine line;
  line.id =
      LineId{static_cast<uint32_t>(reader.Integer("id", 0, 1, UINT32_MAX))};
  line.kind = reader.Choice("kind", Kind::kTool);
  line.phase = reader.Choice("phase", Phase::kTaken);
  line.origin = reader.Choice("origin", Origin::kSay);
  line.text = reader.Choice("text", TextState::kMissing);
  line.tool = reader.Choice("tool", ToolState::kUnanswered);
  line.shortened = reader.Flag("shortened");
  line.expected = reader.Flag("expected");
  line.done = reader.Flag("done");
  line.cut = reader.Flag("cut");
  line.connection =
      static_cast<uint32_t>(reader.Integer("connection", 0, 0, UINT32_MAX));
  line.part = static_cast<int32_t>(reader.Integer("part", 0, 0, INT32_MAX));
  line.item = reader.Text("item", kMaxNameBytes);
  line.said = reader.Text("said", kMaxTextBytes);
  line.heard_bytes =
      static_cast<size_t>(reader.Integer("heardBytes", 0, 0, kMaxTextBytes));
  line.name = reader.Text("name", kMaxNameBytes);
  line.arguments = reader.Text("arguments", kMaxTextBytes);
  line.result = reader.Text("result", kMaxTextBytes);
  line.facts.latency_ms =
      reader.Ms("latencyMs", protocol::ToolRequestFacts::kNone);
  line.facts.status =
      static_cast<uint16_t>(reader.Integer("status", 0, 0, 999));
  line.facts.failure = reader.Text("failure", kMaxNameBytes);
  line.start_ms = reader.Ms("startMs", 0);
  line.end_ms = reader.Ms("endMs", 0);
  line.over_ms = reader.Ms("overMs", kNone);
  line.sent_ms = reader.Ms("sentMs", kNone);
  line.heard_from_ms = reader.Ms("heardFromMs", kNone);
  line.asked_ms = reader.Ms("askedMs", kNone);
  line.text_due_ms = reader.Ms("textDueMs", kNone);
  line.heard_ms = reader.Ms("heardMs", 0);
  line.heard_at_ms = reader.Ms("heardAtMs", 0);
  line.received_ms = reader.Ms("receivedMs", 0);
  line.dropped_ms = reader.Ms("droppedMs", 0);
  const std::optional<Pairs> pauses =
      ReadPairs(StringMember(json, "pauses"), kMaxHeardMarks);
  const std::optional<Pairs> words =
      ReadPairs(StringMember(json, "words"), kMaxTextBytes);
  if (!pauses || !words) return std::nullopt;
  for (const auto& [from, to] : *pauses) line.pauses.push_back({from, to});
  for (const auto& [text_end, end_ms] : *words) {
    const protocol::SpokenWord word = {static_cast<uint32_t>(text_end), end_ms};
    line.AddWords({&word, 1});
  }
  if (!reader.ok() || !line.IsConsistent()) return std::nullopt;
  return line;
}

void LineBook::AddTo(Json& json) const {
  Write(json, "lastLine", last_line_);
  Write(json, "connection", connection_);
  json["lines"] = Json::array();
  for (const Line& line : lines_) json["lines"].push_back(line.ToJson());
  for (const LineId id : untaken_) {
    json["untaken"].push_back(static_cast<uint32_t>(id));
  }
  for (const auto& [kind, part, item] : gone_) {
    Json gone = Json::object();
    WriteEnum(gone, "kind", kind);
    Write(gone, "part", part);
    Write(gone, "item", item);
    json["gone"].push_back(std::move(gone));
  }
}

bool LineBook::Read(const Json& json) {
  Reader reader(json);
  last_line_ =
      static_cast<uint32_t>(reader.Integer("lastLine", 0, 0, UINT32_MAX));
  connection_ =
      static_cast<uint32_t>(reader.Integer("connection", 0, 0, UINT32_MAX));
  if (const Json* lines = reader.Array("lines", kMaxLines + kMaxUntaken)) {
    for (const Json& one : *lines) {
      std::optional<Line> line = Line::FromJson(one);
      if (!line) return false;
      lines_.push_back(*std::move(line));
    }
  }
  if (const Json* untaken = reader.Array("untaken", kMaxUntaken)) {
    for (const Json& one : *untaken) {
      const std::optional<int64_t> id = ReadNumber(one, UINT32_MAX);
      if (!id) return false;
      untaken_.push_back(LineId{static_cast<uint32_t>(*id)});
    }
  }
  if (const Json* all_gone = reader.Array("gone", kMaxGone)) {
    for (const Json& one : *all_gone) {
      Reader gone(one);
      gone_.push_back(
          {gone.Choice("kind", Kind::kAgent),
           static_cast<int32_t>(gone.Integer("part", 0, 0, INT32_MAX)),
           gone.Text("item", Line::kMaxNameBytes)});
      if (!gone.ok()) return false;
    }
  }
  return reader.ok();
}

Json Transcript::ToJson() const {
  Json json = Json::object();
  Write(json, "nowMs", now_ms_);
  Write(json, "finished", finished_ ? 1 : 0);
  WriteEnum(json, "ofCaller", of_caller_);
  WriteEnum(json, "ofAgent", of_agent_);
  Write(json, "askedMs", asked_ms_, kNone);
  book_.AddTo(json);
  for (const uint64_t count :
       {counters_.dropped, counters_.untaken, counters_.unheard,
        counters_.shortened, counters_.late_texts, counters_.missed_texts}) {
    json["counters"].push_back(count);
  }
  return json;
}

std::optional<Transcript> Transcript::FromJson(const Json& json,
                                               Instant call_began) {
  Reader reader(json);
  Transcript transcript(call_began);
  transcript.now_ms_ = reader.Ms("nowMs", 0);
  transcript.finished_ = reader.Flag("finished");
  transcript.of_caller_ = reader.Choice("ofCaller", Texts::kSent);
  transcript.of_agent_ = reader.Choice("ofAgent", Texts::kSent);
  transcript.asked_ms_ = reader.Ms("askedMs", kNone);
  if (!transcript.book_.Read(json)) return std::nullopt;
  const Json* counts = reader.Array("counters", 6);
  Counters& counters = transcript.counters_;
  size_t next = 0;
  for (uint64_t* counter :
       {&counters.dropped, &counters.untaken, &counters.unheard,
        &counters.shortened, &counters.late_texts, &counters.missed_texts}) {
    if (counts == nullptr || next == counts->size()) return std::nullopt;
    const std::optional<int64_t> count =
        ReadNumber((*counts)[next++], kLongestMs);
    if (!count) return std::nullopt;
    *counter = static_cast<uint64_t>(*count);
  }
  if (!reader.ok() || !transcript.IsConsistent()) return std::nullopt;
  return transcript;
}

}  // namespace trunkline::session
