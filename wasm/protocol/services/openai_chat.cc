#include "protocol/services/openai_chat.h"

#include <algorithm>
#include <utility>

namespace trunkline::protocol {
namespace {

// In front of the ids of calls that had none.
constexpr std::string_view kGivenId = "tool-";

constexpr std::string_view kDone = "[DONE]";

bool IsError(const Json& message) {
  const Json* error = FindMember(message, "error");
  return (error != nullptr && !error->is_null()) ||
         StringMember(message, "object") == "error";
}

}  // namespace

OpenAiChat::OpenAiChat(Config config, Channels& channels)
    : config_(std::move(config)),
      tools_(ChatTools(config_.tools)),
      channels_(channels),
      exchange_(channels) {}

void OpenAiChat::Reset() {
  phase_ = Phase::kIdle;
  sse_.Reset();
  whole_.clear();
  fault_.reset();
  text_.clear();
  calls_.clear();
  calls_released_ = false;
  calls_told_ = 0;
  call_bytes_ = 0;
  end_ = End::kNone;
  finish_.reset();
  usage_ = {};
}

void OpenAiChat::Ask(const LlmRequest& request) {
  Abort();
  // Ids that were given before this object was there count as well.
  for (const ConversationLine& line : request.conversation) {
    if (!line.call_id.starts_with(kGivenId)) continue;
    const auto number = ParseDecimal(line.call_id.substr(kGivenId.size()));
    ids_given_ = std::max(ids_given_, number.value_or(0));
  }
  const std::string body = ChatRequest(config_, tools_, request);
  FetchRequest fetch;
  fetch.upstream = config_.upstream;
  fetch.path = config_.path;
  fetch.headers = {{"content-type", "application/json"},
                   {"accept", "text/event-stream"}};
  fetch.max_bytes = kMaxAnswerBytes;
  fetch.body = {reinterpret_cast<const uint8_t*>(body.data()), body.size()};
  phase_ = Phase::kAsked;
  if (!exchange_.Send(now(), std::move(fetch), patience_)) Fail();
}

void OpenAiChat::Abort() {
  exchange_.Abort();
  AbortExchange(channels_, trailing_);
  Reset();
}

void OpenAiChat::OnHttpHeaders(ChannelId channel, uint16_t status,
                               const Json& headers) {
  if (exchange_.OnHeaders(channel, status, headers, IsMarkupType) !=
      HttpExchange::Step::kAnswer) {
    return;
  }
  // Servers differ in what they call a stream.
  phase_ = IsJsonType(MediaTypeOf(headers)) ? Phase::kWhole : Phase::kStream;
}

void OpenAiChat::OnHttpChunk(ChannelId channel,
                             std::span<const uint8_t> bytes) {
  const HttpExchange::Step step = exchange_.OnChunk(now(), channel, bytes);
  if (step != HttpExchange::Step::kBytes) {
    Take(step);
    return;
  }
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kAsked:
      break;
    case Phase::kStream:
      OnStream(bytes);
      break;
    case Phase::kWhole:
      if (whole_.size() + bytes.size() > kMaxWholeBytes) {
        Fail("tooLarge");
        break;
      }
      whole_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      break;
  }
}

void OpenAiChat::OnHttpDone(ChannelId channel) {
  if (channel == trailing_) trailing_.reset();
  Take(exchange_.OnDone(channel));
}

void OpenAiChat::OnHttpFailed(ChannelId channel, HttpFailure failure,
                              std::string_view reason) {
  if (channel == trailing_) trailing_.reset();
  // What breaks off behind the model's end has come whole.
  Take(finish_ ? exchange_.OnDone(channel)
               : exchange_.OnFailed(channel, failure, reason));
}

void OpenAiChat::OnDeadline() { Take(exchange_.OnDeadline(now())); }

void OpenAiChat::Take(HttpExchange::Step step) {
  if (step == HttpExchange::Step::kFailed) Fail();
  if (step == HttpExchange::Step::kEnd) OnEnd();
}

void OpenAiChat::OnEnd() {
  switch (phase_) {
    case Phase::kIdle:
    case Phase::kAsked:
      break;
    case Phase::kStream:
      if (finish_) {
        Finish();
      } else {
        Fail("truncated");
      }
      break;
    case Phase::kWhole:
      OnWhole();
      break;
  }
}

void OpenAiChat::OnStream(std::span<const uint8_t> bytes) {
  while (phase_ == Phase::kStream) {
    const std::optional<SseParser::Event> event = sse_.Next(bytes);
    if (!event) break;
    OnStreamEvent(*event);
  }
  if (sse_.error() != SseParser::Error::kNone) Fail("tooLarge");
}

