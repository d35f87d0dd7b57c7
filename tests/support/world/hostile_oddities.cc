#include <algorithm>
#include <string>
#include <utility>

#include "support/world/hostile_realtime.h"

// Replies in shapes that servers have, and their documents do not.

namespace trunkline::test {

HostileRealtime::Steps HostileRealtime::StepsOf(Oddity oddity,
                                                const Json& request) {
  Steps steps;
  steps.push_back([this] { Created(); });
  const int64_t some_ms = dice_.Between(20, 700);
  switch (oddity) {
    case Oddity::kMingled:
      AddMingledItems(steps, some_ms);
      AddDone(steps, "completed", {});
      break;
    case Oddity::kErrorBehindCreated:
      if (dice_.Chance(500)) AddItem(steps, some_ms, false);
      steps.push_back([this, request, code = PickError()] {
        Refuse(request, true, code, "It cannot go on.");
        EndActive();
      });
      break;
    case Oddity::kCallWithoutStatus:
    case Oddity::kCallInPieces:
    case Oddity::kCallInDone:
      AddOddTool(steps, oddity, "call_" + std::to_string(++calls_));
      break;
    case Oddity::kWordsAfterDone:
      AddItem(steps, some_ms, false);
      AddDone(steps, "completed", {});
      AddLateWords(steps);
      break;
  }
  return steps;
}

void HostileRealtime::AddMingledItems(Steps& steps, int64_t ms) {
  steps.push_back([this] { BeginItem(); });
  steps.push_back([this] { BeginItem(); });
  for (int64_t at = 0; at < ms; at += 200) {
    for (const size_t item : {size_t{0}, size_t{1}}) {
      steps.push_back([this, item, piece = std::min<int64_t>(200, ms - at)] {
        agent_.Say(active_.value_or(0), piece, first_item_ + item);
      });
    }
  }
}

void HostileRealtime::AddOddTool(Steps& steps, Oddity oddity,
                                 const std::string& id) {
  const std::string item = "fc_" + id;
  const Json call = {{"id", item},
                     {"type", "function_call"},
                     {"call_id", id},
                     {"name", dice_.Chance(500) ? "lookup" : "quick"},
                     {"arguments", "{}"}};
  const auto send = [&](Json event) {
    steps.push_back([this, event = std::move(event)]() mutable {
      event["response_id"] = ResponseId();
      honest_.Send(event);
    });
  };
  Json output = Json::array();
  if (oddity == Oddity::kCallWithoutStatus) {
    send({{"type", "response.output_item.done"}, {"item", call}});
  } else if (oddity == Oddity::kCallInPieces) {
    Json begun = call;
    begun["arguments"] = "";
    send({{"type", "response.output_item.added"}, {"item", begun}});
    send({{"type", "response.function_call_arguments.done"},
          {"item_id", item},
          {"call_id", id},
          {"arguments", "{}"}});
  } else {
    output.push_back(call);
    output.back()["status"] = "completed";
  }
  steps.push_back([this, output] {
    Complete();
    honest_.Send({{"type", "response.done"},
                  {"event_id", "e"},
                  {"response",
                   {{"id", ResponseId()},
                    {"status", "completed"},
                    {"output", output}}}});
    EndActive();
  });
}

}  // namespace trunkline::test
