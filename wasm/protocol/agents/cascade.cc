#include "protocol/agents/cascade.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/utf8.h"

namespace trunkline::protocol {
namespace {

constexpr std::string_view kWhiteSpace = " \t\n\r";

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(kWhiteSpace) == std::string_view::npos;
}

std::string NameOfTurn(uint32_t turn) { return "turn-" + std::to_string(turn); }

}  // namespace

Cascade::Cascade(Parts parts)
    : parts_(std::move(parts)),
      traits_{.input = parts_.stt->format(),
              .output = parts_.tts->format(),
              .turn_detection = AgentTraits::TurnDetection::kLocal,
              .default_end_of_turn = Duration::Millis(700),
              .can_say = true,
              .has_caller_texts = true,
              .has_agent_texts = true,
              .remembers = false} {}

template <class Input>
void Cascade::ForAll(Input input) {
  for (Service* service : {static_cast<Service*>(parts_.stt.get()),
                           static_cast<Service*>(parts_.llm.get()),
                           static_cast<Service*>(parts_.tts.get())}) {
    service->SetNow(now());
    input(*service);
  }
}

void Cascade::Begin() {
  End("again");
  running_ = true;
  parts_.stt->SetNow(now());
  parts_.stt->Begin();
}

void Cascade::End(std::string_view reason) {
  events_.Clear();
  ForAll([](Service&) {});
  AbortReply();
  parts_.stt->End(reason);
  running_ = turn_open_ = false;
  due_.clear();
  understood_ = true;
  waiting_.clear();
  phase_ = Phase::kIdle;
}

void Cascade::OnSocketOpened(ChannelId channel) {
  ForAll([=](Service& one) { one.OnSocketOpened(channel); });
}

void Cascade::OnText(ChannelId channel, std::string_view text) {
  ForAll([=](Service& one) { one.OnText(channel, text); });
}

void Cascade::OnBinary(ChannelId channel, std::span<const uint8_t> bytes) {
  ForAll([=](Service& one) { one.OnBinary(channel, bytes); });
}

void Cascade::OnSocketClosed(ChannelId channel, uint16_t code,
                             uint16_t http_status, std::string_view reason) {
  ForAll([=](Service& one) {
    one.OnSocketClosed(channel, code, http_status, reason);
  });
}

void Cascade::OnOversize(ChannelId channel) {
  ForAll([=](Service& one) { one.OnOversize(channel); });
}

void Cascade::OnHttpHeaders(ChannelId channel, uint16_t status,
                            const Json& headers) {
  ForAll([=, &headers](Service& one) {
    one.OnHttpHeaders(channel, status, headers);
  });
}

void Cascade::OnHttpChunk(ChannelId channel, std::span<const uint8_t> bytes) {
  ForAll([=](Service& one) { one.OnHttpChunk(channel, bytes); });
}

void Cascade::OnHttpDone(ChannelId channel) {
  ForAll([=](Service& one) { one.OnHttpDone(channel); });
}

void Cascade::OnHttpFailed(ChannelId channel, HttpFailure failure,
                           std::string_view reason) {
  ForAll([=](Service& one) { one.OnHttpFailed(channel, failure, reason); });
}

Instant Cascade::deadline() const {
  Instant due = std::min(
      {parts_.stt->deadline(), parts_.llm->deadline(), parts_.tts->deadline()});
  const bool waits_to_speak =
      phase_ != Phase::kIdle && !speaking_ && plays_until_ - now() > kLookAhead;
  return waits_to_speak ? std::min(due, plays_until_ - kLookAhead) : due;
}

void Cascade::OnDeadline() {
  ForAll([this](Service& one) {
    if (now() >= one.deadline()) one.OnDeadline();
  });
  // The next sentence is asked for in Proceed().
}

