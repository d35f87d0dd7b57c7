#include "protocol/services/house_dialogue.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "protocol/services/spoken_values.h"

namespace trunkline::protocol {
namespace {

using Texts = HouseDialogue::Texts;
using Patterns = HouseDialogue::Patterns;

constexpr std::string_view kPlaces[] = {
    "name", "now", "today", "callLength", "last", "spelled", "counted"};

enum class Need : uint8_t { kNeeded, kOptional };

bool IsSpeakable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~'; });
}

// Reads fields and remembers the first one that is wrong; what it returns then
// is of no use.
class DialogueReader {
 public:
  bool failed() const { return !fault_.field.empty(); }
  HouseDialogueFault fault() const { return fault_; }

  HouseDialogue Read(const Json& json) {
    HouseDialogue dialogue;
    Known(json, "",
          {"name", "greeting", "rules", "forms", "yes", "no", "fallback",
           "again", "silence", "waits", "spells", "expects"});
    dialogue.name = Name(json, "", "name");
    if (!IsSpeakable(dialogue.name)) Wrong("name", "is no ASCII");
    // Before the rules, which go there.
    List(json, "", "forms", HouseDialogue::kMaxForms, Need::kOptional,
         [&](const Json& form, const std::string& at) {
           dialogue.forms.push_back(ReadForm(form, at));
           const auto same = [&](const HouseDialogue::Form& other) {
             return other.name == dialogue.forms.back().name;
           };
           if (std::count_if(dialogue.forms.begin(), dialogue.forms.end(),
                             same) > 1) {
             Wrong(at + ".name", "is there twice");
           }
         });
    List(json, "", "rules", HouseDialogue::kMaxRules, Need::kOptional,
         [&](const Json& rule, const std::string& at) {
           dialogue.rules.push_back(ReadRule(rule, at, dialogue.forms));
         });
    dialogue.greeting = ReadTexts(json, "", "greeting", Need::kNeeded);
    dialogue.yes = ReadPatterns(json, "", "yes", Need::kNeeded);
    dialogue.no = ReadPatterns(json, "", "no", Need::kNeeded);
    dialogue.fallback = ReadTexts(json, "", "fallback", Need::kNeeded);
    dialogue.again = ReadTexts(json, "", "again", Need::kOptional);
    dialogue.silence = ReadTexts(json, "", "silence", Need::kOptional);
    dialogue.waits = ReadTexts(json, "", "waits", Need::kOptional);
    dialogue.spells =
        ReadSentences(json, "spells", HouseDialogue::kMaxSentences);
    dialogue.expects =
        ReadSentences(json, "expects", HouseDialogue::kMaxSentences);
    return dialogue;
  }

 private:
  void Wrong(std::string field, std::string_view why) {
    if (failed()) return;
    fault_ = {field.empty() ? "dialogue" : std::move(field), why};
  }
  static std::string Path(const std::string& at, const char* key) {
    return at.empty() ? key : at + '.' + key;
  }

  void Known(const Json& json, const std::string& at,
             std::initializer_list<std::string_view> keys) {
    if (!json.is_object()) {
      Wrong(at, "is no object");
      return;
    }
    for (const auto& member : json.items()) {
      const std::string& key = member.key();
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
        Wrong(Path(at, key.c_str()), "is not known");
      }
    }
  }

  std::string Name(const Json& json, const std::string& at, const char* key) {
    const std::string_view name = StringMember(json, key);
    if (name.empty() || name.size() > HouseDialogue::kMaxNameBytes) {
      Wrong(Path(at, key), "is no name");
    }
    return std::string(name);
  }

  // Calls `read` for each element of a list.
  template <class Reads>
  void List(const Json& json, const std::string& at, const char* key,
            size_t most, Need need, const Reads& read) {
    const std::string path = Path(at, key);
    const Json* list = FindMember(json, key);
    if (list == nullptr) {
      if (need == Need::kNeeded) Wrong(path, "is missing");
      return;
    }
    if (!list->is_array()) {
      Wrong(path, "is no list");
    } else if (list->empty()) {
      Wrong(path, "is empty");
    } else if (list->size() > most) {
      Wrong(path, "is too long");
    } else {
      for (size_t i = 0; i < list->size() && !failed(); ++i) {
        read((*list)[i], path + '[' + std::to_string(i) + ']');
      }
    }
  }

