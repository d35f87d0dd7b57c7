#include "support/world/peers.h"

#include "support/plain_leg.h"

namespace trunkline::test {
namespace {

using protocol::AudioFormat;
using protocol::Encoding;
using protocol::LegTraits;
using session::State;
using Playback = LegTraits::Playback;

LegTraits Plain(AudioFormat format, Playback playback) {
  LegTraits traits = PlainLeg::DefaultTraits();
  traits.heard = traits.spoken = format;
  traits.playback = playback;
  traits.flow_control = LegTraits::FlowControl::kNone;
  traits.max_message_bytes = 0;
  traits.message_multiple_bytes = 0;
  return traits;
}

LegTraits Flowing() {
  LegTraits traits = PlainLeg::DefaultTraits();
  traits.flow_control = LegTraits::FlowControl::kPauses;
  return traits;
}

LegTraits FramedMarks(AudioFormat format) {
  LegTraits traits = Plain(format, Playback::kMarks);
  traits.max_message_bytes = protocol::BytesOf(format, 60);
  traits.message_multiple_bytes = protocol::BytesOf(format, 20);
  return traits;
}

LegTraits TwoWidths() {
  LegTraits traits = Plain({Encoding::kLinear16, 16000}, Playback::kReports);
  traits.heard = {Encoding::kMuLaw, 8000};
  traits.spoken = {Encoding::kLinear16, 48000};
  return traits;
}

LegTraits TwilioALaw() {
  LegTraits traits = TwilioAdapter::DefaultTraits();
  traits.heard = traits.spoken = {Encoding::kALaw, 8000};
  return traits;
}

}  // namespace

VirtualWorld::Options Peers::Options() const {
  VirtualWorld::Options options;
  options.leg = leg;
  options.traits = traits;
  options.agent = agent;
  options.profile = profile;
  options.leg_delay = Duration::Millis(20);
  return options;
}

const std::vector<Peers>& AllPeers() {
  const std::string realtime = "openai-realtime";
  static const std::vector<Peers> all = {
      {"TwilioRealtime", "twilio", {}, realtime},
      {"TwilioScripted", "twilio", {}, "scripted"},
      {"TwilioALawRealtimePcm",
       "twilio",
       TwilioALaw(),
       realtime,
       {{"agentAudio", "pcm"}}},
      {"PlainClockScripted", "plain",
       Plain({Encoding::kLinear16, 16000}, Playback::kClock), "scripted"},
      {"PlainReportsRealtime", "plain",
       Plain({Encoding::kLinear16, 16000}, Playback::kReports), realtime},
      {"PlainFlowScripted", "plain", Flowing(), "scripted"},
      {"PlainALawMarksRealtime", "plain", FramedMarks({Encoding::kALaw, 8000}),
       realtime},
      {"PlainBigEndian24Scripted", "plain",
       Plain({Encoding::kLinear16Big, 24000}, Playback::kReports), "scripted"},
      {"PlainMarksScriptedTurns",
       "plain",
       FramedMarks({Encoding::kLinear16, 8000}),
       "scripted",
       {{"model", "provider-turns"}}},
      {"PlainTwoWidthsRealtimePcm",
       "plain",
       TwoWidths(),
       realtime,
       {{"agentAudio", "pcm"}}},
  };
  return all;
}

void PeersTest::Start(VirtualWorld& world) {
  world.line.Call();
  ASSERT_TRUE(
      world.RunUntil([&] { return world.state() == State::kListening; }));
}

std::string NameOfPeers(const testing::TestParamInfo<Peers>& info) {
  return info.param.name;
}

}  // namespace trunkline::test
