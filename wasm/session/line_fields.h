#pragma once

#include "base/json.h"
#include "session/transcript.h"

namespace trunkline::session {

// The fields of the event `line`: `line`, `role` (`caller`, `agent`, `tool`),
// `startMs`, `endMs`; of what was said `item`, `part`, `said`, `heard`, `cut`,
// `text` (`final`, `partial`, `failed`, `missing`); of the caller `overMs`; of
// the agent `origin` (`reply`, `say`), `sentMs`, `latencySentMs`,
// `latencyHeardMs`; of a tool `toolCallId`, `name`, `arguments`, `result`,
// `state` (`answered`, `failed`, `unanswered`). What is not known is not there.
Json LineFields(const Transcript::FinalLine& line);

}  // namespace trunkline::session
