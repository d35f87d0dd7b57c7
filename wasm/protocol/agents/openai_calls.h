#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "protocol/wire.h"

namespace trunkline::protocol {

// The calls of functions in a Realtime session's responses. What a call is made
// of comes in pieces: `response.output_item.added` has its name,
// `response.function_call_arguments.done` its arguments, which may be a
// beginning of them where the response was stopped;
// `response.output_item.done` and the output of `response.done` have all of it,
// and whether it is whole. Servers leave out some of these, or some of what is
// in them. A call is made once, when it is first known to be whole.
class OpenAiCalls {
 public:
  // Calls that are known in part, of one response or several, and the text of
  // them. What is beyond either is left out, and TakePiece() says so.
  static constexpr size_t kMaxPending = 32;
  static constexpr size_t kMaxPendingBytes = size_t{64} * 1024;
  // Calls of one response that are known to be made; the oldest is forgotten,
  // and would be made again.
  static constexpr size_t kMaxMade = 128;

  // The response is "" where it is not known, and so is any of the others.
  struct Call {
    std::string response;
    std::string item;
    std::string call_id;
    std::string name;
    std::string arguments;
  };

  // Nothing of a former session is left.
  void Reset();
  // Nothing more comes of the response, and what came is not pending. What was
  // told stays valid.
  void OnResponseOver();

  // Some of a call, in an event that does not say whether it is whole. False
  // for one beyond the bounds.
  bool TakePiece(const Call& piece);
  // An item of type function_call, of an event that does. nullptr if it is no
  // whole one, or was made before, or has an id that is too long
  // (kMaxCallIdBytes). `fault` is what is wrong with it otherwise.
  // Valid until Forget().
  const Call* TakeItem(std::string_view response, const Json& item,
                       std::optional<Fault>& fault);
  // One of the response that has its id and its arguments and of which no item
  // came; nullptr if there is none. `fault` is set for those before it that
  // have no id, or one that is too long: nobody could answer them. Valid until
  // Forget().
  const Call* TakePending(std::string_view response,
                          std::optional<Fault>& fault);
  // Who was told of calls needs them no more.
  void Forget() { told_.clear(); }

 private:
  Call* Find(const Call& piece);
  // nullptr if it was made before.
  const Call* Make(Call call);

  std::vector<Call> pending_;
  // A response and a call's id.
  struct Made {
    std::string response;
    std::string call_id;
  };
  std::vector<Made> made_;
  // References stay valid while it grows.
  std::deque<Call> told_;
};

}  // namespace trunkline::protocol
