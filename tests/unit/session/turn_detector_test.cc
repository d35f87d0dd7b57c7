#include "session/turn_detector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trunkline::session {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<TurnDetector::Event> Detect(TurnDetector& detector,
                                        const std::string& frames) {
  std::vector<TurnDetector::Event> events;
  for (const char c : frames) {
    const TurnDetector::Event event = detector.OnFrame(c == 'x');
    if (event != TurnDetector::Event::kNone) events.push_back(event);
  }
  return events;
}

TEST(TurnDetectorTest, AClickIsNoSpeech) {
  TurnDetector detector(Duration::Millis(700));
  EXPECT_THAT(Detect(detector, "..xx......x..x..x.."), IsEmpty());
  EXPECT_FALSE(detector.speaking());
}

TEST(TurnDetectorTest, SpeechStartsStopsAndEndsTheTurn) {
  TurnDetector detector(Duration::Millis(700));
  EXPECT_THAT(Detect(detector, "..x.xx"),
              ElementsAre(TurnDetector::Event::kSpeechStarted));
  // From the oldest of the frames that counted.
  EXPECT_EQ(detector.since_start().ms(), 80);
  EXPECT_EQ(detector.speech().ms(), 60);
  EXPECT_THAT(Detect(detector, "xx" + std::string(9, '.')), IsEmpty());
  EXPECT_THAT(Detect(detector, "."),
              ElementsAre(TurnDetector::Event::kSpeechStopped));
  EXPECT_EQ(detector.since_speech().ms(), 200);
  EXPECT_THAT(Detect(detector, std::string(24, '.')), IsEmpty());
  EXPECT_THAT(Detect(detector, "."),
              ElementsAre(TurnDetector::Event::kTurnEnded));
  EXPECT_EQ(detector.since_speech().ms(), 700);
  EXPECT_FALSE(detector.in_turn());
}

TEST(TurnDetectorTest, APauseWithinTheTurnIsNotItsEnd) {
  TurnDetector detector(Duration::Millis(700));
  EXPECT_THAT(Detect(detector, "xxxx" + std::string(30, '.') + "xxxx"),
              ElementsAre(TurnDetector::Event::kSpeechStarted,
                          TurnDetector::Event::kSpeechStopped,
                          TurnDetector::Event::kSpeechStarted));
}

TEST(TurnDetectorTest, TheEndMayComeLaterAndSooner) {
  TurnDetector detector(Duration::Millis(700));
  Detect(detector, "xxxx" + std::string(20, '.'));
  EXPECT_TRUE(detector.pausing());
  detector.SetEndOfTurn(Duration::Millis(1'500));
  EXPECT_THAT(Detect(detector, std::string(54, '.')), IsEmpty());
  EXPECT_THAT(Detect(detector, "."),
              ElementsAre(TurnDetector::Event::kTurnEnded));
  EXPECT_FALSE(detector.pausing());
  detector.SetEndOfTurn(Duration::Millis(700));
  Detect(detector, "xxxx" + std::string(25, '.'));
  // It is over already, by now.
  detector.SetEndOfTurn(Duration::Millis(400));
  EXPECT_THAT(Detect(detector, "."),
              ElementsAre(TurnDetector::Event::kTurnEnded));
}

TEST(TurnDetectorTest, AnAbandonedTurnNeverEnds) {
  TurnDetector detector(Duration::Millis(700));
  Detect(detector, "xxxx" + std::string(10, '.'));
  detector.AbandonTurn();
  EXPECT_THAT(Detect(detector, std::string(100, '.')), IsEmpty());
}

}  // namespace
}  // namespace trunkline::session
