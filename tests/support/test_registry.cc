#include "support/test_registry.h"

#include <utility>
#include <vector>

#include "support/plain_leg.h"
#include "support/scripted_agent.h"

namespace trunkline::test {

protocol::Registry TestRegistry() {
  static const std::vector<protocol::LegEntry> legs = [] {
    const auto built_in = protocol::Legs();
    std::vector<protocol::LegEntry> all(built_in.begin(), built_in.end());
    all.push_back(
        {"plain", [](protocol::Wire& wire) -> std::unique_ptr<protocol::Leg> {
           return std::make_unique<PlainLeg>(wire);
         }});
    return all;
  }();
  static const std::vector<protocol::AgentEntry> agents = [] {
    const auto built_in = protocol::Agents();
    std::vector<protocol::AgentEntry> all(built_in.begin(), built_in.end());
    all.push_back(
        {"scripted",
         [](protocol::AgentSettings settings,
            protocol::Channels& channels) -> std::unique_ptr<protocol::Agent> {
           return std::make_unique<ScriptedAgent>(std::move(settings),
                                                  channels);
         }});
    return all;
  }();
  return {legs, agents};
}

}  // namespace trunkline::test
