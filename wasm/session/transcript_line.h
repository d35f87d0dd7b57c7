#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "protocol/dialogue.h"
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

// One turn of the caller, one utterance of the agent, or one tool call with its
// result, and how far it is. Times are the call's, ms; kNone where that has not
// happened. What makes of a line what, is the Transcript's to say.
struct TranscriptLine {
  // Of one text: what is said, a tool's arguments, its result. The rest is left
  // out and counted. The longest reply that can wait to be heard, 240 s at 15
  // characters a second, has 3,600.
  static constexpr size_t kMaxTextBytes = size_t{8} * 1024;
  // Of an item's or a tool's name, or a tool call's id, which have up to 64;
  // names that agree so far are one.
  static constexpr size_t kMaxNameBytes = 128;
  // Where not all of its audio has come, nobody knows how much of its text that
  // audio says. It says no more than at these times for a letter (LettersOf()):
  // of words that came with the audio 20 letters a second, faster than voices
  // are set to; of a text that it was asked to say, all of which stands there
  // from the beginning, 15, as they speak by themselves. Behind words whose
  // times are known it goes on as fast as those, within these bounds.
  static constexpr int64_t kLeastMsPerLetter = 50;
  static constexpr int64_t kUsualMsPerLetter = 66;
  static constexpr int64_t kMostMsPerLetter = 1'000;
  // What ToJson() has beside the texts, the words and the pauses, of times
  // within a day.
  static constexpr size_t kMostJsonBytes = 380;
  // No time of a call is later.
  static constexpr int64_t kLongestMs = int64_t{1} << 50;
  static constexpr int64_t kNone = -1;

  enum class Kind : uint8_t { kCaller, kAgent, kTool };
  enum class Phase : uint8_t {
    kUnsent,    // an agent's, not begun to be heard
    kSpeaking,  // the caller speaks, the agent is heard, a tool call is open
    kOver,      // its text is awaited
    kFinal,     // and not taken
    kTaken,
  };
  // Why the agent speaks. What is said by command answers no turn.
  enum class Origin : uint8_t { kReply, kSay };
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

  bool is_open() const { return phase < Phase::kFinal; }
  // Of an agent's: only words have come of it so far.
  bool awaits_sound() const {
    return phase == Phase::kUnsent && received_ms == 0;
  }
  // What it has of the bound of all texts together.
  size_t bytes() const;
  // What of `said` was heard; so far, of an agent's that is heard. Once the
  // line is final, `heard_bytes` has it.
  size_t HeardSoFar() const;
  // Adds as much of `text` as there is room for, well-formed. False if that is
  // not all, the first time: `shortened` is set, and nothing more is added.
  bool Append(std::string& to, std::string_view text);
  // `said` is empty again, and nobody knows its words.
  void ForgetWords();
  // Of its voice. Those that are not behind the ones before are left out.
  void AddWords(std::span<const protocol::SpokenWord> more);
  // Of an agent's: the first `ms` of its audio, all that came, or no more than
  // the first `ms` was heard, and that by `now_ms`. Its end is when the last of
  // that was; it is cut unless that was all, and it is done.
  void HeardUntil(int64_t ms, int64_t now_ms);
  void HeardAll(int64_t now_ms);
  void CutAt(int64_t ms, int64_t now_ms);
  bool IsConsistent() const;

  Json ToJson() const;
  // nullopt if `json` is not what ToJson() makes.
  static std::optional<TranscriptLine> FromJson(const Json& json);

  LineId id{};
  Kind kind = Kind::kCaller;
  Phase phase = Phase::kSpeaking;
  Origin origin = Origin::kReply;
  TextState text = TextState::kAwaited;
  ToolState tool = ToolState::kOpen;
  // A text was longer than its bound.
  bool shortened = false;
  // `said` is what it was asked to say: none of its own words have come.
  bool expected = false;
  // All of its audio has come.
  bool done = false;
  // Not all of it was heard: it was stopped, or its audio never came to an end.
  bool cut = false;
  // The connection that knows it by its name.
  uint32_t connection = 0;
  int32_t part = 0;
  // The provider's name, or a tool call's id.
  std::string item;
  // A beginning of `said` was heard when the line is final.
  std::string said;
  size_t heard_bytes = 0;
  // Where words of `said` end in it, ascending, and when in the audio: of a
  // voice that tells, until the line is final.
  std::vector<protocol::SpokenWord> words;
  // What agents are told in place of `said`, unless empty; no JSON has it.
  std::string told;
  // Of a tool.
  std::string name;
  std::string arguments;
  std::string result;
  protocol::ToolRequestFacts facts;
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
  // Of its audio, what was dropped behind that, and its words are of.
  int64_t dropped_ms = 0;
  // From a cut until its text is known.
  std::vector<Pause> pauses;

 private:
  // When in its audio all of `said` is said, behind `from`, the last word of
  // which is known when it was.
  int64_t SaidByMs(const protocol::SpokenWord& from) const;
};

}  // namespace trunkline::session
