#include "support/virtual_world.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "audio/g711.h"
#include "base/check.h"
#include "support/audio_signals.h"

namespace trunkline::test {
namespace {

using protocol::ChannelId;
using protocol::kLegChannel;
using session::Session;

constexpr Duration kFrame = Duration::Millis(20);
constexpr size_t kFrameBytes = 160;

// Written out plainly: the twin of what the core does fast.
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string Encode(const std::vector<uint8_t>& bytes) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    count += 8;
    while (count >= 6) {
      count -= 6;
      out += kAlphabet[bits >> count & 63];
    }
  }
  if (count > 0) out += kAlphabet[bits << (6 - count) & 63];
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::optional<std::vector<uint8_t>> Decode(const std::string& text) {
  std::vector<uint8_t> out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<uint8_t>(bits >> count));
    }
  }
  return out;
}

// G.711 mu-law, from the definition of the segments.
int Linear(uint8_t code) {
  const int inverted = ~code & 0xFF;
  const int segment = inverted >> 4 & 7;
  const int magnitude = ((inverted & 15) * 8 + 132) << segment;
  return (inverted & 0x80) != 0 ? 132 - magnitude : magnitude - 132;
}

int64_t Level(std::span<const uint8_t> frame) {
  int64_t sum = 0;
  for (const uint8_t code : frame) sum += int64_t{Linear(code)} * Linear(code);
  return frame.empty() ? 0 : sum / static_cast<int64_t>(frame.size());
}

Duration TimeOf(size_t bytes) {
  return Duration::Micros(static_cast<int64_t>(bytes) * 125);
}

}  // namespace

void EventQueue::At(Instant at, std::function<void()> action) {
  queue_.push({at, made_++, std::move(action)});
}

void EventQueue::RunNext() {
  const std::function<void()> action = queue_.top().action;
  queue_.pop();
  action();
}

// ---------------------------------------------------------------------------

void VirtualTwilio::Call(const std::string& token) {
  connected_ = true;
  close_code_.reset();
  sequence_ = 0;
  timestamp_ms_ = 0;
  buffer_.clear();
  played_until_ = world_.now();
  world_.leg_open_ = true;
  world_.Input(
      [this](Session& s) { s.OnOpened(kLegChannel, "", world_.now()); });
  SendText(R"({"event":"connected","protocol":"Call","version":"1.0.0"})");
  ++sequence_;
  SendText(
      R"({"event":"start","sequenceNumber":"1","streamSid":"MZ1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},"customParameters":{"token":")" +
      token + R"("}}})");
  ResumeMedia();
}

void VirtualTwilio::ResumeMedia() {
  const uint64_t run = ++media_run_;
  world_.After(kFrame, [this, run] { SendFrame(run); });
}

void VirtualTwilio::Say(const std::vector<uint8_t>& speech) {
  speech_.insert(speech_.end(), speech.begin(), speech.end());
}

void VirtualTwilio::SendFrame(uint64_t run) {
  if (run != media_run_ || !connected_) return;
  std::vector<uint8_t> frame(kFrameBytes, 0xFF);
  for (uint8_t& byte : frame) {
    if (spoken_ < speech_.size()) byte = speech_[spoken_++];
  }
  if (sequence_ <= 1) media_began_ = world_.now() - kFrame;
  Play();
  AddLoudspeaker(frame);
  if (keeps_timeline) {
    const auto begin = static_cast<size_t>((world_.now() - kFrame).us() / 125);
    microphone_.resize(begin + frame.size());
    audio::DecodeMuLaw(frame, std::span(microphone_).subspan(begin));
  }
  ++sequence_;
  const bool lost = world_.Random(1000) < loss_per_mille;
  if (!lost) {
    SendText(R"({"event":"media","sequenceNumber":")" +
             std::to_string(sequence_) +
             R"(","streamSid":"MZ1","media":{"track":"inbound","chunk":")" +
             std::to_string(sequence_ - 1) + R"(","timestamp":")" +
             std::to_string(timestamp_ms_) + R"(","payload":")" +
             Encode(frame) + R"("}})");
  }
  timestamp_ms_ += 20;
  world_.After(kFrame, [this, run] { SendFrame(run); });
}

