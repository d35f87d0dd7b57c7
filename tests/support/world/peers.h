#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "support/world/world.h"

namespace trunkline::test {

// A leg and an agent that meet in a call.
struct Peers {
  std::string name;
  std::string leg;
  std::optional<protocol::LegTraits> traits;
  std::string agent;
  Json profile = Json::object();

  // Of a world in which they meet, 20 ms from each other.
  VirtualWorld::Options Options() const;
};

// Pairs that have all there is among them: every encoding and width, the heard
// clock by marks, reports and nothing, flow control, messages of fixed lengths,
// an agent of one socket and one of several parts.
const std::vector<Peers>& AllPeers();

// A test that holds for whoever meets.
class PeersTest : public testing::TestWithParam<Peers> {
 protected:
  // Connected, and the agent ready.
  void Start(VirtualWorld& world);
};

std::string NameOfPeers(const testing::TestParamInfo<Peers>& info);

}  // namespace trunkline::test
