// What the dialogue's story so far is: what the conversation's lines say that
// was answered, heard, called and left open.

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "protocol/services/house_rules.h"
#include "protocol/services/house_text.h"

namespace trunkline::protocol {
namespace {

// Words that the time may be: "Wednesday, September twenty nine".
constexpr size_t kMaxClockWords = 8;

// What is said, word by word; "" for words that the time makes different.
std::vector<std::string> WordsToSay(std::string_view text) {
  std::vector<std::string> words;
  bool is_clock = false;
  while (true) {
    const size_t end = text.find(kClockMark);
    if (is_clock) {
      words.emplace_back();
    } else {
      for (TextWord& word :
           TextWordsOf(text.substr(0, end), 2 * HouseRules::kMaxWords)) {
        words.push_back(std::move(word.word));
      }
    }
    if (end == std::string_view::npos) return words;
    text.remove_prefix(end + 1);
    is_clock = !is_clock;
  }
}

enum class Heard : uint8_t { kNo, kPart, kAll };

// How much of `said` the words of an agent line are: it begins there, or has
// all of it and more around it. Word by word of `said`, with all places of the
// line at once where it may have come to.
Heard HowMuchHeard(std::string_view line, std::string_view reply) {
  const std::vector<TextWord> heard =
      TextWordsOf(line, 2 * HouseRules::kMaxWords);
  const std::vector<std::string> said = WordsToSay(reply);
  if (heard.empty() || said.empty()) return Heard::kPart;
  const size_t end = heard.size();
  // From the beginning of the line, and from anywhere.
  std::vector<bool> here(end + 1, false);
  here[0] = true;
  std::vector<bool> anywhere(end + 1, true);
  bool is_part = false;
  for (const std::string& word : said) {
    // The line ended between two words, or in the middle of one.
    is_part = is_part || here[end] ||
              (here[end - 1] && word.starts_with(heard[end - 1].word));
    for (std::vector<bool>* places : {&here, &anywhere}) {
      std::vector<bool> next(end + 1, false);
      for (size_t at = 0; at <= end; ++at) {
        if (!(*places)[at]) continue;
        if (word.empty()) {
          const size_t last = std::min(end, at + kMaxClockWords);
          for (size_t to = at; to <= last; ++to) next[to] = true;
        } else if (at < end && heard[at].word == word) {
          next[at + 1] = true;
        }
      }
      places->swap(next);
    }
  }
  const bool is_all =
      std::find(anywhere.begin(), anywhere.end(), true) != anywhere.end();
  if (is_all) return Heard::kAll;
  return is_part ? Heard::kPart : Heard::kNo;
}

}  // namespace

// Goes through a conversation, line by line.
class HouseRules::Story {
 public:
  explicit Story(const HouseRules& rules)
      : rules_(rules), reply_(rules.Greet()) {}

  void OnCaller(std::string_view text) {
    Settle();
    reply_ = rules_.Answer(state_, text);
    heard_ = Heard::kNo;
    others_ = false;
    called_ = false;
    waits_ = false;
    goes_on_ = false;
    line_ = Line::kCaller;
  }
  void OnAgent(std::string_view text) {
    if (!text.empty() && HowMuchHeard(text, untold_) != Heard::kNo) {
      untold_.clear();
    }
    const Heard heard = HowMuchHeard(text, reply_.text);
    heard_ = std::max(heard_, heard);
    if (heard == Heard::kNo) {
      others_ = true;
      other_text_ = text;
    }
    line_ = Line::kAgent;
  }
  void OnTool(const ConversationLine& tool) {
    line_ = Line::kTool;
    const bool is_ours =
        !called_ &&
        (reply_.tool != nullptr ? reply_.tool->name == tool.name
                                : reply_.ends && tool.name == kEndCallTool);
    if (!is_ours) {
      others_ = true;
      return;
    }
    called_ = true;
    waits_ = !tool.result;
    heard_ = Heard::kAll;
    goes_on_ = reply_.ends && tool.result && IsFailure(*tool.result);
    if (tool.result && reply_.tool != nullptr) {
      reply_ = rules_.TellResult(reply_, *tool.result);
      untold_ = reply_.text;
      heard_ = Heard::kPart;
    }
  }

  // What is to be said now.
  Reply Next() {
    Reply next = NextOfStory();
    // What became of a tool that answered when it was not its turn.
    if (!untold_.empty() && next.text != untold_) {
      std::string told = std::move(untold_);
      AddSentence(told, next.text);
      next.text = std::move(told);
    }
    return next;
  }

  void OnTurn() { has_turns_ = true; }

 private:
  enum class Line : uint8_t { kNone, kCaller, kAgent, kTool };

  Reply NextOfStory() {
    Reply next;
    if (line_ == Line::kCaller) return reply_;
    if (waits_) {
      next.text =
          rules_.Say(rules_.dialogue_.waits.empty() ? rules_.dialogue_.fallback
                                                    : rules_.dialogue_.waits,
                     {}, 0);
      return next;
    }
    // The end of the call has no more words, if it is one.
    if (called_ && reply_.ends && !goes_on_) return next;
    if (goes_on_) {
      Settle();
      return rules_.Nudge(state_);
    }
    if (line_ == Line::kTool && called_) return reply_;
    // It was interrupted, or never said, and the caller adds nothing.
    if (heard_ == Heard::kPart || (!has_turns_ && heard_ == Heard::kNo)) {
      return reply_;
    }
    Settle();
    return rules_.Nudge(state_);
  }

  // What the last reply leaves behind.
  void Settle() {
    const bool is_ours = heard_ != Heard::kNo || !others_;
    if (!is_ours) {
      state_ = {};
      state_.last = Spoken(other_text_);
      return;
    }
    const bool is_uncalled = reply_.tool != nullptr && !called_;
    State next =
        is_uncalled ? std::move(reply_.before) : std::move(reply_.after);
    const std::string& said = reply_.text.empty() ? state_.last : reply_.text;
    next.last = CutText(said, kMaxReplyBytes);
    // Its tool is at work; what comes of that is told when it is known.
    const bool is_forms =
        next.form != nullptr && reply_.tool == &next.form->tool;
    if (waits_ && is_forms) {
      next.form = nullptr;
      next.values.clear();
    }
    state_ = std::move(next);
  }

  const HouseRules& rules_;
  State state_;
  // To what the caller said last: before that, the greeting.
  Reply reply_;
  // How much of that was heard, and whether the agent said other things.
  Heard heard_ = Heard::kNo;
  bool others_ = false;
  std::string other_text_;
  // What became of a tool, until somebody has heard it.
  std::string untold_;
  // Its tool was called, and has no result.
  bool called_ = false;
  bool waits_ = false;
  // The call was to end, and does not.
  bool goes_on_ = false;
  bool has_turns_ = false;
  Line line_ = Line::kNone;
};

HouseRules::Reply HouseRules::NextOf(
    std::span<const ConversationLine> lines) const {
  size_t first = lines.size();
  for (size_t turns = 0; first > 0; --first) {
    if (lines[first - 1].kind != ConversationLine::Kind::kCaller) continue;
    if (++turns > kMaxTurns) break;
  }
  Story story(*this);
  for (const ConversationLine& line : lines.subspan(first)) {
    switch (line.kind) {
      case ConversationLine::Kind::kCaller:
        story.OnTurn();
        story.OnCaller(line.text);
        break;
      case ConversationLine::Kind::kAgent:
        story.OnAgent(line.text);
        break;
      case ConversationLine::Kind::kTool:
        story.OnTool(line);
        break;
    }
  }
  return story.Next();
}

}  // namespace trunkline::protocol