  template <class Reads>
  void StringList(const Json& json, const std::string& at, const char* key,
                  size_t most, size_t most_bytes, Need need,
                  const Reads& read) {
    List(json, at, key, most, need,
         [&](const Json& value, const std::string& path) {
           const auto* text = value.is_string()
                                  ? value.get_ptr<const std::string*>()
                                  : nullptr;
           if (text == nullptr || text->empty()) {
             Wrong(path, "is no text");
           } else if (text->size() > most_bytes) {
             Wrong(path, "is too long");
           } else {
             read(*text, path);
           }
         });
  }

  Texts ReadTexts(const Json& json, const std::string& at, const char* key,
                  Need need) {
    Texts texts;
    StringList(json, at, key, HouseDialogue::kMaxList,
               HouseDialogue::kMaxTextBytes, need,
               [&](const std::string& text, const std::string& path) {
                 CheckText(text, path);
                 texts.push_back(text);
               });
    return texts;
  }

  void CheckText(std::string_view text, const std::string& path) {
    if (!IsSpeakable(text)) Wrong(path, "is no ASCII");
    for (size_t at = text.find('{'); at != std::string_view::npos;
         at = text.find('{', at + 1)) {
      const size_t end = text.find('}', at);
      const std::string_view place = end == std::string_view::npos
                                         ? std::string_view()
                                         : text.substr(at + 1, end - at - 1);
      const bool is_slot =
          slots_ != nullptr &&
          std::any_of(slots_->begin(), slots_->end(),
                      [&](const auto& slot) { return slot.name == place; });
      if (!is_slot && std::find(std::begin(kPlaces), std::end(kPlaces),
                                place) == std::end(kPlaces)) {
        Wrong(path, "has a place that nothing fills");
      }
    }
  }

  Patterns ReadPatterns(const Json& json, const std::string& at,
                        const char* key, Need need) {
    Patterns patterns;
    StringList(json, at, key, HouseDialogue::kMaxList,
               HouseDialogue::kMaxPatternBytes, need,
               [&](const std::string& text, const std::string& path) {
                 auto pattern = WordPattern::Parse(text);
                 if (pattern) {
                   patterns.push_back(std::move(*pattern));
                 } else {
                   Wrong(path, "is no pattern");
                 }
               });
    return patterns;
  }

  Texts ReadSentences(const Json& json, const char* key, size_t most) {
    Texts sentences;
    StringList(json, "", key, most, HouseDialogue::kMaxTextBytes,
               Need::kOptional,
               [&](const std::string& text, const std::string& path) {
                 if (!IsSpeakable(text)) Wrong(path, "is no ASCII");
                 sentences.push_back(text);
               });
    return sentences;
  }

  HouseDialogue::Tool ReadTool(const Json& json, const std::string& at) {
    HouseDialogue::Tool tool;
    Known(json, at, {"name", "arguments", "says", "done", "failed"});
    tool.name = Name(json, at, "name");
    tool.arguments = Json::object();
    if (const Json* arguments = FindMember(json, "arguments")) {
      if (!arguments->is_object()) Wrong(at + ".arguments", "is no object");
      tool.arguments = *arguments;
    }
    tool.says = ReadTexts(json, at, "says", Need::kOptional);
    tool.done = ReadTexts(json, at, "done", Need::kNeeded);
    tool.failed = ReadTexts(json, at, "failed", Need::kNeeded);
    return tool;
  }

