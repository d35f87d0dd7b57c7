#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "support/world/agent.h"
#include "support/world/clock.h"
#include "support/world/dice.h"
#include "support/world/realtime_adapter.h"
#include "support/world/upstreams.h"

namespace trunkline::test {

// A Realtime server that does what servers do on bad days: refuses, forgets,
// answers what nobody asked, loses and doubles messages, breaks off. Stands
// before an honest one (RealtimeAdapter and Agent), which has what is left to
// it. What it does is said by a script, or thrown by a temper's dice.
class HostileRealtime final : public Provider {
 public:
  // What comes of a response.create.
  enum class Reply : uint8_t {
    kHonest,
    kIgnored,         // nothing at all
    kRefused,         // an `error` that names the request
    kRefusedUnnamed,  // and one that does not
    kLimited,         // a rate limit with a time
    kCallsTool,       // a call of a declared tool, no audio
    kCallsUndeclared,
    kCallsTwice,  // two calls, one of an id that was used before
    kEndsCall,
    kPreamble,  // audio, then a call of a declared tool
    kItems,     // several items and content parts, with their words
    kText,      // text, no audio
    kEmpty,     // completed, and nothing in it
    kFailed,    // with an error's code
    kFailedInAudio,
    kIncomplete,     // with a reason, no audio
    kCutShort,       // the same behind some audio
    kCancelled,      // by nobody
    kStalls,         // response.created, then nothing
    kStallsInAudio,  // audio, and no response.done
    kDrops,          // the socket closes
    kDropsInAudio,
    kTrickle,      // a millisecond of audio at a time
    kNameless,     // audio without an item, of unknown responses, no base64
    kDoubled,      // two of each event
    kUnannounced,  // no response.created
    kBusy,         // "already has an active response", once; maybe with that
  };
  static constexpr size_t kReplies = static_cast<size_t>(Reply::kBusy) + 1;
  // The same, in shapes that servers have and documents do not; thrown in the
  // place of a Reply by a chance of their own.
  enum class Oddity : uint8_t {
    kMingled,             // two items, the audio of which comes by turns
    kErrorBehindCreated,  // an `error` that names the request, and no end
    kCallWithoutStatus,   // a call that is not said to be whole
    kCallInPieces,    // its name and its arguments, and no item that is done
    kCallInDone,      // in the output of response.done alone
    kWordsAfterDone,  // the words of its audio behind response.done
  };
  static constexpr size_t kOddities =
      static_cast<size_t>(Oddity::kWordsAfterDone) + 1;
  // What comes of a socket that is wanted.
  enum class Start : uint8_t {
    kHonest,
    kRefused,  // by an HTTP status
    kNeverOpens,
    kSilent,         // opens, and says nothing
    kCloses,         // opens, and closes
    kNeverReady,     // no session.updated
    kConfigRefused,  // an `error` in its place
    kSlow,           // session.updated late
    kTwice,          // session.created and session.updated twice
    kDeaf,           // ready, then no event at all
  };
  static constexpr size_t kStarts = static_cast<size_t>(Start::kDeaf) + 1;

  // Weights and chances (per thousand); all 0 is the honest server.
  struct Temper {
    std::array<uint32_t, kReplies> replies{};
    std::array<uint32_t, kStarts> starts{};
    // Of an event of the server's: lost, doubled, behind the next one, cut into
    // two messages.
    uint32_t lost = 0;
    uint32_t doubled = 0;
    uint32_t reordered = 0;
    uint32_t split = 0;
    // A reply is an odd one.
    uint32_t odd = 0;
    // The words of a reply come behind its cancel.
    uint32_t late_words = 0;
    // Answers of a cancel that are not a cancelled response: none, or "no
    // active response".
    uint32_t cancel_ignored = 0;
    uint32_t cancel_denied = 0;
    // Things that nobody asked for, one about every so often; 0 for none.
    Duration whim_every;
    // A reply is the same as the one before.
    uint32_t same_again = 0;
    // An item has the name of one in a former reply.
    uint32_t same_name = 0;
    // Before a reply's first event, and between two of its events.
    Duration pause;
    // Socket closes among the whims.
    uint32_t whims_that_close = 0;
  };

  HostileRealtime(Clock& clock, Upstreams& upstreams, Agent& agent,
                  RealtimeAdapter& honest, Dice dice, const Temper& temper);

