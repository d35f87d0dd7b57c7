#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "protocol/agents/agent.h"

namespace trunkline::session {

// Texts that are to be said to the caller by command, one after the other.
// Each is owed until it was heard to its end, or the caller has interrupted it
// after its first word, or it is given up: audio that is only here may be
// dropped by an interruption, and what plays may end with a socket or with the
// object.
class OwedTexts {
 public:
  // Texts at a time, and how long each may be. Overflow: the command is
  // refused.
  static constexpr size_t kMaxTexts = 8;
  static constexpr size_t kMaxBytes = 4'000;
  // Times that one is asked for before it is given up.
  static constexpr int kMaxTries = 3;

  bool has_room() const { return texts_.size() < kMaxTexts; }
  // Precondition: has_room().
  void Owe(std::string_view text);
  void Clear() { texts_.clear(); }
  // What a former session owed, as ToJson() has it: each a text, or, where all
  // of it is here, {"text","line"} with the line of its last item. Anything
  // else is left out, and so is what was heard to its end.
  template <class WasHeard>
  void Restore(const Json& texts, WasHeard was_heard) {
    if (!texts.is_array()) return;
    for (const Json& one : texts) {
      const Json* text = one.is_object() ? FindMember(one, "text") : &one;
      if (text == nullptr || !text->is_string() || !has_room()) continue;
      const auto line = one.is_object() ? IntegerMember(one, "line")
                                        : std::optional<int64_t>();
      if (line && was_heard(*line)) continue;
      Owe(text->get_ref<const std::string&>());
    }
  }
  template <class LineOf>
  Json ToJson(LineOf line_of) const {
    Json texts = Json::array();
    for (const Text& one : texts_) {
      if (one.state == State::kHere) {
        const int64_t line = line_of(one.items.back());
        texts.push_back({{"text", one.text}, {"line", line}});
      } else {
        texts.push_back(one.text);
      }
    }
    return texts;
  }

  bool empty() const { return texts_.empty(); }
  // There is one that is to be asked for, or was, and none of it is here.
  bool any_to_come() const;
  // There is one to be asked for, and none before it that is asked for, made,
  // or broken off.
  bool IsDue() const;
  // Asks for the one that is due. Valid until the next call. Precondition:
  // IsDue().
  std::string_view Ask();
  // One is asked for, and none of its audio is here; which, "" if none.
  bool awaited() const { return Has(State::kAsked); }
  std::string_view asked() const;
  // It comes at a wrong time: it is owed as if it had not been asked for.
  void TakeBack();
  // More of one may come.
  bool is_made() const { return Has(State::kMade); }
  // The audio of the item is that of a text.
  bool IsOf(protocol::ItemId item) const;

  // Audio came that was asked for.
  void OnAudio(protocol::ItemId item);
  // What came since one was asked for is not that.
  void OnPutOff();
  // No more comes of what was asked for. kHopeless: nor would it, if it were
  // asked for again.
  enum class Done : uint8_t { kWhole, kBroken, kHopeless };
  void OnDone(Done done);
  // Neither comes what was asked for.
  void OnCancelled();
  // All that is here was heard.
  void OnHeard();
  // What is here of texts is not heard any further, and no word of these items
  // was. Who interrupts one after its first word wants no more of it; the end
  // of the call is no answer to one that broke off.
  enum class By : uint8_t { kCaller, kEnd };
  void OnDropped(std::span<const protocol::ItemId> unheard, By by);

  // Takes one off that was asked for too often in vain, or any.
  std::optional<std::string> TakeHopeless();
  std::optional<std::string> TakeAny();

 private:
  enum class State : uint8_t {
    kOwed,
    kAsked,
    kMade,    // its audio comes
    kHere,    // all of it has come
    kBroken,  // no more of it comes, and that was not all
  };
  struct Text {
    std::string text;
    State state = State::kOwed;
    int tries = 0;
    std::vector<protocol::ItemId> items = {};
  };

  bool Has(State state) const;
  // The index of the one that IsDue() means, or their number for none.
  size_t Due() const;
  static void OweAgain(Text& text);

  std::vector<Text> texts_;
};

}  // namespace trunkline::session
