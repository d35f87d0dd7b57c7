// When a caller's turn is over, where his words say that he goes on: whole
// calls with a cascade whose ears are asked in his pauses.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <numbers>
#include <string>
#include <vector>

#include "session/caller_turns.h"
#include "support/world/cascade_call.h"
#include "support/world/dice.h"

namespace trunkline::test {
namespace {

using Endpoint = RestServices::Endpoint;

// A turn: what is said without a pause, and how long each pause is.
struct Said {
  std::vector<std::string> bursts;
  std::vector<int> pauses_ms;
  std::string question;
};

// Pauses within what belongs together. Campione and Veronis (A large-scale
// multilingual study of silent pause duration, Speech Prosody 2002) find the
// logarithms of pauses to be about normal, most between 200 and 1000 ms, and in
// spontaneous speech a further kind beyond 1000 ms. Here 95 % of the first kind
// are within these bounds: a median of 447 ms and a deviation of 0.40 of the
// logarithm. That one pause in twenty is of the second kind, with a median of
// 1200 ms and a deviation of 0.2, is an assumption.
int PauseMs(Dice& dice) {
  const auto uniform = [&dice] {
    return (dice.Below(1'000'000) + 0.5) / 1'000'000.0;
  };
  const double normal = std::sqrt(-2 * std::log(uniform())) *
                        std::cos(2 * std::numbers::pi * uniform());
  const double ms = dice.Chance(50) ? 1200 * std::exp(0.2 * normal)
                                    : 447 * std::exp(0.4 * normal);
  return static_cast<int>(ms);
}

std::string Digits(Dice& dice, int count) {
  std::string digits;
  for (int i = 0; i < count; ++i) {
    digits += static_cast<char>('0' + dice.Below(10));
  }
  return digits;
}

// Fifty numbers of telephones and cards, and fifty sentences that are said with
// pauses where speakers look for words.
Said MakeTurn(uint64_t number) {
  Dice dice(number + 1);
  Said said;
  if (number < 50) {
    const bool is_card = number % 2 == 1;
    if (number % 4 < 2) {
      said.question =
          is_card ? "What is your card number?" : "What is your phone number?";
    } else {
      said.bursts = {is_card ? "my card number is" : "my number is"};
    }
    for (const int count :
         is_card ? std::vector<int>{4, 4, 4, 4} : std::vector<int>{3, 3, 4}) {
      said.bursts.push_back(Digits(dice, count));
    }
  } else {
    static const std::vector<std::vector<std::string>> kSentences = {
        {"I would like to book a table for", "six people."},
        {"I'm calling because", "my order has not arrived."},
        {"My name is", "Martin Weber."},
        {"Could you tell me the", "price of the large one?"},
        {"We want to come on Friday and", "we will be eight people."},
        {"Um", "I have a question about my", "invoice."},
        {"I need", "a room for two nights."},
        {"Please send it to the", "address in my account."},
        {"I would rather have the", "smaller table near the", "window."},
        {"It broke when", "I tried to open it."}};
    said.bursts = kSentences[number % kSentences.size()];
  }
  for (size_t i = 1; i < said.bursts.size(); ++i) {
    said.pauses_ms.push_back(PauseMs(dice));
  }
  return said;
}

struct Ended {
  bool cut = false;
  // From the end of the speech to the end of the turn, and to the model's being
  // asked.
  int64_t over_ms = 0;
  int64_t asked_ms = 0;
  int64_t dropped_texts = 0;
};

Ended Say(const Said& said, uint64_t seed,
          const VirtualWorld::Options& given = CascadeOptions()) {
  VirtualWorld::Options options = given;
  options.seed = seed;
  if (!said.question.empty()) options.profile["greeting"] = said.question;
  VirtualWorld world(options);
  RestServices services(world.upstreams, world.clock);
  services.says = said.bursts;
  Listen(world);
  if (!said.question.empty()) {
    EXPECT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
  }
  std::vector<int16_t> speech;
  for (size_t i = 0; i < said.bursts.size(); ++i) {
    // A letter takes 60 ms, a digit 350.
    const bool is_number =
        said.bursts[i].find_first_not_of("0123456789") == std::string::npos;
    const int ms = std::max(
        300, static_cast<int>(said.bursts[i].size()) * (is_number ? 350 : 60));
    const std::vector<int16_t> burst = Speech(ms, i);
    speech.insert(speech.end(), burst.begin(), burst.end());
    if (i < said.pauses_ms.size()) {
      speech.resize(speech.size() + static_cast<size_t>(said.pauses_ms[i]) * 8);
    }
  }
  const size_t asked = services.Count(Endpoint::kChat);
  const size_t replies = world.Count("replyDone");
  const Instant from = world.now();
  world.line.Say(speech);
  const Instant over =
      from + Duration::Millis(static_cast<int64_t>(speech.size() / 8));
  Ended ended;
  EXPECT_TRUE(world.RunUntil([&] { return world.Count("turnEnded") == 1; }));
  ended.cut = world.now() < over;
  ended.over_ms = (world.now() - over).ms();
  if (ended.cut) return ended;
  EXPECT_TRUE(
      world.RunUntil([&] { return services.Count(Endpoint::kChat) > asked; }));
  ended.asked_ms = (world.now() - over).ms();
  EXPECT_TRUE(
      world.RunUntil([&] { return world.Count("replyDone") > replies; }));
  for (const Json& usage : world.EventsOf("usage")) {
    ended.dropped_texts += usage.value("droppedTexts", int64_t{0});
  }
  return ended;
}

// What an end of a turn that is silence alone makes of the same pauses.
int CutsOf(int end_ms) {
  int cuts = 0;
  for (uint64_t i = 0; i < 100; ++i) {
    const Said said = MakeTurn(i);
    cuts += std::any_of(said.pauses_ms.begin(), said.pauses_ms.end(),
                        [end_ms](int pause) { return pause >= end_ms; })
                ? 1
                : 0;
  }
  return cuts;
}

TEST(EndpointingTest, OfAHundredDictatedNumbersAndHaltingSentencesFewAreCut) {
  int cuts = 0;
  int64_t over_ms = 0;
  int64_t asked_ms = 0;
  int64_t dropped = 0;
  for (uint64_t i = 0; i < 100; ++i) {
    SCOPED_TRACE(i);
    const Ended ended = Say(MakeTurn(i), i + 1);
    cuts += ended.cut ? 1 : 0;
    if (ended.cut) continue;
    over_ms += ended.over_ms;
    asked_ms += ended.asked_ms;
    dropped += ended.dropped_texts;
  }
  const int64_t whole = 100 - cuts;
  const RestServices::Pace pace;
  // There and back.
  const long long hears_ms = pace.transcription.ms() + 40;
  std::printf(
      "| end of the turn | cut, of 100 | turn over | model asked |\n"
      "| silence of 500 ms | %d | 500 ms | %lld ms |\n"
      "| silence of 700 ms | %d | 700 ms | %lld ms |\n"
      "| by words | %d | %lld ms | %lld ms |\n"
      "texts made in vain: %lld\n",
      CutsOf(500), 500 + hears_ms, CutsOf(700), 700 + hears_ms, cuts,
      static_cast<long long>(over_ms / whole),
      static_cast<long long>(asked_ms / whole),
      static_cast<long long>(dropped));
  EXPECT_LT(cuts, 3);
  EXPECT_GE(CutsOf(700), 10);
  // Who has finished waits no longer than by silence, but for detection and the
  // line, and his reply is asked for sooner.
  EXPECT_LE(over_ms / whole, 700 + 120);
  EXPECT_LT(asked_ms / whole, 700 + hears_ms);
  // The texts before each pause that is long enough.
  EXPECT_GT(dropped, 100);
}

TEST(EndpointingTest, AnAnswerOfAWordIsTakenSooner) {
  int64_t sum_ms = 0;
  const std::vector<std::string> answers = {"yes", "No.", "Yes please.", "five",
                                            "Tomorrow."};
  for (size_t i = 0; i < answers.size(); ++i) {
    Said said;
    said.bursts = {answers[i]};
    said.question = "Is that right?";
    const Ended ended = Say(said, i + 1);
    EXPECT_FALSE(ended.cut);
    sum_ms += ended.over_ms;
    EXPECT_EQ(ended.dropped_texts, 0);
  }
  const auto mean_ms = sum_ms / static_cast<int64_t>(answers.size());
  std::printf("an answer of a word: over after %lld ms\n",
              static_cast<long long>(mean_ms));
  // 300 ms of silence, and the text of what was said.
  EXPECT_LE(mean_ms, 700);
}

// Nobody waits for ever for who means to go on and does not.
TEST(EndpointingTest, WhoDoesNotGoOnIsAnsweredAtTheLatestAfterTheLongestEnd) {
  Said said;
  said.bursts = {"I would like to book a table for"};
  const Ended ended = Say(said, 1);
  EXPECT_GE(ended.over_ms, session::CallerTurns::kUnfinishedEnd.ms());
  EXPECT_LE(ended.over_ms, session::CallerTurns::kUnfinishedEnd.ms() + 120);
}

// Nor for ears that say nothing.
TEST(EndpointingTest, EarsThatAreSilentHoldATurnNoLonger) {
  VirtualWorld world(CascadeOptions());
  RestServices services(world.upstreams, world.clock);
  services.says = {"hello"};
  services.Fail(Endpoint::kTranscription,
                {{.kind = RestServices::Fault::Kind::kStall}});
  Listen(world);
  const Instant from = world.now();
  world.line.Say(Speech(800));
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("turnEnded") == 1; }));
  EXPECT_LE((world.now() - from).ms(),
            800 + session::CallerTurns::kUnfinishedEnd.ms() + 120);
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("replyDone") == 1; }));
}

// A profile that wants longer ends of turns than any of these has them.
TEST(EndpointingTest, ALongerEndOfTheProfileHolds) {
  Said said;
  said.bursts = {"I would like to book a table for"};
  VirtualWorld::Options options = CascadeOptions();
  options.limits["endOfTurnMs"] = 2'000;
  const Ended ended = Say(said, 1, options);
  EXPECT_GE(ended.over_ms, 2'000);
  EXPECT_LE(ended.over_ms, 2'120);
}

TEST(EndpointingTest, OtherLanguagesHaveSilenceAlone) {
  Said said;
  said.bursts = {"ich komme und"};
  VirtualWorld::Options options = CascadeOptions();
  options.profile["language"] = "de";
  const Ended ended = Say(said, 1, options);
  EXPECT_LE(ended.over_ms, 700 + 120);
}

}  // namespace
}  // namespace trunkline::test
