// What is stored of replies that were interrupted at any moment, against what
// was heard of them: by agents whose voices say when each word is spoken, and
// by those whose do not.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "support/world/cascade_call.h"
#include "support/world/speech_worker.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

constexpr int kCalls = 20;
constexpr int kPerCall = 10;

const std::vector<std::string>& Answers() {
  static const std::vector<std::string> kAnswers = {
      "We are open from nine in the morning until six in the evening, on "
      "Sundays from ten. Would you like to book a table for one of these days?",
      "I have found three rooms for you. The first one has a view of the "
      "garden, the second is quieter, and the third has a balcony that faces "
      "the sea.",
      "Your order left our warehouse yesterday. It should be with you "
      "tomorrow, unless the weather delays it. Shall I send you a message when "
      "it arrives?",
      "That is not possible today. We can repair it on Thursday, or you can "
      "bring it to the shop, where somebody looks at it while you wait."};
  return kAnswers;
}

int64_t WordsOf(const std::string& text) {
  int64_t words = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ' ' && (i == 0 || text[i - 1] == ' ')) ++words;
  }
  return words;
}

struct Errors {
  int interruptions = 0;
  int within_one = 0;
  int exact = 0;
  int64_t worst = 0;

  void Add(int64_t stored, int64_t heard) {
    const int64_t error = std::llabs(stored - heard);
    ++interruptions;
    within_one += error <= 1 ? 1 : 0;
    exact += error == 0 ? 1 : 0;
    worst = std::max(worst, error);
  }
  void Print(const char* agent) const {
    std::printf(
        "stored text of %d interrupted replies of %s: exact %d, within one "
        "word %d, worst %lld words\n",
        interruptions, agent, exact, within_one, static_cast<long long>(worst));
  }
};

