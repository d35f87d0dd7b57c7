#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/agents/agent.h"
#include "protocol/agents/early_answer.h"
#include "protocol/agents/ears.h"
#include "protocol/agents/service_agent.h"
#include "protocol/event_queue.h"
#include "protocol/services/llm.h"
#include "protocol/services/sentences.h"
#include "protocol/services/stt.h"
#include "protocol/services/tts.h"

namespace trunkline::protocol {

// An agent made of three services: what the caller says becomes text, a
// language model answers, and its answer is spoken sentence by sentence.
//
// It remembers nothing: it asks its owner for the conversation, as it was
// heard, whenever the model is to answer. What is not wanted any more is
// aborted at its vendor. A voice is asked for the next sentence when little of
// what it has made is left to play, so that little is made in vain.
//
// A recogniser that detects turns may say early that one may be over. The model
// is asked at once then, as if it were; its answer waits until the turn is over
// with the same words, and is aborted when the caller goes on. Nothing of it is
// told or spoken before, and no tool is called. What was asked for in vain is
// told with the usage of the next reply.
//
// Where it detects none, what the caller has said up to a pause tells whether
// he has finished, turn_hint(): services/turn_words.h, by the parts of a
// recogniser that tells some, or the text that one finds out in a pause.
//
// A sentence of which no audio came is asked for once more in a reply, at once
// or when the voice wants it to be, unless that is too late; a fault tells.
class Cascade final : public ServiceAgent {
 public:
  struct Parts {
    std::unique_ptr<Stt> stt;
    std::unique_ptr<Llm> llm;
    std::unique_ptr<Tts> tts;
    // What the caller speaks: an ISO 639-1 tag, or "".
    std::string language = {};
  };

  // What a reply may have of text. The rest is left out: the model is stopped.
  static constexpr size_t kMaxReplyBytes = size_t{8} * 1024;
  // How much of the audio that was made may be left to play when the next
  // sentence is asked for.
  static constexpr Duration kLookAhead = Duration::Millis(4'000);

  // A voice that wants to be asked later than that is not asked again.
  static constexpr Duration kMaxRetryWait = Duration::Millis(3'000);

  // Precondition: all parts are there.
  explicit Cascade(Parts parts);

  const AgentTraits& traits() const override { return traits_; }

  void Begin() override;
  void End(std::string_view reason) override;

  Instant deadline() const override;

  std::optional<AgentEvent> NextEvent() override;
  void Proceed() override;

  void Tell(std::span<const ConversationLine> conversation) override;
  void Listen(std::span<const uint8_t> audio) override;
  void TurnStarted(Duration ago) override;
  void TurnPaused(Duration ago) override;
  TurnHint turn_hint() const override { return ears_.turn_hint(); }
  void Respond(Duration ago) override;
  void Say(std::string_view text) override;
  void DiscardTurn() override;
  void Cancel() override;
  int64_t Truncate(ItemId id, int64_t heard_ms) override;
  // The owner has it, and tells it with the conversation.
  void ToolResult(std::string_view /*tool_call_id*/,
                  std::string_view /*output*/) override {}
  std::string_view item_name(ItemId id) const override;
  std::string_view turn_name() const override { return ears_.turn_name(); }

 private:
  // Of one event of a service, or a command: the end of a text and of the
  // reply, and the question for the conversation.
  static constexpr size_t kMaxEvents = 4;
  // Items whose name and length are kept.
  static constexpr size_t kMaxItems = 64;

  enum class Phase : uint8_t {
    kIdle,
    kHearing,    // what the caller has said is not known yet
    kAsking,     // the owner was asked for the conversation
    kAnswering,  // the model answers, or did, and its words are spoken
    kSaying,     // a text of others is spoken
  };
  struct Request {
    // A text to say; nullopt: a reply.
    std::optional<std::string> text;
  };
  struct Item {
    std::string name;
    size_t bytes = 0;
  };

  // Takes one event of a service; false if there is none.
  bool Hear();
  bool TakeLlmEvent();
  bool TakeTtsEvent();
  void BeginEarly();
  // It is the reply.
  void TakeEarly();
  void OnLlmEvent(const LlmEvent& event);
  void OnLlmText(std::string_view text);
  // No more words come of the reply.
  void EndAnswer(AgentReplyDone::End end, std::string_view code);
  void OnWords(std::span<const SpokenWord> words);
  void OnAudio(std::span<const uint8_t> audio);
  // The voice has failed: the sentence is asked for once more, or the reply
  // fails.
  void OnVoiceFailed(const ServiceFailed& failed);
  // A service has failed while a reply is made.
  void FailReply(const ServiceFailed& failed);

  // `request` in the place of what waits of its kind.
  void Wait(Request request);
  void AskForConversation();
  void BeginItem(Phase phase);
  // Speaks the next sentence if it is time, or ends the reply.
  void GoOn();
  void EndReply(AgentReplyDone::End end, const Failure& why);
  void AbortReply();
  int64_t ReceivedMs(const Item& item) const;
  const Item* Find(ItemId id) const;

  Ears ears_;
  std::unique_ptr<Llm> llm_;
  std::unique_ptr<Tts> tts_;
  EarlyAnswer early_;
  const AgentTraits traits_;
  EventQueue<AgentEvent, kMaxEvents> events_;
  bool running_ = false;

  Phase phase_ = Phase::kIdle;
  std::vector<Request> waiting_;
  bool llm_over_ = false;
  bool calls_tools_ = false;
  Usage usage_;
  // How the model ended it, and why, if not as it should.
  AgentReplyDone::End end_ = AgentReplyDone::End::kComplete;
  std::string end_code_;
  Sentences sentences_;
  size_t reply_bytes_ = 0;
  // What the voice was asked for of the reply, and where in it, and in the
  // item's audio, the sentence begins that it speaks.
  std::string said_;
  bool speaking_ = false;
  size_t sentence_begin_ = 0;
  int64_t sentence_from_ms_ = 0;
  // When it is to be asked for once more; and whether one of this reply was.
  bool sentence_has_audio_ = false;
  std::optional<Instant> speak_again_at_;
  bool spoke_again_ = false;
  // When all audio that was made will have been played, if nobody stops it.
  Instant plays_until_;

  uint32_t item_count_ = 0;
  std::vector<Item> items_;
  // What views in events are of.
  std::vector<SpokenWord> words_;
};

}  // namespace trunkline::protocol