void VirtualTwilio::AddLoudspeaker(std::vector<uint8_t>& frame) const {
  if (loudspeaker_gain == 0) return;
  std::vector<int16_t> samples(frame.size());
  audio::DecodeMuLaw(frame, samples);
  const int64_t begin = (world_.now() - kFrame - loudspeaker_delay).us() / 125;
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto at = static_cast<size_t>(begin) + i;
    if (at >= loudspeaker_.size()) break;
    const double sum = samples[i] + loudspeaker_gain * loudspeaker_[at];
    samples[i] = static_cast<int16_t>(std::clamp(sum, -32768.0, 32767.0));
  }
  audio::EncodeMuLaw(samples, frame);
}

void VirtualTwilio::SendText(const std::string& text) {
  world_.After(world_.options.leg_delay, [this, text] {
    if (!world_.leg_open_) return;
    world_.Input([this, &text](Session& s) {
      s.OnText(kLegChannel, text, world_.now());
    });
  });
}

void VirtualTwilio::HangUp() {
  if (!connected_) return;
  connected_ = false;
  world_.After(world_.options.leg_delay, [this] {
    if (!world_.leg_open_) return;
    world_.leg_open_ = false;
    world_.Input([this](Session& s) {
      s.OnClosed(kLegChannel, 1000, 0, "", world_.now());
    });
  });
}

void VirtualTwilio::Drop() {
  if (!connected_) return;
  connected_ = false;
  world_.leg_open_ = false;
  world_.Input([this](Session& s) {
    s.OnClosed(kLegChannel, 1006, 0, "", world_.now());
  });
}

void VirtualTwilio::Closed(uint16_t code) {
  Play();
  connected_ = false;
  close_code_ = code;
}

// Brings playback up to now.
void VirtualTwilio::Play() {
  while (!buffer_.empty()) {
    Queued& head = buffer_.front();
    const auto playable = static_cast<size_t>(
        std::max<int64_t>((world_.now() - played_until_).us() / 125, 0));
    const size_t count = std::min(playable, head.bytes.size());
    if (count > 0) {
      if (!heard_.empty() && heard_.back() == head.bytes.front() &&
          played_until_ - last_heard_at_ > Duration::Millis(1)) {
        ++underruns_;
      }
      for (size_t i = 0; i < count; ++i) ++heard_bytes_[head.bytes[i]];
      if (keeps_timeline || loudspeaker_gain != 0) {
        const auto begin = static_cast<size_t>(played_until_.us() / 125);
        loudspeaker_.resize(std::max(loudspeaker_.size(), begin + count));
        audio::DecodeMuLaw(
            std::span<const uint8_t>(head.bytes).first(count),
            std::span<int16_t>(loudspeaker_).subspan(begin, count));
      }
      heard_.insert(heard_.end(), head.bytes.begin(),
                    head.bytes.begin() + static_cast<ptrdiff_t>(count));
      head.bytes.erase(head.bytes.begin(),
                       head.bytes.begin() + static_cast<ptrdiff_t>(count));
      played_until_ = played_until_ + TimeOf(count);
      last_heard_at_ = played_until_;
    }
    if (!head.bytes.empty()) return;
    if (!head.mark.empty()) EchoMark(head.mark);
    buffer_.erase(buffer_.begin());
  }
  played_until_ = world_.now();
}

void VirtualTwilio::EchoMark(const std::string& name) {
  ++sequence_;
  const std::string text =
      R"({"event":"mark","sequenceNumber":")" + std::to_string(sequence_) +
      R"(","streamSid":"MZ1","mark":{"name":")" + name + R"("}})";
  const Duration jitter = Duration::Micros(static_cast<int64_t>(
      world_.Random(static_cast<uint32_t>(echo_jitter.us()) + 1)));
  world_.After(jitter, [this, text] { SendText(text); });
}

