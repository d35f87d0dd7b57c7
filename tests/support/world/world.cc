#include "support/world/world.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "support/plain_leg.h"
#include "support/test_registry.h"

namespace trunkline::test {
namespace {

using protocol::ChannelId;
using protocol::kLegChannel;
using session::Session;

std::unique_ptr<LegAdapter> MakeLegAdapter(const std::string& leg) {
  if (leg == "twilio") return std::make_unique<TwilioAdapter>();
  TL_CHECK(leg == "plain");
  return std::make_unique<PlainAdapter>();
}

protocol::LegTraits TraitsOf(const VirtualWorld::Options& options) {
  if (options.traits) return *options.traits;
  return options.leg == "twilio" ? TwilioAdapter::DefaultTraits()
                                 : PlainLeg::DefaultTraits();
}

session::Config MakeConfig(const VirtualWorld::Options& options,
                           const protocol::Registry& registry) {
  Json config = {{"callId", "call-1"},
                 {"seed", 1},
                 {"epochMs", options.epoch_ms},
                 {"leg", options.leg},
                 {"agent", options.agent},
                 {"faults", "allowed"},
                 {"firstSeq", options.first_seq},
                 {"profile", options.profile},
                 {"limits", options.limits}};
  if (!options.recording_so_far.is_null()) {
    config["recordingSoFar"] = options.recording_so_far;
  }
  if (options.snapshot) config["snapshot"] = *options.snapshot;
  config.update(options.config);
  std::optional<session::Config> parsed =
      session::ParseConfig(config.dump(), registry);
  TL_CHECK(parsed.has_value());
  return *std::move(parsed);
}

}  // namespace

VirtualWorld::VirtualWorld(const Options& given)
    : CallLog(given.first_seq),
      options(given),
      clock(given.seed),
      upstreams(clock, options.agent_delay,
                [this](const auto& input) { input(*session_, clock.now()); }),
      line(clock, MakeLegAdapter(given.leg),
           {.traits = TraitsOf(given), .frame = given.line_frame},
           {.open = [this] { OpenLeg(); },
            .send = [this](Message m) { ToGateway(std::move(m)); },
            .drop = [this](uint16_t code) { DropLeg(code); }}),
      agent(clock, [this](size_t item) { return line.HeardSamplesOf(item); }),
      realtime(upstreams, agent),
      scripted(upstreams, agent),
      to_line_(clock, options.leg_delay,
               [this](const Message& m) { line.Receive(m); }),
      to_gateway_(clock, options.leg_delay,
                  [this](const Message& m) { FromLine(m); }),
      registry_(TestRegistry()) {
  to_line_.jitter = to_gateway_.jitter = given.leg_jitter;
  if (given.agent == "scripted") {
    agent.SetAdapter(scripted);
    upstreams.SetProvider(scripted);
    agent.has_vad = given.profile.value("model", "") == "provider-turns";
  } else {
    agent.SetAdapter(realtime);
    upstreams.SetProvider(realtime);
  }
  AddSuccessors();
  session_ = std::make_unique<Session>(
      MakeConfig(given, registry_), clock.now(),
      static_cast<session::EffectSink&>(*this), registry_);
}

VirtualWorld::~VirtualWorld() = default;

// One mind for all of them, so that an item's level is of one item: it speaks
// as who was asked last. What a test has done to the first is done to no other.
void VirtualWorld::AddSuccessors() {
  const Json* agents = FindMember(options.profile, "agents");
  if (agents == nullptr) return;
  // Scripted agents are told by their entries whether they detect turns.
  bool scripted_turns = false;
  for (const Json& entry : *agents) {
    if (StringMember(entry, "agent") != "scripted") continue;
    scripted_turns = StringMember(entry, "model").find("provider-turns") !=
                     std::string_view::npos;
  }
  const std::string_view first = StringMember(agents->front(), "agent");
  if (first != "scripted") {
    upstreams.AddProvider("scripted", scripted, [this, scripted_turns] {
      agent.SetAdapter(scripted);
      agent.has_vad = scripted_turns;
      agent.stalled = agent.refuses = false;
    });
    return;
  }
  agent.has_vad = scripted_turns;
  upstreams.AddProvider("openai", realtime, [this] {
    agent.has_vad = true;
    agent.stalled = agent.refuses = false;
  });
  upstreams.AddProvider("scripted", scripted, [this, scripted_turns] {
    agent.SetAdapter(scripted);
    agent.has_vad = scripted_turns;
  });
}

void VirtualWorld::Input(const std::function<void(Session&)>& input) {
  input(*session_);
}

void VirtualWorld::Advance(Duration duration) {
  const Instant end = now() + duration;
  RunUntil([] { return false; }, duration);
  clock.GoTo(end);
}

bool VirtualWorld::RunUntil(const std::function<bool()>& done, Duration limit) {
  const Instant end = now() + limit;
  while (!done()) {
    const bool timer_next = deadline() < clock.next();
    if (std::min(deadline(), clock.next()) > end) {
      clock.GoTo(end);
      return done();
    }
    if (timer_next) {
      clock.GoTo(deadline());
      ClearDeadline();
      session_->OnTimer(clock.now());
    } else {
      clock.RunNext();
    }
  }
  return true;
}

int64_t VirtualWorld::HeardMs(const Agent::Item& item) {
  return static_cast<int64_t>(HeardSamples(item)) * 1000 /
         line.config().traits.spoken.sample_rate_hz;
}

double VirtualWorld::HeardSamples(const Agent::Item& item) {
  return static_cast<double>(line.HeardSamplesOf(item.number) -
                             item.heard_before);
}

Json VirtualWorld::Command(const Json& command,
                           session::CommandEnvelope::Source source) {
  if (session_->ended()) return {};
  session::CommandEnvelope envelope;
  envelope.id = next_command_++;
  envelope.source = source;
  envelope.command = command;
  const size_t before = command_results().size();
  session_->OnCommand(envelope, now());
  // INVARIANT: a command has exactly one result.
  TL_CHECK(command_results().size() == before + 1);
  TL_CHECK(IntegerMember(command_results().back(), "id") == envelope.id);
  return command_results().back();
}

// ---------------------------------------------------------------------------
// The leg's socket

void VirtualWorld::OpenLeg() {
  // The Worker lets no stream into a call that is over.
  if (session_->ended()) return;
  leg_open_ = true;
  to_gateway_.Break();
  to_line_.Break();
  session_->OnOpened(kLegChannel, "", now());
}

void VirtualWorld::DropLeg(uint16_t code) {
  leg_open_ = false;
  session_->OnClosed(kLegChannel, code, 0, "", now());
}

void VirtualWorld::ToGateway(Message message) {
  if (!tamper_with_line) return to_gateway_.Send(std::move(message));
  tamper_with_line(std::move(message),
                   [this](Message m) { to_gateway_.Send(std::move(m)); });
}

void VirtualWorld::FromLine(const Message& message) {
  if (!leg_open_) return;
  switch (message.kind) {
    case Message::Kind::kText:
      session_->OnText(kLegChannel, message.bytes, now());
      break;
    case Message::Kind::kBinary:
      session_->OnBinary(
          kLegChannel,
          {reinterpret_cast<const uint8_t*>(message.bytes.data()),
           message.bytes.size()},
          now());
      break;
    case Message::Kind::kClose:
      DropLeg(message.code);
      break;
  }
}

// ---------------------------------------------------------------------------
// Effects

void VirtualWorld::Send(ChannelId channel, Message message) {
  NoteEffect();
  if (channel == kLegChannel) {
    if (!leg_open_) ++stray_to_line_;
    to_line_.Send(std::move(message));
  } else {
    upstreams.Send(channel, std::move(message));
  }
}

void VirtualWorld::SendText(ChannelId channel, std::string_view text) {
  Send(channel, Message::Text(std::string(text)));
}

void VirtualWorld::SendBinary(ChannelId channel,
                              std::span<const uint8_t> bytes) {
  Send(channel, Message::Binary(std::string(bytes.begin(), bytes.end())));
}

void VirtualWorld::Connect(ChannelId channel,
                           const protocol::ConnectRequest& request) {
  NoteEffect();
  upstreams.Connect(channel, request);
}

void VirtualWorld::Close(ChannelId channel, uint16_t code,
                         std::string_view /*reason*/) {
  NoteEffect();
  if (channel == kLegChannel) {
    leg_open_ = false;
    to_line_.Send(Message::Close(code));
  } else {
    upstreams.Close(channel);
  }
}

void VirtualWorld::Fetch(ChannelId channel,
                         const protocol::FetchRequest& request) {
  NoteEffect();
  upstreams.Fetch(channel, request);
}

void VirtualWorld::AbortFetch(ChannelId channel) {
  NoteEffect();
  upstreams.AbortFetch(channel);
}

void VirtualWorld::Credit(ChannelId channel, uint32_t bytes) {
  NoteEffect();
  upstreams.Credit(channel, bytes);
}

void VirtualWorld::LoadResource(std::string_view /*name*/) { NoteEffect(); }

void VirtualWorld::Authorize(const Json& /*credentials*/) {
  NoteEffect();
  clock.After(Duration::Millis(3),
              [this] { session_->OnAuthorized(options.verdict, now()); });
}

}  // namespace trunkline::test
