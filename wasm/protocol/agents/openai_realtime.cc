#include "protocol/agents/openai_realtime.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "base/json_scanner.h"
#include "base/text.h"
#include "protocol/agents/openai_error.h"
#include "protocol/agents/openai_messages.h"

namespace trunkline::protocol {
namespace {

constexpr uint16_t kCloseNormal = 1000;

bool IsAudioDelta(std::string_view type) {
  return type == "response.output_audio.delta" ||
         type == "response.audio.delta";
}

// A request was refused for a response that goes on.
constexpr std::string_view kBusy = "conversation_already_has_active_response";

// The content part that a message is about.
int32_t PartOf(const Json& message) {
  const int64_t part = IntegerMember(message, "content_index").value_or(0);
  return static_cast<int32_t>(std::clamp<int64_t>(part, 0, 1'000'000));
}

}  // namespace

OpenAiRealtime::OpenAiRealtime(Config config, Channels& channels)
    : config_(std::move(config)),
      traits_{.input = config_.format,
              .output = config_.format,
              .turn_detection = AgentTraits::TurnDetection::kProvider,
              .default_end_of_turn = Config::kDefaultEndOfTurn,
              .can_say = true,
              .has_caller_texts = !config_.transcription_model.empty(),
              .has_agent_texts = true},
      channels_(channels) {}

void OpenAiRealtime::Begin() {
  // The server speaks first (session.created). Nothing of a former socket's
  // responses survives it; the conversation does.
  ready_ = false;
  responses_.Reset();
  calls_.Reset();
  open_tool_calls_.clear();
  results_.clear();
  message_count_ = 0;
  committed_item_.clear();
  decided_item_.clear();
  events_.Clear();
  ++connection_;
  const std::string path = RealtimePath(config_.model);
  const std::optional<ChannelId> channel =
      channels_.Connect({"openai", path, {"realtime"}});
  if (!channel) {
    socket_ = Socket::kNone;
    events_.Push(
        AgentFailed{AgentFailed::Loss::kRetryable, {.code = "channels"}});
    return;
  }
  socket_ = Socket::kConnecting;
  channel_ = *channel;
}

void OpenAiRealtime::End(std::string_view reason) {
  events_.Clear();
  if (std::exchange(socket_, Socket::kNone) == Socket::kNone) return;
  channels_.Close(channel_, kCloseNormal, reason);
}

std::string OpenAiRealtime::Send(Json event) {
  const std::string_view type = StringMember(event, "type");
  std::string id(type);
  id += '-';
  id += std::to_string(++message_count_);
  event["event_id"] = id;
  SendText(PrintJson(event));
  return id;
}

OpenAiRealtime::Request OpenAiRealtime::RequestOf(std::string_view event_id) {
  const std::string_view type = event_id.substr(0, event_id.rfind('-'));
  if (type == "session.update") return Request::kUpdate;
  if (type == "response.create") return Request::kCreate;
  if (type == "response.cancel") return Request::kCancel;
  return type.starts_with("conversation.item.") ? Request::kOther
                                                : Request::kNone;
}

void OpenAiRealtime::SendText(std::string_view text) {
  if (socket_ == Socket::kOpen) channels_.SendText(channel_, text);
}

void OpenAiRealtime::OnSocketOpened(ChannelId channel) {
  if (socket_ != Socket::kConnecting || channel != channel_) return;
  socket_ = Socket::kOpen;
}

void OpenAiRealtime::OnText(ChannelId channel, std::string_view text) {
  if (!IsOpen(channel) || ScanAudioDelta(text)) return;
  calls_.Forget();
  incoming_ = ParseJson(text);
  const std::optional<Json>& message = incoming_;
  if (!message || !message->is_object()) {
    Report(Fault::kMalformed);
    return;
  }
  const std::string_view type = StringMember(*message, "type");
  if (type.empty()) {
    Report(Fault::kMissingField);
  } else if (IsAudioDelta(type)) {
    OnAudioDelta(StringMember(*message, "response_id"),
                 StringMember(*message, "item_id"),
                 IntegerMember(*message, "content_index").value_or(0),
                 StringMember(*message, "delta"));
  } else if (type == "session.created") {
    Send(SessionUpdate(config_));
  } else if (type == "session.updated") {
    if (ready_) return;
    ready_ = true;
    events_.Push(AgentReady{});
  } else if (type == "input_audio_buffer.speech_started") {
    events_.Push(AgentSpeech{AgentSpeech::Edge::kStarted});
  } else if (type == "input_audio_buffer.speech_stopped") {
    events_.Push(AgentSpeech{AgentSpeech::Edge::kStopped});
  } else if (type == "input_audio_buffer.committed") {
    const std::string_view item = StringMember(*message, "item_id");
    if (!item.empty() && item == decided_item_) {
      // Said once more of a turn that is in the conversation, or was.
      Report(Fault::kOutOfOrder);
      return;
    }
    committed_item_ = item;
    events_.Push(AgentTurnCommitted{item});
  } else if (type == "response.created") {
    const Json* response = FindMember(*message, "response");
    responses_.OnCreated(response ? StringMember(*response, "id") : "");
  } else if (type == "response.output_item.added") {
    OnOutputItemAdded(*message);
  } else if (type == "response.function_call_arguments.done") {
    OnArgumentsDone(*message);
  } else if (type == "response.output_item.done") {
    OnOutputItemDone(*message);
  } else if (type == "response.done") {
    OnResponseDone(*message);
  } else if (type == "response.output_audio_transcript.delta" ||
             type == "response.audio_transcript.delta") {
    OnTranscript(Role::kAgent, *message, "delta", TranscriptState::kPart);
  } else if (type == "response.output_audio_transcript.done" ||
             type == "response.audio_transcript.done") {
    OnTranscript(Role::kAgent, *message, "transcript", TranscriptState::kFinal);
  } else if (type == "conversation.item.input_audio_transcription.delta") {
    OnTranscript(Role::kCaller, *message, "delta", TranscriptState::kPart);
  } else if (type == "conversation.item.input_audio_transcription.completed") {
    OnTranscript(Role::kCaller, *message, "transcript",
                 TranscriptState::kFinal);
  } else if (type == "conversation.item.input_audio_transcription.failed") {
    events_.Push(AgentTextFailed{
        Role::kCaller, StringMember(*message, "item_id"), PartOf(*message)});
  } else if (type == "response.output_text.delta" ||
             type == "response.text.delta") {
    const std::string_view response = StringMember(*message, "response_id");
    if (!IsFinished(response)) responses_.OnText();
  } else if (type == "error") {
    OnError(*message);
  } else {
    // All that informs of nothing we act upon, and all that is new.
    constexpr std::string_view kIgnored[] = {
        "conversation.created",
        "conversation.item.added",
        "conversation.item.created",
        "conversation.item.done",
        "conversation.item.retrieved",
        "conversation.item.deleted",
        "conversation.item.truncated",
        "conversation.item.input_audio_transcription.segment",
        "input_audio_buffer.cleared",
        "input_audio_buffer.timeout_triggered",
        "response.content_part.added",
        "response.content_part.done",
        "response.output_audio.done",
        "response.audio.done",
        "response.output_text.done",
        "response.text.done",
        "response.function_call_arguments.delta",
        "rate_limits.updated"};
    if (std::find(std::begin(kIgnored), std::end(kIgnored), type) ==
        std::end(kIgnored)) {
      Report(Fault::kUnknownEvent);
    }
  }
}

void OpenAiRealtime::OnBinary(ChannelId channel,
                              std::span<const uint8_t> /*bytes*/) {
  if (IsOpen(channel)) Report(Fault::kUnexpectedBinary);
}

void OpenAiRealtime::OnSocketClosed(ChannelId channel, uint16_t code,
                                    uint16_t http_status,
                                    std::string_view reason) {
  if (socket_ == Socket::kNone || channel != channel_) return;
  socket_ = Socket::kNone;
  ready_ = false;
  const bool retryable = http_status != 0 ? IsRetryableStatus(http_status)
                                          : IsRetryableClose(code);
  failure_ = http_status != 0 ? "http" : "closed";
  failure_ += std::to_string(http_status != 0 ? http_status : code);
  events_.Push(AgentFailed{
      retryable ? AgentFailed::Loss::kRetryable : AgentFailed::Loss::kFatal,
      {.code = failure_, .message = reason}});
}

void OpenAiRealtime::OnOversize(ChannelId channel) {
  if (socket_ != Socket::kNone && channel == channel_) {
    Report(Fault::kTooLarge);
  }
}

// Deltas are the bulk of what comes and can be long: no DOM for them. False
// leaves the judgement to the parser.
bool OpenAiRealtime::ScanAudioDelta(std::string_view text) {
  JsonScanner message(text);
  bool is_delta = false;
  std::string_view response;
  std::string_view item;
  std::optional<std::string_view> delta;
  int64_t content_index = 0;
  while (message.Next()) {
    if (Equal(message.key(), "type")) {
      is_delta = message.kind() == JsonScanner::Kind::kString &&
                 IsAudioDelta(message.value());
      if (!is_delta) return false;
    } else if (Equal(message.key(), "response_id")) {
      response = message.string_value().value_or("");
    } else if (Equal(message.key(), "item_id")) {
      item = message.string_value().value_or("");
    } else if (Equal(message.key(), "content_index")) {
      content_index = message.integer_value().value_or(0);
    } else if (Equal(message.key(), "delta")) {
      delta = message.string_value();
    }
  }
  if (!message.ok() || !is_delta || !delta) return false;
  OnAudioDelta(response, item, content_index, *delta);
  return true;
}

void OpenAiRealtime::OnAudioDelta(std::string_view response,
                                  std::string_view item, int64_t content_index,
                                  std::string_view delta) {
  if (responses_.IsUnwanted(response)) {
    // Its words, if they still come, are of this as well.
    items_.OnDropped(item, content_index, connection_, response,
                     Base64DecodedMaxSize(delta.size()));
    return;
  }
  if (responses_.IsOver(response)) {
    Report(Fault::kOutOfOrder);
    return;
  }
  if (item.empty()) {
    Report(Fault::kMissingField);
    return;
  }
  audio_.resize(std::max(audio_.size(), Base64DecodedMaxSize(delta.size())));
  const std::optional<size_t> size = Base64Decode(delta, audio_);
  if (!size) {
    Report(Fault::kBadPayload);
    return;
  }
  if (*size == 0) return;
  const OpenAiItems::Item* of =
      items_.OnAudio(item, content_index, connection_, response, *size);
  if (of == nullptr) {
    Report(Fault::kOutOfOrder);
    return;
  }
  responses_.OnAudio();
  events_.Push(AgentAudio{of->id, std::span<const uint8_t>(audio_).first(*size),
                          responses_.IsAsked(response)});
}

void OpenAiRealtime::OnTranscript(Role role, const Json& message,
                                  const char* field, TranscriptState state) {
  const std::string_view text = StringMember(message, field);
  std::string_view item = StringMember(message, "item_id");
  const int32_t part = PartOf(message);
  if (role == Role::kCaller) {
    events_.Push(AgentTranscript{role, item, part, text, state});
    return;
  }
  const std::string_view response = StringMember(message, "response_id");
  const OpenAiItems::Item* of = items_.Named(item, part, connection_, response);
  // What is cancelled, or has ended, is heard no further, and its words come
  // late: they are of use only where some of the item was heard.
  if (of == nullptr && IsFinished(response)) return;
  if (of != nullptr && responses_.IsUnwanted(response) && !of->is_wanted()) {
    return;
  }
  if (!IsFinished(response)) responses_.OnPiece();
  Duration dropped;
  if (of != nullptr) {
    dropped = Duration::Millis(
        static_cast<int64_t>(of->dropped_bytes / BytesOf(config_.format, 1)));
  }
  if (!item.empty()) item = items_.KnownAs(item, connection_, response);
  events_.Push(AgentTranscript{role, item, part, text, state, dropped});
}

void OpenAiRealtime::OnResponseDone(const Json& message) {
  const Json* found = FindMember(message, "response");
  if (found == nullptr || !found->is_object()) {
    Report(Fault::kMissingField);
    return;
  }
  const Json& response = *found;
  const std::string_view status = StringMember(response, "status");
  const std::string_view id = StringMember(response, "id");
  const bool unwanted = responses_.IsUnwanted(id);
  std::optional<OpenAiResponses::Done> done = responses_.OnDone(id, status);
  if (!done) {
    Report(Fault::kOutOfOrder);
    return;
  }
  using What = OpenAiResponses::Done::What;
  const bool cancelled =
      unwanted || (done->what == What::kNothing && status == "cancelled");
  if (!cancelled && MakeLateCalls(response)) {
    done->called_tools = true;
    done->only_text = false;
  }
  calls_.OnResponseOver();
  items_.OnResponseOver();
  Usage usage;
  if (const Json* tokens = FindMember(response, "usage")) {
    usage.input_tokens = IntegerMember(*tokens, "input_tokens").value_or(0);
    usage.output_tokens = IntegerMember(*tokens, "output_tokens").value_or(0);
  }
  auto end = AgentReplyDone::End::kComplete;
  Failure why;
  const Json* details = FindMember(response, "status_details");
  if (done->what == What::kNothing) {
    end = AgentReplyDone::End::kCancelled;
  } else if (done->what == What::kBusy) {
    end = AgentReplyDone::End::kFailed;
    why.code = kBusy;
  } else if (status == "failed") {
    const Json* found_error =
        details != nullptr ? FindMember(*details, "error") : nullptr;
    end = AgentReplyDone::End::kFailed;
    if (found_error != nullptr && found_error->is_object()) {
      const OpenAiError error = ReadOpenAiError(*found_error);
      if (error.fatal) end = AgentReplyDone::End::kRefused;
      why = error.why;
    }
  } else if (status == "incomplete" || status == "cancelled") {
    // Nobody here has cancelled it.
    end = AgentReplyDone::End::kIncomplete;
    why.code = details != nullptr ? StringMember(*details, "reason") : "";
    if (why.code.empty()) why.code = status;
  } else if (done->only_text) {
    end = AgentReplyDone::End::kIncomplete;
    why.code = "noAudio";
  }
  events_.Push(AgentReplyDone{end,
                              done->called_tools
                                  ? AgentReplyDone::After::kAwaitsTools
                                  : AgentReplyDone::After::kCallersTurn,
                              usage, why, done->is_whole});
}

void OpenAiRealtime::OnError(const Json& message) {
  const Json nothing = Json::object();
  const Json* found = FindMember(message, "error");
  const OpenAiError error =
      ReadOpenAiError(found != nullptr ? *found : nothing);
  const std::string_view code = error.why.code;
  const Request request = RequestOf(error.event_id);
  if (code == "session_expired") {
    events_.Push(AgentFailed{AgentFailed::Loss::kRetryable, error.why});
  } else if (error.fatal) {
    events_.Push(AgentFailed{AgentFailed::Loss::kFatal, error.why});
  } else if (!ready_ &&
             (request == Request::kUpdate || request == Request::kNone)) {
    // The same configuration would be refused again.
    events_.Push(AgentFailed{IsPassing(error) ? AgentFailed::Loss::kRetryable
                                              : AgentFailed::Loss::kFatal,
                             error.why});
  } else if (code == "response_cancel_not_active") {
    // If response.done of that is not known, it will not come.
    if (responses_.OnNothingToCancel(error.event_id)) {
      calls_.OnResponseOver();
      items_.OnResponseOver();
      events_.Push(AgentReplyDone{.end = AgentReplyDone::End::kCancelled});
    } else {
      ReportError(error);
    }
  } else if (code == kBusy && responses_.OnBusy(error.event_id)) {
    ReportError(error);
    events_.Push(AgentPutOff{});
  } else if (IsRefusal(error)) {
    events_.Push(responses_.OnRefused()
                     ? AgentReplyDone{.end = AgentReplyDone::End::kFailed,
                                      .why = error.why}
                     : AgentReplyDone{.end = AgentReplyDone::End::kCancelled});
  } else {
    // A truncation of what the server had already shortened, say: the session
    // is as it was.
    ReportError(error);
  }
}

void OpenAiRealtime::ReportError(const OpenAiError& error) {
  refused_call_.clear();
  const auto refused = std::find_if(results_.begin(), results_.end(),
                                    [&error](const SentResult& one) {
                                      return one.event_id == error.event_id;
                                    });
  if (refused != results_.end()) {
    refused_call_ = std::move(refused->call_id);
    results_.erase(refused);
  }
  events_.Push(AgentFaulted{Fault::kPeerError, error.why, refused_call_});
}

// Who does not say what an error answers has most likely answered what we wait
// for, unless the error itself says otherwise.
bool OpenAiRealtime::IsRefusal(const OpenAiError& error) const {
  switch (RequestOf(error.event_id)) {
    case Request::kCreate:
      return responses_.MayBeRefused(error.event_id);
    case Request::kNone:
      return error.why.code != kBusy && !IsOfNoResponse(error) &&
             responses_.MayBeRefused({});
    case Request::kUpdate:
    case Request::kCancel:
    case Request::kOther:
      return false;
  }
  return false;
}

int32_t OpenAiRealtime::item_part(ItemId id) const {
  const OpenAiItems::Item* item = items_.Find(id);
  return item == nullptr ? 0 : static_cast<int32_t>(item->content_index);
}

std::string_view OpenAiRealtime::item_name(ItemId id) const {
  const OpenAiItems::Item* item = items_.Find(id);
  return item == nullptr ? std::string_view() : item->known_as;
}

}  // namespace trunkline::protocol