void VirtualTwilio::Receive(const std::string& text) {
  if (!connected_) return;
  Play();
  const Json message = Json::parse(text, nullptr, false);
  const auto complain = [&] { violations_.push_back(text.substr(0, 200)); };
  if (!message.is_object() || StringMember(message, "streamSid") != "MZ1") {
    complain();
    return;
  }
  const std::string_view event = StringMember(message, "event");
  if (event == "media" && message.size() == 3 && message.contains("media") &&
      message["media"].size() == 1) {
    const auto bytes =
        Decode(std::string(StringMember(message["media"], "payload")));
    if (!bytes || bytes->empty()) {
      complain();
      return;
    }
    received_bytes_ += static_cast<int64_t>(bytes->size());
    media_at_ = world_.now();
    last_media_byte_ = bytes->back();
    buffer_.push_back({*bytes, ""});
    // Wakes when these bytes will have been played, so that marks are echoed
    // at their time.
    size_t waiting = 0;
    for (const Queued& queued : buffer_) waiting += queued.bytes.size();
    world_.queue_.At(played_until_ + TimeOf(waiting), [this] { Play(); });
  } else if (event == "mark" && message.size() == 3 &&
             message.contains("mark") && message["mark"].size() == 1) {
    const std::string name(StringMember(message["mark"], "name"));
    if (name.empty()) {
      complain();
    } else if (buffer_.empty()) {
      EchoMark(name);
    } else if (buffer_.back().mark.empty()) {
      buffer_.back().mark = name;
    } else {
      buffer_.push_back({{}, name});
    }
  } else if (event == "clear" && message.size() == 2) {
    ++clears_;
    cleared_at_ = world_.now();
    // The buffer is dropped and every pending mark comes back at once.
    std::vector<Queued> dropped = std::exchange(buffer_, {});
    for (const Queued& queued : dropped) {
      if (!queued.mark.empty()) EchoMark(queued.mark);
    }
    played_until_ = world_.now();
  } else {
    complain();
  }
}

const std::vector<uint8_t>& VirtualTwilio::heard() {
  Play();
  return heard_;
}

int64_t VirtualTwilio::HeardMs(uint8_t value) {
  Play();
  const auto it = heard_bytes_.find(value);
  return it == heard_bytes_.end() ? 0 : it->second / 8;
}

// ---------------------------------------------------------------------------

void VirtualRealtime::Connect() {
  ++connections_;
  if (refuses) return Refuse(503);
  open_ = true;
  active_ = false;
  cancelled_ = false;
  pending_.clear();
  in_speech_ = false;
  world_.agent_open_ = true;
  world_.Input([this](Session& s) {
    s.OnOpened(world_.agent_channel_, "realtime", world_.now());
  });
  if (stalled) return;
  Send({{"type", "session.created"},
        {"event_id", "e"},
        {"session", {{"id", "sess_1"}, {"type", "realtime"}}}});
}

void VirtualRealtime::Refuse(uint16_t status) {
  world_.Input([this, status](Session& s) {
    s.OnClosed(world_.agent_channel_, 1006, status, "", world_.now());
  });
}

void VirtualRealtime::Drop(uint16_t code) {
  if (!open_) return;
  open_ = false;
  world_.agent_open_ = false;
  world_.Input([this, code](Session& s) {
    s.OnClosed(world_.agent_channel_, code, 0, "", world_.now());
  });
}

void VirtualRealtime::Send(const Json& event) { SendRaw(event.dump()); }

void VirtualRealtime::SendRaw(const std::string& text) {
  const int connection = connections_;
  world_.After(world_.options.agent_delay, [this, text, connection] {
    if (!open_ || connection != connections_) return;
    world_.Input([this, &text](Session& s) {
      s.OnText(world_.agent_channel_, text, world_.now());
    });
  });
}

void VirtualRealtime::Error(const std::string& code,
                            const std::string& message) {
  errors_.push_back(code);
  Send({{"type", "error"},
        {"event_id", "e"},
        {"error",
         {{"type", "invalid_request_error"},
          {"code", code},
          {"message", message}}}});
}

int VirtualRealtime::CountReceived(std::string_view type) const {
  return static_cast<int>(std::count_if(
      received_.begin(), received_.end(),
      [&](const Json& m) { return StringMember(m, "type") == type; }));
}

const Json* VirtualRealtime::LastReceived(std::string_view type) const {
  for (auto it = received_.rbegin(); it != received_.rend(); ++it) {
    if (StringMember(*it, "type") == type) return &*it;
  }
  return nullptr;
}

