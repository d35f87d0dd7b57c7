#include "session/level_watch.h"

#include <string>

#include "base/base64.h"

namespace trunkline::session {
namespace {

std::string Base64Of(const media::LevelMeter::Levels& levels) {
  std::string text(Base64EncodedSize(levels.size()), '\0');
  Base64Encode(levels, text.data());
  return text;
}

}  // namespace

void LevelWatch::Set(Watching watching) {
  // What was heard while nobody watched is nobody's.
  if (watching_ != watching) meter_.Reset();
  watching_ = watching;
}

void LevelWatch::Tell(const media::HeardTrack& heard) {
  if (watching_ == Watching::kNo) return;
  const auto reading = meter_.Take(heard, context_.now());
  if (!reading) return;
  context_.Emit({{"type", "levels"},
                 {"atMs", context_.at_ms()},
                 {"caller", Base64Of(reading->caller)},
                 {"agent", Base64Of(reading->agent)}});
}

}  // namespace trunkline::session
