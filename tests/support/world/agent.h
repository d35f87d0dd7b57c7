#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/world/agent_adapter.h"
#include "support/world/clock.h"

namespace trunkline::test {

// A provider's mind: hears the caller's turns by the level of what comes,
// replies with items that are a steady level each (item_levels.h), and keeps to
// the rules of cancels and truncations. Which protocol it speaks is its
// adapter's.
class Agent {
 public:
  struct Item {
    // As which the gateway knows it, and what it is called on the wire.
    std::string id;
    std::string name;
    size_t number = 0;  // from 0, by which its level is known
    int64_t generated_ms = 0;
    // All of it was said, and the gateway was told so.
    std::optional<Instant> whole_at;
    std::optional<int64_t> truncated_at_ms;
    // Of its level, before it.
    int64_t heard_before = 0;
  };

  // `heard` says how many samples were heard of an item's level by now.
  Agent(Clock& clock, std::function<int64_t(size_t)> heard)
      : clock_(clock), heard_(std::move(heard)) {}
  // Before anything happens.
  void SetAdapter(AgentAdapter& adapter) { adapter_ = &adapter; }

  // By its adapter, what the gateway wants. False: there is nothing to it.

  // Its channels are open: a conversation begins anew.
  void OnConnected();
  // The caller's audio.
  void Hear(std::span<const int16_t> samples, int sample_rate_hz);
  // Replies; false while a reply is being made.
  bool Ask();
  bool Cancel();
  // False also for more than was generated.
  bool Truncate(std::string_view id, int64_t audio_end_ms);
  void Discard() { ++discards_; }
  void TakeToolResult(std::string_view id, std::string_view output);
  // A text that is to be said, or a conversation that it is told.
  void TakeText(std::string_view text) { told_.emplace_back(text); }
  void SetSilence(int64_t ms) { silence_ms_ = ms; }
  void Complain(const std::string& what) { errors_.push_back(what); }

  // By a test, what the provider does.

  // Makes a reply that nobody asked for.
  void Respond();
  // Calls tools, in a reply that says nothing.
  void CallTools(const std::vector<std::string>& ids, const std::string& name);
  // Calls one in the reply that is being made.
  void CallTool(const std::string& id, const std::string& name);
  // A reply of a test's own making begins, and its items, one after the other,
  // each of any number of pieces. What becomes of cancels is the test's.
  uint64_t BeginReply() { return ++replies_; }
  const Item& BeginItem() { return BeginItem({}, {}); }
  // The same, of a name that was used before, and known as `id`.
  const Item& BeginItem(std::string name, std::string id);
  // All of the items of these numbers, without the last, is said, as the
  // gateway is told now.
  void EndItems(size_t from, size_t to);
  // More of the latest item, in a reply that need not be its own.
  void Say(uint64_t reply, int64_t ms) { Say(reply, ms, items_.size() - 1); }
  // The same of any item, by its number.
  void Say(uint64_t reply, int64_t ms, size_t number);
  // What the caller said.
  void Transcribe(const std::string& item, const std::string& text);
  // The provider's end of a turn that nobody spoke.
  void Commit();
  // Its channels break.
  void Drop(uint16_t code);

  bool replying() const { return replying_; }
  const std::vector<Item>& items() const { return items_; }
  int asked() const { return asked_; }
  int cancels() const { return cancels_; }
  int truncations() const { return truncations_; }
  int discards() const { return discards_; }
  // "id=output", in order.
  const std::vector<std::string>& tool_results() const { return tool_results_; }
  const std::vector<std::string>& told() const { return told_; }
  // Requests that broke a rule.
  const std::vector<std::string>& errors() const { return errors_; }
  // How often its channels were asked for, and were open.
  int connections() const { return connections_; }
  int64_t heard_frames() const { return heard_frames_; }
  // Of what its latest channels have heard, what was loud, ms.
  int64_t heard_loud_ms() const { return heard_loud_ms_; }

  // Length of the next replies, ms.
  int64_t reply_ms = 4000;
  // How much faster than real time audio comes.
  int64_t speed = 8;
  // Between a request and the first audio.
  Duration think = Duration::Millis(120);
  // Pieces that still come after a reply was cancelled.
  int late_pieces = 2;
  // Replies are speech in the place of levels, up to 4 s of it: for tests of
  // what is heard. HeardMs() of such items is 0.
  bool speaks = false;
  // Tools that the next reply calls, by their calls' names; it says nothing.
  std::vector<std::string> next_calls;
  std::string next_tool = "lookup";
  // Whether it says where turns end.
  bool has_vad = true;
  // Opens its channels and says nothing.
  bool stalled = false;
  // Opens none, and with which HTTP status.
  bool refuses = false;
  uint16_t refuses_with = 503;

  // By the adapter: an attempt to open the channels.
  void CountConnection() { ++connections_; }

 private:
  void SendPiece(uint64_t reply, int64_t sent_ms);
  void Finish(AgentAdapter::End end);
  void HearFrame(int64_t power);
  void CallNext();

  Clock& clock_;
  const std::function<int64_t(size_t)> heard_;
  AgentAdapter* adapter_ = nullptr;

  std::vector<Item> items_;
  uint64_t replies_ = 0;
  bool replying_ = false;
  bool cancelled_ = false;
  int late_left_ = 0;

  // Detection of speech.
  int64_t silence_ms_ = 500;
  bool in_speech_ = false;
  int quiet_frames_ = 0;
  int loud_frames_ = 0;
  int committed_ = 0;
  int64_t frame_power_ = 0;
  int64_t frame_samples_ = 0;
  int64_t heard_frames_ = 0;
  int64_t heard_loud_ms_ = 0;

  int connections_ = 0;
  int asked_ = 0;
  int cancels_ = 0;
  int truncations_ = 0;
  int discards_ = 0;
  std::vector<std::string> tool_results_;
  std::vector<std::string> told_;
  std::vector<std::string> errors_;
};

}  // namespace trunkline::test
