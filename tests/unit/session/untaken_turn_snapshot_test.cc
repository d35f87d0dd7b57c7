// The object is lost when he has asked and nobody has taken it: the next
// session knows that he waits.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

class SnapshotTest : public ToldProviderTest {
 protected:
  // The options of the session that follows a lost object, 300 ms later.
  static VirtualWorld::Options Then(const VirtualWorld& first) {
    const int64_t alive_ms = (first.now() - Instant()).ms();
    VirtualWorld::Options options = Options();
    options.snapshot = first.snapshot();
    options.epoch_ms = 1'000'000 + alive_ms + 300;
    options.config = {{"callEpochMs", 1'000'000}, {"aliveMs", alive_ms}};
    return options;
  }
};

TEST_F(SnapshotTest, ATurnThatNobodyTookIsOwed) {
  for (const bool away : {false, true}) {
    SCOPED_TRACE(away);
    VirtualWorld first(Options());
    Start(first);
    if (away) first.agent.Drop(1011);
    first.line.Say(Speech(1'500));
    Wait(first, 4'000);
    ASSERT_EQ(first.Count("waiting"), 1U);
    VirtualWorld second(Then(first));
    second.line.Call();
    EXPECT_LT(MsUntil(second, [&] { return Asked(second) > 0; }), 20'000)
        << second.EndReason();
  }
}

}  // namespace
}  // namespace trunkline::test
