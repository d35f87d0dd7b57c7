#include "support/scripted_agent.h"

#include <algorithm>
#include <utility>

namespace trunkline::test {
namespace {

using protocol::AgentTraits;
using protocol::ChannelId;
using protocol::Encoding;
using protocol::Fault;
using protocol::ItemId;

// Whether `word` is one of those that `model` is made of.
bool Asks(const std::optional<std::string>& model, std::string_view word) {
  return model && model->find(word) != std::string::npos;
}

bool IsFatal(uint16_t code, uint16_t http_status) {
  if (http_status != 0) return http_status >= 401 && http_status <= 404;
  return code == 1008;
}

}  // namespace

ScriptedAgent::ScriptedAgent(protocol::AgentSettings settings,
                             protocol::Channels& channels)
    : settings_(std::move(settings)),
      traits_{.input = {Encoding::kLinear16, 16000},
              .output = {Encoding::kLinear16, 24000},
              .turn_detection = Asks(settings_.model, "provider-turns")
                                    ? AgentTraits::TurnDetection::kProvider
                                    : AgentTraits::TurnDetection::kLocal,
              .default_end_of_turn = Duration::Millis(600),
              .can_say = true,
              .has_caller_texts = Asks(settings_.model, "texts"),
              .has_agent_texts = Asks(settings_.model, "texts")},
      channels_(channels) {}

void ScriptedAgent::Send(const Socket& socket, const Json& message) {
  if (socket.open) channels_.SendText(*socket.channel, PrintJson(message));
}

void ScriptedAgent::Abort() {
  reply_deadline_ = Instant::Never();
  line_.clear();
  if (words_) channels_.Abort(*std::exchange(words_, std::nullopt));
}

void ScriptedAgent::CloseAll(std::string_view reason) {
  Abort();
  for (Socket* socket : {&ears_, &voice_}) {
    if (socket->channel) channels_.Close(*socket->channel, 1000, reason);
    *socket = {};
  }
  ping_at_ = Instant::Never();
}

void ScriptedAgent::Begin() {
  CloseAll("again");
  events_.Clear();
  reply_ = Reply::kNone;
  next_.reset();
  open_tool_calls_.clear();
  calls_tools_ = false;
  item_begun_ = false;
  turn_open_ = false;
  ears_.channel = channels_.Connect({"scripted-ears", "/listen", {"ears"}});
  voice_.channel = channels_.Connect({"scripted-voice", "/speak", {}});
  if (ears_.channel && voice_.channel) return;
  CloseAll("channels");
  events_.Push(protocol::AgentFailed{protocol::AgentFailed::Loss::kRetryable,
                                     {.code = "channels"}});
}

void ScriptedAgent::End(std::string_view reason) {
  events_.Clear();
  CloseAll(reason);
}

void ScriptedAgent::OnSocketOpened(ChannelId channel) {
  bool opened = false;
  for (Socket* socket : {&ears_, &voice_}) {
    if (socket->channel != channel || socket->open) continue;
    socket->open = true;
    opened = true;
  }
  if (!opened || !ears_.open || !voice_.open) return;
  Send(ears_, {{"type", "begin"},
               {"instructions", settings_.instructions},
               {"tools", settings_.tools}});
  events_.Push(protocol::AgentReady{});
}

void ScriptedAgent::Tell(
    std::span<const protocol::ConversationLine> conversation) {
  Json lines = Json::array();
  for (const protocol::ConversationLine& line : conversation) {
    using Kind = protocol::ConversationLine::Kind;
    switch (line.kind) {
      case Kind::kCaller:
      case Kind::kAgent:
        lines.push_back(
            {line.kind == Kind::kCaller ? "caller" : "agent", line.text});
        break;
      case Kind::kTool:
        // An open one may still have its result.
        if (!line.result) open_tool_calls_.emplace_back(line.call_id);
        lines.push_back({"tool", line.call_id, line.result.value_or("")});
        break;
    }
  }
  Send(ears_, {{"type", "history"}, {"lines", std::move(lines)}});
}

void ScriptedAgent::OnText(ChannelId channel, std::string_view text) {
  const bool from_ears = ears_.open && channel == ears_.channel;
  if (!from_ears && !(voice_.open && channel == voice_.channel)) return;
  incoming_ = ParseJson(text);
  if (!incoming_ || !incoming_->is_object()) {
    Report(Fault::kMalformed);
    return;
  }
  const std::string_view type = StringMember(*incoming_, "type");
  if (type.empty()) {
    Report(Fault::kMissingField);
  } else if (from_ears) {
    OnEars(*incoming_, type);
  } else {
    OnVoice(*incoming_, type);
  }
}

void ScriptedAgent::OnEars(const Json& message, std::string_view type) {
  if (type == "speech") {
    using Edge = protocol::AgentSpeech::Edge;
    events_.Push(protocol::AgentSpeech{
        StringMember(message, "edge") == "started" ? Edge::kStarted
                                                   : Edge::kStopped});
  } else if (type == "committed") {
    turn_open_ = true;
    events_.Push(protocol::AgentTurnCommitted{StringMember(message, "item")});
  } else if (type == "transcript") {
    const std::string_view role = StringMember(message, "role");
    const Json* final = FindMember(message, "final");
    const bool is_final = final != nullptr && *final == true;
    events_.Push(protocol::AgentTranscript{
        role == "agent" ? protocol::Role::kAgent : protocol::Role::kCaller,
        StringMember(message, "item"), /*part=*/0,
        StringMember(message, "text"),
        is_final ? protocol::TranscriptState::kFinal
                 : protocol::TranscriptState::kPart});
  } else if (type == "tool") {
    const std::string_view id = StringMember(message, "id");
    if (id.empty()) {
      Report(Fault::kMissingField);
      return;
    }
    open_tool_calls_.emplace_back(id);
    calls_tools_ = true;
    events_.Push(protocol::AgentToolCall{id, StringMember(message, "name"),
                                         StringMember(message, "arguments")});
  } else if (type == "fail") {
    using Loss = protocol::AgentFailed::Loss;
    const Json* fatal = FindMember(message, "fatal");
    events_.Push(protocol::AgentFailed{
        fatal != nullptr && *fatal == true ? Loss::kFatal : Loss::kRetryable,
        {.code = StringMember(message, "code")}});
  } else if (type == "keepAlive") {
    ping_every_ =
        Duration::Millis(IntegerMember(message, "everyMs").value_or(1000));
    ping_at_ = now() + ping_every_;
  } else {
    Report(Fault::kUnknownEvent);
  }
}

void ScriptedAgent::OnVoice(const Json& message, std::string_view type) {
  if (type == "item") {
    if (reply_ == Reply::kCancelled || reply_ == Reply::kFailed) return;
    item_begun_ = true;
    items_.push_back({std::string(StringMember(message, "name")), 0});
  } else if (type == "done") {
    const Json* stopped = FindMember(message, "stopped");
    const bool is_stop = stopped != nullptr && *stopped == true;
    // One that has crossed with the stop is not the answer to it.
    if (is_stop == (reply_ == Reply::kCancelled || reply_ == Reply::kFailed)) {
      OnReplyDone();
    }
  } else {
    Report(Fault::kUnknownEvent);
  }
}

void ScriptedAgent::OnReplyDone() {
  using End = protocol::AgentReplyDone::End;
  using After = protocol::AgentReplyDone::After;
  item_begun_ = false;
  const Reply reply = std::exchange(reply_, Reply::kNone);
  if (reply == Reply::kNone || reply == Reply::kFailed) return;
  Abort();
  const bool awaits_tools = std::exchange(calls_tools_, false);
  events_.Push(protocol::AgentReplyDone{
      reply == Reply::kCancelled ? End::kCancelled : End::kComplete,
      awaits_tools ? After::kAwaitsTools : After::kCallersTurn,
      {}});
}

void ScriptedAgent::OnBinary(ChannelId channel,
                             std::span<const uint8_t> bytes) {
  if (ears_.open && channel == ears_.channel) {
    Report(Fault::kUnexpectedBinary);
    return;
  }
  if (!voice_.open || channel != voice_.channel || bytes.empty()) return;
  if (reply_ == Reply::kCancelled || reply_ == Reply::kFailed) return;
  if (!item_begun_) {
    Report(Fault::kOutOfOrder);
    return;
  }
  items_.back().received_bytes += bytes.size();
  audio_.assign(bytes.begin(), bytes.end());
  events_.Push(protocol::AgentAudio{
      ItemId{static_cast<uint32_t>(items_.size())}, audio_});
}

void ScriptedAgent::OnSocketClosed(ChannelId channel, uint16_t code,
                                   uint16_t http_status,
                                   std::string_view /*reason*/) {
  using Loss = protocol::AgentFailed::Loss;
  bool ours = false;
  for (Socket* socket : {&ears_, &voice_}) {
    if (socket->channel != channel) continue;
    *socket = {};
    ours = true;
  }
  if (!ours) return;
  failure_ = http_status != 0 ? "http" : "closed";
  failure_ += std::to_string(http_status != 0 ? http_status : code);
  // One part is nothing without the others.
  CloseAll(failure_);
  events_.Push(protocol::AgentFailed{
      IsFatal(code, http_status) ? Loss::kFatal : Loss::kRetryable,
      {.code = failure_}});
}

void ScriptedAgent::OnOversize(ChannelId channel) {
  if (channel == ears_.channel || channel == voice_.channel) {
    Report(Fault::kTooLarge);
  }
}

void ScriptedAgent::OnHttpHeaders(ChannelId channel, uint16_t status,
                                  const Json& headers) {
  if (channel != words_) return;
  // Words of an error are not spoken.
  if (status != 200 || StringMember(headers, "content-type") != "text/plain") {
    FailReply();
  }
}

void ScriptedAgent::OnHttpChunk(ChannelId channel,
                                std::span<const uint8_t> bytes) {
  if (channel != words_) return;
  for (const uint8_t byte : bytes) {
    if (byte == '\n') {
      Send(voice_, {{"type", "say"}, {"text", line_}});
      line_.clear();
    } else if (line_.size() < kMaxLineBytes) {
      line_ += static_cast<char>(byte);
    }
  }
  channels_.Credit(channel, static_cast<uint32_t>(bytes.size()));
}

void ScriptedAgent::OnHttpDone(ChannelId channel) {
  if (channel != words_) return;
  words_.reset();
  reply_deadline_ = Instant::Never();
  // A line without its end was cut off.
  if (!line_.empty()) {
    FailReply();
    return;
  }
  reply_ = Reply::kSpeaking;
  Send(voice_, {{"type", "flush"}});
}

void ScriptedAgent::OnHttpFailed(ChannelId channel,
                                 protocol::HttpFailure /*failure*/,
                                 std::string_view /*reason*/) {
  if (channel != words_) return;
  words_.reset();
  FailReply();
}

// Its end is told at once; the voice stops by and by.
void ScriptedAgent::FailReply() {
  Abort();
  reply_ = Reply::kFailed;
  Send(voice_, {{"type", "stop"}});
  protocol::AgentReplyDone done;
  done.end = protocol::AgentReplyDone::End::kFailed;
  events_.Push(done);
}

Instant ScriptedAgent::deadline() const {
  return std::min(reply_deadline_, ping_at_);
}

void ScriptedAgent::OnDeadline() {
  if (now() >= ping_at_) {
    ping_at_ = now() + ping_every_;
    Send(ears_, {{"type", "ping"}});
  }
  if (now() >= reply_deadline_) FailReply();
}

void ScriptedAgent::Proceed() {
  if (reply_ != Reply::kNone || !next_) return;
  const Request request = *std::exchange(next_, std::nullopt);
  if (!request.text.empty()) {
    reply_ = Reply::kSpeaking;
    Send(voice_, {{"type", "say"}, {"text", request.text}});
    Send(voice_, {{"type", "flush"}});
    return;
  }
  const std::string body = PrintJson({{"turn", ++turns_}});
  protocol::FetchRequest fetch;
  fetch.upstream = "scripted-mind";
  fetch.path = "/reply";
  fetch.headers = {{"content-type", "application/json"}};
  fetch.wants = {"content-type"};
  fetch.window = kWindowBytes;
  fetch.body = {reinterpret_cast<const uint8_t*>(body.data()), body.size()};
  words_ = channels_.Fetch(fetch);
  reply_ = Reply::kThinking;
  // Without a channel the deadline comes at once.
  reply_deadline_ = words_ ? now() + kPatience : now();
}

// The newest of what waits; it begins in Proceed().
void ScriptedAgent::Ask(Request request) { next_ = std::move(request); }

void ScriptedAgent::Listen(std::span<const uint8_t> audio) {
  if (ears_.open) channels_.SendBinary(*ears_.channel, audio);
}

void ScriptedAgent::TurnStarted(Duration ago) {
  // Where the ears decide, it is one when they say so.
  if (traits_.turn_detection == AgentTraits::TurnDetection::kLocal) {
    turn_open_ = true;
  }
  Send(ears_, {{"type", "turn"}, {"agoMs", ago.ms()}});
}

void ScriptedAgent::Respond(Duration /*ago*/) {
  turn_open_ = false;
  Ask({});
}

void ScriptedAgent::Say(std::string_view text) { Ask({std::string(text)}); }

void ScriptedAgent::DiscardTurn() {
  if (std::exchange(turn_open_, false)) Send(ears_, {{"type", "forget"}});
}

void ScriptedAgent::Cancel() {
  next_.reset();
  calls_tools_ = false;
  if (reply_ != Reply::kThinking && reply_ != Reply::kSpeaking) return;
  Abort();
  reply_ = Reply::kCancelled;
  Send(voice_, {{"type", "stop"}});
}

int64_t ScriptedAgent::Truncate(ItemId id, int64_t heard_ms) {
  const auto index = static_cast<uint32_t>(id);
  if (index == 0 || index > items_.size()) return 0;
  const Item& item = items_[index - 1];
  const auto received_ms =
      static_cast<int64_t>(item.received_bytes / BytesOf(traits_.output, 1));
  const int64_t ms = std::clamp<int64_t>(heard_ms, 0, received_ms);
  Send(ears_, {{"type", "heard"}, {"item", item.name}, {"ms", ms}});
  return ms;
}

void ScriptedAgent::ToolResult(std::string_view tool_call_id,
                               std::string_view output) {
  const auto call =
      std::find(open_tool_calls_.begin(), open_tool_calls_.end(), tool_call_id);
  if (call == open_tool_calls_.end()) return;
  open_tool_calls_.erase(call);
  Send(ears_,
       {{"type", "toolResult"}, {"id", tool_call_id}, {"output", output}});
}

std::string_view ScriptedAgent::item_name(ItemId id) const {
  const auto index = static_cast<uint32_t>(id);
  if (index == 0 || index > items_.size()) return {};
  return items_[index - 1].name;
}

}  // namespace trunkline::test
