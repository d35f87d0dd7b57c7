#include "protocol/agents/openai_messages.h"

#include <utility>

#include "protocol/query.h"

namespace trunkline::protocol {
namespace {

Json FormatObject(AudioFormat format) {
  switch (format.encoding) {
    case Encoding::kMuLaw:
      return {{"type", "audio/pcmu"}};
    case Encoding::kALaw:
      return {{"type", "audio/pcma"}};
    case Encoding::kLinear16:
      // The rate must be said for PCM and must not be for G.711.
      return {{"type", "audio/pcm"}, {"rate", format.sample_rate_hz}};
    case Encoding::kLinear16Big:
      // Realtime has no such format, and nothing configures it.
      break;
  }
  return {};
}

Json CreateItem(Json item) {
  return {{"type", "conversation.item.create"}, {"item", std::move(item)}};
}

}  // namespace

std::string RealtimePath(std::string_view model) {
  return "/v1/realtime?model=" + PercentEncode(model);
}

Json SessionUpdate(const OpenAiConfig& config) {
  // What does not depend on the call.
  Json update = ParseJson(R"({"type":"session.update","session":{
      "type":"realtime",
      "output_modalities":["audio"],
      "audio":{
        "input":{"turn_detection":{
          "type":"server_vad","threshold":0.5,"prefix_padding_ms":300,
          "create_response":false,"interrupt_response":false}},
        "output":{}}}})")
                    .value_or(Json());
  Json& session = update["session"];
  Json& input = session["audio"]["input"];
  Json& output = session["audio"]["output"];
  input["format"] = FormatObject(config.format);
  output["format"] = input["format"];
  input["turn_detection"]["silence_duration_ms"] = config.end_of_turn.ms();
  if (!config.transcription_model.empty()) {
    input["transcription"]["model"] = config.transcription_model;
    if (!config.language.empty()) {
      input["transcription"]["language"] = config.language;
    }
  }
  if (!config.voice.empty()) output["voice"] = config.voice;
  if (!config.instructions.empty()) {
    session["instructions"] = config.instructions;
  }
  if (config.tools.is_array() && !config.tools.empty()) {
    session["tools"] = config.tools;
    session["tool_choice"] = "auto";
  }
  return update;
}

Json MessageItem(Role role, std::string_view text) {
  const bool caller = role == Role::kCaller;
  const Json content = {{"type", caller ? "input_text" : "output_text"},
                        {"text", text}};
  return CreateItem({{"type", "message"},
                     {"role", caller ? "user" : "assistant"},
                     {"content", Json::array({content})}});
}

Json FunctionCallItem(const ConversationLine& line) {
  return CreateItem({{"type", "function_call"},
                     {"call_id", line.call_id},
                     {"name", line.name},
                     {"arguments", line.arguments}});
}

Json FunctionOutputItem(std::string_view call_id, std::string_view output) {
  return CreateItem({{"type", "function_call_output"},
                     {"call_id", call_id},
                     {"output", output}});
}

Json TruncateItem(std::string_view item, int64_t content_index,
                  int64_t audio_end_ms) {
  return {{"type", "conversation.item.truncate"},
          {"item_id", item},
          {"content_index", content_index},
          {"audio_end_ms", audio_end_ms}};
}

Json DeleteItem(std::string_view item) {
  return {{"type", "conversation.item.delete"}, {"item_id", item}};
}

Json CreateResponse(std::string_view instructions) {
  Json event = {{"type", "response.create"}};
  if (!instructions.empty()) {
    event["response"] = {{"instructions", instructions}};
  }
  return event;
}

Json CancelResponse() { return {{"type", "response.cancel"}}; }

}  // namespace trunkline::protocol
