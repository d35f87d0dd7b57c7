#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/time.h"
#include "session/session.h"
#include "support/world/agent.h"
#include "support/world/call_log.h"
#include "support/world/clock.h"
#include "support/world/line.h"
#include "support/world/link.h"
#include "support/world/plain_adapter.h"
#include "support/world/realtime_adapter.h"
#include "support/world/scripted_adapter.h"
#include "support/world/sound.h"
#include "support/world/twilio_adapter.h"
#include "support/world/upstreams.h"

namespace trunkline::test {

// A session in virtual time between a caller's line and an agent, with the
// network between them. Which protocols they speak is an option; tests that are
// of all of them look at `line` and `agent` alone.
class VirtualWorld final : public CallLog {
 public:
  struct Options {
    // "twilio" or "plain", and what a plain one is like.
    std::string leg = "twilio";
    std::optional<protocol::LegTraits> traits;
    // "parrot", "openai-realtime" or "scripted".
    std::string agent = "parrot";
    Json profile = Json::object();
    Json limits = Json::object();
    // What a former session left of the recording; null for none.
    Json recording_so_far;
    // The number of the first event.
    int64_t first_seq = 0;
    // The snapshot of a former session, and the wall clock.
    std::optional<std::string> snapshot;
    int64_t epoch_ms = 1;
    // More of the configuration: its members replace those above.
    Json config = Json::object();
    // One way, between gateway and carrier; later by up to the jitter, at
    // random, each way.
    Duration leg_delay;
    Duration leg_jitter;
    Duration agent_delay = Duration::Millis(20);
    uint64_t seed = 1;
    session::Session::Verdict verdict = session::Session::Verdict::kGranted;
    // Of audio in a message of the caller's.
    Duration line_frame = Duration::Millis(20);
  };
  // Hands on what it likes of a message, when it likes and as often.
  using Tamper =
      std::function<void(Message, const std::function<void(Message)>&)>;

  explicit VirtualWorld(const Options& options);
  ~VirtualWorld();
  VirtualWorld(const VirtualWorld&) = delete;
  VirtualWorld& operator=(const VirtualWorld&) = delete;

  void Advance(Duration duration);
  // Until `done` or `limit` has passed; returns whether it was done.
  bool RunUntil(const std::function<bool()>& done,
                Duration limit = Duration::Millis(60'000));
  // Feeds one input now.
  void Input(const std::function<void(session::Session&)>& input);

  Instant now() const { return clock.now(); }
  session::Session& session() { return *session_; }
  session::State state() const { return session_->state(); }

  bool leg_open() const { return leg_open_; }
  bool agent_open() const { return upstreams.any_open(); }
  // Sockets that were asked for.
  int connects() const { return static_cast<int>(upstreams.sockets().size()); }
  // Of an item of the agent.
  int64_t HeardMs(const Agent::Item& item);
  double HeardSamples(const Agent::Item& item);
  // The result of a command that is given now. Null after the end.
  Json Command(const Json& command,
               session::CommandEnvelope::Source source =
                   session::CommandEnvelope::Source::kOperator);

  // Messages of this kind that the session sent on a channel that was closed,
  // or not open yet; must stay 0.
  int stray_messages() const {
    return stray_to_line_ + upstreams.stray_messages();
  }
  // What the line sends goes by it; empty for straight on.
  Tamper tamper_with_line;

  Options options;
  Clock clock;
  Upstreams upstreams;
  Line line;
  Agent agent;
  // The one that the option names is in use.
  RealtimeAdapter realtime;
  ScriptedAdapter scripted;

 private:
  void SendText(protocol::ChannelId channel, std::string_view text) override;
  void SendBinary(protocol::ChannelId channel,
                  std::span<const uint8_t> bytes) override;
  void Connect(protocol::ChannelId channel,
               const protocol::ConnectRequest& request) override;
  void Close(protocol::ChannelId channel, uint16_t code,
             std::string_view reason) override;
  void Fetch(protocol::ChannelId channel,
             const protocol::FetchRequest& request) override;
  void AbortFetch(protocol::ChannelId channel) override;
  void Credit(protocol::ChannelId channel, uint32_t bytes) override;
  void LoadResource(std::string_view name) override;
  void Authorize(const Json& credentials) override;

  void AddSuccessors();
  void OpenLeg();
  void DropLeg(uint16_t code);
  void FromLine(const Message& message);
  void Send(protocol::ChannelId channel, Message message);
  void ToGateway(Message message);

  int stray_to_line_ = 0;
  Link to_line_;
  Link to_gateway_;
  bool leg_open_ = false;
  int64_t next_command_ = 1;
  const protocol::Registry registry_;
  std::unique_ptr<session::Session> session_;
};

}  // namespace trunkline::test
