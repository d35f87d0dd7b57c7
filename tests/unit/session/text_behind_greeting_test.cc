// A text by command does not come between the two halves of a greeting.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class GreetingTest : public ToldProviderTest {};

TEST_F(GreetingTest, ABrokenGreetingComesBeforeATextByCommand) {
  VirtualWorld::Options options = Options();
  options.profile["greeting"] = "Hello. This call is recorded.";
  VirtualWorld world(options);
  world.agent.think = Duration::Millis(60'000);
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kThinking; }));
  world.agent.stalled = true;
  Created(world, "r1");
  Sound(world, "r1", "i1", 1'000);
  world.Command({{"type", "say"}, {"text", "Operator text"}});
  Fail(world, "r1");
  Wait(world, 1'500);
  const Json* asked = world.realtime.LastReceived("response.create");
  ASSERT_NE(asked, nullptr);
  EXPECT_NE(asked->dump().find("recorded"), std::string::npos) << asked->dump();
}

}  // namespace
}  // namespace trunkline::test
