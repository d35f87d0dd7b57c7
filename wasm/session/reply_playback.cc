#include "session/reply_playback.h"

#include <algorithm>
#include <utility>

namespace trunkline::session {

using media::LineOut;
using media::Playout;

ReplyPlayback::ReplyPlayback(CallContext& context, LegLink& leg,
                             AgentLink& agent, Transcript& transcript,
                             LineOut& line)
    : context_(context),
      events_(context),
      leg_(leg),
      agent_(agent),
      line_(line),
      spoken_(transcript, agent.traits().output) {}

bool ReplyPlayback::OnAudio(const protocol::AgentAudio& audio,
                            Transcript::Origin origin, std::string_view words) {
  EndWaiting();
  // What goes on behind a gap would be no speech.
  const LineOut::Appended appended =
      spoken_.IsRefused(audio.item)
          ? LineOut::Appended{false, line_.QueueBytes(audio.audio.size())}
          : line_.Append(audio.item, audio.audio);
  if (!appended.queued) {
    spoken_.OnRefused(audio);
    refused_bytes_ += appended.bytes;
    context_.ReportFault("core", "replyRefused",
                         refused_bytes_ / std::max<size_t>(appended.bytes, 1));
    return false;
  }
  heard_.reset();
  spoken_.OnAudio(audio,
                  {agent_.item_name(audio.item), agent_.item_part(audio.item)},
                  origin, words, context_.now());
  return true;
}

void ReplyPlayback::EndReply(Extent extent) {
  goes_on_ = false;
  // The sound goes on until the caller does not wait any more.
  if (!waiting_) line_.EndReply();
  spoken_.OnReplyOver(extent);
}

void ReplyPlayback::BeginWaiting() {
  if (waiting_ || !line_.has_waiting_sound()) return;
  if (is_starved()) {
    Report();
    heard_ = line_.current(context_.now());
    goes_on_ = true;
  } else if (has_unheard()) {
    return;
  }
  waiting_ = true;
  announced_ = true;
  events_.Waiting();
  line_.BeginWaitingSound();
}

void ReplyPlayback::EndWaiting() {
  if (!std::exchange(waiting_, false)) return;
  Stop();
  line_.StopFade();
  line_.Discard(context_.now());
  context_.ClearTimer(Timer::kPace);
  if (std::exchange(goes_on_, false)) line_.GoOn();
}

bool ReplyPlayback::Pump(int64_t turn) {
  bool sent = false;
  if (waiting_) line_.AppendWaitingSound();
  while (const auto piece = line_.Next(context_.now())) {
    if (!piece->audio.empty()) {
      leg_.Play(piece->audio);
      for (const auto& [item, begin] : piece->parts) {
        const Instant plays_at = line_.PlaysAt(begin);
        sent = spoken_.OnSent(item, context_.now(), plays_at) || sent;
      }
      if (!announced_) {
        announced_ = true;
        events_.ReplyStarted(NameOf(line_.current(context_.now()).item), turn);
      }
    }
    if (piece->mark) leg_.Mark(*piece->mark);
  }
  context_.deadlines().Set(Timer::kPace, line_.NextCheck(context_.now()));
  return sent;
}

void ReplyPlayback::Stop() {
  line_.Interrupt(context_.now());
  leg_.Clear();
}

void ReplyPlayback::Interrupt() {
  if (waiting_) {
    EndWaiting();
  } else {
    Report();
    Stop();
  }
  const Playout::Cut heard = current();
  events_.Cleared(NameOf(heard.item), heard.heard_ms);
}

void ReplyPlayback::Resume() {
  const Playout::Cut heard = current();
  events_.Resumed(NameOf(heard.item), heard.heard_ms);
  Report();
  line_.Resume();
}

void ReplyPlayback::TellRefused() {
  for (const SpokenItems::Refused& refused : spoken_.TakeRefused()) {
    if (agent_.ready()) agent_.Truncate(refused.id, refused.queued_ms);
  }
}

std::vector<protocol::ItemId> ReplyPlayback::DropUnheard(Tell tell) {
  // Of those less was heard, which is told below.
  if (tell == Tell::kAgent) TellRefused();
  std::vector<protocol::ItemId> unheard;
  for (const Playout::Cut& cut : line_.Discard(context_.now())) {
    if (cut.item == LineOut::kTonesItem) continue;
    int64_t audio_end_ms = std::min(cut.heard_ms, cut.received_ms);
    if (tell == Tell::kAgent && agent_.ready()) {
      audio_end_ms = agent_.Truncate(cut.item, audio_end_ms);
    }
    events_.Truncated(NameOf(cut.item), audio_end_ms, cut.received_ms,
                      line_.pauses(cut.item));
    if (!spoken_.OnCut(cut, line_.pauses(cut.item), context_.now())) {
      unheard.push_back(cut.item);
    }
  }
  spoken_.OnAllHeard(context_.now());
  line_.ResetInput();
  heard_.reset();
  return unheard;
}

void ReplyPlayback::OnHeard(int64_t turn) {
  // With the sound for its rest, it is known what was heard.
  if (!waiting_) line_.HearAll();
  const Playout::Cut heard = current();
  Report();
  spoken_.OnAllHeard(context_.now());
  TellRefused();
  heard_.reset();
  if (!waiting_) line_.Forget();
  events_.ReplyDone(NameOf(heard.item), heard.heard_ms, turn);
}

void ReplyPlayback::OnLegLost() {
  EndWaiting();
  line_.Interrupt(context_.now());
}

void ReplyPlayback::OnAgentFailed() {
  line_.ResetInput();
  EndReply(Extent::kPart);
}

void ReplyPlayback::BeginFarewell() {
  line_.StopFade();
  announced_ = true;
}

void ReplyPlayback::OnAgentSwitched() {
  const protocol::AudioFormat output = agent_.traits().output;
  line_.SetAgentFormat(output);
  spoken_.SetFormat(output);
}

void ReplyPlayback::Report() {
  const Instant now = context_.now();
  // What was heard before the sound is known.
  if (!heard_) spoken_.OnProgress(line_.current(now), line_.HeardAt(now));
}

std::string ReplyPlayback::NameOf(protocol::ItemId item) const {
  if (item == LineOut::kTonesItem) return "tones";
  return std::string(agent_.item_name(item));
}

}  // namespace trunkline::session
