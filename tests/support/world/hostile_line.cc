#include "support/world/hostile_line.h"

#include <utility>

namespace trunkline::test {
namespace {

constexpr const char* kHostileTimestamps[] = {
    "NaN",      "-1",   "1e99", "\"soon\"",
    "\"12ms\"", "null", "[]",   "99999999999999999999",
    "0.5",      "true"};

constexpr const char* kTwilioGarbage[] = {
    "",
    "{",
    "null",
    "[1]",
    R"({"event":5})",
    R"({"event":"new"})",
    R"({"event":"connected"})",
    R"({"event":"media"})",
    R"({"event":"media","media":{"payload":5}})",
    R"({"event":"media","media":{"payload":"*"}})",
    R"({"event":"media","media":{"payload":""}})",
    R"({"event":"media","streamSid":"MZother","media":{"payload":"////"}})",
    R"({"event":"media","media":{"track":"outbound","payload":"////"}})",
    R"({"event":"mark","mark":{"name":"nobody's"}})",
    R"({"event":"mark","mark":{"name":"0:99999999"}})",
    R"({"event":"mark"})",
    R"({"event":"dtmf","dtmf":{"digit":"5"}})",
    R"({"event":"dtmf","dtmf":{"digit":"55"}})",
    R"({"event":"dtmf","dtmf":{"digit":"\ud83d"}})",
    R"({"event":"dtmf","dtmf":{}})",
    R"({"event":"start","start":{"streamSid":"MZ2","mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}})",
    R"({"event":"start","start":{"mediaFormat":{"encoding":"audio/opus"}}})",
    R"({"event":"clear","streamSid":"MZ1"})"};

constexpr const char* kPlainGarbage[] = {
    "",
    "{",
    "null",
    R"({"type":5})",
    R"({"type":"new"})",
    R"({"type":"at"})",
    R"({"type":"at","ms":"x"})",
    R"({"type":"mark","name":"7:7"})",
    R"({"type":"mark"})",
    R"({"type":"played","samples":99999999})",
    R"({"type":"played","samples":-4})",
    R"({"type":"played"})",
    R"({"type":"pause"})",
    R"({"type":"resume"})",
    R"({"type":"digit","digit":"x"})",
    R"({"type":"start"})"};

}  // namespace

HostileLine::HostileLine(VirtualWorld& world, Dice dice, const Temper& temper)
    : world_(world), dice_(dice), temper_(temper) {
  world.tamper_with_line = [this](Message message,
                                  const std::function<void(Message)>& deliver) {
    Tampered(std::move(message), deliver);
  };
}

void HostileLine::Call() {
  world_.line.Call();
  if (temper_.media_first) Garbage();
  if (temper_.whim_every > Duration()) {
    world_.clock.After(
        world_.clock.RandomDelay(temper_.whim_every + temper_.whim_every),
        [this] { Whim(); });
  }
}

