#include "media/playout.h"

#include <algorithm>

#include "base/check.h"

namespace trunkline::media {
namespace {

// Until an echo has come back: a slow mobile network.
constexpr Duration kUnknownRoundTrip = Duration::Millis(300);
// Played audio that is kept, so that a slip can be corrected.
constexpr Duration kKeepPlayed = Duration::Millis(500);
// The leg has so much that it waits for the next piece of two chunks: late
// frames are no gap, and half as many messages cost half as much.
constexpr Duration kAmple = Duration::Millis(120);
constexpr size_t kMaxPendingMarks = 64;
// Of what was heard before an interruption, what a filter needs to go on: 4 ms
// at 8 kHz.
constexpr uint64_t kKeepInterrupted = 32;
// Of samples to microseconds and back.
constexpr Duration kRounding = Duration::Millis(1);

using protocol::LegTraits;

}  // namespace

Playout::Playout(const Config& config)
    : config_(config),
      sample_bytes_(protocol::BytesPerSample(config.format.encoding)),
      queue_(config.format) {
  // INVARIANT: a leg's traits do not contradict themselves.
  TL_CHECK(config.unit_samples > 0 &&
           config.max_samples % config.unit_samples == 0);
  pending_marks_.reserve(kMaxPendingMarks);
  trails_.reserve(kTrailWindow);
}

uint64_t Playout::Samples(Duration duration) const {
  // A clock that jumps by more than a day plays nothing more than one that
  // jumps by a day.
  constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;
  const int64_t us = std::clamp<int64_t>(duration.us(), 0, kDayUs);
  return static_cast<uint64_t>(us) *
         static_cast<uint64_t>(config_.format.sample_rate_hz) / 1'000'000;
}

Duration Playout::Time(uint64_t samples) const {
  return Duration::Micros(static_cast<int64_t>(
      samples * 1'000'000 /
      static_cast<uint64_t>(config_.format.sample_rate_hz)));
}

uint64_t Playout::Clock(Instant now) const {
  return clock_position_ + Samples(now - clock_time_);
}

bool Playout::IsStalled(Instant now, Duration beyond) const {
  if (pending_marks_.empty() || marks_are_lost()) return false;
  const Duration round_trip = round_trip_.value_or(kUnknownRoundTrip);
  return Clock(now) > pending_marks_.front() + Samples(round_trip + beyond);
}

uint64_t Playout::heard(Instant now) const {
  uint64_t position = std::min(Clock(now), sent_);
  // A leg that has echoed none yet may be one that never does.
  const bool stands =
      round_trip_ && IsStalled(now, kMarkGrace) && !IsStalled(now, kMarkGiveUp);
  if (stands) {
    position = std::min(position, pending_marks_.front());
  }
  if (reported_at_ && round_trip_) {
    position = std::min(
        position, report_position_ + Samples(now - *reported_at_ +
                                             *round_trip_ + kReportSlack));
  }
  return std::min(std::max({position, acknowledged_, queue_.begin()}), sent_);
}

Instant Playout::PlaysAt(uint64_t position) const {
  TL_CHECK(position >= clock_position_);
  return clock_time_ + Time(position - clock_position_);
}

Instant Playout::HeardAt(Instant now) const {
  const uint64_t position = heard(now);
  return position < clock_position_ ? now : std::min(now, PlaysAt(position));
}

bool Playout::Append(protocol::ItemId item, std::span<const uint8_t> audio) {
  if (audio.size() < sample_bytes_) return true;
  if (!queue_.Append(item, audio)) return false;
  reply_ended_ = false;
  return true;
}

void Playout::HearAll() {
  acknowledged_ = sent_;
  pending_marks_.clear();
}

void Playout::Forget() {
  TL_CHECK(sent_ == received());
  queue_.Restart(sent_);
}

void Playout::CountLostMarks(Instant now) {
  const bool given_up = IsStalled(now, kMarkGiveUp);
  if (given_up && !given_up_) {
    ++counters_.lost_marks;
    ++lost_in_row_;
  }
  given_up_ = given_up;
}

uint64_t Playout::ChunkSamples() const {
  const uint64_t unit = config_.unit_samples;
  const uint64_t chunk = Samples(Duration::Millis(kChunkMs));
  return (chunk + unit - 1) / unit * unit;
}

uint64_t Playout::LeadSamples() const {
  return std::max(Samples(config_.lead), ChunkSamples());
}

bool Playout::IsPaused(Instant now) {
  if (paused_at_ && now >= *paused_at_ + config_.max_pause) {
    paused_at_.reset();
    ++counters_.overlong_pauses;
  }
  return paused_at_.has_value();
}

std::span<const uint8_t> Playout::NextChunk(Instant now) {
  CountLostMarks(now);
  const uint64_t position = heard(now);
  queue_.Retire(position, Samples(kKeepPlayed));
  const uint64_t lead = LeadSamples();
  const uint64_t in_flight = sent_ - position;
  if (in_flight >= lead || sent_ == received() || IsPaused(now)) return {};
  const uint64_t chunk = ChunkSamples();
  const uint64_t unit = config_.unit_samples;
  uint64_t room = (lead - in_flight) / chunk * chunk;
  const uint64_t waiting = received() - sent_;
  if (waiting < chunk && !reply_ended_) return {};
  const uint64_t least =
      in_flight > Samples(kAmple) && waiting >= 2 * chunk ? 2 * chunk : chunk;
  if (room < least) return {};
  room = std::min(room, reply_ended_ ? waiting : waiting / chunk * chunk);
  if (by_marks()) {
    room = std::min(room, std::max(last_mark_ + Samples(config_.mark_interval),
                                   sent_ + chunk) -
                              sent_);
  }
  if (config_.max_samples != 0) room = std::min(room, config_.max_samples);
  // Only what is left of a reply may be no multiple.
  if (room < waiting) room = room / unit * unit;
  const std::span<const uint8_t> audio =
      Gather(sent_, static_cast<size_t>(room));
  if (position == sent_) {
    // The leg's buffer is empty: it plays this the moment it arrives.
    clock_position_ = sent_;
    clock_time_ = now;
    slipped_ = Duration();
    trails_.clear();
    reported_at_.reset();
  }
  sent_ += audio.size() / sample_bytes_;
  return audio;
}

// What the queue has at its ring's end is in two pieces: they are sent as they
// are, or joined where their lengths matter.
std::span<const uint8_t> Playout::Gather(uint64_t position, size_t samples) {
  const std::span<const uint8_t> head = queue_.Read(position, samples);
  const size_t count = head.size() / sample_bytes_;
  if (count == samples || config_.unit_samples == 1) return head;
  const std::span<const uint8_t> tail =
      queue_.Read(position + count, samples - count);
  joined_.assign(head.begin(), head.end());
  joined_.insert(joined_.end(), tail.begin(), tail.end());
  return joined_;
}

std::span<const uint8_t> Playout::Before(uint64_t position,
                                         uint64_t samples) const {
  const uint64_t begin =
      std::max(queue_.begin(), position - std::min(position, samples));
  if (begin >= position) return {};
  return queue_.Read(begin, static_cast<size_t>(position - begin));
}

std::optional<protocol::MarkId> Playout::TakeMark() {
  if (!by_marks() || paused_at_ || sent_ == last_mark_) return std::nullopt;
  const bool at_end = reply_ended_ && sent_ == received();
  if (!at_end && sent_ < last_mark_ + Samples(config_.mark_interval)) {
    return std::nullopt;
  }
  last_mark_ = sent_;
  // Overflow: the leg has echoed nothing for 10 s; the oldest is given up.
  if (pending_marks_.size() == kMaxPendingMarks) {
    pending_marks_.erase(pending_marks_.begin());
  }
  pending_marks_.push_back(sent_);
  return protocol::MarkId{generation_, sent_};
}

Instant Playout::NextCheck(Instant now) const {
  const uint64_t position = heard(now);
  const Duration in_flight = Time(sent_ - position);
  const Duration chunk = Duration::Millis(kChunkMs);
  if (sent_ < received() &&
      (reply_ended_ || received() - sent_ >= ChunkSamples())) {
    if (paused_at_) {
      return std::max(*paused_at_ + config_.max_pause, now + chunk);
    }
    // Inbound frames normally come before half of the lead is used up.
    return now + std::max(in_flight - Time(LeadSamples()) / 2, chunk);
  }
  if (!reply_ended_) return Instant::Never();
  return now + std::max(in_flight + EndMargin(), chunk);
}

Duration Playout::EndMargin() const {
  if (config_.playback == LegTraits::Playback::kClock || marks_are_lost()) {
    return kClockMargin + kRounding;
  }
  const Duration end = round_trip_.value_or(kUnknownRoundTrip) + kMarkGrace;
  return by_marks() ? end : end + kRounding;
}

bool Playout::OnMark(protocol::MarkId mark, Instant now) {
  if (mark.generation != generation_) return false;
  const auto pending =
      std::find(pending_marks_.begin(), pending_marks_.end(), mark.position);
  if (pending == pending_marks_.end()) return false;
  lost_in_row_ = 0;
  pending_marks_.erase(pending_marks_.begin(), pending + 1);
  Follow(mark.position, now);
  return true;
}

void Playout::OnPlayed(uint64_t samples, Instant now) {
  if (config_.playback != LegTraits::Playback::kReports) return;
  // A count that goes back says nothing.
  if (samples < report_count_) return;
  // After a clear nobody knows to the sample where the leg's count stood. What
  // it is when all must have been played is where it goes on from.
  const Duration overdue = round_trip_.value_or(kUnknownRoundTrip) +
                           (count_is_sure_ ? kMarkGiveUp : kMarkGrace);
  if (Clock(now) >= sent_ + Samples(overdue)) {
    report_count_ = samples;
    report_position_ = acknowledged_ = sent_;
    count_is_sure_ = true;
    return;
  }
  // Never more than was sent, whatever the leg says.
  const uint64_t ahead = std::min(samples - report_count_,
                                  sent_ - std::min(sent_, report_position_));
  const uint64_t position = report_position_ + ahead;
  report_count_ = samples;
  report_position_ = position;
  reported_at_.reset();
  if (position > clock_position_) reported_at_ = now;
  Follow(position, now);
}

void Playout::OnFlow(protocol::LegFlow::State state, Instant now) {
  switch (state) {
    case protocol::LegFlow::State::kPaused:
      if (!paused_at_) paused_at_ = now;
      return;
    case protocol::LegFlow::State::kReady:
      paused_at_.reset();
      return;
  }
}

void Playout::OnStreamStarted() {
  paused_at_.reset();
  report_count_ = 0;
  report_position_ = sent_;
  count_is_sure_ = true;
  reported_at_.reset();
}

void Playout::Follow(uint64_t position, Instant now) {
  acknowledged_ = std::max(acknowledged_, position);
  // A mark of an earlier run, before the buffer was empty, says nothing of the
  // clock of this one.
  if (position <= clock_position_) return;
  const Duration played = Time(position - clock_position_);
  Duration trail = (now - clock_time_) - played;
  if (trail < Duration()) {
    // Played before we thought it could be: the clock was late.
    clock_time_ = clock_time_ + trail;
    trail = Duration();
  }
  if (round_trip_ && trail < *round_trip_) {
    // Not a shorter way but a slip that was none: late echoes looked like one.
    const Duration undone = std::min(*round_trip_ - trail, slipped_);
    clock_time_ = clock_time_ - undone;
    slipped_ = slipped_ - undone;
    trail = trail + undone;
  }
  if (!round_trip_ || trail < *round_trip_) round_trip_ = trail;
  if (trails_.size() == kTrailWindow) trails_.erase(trails_.begin());
  trails_.push_back(trail);
  const Duration slip =
      *std::min_element(trails_.begin(), trails_.end()) - *round_trip_;
  if (trails_.size() == kTrailWindow && slip > kSlipTolerance) {
    clock_time_ = clock_time_ + slip;
    slipped_ = slipped_ + slip;
    trails_.clear();
  }
}

void Playout::Interrupt(Instant now) {
  const uint64_t position = heard(now);
  queue_.ForgetBefore(position - std::min(position, kKeepInterrupted));
  sent_ = position;
  acknowledged_ = position;
  clock_position_ = position;
  clock_time_ = now;
  last_mark_ = position;
  pending_marks_.clear();
  slipped_ = Duration();
  trails_.clear();
  count_is_sure_ = false;
  reported_at_.reset();
  ++generation_;
}

std::span<const Playout::Cut> Playout::Discard(Instant now) {
  const uint64_t position = heard(now);
  const std::span<const Cut> cuts = queue_.CutsAt(position);
  queue_.Restart(position);
  sent_ = acknowledged_ = clock_position_ = position;
  last_mark_ = position;
  pending_marks_.clear();
  reply_ended_ = true;
  return cuts;
}

bool Playout::IsOver(Instant now) const {
  return reply_ended_ && sent_ == received() && Clock(now) >= received();
}

bool Playout::IsStarved(Instant now) const {
  return !reply_ended_ && received() - sent_ < ChunkSamples() &&
         heard(now) == sent_;
}

bool Playout::done(Instant now) const {
  if (!reply_ended_ || sent_ != received() || heard(now) != received()) {
    return false;
  }
  if (acknowledged_ == received()) return true;
  switch (config_.playback) {
    case LegTraits::Playback::kMarks:
      if (!marks_are_lost()) {
        return pending_marks_.empty() || IsStalled(now, kMarkGiveUp);
      }
      [[fallthrough]];
    case LegTraits::Playback::kReports:
    case LegTraits::Playback::kClock:
      return Clock(now) >= received() + Samples(EndMargin() - kRounding);
  }
  return false;
}

}  // namespace trunkline::media