  HouseDialogue::Rule ReadRule(const Json& json, const std::string& at,
                               const std::vector<HouseDialogue::Form>& forms) {
    HouseDialogue::Rule rule;
    Known(json, at, {"hears", "says", "else", "goes", "tool", "ends"});
    rule.hears = ReadPatterns(json, at, "hears", Need::kNeeded);
    if (const Json* goes = FindMember(json, "goes")) {
      for (size_t i = 0; i < forms.size(); ++i) {
        if (*goes == forms[i].name) rule.goes = i;
      }
      if (!rule.goes) Wrong(at + ".goes", "is no form");
    }
    if (const Json* tool = FindMember(json, "tool")) {
      rule.tool = ReadTool(*tool, at + ".tool");
      if (rule.goes) Wrong(at + ".tool", "is one too many beside goes");
    }
    if (const Json* ends = FindMember(json, "ends")) {
      rule.ends = *ends == true;
      if (!rule.ends) Wrong(at + ".ends", "is not true");
      if (rule.goes || rule.tool) Wrong(at + ".ends", "is one too many");
    }
    // What goes on says something in any case.
    rule.says =
        ReadTexts(json, at, "says",
                  rule.goes || rule.tool ? Need::kOptional : Need::kNeeded);
    rule.otherwise = ReadTexts(json, at, "else", Need::kOptional);
    return rule;
  }

  HouseDialogue::Slot ReadSlot(const Json& json, const std::string& at) {
    using Kind = HouseDialogue::Slot::Kind;
    constexpr std::pair<std::string_view, Kind> kKinds[] = {
        {"count", Kind::kCount},
        {"day", Kind::kDay},
        {"time", Kind::kTime},
        {"text", Kind::kText},
        {"yesNo", Kind::kYesNo}};
    HouseDialogue::Slot slot;
    Known(json, at,
          {"name", "kind", "asks", "wrong", "min", "max", "units", "from"});
    slot.name = Name(json, at, "name");
    const std::string_view kind = StringMember(json, "kind");
    const auto* known =
        std::find_if(std::begin(kKinds), std::end(kKinds),
                     [&](const auto& each) { return each.first == kind; });
    if (known == std::end(kKinds)) {
      Wrong(at + ".kind", "is none");
    } else {
      slot.kind = known->second;
    }
    for (const auto& [key, value] :
         {std::pair{"min", &slot.min}, std::pair{"max", &slot.max}}) {
      if (FindMember(json, key) == nullptr) continue;
      const std::optional<int64_t> number = IntegerMember(json, key);
      if (!number || *number > 9999) Wrong(Path(at, key), "is no count");
      *value = number.value_or(0);
    }
    if (slot.min > slot.max) Wrong(at + ".min", "is more than max");
    if (FindMember(json, "from") != nullptr) {
      const std::vector<TextWord> words =
          TextWordsOf(StringMember(json, "from"), 2);
      const auto from = TimeAt(words, 0);
      if (!from || words.size() != 1) Wrong(at + ".from", "is no time");
      if (from) slot.from = from->minutes;
    }
    slot.units = ReadWords(json, at, "units");
    slot.asks = ReadTexts(json, at, "asks", Need::kNeeded);
    slot.wrong = ReadTexts(json, at, "wrong", Need::kOptional);
    return slot;
  }

  Texts ReadWords(const Json& json, const std::string& at, const char* key) {
    Texts words;
    StringList(json, at, key, HouseDialogue::kMaxList,
               HouseDialogue::kMaxNameBytes, Need::kOptional,
               [&](const std::string& text, const std::string& path) {
                 const std::vector<TextWord> read = TextWordsOf(text, 2);
                 if (read.size() != 1 || read[0].word != text) {
                   Wrong(path, "is no word");
                 }
                 words.push_back(text);
               });
    return words;
  }

  HouseDialogue::Form ReadForm(const Json& json, const std::string& at) {
    HouseDialogue::Form form;
    Known(json, at,
          {"name", "slots", "confirms", "changes", "cancels", "cancelled",
           "tool"});
    form.name = Name(json, at, "name");
    List(json, at, "slots", HouseDialogue::kMaxSlots, Need::kNeeded,
         [&](const Json& slot, const std::string& path) {
           form.slots.push_back(ReadSlot(slot, path));
           const auto same = [&](const HouseDialogue::Slot& other) {
             return other.name == form.slots.back().name;
           };
           if (std::count_if(form.slots.begin(), form.slots.end(), same) > 1) {
             Wrong(path + ".name", "is there twice");
           }
         });
    slots_ = &form.slots;
    form.confirms = ReadTexts(json, at, "confirms", Need::kOptional);
    form.changes = ReadTexts(json, at, "changes", Need::kOptional);
    form.cancels = ReadPatterns(json, at, "cancels", Need::kOptional);
    form.cancelled = ReadTexts(json, at, "cancelled", Need::kOptional);
    if (const Json* tool = FindMember(json, "tool")) {
      form.tool = ReadTool(*tool, at + ".tool");
    } else {
      Wrong(at + ".tool", "is missing");
    }
    slots_ = nullptr;
    return form;
  }

