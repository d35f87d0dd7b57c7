// He begins to speak a moment before a reply is asked for (a result has come, a
// time to wait is over, the rest of a broken one is due): it plays over him,
// and his turn is deleted.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "support/world/heard_reply.h"
#include "support/world/told_provider.h"

namespace trunkline::test {
namespace {

using session::State;

class OverHimTest : public ToldProviderTest {
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
  static void Result(VirtualWorld& world, const std::string& id) {
    world.Command(
        {{"type", "toolResult"}, {"toolCallId", id}, {"output", "nine"}});
    Ms(world, 60);
  }
  static void DelayMarks(VirtualWorld& world, int64_t late_ms) {
    world.tamper_with_line = [&world, late_ms](
                                 Message message,
                                 const std::function<void(Message)>& deliver) {
      if (message.bytes.find(R"("event":"mark")") == std::string::npos) {
        deliver(std::move(message));
      } else {
        world.clock.After(Duration::Millis(late_ms),
                          [message, deliver] { deliver(message); });
      }
    };
  }
  // A reply of so much audio that calls a tool, all of which is here.
  static void Preamble(VirtualWorld& world, int64_t ms,
                       const std::string& tool = "lookup") {
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Sound(world, "r1", "i1", ms);
    Call(world, "r1", "c1", tool);
    Done(world, "r1");
  }
};

// An honest provider; the result comes 200 ms into his sentence.
TEST_F(OverHimTest, AResultComesAsHeBegins) {
  for (const int64_t late_ms : {0, 300, 700}) {
    SCOPED_TRACE(late_ms);
    VirtualWorld world(Options());
    DelayMarks(world, late_ms);
    Start(world, Mind::kOwn);
    world.agent.reply_ms = 1'200;
    world.line.Say(Speech(900));
    ASSERT_TRUE(world.RunUntil([&] {
      return world.agent.replying() && !world.agent.items().empty();
    }));
    world.agent.CallTool("c1", "lookup");
    ASSERT_TRUE(world.RunUntil(
        [&] { return world.HeardMs(world.agent.items().back()) >= 1'199; }));
    world.agent.reply_ms = 3'000;
    Ms(world, 200);
    world.line.Say(Speech(2'000, 3));
    Ms(world, 200);
    Result(world, "c1");
    Ms(world, 1'740);
    // He still speaks.
    if (world.agent.items().size() > 1) {
      EXPECT_LT(world.HeardMs(world.agent.items().back()), 200);
    }
    Ms(world, 8'000);
    EXPECT_EQ(Deleted(world), 0);
    EXPECT_EQ(world.Count("turnEnded"), 2U);
  }
}

// The same with the mend "who speaks behind a reply answers it": with late
// marks also where the result comes 600 ms into his sentence.
TEST_F(OverHimTest, BehindAPreambleWithLateMarks) {
  for (const int64_t late_ms : {150, 300, 700}) {
    SCOPED_TRACE(late_ms);
    VirtualWorld world(Options());
    DelayMarks(world, late_ms);
    Preamble(world, 1'000);
    MsUntil(world, [&] { return world.line.heard_ms() >= 995; });
    Ms(world, 50);
    world.line.Say(Speech(2'500, 3));
    Ms(world, 350);
    Hears(world, true);
    Ms(world, 300);
    Result(world, "c1");
    const int64_t before_ms = world.line.heard_ms();
    Reply(world, "r2", 4'000);
    Ms(world, 1'000);
    EXPECT_LT(world.line.heard_ms() - before_ms, 200);
    Ms(world, 800);
    Hears(world, false);
    Committed(world, "u2");
    EXPECT_EQ(Deleted(world), 0);
  }
}

TEST_F(OverHimTest, TheRestOfABrokenReply) {
  for (const int64_t late_ms : {0, 300, 700}) {
    SCOPED_TRACE(late_ms);
    VirtualWorld world(Options());
    DelayMarks(world, late_ms);
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Sound(world, "r1", "i1", 1'000);
    Fail(world, "r1");
    MsUntil(world, [&] { return world.line.heard_ms() >= 995; });
    world.line.Say(Speech(2'500, 3));
    Ms(world, 350);
    Hears(world, true);
    Ms(world, 150);
    const int64_t before_ms = world.line.heard_ms();
    if (Asked(world) > 1) Reply(world, "r2", 4'000);
    Ms(world, 1'200);
    EXPECT_LT(world.line.heard_ms() - before_ms, 200);
    Ms(world, 700);
    Hears(world, false);
    Committed(world, "u2");
    EXPECT_EQ(Deleted(world), 0);
  }
}

TEST_F(OverHimTest, TheTimeToWaitIsOver) {
  for (const int before_ms : {60, 150, 250}) {
    SCOPED_TRACE(before_ms);
    VirtualWorld::Options options = Options();
    options.profile["waitingSound"] = "off";
    VirtualWorld world(options);
    Start(world);
    Committed(world, "u1");
    Created(world, "r1");
    Fail(world, "r1", "rate_limit_exceeded", "try again in 3s");
    Ms(world, 2'920 - before_ms);
    world.line.Say(Speech(2'000, 3));
    Hears(world, true);
    MsUntil(world, [&] {
      return Asked(world) > 1 || world.state() == State::kListening;
    });
    Ms(world, 60);
    if (Asked(world) > 1) Reply(world, "r2", 3'000);
    Ms(world, 1'000);
    EXPECT_LT(world.line.heard_ms(), 200);
    Ms(world, 800);
    Hears(world, false);
    Committed(world, "u2");
    EXPECT_EQ(Deleted(world), 0);
  }
}

}  // namespace
}  // namespace trunkline::test