void VirtualRealtime::Receive(const std::string& text) {
  if (!open_) return;
  const Json message = Json::parse(text, nullptr, false);
  const std::string_view type = StringMember(message, "type");
  if (type == "input_audio_buffer.append") {
    Listen(std::string(StringMember(message, "audio")));
    return;
  }
  received_.push_back(message);
  if (stalled) return;
  if (type == "session.update") {
    const Json& session = message["session"];
    if (StringMember(session, "type") != "realtime" ||
        session.contains("voice") || session.contains("turn_detection") ||
        session.contains("input_audio_format") ||
        session.contains("modalities")) {
      return Error("unknown_parameter", "not GA");
    }
    const Json& format = session["audio"]["input"]["format"];
    input_format_ = std::string(StringMember(format, "type"));
    if ((input_format_ == "audio/pcm") != format.contains("rate")) {
      return Error("missing_required_parameter", "rate");
    }
    silence_duration_ms_ =
        session["audio"]["input"]["turn_detection"]["silence_duration_ms"]
            .get<int64_t>();
    Send(
        {{"type", "session.updated"}, {"event_id", "e"}, {"session", session}});
  } else if (type == "response.create") {
    if (active_) {
      return Error("conversation_already_has_active_response", "busy");
    }
    Respond();
  } else if (type == "response.cancel") {
    if (!active_ || cancelled_) {
      return Error("response_cancel_not_active", "idle");
    }
    cancelled_ = true;
    late_left_ = late_deltas;
  } else if (type == "conversation.item.truncate") {
    const std::string id(StringMember(message, "item_id"));
    const auto item = std::find_if(items_.begin(), items_.end(),
                                   [&](const Item& i) { return i.id == id; });
    const auto end = IntegerMember(message, "audio_end_ms");
    if (item == items_.end() || !end) {
      return Error("item_truncate_invalid_item_id", id);
    }
    if (*end > item->generated_ms) {
      return Error("invalid_value", "Audio content is already shorter");
    }
    item->truncated_at_ms = end;
  }
}

void VirtualRealtime::Respond() {
  active_ = true;
  cancelled_ = false;
  const uint64_t response = ++responses_;
  items_.push_back({"item_" + std::to_string(response),
                    static_cast<uint8_t>(1 + response % 100),
                    0,
                    {}});
  Send({{"type", "response.created"},
        {"event_id", "e"},
        {"response",
         {{"id", "resp_" + std::to_string(response)},
          {"status", "in_progress"}}}});
  world_.After(think, [this, response] { SendDelta(response, 0); });
}

void VirtualRealtime::SendDelta(uint64_t response, int64_t sent_ms) {
  if (!open_ || response != responses_ || !active_) return;
  if (cancelled_ && late_left_-- <= 0) return FinishResponse("cancelled");
  if (sent_ms >= reply_ms) return FinishResponse("completed");
  Item& item = items_.back();
  const int64_t chunk_ms = std::min<int64_t>(200, reply_ms - sent_ms);
  const size_t bytes =
      static_cast<size_t>(chunk_ms) * (input_format_ == "audio/pcm" ? 48 : 8);
  item.generated_ms += chunk_ms;
  Send({{"type", "response.output_audio.delta"},
        {"event_id", "e"},
        {"response_id", "resp_" + std::to_string(response)},
        {"item_id", item.id},
        {"output_index", 0},
        {"content_index", 0},
        {"delta", Encode(std::vector<uint8_t>(bytes, item.value))}});
  world_.After(Duration::Millis(chunk_ms / speed),
               [this, response, sent_ms, chunk_ms] {
                 SendDelta(response, sent_ms + chunk_ms);
               });
}

void VirtualRealtime::FinishResponse(const char* status) {
  active_ = false;
  Send({{"type", "response.done"},
        {"event_id", "e"},
        {"response",
         {{"id", "resp_" + std::to_string(responses_)},
          {"status", status},
          {"usage", {{"input_tokens", 10}, {"output_tokens", 20}}}}}});
}

