#include "conformance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/check.h"
#include "base/json.h"

namespace trunkline::test {
namespace {

using protocol::ChannelId;
using protocol::ItemId;

using Lines = std::vector<std::string>;

// What one step of a script makes.
struct Outcome {
  Lines told;
  Lines sent;
};
struct Step {
  std::string input;
  Outcome expected;
};

std::string_view Trim(std::string_view line) {
  const size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return line.substr(begin);
}

std::vector<Step> ParseScript(std::string_view script) {
  std::vector<Step> steps;
  while (!script.empty()) {
    const size_t end = script.find('\n');
    const std::string_view line = Trim(script.substr(0, end));
    script = end == std::string_view::npos ? "" : script.substr(end + 1);
    if (line.empty()) continue;
    const std::string rest(line.size() > 2 ? line.substr(2) : "");
    if (line[0] == '>') {
      steps.push_back({rest, {}});
      continue;
    }
    // INVARIANT: a script begins with an input.
    TL_CHECK(!steps.empty() && (line[0] == '=' || line[0] == '<'));
    Outcome& expected = steps.back().expected;
    (line[0] == '=' ? expected.told : expected.sent).push_back(rest);
  }
  return steps;
}

// The first word of `line`, which it loses.
std::string TakeWord(std::string_view& line) {
  const size_t end = line.find(' ');
  const std::string word(line.substr(0, end));
  line = end == std::string_view::npos ? "" : line.substr(end + 1);
  return word;
}

int TakeNumber(std::string_view& line) { return std::stoi(TakeWord(line)); }

void ExpectLines(const Lines& expected, const Lines& actual,
                 const std::string& what) {
  bool same = expected.size() == actual.size();
  for (size_t i = 0; same && i < expected.size(); ++i) {
    const std::string& line = expected[i];
    if (line.size() >= 3 && line.compare(line.size() - 3, 3, "...") == 0) {
      same =
          actual[i].compare(0, line.size() - 3, line, 0, line.size() - 3) == 0;
    } else {
      same = actual[i] == line;
    }
  }
  if (same) return;
  std::string text = what + "\n  expected:\n";
  for (const std::string& line : expected) text += "    " + line + "\n";
  text += "  got:\n";
  for (const std::string& line : actual) text += "    " + line + "\n";
  ADD_FAILURE() << text;
}

// Audio in a row as one piece, and at the end the sum of each channel's credit:
// where in between it is granted does not matter.
Lines Joined(const Lines& lines) {
  Lines joined;
  std::map<std::string, int> credits;
  bool after_audio = false;
  for (const std::string& line : lines) {
    std::string_view rest = line;
    const std::string kind = TakeWord(rest);
    if (kind == "credit") {
      const std::string channel = TakeWord(rest);
      credits[channel] += TakeNumber(rest);
      continue;
    }
    if (kind == "audio" && after_audio) {
      // Without the time of the second piece.
      TakeWord(rest);
      joined.back() += rest;
    } else {
      joined.push_back(line);
    }
    after_audio = kind == "audio";
  }
  for (const auto& [channel, bytes] : credits) {
    joined.push_back("credit " + channel + ' ' + std::to_string(bytes));
  }
  return joined;
}

class LegBench {
 public:
  explicit LegBench(const LegColumn& column) : leg_(column.make(wire_)) {}

  Outcome Do(std::string_view input) {
    log_ = {};
    wire_.sent.clear();
    const std::string verb = TakeWord(input);
    if (verb == "open") {
      leg_->OnSocketOpened({});
    } else if (verb == "text") {
      leg_->OnText(input);
    } else if (verb == "text-of") {
      leg_->OnText(std::string(static_cast<size_t>(TakeNumber(input)), ' '));
    } else if (verb == "binary") {
      leg_->OnBinary(FromHex(input));
    } else if (verb == "binary-of") {
      leg_->OnBinary(
          std::vector<uint8_t>(static_cast<size_t>(TakeNumber(input))));
    } else if (verb == "close") {
      const auto code = static_cast<uint16_t>(TakeNumber(input));
      log_.lines.emplace_back(
          leg_->OnSocketClosed(code) == protocol::LegClose::kHungUp ? "hung up"
                                                                    : "broken");
    } else if (verb == "play") {
      leg_->Play(FromHex(input));
    } else if (verb == "mark") {
      const size_t colon = input.find(':');
      leg_->Mark({static_cast<uint32_t>(
                      std::stoul(std::string(input.substr(0, colon)))),
                  std::stoull(std::string(input.substr(colon + 1)))});
    } else {
      // INVARIANT: scripts hold no other verbs.
      TL_CHECK(verb == "clear");
      leg_->Clear();
    }
    log_.Take(*leg_);
    return {log_.lines, wire_.sent};
  }

