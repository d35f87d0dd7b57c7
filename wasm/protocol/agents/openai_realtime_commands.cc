// What the owner asks of the agent, as messages to the server.

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "protocol/agents/openai_messages.h"
#include "protocol/agents/openai_realtime.h"

namespace trunkline::protocol {

void OpenAiRealtime::Tell(std::span<const ConversationLine> conversation) {
  for (const ConversationLine& line : conversation) {
    switch (line.kind) {
      case ConversationLine::Kind::kCaller:
        Send(MessageItem(Role::kCaller, line.text));
        break;
      case ConversationLine::Kind::kAgent:
        Send(MessageItem(Role::kAgent, line.text));
        break;
      case ConversationLine::Kind::kTool:
        Send(FunctionCallItem(line));
        open_tool_calls_.emplace_back(line.call_id);
        if (line.result) SendToolResult(line.call_id, *line.result);
        break;
    }
  }
}

void OpenAiRealtime::Listen(std::span<const uint8_t> audio) {
  message_.assign(R"({"type":"input_audio_buffer.append","audio":")");
  const size_t head = message_.size();
  message_.resize(head + Base64EncodedSize(audio.size()));
  Base64Encode(audio, message_.data() + head);
  message_ += "\"}";
  SendText(message_);
}

// The server detects where turns begin.
void OpenAiRealtime::TurnStarted(Duration /*ago*/) {}

void OpenAiRealtime::Respond(Duration /*ago*/) { RequestResponse(""); }

void OpenAiRealtime::Say(std::string_view text) {
  std::string instructions =
      "Say exactly the following to the caller and nothing else: ";
  instructions += text;
  RequestResponse(std::move(instructions));
}

// The owner knows of the end of the response, and may have cancelled what
// waited or asked for something else.
void OpenAiRealtime::Proceed() { SendNextRequest(); }

void OpenAiRealtime::RequestResponse(std::string instructions) {
  if (!committed_item_.empty()) {
    decided_item_ = std::exchange(committed_item_, {});
  }
  responses_.Ask(std::move(instructions));
  SendNextRequest();
}

void OpenAiRealtime::SendNextRequest() {
  if (const std::string* instructions = responses_.Next()) {
    responses_.OnCreateSent(Send(CreateResponse(*instructions)));
  }
}

void OpenAiRealtime::DiscardTurn() {
  if (committed_item_.empty()) return;
  Send(DeleteItem(committed_item_));
  decided_item_ = std::exchange(committed_item_, {});
}

void OpenAiRealtime::Cancel() {
  if (responses_.Cancel()) responses_.OnCancelSent(Send(CancelResponse()));
}

int64_t OpenAiRealtime::Truncate(ItemId id, int64_t heard_ms) {
  const OpenAiItems::Item* item = items_.Find(id);
  if (item == nullptr) return 0;
  const auto received_ms =
      static_cast<int64_t>(item->received_bytes / BytesOf(config_.format, 1));
  const int64_t audio_end_ms = std::clamp<int64_t>(heard_ms, 0, received_ms);
  // An item of a former socket is nothing that this one could name.
  if (item->connection != connection_) return audio_end_ms;
  items_.Cut(id, audio_end_ms);
  Send(TruncateItem(item->name, item->content_index, audio_end_ms));
  return audio_end_ms;
}

}  // namespace trunkline::protocol
