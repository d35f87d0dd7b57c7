#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "support/world/realtime_adapter.h"
#include "support/world/sound.h"
#include "support/world/upstreams.h"
#include "support/world/world.h"

namespace trunkline::test {

// A call with a Realtime provider that says what a test tells it to, message by
// message. Each takes 60 ms, more than the way there and back.
class ToldProviderTest : public testing::Test {
 protected:
  static VirtualWorld::Options Options() {
    VirtualWorld::Options options;
    options.agent = "openai-realtime";
    options.epoch_ms = 1'000'000;
    options.leg_delay = Duration::Millis(20);
    options.profile = {{"tools", Json::array({Json{{"type", "function"},
                                                   {"name", "lookup"},
                                                   {"timeoutMs", 30'000}}})}};
    return options;
  }
  // Connected and listening. Mind::kTest: from now on the test is the provider;
  // kOwn: it hears and replies by itself.
  enum class Mind : uint8_t { kTest, kOwn };
  static void Start(VirtualWorld& world, Mind mind = Mind::kTest) {
    world.line.Call();
    ASSERT_TRUE(world.RunUntil(
        [&] { return world.state() == session::State::kListening; }));
    world.agent.stalled = mind == Mind::kTest;
  }

  static void Tell(VirtualWorld& world, const Json& json) {
    world.realtime.Send(json);
    world.Advance(Duration::Millis(60));
  }
  static void Committed(VirtualWorld& world, const std::string& item) {
    Tell(world, {{"type", "input_audio_buffer.committed"}, {"item_id", item}});
  }
  static void Hears(VirtualWorld& world, bool speech) {
    Tell(world, {{"type", speech ? "input_audio_buffer.speech_started"
                                 : "input_audio_buffer.speech_stopped"}});
  }
  static void CallerText(VirtualWorld& world, const std::string& item,
                         const std::string& part) {
    Tell(world, {{"type", "conversation.item.input_audio_transcription.delta"},
                 {"item_id", item},
                 {"content_index", 0},
                 {"delta", part}});
  }
  static void Created(VirtualWorld& world, const std::string& response) {
    Tell(world,
         {{"type", "response.created"}, {"response", {{"id", response}}}});
  }
  static void Sound(VirtualWorld& world, const std::string& response,
                    const std::string& item, int64_t ms) {
    Tell(world,
         {{"type", "response.output_audio.delta"},
          {"response_id", response},
          {"item_id", item},
          {"content_index", 0},
          {"delta", ToBase64(std::string(static_cast<size_t>(ms) * 8, 'P'))}});
  }
  static void Call(VirtualWorld& world, const std::string& response,
                   const std::string& id, const std::string& name) {
    Tell(world, {{"type", "response.output_item.done"},
                 {"response_id", response},
                 {"item",
                  {{"type", "function_call"},
                   {"id", "f" + id},
                   {"status", "completed"},
                   {"call_id", id},
                   {"name", name},
                   {"arguments", "{}"}}}});
  }
  static void Done(VirtualWorld& world, const std::string& response,
                   const std::string& status = "completed") {
    Tell(world, {{"type", "response.done"},
                 {"response",
                  {{"id", response},
                   {"status", status},
                   {"status_details", nullptr}}}});
  }
  // A whole reply to a turn that was taken, of which so much is to be heard.
  static void Reply(VirtualWorld& world, const std::string& response,
                    int64_t ms) {
    Created(world, response);
    Sound(world, response, "item-" + response, ms);
    Done(world, response);
  }

  static void Wait(VirtualWorld& world, int64_t ms) {
    world.Advance(Duration::Millis(ms));
  }
  // The response ends as failed.
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
  // An operator brings the result of a call.
  static void Result(VirtualWorld& world, const std::string& id) {
    world.Command(
        {{"type", "toolResult"}, {"toolCallId", id}, {"output", "nine"}});
    Wait(world, 60);
  }
  // The leg says so much later that it has played something.
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

  static int Asked(const VirtualWorld& world) {
    return world.realtime.CountReceived("response.create");
  }
  static int Deleted(const VirtualWorld& world) {
    return world.realtime.CountReceived("conversation.item.delete");
  }
  // Until `done` or the end of the call, ms; at most 100 s.
  static int64_t MsUntil(VirtualWorld& world,
                         const std::function<bool()>& done) {
    const Instant from = world.now();
    world.RunUntil([&] { return done() || !world.ended().empty(); },
                   Duration::Millis(100'000));
    return (world.now() - from).ms();
  }
};

}  // namespace trunkline::test
