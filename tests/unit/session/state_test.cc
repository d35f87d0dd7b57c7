#include "session/state.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "support/world/world.h"

namespace trunkline::session {
namespace {

std::string Diagram() {
  std::ostringstream out;
  out << "stateDiagram-v2\n";
  out << "    [*] --> setup\n";
  for (const Transition& t : Transitions()) {
    out << "    " << ToString(t.from) << " --> " << ToString(t.to) << ": "
        << ToString(t.reason) << "\n";
  }
  out << "    ended --> [*]\n";
  return out.str();
}

std::string Names(TimerSet timers) {
  std::string names;
  for (const Timer timer : timers) {
    if (!names.empty()) names += ", ";
    names += ToString(timer);
  }
  return names.empty() ? "-" : names;
}

std::string Table() {
  std::ostringstream out;
  out << "| from | reason | to | stops | starts | does |\n"
      << "|---|---|---|---|---|---|\n";
  for (const Transition& t : Transitions()) {
    out << "| " << ToString(t.from) << " | " << ToString(t.reason) << " | "
        << ToString(t.to) << " | " << Names(t.stops) << " | " << Names(t.starts)
        << " | " << Does(t) << " |\n";
  }
  return out.str();
}

// docs/architecture.md shows the table as it is, twice. To renew it, run this
// test with TRUNKLINE_PRINT_TABLE set and paste what it prints.
TEST(StateTest, TheDocumentedTableIsTheTable) {
  const std::string diagram = Diagram();
  const std::string table = Table();
  if (std::getenv("TRUNKLINE_PRINT_TABLE") != nullptr) {
    std::fputs((diagram + "\n" + table).c_str(), stdout);
  }
  std::ifstream file(TRUNKLINE_SOURCE_DIR "/docs/architecture.md");
  ASSERT_TRUE(file.good());
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find("```mermaid\n" + diagram + "```"),
            std::string::npos)
      << diagram;
  EXPECT_NE(text.str().find("\n" + table + "\n"), std::string::npos) << table;
}

// What a state waits for is started on the way into it, or runs already.
TEST(StateTest, EveryTransitionStartsWhatItsStateWaitsFor) {
  for (const Transition& t : Transitions()) {
    SCOPED_TRACE(ToString(t.from));
    SCOPED_TRACE(ToString(t.reason));
    for (const Timer timer : t.starts) EXPECT_FALSE(t.stops.has(timer));
    EXPECT_STRNE(Does(t), "");
    EXPECT_EQ(t.starts.has(Timer::kDeadAir), t.to == State::kListening);
    EXPECT_EQ(t.starts.has(Timer::kReply), t.to == State::kThinking);
    EXPECT_EQ(t.starts.has(Timer::kDecide), t.to == State::kInterrupted);
    EXPECT_EQ(t.starts.has(Timer::kFarewell), t.to == State::kFarewell);
    EXPECT_EQ(t.starts.has(Timer::kLegLost), t.to == State::kLegLost);
    // Silence is no fault while the agent is due, speaks or says goodbye.
    EXPECT_TRUE(t.from != State::kListening || t.to == State::kEnded ||
                t.stops.has(Timer::kDeadAir));
  }
}

TEST(StateTest, TheTableIsSound) {
  std::set<std::pair<State, Reason>> seen;
  std::set<State> reached = {State::kSetup};
  for (const Transition& t : Transitions()) {
    // One reason leads from one state to one state.
    EXPECT_TRUE(seen.insert({t.from, t.reason}).second);
    EXPECT_NE(t.from, t.to);
    EXPECT_NE(t.from, State::kEnded) << "ended is terminal";
    reached.insert(t.to);
  }
  EXPECT_EQ(reached.size(), static_cast<size_t>(kStateCount));
  // Every state can end, and no other pair is allowed.
  for (int s = 0; s < kStateCount; ++s) {
    const auto state = static_cast<State>(s);
    EXPECT_EQ(FindTransition(state, Reason::kOver, State::kEnded) != nullptr,
              state != State::kEnded);
    for (int r = 0; r < kReasonCount; ++r) {
      int targets = 0;
      for (int to = 0; to < kStateCount; ++to) {
        targets += FindTransition(state, static_cast<Reason>(r),
                                  static_cast<State>(to)) != nullptr
                       ? 1
                       : 0;
      }
      EXPECT_EQ(targets,
                seen.contains({state, static_cast<Reason>(r)}) ? 1 : 0);
    }
  }
}

// ---------------------------------------------------------------------------
// Every input in every state: it changes the state as the table allows or not
// at all, the session stays consistent (checked inside, after each), nothing
// leaves after the end.

using protocol::ChannelId;
using protocol::kLegChannel;
using test::Speech;
using test::VirtualWorld;

struct Step {
  const char* name;
  std::function<void(VirtualWorld&)> apply;
};

std::vector<Step> Steps() {
  const auto input = [](std::function<void(Session&, Instant)> feed) {
    return [feed = std::move(feed)](VirtualWorld& world) {
      world.Input([&](Session& s) { feed(s, world.now()); });
    };
  };
  // On the agent's channel.
  const auto from_agent =
      [](std::function<void(Session&, ChannelId, Instant)> feed) {
        return [feed = std::move(feed)](VirtualWorld& world) {
          world.Input([&](Session& s) {
            feed(s, world.realtime.channel(), world.now());
          });
        };
      };
  const auto command = [](Json json) {
    return
        [json = std::move(json)](VirtualWorld& world) { world.Command(json); };
  };
  const auto agent = [&](const char* text) {
    return from_agent([text](Session& s, ChannelId channel, Instant now) {
      s.OnText(channel, text, now);
    });
  };
  const auto leg = [&](const char* text) {
    return input(
        [text](Session& s, Instant now) { s.OnText(kLegChannel, text, now); });
  };
  return {
      {"legOpened",
       input([](Session& s, Instant n) { s.OnOpened(kLegChannel, "", n); })},
      {"agentOpened", from_agent([](Session& s, ChannelId c, Instant n) {
         s.OnOpened(c, "", n);
       })},
      {"legClosed", input([](Session& s, Instant n) {
         s.OnClosed(kLegChannel, 1000, 0, "", n);
       })},
      {"legDropped", input([](Session& s, Instant n) {
         s.OnClosed(kLegChannel, 1006, 0, "", n);
       })},
      {"agentClosed", from_agent([](Session& s, ChannelId c, Instant n) {
         s.OnClosed(c, 1000, 0, "", n);
       })},
      {"agentDropped", from_agent([](Session& s, ChannelId c, Instant n) {
         s.OnClosed(c, 1006, 0, "", n);
       })},
      {"agentRefused", from_agent([](Session& s, ChannelId c, Instant n) {
         s.OnClosed(c, 1006, 401, "", n);
       })},
      {"legBinary", input([](Session& s, Instant n) {
         s.OnBinary(kLegChannel, std::vector<uint8_t>{1, 2}, n);
       })},
      {"agentBinary", from_agent([](Session& s, ChannelId c, Instant n) {
         s.OnBinary(c, std::vector<uint8_t>{1, 2}, n);
       })},
      {"legOversize", input([](Session& s, Instant n) {
         s.OnOversize(kLegChannel, 1 << 24, n);
       })},
      {"agentOversize", from_agent([](Session& s, ChannelId c, Instant n) {
         s.OnOversize(c, 1 << 24, n);
       })},
      {"timer", input([](Session& s, Instant n) { s.OnTimer(n); })},
      {"timerMuchLater", input([](Session& s, Instant n) {
         s.OnTimer(n + Duration::Millis(400'000));
       })},
      {"granted", input([](Session& s, Instant n) {
         s.OnAuthorized(Session::Verdict::kGranted, n);
       })},
      {"used", input([](Session& s, Instant n) {
         s.OnAuthorized(Session::Verdict::kUsed, n);
       })},
      {"hangUp", command({{"type", "hangUp"}})},
      {"say", command({{"type", "say"}, {"text", "x"}})},
      {"toolResult",
       command({{"type", "toolResult"}, {"toolCallId", "c"}, {"output", "x"}})},
      {"connected", leg(R"({"event":"connected"})")},
      {"start",
       leg(R"({"event":"start","start":{"streamSid":"MZ1","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000}}})")},
      {"startOfAnUnknownFormat",
       leg(R"({"event":"start","start":{"streamSid":"MZ1"}})")},
      {"media", leg(R"({"event":"media","media":{"payload":"AAAA"}})")},
      {"mark", leg(R"({"event":"mark","mark":{"name":"g0:1280"}})")},
      {"dtmf", leg(R"({"event":"dtmf","dtmf":{"digit":"1"}})")},
      {"stop", leg(R"({"event":"stop"})")},
      {"garbage", leg("{{{")},
      {"sessionCreated", agent(R"({"type":"session.created"})")},
      {"sessionUpdated", agent(R"({"type":"session.updated"})")},
      {"speechStarted",
       agent(R"({"type":"input_audio_buffer.speech_started"})")},
      {"speechStopped",
       agent(R"({"type":"input_audio_buffer.speech_stopped"})")},
      {"committed",
       agent(R"({"type":"input_audio_buffer.committed","item_id":"u"})")},
      {"responseCreated",
       agent(R"({"type":"response.created","response":{"id":"r"}})")},
      {"delta",
       agent(
           R"({"type":"response.output_audio.delta","response_id":"r","item_id":"i","delta":"AAAAAAAAAAAAAAAA"})")},
      {"callerWords",
       agent(
           R"({"type":"conversation.item.input_audio_transcription.delta","item_id":"u","delta":"stop"})")},
      {"toolCall",
       agent(
           R"({"type":"response.output_item.done","response_id":"r","item":{"type":"function_call","status":"completed","call_id":"c","name":"lookup"}})")},
      {"endCall",
       agent(
           R"({"type":"response.output_item.done","response_id":"r","item":{"type":"function_call","status":"completed","call_id":"c","name":"end_call"}})")},
      {"responseDone",
       agent(
           R"({"type":"response.done","response":{"id":"r","status":"completed"}})")},
      {"responseFailed",
       agent(
           R"({"type":"response.done","response":{"id":"r","status":"failed"}})")},
      {"responseCancelled",
       agent(
           R"({"type":"response.done","response":{"id":"r","status":"cancelled"}})")},
      {"agentError",
       agent(R"({"type":"error","error":{"code":"server_error"}})")},
      {"expired",
       agent(R"({"type":"error","error":{"code":"session_expired"}})")},
      {"noQuota",
       agent(R"({"type":"error","error":{"code":"insufficient_quota"}})")},
  };
}

void Reach(VirtualWorld& world, State state) {
  if (state == State::kSetup) return;
  if (state == State::kConnecting) {
    world.options.agent_delay = Duration::Millis(500);
  }
  world.line.Call();
  if (state == State::kThinking || state == State::kSpeaking ||
      state == State::kInterrupted) {
    world.line.Say(Speech(600));
  }
  if (state == State::kInterrupted) {
    world.RunUntil([&] { return world.line.heard_ms() > 1000; });
    world.line.Say(Speech(200));
  }
  if (state == State::kFarewell || state == State::kLegLost ||
      state == State::kEnded) {
    world.RunUntil([&] { return world.state() == State::kListening; });
    if (state == State::kFarewell) {
      world.Command({{"type", "hangUp"}});
    } else if (state == State::kLegLost) {
      world.line.Drop();
    } else {
      world.line.HangUp();
    }
  }
  ASSERT_TRUE(world.RunUntil([&] { return world.state() == state; }))
      << ToString(world.state());
}

class EveryInputTest : public testing::TestWithParam<int> {};

TEST_P(EveryInputTest, ChangesTheStateAsTheTableAllows) {
  const auto state = static_cast<State>(GetParam());
  VirtualWorld::Options options;
  options.agent = "openai-realtime";
  const std::vector<Step> steps = Steps();
  // Every input, followed by seven others that differ from one to the next.
  constexpr size_t kFollowers = 7;
  for (size_t i = 0; i < steps.size(); ++i) {
    for (size_t k = 0; k < kFollowers; ++k) {
      const Step& first = steps[i];
      const Step& second = steps[(i * 5 + k * 6 + 1) % steps.size()];
      VirtualWorld world(options);
      Reach(world, state);
      if (HasFatalFailure()) return;
      first.apply(world);
      second.apply(world);
      const auto transitions = world.EventsOf("state");
      for (size_t t = 1; t < transitions.size(); ++t) {
        EXPECT_EQ(transitions[t]["from"], transitions[t - 1]["to"]);
      }
      EXPECT_TRUE(world.session().IsConsistent())
          << first.name << ", " << second.name;
      EXPECT_EQ(world.effects_after_end(), 0)
          << first.name << ", " << second.name;
      EXPECT_EQ(world.ended().size(), world.session().ended() ? 1U : 0U);
    }
  }
}

std::string StateName(const testing::TestParamInfo<int>& info) {
  return ToString(static_cast<State>(info.param));
}

INSTANTIATE_TEST_SUITE_P(States, EveryInputTest, testing::Range(0, kStateCount),
                         StateName);

}  // namespace
}  // namespace trunkline::session
