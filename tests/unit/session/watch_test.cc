// Who watches a call: levels while he does, and what people did, by name.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/base64.h"
#include "session/command.h"
#include "support/world/sound.h"
#include "support/world/world.h"
#include "unit/session/connect.h"

namespace trunkline::test {
namespace {

using session::CommandEnvelope;
using Source = CommandEnvelope::Source;

std::vector<Json> EventsOf(const VirtualWorld& world, std::string_view type) {
  std::vector<Json> found;
  for (const Json& event : world.events()) {
    if (StringMember(event, "type") == type) found.push_back(event);
  }
  return found;
}

// The loudest of a side in an event `levels`.
int Loudest(const Json& event, const char* side) {
  const std::string text(StringMember(event, side));
  std::vector<uint8_t> levels(Base64DecodedMaxSize(text.size()));
  const auto size = Base64Decode(text, levels);
  EXPECT_EQ(size, 10U);
  return *std::max_element(levels.begin(), levels.begin() + 10);
}

Json Watch(const char* levels) {
  return {{"type", "watch"}, {"levels", levels}};
}

TEST(WatchTest, LevelsAreToldFiveTimesASecondWhileSomebodyWatches) {
  VirtualWorld world(VirtualWorld::Options{});
  Connect(world);
  world.Advance(Duration::Millis(2000));
  EXPECT_THAT(EventsOf(world, "levels"), testing::IsEmpty());

  EXPECT_EQ(world.Command(Watch("on"), Source::kObserver)["status"], "done");
  world.Advance(Duration::Millis(2000));
  const auto quiet = EventsOf(world, "levels");
  EXPECT_NEAR(static_cast<double>(quiet.size()), 10, 1);
  EXPECT_FALSE(quiet.front().contains("seq"));
  // A caller who says nothing, and an agent who has not begun.
  EXPECT_LT(Loudest(quiet.back(), "caller"), 120);
  EXPECT_EQ(Loudest(quiet.back(), "agent"), 0);

  world.line.Say(Speech(1500));
  ASSERT_TRUE(world.RunUntil([&] { return !world.line.heard().empty(); }));
  world.Advance(Duration::Millis(1000));
  int caller = 0;
  int agent = 0;
  for (const Json& event : EventsOf(world, "levels")) {
    caller = std::max(caller, Loudest(event, "caller"));
    agent = std::max(agent, Loudest(event, "agent"));
  }
  EXPECT_GT(caller, 200);
  EXPECT_GT(agent, 200);

  EXPECT_EQ(world.Command(Watch("off"), Source::kObserver)["status"], "done");
  const size_t told = EventsOf(world, "levels").size();
  world.Advance(Duration::Millis(2000));
  EXPECT_EQ(EventsOf(world, "levels").size(), told);
}

TEST(WatchTest, OnlyTheShimTurnsLevelsOn) {
  VirtualWorld world(VirtualWorld::Options{});
  Connect(world);
  for (const Source source :
       {Source::kOperator, Source::kClient, Source::kHarness}) {
    EXPECT_EQ(world.Command(Watch("on"), source)["code"], "invalid");
  }
  EXPECT_EQ(world.Command(Watch("loud"), Source::kObserver)["field"], "levels");
  world.Advance(Duration::Millis(1000));
  EXPECT_THAT(EventsOf(world, "levels"), testing::IsEmpty());
}

// Gives a command as somebody who has a name.
void CommandAs(VirtualWorld& world, Source source, const std::string& name,
               const Json& command) {
  CommandEnvelope envelope;
  envelope.id = 900;
  envelope.source = source;
  envelope.name = name;
  envelope.role = "operate";
  envelope.command = command;
  world.session().OnCommand(envelope, world.now());
}

TEST(WatchTest, WhatPeopleDidIsToldByName) {
  VirtualWorld world(VirtualWorld::Options{});
  Connect(world);
  CommandAs(world, Source::kOperator, "otto", {{"type", "pauseRecording"}});
  CommandAs(world, Source::kObserver, "rita",
            {{"type", "secret"}, {"text", "secret"}});
  // The carrier's word, a test's, and the shim's own are nobody's.
  CommandAs(world, Source::kHarness, "a test", {{"type", "digits"}});
  CommandAs(world, Source::kObserver, "", Watch("on"));
  CommandAs(world, Source::kOperator, "otto", {{"type", "hangUp"}});
  const auto audit = EventsOf(world, "audit");
  ASSERT_EQ(audit.size(), 3U);
  EXPECT_EQ(audit[0]["by"], "otto");
  EXPECT_EQ(audit[0]["role"], "operate");
  EXPECT_EQ(audit[0]["command"], "pauseRecording");
  EXPECT_EQ(audit[0]["status"], "refused");
  EXPECT_EQ(audit[0]["code"], "conflict");
  EXPECT_EQ(audit[1]["by"], "rita");
  EXPECT_EQ(audit[1]["command"], "unknown");
  EXPECT_EQ(PrintJson(audit[1]).find("secret"), std::string::npos);
  EXPECT_EQ(audit[2]["command"], "hangUp");
  EXPECT_EQ(audit[2]["status"], "done");
  EXPECT_FALSE(audit[2].contains("code"));
}

}  // namespace
}  // namespace trunkline::test