void OpenAiChat::OnStreamEvent(const SseParser::Event& event) {
  if (event.data.starts_with(kDone)) {
    Finish();
    return;
  }
  // A sign of life.
  if (event.data.empty()) return;
  const std::optional<Json> message = ParseJson(event.data);
  if (event.type == "error" || (message && IsError(*message))) {
    FailWith(message.value_or(Json()));
  } else if (!message || !message->is_object()) {
    // Words are lost, and nobody knows which.
    Report(Fault::kMalformed);
    Fail("malformed");
  } else {
    OnCompletion(*message, Words::kDelta);
  }
}

void OpenAiChat::OnWhole() {
  const std::optional<Json> message = ParseJson(whole_);
  if (!message || !message->is_object()) {
    Report(Fault::kMalformed);
    Fail("malformed");
    return;
  }
  if (IsError(*message)) {
    FailWith(*message);
    return;
  }
  OnCompletion(*message, Words::kMessage);
  if (phase_ == Phase::kIdle) return;
  if (finish_) {
    Finish();
  } else {
    Fail("truncated");
  }
}

void OpenAiChat::OnCompletion(const Json& completion, Words kind) {
  // In the last chunk, or in each, and then the last one counts.
  const Json* usage = FindMember(completion, "usage");
  if (usage != nullptr && usage->is_object()) {
    usage_ = {IntegerMember(*usage, "prompt_tokens").value_or(0),
              IntegerMember(*usage, "completion_tokens").value_or(0)};
  }
  const Json* choices = FindMember(completion, "choices");
  if (choices == nullptr || choices->is_null()) {
    // There it is the whole reply, which nothing else ends.
    if (OnNative(completion) && kind == Words::kMessage &&
        phase_ != Phase::kIdle) {
      OnFinishReason("stop");
    }
    return;
  }
  if (!choices->is_array()) {
    Report(Fault::kWrongType);
    return;
  }
  for (const Json& choice : *choices) {
    // One was asked for.
    if (IntegerMember(choice, "index").value_or(0) != 0) continue;
    const Json* words =
        FindMember(choice, kind == Words::kDelta ? "delta" : "message");
    if (words != nullptr) OnWords(*words, kind);
    const std::string_view reason = StringMember(choice, "finish_reason");
    if (!reason.empty() && phase_ != Phase::kIdle) OnFinishReason(reason);
    if (phase_ == Phase::kIdle) return;
  }
}

bool OpenAiChat::OnNative(const Json& answer) {
  const Json* text = FindMember(answer, "response");
  const Json* calls = FindMember(answer, "tool_calls");
  if (text == nullptr && calls == nullptr) return false;
  if (text != nullptr && text->is_number()) {
    // A token that looks like one.
    text_ += PrintJson(*text);
  } else if (text != nullptr) {
    AddText(answer, "response");
  }
  if (calls == nullptr || !calls->is_array()) return true;
  for (const Json& call : *calls) {
    if (phase_ == Phase::kIdle) break;
    const auto position = static_cast<int64_t>(calls_.size());
    if (FindMember(call, "function") != nullptr) {
      OnToolCall(call, position);
    } else {
      Json fragment = Json::object();
      fragment["function"] = call;
      OnToolCall(fragment, position);
    }
  }
  return true;
}

void OpenAiChat::OnWords(const Json& words, Words kind) {
  AddText(words, "content");
  AddText(words, "refusal");
  if (const Json* calls = FindMember(words, "tool_calls");
      calls != nullptr && calls->is_array()) {
    for (size_t i = 0; i < calls->size() && phase_ != Phase::kIdle; ++i) {
      // Of whole ones none has an index, but each is another one.
      OnToolCall((*calls)[i], kind == Words::kMessage
                                  ? std::optional(static_cast<int64_t>(i))
                                  : std::nullopt);
    }
  }
  // What tools were called before there were several.
  if (const Json* call = FindMember(words, "function_call");
      call != nullptr && call->is_object()) {
    Json fragment = Json::object();
    fragment["function"] = *call;
    OnToolCall(fragment, 0);
  }
}

void OpenAiChat::AddText(const Json& words, const char* key) {
  const Json* text = FindMember(words, key);
  if (text == nullptr || text->is_null()) return;
  if (text->is_string()) {
    text_ += *text->get_ptr<const std::string*>();
  } else if (text->is_array()) {
    // Parts, as some servers have them, also in a stream.
    for (const Json& each : *text) {
      if (StringMember(each, "type") == "text") {
        text_ += StringMember(each, "text");
      }
    }
  } else {
    Report(Fault::kWrongType);
  }
}

OpenAiChat::ToolCall* OpenAiChat::CallOf(const Json& fragment,
                                         std::optional<int64_t> position) {
  const std::string_view id = StringMember(fragment, "id");
  std::optional<int64_t> index = IntegerMember(fragment, "index");
  if (!index) index = position;
  // The newest first: some servers number all calls alike, or not at all, and
  // only the id says that another one has begun.
  const auto found =
      std::find_if(calls_.rbegin(), calls_.rend(), [&](const ToolCall& call) {
        return (!index || call.index == *index) &&
               (id.empty() || call.id.empty() || call.id == id);
      });
  if (found != calls_.rend()) return &*found;
  if (calls_.size() == kMaxToolCalls) return nullptr;
  ToolCall call;
  call.index = index.value_or(static_cast<int64_t>(calls_.size()));
  calls_.push_back(std::move(call));
  return &calls_.back();
}