void VirtualRealtime::Listen(const std::string& audio) {
  const auto bytes = Decode(audio);
  if (!bytes || !has_vad || stalled) return;
  pending_.insert(pending_.end(), bytes->begin(), bytes->end());
  while (pending_.size() >= kFrameBytes) {
    const bool loud =
        Level(std::span<const uint8_t>(pending_).first(kFrameBytes)) >
        300 * 300;
    pending_.erase(pending_.begin(), pending_.begin() + kFrameBytes);
    loud_frames_ = loud ? loud_frames_ + 1 : 0;
    quiet_frames_ = loud ? 0 : quiet_frames_ + 1;
    if (!in_speech_ && loud_frames_ >= 3) {
      in_speech_ = true;
      Send({{"type", "input_audio_buffer.speech_started"}, {"event_id", "e"}});
    } else if (in_speech_ && quiet_frames_ * 20 >= silence_duration_ms_) {
      in_speech_ = false;
      Send({{"type", "input_audio_buffer.speech_stopped"}, {"event_id", "e"}});
      Send({{"type", "input_audio_buffer.committed"},
            {"event_id", "e"},
            {"item_id", "user_" + std::to_string(++committed_)}});
    }
  }
}

// ---------------------------------------------------------------------------

VirtualWorld::VirtualWorld(Options given)
    : twilio(*this),
      realtime(*this),
      options(std::move(given)),
      random_(options.seed * 2654435761U + 88172645463325252ULL),
      next_seq_(options.first_seq) {
  Json config = {{"callId", "call-1"},
                 {"seed", 1},
                 {"epochMs", options.epoch_ms},
                 {"leg", "twilio"},
                 {"agent", options.agent},
                 {"faults", "allowed"},
                 {"firstSeq", options.first_seq},
                 {"profile", options.profile},
                 {"limits", options.limits}};
  if (!options.recording_so_far.is_null()) {
    config["recordingSoFar"] = options.recording_so_far;
  }
  if (options.snapshot) config["snapshot"] = *options.snapshot;
  config.update(options.config);
  auto parsed =
      session::ParseConfig(config.dump(), protocol::Registry::BuiltIn());
  if (!parsed) __builtin_trap();
  in_input_ = true;
  session_ = std::make_unique<Session>(
      std::move(*parsed), now_, static_cast<session::EffectSink&>(*this));
  in_input_ = false;
  Input([](Session&) {});
}

VirtualWorld::~VirtualWorld() = default;

uint32_t VirtualWorld::Random(uint32_t bound) {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return bound == 0 ? 0 : static_cast<uint32_t>(random_ >> 33) % bound;
}

void VirtualWorld::After(Duration delay, std::function<void()> action) {
  queue_.At(now_ + delay, std::move(action));
}

void VirtualWorld::Input(const std::function<void(Session&)>& input) {
  in_input_ = true;
  input(*session_);
  in_input_ = false;
  for (auto& effect : std::exchange(effects_, {})) effect();
}

void VirtualWorld::Advance(Duration duration) {
  const Instant end = now_ + duration;
  RunUntil([] { return false; }, duration);
  now_ = end;
}

bool VirtualWorld::RunUntil(const std::function<bool()>& done, Duration limit) {
  const Instant end = now_ + limit;
  while (!done()) {
    const bool timer_next = queue_.empty() || deadline_ < queue_.next();
    const Instant next = timer_next ? deadline_ : queue_.next();
    if (next > end) {
      now_ = end;
      return done();
    }
    now_ = std::max(now_, next);
    if (timer_next) {
      deadline_ = Instant::Never();
      Input([this](Session& s) { s.OnTimer(now_); });
    } else {
      queue_.RunNext();
    }
  }
  return true;
}

std::vector<Json> VirtualWorld::EventsOf(std::string_view type) const {
  std::vector<Json> found;
  for (const Json& event : events_) {
    if (StringMember(event, "type") == type) found.push_back(event);
  }
  return found;
}

void VirtualWorld::NoteEffect() {
  if (!ended_.empty()) ++effects_after_end_;
}

Json VirtualWorld::Command(const Json& command,
                           session::CommandEnvelope::Source source) {
  if (session_->ended()) return Json();
  session::CommandEnvelope envelope;
  envelope.id = next_command_++;
  envelope.source = source;
  envelope.command = command;
  const size_t before = command_results_.size();
  Input([&](Session& s) { s.OnCommand(envelope, now_); });
  // INVARIANT: a command has exactly one result.
  TL_CHECK(command_results_.size() == before + 1);
  TL_CHECK(IntegerMember(command_results_.back(), "id") == envelope.id);
  return command_results_.back();
}