 private:
  RecordingWire wire_;
  LegLog log_;
  std::unique_ptr<protocol::Leg> leg_;
};

class AgentBench {
 public:
  explicit AgentBench(const AgentColumn& column)
      : agent_(column.make(channels_)) {}

  Outcome Do(std::string_view input) {
    log_ = {};
    channels_.lines.clear();
    agent_->SetNow(now_);
    Input(input);
    log_.Take(*agent_);
    return {log_.lines, channels_.lines};
  }

 private:
  void Input(std::string_view input) {
    const std::string verb = TakeWord(input);
    const auto channel = [&input] {
      return ChannelId{static_cast<uint16_t>(TakeNumber(input))};
    };
    if (verb == "begin") {
      agent_->Begin();
    } else if (verb == "end") {
      agent_->End(input);
    } else if (verb == "full" || verb == "room") {
      channels_.full = verb == "full";
    } else if (verb == "open") {
      agent_->OnSocketOpened(channel());
    } else if (verb == "text") {
      const ChannelId from = channel();
      agent_->OnText(from, input);
    } else if (verb == "respond-then-cancel-at") {
      const ChannelId from = channel();
      RespondThenCancel([&] { agent_->OnText(from, input); });
    } else if (verb == "respond-then-cancel-done") {
      const ChannelId from = channel();
      RespondThenCancel([&] { agent_->OnHttpDone(from); });
    } else if (verb == "binary") {
      const ChannelId from = channel();
      agent_->OnBinary(from, FromHex(input));
    } else if (verb == "oversize") {
      agent_->OnOversize(channel());
    } else if (verb == "close") {
      const ChannelId from = channel();
      agent_->OnSocketClosed(from, static_cast<uint16_t>(TakeNumber(input)), 0,
                             "");
    } else if (verb == "refused") {
      const ChannelId from = channel();
      agent_->OnSocketClosed(from, 1006,
                             static_cast<uint16_t>(TakeNumber(input)), "");
    } else if (verb == "headers") {
      const ChannelId from = channel();
      const auto status = static_cast<uint16_t>(TakeNumber(input));
      agent_->OnHttpHeaders(from, status, Json::parse(input));
    } else if (verb == "chunk") {
      const ChannelId from = channel();
      const auto text = Json::parse(input).get<std::string>();
      agent_->OnHttpChunk(
          from, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    } else if (verb == "done") {
      agent_->OnHttpDone(channel());
    } else if (verb == "failed") {
      agent_->OnHttpFailed(channel(), protocol::HttpFailure::kTimeout,
                           "timeout");
    } else {
      Command(verb, input);
    }
  }

  // As Take() does, with a word of the owner between `end` and Proceed().
  void RespondThenCancel(const std::function<void()>& end) {
    agent_->Respond({});
    log_.Take(*agent_);
    end();
    while (agent_->NextEvent()) {
    }
    agent_->Cancel();
  }

  void Command(const std::string& verb, std::string_view input) {
    if (verb == "time") {
      now_ = Instant::Micros(static_cast<uint64_t>(TakeNumber(input)) * 1000);
      agent_->SetNow(now_);
      if (agent_->deadline() <= now_) {
        log_.lines.emplace_back("woken");
        agent_->OnDeadline();
      }
    } else if (verb == "listen") {
      agent_->Listen(FromHex(input));
    } else if (verb == "turn") {
      agent_->TurnStarted(Duration::Millis(TakeNumber(input)));
    } else if (verb == "respond") {
      agent_->Respond(Duration::Millis(TakeNumber(input)));
    } else if (verb == "say") {
      agent_->Say(input);
    } else if (verb == "tell") {
      // A caller's words, and an agent's behind a bar.
      const std::string words(input);
      const size_t bar = words.find('|');
      const std::string agents = words.substr(bar + 1);
      using Kind = protocol::ConversationLine::Kind;
      const protocol::ConversationLine lines[] = {
          {Kind::kCaller,
           std::string_view(words).substr(0, bar),
           {},
           {},
           {},
           {}},
          {Kind::kAgent, agents, {}, {}, {}, {}}};
      agent_->Tell(lines);
    } else if (verb == "tell-call") {
      const protocol::ConversationLine call{
          protocol::ConversationLine::Kind::kTool,
          {},
          input,
          "lookup",
          "{}",
          {}};
      agent_->Tell({&call, 1});
    } else if (verb == "discard") {
      agent_->DiscardTurn();
    } else if (verb == "cancel") {
      agent_->Cancel();
    } else if (verb == "truncate") {
      const ItemId item{static_cast<uint32_t>(TakeNumber(input))};
      log_.lines.push_back("truncated " + std::to_string(agent_->Truncate(
                                              item, TakeNumber(input))));
    } else if (verb == "name") {
      const ItemId item{static_cast<uint32_t>(TakeNumber(input))};
      log_.lines.push_back("name " + std::string(agent_->item_name(item)));
    } else {
      // INVARIANT: scripts hold no other verbs.
      TL_CHECK(verb == "result");
      const std::string id = TakeWord(input);
      agent_->ToolResult(id, input);
    }
  }

  RecordingChannels channels_;
  AgentLog log_;
  Instant now_;
  std::unique_ptr<protocol::Agent> agent_;
};

// Runs `steps` with each input said as `otherwise` says it.
template <typename Bench, typename Column>
void CheckOtherwise(const Column& column, const std::vector<Step>& steps,
                    const std::string& manner,
                    const std::function<Lines(std::string_view)>& otherwise) {
  Bench bench(column);
  for (const Step& step : steps) {
    Outcome all;
    for (const std::string& input : otherwise(step.input)) {
      Outcome part = bench.Do(input);
      std::move(part.told.begin(), part.told.end(),
                std::back_inserter(all.told));
      std::move(part.sent.begin(), part.sent.end(),
                std::back_inserter(all.sent));
    }
    ExpectLines(Joined(step.expected.told), Joined(all.told),
                manner + ", told of: " + step.input);
    ExpectLines(Joined(step.expected.sent), Joined(all.sent),
                manner + ", sent for: " + step.input);
  }
}

template <typename Bench, typename Column>
void CheckScript(const Column& column, std::string_view script,
                 const std::function<std::string(std::string_view)>& tail) {
  const std::vector<Step> steps = ParseScript(script);
  Bench bench(column);
  for (const Step& step : steps) {
    const Outcome outcome = bench.Do(step.input);
    ExpectLines(step.expected.told, outcome.told, "told of: " + step.input);
    ExpectLines(step.expected.sent, outcome.sent, "sent for: " + step.input);
  }
  CheckOtherwise<Bench>(
      column, steps, "halved", [&](std::string_view input) -> Lines {
        Lines halves;
        if (column.halve != nullptr) halves = column.halve(input);
        return halves.empty() ? Lines{std::string(input)} : halves;
      });
  CheckOtherwise<Bench>(
      column, steps, "by the byte", [&](std::string_view input) -> Lines {
        std::string_view rest = input;
        if (TakeWord(rest) != "chunk") return {std::string(input)};
        const std::string head = "chunk " + TakeWord(rest) + ' ';
        Lines bytes;
        for (const char c : Json::parse(rest).get<std::string>()) {
          bytes.push_back(head + PrintJson(std::string(1, c)));
        }
        return bytes;
      });
  Bench with_tails(column);
  for (const Step& step : steps) {
    const Outcome outcome = with_tails.Do(step.input);
    ExpectLines(step.expected.told, outcome.told,
                "with a tail, told of: " + step.input);
    ExpectLines(step.expected.sent, outcome.sent,
                "with a tail, sent for: " + step.input);
    const std::string behind = tail(step.input);
    if (behind.empty()) continue;
    const Outcome of_tail = with_tails.Do(behind);
    // A socket that has ended in the meantime is not listened to.
    if (!of_tail.told.empty()) {
      ExpectLines(column.tail_told, of_tail.told,
                  "told of the tail of: " + step.input);
    }
    ExpectLines({}, of_tail.sent, "sent for the tail of: " + step.input);
  }
}

std::string Verb(std::string_view input) { return TakeWord(input); }

// A row's columns, and a note for each reason.
template <typename Row, typename Column>
std::string Table(const std::vector<Column>& columns, size_t rows) {
  std::string table = "| |";
  std::string rule = "|---|";
  for (const Column& column : columns) {
    table += " " + column.name + (column.built_in ? "" : " (tests)") + " |";
    rule += "---|";
  }
  table += "\n" + rule + "\n";
  std::vector<std::string> notes;
  size_t tested = 0;
  for (size_t i = 0; i < rows; ++i) {
    const auto row = static_cast<Row>(i);
    table += std::string("| ") + ToString(row) + " |";
    for (const Column& column : columns) {
      const auto cell = column.cells.find(row);
      if (cell == column.cells.end()) {
        table += " missing |";
      } else if (!cell->second.scripts.empty()) {
        table += " yes |";
        ++tested;
      } else {
        const std::string& reason = cell->second.not_applicable;
        auto note = std::find(notes.begin(), notes.end(), reason);
        if (note == notes.end()) {
          notes.push_back(reason);
          note = notes.end() - 1;
        }
        table += " - (" + std::to_string(note - notes.begin() + 1) + ") |";
      }
    }
    table += "\n";
  }
  table += "\n";
  for (size_t i = 0; i < notes.size(); ++i) {
    table += std::to_string(i + 1) + ". " + notes[i] + "\n";
  }
  table += "\n" + std::to_string(tested) + " cells are tested.\n";
  return table;
}

}  // namespace

std::vector<uint8_t> FromHex(std::string_view hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(
        std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::vector<LegColumn> LegColumns() { return {TwilioColumn(), PlainColumn()}; }

std::vector<AgentColumn> AgentColumns() {
  return {ParrotColumn(), OpenAiRealtimeColumn(), CascadeColumn(),
          ScriptedColumn()};
}

void Check(const LegColumn& column, const Cell& cell) {
  for (const std::string& script : cell.scripts) {
    SCOPED_TRACE(script);
    CheckScript<LegBench>(
        column, script, [&column](std::string_view input) -> std::string {
          const std::string verb = Verb(input);
          if (verb != "text" && verb != "binary" && verb != "open") return "";
          return column.tail;
        });
  }
}

void Check(const AgentColumn& column, const Cell& cell) {
  for (const std::string& script : cell.scripts) {
    SCOPED_TRACE(script);
    CheckScript<AgentBench>(
        column, script, [&column](std::string_view input) -> std::string {
          const std::string verb = TakeWord(input);
          if (column.tail.empty() ||
              (verb != "text" && verb != "binary" && verb != "open")) {
            return "";
          }
          return "text " + TakeWord(input) + ' ' + column.tail;
        });
  }
}

std::string LegTable() { return Table<LegRow>(LegColumns(), kLegRows); }

std::string AgentTable() { return Table<AgentRow>(AgentColumns(), kAgentRows); }

const char* ToString(LegRow row) {
  switch (row) {
    case LegRow::kStart:
      return "starts with its names, its token, its formats and its traits";
    case LegRow::kUnsupportedFormat:
      return "a format that cannot be carried is refused, not guessed";
    case LegRow::kTimestamps:
      return "audio has the carrier's time";
    case LegRow::kNoTimestamps:
      return "audio without a time is audio";
    case LegRow::kAnyLength:
      return "audio may come in pieces of any length";
    case LegRow::kPlay:
      return "what is played is framed as the carrier takes it, byte for byte";
    case LegRow::kLengths:
      return "message lengths and multiples are said in the traits";
    case LegRow::kBeforeStart:
      return "what comes before the start is out of order";
    case LegRow::kCommandsBeforeStart:
      return "commands before the start send nothing";
    case LegRow::kMarks:
      return "marks are echoed, each once";
    case LegRow::kUnknownMark:
      return "a mark that was not sent is a fault";
    case LegRow::kMarksAfterClear:
      return "marks after a clear are as the traits say";
    case LegRow::kReports:
      return "reports of what was played";
    case LegRow::kFlow:
      return "flow control pauses and resumes";
    case LegRow::kDigits:
      return "digits";
    case LegRow::kStop:
      return "stop";
    case LegRow::kAfterStop:
      return "commands after the stop";
    case LegRow::kHungUp:
      return "an orderly close is a hang-up";
    case LegRow::kBroken:
      return "any other close is a loss";
    case LegRow::kDuplicateStart:
      return "a second start is a fault; the first one holds";
    case LegRow::kForeignStream:
      return "a message of another stream is a fault";
    case LegRow::kWrongFrame:
      return "a binary frame where only text is expected is a fault";
    case LegRow::kTooLarge:
      return "a message that is too long is a fault";
    case LegRow::kMalformed:
      return "what is malformed is a fault";
    case LegRow::kMissingField:
      return "a missing field and one of a wrong type are faults";
    case LegRow::kUnknownEvent:
      return "an unknown event is ignored by name";
    case LegRow::kLostMessages:
      return "lost messages are noticed";
    case LegRow::kBadAudio:
      return "audio that is none is a fault";
    case LegRow::kNewSocket:
      return "a new socket forgets the former stream";
  }
  return "unknown";
}

const char* ToString(AgentRow row) {
  switch (row) {
    case AgentRow::kBegin:
      return "opens its channels";
    case AgentRow::kNoChannel:
      return "without a free channel it fails and may be tried again";
    case AgentRow::kReady:
      return "is ready once it is configured";
    case AgentRow::kListen:
      return "the caller's audio goes up";
    case AgentRow::kSpeech:
      return "the provider's detection of speech";
    case AgentRow::kCommitted:
      return "the provider's end of a turn";
    case AgentRow::kTranscripts:
      return "what was said, in parts and as a whole";
    case AgentRow::kTurn:
      return "a turn and its reply";
    case AgentRow::kItems:
      return "two items in one reply";
    case AgentRow::kItemNames:
      return "an item has the provider's name";
    case AgentRow::kSecondRequest:
      return "a second request waits for the end of the first reply";
    case AgentRow::kTakenBack:
      return "what waits can be taken back at the end of a reply";
    case AgentRow::kCancel:
      return "a cancelled reply is silent from there on";
    case AgentRow::kCancelIdle:
      return "a cancel of nothing does nothing";
    case AgentRow::kTruncate:
      return "a truncation is no longer than what came of the item";
    case AgentRow::kDiscard:
      return "a turn that was none is taken back";
    case AgentRow::kSay:
      return "says a text";
    case AgentRow::kTool:
      return "a tool call and its result";
    case AgentRow::kTools:
      return "one reply to the results of several calls";
    case AgentRow::kUnknownTool:
      return "a result of no open call is ignored";
    case AgentRow::kReplyFailed:
      return "a reply that the provider failed at";
    case AgentRow::kRetryableCloses:
      return "closes after which a new socket may do better";
    case AgentRow::kFatalCloses:
      return "closes that are fatal";
    case AgentRow::kRetryableStatuses:
      return "refused upgrades that may be tried again";
    case AgentRow::kFatalStatuses:
      return "refused upgrades that are fatal";
    case AgentRow::kRetryableErrors:
      return "errors of the provider that a new socket mends";
    case AgentRow::kFatalErrors:
      return "errors of the provider that are fatal";
    case AgentRow::kHarmlessErrors:
      return "errors of the provider that change nothing";
    case AgentRow::kForeignChannel:
      return "channels of others are ignored";
    case AgentRow::kNotOpenYet:
      return "a socket is not listened to before it is open";
    case AgentRow::kOversize:
      return "a message that was too long is a fault";
    case AgentRow::kWrongFrame:
      return "a binary frame where only text is expected is a fault";
    case AgentRow::kMalformed:
      return "what is malformed is a fault";
    case AgentRow::kUnknownEvent:
      return "an unknown event is ignored by name";
    case AgentRow::kHttpBody:
      return "an HTTP body is taken in as it comes, and credited";
    case AgentRow::kHttpFailure:
      return "an HTTP failure, or a body of an error, fails the reply";
    case AgentRow::kDeadline:
      return "a deadline of its own";
    case AgentRow::kEnd:
      return "its end closes all that is open";
    case AgentRow::kEndWhileConnecting:
      return "its end also closes what is not open yet";
    case AgentRow::kNewBeginning:
      return "a new beginning after a loss";
    case AgentRow::kHistory:
      return "a new session is told the conversation";
  }
  return "unknown";
}

}  // namespace trunkline::test