void OpenAiChat::OnToolCall(const Json& fragment,
                            std::optional<int64_t> position) {
  const Json* function = FindMember(fragment, "function");
  if (function == nullptr || !function->is_object()) {
    Report(Fault::kMissingField);
    return;
  }
  if (calls_released_) {
    Report(Fault::kOutOfOrder);
    return;
  }
  const Json* arguments = FindMember(*function, "arguments");
  const bool has_arguments = arguments != nullptr && arguments->is_object();
  // Workers AI says so that there are no more.
  if (!has_arguments && StringMember(fragment, "id").empty() &&
      StringMember(*function, "name").empty() &&
      StringMember(*function, "arguments").empty()) {
    return;
  }
  ToolCall* call = CallOf(fragment, position);
  if (call == nullptr) {
    Fail("tooLarge");
    return;
  }
  const size_t before =
      call->id.size() + call->name.size() + call->arguments.size();
  // Once, or in every fragment.
  if (call->id.empty()) call->id = StringMember(fragment, "id");
  if (call->name.empty()) call->name = StringMember(*function, "name");
  if (has_arguments) {
    call->arguments += PrintJson(*arguments);
  } else {
    call->arguments += StringMember(*function, "arguments");
  }
  call_bytes_ += call->id.size() + call->name.size() + call->arguments.size();
  call_bytes_ -= before;
  if (call_bytes_ > kMaxToolCallBytes) Fail("tooLarge");
}

void OpenAiChat::OnFinishReason(std::string_view reason) {
  if (finish_) return;
  if (reason == "error") {
    Fail("error");
    return;
  }
  if (reason == "length") {
    finish_ = LlmDone::End::kTooLong;
  } else if (reason == "content_filter") {
    finish_ = LlmDone::End::kRefused;
  } else {
    // stop, tool_calls, function_call, and what other servers call these.
    finish_ = LlmDone::End::kComplete;
  }
  ReleaseToolCalls();
}

void OpenAiChat::ReleaseToolCalls() {
  if (std::exchange(calls_released_, true)) return;
  if (finish_ && *finish_ != LlmDone::End::kComplete) {
    calls_.clear();
    return;
  }
  const size_t nameless = std::erase_if(
      calls_, [](const ToolCall& call) { return call.name.empty(); });
  if (nameless > 0) Report(Fault::kMissingField);
  for (ToolCall& call : calls_) {
    if (call.arguments.empty()) call.arguments = "{}";
    // It is told the conversation by whatever ids stand there.
    if (!call.id.empty() && call.id.size() <= kMaxCallIdBytes) {
      continue;
    }
    call.id = kGivenId;
    call.id += std::to_string(++ids_given_);
  }
}

void OpenAiChat::Finish() {
  ReleaseToolCalls();
  phase_ = Phase::kIdle;
  end_ = End::kDone;
  // The end of the exchange is at hand: it is not broken off, so that the
  // connection can be used again.
  trailing_ = exchange_.Release();
}

void OpenAiChat::Fail(std::string_view code) {
  exchange_.Fail(code, Loss::kRetryable);
  Fail();
}

void OpenAiChat::FailWith(const Json& error) {
  exchange_.Abort();
  exchange_.failure().OnError(error);
  Fail();
}

void OpenAiChat::Fail() {
  phase_ = Phase::kIdle;
  calls_.clear();
  calls_told_ = 0;
  end_ = End::kFailed;
}

std::optional<LlmEvent> OpenAiChat::NextEvent() {
  if (const auto fault = std::exchange(fault_, std::nullopt)) {
    return ServiceFaulted{*fault};
  }
  if (!text_.empty()) {
    told_.swap(text_);
    text_.clear();
    return LlmText{told_};
  }
  if (calls_released_ && calls_told_ < calls_.size()) {
    const ToolCall& call = calls_[calls_told_++];
    return LlmToolCall{call.id, call.name, call.arguments};
  }
  switch (std::exchange(end_, End::kNone)) {
    case End::kNone:
      return std::nullopt;
    case End::kDone:
      return LlmDone{finish_.value_or(LlmDone::End::kComplete), usage_};
    case End::kFailed:
      break;
  }
  // The filter refused what was asked, and answers for the model.
  if (exchange_.failure().code() == "content_filter") {
    return LlmDone{LlmDone::End::kRefused, usage_};
  }
  return exchange_.failure().Read();
}

}  // namespace trunkline::protocol
