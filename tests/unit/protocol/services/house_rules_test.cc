#include "protocol/services/house_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "protocol/services/word_pattern.h"

namespace trunkline::protocol {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

HouseDialogue ParsedOrDie(const Json& json) {
  auto parsed = ParseHouseDialogue(json);
  const auto* fault = std::get_if<HouseDialogueFault>(&parsed);
  if (fault != nullptr) {
    ADD_FAILURE() << fault->field << ' ' << fault->why;
    return {};
  }
  return std::move(std::get<HouseDialogue>(parsed));
}

Json BuiltInJson() {
  const auto json = ParseJson(BuiltInHouseDialogue());
  if (json) return *json;
  ADD_FAILURE() << "the built-in dialogue is no JSON";
  return Json::object();
}

// A call: what the caller says, and what is answered, as it was heard.
class HouseCall {
 public:
  HouseCall() : HouseCall(BuiltInJson()) {}
  explicit HouseCall(const Json& dialogue)
      : house_(ParsedOrDie(dialogue),
               // Sunday, 2026-11-29, 18:51 UTC at the beginning; an hour ahead.
               {1'795'978'260'000, Duration::Millis(3'600'000),
                Instant::Micros(0)}) {}

  void At(int64_t ms) {
    house_.SetNow(Instant::Micros(static_cast<uint64_t>(ms) * 1000));
  }
  // Asks, and has all of the answer heard.
  std::string Say(std::string_view text) {
    Caller(text);
    const std::string said = Ask();
    if (!said.empty()) Agent(said);
    if (tool) Tool(*tool);
    return said;
  }
  // The answer, without a line of it.
  std::string Ask() {
    std::vector<ConversationLine> lines;
    for (const Line& line : lines_) {
      ConversationLine each;
      each.kind = line.kind;
      each.text = line.text;
      each.call_id = line.call_id;
      each.name = line.name;
      each.arguments = line.arguments;
      if (line.result) each.result = *line.result;
      lines.push_back(each);
    }
    house_.Ask({lines, {}});
    std::string said;
    tool.reset();
    bool done = false;
    while (const std::optional<LlmEvent> event = house_.NextEvent()) {
      EXPECT_FALSE(done);
      if (const auto* words = std::get_if<LlmText>(&*event)) {
        said += words->text;
      } else if (const auto* call = std::get_if<LlmToolCall>(&*event)) {
        EXPECT_FALSE(tool);
        tool = Line{ConversationLine::Kind::kTool,   {},
                    std::string(call->tool_call_id), std::string(call->name),
                    std::string(call->arguments),    std::nullopt};
        EXPECT_TRUE(ParseJson(tool->arguments)) << tool->arguments;
      } else {
        EXPECT_TRUE(std::holds_alternative<LlmDone>(*event));
        done = true;
      }
    }
    EXPECT_TRUE(done);
    return said;
  }
  // The tool's answer, and what is said of that.
  std::string Result(std::string_view result) {
    lines_.back().result = std::string(result);
    const std::string said = Ask();
    if (!said.empty()) Agent(said);
    return said;
  }

  struct Line {
    ConversationLine::Kind kind = ConversationLine::Kind::kCaller;
    std::string text;
    std::string call_id;
    std::string name;
    std::string arguments;
    std::optional<std::string> result;
  };
  void Caller(std::string_view text) {
    lines_.push_back(
        {ConversationLine::Kind::kCaller, std::string(text), {}, {}, {}, {}});
  }
  void Agent(std::string_view text) {
    lines_.push_back(
        {ConversationLine::Kind::kAgent, std::string(text), {}, {}, {}, {}});
  }
  void Tool(const Line& line) { lines_.push_back(line); }
  // Only so much of the last line was heard.
  void Cut(size_t bytes) { lines_.back().text.resize(bytes); }
  std::vector<Line>& lines() { return lines_; }
  const HouseRules& house() const { return house_; }

  // What the last answer called.
  std::optional<Line> tool;

