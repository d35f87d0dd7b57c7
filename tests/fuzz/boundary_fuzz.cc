// Whatever may be called at the C boundary, with whatever bytes: what breaks
// its rules is refused and changes nothing, and no call traps.
//
// The bytes: u8 configuration, then steps of {u8 what, ...}; see Step.

#include <algorithm>
#include <cstring>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

#include "abi/trunkline.h"
#include "base/check.h"

namespace {

constexpr std::string_view kConfigurations[] = {
    R"({"callId":"c","agent":"parrot"})",
    R"({"callId":"c","agent":"openai-realtime","firstSeq":7})",
};

class Bytes {
 public:
  explicit Bytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  std::span<const uint8_t> Take(size_t count) {
    const auto taken = bytes_.first(std::min(count, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }
  // Little-endian, `count` bytes; what is missing is 0.
  uint64_t Number(size_t count) {
    uint64_t value = 0;
    size_t shift = 0;
    for (const uint8_t byte : Take(count)) {
      value |= uint64_t{byte} << shift;
      shift += 8;
    }
    return value;
  }

 private:
  std::span<const uint8_t> bytes_;
};

std::vector<uint8_t> Effects(tl_handle session) {
  const uint8_t* at = tl_effects(session);
  return {at, at + tl_effects_len(session)};
}

uint32_t Fill(std::span<const uint8_t> body) {
  const auto length = static_cast<uint32_t>(body.size());
  uint8_t* const inbox = tl_inbox(length);
  TL_CHECK(inbox != nullptr);
  if (!body.empty()) std::memcpy(inbox, body.data(), body.size());
  return length;
}

class Boundary {
 public:
  explicit Boundary(std::span<const uint8_t> config) {
    session_ = tl_session_create(now_us_, Fill(config));
    TL_CHECK(session_ != 0);
    Consume();
  }
  ~Boundary() { tl_session_destroy(session_); }
  Boundary(const Boundary&) = delete;
  Boundary& operator=(const Boundary&) = delete;

  void Step(Bytes& bytes) {
    const uint64_t what = bytes.Number(1);
    switch (what % 8) {
      case 0:
        // A configuration of the script's own; most are none.
        CreateOther(bytes.Take(bytes.Number(1)));
        return;
      case 1: {
        // A handle of nobody.
        const auto handle = static_cast<tl_handle>(bytes.Number(4));
        if (handle == session_) return;
        const std::vector<uint8_t> before = Effects(session_);
        TL_CHECK(tl_session_input(handle, now_us_, TL_INPUT_TIMER, 0) ==
                 TL_ERR_HANDLE);
        TL_CHECK(tl_effects(handle) == nullptr && tl_effects_len(handle) == 0);
        tl_effects_consume(handle, 16);
        tl_session_destroy(handle);
        TL_CHECK(Effects(session_) == before);
        return;
      }
      case 2: {
        // A length that no input has.
        const auto length = static_cast<uint32_t>(bytes.Number(4));
        if (length <= TL_MAX_INPUT_BYTES) return;
        TL_CHECK(tl_inbox(length) == nullptr);
        TL_CHECK(tl_session_create(now_us_, length) == 0);
        Feed(TL_INPUT_SOCKET_TEXT, length);
        return;
      }
      case 3: {
        // Drops what need not be a record.
        const auto length = static_cast<uint32_t>(bytes.Number(2));
        const uint32_t before = tl_effects_len(session_);
        tl_effects_consume(session_, length);
        const uint32_t after = tl_effects_len(session_);
        TL_CHECK(after == before ||
                 (length <= before && after == before - length));
        CheckRecords();
        return;
      }
      case 4:
        Consume();
        return;
      default: {
        // A tag and a body, of any kind, drained before or not. The channel is
        // a small one or any.
        if ((what & 8) == 0) Consume();
        auto tag = static_cast<uint32_t>(bytes.Number(1));
        if ((what & 16) != 0)
          tag |= static_cast<uint32_t>(bytes.Number(1)) << 8;
        tag |= static_cast<uint32_t>(bytes.Number((what & 32) != 0 ? 2 : 1))
               << 16;
        // Time goes back as well.
        now_us_ += bytes.Number(1) * 4'000;
        if ((what & 64) != 0) now_us_ -= std::min<uint64_t>(now_us_, 500'000);
        Feed(tag, Fill(bytes.Take(bytes.Number((what & 128) != 0 ? 2 : 1))));
        return;
      }
    }
  }

 private:
  void CreateOther(std::span<const uint8_t> config) {
    const tl_handle other = tl_session_create(now_us_, Fill(config));
    TL_CHECK(other != session_);
    tl_session_destroy(other);
    TL_CHECK(tl_session_input(other, now_us_, TL_INPUT_TIMER, 0) ==
             TL_ERR_HANDLE);
  }

  void Feed(uint32_t tag, uint32_t length) {
    const std::vector<uint8_t> before = Effects(session_);
    const tl_status status = tl_session_input(session_, now_us_, tag, length);
    if (!before.empty()) {
      TL_CHECK(status == TL_ERR_UNDRAINED);
    } else if (length > TL_MAX_INPUT_BYTES) {
      TL_CHECK(status == TL_ERR_INPUT);
    } else if (ended_) {
      TL_CHECK(status == TL_ERR_ENDED);
    } else {
      const uint32_t kind = tag & 0xFFFF;
      TL_CHECK(status == TL_ERR_INPUT ||
               status == static_cast<tl_status>(tl_effects_len(session_)));
      if (kind == 0 || kind > TL_INPUT_RESOURCE) {
        TL_CHECK(status == TL_ERR_INPUT);
      }
    }
    if (status < 0) TL_CHECK(Effects(session_) == before);
    CheckRecords();
  }

  // Whole records of known tags, on channels that there can be.
  void CheckRecords() {
    const std::vector<uint8_t> effects = Effects(session_);
    size_t at = 0;
    while (at < effects.size()) {
      TL_CHECK(effects.size() - at >= 16);
      uint16_t tag = 0;
      uint16_t flags = 0;
      uint32_t length = 0;
      std::memcpy(&tag, effects.data() + at, 2);
      std::memcpy(&flags, effects.data() + at + 2, 2);
      std::memcpy(&length, effects.data() + at + 4, 4);
      TL_CHECK(tag >= TL_EFFECT_SEND_TEXT && tag <= TL_EFFECT_SNAPSHOT);
      TL_CHECK(flags == 0 && !over_);
      if (tag == TL_EFFECT_ENDED) ended_ = true;
      at += 16 + (size_t{length} + 7) / 8 * 8;
    }
    TL_CHECK(at == effects.size());
  }

  void Consume() {
    CheckRecords();
    tl_effects_consume(session_, tl_effects_len(session_));
    TL_CHECK(tl_effects_len(session_) == 0);
    // Nothing comes behind the end.
    over_ = ended_;
  }

  tl_handle session_ = 0;
  uint64_t now_us_ = 1'000'000;
  bool ended_ = false;
  bool over_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes bytes({data, size});
  const std::string_view config =
      kConfigurations[bytes.Number(1) % std::size(kConfigurations)];
  Boundary boundary(
      {reinterpret_cast<const uint8_t*>(config.data()), config.size()});
  while (!bytes.empty()) boundary.Step(bytes);
  return 0;
}
