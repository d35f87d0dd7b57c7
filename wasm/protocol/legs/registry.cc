#include "protocol/legs/registry.h"

#include "protocol/legs/twilio.h"

namespace trunkline::protocol {
namespace {

constexpr LegEntry kLegs[] = {
    {"twilio",
     [](Wire& wire) -> std::unique_ptr<Leg> {
       return std::make_unique<TwilioLeg>(wire);
     }},
};

}  // namespace

std::span<const LegEntry> Legs() { return kLegs; }

}  // namespace trunkline::protocol
