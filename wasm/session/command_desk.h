#pragma once

#include "session/call_context.h"
#include "session/command.h"
#include "session/config.h"
#include "session/conversation.h"
#include "session/level_watch.h"
#include "session/recording_control.h"

namespace trunkline::session {

// Which commands there are, what each needs, and who carries it out.
class CommandDesk {
 public:
  // The parts are borrowed for the life of the object.
  CommandDesk(Config::Faults faults, Conversation& conversation,
              RecordingControl& recording, LevelWatch& levels)
      : faults_(faults),
        conversation_(conversation),
        recording_(recording),
        levels_(levels) {}

  // Whether the command can be carried out now; changes nothing.
  CommandOutcome Judge(const CommandEnvelope& envelope) const;
  // Precondition: it was judged to be done, and nothing has happened since.
  void CarryOut(const CommandEnvelope& envelope);

 private:
  const Config::Faults faults_;
  Conversation& conversation_;
  RecordingControl& recording_;
  LevelWatch& levels_;
};

// Who did what, for whoever looks after the call, as an event: of people, and
// by name. No text of a command is in it.
void TellAudit(CallContext& context, const CommandEnvelope& envelope,
               const CommandOutcome& outcome);

}  // namespace trunkline::session