void VirtualWorld::SendText(ChannelId channel, std::string_view text) {
  NoteEffect();
  const std::string copy(text);
  if (channel == kLegChannel) {
    After(options.leg_delay, [this, copy] { twilio.Receive(copy); });
  } else {
    After(options.agent_delay, [this, copy] { realtime.Receive(copy); });
  }
}

void VirtualWorld::SendBinary(ChannelId /*channel*/,
                              std::span<const uint8_t> /*bytes*/) {
  NoteEffect();
}

void VirtualWorld::Connect(ChannelId channel,
                           const protocol::ConnectRequest& /*request*/) {
  NoteEffect();
  ++connects_;
  agent_channel_ = channel;
  After(options.agent_delay, [this, closes = agent_closes_] {
    if (closes == agent_closes_) realtime.Connect();
  });
}

void VirtualWorld::Close(ChannelId channel, uint16_t code,
                         std::string_view /*reason*/) {
  NoteEffect();
  if (channel == kLegChannel) {
    leg_open_ = false;
    After(options.leg_delay, [this, code] { twilio.Closed(code); });
  } else {
    agent_open_ = false;
    ++agent_closes_;
    realtime.Closed();
  }
}

void VirtualWorld::Fetch(ChannelId /*channel*/,
                         const protocol::FetchRequest& /*request*/) {
  NoteEffect();
}

void VirtualWorld::AbortFetch(ChannelId /*channel*/) { NoteEffect(); }

void VirtualWorld::Credit(ChannelId /*channel*/, uint32_t /*bytes*/) {
  NoteEffect();
}

void VirtualWorld::LoadResource(std::string_view /*name*/) { NoteEffect(); }

void VirtualWorld::SetDeadline(Instant at) {
  NoteEffect();
  deadline_ = at;
}

void VirtualWorld::Authorize(const Json& /*credentials*/) {
  NoteEffect();
  After(Duration::Millis(3), [this] {
    Input([this](Session& s) { s.OnAuthorized(options.verdict, now_); });
  });
}

void VirtualWorld::CommandResult(const Json& result) {
  NoteEffect();
  command_results_.push_back(result);
}

void VirtualWorld::Event(const Json& event) {
  NoteEffect();
  // INVARIANT: events are numbered in the order in which they come.
  TL_CHECK(IntegerMember(event, "seq") == next_seq_);
  ++next_seq_;
  events_.push_back(event);
  ++counts_[std::string(StringMember(event, "type"))];
}

void VirtualWorld::Record(int64_t granule, std::span<const uint8_t> pages) {
  NoteEffect();
  TL_CHECK(granule >= recorded_until_ && !pages.empty());
  recorded_until_ = granule;
  recording_.insert(recording_.end(), pages.begin(), pages.end());
}

void VirtualWorld::Snapshot(std::string_view text) {
  NoteEffect();
  snapshot_ = text;
  ++snapshot_counts_.count;
  snapshot_counts_.bytes += text.size();
}

void VirtualWorld::Ended(const Json& summary) {
  NoteEffect();
  ended_.push_back(summary);
}

namespace {

std::vector<uint8_t> MakeSpeech(int ms, uint64_t seed) {
  constexpr int kDbfsTenths = -200;
  const std::vector<int16_t> voice =
      VoiceSignal(static_cast<size_t>(ms) * 8, kDbfsTenths, seed);
  std::vector<uint8_t> bytes(voice.size());
  audio::EncodeMuLaw(voice, bytes);
  return bytes;
}

}  // namespace

std::vector<uint8_t> SpeechBytes(int ms, uint64_t seed) {
  // Made once per voice: a thousand utterances cost more than their tests.
  constexpr int kLongestMs = 4000;
  constexpr uint64_t kVoices = 8;
  static std::array<std::vector<uint8_t>, kVoices> voices;
  std::vector<uint8_t>& voice = voices[seed % kVoices];
  if (voice.empty()) voice = MakeSpeech(kLongestMs, seed % kVoices);
  const auto bytes = std::min(static_cast<size_t>(ms) * 8, voice.size());
  return {voice.begin(), voice.begin() + static_cast<ptrdiff_t>(bytes)};
}

std::vector<uint8_t> SilenceBytes(int ms) {
  return std::vector<uint8_t>(static_cast<size_t>(ms) * 8, 0xFF);
}

}  // namespace trunkline::test
