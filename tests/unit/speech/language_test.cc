#include "speech/recognizer/language.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace trunkline::speech {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(LanguageTest, WordsAreLettersDigitsAndApostrophes) {
  EXPECT_THAT(WordsOf("Don't, \"check-in\" O\u2019Brien! 24/7"),
              ElementsAre("don't", "check", "in", "o'brien", "24", "7"));
  EXPECT_THAT(WordsOf("'quoted' caf\u00e9"), ElementsAre("quoted", "cafe"));
  EXPECT_THAT(WordsOf(" ... \U0001f600 '"), IsEmpty());
  EXPECT_EQ(Language::kMaxWordBytes, WordsOf(std::string(100, 'x'))[0].size());
}

TEST(LanguageTest, ALineIsASentence) {
  Language language;
  ASSERT_TRUE(language.Add("Yes please\n\nno\r\nPLEASE yes"));
  EXPECT_THAT(language.words(), ElementsAre("yes", "please", "no"));
  EXPECT_THAT(
      language.sentences(),
      ElementsAre(ElementsAre(0, 1), ElementsAre(2), ElementsAre(1, 0)));
  language.Clear();
  EXPECT_THAT(language.words(), IsEmpty());
  EXPECT_EQ(nullptr, language.Find("yes"));
}

TEST(LanguageTest, TooManyWordsAreRefusedTogether) {
  Language language;
  std::string lines;
  for (size_t i = 0; i < Language::kMaxWords; ++i) {
    lines += "w" + std::to_string(i) + "\n";
  }
  ASSERT_TRUE(language.Add(lines));
  EXPECT_FALSE(language.Add("w0 w1\none more"));
  EXPECT_EQ(Language::kMaxWords, language.words().size());
  EXPECT_EQ(Language::kMaxWords, language.sentences().size());
  // Those that are there may be said again, up to a bound.
  std::string line;
  for (int i = 0; i < 100; ++i) line += "w1 ";
  size_t added = 0;
  while (language.Add(line)) ++added;
  EXPECT_EQ((Language::kMaxRunningWords - Language::kMaxWords) / 100, added);
}

// An ARPA model as it is read: log10 of a probability and of a back-off.
struct Model {
  std::map<std::string, std::pair<double, double>> unigrams;
  std::map<std::string, std::map<std::string, double>> bigrams;
};

Model Parse(const std::string& text) {
  Model model;
  std::istringstream lines(text);
  std::string line;
  int order = 0;
  while (std::getline(lines, line)) {
    if (line == "\\1-grams:") order = 1;
    if (line == "\\2-grams:") order = 2;
    std::istringstream fields(line);
    double log = 0;
    if (!(fields >> log)) continue;
    std::string first;
    fields >> first;
    if (order == 1) {
      double back_off = 0;
      fields >> back_off;
      model.unigrams[first] = {log, back_off};
    } else {
      std::string second;
      fields >> second;
      model.bigrams[first][second] = log;
    }
  }
  return model;
}

TEST(LanguageTest, ProbabilitiesBehindAWordAreOneTogether) {
  Language language;
  ASSERT_TRUE(language.Add(
      "book a table for two\nbook a table for three\nwhat is the menu\n"
      "a table please\nyes\nyes please"));
  const Model model = Parse(
      ArpaModel(language, std::vector<bool>(language.words().size(), true)));
  ASSERT_EQ(12u + 2, model.unigrams.size());
  double sum = 0;
  for (const auto& [word, entry] : model.unigrams) {
    sum += word == "<s>" ? 0 : std::pow(10, entry.first);
  }
  EXPECT_NEAR(1.0, sum, 1e-3);
  for (const auto& [word, followers] : model.bigrams) {
    double behind = 0;
    for (const auto& [next, entry] : model.unigrams) {
      if (next == "<s>") continue;
      const auto follower = followers.find(next);
      behind +=
          std::pow(10, follower != followers.end()
                           ? follower->second
                           : entry.first + model.unigrams.at(word).second);
    }
    EXPECT_NEAR(1.0, behind, 2e-3) << word;
  }
  // Two of the three tables are booked for somebody.
  EXPECT_NEAR(2.0 / 3 * (1 - kBackOff),
              std::pow(10, model.bigrams.at("table").at("for")), 1e-3);
}

