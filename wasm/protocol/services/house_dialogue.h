#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "protocol/services/word_pattern.h"

namespace trunkline::protocol {

// What HouseRules says to what, as data. As JSON:
//
//   {
//     "name":     "the house"               who it is, {name} in texts
//     "greeting": [TEXT...]                 the first reply; one of them
//     "rules":    [RULE...]                 the first one that hears its
//     pattern "forms":    [FORM...] "yes", "no": [PATTERN...] "fallback":
//     [TEXT...]                 no rule hears anything "again":    [TEXT...]
//     the same, before a form's question "silence":  [TEXT...] the caller has
//     said nothing "waits":    [TEXT...]                 a tool has not
//     answered yet "spells":   [WORD...]                 what {word} may be,
//     and "expects":  [SENTENCE...]             what else callers say: these
//     two
//   }                                       only for a recogniser
//   RULE = {
//     "hears": [PATTERN...]                 word_pattern.h
//     "says":  [TEXT...]
//     "else":  [TEXT...]                    a place in `says` cannot be filled
//     "goes":  "form"                       what was caught is its first text
//     "tool":  TOOL                         not with `goes`
//     "ends":  true                         the call, by the tool end_call
//   }
//   FORM = {
//     "name": "booking", "slots": [SLOT...]
//     "confirms": [TEXT...]                 asked before the tool is called
//     "changes":  [TEXT...]                 what shall be different?
//     "cancels":  [PATTERN...], "cancelled": [TEXT...]
//     "tool": TOOL                          its arguments are the slots
//   }
//   SLOT = {
//     "name": "people", "kind": "count"|"day"|"time"|"text"|"yesNo"
//     "asks":  [TEXT...]
//     "wrong": [TEXT...]                    out of the range
//     "min", "max": 1, 20                   of a count
//     "units": ["people"]                   behind a count
//     "from":  "11:00"                      a time of 12 hours is the first
//   }                                       from here on
//   TOOL = {
//     "name": "book_table", "arguments": {} a rule's, as they are
//     "says": [TEXT...]                     while it works
//     "done", "failed": [TEXT...]           it has answered, or with an "error"
//   }
//
// A TEXT is printable ASCII, since it is spoken, with places that are filled:
// {name}, {now}, {today}, {callLength}, {last}, {spelled}, {counted}, and in a
// form its slots. All lists are of one or more, but what nothing needs may be
// left out: rules, forms, else, again, silence, waits, spells, expects, wrong,
// units, tools, confirms, changes, cancels, cancelled.
struct HouseDialogue {
  static constexpr size_t kMaxRules = 64;
  static constexpr size_t kMaxForms = 8;
  static constexpr size_t kMaxSlots = 8;
  // Patterns of a rule, texts of which one is said, units.
  static constexpr size_t kMaxList = 24;
  // Words to spell and sentences to expect.
  static constexpr size_t kMaxSentences = 500;
  static constexpr size_t kMaxTextBytes = 300;
  static constexpr size_t kMaxPatternBytes = 200;
  static constexpr size_t kMaxNameBytes = 64;

  using Texts = std::vector<std::string>;
  using Patterns = std::vector<WordPattern>;

  struct Tool {
    std::string name;
    Json arguments;
    Texts says;
    Texts done;
    Texts failed;
  };
  struct Rule {
    Patterns hears;
    Texts says;
    Texts otherwise;
    // Of `forms`.
    std::optional<size_t> goes;
    std::optional<Tool> tool;
    bool ends = false;
  };
  struct Slot {
    enum class Kind : uint8_t { kCount, kDay, kTime, kText, kYesNo };
    std::string name;
    Kind kind = Kind::kText;
    Texts asks;
    Texts wrong;
    int64_t min = 0;
    int64_t max = 9999;
    Texts units;
    // Minutes of the day.
    int from = 0;
  };
  struct Form {
    std::string name;
    std::vector<Slot> slots;
    Texts confirms;
    Texts changes;
    Patterns cancels;
    Texts cancelled;
    Tool tool;
  };

  std::string name;
  Texts greeting;
  std::vector<Rule> rules;
  std::vector<Form> forms;
  Patterns yes;
  Patterns no;
  Texts fallback;
  Texts again;
  Texts silence;
  Texts waits;
  Texts spells;
  Texts expects;
};

// Which field of a dialogue is wrong, and why: "rules[3].hears[0]", "is no
// pattern".
struct HouseDialogueFault {
  std::string field;
  std::string_view why;
};

// The first field that is wrong, if any is: also one that nobody knows.
std::variant<HouseDialogue, HouseDialogueFault> ParseHouseDialogue(
    const Json& json);

// The dialogue of the house: the front desk of a small restaurant. JSON.
std::string_view BuiltInHouseDialogue();

}  // namespace trunkline::protocol
