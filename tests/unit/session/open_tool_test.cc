// A text by command, or a lost leg, behind a preamble whose tool is open: he
// waits for the tool, and hears that he does.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

class OpenToolTest : public ToldProviderTest {};

TEST_F(OpenToolTest, IsWaitedFor) {
  for (const std::string how : {"none", "say", "leg"}) {
    SCOPED_TRACE(how);
    VirtualWorld::Options options = Options();
    options.profile["tools"][0]["timeoutMs"] = 100'000;
    VirtualWorld world(options);
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Sound(world, "r1", "i1", 2'000);
    Call(world, "r1", "c1", "lookup");
    Done(world, "r1");
    if (how == "say") {
      world.Command({{"type", "say"}, {"text", "One moment"}});
      Wait(world, 60);
      Reply(world, "r2", 600);
    }
    if (how == "leg") {
      MsUntil(world, [&] { return world.line.heard_ms() >= 1'999; });
      world.line.Drop();
      Wait(world, 300);
      world.line.Call();
    }
    Wait(world, 10'000);
    EXPECT_EQ(world.Count("waiting"), 1U);
    Wait(world, 60'000);
    EXPECT_TRUE(world.ended().empty()) << world.EndReason();
  }
}

}  // namespace
}  // namespace trunkline::test
