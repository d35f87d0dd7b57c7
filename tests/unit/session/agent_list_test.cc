// Who comes after whom, and whom a command means.

#include "session/agent_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace trunkline::session {
namespace {

using What = AgentList::Found::What;
using testing::ElementsAre;

Config Of(const std::vector<std::string>& names,
          const std::vector<size_t>& skipped = {}, bool last_resort = false) {
  Config config;
  config.agent = names.front();
  for (const std::string& name : names) config.agents.push_back({.name = name});
  for (const size_t index : skipped) config.agents[index].skipped = true;
  if (last_resort) config.agents.back().last_resort = true;
  return config;
}

// The order in which it goes through the list.
std::vector<size_t> Order(AgentList& list) {
  std::vector<size_t> order{list.current()};
  while (const std::optional<size_t> next = list.Next()) {
    list.GiveUp();
    list.Select(*next);
    order.push_back(*next);
  }
  return order;
}

TEST(AgentListTest, ACallWithOneAgentHasNoChoice) {
  Config config;
  config.agent = "one";
  config.profile.agent.model = "m";
  const AgentList list(config);
  EXPECT_EQ(list.size(), 1U);
  EXPECT_EQ(list.name(0), "one");
  EXPECT_EQ(list.Settings(0).model, "m");
  EXPECT_FALSE(list.has_next());
  Json snapshot = Json::object();
  list.AddTo(snapshot);
  EXPECT_TRUE(snapshot.empty());
}

TEST(AgentListTest, WhatAnEntryDoesNotSayIsTheProfiles) {
  Config config = Of({"one", "two"});
  config.profile.agent.instructions = "be kind";
  config.profile.agent.model = "m";
  config.agents[1].settings = {{"agent", "two"}, {"model", "n"}};
  const AgentList list(config);
  EXPECT_EQ(list.Settings(0).model, "m");
  EXPECT_EQ(list.Settings(1).model, "n");
  EXPECT_EQ(list.Settings(1).instructions, "be kind");
}

TEST(AgentListTest, EachHasItsTurnOnceInTheOrderOfTheList) {
  const Config config = Of({"a", "b", "c"});
  AgentList list(config);
  EXPECT_THAT(Order(list), ElementsAre(0, 1, 2));
  EXPECT_EQ(list.switches(), 2);
}

TEST(AgentListTest, TheLastResortComesBeforeThoseThatAreSkipped) {
  const Config config = Of({"a", "b", "c", "house"}, {0, 2}, true);
  AgentList list(config);
  EXPECT_THAT(Order(list), ElementsAre(1, 3, 0, 2));
}

TEST(AgentListTest, WhereAllAreSkippedTheLastResortBeginsOrElseTheFirst) {
  const Config with = Of({"a", "b", "house"}, {0, 1}, true);
  AgentList list(with);
  EXPECT_THAT(Order(list), ElementsAre(2, 0, 1));
  const Config without = Of({"a", "b"}, {0, 1});
  AgentList other(without);
  EXPECT_THAT(Order(other), ElementsAre(0, 1));
}

// After a command, those before it have their turn still.
TEST(AgentListTest, OneThatWasChosenIsFollowedByThoseBehindItFirst) {
  const Config config = Of({"a", "b", "c"});
  AgentList list(config);
  list.Select(1);
  EXPECT_THAT(Order(list), ElementsAre(1, 2, 0));
  // One that was given up may be chosen again.
  list.Select(1);
  EXPECT_EQ(list.Next(), 0U);
  list.GiveUp();
  list.Select(0);
  EXPECT_FALSE(list.has_next());
}

TEST(AgentListTest, ACommandNamesAnIndexOrANameThatOneAloneHas) {
  const Config config = Of({"a", "b", "a"});
  const AgentList list(config);
  EXPECT_EQ(list.Find("b").what, What::kOne);
  EXPECT_EQ(list.Find("b").index, 1U);
  EXPECT_EQ(list.Find("a").what, What::kSeveral);
  EXPECT_EQ(list.Find(2).index, 2U);
  for (const Json& none : {Json(3), Json(-1), Json("c"), Json(""), Json(1.5),
                           Json(true), Json()}) {
    EXPECT_EQ(list.Find(none).what, What::kNone) << none;
  }
}

TEST(AgentListTest, ASecondLifeGoesOnWhereTheFirstWas) {
  const Config config = Of({"a", "b", "c"});
  AgentList first(config);
  first.GiveUp();
  first.Select(1);
  Json snapshot = Json::object();
  first.AddTo(snapshot);
  AgentList second(config);
  second.Restore(snapshot);
  EXPECT_EQ(second.current(), 1U);
  EXPECT_EQ(second.switches(), 1);
  EXPECT_THAT(Order(second), ElementsAre(1, 2));
  // What the list does not have changes nothing.
  for (const char* text :
       {R"({"agent":3})", R"({"agent":-1})", R"({"agent":"b"})", "{}"}) {
    AgentList third(config);
    third.Restore(*ParseJson(text));
    EXPECT_EQ(third.current(), 0U) << text;
  }
  AgentList fourth(config);
  fourth.Restore(*ParseJson(R"({"agent":0,"agentsGivenUp":[7,"x",1]})"));
  EXPECT_EQ(fourth.Next(), 2U);
}

}  // namespace
}  // namespace trunkline::session