std::optional<AgentEvent> Cascade::NextEvent() {
  for (;;) {
    if (auto event = events_.Take()) return event;
    if (!TakeSttEvent() && !TakeLlmEvent() && !TakeTtsEvent()) {
      return std::nullopt;
    }
  }
}

bool Cascade::TakeSttEvent() {
  const std::optional<SttEvent> event = parts_.stt->NextEvent();
  if (!event) return false;
  if (std::holds_alternative<SttReady>(*event)) {
    events_.Push(AgentReady{});
  } else if (const auto* text = std::get_if<SttText>(&*event)) {
    OnSttText(*text);
  } else if (const auto* lost = std::get_if<SttTextFailed>(&*event)) {
    OnSttTextFailed(lost->why);
  } else if (const auto* failed = std::get_if<ServiceFailed>(&*event)) {
    events_.Push(AgentFailed{failed->loss, failed->why});
  } else if (const auto* fault = std::get_if<ServiceFaulted>(&*event)) {
    events_.Push(AgentFaulted{fault->fault});
  }
  return true;
}

void Cascade::OnSttText(const SttText& text) {
  if (text.state == TranscriptState::kFinal) {
    if (due_.empty()) return;
    text_ = text.text;
    text_name_ = NameOfTurn(due_.front());
    events_.Push(AgentTranscript{Role::kCaller, text_name_, /*part=*/0, text_,
                                 TranscriptState::kFinal});
    OnTurnKnown(!IsBlank(text_));
    return;
  }
  // Parts are additions here: one that changes what was told before waits for
  // the last text.
  if (!turn_open_ || !text.text.starts_with(heard_) ||
      text.text.size() == heard_.size()) {
    return;
  }
  text_ = text.text.substr(heard_.size());
  heard_ += text_;
  events_.Push(AgentTranscript{Role::kCaller, turn_name_, /*part=*/0, text_,
                               TranscriptState::kPart});
}

void Cascade::OnSttTextFailed(const Failure& /*why*/) {
  if (due_.empty()) return;
  text_name_ = NameOfTurn(due_.front());
  events_.Push(AgentTextFailed{Role::kCaller, text_name_, /*part=*/0});
  OnTurnKnown(/*understood=*/false);
}

void Cascade::OnTurnKnown(bool understood) {
  due_.erase(due_.begin());
  understood_ = understood;
  if (phase_ == Phase::kHearing && due_.empty()) AskForConversation();
}

void Cascade::AskForConversation() {
  phase_ = Phase::kAsking;
  events_.Push(AgentNeedsConversation{});
}

bool Cascade::TakeLlmEvent() {
  const std::optional<LlmEvent> event = parts_.llm->NextEvent();
  if (!event) return false;
  if (const auto* fault = std::get_if<ServiceFaulted>(&*event)) {
    events_.Push(AgentFaulted{fault->fault});
  } else if (phase_ != Phase::kAnswering || llm_over_) {
    // Of an answer that is over.
  } else if (const auto* text = std::get_if<LlmText>(&*event)) {
    OnLlmText(text->text);
  } else if (const auto* call = std::get_if<LlmToolCall>(&*event)) {
    calls_tools_ = true;
    events_.Push(
        AgentToolCall{call->tool_call_id, call->name, call->arguments});
  } else if (const auto* done = std::get_if<LlmDone>(&*event)) {
    usage_ = done->usage;
    switch (done->end) {
      case LlmDone::End::kComplete:
        break;
      case LlmDone::End::kTooLong:
        EndAnswer(AgentReplyDone::End::kIncomplete, "maxTokens");
        return true;
      case LlmDone::End::kRefused:
        EndAnswer(AgentReplyDone::End::kIncomplete, "contentFilter");
        return true;
    }
    EndAnswer(AgentReplyDone::End::kComplete, {});
  } else if (const auto* failed = std::get_if<ServiceFailed>(&*event)) {
    FailReply(*failed);
  }
  return true;
}

