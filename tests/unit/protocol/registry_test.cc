#include "protocol/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/codec_log.h"

namespace trunkline::protocol {
namespace {

using testing::ElementsAre;

TEST(RegistryTest, TheBuiltInOnesAreFoundByName) {
  const Registry registry = Registry::BuiltIn();
  for (const LegEntry& leg : registry.legs) {
    EXPECT_EQ(registry.FindLeg(leg.name), &leg);
  }
  for (const AgentEntry& agent : registry.agents) {
    EXPECT_EQ(registry.FindAgent(agent.name), &agent);
  }
  EXPECT_EQ(registry.FindLeg("Twilio"), nullptr);
  EXPECT_EQ(registry.FindLeg(""), nullptr);
  EXPECT_EQ(registry.FindAgent("twilio"), nullptr);
}

// The first ones are what a configuration without names gets.
TEST(RegistryTest, TheDefaultsComeFirst) {
  const Registry registry = Registry::BuiltIn();
  EXPECT_EQ(registry.legs.front().name, "twilio");
  EXPECT_EQ(registry.agents.front().name, "parrot");
}

TEST(RegistryTest, AnEntryMakesWhatItIsCalled) {
  const Registry registry = Registry::BuiltIn();
  test::RecordingChannels channels;
  AgentSettings settings;
  settings.model = "m";
  settings.leg_format = {Encoding::kALaw, 8000};
  const auto parrot = registry.FindAgent("parrot")->make(settings, channels);
  EXPECT_EQ(parrot->traits().input, settings.leg_format);
  EXPECT_EQ(parrot->traits().output, settings.leg_format);
  EXPECT_FALSE(parrot->traits().can_say);
  const auto realtime =
      registry.FindAgent("openai-realtime")->make(settings, channels);
  EXPECT_EQ(realtime->traits().input, settings.leg_format);
  realtime->Begin();
  EXPECT_THAT(channels.lines,
              ElementsAre("connect 1 openai /v1/realtime?model=m realtime"));
  settings.stt = {{"service", "openai"}, {"model", "t"}};
  settings.llm = {{"service", "house"}};
  settings.tts = {{"service", "local"}};
  const auto cascade = registry.FindAgent("cascade")->make(settings, channels);
  EXPECT_EQ(cascade->traits().input, (AudioFormat{Encoding::kLinear16, 8000}));
  EXPECT_FALSE(cascade->traits().remembers);
  const AgentEntry* scribe = registry.FindAgent("scribe");
  EXPECT_TRUE(scribe->accepts(settings));
  EXPECT_FALSE(scribe->make(settings, channels)->traits().replies);
  settings.stt = Json();
  EXPECT_FALSE(scribe->accepts(settings));
  test::RecordingWire wire;
  EXPECT_NE(registry.FindLeg("twilio")->make(wire), nullptr);
}

}  // namespace
}  // namespace trunkline::protocol