TEST(LanguageTest, AnUnknownWordCutsItsSentence) {
  Language language;
  ASSERT_TRUE(language.Add("one xyzzy two\nxyzzy"));
  const Model model = Parse(ArpaModel(language, {true, false, true}));
  EXPECT_FALSE(model.unigrams.contains("xyzzy"));
  EXPECT_FALSE(model.bigrams.contains("one"));
  EXPECT_TRUE(model.bigrams.at("<s>").contains("one"));
  EXPECT_TRUE(model.bigrams.at("two").contains("</s>"));
  EXPECT_EQ("", ArpaModel(language, {false, false, false}));
}

TEST(LanguageTest, SentencesShareTheirBeginnings) {
  Language language;
  ASSERT_TRUE(language.Add("a b c\na b\na d\na b c\nx y"));
  std::vector<bool> known(language.words().size(), true);
  const SentenceTree tree = TreeOf(language, known);
  EXPECT_EQ(7u, tree.states);
  EXPECT_EQ(6u, tree.arcs.size());
  EXPECT_EQ(4u, tree.ends.size());
  known[*language.Find("b")] = false;
  EXPECT_EQ(2u, TreeOf(language, known).ends.size());
  EXPECT_THAT(
      TreeOf(language, std::vector<bool>(language.words().size(), false)).ends,
      IsEmpty());
}

constexpr std::string_view kDictionary =
    "a AH\na(2) EY\nread R EH D\nread(2) R IY D\nreads R IY D Z\n"
    "yes Y EH S\r\n\nbroken\n yes Y\nyes(2) Y AE S";

TEST(PronunciationsTest, TakesTheWordsOfTheLanguage) {
  Language language;
  ASSERT_TRUE(language.Add("yes read broken a unheard"));
  Pronunciations sounds;
  sounds.Begin(language);
  sounds.Feed(kDictionary);
  sounds.Finish();
  EXPECT_EQ(
      "a AH\na(2) EY\nread R EH D\nread(2) R IY D\nyes Y EH S\n"
      "yes(2) Y AE S\n",
      sounds.lines());
  EXPECT_EQ(3u, sounds.known_count());
  EXPECT_THAT(sounds.known(), ElementsAre(true, true, false, true, false));
}

TEST(PronunciationsTest, TheCutsOfTheDictionaryChangeNothing) {
  Language language;
  ASSERT_TRUE(language.Add("yes read a"));
  Pronunciations whole;
  whole.Begin(language);
  whole.Feed(kDictionary);
  whole.Finish();
  for (size_t slice = 1; slice < kDictionary.size(); ++slice) {
    Pronunciations sounds;
    sounds.Begin(language);
    for (size_t at = 0; at < kDictionary.size(); at += slice) {
      sounds.Feed(kDictionary.substr(at, slice));
    }
    sounds.Finish();
    ASSERT_EQ(whole.lines(), sounds.lines()) << slice;
  }
}

TEST(PronunciationsTest, VariantsAreNumberedAsTheyCome) {
  Language language;
  ASSERT_TRUE(language.Add("a"));
  Pronunciations sounds;
  sounds.Begin(language);
  sounds.Feed("a(3) EY\na AH\na(2) EH\n");
  EXPECT_EQ("a EY\na(2) AH\na(3) EH\n", sounds.lines());
  for (int i = 0; i < 20; ++i) sounds.Feed("a(9) AA\n");
  EXPECT_EQ(Pronunciations::kMaxVariants,
            std::ranges::count(sounds.lines(), '\n'));
}

TEST(PronunciationsTest, ALineWithoutAnEndIsPassedOver) {
  Language language;
  ASSERT_TRUE(language.Add("a b"));
  Pronunciations sounds;
  sounds.Begin(language);
  for (int i = 0; i < 10000; ++i) sounds.Feed("a A ");
  sounds.Feed("\nb B\n");
  EXPECT_EQ("b B\n", sounds.lines());
}

}  // namespace
}  // namespace trunkline::speech
