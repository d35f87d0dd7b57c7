#include "protocol/services/workers_ai_whisper.h"

#include <string_view>
#include <utility>

#include "base/base64.h"
#include "base/json.h"
#include "base/utf8.h"

namespace trunkline::protocol {
namespace {

// The fields beside the file and the prompt.
constexpr size_t kOtherFieldBytes = 4096;
// A prompt of control characters alone is six times as long in JSON.
static_assert(Base64EncodedSize(kWavHeadBytes +
                                BytesOf({Encoding::kLinear16, 16000},
                                        WorkersAiWhisper::kMaxTurnMs)) +
                  6 * OpenAiTranscription::kMaxPromptBytes + kOtherFieldBytes <=
              FetchRequest::kMaxBodyBytes);

OpenAiTranscription::Config OfWorkersAi(OpenAiTranscription::Config config) {
  config.upstream = "workers-ai";
  config.path = "/run/" + config.model;
  config.max_turn_ms = WorkersAiWhisper::kMaxTurnMs;
  return config;
}

}  // namespace

WorkersAiWhisper::WorkersAiWhisper(Config config, Channels& channels)
    : OpenAiTranscription(OfWorkersAi(std::move(config)), channels) {}

void WorkersAiWhisper::Fill(FetchRequest& fetch, std::span<const uint8_t> file,
                            std::string& body) const {
  Json fields = {{"task", "transcribe"}};
  if (!config().language.empty()) fields["language"] = config().language;
  if (!config().prompt.empty()) {
    fields["initial_prompt"] = CutText(config().prompt, kMaxPromptBytes);
  }
  // Printed around the file: as a value of JSON it would be there twice.
  constexpr std::string_view kOpen = R"({"audio":")";
  const std::string rest = PrintJson(fields);
  body.reserve(kOpen.size() + Base64EncodedSize(file.size()) + 2 + rest.size());
  body += kOpen;
  body.resize(kOpen.size() + Base64EncodedSize(file.size()));
  Base64Encode(file, body.data() + kOpen.size());
  body += "\",";
  body.append(rest, 1);
  fetch.headers = {{"content-type", "application/json"}};
  fetch.body = {reinterpret_cast<const uint8_t*>(body.data()), body.size()};
}

}  // namespace trunkline::protocol
