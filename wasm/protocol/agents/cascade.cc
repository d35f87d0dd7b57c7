#include "protocol/agents/cascade.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"

namespace trunkline::protocol {

Cascade::Cascade(Parts parts)
    : ServiceAgent({parts.stt.get(), parts.llm.get(), parts.tts.get()}),
      ears_(std::move(parts.stt), parts.language),
      llm_(std::move(parts.llm)),
      tts_(std::move(parts.tts)),
      early_(*llm_),
      traits_{.input = ears_.stt().format(),
              .output = tts_->format(),
              .turn_detection = ears_.detects_turns()
                                    ? AgentTraits::TurnDetection::kProvider
                                    : AgentTraits::TurnDetection::kLocal,
              .default_end_of_turn = Duration::Millis(700),
              .can_say = true,
              .has_caller_texts = true,
              .has_agent_texts = true,
              .remembers = false} {}

void Cascade::Begin() {
  End("again");
  running_ = true;
  ears_.Begin(now());
}

void Cascade::End(std::string_view reason) {
  events_.Clear();
  TellTime();
  early_.Drop(now());
  AbortReply();
  ears_.End(now(), reason);
  running_ = false;
  waiting_.clear();
  phase_ = Phase::kIdle;
}

Instant Cascade::deadline() const {
  Instant due = ServiceAgent::deadline();
  if (speak_again_at_) due = std::min(due, *speak_again_at_);
  const bool waits_to_speak =
      phase_ != Phase::kIdle && !speaking_ && plays_until_ - now() > kLookAhead;
  return waits_to_speak ? std::min(due, plays_until_ - kLookAhead) : due;
}

std::optional<AgentEvent> Cascade::NextEvent() {
  for (;;) {
    if (auto event = ears_.NextEvent()) return event;
    if (auto event = events_.Take()) return event;
    if (!Hear() && !TakeLlmEvent() && !TakeTtsEvent()) return std::nullopt;
  }
}

bool Cascade::Hear() {
  switch (ears_.Hear()) {
    case Ears::Heard::kNothing:
      return false;
    case Ears::Heard::kEvents:
      break;
    case Ears::Heard::kTurnKnown:
      if (phase_ == Phase::kHearing && !ears_.awaits_text()) {
        AskForConversation();
      }
      break;
    case Ears::Heard::kEager:
      BeginEarly();
      break;
    case Ears::Heard::kResumed:
      early_.Drop(now());
      break;
    case Ears::Heard::kTurnEnded:
      early_.OnTurnEnded(now(), ears_.words());
      break;
  }
  return true;
}

void Cascade::BeginEarly() {
  // Not while anything else is asked of the model, nor to what nobody here has
  // noticed, which may be the agent's own voice.
  const bool is_idle = running_ && phase_ == Phase::kIdle && waiting_.empty();
  early_.Drop(now());
  if (!is_idle || !ears_.in_turn() || !early_.is_allowed()) return;
  early_.Begin(ears_.words());
  events_.Push(AgentNeedsConversation{});
}

void Cascade::TakeEarly() {
  const EarlyAnswer::Answer answer = early_.Take();
  BeginItem(Phase::kAnswering);
  OnLlmText(answer.text);
  if (answer.next) OnLlmEvent(*answer.next);
}

void Cascade::AskForConversation() {
  phase_ = Phase::kAsking;
  events_.Push(AgentNeedsConversation{});
}

bool Cascade::TakeLlmEvent() {
  if (early_.is_made()) {
    std::optional<Fault> fault;
    const bool taken = early_.TakeEvent(now(), fault);
    if (fault) events_.Push(AgentFaulted{*fault});
    return taken;
  }
  const std::optional<LlmEvent> event = llm_->NextEvent();
  if (!event) return false;
  OnLlmEvent(*event);
  return true;
}

void Cascade::OnLlmEvent(const LlmEvent& event) {
  if (const auto* fault = std::get_if<ServiceFaulted>(&event)) {
    events_.Push(AgentFaulted{fault->fault, fault->why});
  } else if (phase_ != Phase::kAnswering || llm_over_) {
    // Of an answer that is over.
  } else if (const auto* text = std::get_if<LlmText>(&event)) {
    OnLlmText(text->text);
  } else if (const auto* call = std::get_if<LlmToolCall>(&event)) {
    calls_tools_ = true;
    events_.Push(
        AgentToolCall{call->tool_call_id, call->name, call->arguments});
  } else if (const auto* done = std::get_if<LlmDone>(&event)) {
    usage_ = done->usage;
    switch (done->end) {
      case LlmDone::End::kComplete:
        break;
      case LlmDone::End::kTooLong:
        EndAnswer(AgentReplyDone::End::kIncomplete, "maxTokens");
        return;
      case LlmDone::End::kRefused:
        EndAnswer(AgentReplyDone::End::kIncomplete, "contentFilter");
        return;
    }
    EndAnswer(AgentReplyDone::End::kComplete, {});
  } else if (const auto* failed = std::get_if<ServiceFailed>(&event)) {
    FailReply(*failed);
  }
}

void Cascade::OnLlmText(std::string_view text) {
  std::string more;
  const Appended appended =
      AppendWellFormed(more, text, kMaxReplyBytes - reply_bytes_);
  reply_bytes_ += more.size();
  sentences_.Push(more);
  if (appended == Appended::kAll) return;
  llm_->SetNow(now());
  llm_->Abort();
  EndAnswer(AgentReplyDone::End::kIncomplete, "tooLong");
}

void Cascade::EndAnswer(AgentReplyDone::End end, std::string_view code) {
  llm_over_ = true;
  sentences_.Finish();
  end_ = end;
  end_code_ = code;
}

bool Cascade::TakeTtsEvent() {
  const std::optional<TtsEvent> event = tts_->NextEvent();
  if (!event) return false;
  if (const auto* fault = std::get_if<ServiceFaulted>(&*event)) {
    events_.Push(AgentFaulted{fault->fault, fault->why});
  } else if (!speaking_) {
    // Of a sentence that is over.
  } else if (const auto* words = std::get_if<TtsWords>(&*event)) {
    OnWords(words->words);
  } else if (const auto* audio = std::get_if<TtsAudio>(&*event)) {
    OnAudio(audio->audio);
  } else if (std::holds_alternative<TtsDone>(*event)) {
    speaking_ = false;
    // Where the sentence ends is known in any case.
    const SpokenWord end = {
        static_cast<uint32_t>(said_.size() - sentence_begin_),
        ReceivedMs(items_.back()) - sentence_from_ms_};
    OnWords({&end, 1});
  } else if (const auto* failed = std::get_if<ServiceFailed>(&*event)) {
    speaking_ = false;
    OnVoiceFailed(*failed);
  }
  return true;
}

void Cascade::OnVoiceFailed(const ServiceFailed& failed) {
  const Duration wait = failed.why.retry_after.value_or(Duration());
  if (failed.loss == Loss::kFatal || sentence_has_audio_ || spoke_again_ ||
      wait > kMaxRetryWait) {
    FailReply(failed);
    return;
  }
  spoke_again_ = true;
  speak_again_at_ = now() + wait;
  events_.Push(AgentFaulted{Fault::kPeerError, failed.why});
}

void Cascade::OnWords(std::span<const SpokenWord> words) {
  words_.clear();
  for (const SpokenWord& word : words) {
    words_.push_back({static_cast<uint32_t>(sentence_begin_) + word.text_end,
                      sentence_from_ms_ + word.end_ms});
  }
  events_.Push(AgentWords{items_.back().name, words_});
}

void Cascade::OnAudio(std::span<const uint8_t> audio) {
  Item& item = items_.back();
  item.bytes += audio.size();
  sentence_has_audio_ = true;
  const auto us =
      static_cast<int64_t>(audio.size() * 1'000 / BytesOf(traits_.output, 1));
  plays_until_ = std::max(plays_until_, now()) + Duration::Micros(us);
  events_.Push(AgentAudio{ItemId{item_count_}, audio});
}

void Cascade::FailReply(const ServiceFailed& failed) {
  // As a provider of whole replies would say it.
  EndReply(failed.loss == Loss::kFatal ? AgentReplyDone::End::kRefused
                                       : AgentReplyDone::End::kFailed,
           failed.why);
}

void Cascade::Proceed() {
  if (!running_) return;
  if (phase_ == Phase::kIdle && !waiting_.empty()) {
    const Request request = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    if (request.text) {
      early_.Drop(now());
      BeginItem(Phase::kSaying);
      std::string text;
      AppendWellFormed(text, *request.text, kMaxReplyBytes);
      sentences_.Push(text);
      EndAnswer(AgentReplyDone::End::kComplete, {});
    } else if (early_.is_right()) {
      TakeEarly();
    } else {
      early_.Drop(now());
      if (ears_.awaits_text()) {
        phase_ = Phase::kHearing;
      } else {
        AskForConversation();
      }
    }
  }
  // Nobody wants a reply to that turn.
  if (early_.is_right()) early_.Drop(now());
  GoOn();
}

void Cascade::GoOn() {
  if (phase_ != Phase::kAnswering && phase_ != Phase::kSaying) return;
  if (speak_again_at_) {
    if (now() < *speak_again_at_) return;
    speak_again_at_.reset();
    speaking_ = true;
    tts_->SetNow(now());
    tts_->Speak(std::string_view(said_).substr(sentence_begin_));
    return;
  }
  if (speaking_ || plays_until_ - now() > kLookAhead) return;
  sentence_begin_ = said_.size();
  sentence_from_ms_ = ReceivedMs(items_.back());
  sentence_has_audio_ = false;
  // Signs alone are spoken with what follows them.
  while (!speaking_) {
    const std::optional<std::string> more = sentences_.Take();
    if (!more) break;
    said_ += *more;
    speaking_ = HasWords(*more);
  }
  const std::string_view sentence =
      std::string_view(said_).substr(sentence_begin_);
  if (!sentence.empty()) {
    events_.Push(AgentTranscript{Role::kAgent, items_.back().name, /*part=*/0,
                                 sentence, TranscriptState::kPart});
  }
  if (speaking_) {
    tts_->SetNow(now());
    tts_->Speak(sentence);
  } else if (llm_over_) {
    EndReply(end_, {.code = end_code_});
  }
}

void Cascade::BeginItem(Phase phase) {
  phase_ = phase;
  llm_over_ = calls_tools_ = speaking_ = spoke_again_ = false;
  usage_ = {};
  sentences_.Clear();
  reply_bytes_ = 0;
  said_.clear();
  plays_until_ = now();
  if (items_.size() == kMaxItems) items_.erase(items_.begin());
  ++item_count_;
  items_.push_back({"reply-" + std::to_string(item_count_), 0});
}

void Cascade::EndReply(AgentReplyDone::End end, const Failure& why) {
  const bool was_open = phase_ == Phase::kAnswering || phase_ == Phase::kSaying;
  AbortReply();
  if (was_open && !said_.empty()) {
    events_.Push(AgentTranscript{Role::kAgent, items_.back().name, /*part=*/0,
                                 said_, TranscriptState::kFinal});
    ears_.OnAgentSaid(said_);
  }
  AgentReplyDone done;
  done.end = end;
  done.after = std::exchange(calls_tools_, false)
                   ? AgentReplyDone::After::kAwaitsTools
                   : AgentReplyDone::After::kCallersTurn;
  done.usage = std::exchange(usage_, {});
  // What was asked for in vain is paid for as well.
  const Usage dropped = early_.TakeDropped();
  done.usage.dropped_answers = dropped.dropped_answers;
  done.usage.dropped_tokens = dropped.dropped_tokens;
  done.usage.dropped_texts = ears_.stt().TakeDroppedTexts();
  done.why = why;
  events_.Push(done);
}

void Cascade::AbortReply() {
  if (phase_ == Phase::kAnswering && !llm_over_) llm_->Abort();
  if (std::exchange(speaking_, false)) tts_->Abort();
  speak_again_at_.reset();
  sentences_.Clear();
  phase_ = Phase::kIdle;
}

void Cascade::Tell(std::span<const ConversationLine> conversation) {
  if (early_.needs_conversation()) {
    early_.Ask(now(), conversation, ears_.told());
    return;
  }
  if (phase_ != Phase::kAsking) return;
  BeginItem(Phase::kAnswering);
  LlmRequest request;
  request.conversation = conversation;
  request.understood = ears_.TakeUnderstood();
  llm_->SetNow(now());
  llm_->Ask(request);
}

void Cascade::Listen(std::span<const uint8_t> audio) {
  if (running_) ears_.Listen(now(), audio);
}

void Cascade::TurnStarted(Duration ago) {
  if (running_) ears_.TurnStarted(now(), ago);
}

void Cascade::TurnPaused(Duration ago) {
  if (running_) ears_.Pause(now(), ago);
}

void Cascade::Respond(Duration ago) {
  if (!running_) return;
  ears_.Finish(now(), ago);
  Wait({});
}

void Cascade::Say(std::string_view text) {
  if (running_) Wait({std::string(text)});
}

void Cascade::Wait(Request request) {
  std::erase_if(waiting_, [&request](const Request& one) {
    return one.text.has_value() == request.text.has_value();
  });
  waiting_.push_back(std::move(request));
}

void Cascade::DiscardTurn() {
  ears_.DiscardTurn(now());
  early_.Drop(now());
}

void Cascade::Cancel() {
  waiting_.clear();
  early_.Drop(now());
  if (phase_ == Phase::kIdle) return;
  TellTime();
  EndReply(AgentReplyDone::End::kCancelled, {});
}

int64_t Cascade::Truncate(ItemId id, int64_t heard_ms) {
  const Item* item = Find(id);
  if (item == nullptr) return 0;
  return std::clamp<int64_t>(heard_ms, 0, ReceivedMs(*item));
}

int64_t Cascade::ReceivedMs(const Item& item) const {
  return static_cast<int64_t>(item.bytes / BytesOf(traits_.output, 1));
}

const Cascade::Item* Cascade::Find(ItemId id) const {
  const auto number = static_cast<uint32_t>(id);
  const auto first = static_cast<uint32_t>(item_count_ - items_.size());
  return number <= first || number > item_count_ ? nullptr
                                                 : &items_[number - first - 1];
}

std::string_view Cascade::item_name(ItemId id) const {
  const Item* item = Find(id);
  return item == nullptr ? std::string_view() : std::string_view(item->name);
}

}  // namespace trunkline::protocol
