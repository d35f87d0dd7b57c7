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
#include "session/line_book.h"
#include "session/told_line.h"
#include "session/transcript_line.h"

namespace trunkline::session {

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
  // As of LineBook and TranscriptLine. What is dropped or left out for a bound
  // is counted.
  static constexpr size_t kMaxLines = LineBook::kMaxLines;
  static constexpr size_t kMaxTextBytes = LineBook::kMaxTextBytes;
  static constexpr size_t kMaxUntaken = LineBook::kMaxUntaken;
  static constexpr size_t kMaxGone = LineBook::kMaxGone;
  static constexpr size_t kMaxLineBytes = TranscriptLine::kMaxTextBytes;
  static constexpr size_t kMaxNameBytes = TranscriptLine::kMaxNameBytes;
  static constexpr int64_t kLongestMs = TranscriptLine::kLongestMs;
  // After a turn was over, or a reply was heard or cut, its text may come for
  // so long. Transcriptions take about a second, up to ten when a provider is
  // overloaded.
  static constexpr Duration kTextWait = Duration::Millis(15'000);
  // The provider commits a turn at most so long after it ended here: a round
  // trip, and its own silence of 500 ms.
  static constexpr Duration kCommitWait = Duration::Millis(2'000);
  // So much of an agent's audio is taken for a word where no words are known.
  static constexpr Duration kFirstWord = Duration::Millis(300);
  // No JSON of it is longer: every byte of text as an escape of six.
  static constexpr size_t kMaxJsonBytes =
      size_t{12} * kMaxTextBytes + (kMaxLines + kMaxUntaken) * 3072 +
      kMaxGone * (6 * kMaxNameBytes + 64) + 4096;

  using Kind = TranscriptLine::Kind;
  using Origin = TranscriptLine::Origin;
  using TextState = TranscriptLine::TextState;
  using ToolState = TranscriptLine::ToolState;
  // Whether an agent sends texts of what is said.
  enum class Texts : uint8_t { kNone, kSent };

  using FinalLine = session::FinalLine;
  using Told = ToldLine;

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
  // `again`: a turn that is over, which the new one hears once more.
  void OnAgentConnected(Texts of_caller, Texts of_agent, Instant now,
                        LineId again = {});

  // The caller speaks, since `start_ms`. The line of a turn that is not over is
  // the same.
  LineId OnCallerTurnBegan(int64_t start_ms);
  // As far as is known it was spoken from `start_ms` to `end_ms`, the same
  // where he speaks on. A turn that nobody says is over ends there with the
  // call, or with the session that is lost.
  void OnCallerSpoke(LineId id, int64_t start_ms, int64_t end_ms);
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
  // What the provider took under this name was no turn, and is taken back: its
  // words are nobody's. A turn that the caller is in and that had them has none
  // yet, and no name.
  void OnCallerItemGone(ItemName name);

  // The caller entered something on the keypad, which `text` says: a turn of
  // its own, whatever else he is in. `told` is what agents are told of it as
  // long as this object lives; no JSON has it.
  void OnDigits(std::string_view text, std::string_view told, Instant now);

  // `text` is the addition for kPart, the whole for kFinal. A name that was
  // never announced gets a line of its own, or, if it is the caller's, the only
  // turn that has none. Returns the line.
  LineId OnText(protocol::Role role, ItemName name, std::string_view text,
                protocol::TranscriptState state, Instant now);
  void OnTextFailed(protocol::Role role, ItemName name, Instant now);
  // When words of an item of the agent's are said. The item's text is that of
  // its parts.
  void OnAgentWords(ItemName name, std::span<const protocol::SpokenWord> words);

  // Sound of an item of the agent begins to come: returns its line, which its
  // words may have begun. A name that had sound before is used again, for
  // another line; texts of that name are the newer one's.
  LineId OnAgentItem(ItemName name, Origin origin);
  // The same for one that was asked to say `text`, which stands for its words
  // while none of them have come.
  LineId OnSay(ItemName name, std::string_view text);
  // It was neither a reply nor a text that was asked for.
  void OnNotAsked(LineId id);
  // So much of its audio was received in all; there is more to come of it.
  void OnAgentAudio(LineId id, int64_t received_ms);
  // All of its audio has come.
  void OnAgentDone(LineId id);
  // So much more of its audio was made in all, and dropped: the words that come
  // are of that as well, and it is cut.
  void OnAgentDropped(ItemName name, int64_t dropped_ms);
  // So much of its audio found no room: the words that come are of that as
  // well, and it is cut.
  void OnAgentRefused(LineId id, int64_t refused_ms);
  // Its audio is sent to the leg; the first time counts, and the first after it
  // was taken for heard: it goes on then, unless it is final.
  void OnAgentSent(LineId id, Instant now);
  // Its first audio is heard at `at`; the first time counts.
  void OnAgentHeardFrom(LineId id, Instant at);
  // So much of it is heard, the last of that at `at`. Due before Conversation()
  // and ToJson(), and when an interruption stops it or it goes on.
  void OnAgentProgress(LineId id, int64_t heard_ms, Instant at);
  // All that came of it was heard: it is cut unless it was done.
  void OnAgentHeard(LineId id, Instant now);
  // No more of it will be heard than the first `heard_ms` of the `received_ms`
  // that came. It is cut unless that is all, and it was done. False if that is
  // not a word, or, where the words are not known, not kFirstWord.
  bool OnAgentCut(LineId id, int64_t heard_ms, int64_t received_ms,
                  std::span<const Pause> pauses, Instant now);

  // An id that is open already is the same call.
  LineId OnToolCall(std::string_view call_id, std::string_view name,
                    std::string_view arguments, Instant now);
  // `state` is kAnswered or kFailed. False if no such call is open: it was
  // answered before, or never made. Ids hold across connections.
  bool OnToolResult(std::string_view call_id, std::string_view result,
                    ToolState state, Instant now,
                    const protocol::ToolRequestFacts& facts = {});

  // The result of a call that was answered for without it: who is told the
  // conversation from now on is told this one. The line is final as it was.
  void OnLateToolResult(std::string_view call_id, std::string_view result);

  // Lines up to this number have been told before.
  void SkipLines(uint32_t last) { book_.Skip(last); }

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
  // One of them; nullopt if nothing of it was heard, or it is not kept.
  std::optional<Told> ToldOf(LineId id) const;
  // The agent's lines that sound has come of and that may yet be heard, or more
  // of them.
  std::vector<LineId> BeingHeard() const;

  // All there is, at most kMaxJsonBytes as text. FromJson: nullopt if `json` is
  // not what ToJson() makes.
  Json ToJson() const;
  static std::optional<Transcript> FromJson(const Json& json,
                                            Instant call_began);

  // A call that is open, as it was made. Valid until the next input.
  struct OpenTool {
    std::string_view arguments;
    // There was more of them.
    bool shortened = false;
    int64_t start_ms = 0;
  };
  std::optional<OpenTool> open_tool(std::string_view call_id) const;
  // Whether all that was said of it is known as a text.
  bool HasWholeText(LineId id) const;
  // Whether more may come to be known of a line.
  bool IsOpen(LineId id) const;
  // It is known to be heard to its end.
  bool WasHeardWhole(LineId id) const;
  // The line of a name on this connection; 0 if there is none.
  LineId line_of(protocol::Role role, ItemName name) const;
  // The name by which this connection knows a line. Empty if it does not: no
  // command may name it. Valid until the next input.
  ItemName name_of(LineId id) const;
  const Counters& counters() const { return counters_; }
  bool IsConsistent() const;

 private:
  using Line = TranscriptLine;
  using Phase = TranscriptLine::Phase;
  static constexpr int64_t kNone = TranscriptLine::kNone;

  static int64_t Bounded(int64_t ms);
  int64_t AtMs(Instant now) const;
  // Takes the time of an input; returns the latest.
  int64_t SetNow(Instant now);
  // A line of this kind that is not final; nullptr if it is none.
  Line* FindOpen(LineId id, Kind kind);
  Line& Add(Kind kind, Phase phase, int64_t start_ms);
  Line& AddUnnoticedTurn(ItemName name, TextState text);
  // The line that a text of this name is for; nullptr if it is for none.
  Line* FindForText(protocol::Role role, ItemName name,
                    protocol::TranscriptState state);
  void AddText(Line& line, std::string& to, std::string_view text);
  // What was said of it is over: it is final, or waits for its text.
  void EndSpeech(Line& line);
  void GiveUpText(Line& line);
  void MakeFinal(Line& line);
  // Ends an open line by what is known of it.
  void Conclude(LineId id, int64_t now_ms);
  std::vector<LineId> OpenLines() const;
  void KeepBounds();

  Instant call_began_;
  // The latest time of an input.
  int64_t now_ms_ = 0;
  bool finished_ = false;
  Texts of_caller_ = Texts::kSent;
  Texts of_agent_ = Texts::kSent;
  // When a turn was over that no reply has answered.
  int64_t asked_ms_ = kNone;
  LineBook book_;
  Counters counters_;
};

}  // namespace trunkline::session
