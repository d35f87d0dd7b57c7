// What the core makes of 10,000 scripts of inputs, beside what it made of them
// when script_hashes.txt was written: a change that only moves code leaves
// every hash as it is.
//
//   freeze            compares, one test a block; last line `N passed, N
//   failed` freeze --write    writes the hashes anew, for a change that means
//   to differ

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "abi/trunkline.h"
#include "support/input_script.h"

namespace trunkline::test {
namespace {

constexpr int kBlocks = 100;
constexpr int kScriptsPerBlock = 100;
constexpr const char* kFile =
    TRUNKLINE_SOURCE_DIR "/tests/freeze/script_hashes.txt";

// Kinds of RunInputScript that are no tag of the boundary.
constexpr uint8_t kRawText = 0;
constexpr uint8_t kMedia = 9;

// A script that gets somewhere: most begin with a call that stands, and go on
// with what callers, agents and operators do, in runs as speech and silence
// have them.
class ScriptMaker {
 public:
  explicit ScriptMaker(uint32_t seed) : random_(seed) {}

  std::vector<uint8_t> Make() {
    Add({Random(256)});
    if (Random(10) != 0) Open();
    for (int steps = 20 + Random(160); steps > 0; --steps) Step();
    return std::move(bytes_);
  }

 private:
  uint8_t Random(uint32_t bound) {
    return static_cast<uint8_t>(random_() % bound);
  }
  void Add(std::initializer_list<uint8_t> bytes) {
    bytes_.insert(bytes_.end(), bytes);
  }
  static constexpr uint8_t How(uint8_t port, uint8_t step, uint8_t rest = 0) {
    return static_cast<uint8_t>(port | step << 1 | rest << 5);
  }

  void Open() {
    Add({TL_INPUT_SOCKET_OPENED, How(0, 0)});
    Add({TL_INPUT_SOCKET_TEXT, How(0, 0), 0});
    Add({TL_INPUT_SOCKET_TEXT, How(0, 1), 1});
    Add({TL_INPUT_AUTHORIZED, How(0, 1)});
    if (Random(8) == 0) return;
    Add({TL_INPUT_SOCKET_OPENED, How(1, 3)});
    Add({TL_INPUT_SOCKET_TEXT, How(1, 1), 0});
    Add({TL_INPUT_SOCKET_TEXT, How(1, 1), 1});
  }

  // `count` frames of one kind: 0 is loud, 1 noise, 2 a tone.
  void Frames(int count, uint8_t kind) {
    for (; count > 0; --count) Add({kMedia, How(0, 3), kind});
  }

  void Step() {
    const uint8_t step = Random(16) == 0 ? Random(8) : uint8_t{3};
    switch (Random(16)) {
      case 0:
      case 1:
      case 2:
        Frames(1 + Random(40), Random(3));
        return;
      case 3:
        // Frames that were lost on the way.
        Add({kMedia, How(0, 3), Random(256)});
        return;
      case 4:
        Add({TL_INPUT_TIMER, How(0, Random(8))});
        return;
      case 5:
        Add({TL_INPUT_COMMAND, How(0, step), Random(256)});
        return;
      case 6:
        Add({TL_INPUT_SOCKET_TEXT, How(0, step), Random(256)});
        return;
      case 7:
      case 8:
        Add({TL_INPUT_SOCKET_TEXT, How(1, step), Random(256)});
        return;
      case 9:
        Reply();
        return;
      case 10:
        Turn();
        return;
      case 11:
        Rare(step);
        return;
      default:
        Frames(1 + Random(6), 1);
        return;
    }
  }

  // A turn of the caller as the provider tells it.
  void Turn() {
    Add({TL_INPUT_SOCKET_TEXT, How(1, 3), 2});
    Frames(5 + Random(20), 1);
    Add({TL_INPUT_SOCKET_TEXT, How(1, 3), 3});
    Add({TL_INPUT_SOCKET_TEXT, How(1, 3), 4});
  }

  // A reply with some audio, and most often its end.
  void Reply() {
    Add({TL_INPUT_SOCKET_TEXT, How(1, 3), 5});
    for (int deltas = Random(60); deltas > 0; --deltas) {
      Add({TL_INPUT_SOCKET_TEXT, How(1, 1), 6});
    }
    if (Random(3) == 0) Add({TL_INPUT_SOCKET_TEXT, How(1, 1), 9});
    if (Random(4) != 0) Add({TL_INPUT_SOCKET_TEXT, How(1, 1), 7});
    if (Random(5) != 0) Add({TL_INPUT_SOCKET_TEXT, How(1, 1), 11});
  }

  // What breaks, and what comes back.
  void Rare(uint8_t step) {
    const uint8_t port = Random(2);
    switch (Random(8)) {
      case 0:
        Add({TL_INPUT_SOCKET_CLOSED, How(port, step, Random(8))});
        return;
      case 1:
        Add({TL_INPUT_SOCKET_OVERSIZE, How(port, step)});
        return;
      case 2:
        Add({TL_INPUT_SOCKET_BINARY, How(port, step, 1), 1, 2});
        return;
      case 3:
        // A message with bytes of it overwritten.
        Add({TL_INPUT_SOCKET_TEXT,
             static_cast<uint8_t>(How(port, step, 2) | 0x10), Random(16),
             Random(128), Random(256), Random(256)});
        return;
      case 4:
        Add({kRawText, How(port, step), 3, Random(256), '{', '}'});
        return;
      case 5:
        Add({TL_INPUT_SOCKET_OPENED, How(1, step)});
        Add({TL_INPUT_SOCKET_TEXT, How(1, 1), 0});
        Add({TL_INPUT_SOCKET_TEXT, How(1, 1), 1});
        return;
      default:
        // The leg breaks and comes back.
        Add({TL_INPUT_SOCKET_CLOSED, How(0, step, 2)});
        Frames(Random(3), 1);
        Add({TL_INPUT_SOCKET_OPENED, How(0, 3)});
        Add({TL_INPUT_SOCKET_TEXT, How(0, 1), 1});
        Add({TL_INPUT_AUTHORIZED, How(0, 1, Random(4) == 0 ? 1 : 0)});
        return;
    }
  }

  std::mt19937 random_;
  std::vector<uint8_t> bytes_;
};

std::string HashOfBlock(int block) {
  uint64_t hash = 0;
  for (int i = 0; i < kScriptsPerBlock; ++i) {
    const auto seed = static_cast<uint32_t>(block * kScriptsPerBlock + i + 1);
    hash = hash * 1099511628211U ^ RunInputScript(ScriptMaker(seed).Make());
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(hash));
  return text;
}

int Write() {
  std::ofstream file(kFile);
  for (int block = 0; block < kBlocks; ++block) {
    file << HashOfBlock(block) << "\n";
  }
  return file.good() ? 0 : 1;
}

int Compare() {
  std::ifstream file(kFile);
  int passed = 0;
  int failed = 0;
  for (int block = 0; block < kBlocks; ++block) {
    std::string frozen;
    std::getline(file, frozen);
    const std::string now = HashOfBlock(block);
    (now == frozen ? passed : failed) += 1;
    if (now != frozen) {
      std::printf("seeds from %d: %s, was %s\n", block * kScriptsPerBlock + 1,
                  now.c_str(), frozen.c_str());
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace trunkline::test

int main(int count, char** arguments) {
  if (count == 2 && std::string_view(arguments[1]) == "--write") {
    return trunkline::test::Write();
  }
  return trunkline::test::Compare();
}