// The caller is listened to, and asks; then he interrupts each reply, which is
// what he asks next.
TEST(WordsHeardTest, OfACascadeThatDoesNotKnowItsWordsTimes) {
  Errors errors;
  for (int call = 0; call < kCalls; ++call) {
    SCOPED_TRACE(call);
    VirtualWorld world(CascadeOptions(static_cast<uint64_t>(call) + 1));
    RestServices services(world.upstreams, world.clock);
    services.jitter_percent = 15;
    services.says = {"tell me more"};
    services.answer = [&](const Json& /*messages*/) {
      return Answers()[world.clock.Random(4)];
    };
    Listen(world);
    world.line.Say(Speech(900));
    for (int i = 0; i < kPerCall; ++i) {
      const size_t replies = world.Count("replyStarted");
      const size_t spoken = services.spoken().size();
      const int64_t before_ms = world.line.heard_ms();
      ASSERT_TRUE(world.RunUntil(
          [&] { return world.Count("replyStarted") > replies; }));
      const auto after_ms = 300 + int64_t{world.clock.Random(7'000)};
      ASSERT_TRUE(world.RunUntil(
          [&] { return world.line.heard_ms() - before_ms >= after_ms; }));
      const size_t truncated = world.Count("truncated");
      const size_t lines = world.Count("line");
      world.line.Say(Speech(900 + static_cast<int>(world.clock.Random(30)) * 20,
                            world.clock.Random(8)));
      ASSERT_TRUE(
          world.RunUntil([&] { return world.Count("truncated") > truncated; }));
      world.Advance(Duration::Millis(200));
      const int64_t heard_ms = world.line.heard_ms() - before_ms;
      int64_t words = 0;
      int64_t begin_ms = 0;
      for (size_t k = spoken; k < services.spoken().size(); ++k) {
        const RestServices::Spoken& one = services.spoken()[k];
        words += std::count_if(
            one.word_ends_ms.begin(), one.word_ends_ms.end(),
            [&](int64_t end_ms) { return begin_ms + end_ms <= heard_ms; });
        begin_ms += one.length_ms;
      }
      const auto stored = [&]() -> std::optional<std::string> {
        const std::vector<Json> all = world.EventsOf("line");
        for (size_t k = lines; k < all.size(); ++k) {
          if (all[k]["role"] == "agent") return all[k].value("heard", "");
        }
        return std::nullopt;
      };
      ASSERT_TRUE(world.RunUntil([&] { return stored().has_value(); }));
      errors.Add(WordsOf(*stored()), words);
    }
    EXPECT_EQ(world.line.underruns(), 0);
  }
  errors.Print("cascade");
  EXPECT_EQ(errors.interruptions, kCalls * kPerCall);
  EXPECT_GE(errors.within_one, errors.interruptions * 99 / 100);
}

// Whose voice says when each word is spoken: what is stored is what the heard
// clock says, to the word.
TEST(WordsHeardTest, OfTheHouseAreExact) {
  constexpr const char* kGreeting =
      "Hello and welcome to the garden restaurant. I am here to help you "
      "today, "
      "so what can I do? You may book a table, or leave a message for "
      "somebody.";
  Errors errors;
  for (uint64_t call = 0; call < kCalls * kPerCall; ++call) {
    VirtualWorld::Options options;
    options.agent = "house";
    options.profile["greeting"] = kGreeting;
    options.leg_delay = Duration::Millis(20);
    options.seed = call + 1;
    VirtualWorld world(options);
    SpeechWorker worker(world.upstreams);
    world.line.Call();
    ASSERT_TRUE(
        world.RunUntil([&] { return world.Count("replyStarted") == 1; }));
    world.Advance(Duration::Millis(200 + world.clock.Random(6'000)));
    worker.hears.push_back("who are you");
    world.line.Say(Speech(900, call));
    ASSERT_TRUE(world.RunUntil([&] { return world.Count("truncated") == 1; }));
    const int64_t heard_ms =
        world.EventsOf("truncated").front()["audioEndMs"].get<int64_t>();
    ASSERT_TRUE(world.RunUntil([&] { return world.Count("line") >= 1; }));
    errors.Add(WordsOf(world.EventsOf("line").front().value("heard", "")),
               heard_ms / SpeechWorker::kWordMs);
  }
  errors.Print("house");
  EXPECT_EQ(errors.exact, errors.interruptions);
}

class RealtimeWordsHeardTest : public ToldProviderTest {
 protected:
  // Of a text: what says it, mu-law, words by their letters and 15 % either
  // way, with a pause behind each comma and sentence; and where words end.
  struct Voice {
    std::string bytes;
    std::vector<int64_t> word_ends_ms;
  };
  static Voice Say(const std::string& text, Clock& clock) {
    Voice voice;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find(' ', at), text.size());
      const auto letters = static_cast<int64_t>(end - at);
      const int64_t ms = (110 + 50 * letters) *
                         (85 + static_cast<int64_t>(clock.Random(31))) / 100;
      voice.bytes.append(static_cast<size_t>(ms) * 8, 'P');
      voice.word_ends_ms.push_back(static_cast<int64_t>(voice.bytes.size()) /
                                   8);
      const char last = text[end - 1];
      const int pause_ms = last == ','                  ? 180
                           : last == '.' || last == '?' ? 140
                                                        : 0;
      voice.bytes.append(static_cast<size_t>(pause_ms) * 8, '\xFF');
      at = end + 1;
    }
    return voice;
  }
};

// A provider that makes whole replies, and whose texts come with them.
TEST_F(RealtimeWordsHeardTest, OfARealtimeProvider) {
  Errors errors;
  for (int call = 0; call < kCalls; ++call) {
    SCOPED_TRACE(call);
    VirtualWorld::Options options = Options();
    options.seed = static_cast<uint64_t>(call) + 1;
    options.limits = {{"maxCallMs", 86'000'000}};
    VirtualWorld world(options);
    Start(world);
    Committed(world, "u0");
    for (int i = 0; i < kPerCall; ++i) {
      const std::string response = "r" + std::to_string(i);
      const std::string item = "i" + std::to_string(i);
      const std::string& text = Answers()[world.clock.Random(4)];
      const Voice voice = Say(text, world.clock);
      const int64_t before_ms = world.line.heard_ms();
      Created(world, response);
      Tell(world, {{"type", "response.output_audio_transcript.delta"},
                   {"response_id", response},
                   {"item_id", item},
                   {"content_index", 0},
                   {"delta", text}});
      Tell(world, {{"type", "response.output_audio.delta"},
                   {"response_id", response},
                   {"item_id", item},
                   {"content_index", 0},
                   {"delta", ToBase64(voice.bytes)}});
      Tell(world, {{"type", "response.output_audio_transcript.done"},
                   {"response_id", response},
                   {"item_id", item},
                   {"content_index", 0},
                   {"transcript", text}});
      Done(world, response);
      const auto after_ms = 300 + int64_t{world.clock.Random(6'000)};
      ASSERT_TRUE(world.RunUntil(
          [&] { return world.line.heard_ms() - before_ms >= after_ms; }));
      const size_t truncated = world.Count("truncated");
      const size_t lines = world.Count("line");
      world.line.Say(Speech(900, world.clock.Random(8)));
      ASSERT_TRUE(
          world.RunUntil([&] { return world.Count("truncated") > truncated; }));
      Wait(world, 200);
      const int64_t heard_ms = world.line.heard_ms() - before_ms;
      const auto heard =
          std::count_if(voice.word_ends_ms.begin(), voice.word_ends_ms.end(),
                        [&](int64_t end_ms) { return end_ms <= heard_ms; });
      Wait(world, 1'500);
      Committed(world, "u" + std::to_string(i + 1));
      std::optional<std::string> stored;
      const std::vector<Json> all = world.EventsOf("line");
      for (size_t k = lines; k < all.size(); ++k) {
        if (all[k]["role"] == "agent") stored = all[k].value("heard", "");
      }
      ASSERT_TRUE(stored.has_value());
      errors.Add(WordsOf(*stored), heard);
    }
  }
  errors.Print("openai-realtime");
  EXPECT_EQ(errors.interruptions, kCalls * kPerCall);
  EXPECT_GE(errors.within_one, errors.interruptions * 99 / 100);
}

}  // namespace
}  // namespace trunkline::test
