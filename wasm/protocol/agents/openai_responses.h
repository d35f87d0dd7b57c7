#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trunkline::protocol {

// The responses of a Realtime session: which one was asked for, which one the
// server makes, which of them nobody wants any more. The server makes one at a
// time, and answers a response.create while it does with an error; so what is
// asked for meanwhile waits here until response.done.
//
// A response has a name from response.created on. One that is cancelled before
// is discarded when it gets it, and what comes of a discarded one is ignored
// until its response.done.
class OpenAiResponses {
 public:
  // Cancelled responses that are not done, and likewise those of this session
  // that are; above, the oldest is forgotten.
  static constexpr size_t kMaxKept = 16;

  // The session is a fresh one: nothing of the former is left.
  void Reset();

  // A response with these instructions; "" = the session's. Of replies that
  // wait only the newest is of use, and likewise of texts; they wait for each
  // other in the order in which they were asked for.
  void Ask(std::string instructions);
  // The instructions of the response.create that is to be sent now, and counts
  // as sent; nullptr while the server has not done with another, or if there is
  // none. Valid until the next one.
  const std::string* Next();
  // Nothing that was asked for is wanted any more. True if response.cancel is
  // to be sent: OnCancelSent() says by which event_id.
  bool Cancel();
  // By which event_id the last response.create, and response.cancel, was sent.
  void OnCreateSent(std::string event_id) { create_id_ = std::move(event_id); }
  void OnCancelSent(std::string event_id) { cancel_id_ = std::move(event_id); }

  // response.created; `id` may be "".
  void OnCreated(std::string_view id);
  // What came of the active one.
  void OnAudio() { has_audio_ = true; }
  void OnText() { has_text_ = true; }
  // Words, or a part of a call: nothing by itself, and no answer yet.
  void OnPiece() { has_pieces_ = true; }
  void OnToolCall() { calls_tools_ = true; }
  // response.done; `id` may be "". nullopt if it ends nothing that is waited
  // for: that response has ended before, another one is active, or nothing is
  // known of it.
  struct Done {
    enum class What : uint8_t {
      kAnswer,   // what was asked for
      kNothing,  // it was cancelled, or answers nothing that was asked for
      kBusy,     // what was asked for was put off by it, and by one before it
    };
    What what = What::kAnswer;
    bool called_tools = false;
    // Text, and nothing that could be heard or done.
    bool only_text = false;
    // It was completed, and not discarded: all of its audio has come.
    bool is_whole = false;
  };
  std::optional<Done> OnDone(std::string_view id, std::string_view status);
  // The server is busy with a response of its own making, says its answer to
  // the request `event_id`, "" if it names none: what was asked for is asked
  // for again when that is done, unless the last attempt met the same and no
  // response.done came since. False if it answers nothing that is waited for.
  bool OnBusy(std::string_view event_id);
  // Whether an error is the answer to the response.create that was sent last:
  // `event_id` is what it names, "" if nothing. Not where some of the response
  // has come, nor, if it names nothing, of one that was cancelled.
  bool MayBeRefused(std::string_view event_id) const;
  // An error came in the place of the response, maybe behind its
  // response.created: it is over, and what comes of it all the same is of no
  // use. True if it was wanted. Precondition: MayBeRefused().
  bool OnRefused();
  // There was no response that response.cancel could end; `event_id` is that of
  // the cancel, where the server says it. True if it is the last one: the
  // active response is over then, and its response.done is not awaited; or the
  // request before it was lost, and no response.created is; one that comes
  // all the same before anything else is asked for is not wanted. Mostly it
  // crossed with response.done, and there is nothing to do.
  bool OnNothingToCancel(std::string_view event_id);

  // Asked for, and response.created is not yet here.
  bool requested() const { return phase_ == Phase::kRequested; }
  bool IsDiscarded(std::string_view id) const;
  // That, or what was asked for was cancelled before it was announced.
  bool IsUnwanted(std::string_view id) const;
  // What comes of it now, if anything, is of what was asked for; `id` may be
  // "".
  bool IsAsked(std::string_view id) const;
  // It has ended: nothing more comes of it but words.
  bool IsOver(std::string_view id) const;

 private:
  enum class Phase : uint8_t { kIdle, kRequested, kActive };

  // The response that was asked for, or is active, is over.
  void End();
  void Discard(std::string_view id);
  void RememberOver(std::string_view id);
  bool IsStale(std::string_view id, std::string_view status) const;
  static void Add(std::vector<std::string>& ids, std::string_view id);
  static bool Has(const std::vector<std::string>& ids, std::string_view id);

  Phase phase_ = Phase::kIdle;
  std::string active_;
  // That had been announced and was refused, and nothing was heard of another
  // one since: the server may make it still.
  std::string refused_;
  // The one in kRequested was cancelled before it had a name.
  bool discard_requested_ = false;
  // The request that was cancelled last is over without a response.
  bool lost_request_ = false;
  // The active one is of the server's own making: what was asked for has to
  // wait for its end.
  bool foreign_ = false;
  // Of the last response.create, and of the response.cancel that was sent
  // since; "" if none was.
  std::string create_id_;
  std::string cancel_id_;
  std::vector<std::string> discarded_;
  std::vector<std::string> over_;
  // The instructions of what waits, and of what was sent last.
  std::vector<std::string> waiting_;
  std::string last_;
  // What was asked for was put off by a response of the server's own, and is
  // asked for once more.
  bool retried_ = false;
  bool calls_tools_ = false;
  bool has_audio_ = false;
  bool has_text_ = false;
  bool has_pieces_ = false;
};

}  // namespace trunkline::protocol
