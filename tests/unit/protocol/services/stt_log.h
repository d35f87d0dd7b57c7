#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "exchanges.h"
#include "protocol/services/stt.h"

namespace trunkline::protocol {

// Takes all that a recogniser tells, as its owner does after each call:
//
//   ready | +a part | =a final text | no text CODE | fault malformed
//   started | stopped | eager words | resumed | ended words
//   lost CODE | fatal CODE
inline void TakeEvents(Stt& stt, std::vector<std::string>& lines) {
  while (const std::optional<SttEvent> next = stt.NextEvent()) {
    if (const auto* fault = std::get_if<ServiceFaulted>(&*next)) {
      lines.push_back(std::string("fault ") + ToString(fault->fault));
    } else if (std::holds_alternative<SttReady>(*next)) {
      lines.emplace_back("ready");
    } else if (const auto* text = std::get_if<SttText>(&*next)) {
      lines.push_back((text->state == TranscriptState::kPart ? "+" : "=") +
                      std::string(text->text));
    } else if (const auto* none = std::get_if<SttTextFailed>(&*next)) {
      lines.push_back("no text " + std::string(none->why.code));
    } else if (const auto* failed = std::get_if<ServiceFailed>(&*next)) {
      lines.push_back(ToLine(*failed));
    } else if (const auto* speech = std::get_if<SttSpeech>(&*next)) {
      lines.emplace_back(speech->edge == SttSpeech::Edge::kStarted ? "started"
                                                                   : "stopped");
    } else if (const auto* eager = std::get_if<SttEager>(&*next)) {
      lines.push_back("eager " + std::string(eager->text));
    } else if (std::holds_alternative<SttResumed>(*next)) {
      lines.emplace_back("resumed");
    } else if (const auto* ended = std::get_if<SttTurnEnded>(&*next)) {
      lines.push_back("ended " + std::string(ended->text));
    }
  }
}

}  // namespace trunkline::protocol
