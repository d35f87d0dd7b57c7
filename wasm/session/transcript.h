#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "protocol/agents/agent.h"
#include "session/heard_words.h"

namespace trunkline::session {

// A line of the conversation, numbered from 1 within a call, also across its
// sessions. Never reused. 0 is no line.
enum class LineId : uint32_t {};

// The provider's name of an utterance, and which of its content parts.
struct ItemName {
  std::string_view item;
  int32_t part = 0;
};

// The one owner of what was said in a call and of what was heard of it.
//
// A line is one turn of the caller, one utterance of the agent (an item, or a
// content part of one), or one tool call with its result. A line has a number
// of ours from its beginning on, and the provider's name as soon as that is
// known: texts and failures go to the line of their name, whenever and in
// whatever order they come. Names hold for one connection of an agent only; the
// next one may use them again, and is never given one that is not its own.
//
// A line becomes final once, and TakeFinal() hands it out once: a caller's when
// his turn is over, an agent's when it was heard or cut, and either has its
// text or has waited kTextWait for it; a tool call when it is answered. What of
// the agent was never sent to the leg is no line (`counters().unheard`).
//
// Lines stand in the order in which they began to be heard, which is not that
// in which they become final.
//
// Inputs that name a line which is not there, or that come after it is over,
// change nothing. Times are the call's: `now` less `call_began`, which goes on
// over its sessions. Pure; allocates per line and per text, nothing per frame.
class Transcript {
 public:
  // Lines that are kept, and the text of all together. Above either the oldest
  // that was handed out is dropped and counted; if there is none, the oldest
  // becomes final as it is. Some 9,000 words: an hour of talk.
  static constexpr size_t kMaxLines = 200;
  static constexpr size_t kMaxTextBytes = size_t{64} * 1024;
  // Lines that are final and were not taken; their text has the same bound as
  // that of the others. Above, the oldest is dropped and counted: whoever takes
  // them after each input never comes near.
  static constexpr size_t kMaxUntaken = kMaxLines;
  // Of one text: what is said, a tool's arguments, its result. The rest is left
  // out and counted. The longest reply that can wait to be heard, 240 s at 15
  // characters a second, has 3,600.
  static constexpr size_t kMaxLineBytes = size_t{8} * 1024;
  // Of an item's or a tool's name, or a tool call's id, which have up to 64;
  // names that agree so far are one.
  static constexpr size_t kMaxNameBytes = 128;
  // After a turn was over, or a reply was heard or cut, its text may come for
  // so long. Transcriptions take about a second, up to ten when a provider is
  // overloaded.
  static constexpr Duration kTextWait = Duration::Millis(15'000);
  // Names on this connection of what is no line any more: a turn that was taken
  // back, a reply that was cut before it was heard. Texts that still come of
  // them are ignored. Above, the oldest is forgotten.
  static constexpr size_t kMaxGone = 16;
  // The provider commits a turn at most so long after it ended here: a round
  // trip, and its own silence of 500 ms.
  static constexpr Duration kCommitWait = Duration::Millis(2'000);
  // No JSON of it is longer: every byte of text as an escape of six.
  static constexpr size_t kMaxJsonBytes =
      size_t{12} * kMaxTextBytes + (kMaxLines + kMaxUntaken) * 3072 +
      kMaxGone * (6 * kMaxNameBytes + 64) + 4096;

  // No time of a call is later, ms.
  static constexpr int64_t kLongestMs = int64_t{1} << 50;

  enum class Kind : uint8_t { kCaller, kAgent, kTool };
  // Of what a caller or an agent said.
  enum class TextState : uint8_t {
    kAwaited,  // not final
    kFinal,    // the provider's last word
    kPartial,  // its beginning: the last word never came
    kFailed,   // the provider could not transcribe it
    kMissing,  // nothing came, or the agent gives no texts
  };
  enum class ToolState : uint8_t {
    kOpen,
    kAnswered,
    kFailed,      // with a result that says why, such as a time-out
    kUnanswered,  // the call was over first
  };
  // Why the agent speaks. What is said by command answers no turn.
  enum class Origin : uint8_t { kReply, kSay };
  // Whether an agent sends texts of what is said.
  enum class Texts : uint8_t { kNone, kSent };

  // A line that is final. Members that its kind has no use for are empty.
  struct FinalLine {
    LineId line{};
    Kind kind = Kind::kCaller;
    Origin origin = Origin::kReply;
    std::string item;
    int32_t part = 0;
    // All that was said, and what was heard of it: a beginning of it, or all.
    std::string said;
    std::string heard;
    // The agent was not heard to its end.
    bool cut = false;
    TextState text = TextState::kAwaited;
    // The caller's speech; from the agent's first audio heard (or sent, if that
    // is not known) to its last; from a tool's call to its result. Call time.
    int64_t start_ms = 0;
    int64_t end_ms = 0;
    // The caller's turn was over: later than its speech by the silence that
    // ends a turn.
    std::optional<int64_t> over_ms;
    // The agent's first audio was sent to the leg.
    std::optional<int64_t> sent_ms;
    // Of the first line after a caller's turn: from when that was over to the
    // agent's first audio sent, and heard.
    std::optional<int64_t> latency_sent_ms;
    std::optional<int64_t> latency_heard_ms;
    std::string call_id;
    std::string name;
    std::string arguments;
    std::string result;
    ToolState tool = ToolState::kOpen;
  };

  // What a fresh connection or the next agent is told of a line. Views are
  // valid until the next input.
  struct Told {
    LineId line{};
    Kind kind = Kind::kCaller;
    // What the caller said, or what was heard of the agent; not empty.
    std::string_view text;
    bool cut = false;
    // Of a tool call; open ones have no result.
    std::string_view call_id;
    std::string_view name;
    std::string_view arguments;
    std::string_view result;
    ToolState tool = ToolState::kOpen;
  };

  struct Counters {
    uint64_t dropped = 0;       // lines, to stay within a bound
    uint64_t untaken = 0;       // lines that were final and never taken
    uint64_t unheard = 0;       // what the agent made and nobody heard any of
    uint64_t shortened = 0;     // texts that were too long
    uint64_t late_texts = 0;    // that came when their line was final
    uint64_t missed_texts = 0;  // that did not come in time
    bool operator==(const Counters&) const = default;
  };

  // Without a connection, all texts are awaited.
  explicit Transcript(Instant call_began) : call_began_(call_began) {}

  // An agent has a fresh connection: what the former has not said of its items
  // it will not say any more. A turn that the caller is in, or that was not
  // committed, goes on with the new one; a reply that is heard is heard on.
  void OnAgentConnected(Texts of_caller, Texts of_agent, Instant now);

  // The caller speaks, since `start_ms`. The line of a turn that is not over is
  // the same.
  LineId OnCallerTurnBegan(int64_t start_ms);
  // The turn is over; its speech ended at `end_ms`.
  void OnCallerTurnEnded(LineId id, int64_t end_ms, Instant now);
  // It was none (a cough), or was taken back: there is no line of it.
  void OnCallerTurnDropped(LineId id);
  // The provider took a turn into the conversation under this name: the newest
  // one without a name that ended within kCommitWait, else the one that the
  // caller is in, else one that was not noticed here, which gets a line of its
  // own. Returns its line.
  LineId OnCallerItem(ItemName name, Instant now);
  // The same, for who knows which turn was meant.
  void BindCallerItem(LineId id, ItemName name);

  // `text` is the addition for kPart, the whole for kFinal. A name that was
  // never announced gets a line of its own, or, if it is the caller's, the only
  // turn that has none. Returns the line.
  LineId OnText(protocol::Role role, ItemName name, std::string_view text,
                protocol::TranscriptState state, Instant now);
  void OnTextFailed(protocol::Role role, ItemName name, Instant now);

  // The line of an item of the agent, made when it is not known or has no name;
  // 0 if it was cut before it was heard.
  LineId OnAgentItem(ItemName name, Origin origin);
  // The same for words that are known: those of a say, where the agent sends no
  // text of it.
  LineId OnSay(ItemName name, std::string_view text);
  // So much of its audio was received in all.
  void OnAgentAudio(LineId id, int64_t received_ms);
  // No more audio comes of it.
  void OnAgentDone(LineId id);
  // Its audio is sent to the leg; the first time counts.
  void OnAgentSent(LineId id, Instant now);
  // Its first audio is heard at `at`; the first time counts.
  void OnAgentHeardFrom(LineId id, Instant at);
  // So much of it is heard by now. Due before Conversation() and ToJson(), and
  // when an interruption stops it or it goes on.
  void OnAgentProgress(LineId id, int64_t heard_ms, Instant now);
  // It was heard to its end.
  void OnAgentHeard(LineId id, Instant now);
  // No more of it will be heard than the first `heard_ms` of the `received_ms`
  // that came. Heard to the end of all that came and done, it is not cut.
  void OnAgentCut(LineId id, int64_t heard_ms, int64_t received_ms,
                  std::span<const Pause> pauses, Instant now);

  // An id that is open already is the same call.
  LineId OnToolCall(std::string_view call_id, std::string_view name,
                    std::string_view arguments, Instant now);
  // `state` is kAnswered or kFailed. False if no such call is open: it was
  // answered before, or never made. Ids hold across connections.
  bool OnToolResult(std::string_view call_id, std::string_view result,
                    ToolState state, Instant now);

  // The result of a call that was answered for without it: who is told the
  // conversation from now on is told this one. The line is final as it was.
  void OnLateToolResult(std::string_view call_id, std::string_view result);

  // Lines up to this number have been told before.
  void SkipLines(uint32_t last) { last_line_ = std::max(last_line_, last); }

  // After FromJson(), when the session that wrote it is gone, alive last at
  // `alive_until_ms` as far as is known. What was played then counts as heard
  // until then, at most what had been received of it; what was not sent is
  // forgotten. Texts that were awaited will not come. Tool calls stay open.
  void OnSessionLost(int64_t alive_until_ms, Instant now);
  // The call is over: all lines become final as they are. Nothing changes
  // after.
  void Finish(Instant now);

  // When OnDeadline() has something to do; Instant::Never() when nothing waits.
  // Late, early and double calls are harmless.
  Instant deadline() const;
  void OnDeadline(Instant now);

  // The next line that became final, in the order in which they did.
  std::optional<FinalLine> TakeFinal();

  // All lines that are kept, in order: what was heard, not what was said, and
  // of a reply that goes on what was heard so far.
  std::vector<Told> Conversation() const;

  // All there is, at most kMaxJsonBytes as text. FromJson: nullopt if `json` is
  // not what ToJson() makes.
  Json ToJson() const;
  static std::optional<Transcript> FromJson(const Json& json,
                                            Instant call_began);

  // The line of a name on this connection; 0 if there is none.
  LineId line_of(protocol::Role role, ItemName name) const;
  // The name by which this connection knows a line. Empty if it does not: no
  // command may name it. Valid until the next input.
  ItemName name_of(LineId id) const;
  const Counters& counters() const { return counters_; }
  bool IsConsistent() const;

 private:
  enum class Phase : uint8_t {
    kUnsent,    // an agent's, not begun to be heard
    kSpeaking,  // the caller speaks, the agent is heard, a tool call is open
    kOver,      // its text is awaited
    kFinal,     // and not taken
    kTaken,
  };
  static constexpr int64_t kNone = -1;

  struct Line {
    LineId id{};
    Kind kind = Kind::kCaller;
    Phase phase = Phase::kSpeaking;
    Origin origin = Origin::kReply;
    TextState text = TextState::kAwaited;
    ToolState tool = ToolState::kOpen;
    bool shortened = false;
    bool done = false;
    bool cut = false;
    // The connection that knows it by its name.
    uint32_t connection = 0;
    int32_t part = 0;
    // Or a tool call's id.
    std::string item;
    // A beginning of `said` was heard when the line is final.
    std::string said;
    size_t heard_bytes = 0;
    std::string name;
    std::string arguments;
    std::string result;
    int64_t start_ms = 0;
    int64_t end_ms = 0;
    int64_t over_ms = kNone;
    int64_t sent_ms = kNone;
    int64_t heard_from_ms = kNone;
    // When the turn was over that it answers.
    int64_t asked_ms = kNone;
    int64_t text_due_ms = kNone;
    // Of its audio, and when that was so.
    int64_t heard_ms = 0;
    int64_t heard_at_ms = 0;
    int64_t received_ms = 0;
    // From a cut until its text is known.
    std::vector<Pause> pauses;
  };

  struct Gone {
    Kind kind = Kind::kCaller;
    int32_t part = 0;
    std::string item;
  };

  static bool IsOpen(const Line& line) { return line.phase < Phase::kFinal; }
  static size_t BytesOf(const Line& line);
  static size_t HeardBytesOf(const Line& line);
  static Json JsonOf(const Line& line);
  static std::optional<Line> ReadLine(const Json& json);
  static bool IsLineConsistent(const Line& line);

  int64_t AtMs(Instant now) const;
  // Takes the time of an input; returns the latest.
  int64_t SetNow(Instant now);
  Line* Find(LineId id);
  const Line* Find(LineId id) const;
  // A line of this kind that is not final; nullptr if it is none.
  Line* FindOpen(LineId id, Kind kind);
  Line* FindNamed(Kind kind, ItemName name);
  const Line* FindNamed(Kind kind, ItemName name) const;
  Line* FindOpenTool(std::string_view call_id);
  Line& Add(Kind kind, Phase phase, int64_t start_ms);
  Line& AddUnnoticedTurn(ItemName name, TextState text);
  // The line that a text of this name is for; nullptr if it is for none.
  Line* FindForText(protocol::Role role, ItemName name,
                    protocol::TranscriptState state);
  void SetName(Line& line, ItemName name) const;
  void AddText(Line& line, std::string& to, std::string_view text);
  // What was said of it is over: it is final, or waits for its text.
  void EndSpeech(Line& line);
  void GiveUpText(Line& line);
  void MakeFinal(Line& line);
  void CutAt(Line& line, int64_t heard_ms, int64_t now_ms);
  // Ends an open line by what is known of it.
  void Conclude(LineId id, int64_t now_ms);
  void Erase(LineId id);
  bool IsGone(Kind kind, ItemName name) const;
  std::vector<LineId> OpenLines() const;
  void DropTaken();
  void KeepBounds();

  Instant call_began_;
  // The latest time of an input.
  int64_t now_ms_ = 0;
  bool finished_ = false;
  uint32_t last_line_ = 0;
  uint32_t connection_ = 0;
  Texts of_caller_ = Texts::kSent;
  Texts of_agent_ = Texts::kSent;
  // When a turn was over that no reply has answered.
  int64_t asked_ms_ = kNone;
  // By their numbers.
  std::vector<Line> lines_;
  // The lines that are final and not taken, in the order of TakeFinal().
  std::vector<LineId> untaken_;
  std::vector<Gone> gone_;
  Counters counters_;
};

}  // namespace trunkline::session