  void OnConnect(protocol::ChannelId channel,
                 const protocol::ConnectRequest& request) override;
  void OnFetch(protocol::ChannelId channel, const std::string& upstream,
               const std::string& body) override;
  void OnMessage(protocol::ChannelId channel, const Message& message) override;
  void OnClosed(protocol::ChannelId channel) override;

  // By a test: what comes of the next requests and sockets, before the dice.
  std::deque<Reply> next_replies;
  std::deque<Start> next_starts;
  // With what a socket closes that does so by itself; nullopt for any.
  std::optional<uint16_t> close_code;
  // A reply is answered like this from when on the script is over.
  std::optional<Reply> always;

  // Each message but audio, before anything is done about it.
  std::function<void(const Json&)> on_request;
  // Which item the reply to the last request begins.
  std::function<void(const std::string&)> on_item;
  // A socket closes on a reply that was asked for and is not done.
  std::function<void()> on_reply_lost;
  // A reply that nobody asked for is over.
  std::function<void()> on_own_reply_over;
  // What it does, for people.
  std::function<void(const std::string&)> on_deed;

 private:
  using Steps = std::deque<std::function<void()>>;

  const char* PickError();
  const char* PickRetryText();

  void Deed(const std::string& what) const {
    if (on_deed) on_deed(what);
  }
  Start ThrowStart();
  Reply ThrowReply();
  std::optional<Oddity> ThrowOddity();
  void DoCreate(protocol::ChannelId channel, const Message& message,
                const Json& request);
  // The update takes effect.
  void Configure(protocol::ChannelId channel, const Message& message);
  void DoCancel(protocol::ChannelId channel, const Message& message,
                const Json& request);
  void DoUpdate(protocol::ChannelId channel, const Message& message,
                const Json& request);
  // The events of a reply, one after the other.
  Steps StepsOf(Reply reply, const Json& request);
  Steps StepsOf(Oddity oddity, const Json& request);
  void AddMingledItems(Steps& steps, int64_t ms);
  // Those of the latest item; the late ones, when its response is over, unless
  // they were told before.
  void AddWords(Steps& steps);
  void AddLateWords(Steps& steps);
  void SendWords(size_t number, const std::string& response);
  // A call that is told in other events than AddTool() has.
  void AddOddTool(Steps& steps, Oddity oddity, const std::string& id);
  void AddTool(Steps& steps, const std::string& id, const std::string& name);
  void BeginItem();
  void AddItem(Steps& steps, int64_t ms, bool with_words);
  void AddDone(Steps& steps, const std::string& status, const Json& details);
  void Play(Steps steps);
  void Step(uint64_t run);
  void EndActive();
  // More of the latest item.
  void Say(int64_t ms);
  // All of the reply is said.
  void Complete();

  void Whim(uint64_t connection);
  void DoWhim();
  void Close();
  void Refuse(const Json& request, bool named, const std::string& code,
              const std::string& message);
  void Created();
  void Raw(const std::string& text) { honest_.SendText(text); }
  void Tampered(Message message, const std::function<void(Message)>& deliver);
  std::string ResponseId() const;

  Clock& clock_;
  Upstreams& upstreams_;
  Agent& agent_;
  RealtimeAdapter& honest_;
  Dice dice_;
  const Temper temper_;

  Start start_ = Start::kHonest;
  uint64_t connection_ = 0;
  Reply last_ = Reply::kHonest;
  // The reply that is made here, and what is left of it.
  std::optional<uint64_t> active_;
  uint64_t last_response_ = 0;
  // On this socket, by an update.
  bool configured_ = false;
  bool was_asked_ = false;
  bool was_cancelled_ = false;
  Steps steps_;
  // The first item of the reply that is made here.
  size_t first_item_ = 0;
  // How many items there were with the latest of which the words are told.
  size_t worded_ = 0;
  // Names that the gateway knows from replies that are over.
  std::vector<std::string> known_names_;
  uint64_t run_ = 0;
  uint64_t calls_ = 0;
  int busy_ = 0;
  std::optional<Message> held_back_;
};

const char* ToString(HostileRealtime::Reply reply);
const char* ToString(HostileRealtime::Oddity oddity);
const char* ToString(HostileRealtime::Start start);

}  // namespace trunkline::test