void Cascade::OnLlmText(std::string_view text) {
  std::string more;
  const Appended appended =
      AppendWellFormed(more, text, kMaxReplyBytes - reply_bytes_);
  reply_bytes_ += more.size();
  sentences_.Push(more);
  if (appended == Appended::kAll) return;
  parts_.llm->SetNow(now());
  parts_.llm->Abort();
  EndAnswer(AgentReplyDone::End::kIncomplete, "tooLong");
}

void Cascade::EndAnswer(AgentReplyDone::End end, std::string_view code) {
  llm_over_ = true;
  sentences_.Finish();
  end_ = end;
  end_code_ = code;
}

bool Cascade::TakeTtsEvent() {
  const std::optional<TtsEvent> event = parts_.tts->NextEvent();
  if (!event) return false;
  if (const auto* fault = std::get_if<ServiceFaulted>(&*event)) {
    events_.Push(AgentFaulted{fault->fault});
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
    FailReply(*failed);
  }
  return true;
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
      BeginItem(Phase::kSaying);
      std::string text;
      AppendWellFormed(text, *request.text, kMaxReplyBytes);
      sentences_.Push(text);
      EndAnswer(AgentReplyDone::End::kComplete, {});
    } else if (due_.empty()) {
      AskForConversation();
    } else {
      phase_ = Phase::kHearing;
    }
  }
  GoOn();
}

void Cascade::GoOn() {
  if (phase_ != Phase::kAnswering && phase_ != Phase::kSaying) return;
  if (speaking_ || plays_until_ - now() > kLookAhead) return;
  sentence_begin_ = said_.size();
  sentence_from_ms_ = ReceivedMs(items_.back());
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
    parts_.tts->SetNow(now());
    parts_.tts->Speak(sentence);
  } else if (llm_over_) {
    EndReply(end_, {.code = end_code_});
  }
}

void Cascade::BeginItem(Phase phase) {
  phase_ = phase;
  llm_over_ = calls_tools_ = speaking_ = false;
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
  }
  AgentReplyDone done;
  done.end = end;
  done.after = std::exchange(calls_tools_, false)
                   ? AgentReplyDone::After::kAwaitsTools
                   : AgentReplyDone::After::kCallersTurn;
  done.usage = std::exchange(usage_, {});
  done.why = why;
  events_.Push(done);
}

void Cascade::AbortReply() {
  if (phase_ == Phase::kAnswering && !llm_over_) parts_.llm->Abort();
  if (std::exchange(speaking_, false)) parts_.tts->Abort();
  sentences_.Clear();
  phase_ = Phase::kIdle;
}

void Cascade::Tell(std::span<const ConversationLine> conversation) {
  if (phase_ != Phase::kAsking) return;
  BeginItem(Phase::kAnswering);
  LlmRequest request;
  request.conversation = conversation;
  request.understood = std::exchange(understood_, true);
  parts_.llm->SetNow(now());
  parts_.llm->Ask(request);
}

void Cascade::Listen(std::span<const uint8_t> audio) {
  if (!running_) return;
  parts_.stt->SetNow(now());
  parts_.stt->Listen(audio);
}

void Cascade::TurnStarted(Duration ago) {
  if (!running_) return;
  parts_.stt->SetNow(now());
  parts_.stt->TurnStarted(ago);
  if (std::exchange(turn_open_, true)) return;
  turn_name_ = NameOfTurn(++turns_);
  heard_.clear();
}

void Cascade::Respond(Duration ago) {
  if (!running_) return;
  if (std::exchange(turn_open_, false)) {
    due_.push_back(turns_);
    parts_.stt->SetNow(now());
    parts_.stt->Finish(ago);
  }
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
  if (!std::exchange(turn_open_, false)) return;
  parts_.stt->SetNow(now());
  parts_.stt->Forget();
}

void Cascade::Cancel() {
  waiting_.clear();
  if (phase_ == Phase::kIdle) return;
  ForAll([](Service&) {});
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
