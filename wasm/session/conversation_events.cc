#include "session/conversation_events.h"

#include <utility>

#include "session/line_fields.h"

namespace trunkline::session {

void ConversationEvents::StateChanged(State from, State to, Reason reason) {
  Json event = context_.NewEvent("state");
  event["from"] = ToString(from);
  event["to"] = ToString(to);
  event["reason"] = ToString(reason);
  context_.Emit(event);
}

void ConversationEvents::SpeechStarted(Duration ago) {
  Json event = context_.NewEvent("speechStarted");
  event["startMs"] = context_.at_ms() - ago.ms();
  context_.Emit(event);
}

void ConversationEvents::SpeechStopped(Duration ago) {
  Json event = context_.NewEvent("speechStopped");
  event["endMs"] = context_.at_ms() - ago.ms();
  context_.Emit(event);
}

void ConversationEvents::TurnEnded(std::string_view source, int64_t turn) {
  Json event = context_.NewEvent("turnEnded");
  event["source"] = source;
  event["turn"] = turn;
  context_.Emit(event);
}

void ConversationEvents::Text(const protocol::AgentTranscript& text) {
  Json event = context_.NewEvent("transcript");
  event["role"] = text.role == protocol::Role::kCaller ? "caller" : "agent";
  event["item"] = text.item;
  event["text"] = text.text;
  event["final"] = text.state == protocol::TranscriptState::kFinal;
  context_.Emit(event);
}

void ConversationEvents::ToolCall(const protocol::AgentToolCall& call) {
  Json event = context_.NewEvent("toolCall");
  event["toolCallId"] = call.tool_call_id;
  event["name"] = call.name;
  event["arguments"] = call.arguments;
  context_.Emit(event);
}

void ConversationEvents::Used(const protocol::Usage& usage) {
  Json event = context_.NewEvent("usage");
  event["inputTokens"] = usage.input_tokens;
  event["outputTokens"] = usage.output_tokens;
  if (usage.dropped_answers > 0) {
    event["droppedAnswers"] = usage.dropped_answers;
    event["droppedTokens"] = usage.dropped_tokens;
  }
  if (usage.dropped_texts > 0) event["droppedTexts"] = usage.dropped_texts;
  context_.Emit(event);
}

void ConversationEvents::Waiting() {
  context_.Emit(context_.NewEvent("waiting"));
}

void ConversationEvents::NotSaid(std::string_view text,
                                 std::string_view reason) {
  Json event = context_.NewEvent("notSaid");
  event["text"] = text;
  event["reason"] = reason;
  context_.Emit(event);
}

void ConversationEvents::ReplyStarted(std::string_view item, int64_t turn) {
  Json event = context_.NewEvent("replyStarted");
  event["item"] = item;
  event["turn"] = turn;
  context_.Emit(event);
}

void ConversationEvents::Cleared(std::string_view item, int64_t heard_ms) {
  Json event = context_.NewEvent("cleared");
  event["reason"] = "bargeIn";
  event["item"] = item;
  event["heardMs"] = heard_ms;
  context_.Emit(event);
}

void ConversationEvents::Resumed(std::string_view item, int64_t from_ms) {
  Json event = context_.NewEvent("resumed");
  event["item"] = item;
  event["fromMs"] = from_ms;
  context_.Emit(event);
}

void ConversationEvents::Truncated(
    std::string_view item, int64_t audio_end_ms, int64_t received_ms,
    std::span<const media::ReplyPauses::Pause> pauses) {
  Json event = context_.NewEvent("truncated");
  event["item"] = item;
  event["audioEndMs"] = audio_end_ms;
  event["receivedMs"] = received_ms;
  Json list = Json::array();
  for (const media::ReplyPauses::Pause& pause : pauses) {
    list.push_back(Json::array({pause.from_ms, pause.to_ms}));
  }
  event["pauses"] = std::move(list);
  context_.Emit(event);
}

void ConversationEvents::ReplyDone(std::string_view item, int64_t heard_ms,
                                   int64_t turn) {
  Json event = context_.NewEvent("replyDone");
  event["item"] = item;
  event["heardMs"] = heard_ms;
  event["turn"] = turn;
  context_.Emit(event);
}

void ConversationEvents::Line(const Transcript::FinalLine& line) {
  Json event = context_.NewEvent("line");
  event.update(LineFields(line));
  context_.Emit(event);
}

}  // namespace trunkline::session
