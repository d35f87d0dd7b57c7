#include <algorithm>
#include <string>
#include <utility>

#include "support/world/hostile_realtime.h"

// What comes of a request for a reply.

namespace trunkline::test {
namespace {

constexpr const char* kReasons[] = {"max_output_tokens", "content_filter",
                                    "other", ""};

}  // namespace

std::string HostileRealtime::ResponseId() const {
  return "resp_" + std::to_string(active_.value_or(0));
}

void HostileRealtime::Play(Steps steps) {
  steps_ = std::move(steps);
  first_item_ = agent_.items().size();
  ++run_;
  clock_.After(clock_.RandomDelay(temper_.pause),
               [this, run = run_] { Step(run); });
}

void HostileRealtime::Step(uint64_t run) {
  if (run != run_ || steps_.empty()) return;
  const auto step = std::move(steps_.front());
  steps_.pop_front();
  step();
  if (run != run_ || steps_.empty()) return;
  clock_.After(clock_.RandomDelay(temper_.pause), [this, run] { Step(run); });
}

void HostileRealtime::Created() {
  active_ = last_response_ = agent_.BeginReply();
  honest_.ReplyBegan(*active_);
}

void HostileRealtime::AddTool(Steps& steps, const std::string& id,
                              const std::string& name) {
  steps.push_back(
      [this, id, name] { honest_.ToolCall(active_.value_or(0), id, name); });
}

void HostileRealtime::BeginItem() {
  std::string name;
  if (temper_.same_name != 0 && active_ && !known_names_.empty() &&
      dice_.Chance(temper_.same_name)) {
    // Within a response a name is one item's.
    const auto known = known_names_.begin() +
                       dice_.Below(static_cast<uint32_t>(known_names_.size()));
    name = *known;
    known_names_.erase(known);
    Deed("a name that was used before: " + name);
  }
  const std::string id = agent_.BeginItem(name, name + "@" + ResponseId()).id;
  if (was_asked_ && on_item) on_item(id);
}

void HostileRealtime::Say(int64_t ms) {
  // With it the gateway hears that those before it are.
  agent_.EndItems(first_item_, agent_.items().size() - 1);
  agent_.Say(active_.value_or(0), ms);
}

void HostileRealtime::Complete() {
  agent_.EndItems(first_item_, agent_.items().size());
  if (!was_cancelled_) {
    for (size_t i = first_item_; i < agent_.items().size(); ++i) {
      known_names_.push_back(agent_.items()[i].name);
    }
  }
}

void HostileRealtime::EndActive() {
  if (active_ && !was_asked_ && on_own_reply_over) on_own_reply_over();
  active_.reset();
}

void HostileRealtime::AddItem(Steps& steps, int64_t ms, bool with_words) {
  steps.push_back([this] { BeginItem(); });
  for (int64_t at = 0; at < ms; at += 200) {
    steps.push_back(
        [this, piece = std::min<int64_t>(200, ms - at)] { Say(piece); });
  }
  if (with_words) AddWords(steps);
}

void HostileRealtime::AddWords(Steps& steps) {
  steps.push_back(
      [this] { SendWords(agent_.items().size() - 1, ResponseId()); });
}

void HostileRealtime::SendWords(size_t number, const std::string& response) {
  const Agent::Item& item = agent_.items()[number];
  honest_.Send({{"type", "response.output_audio_transcript.delta"},
                {"response_id", response},
                {"item_id", item.name},
                {"content_index", 0},
                {"delta", "some words "}});
  honest_.Send({{"type", "response.output_audio_transcript.done"},
                {"response_id", response},
                {"item_id", item.name},
                {"content_index", 0},
                {"transcript", "some words of " + item.id}});
  worded_ = number + 1;
}

void HostileRealtime::AddLateWords(Steps& steps) {
  steps.push_back([this] {
    const size_t items = agent_.items().size();
    if (items > std::max(first_item_, worded_)) {
      SendWords(items - 1, "resp_" + std::to_string(last_response_));
    }
  });
}

void HostileRealtime::AddDone(Steps& steps, const std::string& status,
                              const Json& details) {
  steps.push_back([this, status, details] {
    Json response = {{"id", ResponseId()},
                     {"status", status},
                     {"usage", {{"input_tokens", 10}, {"output_tokens", 5}}}};
    if (!details.is_null()) response["status_details"] = details;
    if (status == "completed") Complete();
    honest_.Send({{"type", "response.done"},
                  {"event_id", "e"},
                  {"response", std::move(response)}});
    EndActive();
  });
}

HostileRealtime::Steps HostileRealtime::StepsOf(Reply reply,
                                                const Json& request) {
  Steps steps;
  const auto created = [&] { steps.push_back([this] { Created(); }); };
  const auto failure = [&] {
    return Json{
        {"type", "failed"},
        {"error", {{"code", PickError()}, {"message", PickRetryText()}}}};
  };
  const auto incomplete = [&] {
    const std::string reason = dice_.Pick(kReasons);
    return reason.empty() ? Json::object() : Json{{"reason", reason}};
  };
  const std::string id = "call_" + std::to_string(++calls_);
  const int64_t some_ms = dice_.Between(20, 700);
  switch (reply) {
    case Reply::kHonest:
    case Reply::kIgnored:
      break;
    case Reply::kRefused:
    case Reply::kRefusedUnnamed:
      steps.push_back([this, request, named = reply == Reply::kRefused,
                       code = PickError()] {
        Refuse(request, named, code, "It cannot be.");
      });
      break;
    case Reply::kLimited:
      steps.push_back([this, request, text = PickRetryText()] {
        Refuse(request, true, "rate_limit_exceeded", text);
      });
      break;
    case Reply::kCallsTool:
    case Reply::kCallsUndeclared:
      created();
      AddTool(steps, id,
              reply == Reply::kCallsTool
                  ? (dice_.Chance(500) ? "lookup" : "quick")
                  : "no_such_tool");
      AddDone(steps, "completed", {});
      break;
    case Reply::kCallsTwice:
      created();
      AddTool(steps, id, "lookup");
      AddTool(steps, calls_ > 1 ? "call_1" : id, "quick");
      AddDone(steps, "completed", {});
      break;
    case Reply::kEndsCall:
      created();
      if (dice_.Chance(500)) AddItem(steps, some_ms, true);
      AddTool(steps, id, "end_call");
      AddDone(steps, "completed", {});
      break;
    case Reply::kPreamble:
      created();
      AddItem(steps, some_ms, true);
      AddTool(steps, id, dice_.Chance(500) ? "lookup" : "quick");
      AddDone(steps, "completed", {});
      break;
    case Reply::kItems:
      created();
      for (int64_t items = dice_.Between(2, 4); items > 0; --items) {
        AddItem(steps, some_ms, dice_.Chance(700));
      }
      AddDone(steps, "completed", {});
      break;
    case Reply::kText:
      created();
      steps.push_back([this] {
        honest_.Send({{"type", "response.output_text.delta"},
                      {"response_id", ResponseId()},
                      {"delta", "only text"}});
      });
      AddDone(steps, "completed", {});
      break;
    case Reply::kEmpty:
      created();
      AddDone(steps, "completed", {});
      break;
    case Reply::kFailed:
    case Reply::kFailedInAudio:
      created();
      if (reply == Reply::kFailedInAudio) AddItem(steps, some_ms, false);
      AddDone(steps, "failed", failure());
      break;
    case Reply::kIncomplete:
    case Reply::kCutShort:
      created();
      if (reply == Reply::kCutShort) AddItem(steps, some_ms, true);
      AddDone(steps, "incomplete", incomplete());
      break;
    case Reply::kCancelled:
      created();
      if (dice_.Chance(500)) AddItem(steps, some_ms, false);
      AddDone(steps, "cancelled", {});
      break;
    case Reply::kStalls:
      created();
      break;
    case Reply::kStallsInAudio:
      created();
      AddItem(steps, some_ms, true);
      break;
    case Reply::kDrops:
      steps.push_back([this] { Close(); });
      break;
    case Reply::kDropsInAudio:
      created();
      AddItem(steps, some_ms, dice_.Chance(500));
      steps.push_back([this] { Close(); });
      break;
    case Reply::kTrickle:
      created();
      steps.push_back([this] { BeginItem(); });
      for (int i = 0; i < 40; ++i) {
        steps.push_back([this] { agent_.Say(active_.value_or(0), 1); });
        // The others do nothing: time passes.
        for (int rest = 0; rest < 4; ++rest) steps.push_back([] {});
      }
      AddDone(steps, "completed", {});
      break;
    case Reply::kNameless:
      created();
      steps.push_back([this] {
        Raw(R"({"type":"response.output_audio.delta","response_id":"resp_0","item_id":"","delta":"////"})");
        Raw(R"({"type":"response.output_audio.delta","response_id":"nobody's","delta":"////"})");
        Raw(R"({"type":"response.output_audio.delta","item_id":"item_x","delta":"/?"})");
      });
      AddDone(steps, "completed", {});
      break;
    case Reply::kDoubled:
      created();
      steps.push_back([this] { honest_.ReplyBegan(active_.value_or(0)); });
      AddItem(steps, some_ms, true);
      AddTool(steps, id, "quick");
      AddTool(steps, id, "quick");
      steps.push_back([this] {
        const Json done = {
            {"type", "response.done"},
            {"response", {{"id", ResponseId()}, {"status", "completed"}}}};
        Complete();
        honest_.Send(done);
        honest_.Send(done);
        EndActive();
      });
      break;
    case Reply::kUnannounced:
      AddItem(steps, some_ms, true);
      AddDone(steps, "completed", {});
      break;
    case Reply::kBusy:
      if (busy_ % 2 == 1) {
        // With a reply of its own, of which it tells first.
        steps.push_back([this] {
          was_asked_ = false;
          Created();
        });
        AddItem(steps, some_ms, true);
      }
      steps.push_back([this, request] {
        Refuse(request, true, "conversation_already_has_active_response",
               "busy");
      });
      if (++busy_ % 3 != 0) AddDone(steps, "completed", {});
      break;
  }
  return steps;
}

}  // namespace trunkline::test