 private:
  HouseRules house_;
  std::vector<Line> lines_;
};

// "name arguments" of the tool that was called.
std::string Called(const HouseCall& call) {
  return call.tool ? call.tool->name + ' ' + call.tool->arguments : "nothing";
}

constexpr std::string_view kFallbacks[] = {"I am sorry, I cannot do that",
                                           "I did not understand that"};

bool IsFallback(std::string_view said) {
  return said.starts_with(kFallbacks[0]) || said.starts_with(kFallbacks[1]);
}

TEST(HouseRulesTest, GreetsWhoeverHasSaidNothing) {
  HouseCall call;
  EXPECT_EQ(call.Ask(),
            "Hello, this is the front desk of the garden restaurant. "
            "How can I help you?");
  call.Agent("Hello, this is the fro");
  EXPECT_THAT(call.Ask(), StartsWith("Hello, this is the front desk"));
}

TEST(HouseRulesTest, AsksAgainWhoeverIsSilentAfterTheGreeting) {
  HouseCall call;
  call.Agent(call.Ask());
  EXPECT_EQ(call.Ask(), "I did not hear anything. How can I help you?");
}

struct Phrase {
  std::string_view said;
  std::string_view answer;
};

TEST(HouseRulesTest, EveryAbilityHasSeveralPhrasings) {
  constexpr std::string_view kTime =
      "It is seven fifty two p m, universal time.";
  constexpr std::string_view kDate = "Today is Sunday, November twenty nine.";
  constexpr std::string_view kWho = "I am a machine that answers by rules.";
  constexpr std::string_view kLength = "This call has taken ";
  constexpr std::string_view kCan = "I can book a table, take a message";
  constexpr Phrase kPhrases[] = {
      {"what time is it", kTime},
      {"What's the time, please?", kTime},
      {"could you tell me the time", kTime},
      {"do you have the time", kTime},
      {"do you know what time it is", kTime},
      {"what day is it", kDate},
      {"tell me the date", kDate},
      {"what is the date today", kDate},
      {"who are you", kWho},
      {"who is this", kWho},
      {"who am i talking to", kWho},
      {"what is your name", kWho},
      {"are you a robot", kWho},
      {"am i speaking with a real person", kWho},
      {"how are you", "I am well, thank you. This call has taken "},
      {"what is your status", "I am well, thank you."},
      {"how long have we been talking", kLength},
      {"how long does this call take", kLength},
      {"how many minutes is this", kLength},
      {"what can you do", kCan},
      {"what can I ask you", kCan},
      {"help", kCan},
      {"spell garden", "G, A, R, D, E, N."},
      {"how do you spell garden", "G, A, R, D, E, N."},
      {"please spell the word water for me", "W, A, T, E, R."},
      {"can you spell apple", "A, P, P, L, E."},
      {"how is garden spelled", "G, A, R, D, E, N."},
      {"spell caf\xc3\xa9", "I can only spell one plain word"},
      {"spell abcdefghijklmnopqrstuvwxyz", "I can only spell one plain word"},
      {"count to five", "one, two, three, four, five."},
      {"can you count up to 3 please", "one, two, three."},
      {"please count from one to four", "one, two, three, four."},
      {"count to twenty one", "I can count from one to twenty."},
      {"count to a hundred million and 9000", "I can count from one"},
      {"when do you open", "We are open from eleven"},
      {"what time do you close", "We are open from eleven"},
      {"where are you", "We are in the garden street"},
      {"thank you very much", "You are welcome."},
      {"hello", "Hello. How can I help you?"},
      {"good evening", "Hello. How can I help you?"}};
  for (const Phrase& phrase : kPhrases) {
    HouseCall call;
    call.At(65'000);
    EXPECT_THAT(call.Say(phrase.said), StartsWith(std::string(phrase.answer)))
        << phrase.said;
    EXPECT_EQ(Called(call), "nothing") << phrase.said;
  }
}

TEST(HouseRulesTest, ToolsHaveSeveralPhrasings) {
  constexpr Phrase kPhrases[] = {
      {"good bye", "end_call {}"},
      {"okay thanks bye", "end_call {}"},
      {"please hang up", "end_call {}"},
      {"that is all", "end_call {}"},
      {"no thank you", "end_call {}"},
      {"connect me to a manager", R"(transfer {"to":"desk"})"},
      {"can I speak to a person", R"(transfer {"to":"desk"})"},
      {"put me through please", R"(transfer {"to":"desk"})"},
      {"operator", R"(transfer {"to":"desk"})"},
      {"take a message that I am late", R"(take_message {"text":"I am late"})"},
      {"please tell the owner that I'll be late, sorry!",
       R"(take_message {"text":"I'll be late, sorry"})"},
      {"can you give him a message saying call me",
       R"(take_message {"text":"call me"})"}};
  for (const Phrase& phrase : kPhrases) {
    HouseCall call;
    call.Say(phrase.said);
    EXPECT_EQ(Called(call), phrase.answer) << phrase.said;
  }
}

TEST(HouseRulesTest, WhatIsNoneOfItsAbilitiesIsSaid) {
  for (const char* text :
       {"sing me a song", "sometimes it rains", "garden", "seven",
        "the countess of five gardens", "my spelling is bad", "bookkeeping",
        "i byte my tongue", "recount", "the message is the medium",
        "weather tomorrow", "\xc3\xbc\xc3\xb6\xc3\xa4", "...?!"}) {
    HouseCall call;
    call.Say("hello");
    const std::string said = call.Say(text);
    EXPECT_TRUE(IsFallback(said) || said.starts_with("I did not hear"))
        << text << ": " << said;
    EXPECT_EQ(Called(call), "nothing") << text;
  }
}

TEST(HouseRulesTest, TheSameIsNotSaidTwiceWhereThereIsAnother) {
  HouseCall call;
  const std::string first = call.Say("sing me a song");
  const std::string second = call.Say("sing me a song");
  EXPECT_TRUE(IsFallback(first));
  EXPECT_TRUE(IsFallback(second));
  EXPECT_NE(first, second);
}

TEST(HouseRulesTest, TimeGoesOn) {
  HouseCall call;
  EXPECT_EQ(call.Say("what time is it"),
            "It is seven fifty one p m, universal time.");
  call.At(9 * 60'000);
  EXPECT_EQ(call.Say("what time is it"), "It is eight p m, universal time.");
  EXPECT_EQ(call.Say("how long have we talked"),
            "This call has taken nine minutes.");
  call.At(5 * 3'600'000);
  EXPECT_EQ(call.Say("what day is it"), "Today is Monday, November thirty.");
  EXPECT_EQ(HouseCall().Say("how long is this call"),
            "This call has taken zero seconds.");
}

TEST(HouseRulesTest, RepeatsWhatItSaidLast) {
  for (const char* text :
       {"repeat that please", "could you say that again", "pardon", "what",
        "sorry what", "i did not understand", "what did you say"}) {
    HouseCall call;
    call.Say("spell garden");
    EXPECT_EQ(call.Say(text), "G, A, R, D, E, N.") << text;
    // And again, all of it, although only part of it was heard.
    call.Cut(4);
    EXPECT_EQ(call.Say(text), "G, A, R, D, E, N.") << text;
  }
}

TEST(HouseRulesTest, RepeatsWhatAnotherSaid) {
  HouseCall call;
  call.Caller("where is my parcel");
  call.Agent("It is on its way.");
  EXPECT_EQ(call.Say("say that again"), "It is on its way.");
}

TEST(HouseBookingTest, TakesThreeTurns) {
  HouseCall call;
  EXPECT_EQ(call.Say("I would like to book a table"), "For how many people?");
  EXPECT_EQ(call.Say("four"), "For which day?");
  EXPECT_EQ(call.Say("tomorrow"), "At what time?");
  EXPECT_EQ(call.Say("seven thirty"),
            "A table for four, tomorrow, at seven thirty p m. Is that right?");
  EXPECT_EQ(Called(call), "nothing");
  EXPECT_EQ(call.Say("yes please"), "One moment, please.");
  EXPECT_EQ(Called(call),
            R"(take_message {"day":"tomorrow","people":4,"time":"19:30"})");
  EXPECT_EQ(call.Result(R"({"ok":true})"),
            "I have noted a table for four, tomorrow, at seven thirty p m. "
            "Is there anything else?");
  EXPECT_EQ(Called(call), "nothing");
  // It is over.
  EXPECT_TRUE(IsFallback(call.Say("seven")));
  EXPECT_EQ(call.Say("book a table"), "For how many people?");
}

TEST(HouseBookingTest, OneSentenceFillsWhatItHas) {
  constexpr Phrase kPhrases[] = {
      {"book a table for four tomorrow at seven",
       "A table for four, tomorrow, at seven p m. Is that right?"},
      {"I need a table on Friday at 8:15 pm for 2 people please",
       "A table for two, on Friday, at eight fifteen p m. Is that right?"},
      {"reserve a table for a party of twelve tonight half past six",
       "A table for twelve, today, at six thirty p m. Is that right?"},
      {"a table for eight at eight on saturday",
       "A table for eight, on Saturday, at eight p m. Is that right?"},
      {"can I get a table the day after tomorrow at noon for three",
       "A table for three, on Tuesday, at noon. Is that right?"},
      {"we want a table for tomorrow evening there are five of us",
       "At what time?"},
      {"table for two at seven tonight",
       "A table for two, today, at seven p m. Is that right?"},
      {"table for two please", "For which day?"},
      {"make a reservation for monday", "For how many people?"},
      {"book a table at seven o'clock", "For how many people?"},
      {"book a table for eleven in the morning today for six people",
       "A table for six, today, at eleven a m. Is that right?"},
      {"book a table at eleven tomorrow for six",
       "A table for six, tomorrow, at eleven a m. Is that right?"}};
  for (const Phrase& phrase : kPhrases) {
    HouseCall call;
    EXPECT_EQ(call.Say(phrase.said), phrase.answer) << phrase.said;
  }
}

TEST(HouseBookingTest, AnswersMayComeInAnyOrder) {
  HouseCall call;
  EXPECT_EQ(call.Say("book a table"), "For how many people?");
  EXPECT_EQ(call.Say("on friday at eight"), "For how many people?");
  EXPECT_EQ(call.Say("just two"),
            "A table for two, on Friday, at eight p m. Is that right?");
}

TEST(HouseBookingTest, BareNumbersAnswerOneQuestionAfterTheOther) {
  HouseCall call;
  call.Say("book a table");
  EXPECT_EQ(call.Say("four tomorrow seven"),
            "A table for four, tomorrow, at seven p m. Is that right?");
}

TEST(HouseBookingTest, IsCorrected) {
  HouseCall call;
  call.Say("book a table for four tomorrow at seven");
  EXPECT_EQ(call.Say("no, seven people"),
            "A table for seven, tomorrow, at seven p m. Is that right?");
  EXPECT_EQ(call.Say("no at eight thirty please"),
            "A table for seven, tomorrow, at eight thirty p m. Is that right?");
  EXPECT_EQ(
      call.Say("not tomorrow, on sunday"),
      "A table for seven, on Sunday, at eight thirty p m. Is that right?");
  EXPECT_EQ(call.Say("no"), "What should be different?");
  EXPECT_EQ(call.Say("make it six"),
            "A table for six, on Sunday, at eight thirty p m. Is that right?");
  EXPECT_EQ(call.Say("that is wrong"), "What should be different?");
  EXPECT_EQ(call.Say("nothing, that is right"), "One moment, please.");
  EXPECT_EQ(Called(call),
            R"(take_message {"day":"sunday","people":6,"time":"20:30"})");
}

TEST(HouseBookingTest, AnEarlierAnswerIsCorrectedOnTheWay) {
  HouseCall call;
  call.Say("book a table");
  EXPECT_EQ(call.Say("four people"), "For which day?");
  EXPECT_EQ(call.Say("sorry, five people, on monday"), "At what time?");
  EXPECT_THAT(call.Say("seven"), StartsWith("A table for five, on Monday"));
}

TEST(HouseBookingTest, HasARange) {
  HouseCall call;
  EXPECT_EQ(call.Say("book a table for thirty people tomorrow"),
            "We have tables for one to twenty people. For how many people?");
  EXPECT_EQ(call.Say("fifty"),
            "We have tables for one to twenty people. For how many people?");
  EXPECT_EQ(call.Say("twenty"), "At what time?");
}

TEST(HouseBookingTest, IsCancelled) {
  for (const char* text : {"never mind", "cancel that", "forget about it",
                           "I do not want a table any more"}) {
    HouseCall call;
    call.Say("book a table for four");
    EXPECT_EQ(call.Say(text), "All right, I will not book a table.") << text;
    EXPECT_TRUE(IsFallback(call.Say("tomorrow")));
  }
}

TEST(HouseBookingTest, OtherQuestionsAreAnsweredInBetween) {
  HouseCall call;
  call.Say("book a table");
  EXPECT_EQ(call.Say("what time is it"),
            "It is seven fifty one p m, universal time. For how many people?");
  EXPECT_EQ(call.Say("count to five"),
            "one, two, three, four, five. For how many people?");
  EXPECT_EQ(call.Say("nonsense and more"),
            "I am sorry, I did not get that. For how many people?");
  EXPECT_EQ(call.Say("repeat that"),
            "I am sorry, I did not get that. For how many people? "
            "For how many people?");
  EXPECT_EQ(call.Say("four"), "For which day?");
  // The time of the question in between is another now.
  call.At(600'000);
  EXPECT_EQ(call.Say("tomorrow"), "At what time?");
  EXPECT_THAT(call.Say("good bye"), Not(IsEmpty()));
  EXPECT_EQ(Called(call), "end_call {}");
}

TEST(HouseBookingTest, AQuestionThatWasInterruptedIsAskedAgain) {
  HouseCall call;
  call.Say("book a table for four");
  call.Cut(6);
  // The caller has nothing to add, or nothing that answers it.
  EXPECT_EQ(call.Ask(), "For which day?");
  EXPECT_EQ(call.Say("oh hold on"),
            "I am sorry, I did not get that. For which day?");
  call.Cut(10);
  EXPECT_EQ(call.Say(""), "For which day?");
  call.Cut(0);
  EXPECT_EQ(call.Say("friday"), "At what time?");
  // Nothing of it was heard: there is no line of it.
  call.lines().pop_back();
  EXPECT_EQ(call.Say("hello"), "Hello. How can I help you? At what time?");
  call.lines().pop_back();
  EXPECT_EQ(call.Say("at eight"),
            "A table for four, on Friday, at eight p m. Is that right?");
}

TEST(HouseBookingTest, AToolIsCalledOnce) {
  HouseCall call;
  call.Say("book a table for four tomorrow at seven");
  call.Say("yes");
  ASSERT_TRUE(call.tool);
  const std::string id = call.tool->call_id;
  EXPECT_THAT(id, Not(IsEmpty()));
  // No result yet.
  EXPECT_EQ(call.Ask(), "One moment, please.");
  EXPECT_FALSE(call.tool);
  call.Caller("yes");
  EXPECT_EQ(call.Ask(), "What can I do for you?");
  EXPECT_FALSE(call.tool);
  call.lines().pop_back();
  call.Result("{}");
  EXPECT_EQ(call.Say("yes"), "What can I do for you?");
  EXPECT_FALSE(call.tool);
  // The next call is another one.
  call.Say("book a table for four tomorrow at seven");
  call.Say("yes");
  ASSERT_TRUE(call.tool);
  EXPECT_NE(call.tool->call_id, id);
}

TEST(HouseBookingTest, AToolThatWasNotCalledIsAskedForAgain) {
  HouseCall call;
  call.Say("book a table for four tomorrow at seven");
  call.Caller("yes");
  EXPECT_EQ(call.Ask(), "One moment, please.");
  // Interrupted before it was.
  call.Agent("One mom");
  EXPECT_EQ(call.Say("what"),
            "One moment, please. A table for four, tomorrow, "
            "at seven p m. Is that right?");
  call.Say("yes");
  EXPECT_THAT(Called(call), StartsWith("take_message "));
}

TEST(HouseBookingTest, AToolThatFailsIsTold) {
  for (const char* result :
       {R"({"error":"full"})", R"({"ok":false})", R"({"error":{"code":1}})"}) {
    HouseCall call;
    call.Say("book a table for four tomorrow at seven");
    call.Say("yes");
    EXPECT_EQ(call.Result(result),
              "I am sorry, I could not book the table. "
              "Is there anything else?")
        << result;
    EXPECT_TRUE(IsFallback(call.Say("tomorrow")));
  }
  for (const char* result : {"", "booked", "[]", R"({"error":null})"}) {
    HouseCall call;
    call.Say("book a table for four tomorrow at seven");
    call.Say("yes");
    EXPECT_THAT(call.Result(result),
                StartsWith("I have noted a table for four"))
        << result;
  }
}

TEST(HouseBookingTest, AResultThatWasInterruptedIsToldAgain) {
  HouseCall call;
  call.Say("book a table for four tomorrow at seven");
  call.Say("yes");
  const std::string told = call.Result("{}");
  call.Cut(12);
  EXPECT_EQ(call.Ask(), told);
  EXPECT_EQ(call.Say("pardon"), told);
}

TEST(HouseBookingTest, AResultThatComesLateIsTold) {
  HouseCall call;
  call.Say("book a table for four tomorrow at seven");
  call.Say("yes");
  const size_t tool = call.lines().size() - 1;
  EXPECT_EQ(call.Say("what time is it"),
            "It is seven fifty one p m, universal time.");
  call.lines()[tool].result = "{}";
  const std::string told =
      "I have noted a table for four, tomorrow, at seven p m. "
      "Is there anything else?";
  EXPECT_THAT(call.Ask(), StartsWith(told));
  const std::string both = call.Say("spell garden");
  EXPECT_EQ(both, told + " G, A, R, D, E, N.");
  EXPECT_EQ(call.Say("spell garden"), "G, A, R, D, E, N.");
}

TEST(HouseMessageTest, IsWhateverIsSaid) {
  HouseCall call;
  EXPECT_EQ(call.Say("I want to leave a message"), "What is the message?");
  EXPECT_EQ(call.Say("Call me back at seven, what time is it, \"Jo\"."), "");
  EXPECT_EQ(
      Called(call),
      R"(take_message {"text":"Call me back at seven, what time is it, \"Jo\"."})");
  EXPECT_EQ(call.Result("ok"),
            "I have taken your message. Is there anything else?");
  EXPECT_TRUE(IsFallback(call.Say("call me")));
}

TEST(HouseMessageTest, IsBounded) {
  HouseCall call;
  call.Say("take a message");
  call.Say(std::string(5000, 'x'));
  ASSERT_TRUE(call.tool);
  EXPECT_EQ(StringMember(*ParseJson(call.tool->arguments), "text").size(),
            HouseRules::kMaxValueBytes);
}

TEST(HouseMessageTest, IsGivenUp) {
  HouseCall call;
  call.Say("take a message");
  EXPECT_EQ(call.Say("never mind"), "All right, no message.");
  EXPECT_FALSE(call.tool);
  call.Say("take a message");
  call.Say("good bye");
  EXPECT_EQ(Called(call), "end_call {}");
}

TEST(HouseTransferTest, ThatFailsIsTold) {
  HouseCall call;
  EXPECT_EQ(call.Say("put me through"),
            "I will put you through. One moment, please.");
  EXPECT_EQ(call.Result(R"({"error":"busy"})"),
            "I am sorry, nobody can take your call now. Shall I take a "
            "message?");
}

TEST(HouseTransferTest, InAFormReturnsToIt) {
  HouseCall call;
  call.Say("book a table for four");
  call.Say("can i speak to a person");
  EXPECT_EQ(Called(call), R"(transfer {"to":"desk"})");
  EXPECT_THAT(call.Result(R"({"error":"busy"})"),
              EndsWith("Shall I take a message? For which day?"));
  EXPECT_EQ(call.Say("tomorrow"), "At what time?");
}

TEST(HouseEndTest, HasNoMoreWords) {
  HouseCall call;
  EXPECT_THAT(call.Say("good bye"), HasSubstr("ood bye."));
  ASSERT_TRUE(call.tool);
  EXPECT_EQ(call.Result("{}"), "");
  EXPECT_FALSE(call.tool);
}

TEST(HouseEndTest, ThatDoesNotComeIsNoSilence) {
  HouseCall call;
  call.Say("good bye");
  EXPECT_EQ(call.Result(R"({"error":"the call goes on"})"),
            "I did not hear anything. How can I help you?");
  EXPECT_FALSE(call.tool);
  EXPECT_EQ(call.Say("spell garden"), "G, A, R, D, E, N.");
}

TEST(HouseOthersTest, AConversationOfAnotherAgentDoesNotConfuseIt) {
  HouseCall call;
  call.Agent("Welcome to the other place. What can I do?");
  call.Caller("book a table for four tomorrow at seven");
  call.Agent("Sure, I have booked that for you.");
  call.Caller("yes");
  call.Agent("Anything else?");
  EXPECT_TRUE(IsFallback(call.Say("seven people")));
  EXPECT_FALSE(call.tool);
  EXPECT_EQ(call.Say("book a table for two"), "For which day?");
  EXPECT_EQ(call.Say("friday"), "At what time?");
}

TEST(HouseOthersTest, ToolsOfAnotherAgentAreItsOwn) {
  HouseCall call;
  call.Caller("book a table for four tomorrow at seven");
  call.Tool(
      {ConversationLine::Kind::kTool, {}, "call_1", "find_table", "{}", "{}"});
  call.Agent("There is one.");
  EXPECT_EQ(call.Say("yes"), "What can I do for you?");
  EXPECT_FALSE(call.tool);
  call.Caller("take a message that i am late");
  call.Tool({ConversationLine::Kind::kTool,
             {},
             "call_2",
             "look_up",
             "{}",
             std::nullopt});
  EXPECT_THAT(call.Ask(), Not(IsEmpty()));
}

// Words of the session's own, such as when nobody has spoken for a while.
TEST(HouseOthersTest, OtherWordsBetweenDoNotConfuseIt) {
  HouseCall call;
  call.Say("book a table for four");
  call.Agent("Are you still there?");
  EXPECT_EQ(call.Say("tomorrow"), "At what time?");
  call.Caller("at seven");
  call.Agent("One moment.");
  call.Agent("A table for four, tomorrow, at seven p m. Is that right?");
  EXPECT_EQ(call.Say("yes"), "One moment, please.");
}

TEST(HouseOthersTest, LinesThatWereJoinedAreKnown) {
  HouseCall call;
  call.Say("book a table for four");
  call.lines().back().text = "Hm. For which day?  Are you there?";
  EXPECT_EQ(call.Say("tomorrow"), "At what time?");
}

TEST(HouseDialogueTest, TheSameConversationHasTheSameAnswer) {
  HouseCall call;
  call.Say("book a table for four");
  call.Say("tomorrow");
  call.Caller("seven");
  const std::string first = call.Ask();
  EXPECT_EQ(call.Ask(), first);
  HouseCall other;
  other.lines() = call.lines();
  EXPECT_EQ(other.Ask(), first);
}

TEST(HouseDialogueTest, OnlyTheLastTurnsCount) {
  HouseCall call;
  call.Say("book a table for four");
  for (size_t i = 0; i < HouseRules::kMaxTurns; ++i)
    call.Say("what time is it");
  EXPECT_TRUE(IsFallback(call.Say("tomorrow")));
}

// All that may be said is known to a recogniser that takes 1,000 words.
TEST(HouseSentencesTest, AreOfFewWords) {
  HouseCall call;
  const std::vector<std::string> sentences = call.house().Sentences();
  std::set<std::string> words;
  size_t running = 0;
  for (const std::string& sentence : sentences) {
    for (const TextWord& word : TextWordsOf(sentence, 100)) {
      words.insert(word.word);
      ++running;
    }
    for (const char c : sentence) {
      EXPECT_TRUE((c >= 'a' && c <= 'z') || c == '\'' || c == ' ') << sentence;
    }
  }
  EXPECT_GT(sentences.size(), 200U);
  EXPECT_LE(words.size(), 1000U);
  EXPECT_LE(running, 10'000U);
  // Once each, but for those that are likelier.
  std::map<std::string, size_t> times;
  for (const std::string& sentence : sentences) ++times[sentence];
  EXPECT_EQ(times["what time is it"], HouseRules::kLikelier);
  for (const auto& [sentence, count] : times) {
    EXPECT_TRUE(count == 1 || count == HouseRules::kLikelier) << sentence;
  }
  for (const char* word :
       {"seven", "o'clock", "tomorrow", "wednesday", "garden", "count",
        "people", "yes", "no", "message", "twenty", "thirty", "midnight"}) {
    EXPECT_TRUE(words.contains(word)) << word;
  }
}

TEST(HouseSentencesTest, AreHeardByItsRules) {
  HouseCall call;
  const std::vector<std::string> sentences = call.house().Sentences();
  size_t understood = 0;
  for (const std::string& sentence : sentences) {
    HouseCall one;
    if (!IsFallback(one.Say(sentence))) ++understood;
  }
  // The rest are answers to questions.
  EXPECT_GT(understood, sentences.size() / 3);
}

// Any words, its own and others, in any order: there is always an answer, that
// is speakable, bounded, and takes no time.
TEST(HousePropertyTest, ItAlwaysAnswers) {
  HouseCall source;
  std::vector<std::string> vocabulary = {
      "7:30", "99", "\xc3\xa9t\xc3\xa9", "'", "\xff", "{last}", "x", "p.m."};
  for (const std::string& sentence : source.house().Sentences()) {
    for (const TextWord& word : TextWordsOf(sentence, 100)) {
      vocabulary.push_back(word.word);
    }
  }
  size_t tools = 0;
  for (uint32_t round = 0; round < 60; ++round) {
    std::mt19937 random(round);
    const auto below = [&](size_t most) {
      return std::uniform_int_distribution<size_t>(0, most - 1)(random);
    };
    HouseCall call;
    for (int turn = 0; turn < 30; ++turn) {
      call.At(static_cast<int64_t>(turn) * 7919);
      std::string text;
      const size_t words = below(turn % 10 == 9 ? 200 : 12);
      for (size_t i = 0; i < words; ++i) {
        text += vocabulary[below(vocabulary.size())];
        text += below(8) == 0 ? ", " : " ";
      }
      const std::string said = call.Say(text);
      ASSERT_TRUE(!said.empty() || call.tool) << text;
      ASSERT_LE(said.size(), HouseRules::kMaxReplyBytes);
      for (const char c : said) ASSERT_TRUE(c >= ' ' && c <= '~') << said;
      if (call.tool) {
        ++tools;
        if (below(3) != 0) {
          call.Result(below(2) == 0 ? "{}" : R"({"error":"no"})");
        }
      } else if (below(4) == 0 && !said.empty()) {
        call.Cut(below(said.size()));
      }
    }
  }
  EXPECT_GT(tools, 0U);
}

TEST(HousePropertyTest, WhatRepeatsItselfDoesNotGrow) {
  Json dialogue = BuiltInJson();
  dialogue["rules"] = Json::array(
      {{{"hears", {"more"}}, {"says", {"{last} {last} {last} {now} {now}"}}}});
  HouseCall call(dialogue);
  call.Agent(call.Ask());
  for (int i = 0; i < 30; ++i) {
    ASSERT_LE(call.Say("more").size(), HouseRules::kMaxReplyBytes);
  }
}

// A dialogue of somebody's own.

Json SmallDialogue() {
  return Json::parse(R"({
    "name": "the shop", "greeting": ["Hi."], "yes": ["yes"], "no": ["no"],
    "fallback": ["Sorry?"],
    "rules": [{"hears": ["order"], "says": ["Gladly."], "goes": "order"}],
    "forms": [{"name": "order",
      "slots": [
        {"name": "gift", "kind": "yesNo", "asks": ["Is it a gift?"]},
        {"name": "note", "kind": "text", "asks": ["Which words?"]}],
      "tool": {"name": "order", "arguments": {"shop": 3},
        "done": ["Gift {gift}, {note}."], "failed": ["No."]}}]})");
}

TEST(HouseDialogueTest, MayBeAnother) {
  HouseCall call(SmallDialogue());
  EXPECT_EQ(call.Say("order"), "Gladly. Is it a gift?");
  EXPECT_EQ(call.Say("perhaps"), "Is it a gift?");
  EXPECT_EQ(call.Say("no"), "Which words?");
  EXPECT_EQ(call.Say("To \xc3\x89va"), "");
  EXPECT_EQ(Called(call),
            "order {\"gift\":false,\"note\":\"To \xc3\x89va\","
            "\"shop\":3}");
  EXPECT_EQ(call.Result("{}"), "Gift no, To va.");
  EXPECT_EQ(call.Say("what"), "Sorry?");
}

// The field that is wrong, after `change`.
template <class Change>
std::string FaultOf(const Change& change) {
  Json json = SmallDialogue();
  change(json);
  const auto parsed = ParseHouseDialogue(json);
  const auto* fault = std::get_if<HouseDialogueFault>(&parsed);
  return fault == nullptr ? "none"
                          : fault->field + ' ' + std::string(fault->why);
}

TEST(HouseDialogueTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(FaultOf([](Json&) {}), "none");
  EXPECT_EQ(FaultOf([](Json& j) { j = 7; }), "dialogue is no object");
  EXPECT_EQ(FaultOf([](Json& j) { j["rule"] = 1; }), "rule is not known");
  EXPECT_EQ(FaultOf([](Json& j) { j.erase("name"); }), "name is no name");
  EXPECT_EQ(FaultOf([](Json& j) { j.erase("greeting"); }),
            "greeting is missing");
  EXPECT_EQ(FaultOf([](Json& j) { j["yes"] = Json::array(); }), "yes is empty");
  EXPECT_EQ(FaultOf([](Json& j) { j["no"] = "no"; }), "no is no list");
  EXPECT_EQ(FaultOf([](Json& j) { j["fallback"][0] = "\xc3\xa9"; }),
            "fallback[0] is no ASCII");
  EXPECT_EQ(FaultOf([](Json& j) { j["fallback"][0] = "{gift}"; }),
            "fallback[0] has a place that nothing fills");
  EXPECT_EQ(FaultOf([](Json& j) { j["fallback"][0] = "{now"; }),
            "fallback[0] has a place that nothing fills");
  EXPECT_EQ(FaultOf([](Json& j) { j["fallback"][0] = std::string(301, 'a'); }),
            "fallback[0] is too long");
  EXPECT_EQ(FaultOf([](Json& j) { j["rules"][0]["hears"][0] = "(a"; }),
            "rules[0].hears[0] is no pattern");
  EXPECT_EQ(FaultOf([](Json& j) { j["rules"][0]["goes"] = "other"; }),
            "rules[0].goes is no form");
  EXPECT_EQ(FaultOf([](Json& j) {
              j["rules"][0].erase("goes");
              j["rules"][0].erase("says");
            }),
            "rules[0].says is missing");
  EXPECT_EQ(FaultOf([](Json& j) { j["rules"][0]["ends"] = true; }),
            "rules[0].ends is one too many");
  EXPECT_EQ(FaultOf([](Json& j) { j["rules"][0]["ends"] = false; }),
            "rules[0].ends is not true");
  EXPECT_EQ(
      FaultOf([](Json& j) { j["rules"][0]["tool"] = j["forms"][0]["tool"]; }),
      "rules[0].tool.done[0] has a place that nothing fills");
  EXPECT_EQ(FaultOf([](Json& j) { j["forms"][0].erase("tool"); }),
            "forms[0].tool is missing");
  EXPECT_EQ(FaultOf([](Json& j) { j["forms"][0]["tool"]["arguments"] = 1; }),
            "forms[0].tool.arguments is no object");
  EXPECT_EQ(FaultOf([](Json& j) { j["forms"][0]["slots"][0]["kind"] = "x"; }),
            "forms[0].slots[0].kind is none");
  EXPECT_EQ(
      FaultOf([](Json& j) { j["forms"][0]["slots"][1]["name"] = "gift"; }),
      "forms[0].slots[1].name is there twice");
  EXPECT_EQ(FaultOf([](Json& j) { j["forms"][0]["slots"][0]["min"] = -1; }),
            "forms[0].slots[0].min is no count");
  EXPECT_EQ(FaultOf([](Json& j) {
              j["forms"][0]["slots"][0]["min"] = 3;
              j["forms"][0]["slots"][0]["max"] = 2;
            }),
            "forms[0].slots[0].min is more than max");
  EXPECT_EQ(FaultOf([](Json& j) { j["forms"][0]["slots"][0]["from"] = "x"; }),
            "forms[0].slots[0].from is no time");
  EXPECT_EQ(FaultOf([](Json& j) {
              j["forms"][0]["slots"][0]["units"] = {"two words"};
            }),
            "forms[0].slots[0].units[0] is no word");
  EXPECT_EQ(FaultOf([](Json& j) { j["forms"].push_back(j["forms"][0]); }),
            "forms[1].name is there twice");
  EXPECT_EQ(FaultOf([](Json& j) {
              for (int i = 0; i < 100; ++i) j["rules"].push_back(j["rules"][0]);
            }),
            "rules is too long");
}

// Whatever a profile holds: a fault, and no trap.
TEST(HouseDialogueTest, AnyValueInAnyPlaceIsAFaultOrNone) {
  const Json values[] = {
      nullptr,          true,    7, "x", "", Json::array(), Json::object(),
      Json::array({1}), "{last}"};
  const Json flat = SmallDialogue().flatten();
  for (const auto& member : flat.items()) {
    for (const Json& value : values) {
      for (Json::json_pointer at(member.key()); !at.empty();
           at = at.parent_pointer()) {
        Json json = SmallDialogue();
        json[at] = value;
        const auto parsed = ParseHouseDialogue(json);
        if (const auto* dialogue = std::get_if<HouseDialogue>(&parsed)) {
          HouseRules house(*dialogue, {});
          const ConversationLine line{
              ConversationLine::Kind::kCaller, "order", {}, {}, {}, {}};
          house.Ask({{&line, 1}, {}});
          EXPECT_TRUE(house.NextEvent());
        } else {
          EXPECT_FALSE(std::get<HouseDialogueFault>(parsed).field.empty());
        }
      }
    }
  }
}

}  // namespace
}  // namespace trunkline::protocol
