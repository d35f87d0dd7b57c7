#include "protocol/agents/openai_calls.h"

#include <algorithm>
#include <utility>

#include "protocol/dialogue.h"

namespace trunkline::protocol {
namespace {

// Whether both may be the same: who leaves one out means the one there is.
bool MayBe(std::string_view one, std::string_view other) {
  return one.empty() || other.empty() || one == other;
}

size_t BytesOf(const OpenAiCalls::Call& call) {
  return call.response.size() + call.item.size() + call.call_id.size() +
         call.name.size() + call.arguments.size();
}

void FillIn(std::string& to, std::string_view from) {
  if (to.empty()) to = from;
}

}  // namespace

void OpenAiCalls::Reset() {
  pending_.clear();
  made_.clear();
  told_.clear();
}

void OpenAiCalls::OnResponseOver() {
  pending_.clear();
  made_.clear();
}

OpenAiCalls::Call* OpenAiCalls::Find(const Call& piece) {
  const auto found =
      std::find_if(pending_.begin(), pending_.end(), [&](const Call& one) {
        if (!MayBe(one.response, piece.response)) return false;
        const bool same_id =
            !piece.call_id.empty() && one.call_id == piece.call_id;
        const bool same_item = !piece.item.empty() && one.item == piece.item;
        return same_id || (same_item && MayBe(one.call_id, piece.call_id));
      });
  return found == pending_.end() ? nullptr : &*found;
}

bool OpenAiCalls::TakePiece(const Call& piece) {
  if (piece.call_id.empty() && piece.item.empty()) return true;
  size_t bytes = BytesOf(piece);
  for (const Call& one : pending_) bytes += BytesOf(one);
  Call* known = Find(piece);
  if (bytes > kMaxPendingBytes ||
      (known == nullptr && pending_.size() == kMaxPending)) {
    return false;
  }
  if (known == nullptr) {
    pending_.push_back(piece);
    return true;
  }
  FillIn(known->response, piece.response);
  FillIn(known->item, piece.item);
  FillIn(known->call_id, piece.call_id);
  FillIn(known->name, piece.name);
  FillIn(known->arguments, piece.arguments);
  return true;
}

const OpenAiCalls::Call* OpenAiCalls::TakeItem(std::string_view response,
                                               const Json& item,
                                               std::optional<Fault>& fault) {
  fault.reset();
  Call call{std::string(response), std::string(StringMember(item, "id")),
            std::string(StringMember(item, "call_id")),
            std::string(StringMember(item, "name")),
            std::string(StringMember(item, "arguments"))};
  if (Call* known = Find(call)) {
    FillIn(call.call_id, known->call_id);
    FillIn(call.name, known->name);
    FillIn(call.arguments, known->arguments);
    pending_.erase(pending_.begin() + (known - pending_.data()));
  }
  const std::string_view status = StringMember(item, "status");
  // Its arguments are a beginning of what they were to be.
  if (status == "incomplete" || status == "in_progress") return nullptr;
  if (call.call_id.empty()) {
    fault = Fault::kMissingField;
    return nullptr;
  }
  if (call.call_id.size() > kMaxCallIdBytes) {
    fault = Fault::kTooLarge;
    return nullptr;
  }
  const Json* given = FindMember(item, "status");
  const bool is_left_out = given == nullptr || given->is_null();
  const Call* made = Make(std::move(call));
  // Who gives it a status of his own does not say that it is not whole.
  if (made != nullptr && !is_left_out && status != "completed") {
    fault = Fault::kWrongType;
  }
  return made;
}

const OpenAiCalls::Call* OpenAiCalls::TakePending(std::string_view response,
                                                  std::optional<Fault>& fault) {
  fault.reset();
  for (size_t i = 0; i < pending_.size();) {
    if (!MayBe(pending_[i].response, response) ||
        pending_[i].arguments.empty()) {
      ++i;
      continue;
    }
    Call call = std::move(pending_[i]);
    pending_.erase(pending_.begin() + static_cast<ptrdiff_t>(i));
    if (call.call_id.empty()) {
      fault = Fault::kMissingField;
    } else if (call.call_id.size() > kMaxCallIdBytes) {
      fault = Fault::kTooLarge;
    } else if (const Call* made = Make(std::move(call))) {
      return made;
    }
  }
  return nullptr;
}

const OpenAiCalls::Call* OpenAiCalls::Make(Call call) {
  const auto known =
      std::find_if(made_.begin(), made_.end(), [&](const Made& one) {
        return one.call_id == call.call_id &&
               MayBe(one.response, call.response);
      });
  if (known != made_.end()) return nullptr;
  if (made_.size() == kMaxMade) made_.erase(made_.begin());
  made_.push_back({call.response, call.call_id});
  // An empty string of arguments is an empty object.
  if (call.arguments.empty()) call.arguments = "{}";
  return &told_.emplace_back(std::move(call));
}

}  // namespace trunkline::protocol
