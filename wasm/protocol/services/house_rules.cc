#include "protocol/services/house_rules.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "protocol/services/house_text.h"
#include "protocol/services/spoken_values.h"

namespace trunkline::protocol {
namespace {

using SlotKind = HouseDialogue::Slot::Kind;

}  // namespace

HouseRules::HouseRules(HouseDialogue dialogue, Config config)
    : dialogue_(std::move(dialogue)), config_(config) {}

const HouseRules::Rule* HouseRules::FindRule(const Said& said,
                                             const State& state,
                                             std::string_view* caught) const {
  for (const Rule& rule : dialogue_.rules) {
    // Its form is open already: this is an answer to it.
    if (rule.goes && &dialogue_.forms[*rule.goes] == state.form) continue;
    for (const WordPattern& pattern : rule.hears) {
      const std::optional<WordPattern::Found> found = pattern.Find(said.words);
      if (!found) continue;
      *caught = {};
      if (found->begin < found->end) {
        const size_t begin = said.words[found->begin].begin;
        *caught =
            said.text.substr(begin, said.words[found->end - 1].end - begin);
      }
      return &rule;
    }
  }
  return nullptr;
}

HouseRules::Reply HouseRules::AnswerRule(const State& state, const Said& said,
                                         const Rule& rule,
                                         std::string_view caught) const {
  Reply reply;
  reply.text = Say(rule.says, state, said.dice, caught);
  if (reply.text.empty()) {
    reply.text = Say(rule.otherwise, state, said.dice, caught);
  }
  reply.after = state;
  if (rule.goes) {
    State next;
    next.last = state.last;
    next.form = &dialogue_.forms[*rule.goes];
    next.values.resize(next.form->slots.size());
    size_t filled = 0;
    const Slot* wrong = FillSlots(next, said, Bare::kLeft, &filled);
    for (size_t i = 0; i < next.values.size() && !caught.empty(); ++i) {
      if (next.form->slots[i].kind != SlotKind::kText) continue;
      next.values[i] = Value{0, std::string(CutText(caught, kMaxValueBytes))};
      break;
    }
    Reply first = GoOn(std::move(next), said);
    if (wrong != nullptr) {
      AddSentence(reply.text, Say(wrong->wrong, state, said.dice));
    }
    AddSentence(reply.text, first.text);
    first.text = std::move(reply.text);
    return first;
  }
  if (rule.tool) {
    reply.tool = &*rule.tool;
    reply.arguments = rule.tool->arguments;
    AddSentence(reply.text, Say(rule.tool->says, state, said.dice));
    reply.before = state;
  } else if (rule.ends) {
    reply.ends = true;
    reply.arguments = Json::object();
  } else {
    // Whoever is in the middle of a form is asked again.
    AddQuestion(reply, said.dice);
  }
  return reply;
}

HouseRules::Reply HouseRules::Answer(const State& state,
                                     std::string_view text) const {
  Said said;
  said.text = text;
  said.words = TextWordsOf(text, kMaxWords);
  said.dice = DiceOf(text);
  if (said.words.empty()) return Nudge(state);
  if (state.form != nullptr) {
    if (auto reply = AnswerInForm(state, said)) return *std::move(reply);
  }
  std::string_view caught;
  if (const Rule* rule = FindRule(said, state, &caught)) {
    Reply reply = AnswerRule(state, said, *rule, caught);
    if (!reply.text.empty() || reply.tool != nullptr) return reply;
  }
  Reply reply;
  reply.after = state;
  if (state.form != nullptr) {
    reply.text = Say(dialogue_.again, state, said.dice);
    AddQuestion(reply, said.dice);
  }
  if (reply.text.empty()) {
    reply.text = Say(dialogue_.fallback, state, said.dice);
  }
  return reply;
}

HouseRules::Reply HouseRules::Greet() const {
  Reply reply;
  reply.text = Say(dialogue_.greeting, {}, 0);
  return reply;
}

// The caller says nothing.
HouseRules::Reply HouseRules::Nudge(const State& state) const {
  Reply reply;
  reply.after = state;
  reply.text = state.form == nullptr
                   ? Say(dialogue_.silence.empty() ? dialogue_.fallback
                                                   : dialogue_.silence,
                         state, 0)
                   : Question(state, 0);
  if (reply.text.empty()) reply.text = Say(dialogue_.fallback, state, 0);
  return reply;
}

void HouseRules::Ask(const LlmRequest& request) {
  events_.Clear();
  const std::span<const ConversationLine> lines = request.conversation;
  Speak(NextOf(lines), lines.size());
}

void HouseRules::Speak(const Reply& reply, size_t lines) {
  text_ = Spoken(reply.text);
  if (!text_.empty()) events_.Push(LlmText{text_});
  if (reply.tool != nullptr || reply.ends) {
    // No other call of this call has the same time and place.
    call_id_ = "house-" + std::to_string(lines) + '-' +
               std::to_string(now().us() / 1000);
    tool_name_ = reply.tool != nullptr ? reply.tool->name : kEndCallTool;
    arguments_ = PrintJson(reply.arguments);
    events_.Push(LlmToolCall{call_id_, tool_name_, arguments_});
  }
  events_.Push(LlmDone{});
}

std::vector<std::string> HouseRules::Sentences() const {
  std::vector<std::string> sentences = dialogue_.expects;
  const auto add = [&](const std::vector<WordPattern>& patterns) {
    for (const WordPattern& pattern : patterns) {
      pattern.AppendSentences(dialogue_.spells, sentences);
    }
  };
  for (const Rule& rule : dialogue_.rules) add(rule.hears);
  add(dialogue_.yes);
  add(dialogue_.no);
  for (const Form& form : dialogue_.forms) {
    add(form.cancels);
    for (const Slot& slot : form.slots) {
      switch (slot.kind) {
        case SlotKind::kCount:
          AppendCountSentences(slot.units, sentences);
          break;
        case SlotKind::kDay:
          AppendDaySentences(sentences);
          break;
        case SlotKind::kTime:
          AppendTimeSentences(sentences);
          break;
        case SlotKind::kText:
        case SlotKind::kYesNo:
          break;
      }
    }
  }
  // Each once, in their order: the first ones are those that were written down.
  std::vector<std::string> once;
  std::vector<std::string_view> known;
  size_t written = 0;
  for (size_t i = 0; i < sentences.size() && once.size() < kMaxSentences; ++i) {
    const std::string& sentence = sentences[i];
    const auto at = std::lower_bound(known.begin(), known.end(), sentence);
    if (at != known.end() && *at == sentence) continue;
    known.insert(at, sentence);
    once.push_back(sentence);
    if (i < dialogue_.expects.size()) written = once.size();
  }
  once.reserve(kMaxSentences);
  for (size_t times = 1; times < kLikelier; ++times) {
    for (size_t i = 0; i < written && once.size() < kMaxSentences; ++i) {
      once.push_back(once[i]);
    }
  }
  return once;
}

}  // namespace trunkline::protocol
