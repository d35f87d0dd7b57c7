#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "session/transcript_line.h"

namespace trunkline::session {

// The lines of a transcript: kept in the order of their numbers, found by
// number, by a provider's name or by a tool call's id, handed out once when
// they are final, and dropped where they are too many. Knows nothing of how a
// line becomes what it is.
//
// Names hold for one connection of an agent: the next one may use them again.
// A line that is found or added is valid until one is added or dropped.
class LineBook {
 public:
  using Line = TranscriptLine;
  using Kind = Line::Kind;
  using Phase = Line::Phase;

  // Lines that are kept, and the text of all together. Above either the oldest
  // that was handed out is dropped; if there is none, the oldest is to be made
  // final as it is. Some 9,000 words: an hour of talk.
  static constexpr size_t kMaxLines = 200;
  static constexpr size_t kMaxTextBytes = size_t{64} * 1024;
  // Lines that are final and were not taken; their text has the same bound as
  // that of the others. Above, the oldest is dropped: whoever takes them after
  // each input never comes near.
  static constexpr size_t kMaxUntaken = kMaxLines;
  // Names on this connection of what is no line any more: a turn that was taken
  // back, a reply that was cut before it was heard. Above, the oldest is
  // forgotten.
  static constexpr size_t kMaxGone = 16;

  // A line of its own, with the next number, of this connection.
  Line& Add(Kind kind, Phase phase, int64_t start_ms);
  // This connection knows the line by this name.
  void SetName(Line& line, ItemName name) const;
  // A name as it is kept: well-formed, and not longer than its bound.
  static std::string AsKept(std::string_view name);
  // There is no line of it; its name on this connection is remembered as gone.
  void Erase(LineId id);
  // There is none of this name on this connection, and will be none.
  void SetGone(Kind kind, ItemName name);
  // The line is final: it waits to be taken.
  void MakeFinal(Line& line);
  // The next that became final, in the order in which they did.
  Line* TakeFinal();
  // Names are another connection's from here on.
  void Connect();
  // Lines up to this number have been told before.
  void Skip(uint32_t last) { last_line_ = std::max(last_line_, last); }

  // Drop what is beyond the bounds; return how many lines. What is left beyond
  // them after DropTaken() is open, the oldest of it first.
  size_t DropTaken();
  Line* OldestBeyondBounds();
  size_t DropUntaken();

  // nullptr if there is none.
  Line* Find(LineId id);
  const Line* Find(LineId id) const;
  // On this connection; of two with the same name, the newer.
  Line* FindNamed(Kind kind, ItemName name);
  const Line* FindNamed(Kind kind, ItemName name) const;
  // The newest call of this id, on any connection.
  enum class Call : uint8_t { kOpen, kOver };
  Line* FindTool(std::string_view call_id, Call call);
  const Line* FindTool(std::string_view call_id, Call call) const;
  bool IsGone(Kind kind, ItemName name) const;

  std::span<Line> lines() { return lines_; }
  std::span<const Line> lines() const { return lines_; }
  uint32_t connection() const { return connection_; }
  bool IsConsistent() const;

  // Adds its members to `json`, and takes them back. False if they are not
  // what AddTo() makes: the book is of no use then.
  void AddTo(Json& json) const;
  bool Read(const Json& json);

 private:
  // Of the lines that are not waiting to be taken.
  struct Load {
    size_t count = 0;
    size_t bytes = 0;
    bool is_beyond() const {
      return count > kMaxLines || bytes > kMaxTextBytes;
    }
  };
  struct Gone {
    Kind kind = Kind::kCaller;
    int32_t part = 0;
    std::string item;
  };

  Load load() const;

  uint32_t last_line_ = 0;
  uint32_t connection_ = 0;
  // By their numbers.
  std::vector<Line> lines_;
  // The lines that are final and not taken, in the order of TakeFinal().
  std::vector<LineId> untaken_;
  std::vector<Gone> gone_;
};

}  // namespace trunkline::session
