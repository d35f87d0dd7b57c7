// Inputs that once broke an invariant, by what was wrong.

#include <gtest/gtest.h>

#include "support/world/world.h"

namespace trunkline::test {
namespace {

using session::State;

// A stream came back to a reply of which less than a chunk had come: nothing
// waited for the rest, and no deadline was set. Only whole chunks and finished
// replies had been tried.
TEST(CrashersTest, AStreamComesBackToTheFirstBytesOfAReply) {
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  VirtualWorld world(options);
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  world.line.Drop();
  world.realtime.SendText(
      R"({"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"AAAAAAAA"})");
  world.Advance(Duration::Millis(100));
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kSpeaking; }));
  // The rest never comes: that is noticed.
  ASSERT_TRUE(world.RunUntil([&] { return world.Count("agentFailed") > 0; }));
}

// A close of a socket that a built-in agent does not have took the agent away.
// Nobody had closed what was never opened.
TEST(CrashersTest, ABuiltInAgentHasNoSocketToClose) {
  VirtualWorld world({});
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
  world.Input([&](session::Session& s) {
    s.OnClosed(world.realtime.channel(), 1006, 0, "", world.now());
  });
  world.line.Drop();
  world.line.Call();
  world.line.Say(Speech(600));
  EXPECT_TRUE(world.RunUntil([&] { return world.Count("replyDone") > 0; }));
}

}  // namespace
}  // namespace trunkline::test