  HouseDialogueFault fault_;
  // Of the form that is read.
  const std::vector<HouseDialogue::Slot>* slots_ = nullptr;
};

constexpr std::string_view kBuiltIn = R"json({
"name": "the front desk of the garden restaurant",
"greeting": ["Hello, this is {name}. How can I help you?"],
"rules": [
 {"hears": ["(good bye|goodbye|bye|bye bye)", "hang up", "end (the|this) call",
   "(that is|that's) all", "(nothing|no) (else|more)",
   "^ no (thank you|thanks) $"],
  "says": ["Thank you for calling. Good bye.", "Good bye."], "ends": true},
 {"hears": ["(book|reserve|need|want|get|have) * (table|reservation|booking)",
   "(make|do) a (booking|reservation)", "(table|reservation|booking) for",
   "^ a table"],
  "goes": "booking"},
 {"hears": ["(take|leave|send|give) * message (that|saying) {text}",
   "(tell|let) (him|her|them|the chef|the owner) * that {text}"],
  "goes": "message"},
 {"hears": ["(take|leave|send|give|have) * message"],
  "goes": "message"},
 {"hears": ["(spell|tell|spelling of|letters of) the (word|name) {word}",
   "(spell|spelling of|letters of) {word}", "how * {word} spelled"],
  "says": ["{spelled}"],
  "else": ["I can only spell one plain word at a time."]},
 {"hears": ["count * to {number}", "count * {number}"],
  "says": ["{counted}"],
  "else": ["I can count from one to twenty."]},
 {"hears": ["(connect|transfer|put|pass) me", "(speak|talk) (to|with)",
   "^ [a|the] [real] (person|human|manager|operator) $"],
  "tool": {"name": "transfer", "arguments": {"to": "desk"},
   "says": ["I will put you through. One moment, please."],
   "done": ["You are being put through."],
   "failed": ["I am sorry, nobody can take your call now. Shall I take a message?"]}},
 {"hears": ["(repeat|say) (that|it|again|once)", "say * again",
   "(what|pardon) (did|was) (you|that)", "^ [i beg your] pardon",
   "^ [sorry] (what|repeat|again) [please] $", "come again",
   "(did not|didn't|could not|couldn't) (hear|get|understand|catch)",
   "again [please] $"],
  "says": ["{last}"], "else": ["I have not said anything yet."]},
 {"hears": ["how long * (call|talking|phone|line|talked|take|taken)",
   "how (much|many) (time|minutes)"],
  "says": ["This call has taken {callLength}."]},
 {"hears": ["(what|which|what's) [is] [the] (date|day)",
   "(what|which) day is", "(day|date) is it", "(tell|give) me * (date|day)"],
  "says": ["Today is {today}."]},
 {"hears": ["(when|what time|hours) * (open|close|hours)", "are you open",
   "opening hours"],
  "says": ["We are open from eleven in the morning to eleven at night, every day."]},
 {"hears": ["(what|tell|give|have|know|what's) * time", "how late"],
  "says": ["It is {now}, universal time."]},
 {"hears": ["who (are|is) (you|this|there|that)", "(who am|am) i (talking|speaking)",
   "your name", "what are you", "(are you|is this) * (human|person|robot|machine|computer|real)"],
  "says": ["I am a machine that answers by rules. This is {name}."]},
 {"hears": ["how are you", "how do you do", "are you (well|fine|okay|working)",
   "your status"],
  "says": ["I am well, thank you. This call has taken {callLength}."]},
 {"hears": ["what * (you|i) * (do|ask|say)", "^ [please] help",
   "(help|options|menu)"],
  "says": ["I can book a table, take a message, tell the time, spell a word, count, or put you through."]},
 {"hears": ["where * (you|restaurant|located)", "your address"],
  "says": ["We are in the garden street, number five."]},
 {"hears": ["are you $"],
  "says": ["I am a machine that answers by rules. This is {name}."]},
 {"hears": ["(thank you|thanks)"],
  "says": ["You are welcome. Is there anything else?"]},
 {"hears": ["^ [oh] (hello|hi|hey|good (morning|evening|afternoon|day)) [there] $"],
  "says": ["Hello. How can I help you?"]},
 {"hears": ["^ (yes|yeah|okay|ok|sure) [please] $"],
  "says": ["What can I do for you?"]},
 {"hears": ["^ no $"],
  "says": ["All right. Is there anything I can do for you?"]}
],
"forms": [
 {"name": "booking",
  "slots": [
   {"name": "people", "kind": "count", "min": 1, "max": 20,
    "units": ["people", "persons", "person", "guests", "seats", "adults"],
    "asks": ["For how many people?"],
    "wrong": ["We have tables for one to twenty people."]},
   {"name": "day", "kind": "day", "asks": ["For which day?"]},
   {"name": "time", "kind": "time", "from": "11:00",
    "asks": ["At what time?"]}],
  "confirms": ["A table for {people}, {day}, at {time}. Is that right?"],
  "changes": ["What should be different?"],
  "cancels": ["never mind", "forget (it|that|about)", "cancel",
   "(don't|do not) want"],
  "cancelled": ["All right, I will not book a table."],
  "tool": {"name": "take_message", "says": ["One moment, please."],
   "done": ["I have noted a table for {people}, {day}, at {time}. Is there anything else?"],
   "failed": ["I am sorry, I could not book the table. Is there anything else?"]}},
 {"name": "message",
  "slots": [
   {"name": "text", "kind": "text", "asks": ["What is the message?"]}],
  "cancels": ["^ [oh] (never mind|forget it|cancel) $"],
  "cancelled": ["All right, no message."],
  "tool": {"name": "take_message",
   "done": ["I have taken your message. Is there anything else?"],
   "failed": ["I am sorry, I could not take the message. Is there anything else?"]}}
],
"yes": ["(yes|yeah|yep|right|correct|sure|okay|ok|fine|exactly|perfect|please do)"],
"no": ["(no|nope|not|wrong|don't)"],
"fallback": ["I am sorry, I cannot do that. I can book a table, take a message, tell the time, or put you through.",
 "I did not understand that. You can ask me what I can do."],