void HostileLine::SpoilTime(std::string& text) {
  const std::string key =
      world_.options.leg == "twilio" ? R"("timestamp":)" : R"("ms":)";
  const size_t at = text.find(key);
  if (at == std::string::npos) return;
  const size_t from = at + key.size();
  const size_t to = text.find_first_of(",}", from);
  std::string time;
  switch (temper_.times) {
    case Times::kHonest:
      return;
    case Times::kHoursApart:
      time_ms_ += 3'600'000;
      time = std::to_string(time_ms_);
      break;
    case Times::kBackwards:
      time_ms_ -= 20;
      time = std::to_string(1'000'000 + time_ms_);
      break;
    case Times::kNotANumber:
      time = dice_.Pick(kHostileTimestamps);
      break;
    case Times::kMissing:
      // Another key in its place.
      text.replace(at, 2, R"("x)");
      return;
    case Times::kRandom:
      if (!dice_.Chance(100)) return;
      time = std::to_string(dice_.Below(40'000));
      break;
  }
  text.replace(from, to - from, time);
}

void HostileLine::Tampered(Message message,
                           const std::function<void(Message)>& deliver) {
  const bool twilio = world_.options.leg == "twilio";
  if (message.kind == Message::Kind::kClose) return deliver(std::move(message));
  const bool mark =
      message.kind == Message::Kind::kText &&
      message.bytes.starts_with(twilio ? R"({"event":"mark")" : R"({"name":)");
  const bool start = message.bytes.find("\"start\"") != std::string::npos ||
                     message.bytes.find("\"stop\"") != std::string::npos;
  if (mark) {
    switch (temper_.marks) {
      case Marks::kHonest:
        break;
      case Marks::kNever:
        return;
      case Marks::kTwice:
        deliver(message);
        break;
      case Marks::kUnknown:
        if (const size_t at =
                message.bytes.find(':', message.bytes.find("name"));
            at != std::string::npos && dice_.Chance(500)) {
          message.bytes.insert(at + 2, "7");
        }
        break;
      case Marks::kLate:
        world_.clock.After(Duration::Millis(dice_.Between(100, 3000)),
                           [deliver, message] { deliver(message); });
        return;
    }
  }
  if (message.kind == Message::Kind::kText) SpoilTime(message.bytes);
  // Without its first words there would be no call.
  if (start) return deliver(std::move(message));
  if (dice_.Chance(temper_.lost)) return;
  if (!held_back_ && dice_.Chance(temper_.reordered)) {
    held_back_ = std::move(message);
    return;
  }
  if (dice_.Chance(temper_.doubled)) deliver(message);
  deliver(std::move(message));
  if (held_back_) deliver(*std::exchange(held_back_, {}));
}

void HostileLine::Whim() {
  if (world_.session().ended()) return;
  DoWhim();
  world_.clock.After(
      world_.clock.RandomDelay(temper_.whim_every + temper_.whim_every),
      [this] { Whim(); });
}

void HostileLine::Break() {
  Deed("the socket breaks");
  world_.line.Drop();
  if (!dice_.Chance(temper_.comes_back)) return;
  // Most come back by the carrier's redirect.
  const Duration later = Duration::Millis(dice_.Between(0, 700));
  world_.clock.After(later, [this] {
    if (world_.session().ended() || world_.line.connected()) return;
    Deed("the stream comes back");
    held_back_.reset();
    world_.line.Call();
  });
}

void HostileLine::Garbage() {
  const std::string text = world_.options.leg == "twilio"
                               ? dice_.Pick(kTwilioGarbage)
                               : dice_.Pick(kPlainGarbage);
  Deed("sends " + text.substr(0, 60));
  world_.line.SendText(text);
}

void HostileLine::DoWhim() {
  VirtualWorld& world = world_;
  if (!world.leg_open()) return;
  if (dice_.Chance(temper_.hang_ups)) {
    Deed("hangs up");
    if (on_hang_up) on_hang_up();
    return dice_.Chance(500) ? world.line.HangUp() : world.line.Stop();
  }
  if (dice_.Chance(temper_.breaks)) return Break();
  switch (dice_.Below(10)) {
    case 0:
      Deed("presses a digit");
      return world.line.Press("0123456789*#ABCD"[dice_.Below(16)]);
    case 1:
      Deed("sends no more media");
      world.line.StopMedia();
      world.clock.After(Duration::Millis(dice_.Between(100, 2000)),
                        [&world] { world.line.ResumeMedia(); });
      return;
    case 2:
      Deed("sends binary");
      return world.Input([&](session::Session& session) {
        const std::string bytes(dice_.Below(2000), '\x81');
        session.OnBinary(
            protocol::kLegChannel,
            {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()},
            world.now());
      });
    case 3:
      if (!dice_.Chance(100)) return Garbage();
      Deed("sends too much");
      return world.Input([&](session::Session& session) {
        session.OnOversize(protocol::kLegChannel, 5'000'000, world.now());
      });
    case 4: {
      Deed("sends much");
      std::string text = R"({"event":"media","media":{"payload":")";
      text.append(size_t{4} * dice_.Below(30'000), '/');
      return world.line.SendText(text + "\"}}");
    }
    case 5:
      Deed("inputs of channels that are not there");
      return world.Input([&](session::Session& session) {
        const protocol::ChannelId nobody{60'000};
        session.OnText(nobody, "{}", world.now());
        session.OnClosed(nobody, 1000, 0, "", world.now());
        session.OnHttpDone(nobody, world.now());
        session.OnAuthorized(session::Session::Verdict::kGranted, world.now());
        session.OnTimer(world.now());
      });
    default:
      return Garbage();
  }
}

}  // namespace trunkline::test
