// A text by command, or a lost leg, behind a preamble whose tool is open: he
// waits for the tool without the sound of waiting, and the silence is called
// his.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

class OpenToolTest : public ToldProviderTest {
 protected:
  static void Ms(VirtualWorld& world, int64_t ms) {
    world.Advance(Duration::Millis(ms));
  }
  static void Fail(VirtualWorld& world, const std::string& response,
                   const std::string& code = "server_error",
                   const std::string& message = "") {
    Tell(world, {{"type", "response.done"},
                 {"response",
                  {{"id", response},
                   {"status", "failed"},
                   {"status_details",
                    {{"error", {{"code", code}, {"message", message}}}}}}}});
  }
};

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
      Ms(world, 60);
      Reply(world, "r2", 600);
    }
    if (how == "leg") {
      MsUntil(world, [&] { return world.line.heard_ms() >= 1'999; });
      world.line.Drop();
      Ms(world, 300);
      world.line.Call();
    }
    Ms(world, 10'000);
    EXPECT_EQ(world.Count("waiting"), 1U);
    Ms(world, 60'000);
    EXPECT_TRUE(world.ended().empty()) << world.EndReason();
  }
}

}  // namespace
}  // namespace trunkline::test
