#include "protocol/agents/house.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "protocol/services/house_rules.h"

namespace trunkline::protocol {
namespace {

// Its dialogue goes on from its own first words, and takes others for those of
// another agent.
TEST(HouseTest, ItsFirstWordsAreThoseOfItsDialogue) {
  auto dialogue = ParseHouseDialogue(Json::parse(BuiltInHouseDialogue()));
  ASSERT_TRUE(std::holds_alternative<HouseDialogue>(dialogue));
  HouseRules rules(std::get<HouseDialogue>(dialogue), {});
  rules.Ask({});
  const std::optional<LlmEvent> event = rules.NextEvent();
  ASSERT_TRUE(event);
  EXPECT_EQ(kHouseGreeting, std::get<LlmText>(*event).text);
}

}  // namespace
}  // namespace trunkline::protocol