"again": ["I am sorry, I did not get that."],
"silence": ["I did not hear anything. How can I help you?"],
"waits": ["One moment, please."],
"spells": ["garden", "table", "restaurant", "water", "apple", "orange", "hello",
 "london", "paris", "music", "summer", "winter", "house", "river", "yellow"],
"expects": ["who are you", "what is your name",
 "what day is it today", "when do you open", "are you open today",
 "where are you located", "where are you", "how are you",
 "please spell the word garden", "spell the word river",
 "count to twelve", "can i speak to a person", "please put me through",
 "i would like to book a table please", "i want to book a table",
 "a table for two please", "we are four people", "for five people",
 "tomorrow at seven", "tomorrow at eight o'clock", "for tomorrow",
 "on friday at half past six", "at half past seven", "no seven people",
 "yes please", "no thank you", "please take a message",
 "good bye", "thank you good bye", "please hang up",
 "i would like to book a table for four tomorrow at seven",
 "i would like a table for two please", "can you tell me what time it is",
 "what time is it", "what can you do for me", "please count to ten",
 "please spell the word garden", "no seven people", "no at eight o'clock please",
 "just two of us", "we are five people", "make it six people",
 "tell me the time please", "i want to leave a message",
 "please tell the owner that i will be late", "please call me back tomorrow",
 "i will be there in ten minutes", "my number is one two three four",
 "can i speak to a person please", "put me through please",
 "could you say that again please", "how long have we been talking",
 "no that is wrong", "yes that is right", "yes that is correct",
 "the day after tomorrow", "thank you very much good bye"]
})json";

}  // namespace

std::variant<HouseDialogue, HouseDialogueFault> ParseHouseDialogue(
    const Json& json) {
  DialogueReader reader;
  HouseDialogue dialogue = reader.Read(json);
  if (reader.failed()) return reader.fault();
  return dialogue;
}

std::string_view BuiltInHouseDialogue() { return kBuiltIn; }

}  // namespace trunkline::protocol
