#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/time.h"
#include "session/state.h"
#include "support/world/rest_services.h"
#include "support/world/sound.h"
#include "support/world/world.h"

namespace trunkline::test {

// Of a call to an agent that is made of OpenAI's REST services, 20 ms from all
// of them.
inline VirtualWorld::Options CascadeOptions(uint64_t seed = 1) {
  VirtualWorld::Options options;
  options.agent = "cascade";
  options.seed = seed;
  options.leg_delay = Duration::Millis(20);
  options.profile = {
      {"stt", {{"service", "openai"}, {"model", "ears"}}},
      {"llm", {{"service", "openai"}, {"model", "mind"}}},
      {"tts", {{"service", "openai"}, {"model", "voice"}, {"voice", "v"}}}};
  options.limits = {{"maxCallMs", 86'000'000}};
  return options;
}

// Connected, and listened to.
inline void Listen(VirtualWorld& world) {
  world.line.Call();
  ASSERT_TRUE(world.RunUntil(
      [&] { return world.state() == session::State::kListening; }));
}

}  // namespace trunkline::test
