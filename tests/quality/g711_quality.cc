// G.711 against spandsp, all codes and all values.

#include <spandsp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "audio/g711.h"
#include "quality/report.h"
#include "support/audio_reference.h"
#include "support/audio_signals.h"

namespace trunkline::quality {
namespace {

struct Law {
  const char* name;
  // ffmpeg's.
  const char* format;
  void (*decode)(std::span<const uint8_t>, std::span<int16_t>);
  void (*encode)(std::span<const int16_t>, std::span<uint8_t>);
  int16_t (*spandsp_decode)(uint8_t);
  uint8_t (*spandsp_encode)(int);
};

constexpr Law kLaws[] = {
    {"mu-law", "mulaw", audio::DecodeMuLaw, audio::EncodeMuLaw, ulaw_to_linear,
     linear_to_ulaw},
    {"A-law", "alaw", audio::DecodeALaw, audio::EncodeALaw, alaw_to_linear,
     linear_to_alaw},
};

std::vector<uint8_t> AllCodes() {
  std::vector<uint8_t> codes(256);
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<uint8_t>(i);
  return codes;
}

std::vector<int16_t> AllSamples() {
  std::vector<int16_t> samples(65536);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<int16_t>(static_cast<int>(i) - 32768);
  }
  return samples;
}

double Differences(const auto& ours, const auto& theirs) {
  double different = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    different += i >= theirs.size() || ours[i] != theirs[i];
  }
  return different;
}

// What the ffmpeg of the machine makes of all values; empty without it.
std::vector<uint8_t> EncodedByFfmpeg(const Law& law,
                                     std::span<const int16_t> samples) {
  const auto folder = std::filesystem::temp_directory_path();
  const auto in = folder / "trunkline-quality-g711.in";
  const auto out = folder / "trunkline-quality-g711.out";
  std::ofstream(in, std::ios::binary)
      .write(reinterpret_cast<const char*>(samples.data()),
             static_cast<std::streamsize>(samples.size_bytes()));
  const std::string command =
      "ffmpeg -v error -y -f s16le -ar 8000 -ac 1 -i '" + in.string() +
      "' -f " + law.format + " '" + out.string() + "' 2>/dev/null";
  std::vector<uint8_t> codes;
  if (std::system(command.c_str()) == 0) {
    codes.resize(samples.size());
    std::ifstream(out, std::ios::binary)
        .read(reinterpret_cast<char*>(codes.data()),
              static_cast<std::streamsize>(codes.size()));
  }
  std::error_code ignored;
  std::filesystem::remove(in, ignored);
  std::filesystem::remove(out, ignored);
  return codes;
}

// The lowest ratio of a tone to what there and back adds to it, dB, from 0 to
// -30 dBm0, where the law's full scale is +3.14 or +3.17 dBm0.
double WorstSignalToNoise(const Law& law) {
  constexpr size_t kCount = 8000;
  constexpr double kHz = 1020;
  double worst = 1000;
  for (int dbm0 = 0; dbm0 >= -30; --dbm0) {
    const std::vector<int16_t> samples = test::SineSignal(
        kCount, kHz, 8000, 32000 * std::pow(10, (dbm0 - 3.14) / 20));
    std::vector<uint8_t> codes(kCount);
    std::vector<int16_t> line(kCount);
    law.encode(samples, codes);
    law.decode(codes, line);
    const double noise = test::PowerBeside(line, kHz, 8000);
    worst = std::min(worst, 10 * std::log10(test::PowerOf(line) / noise));
  }
  return worst;
}

void MeasureG711(const Scope& scope, Report& report) {
  report.Text(
      "Differences over all 256 codes and all 65,536 values. Where encoders "
      "differ, they differ on decision values, which the recommendation gives "
      "to neither side; ours goes with spandsp. Distortion is that of a tone "
      "from 0 to -30 dBm0, for which ITU-T G.712 asks 33 dB.");
  std::vector<std::vector<std::string>> rows;
  for (const Law& law : kLaws) {
    const std::vector<uint8_t> codes = AllCodes();
    std::vector<int16_t> decoded(codes.size());
    std::vector<int16_t> spandsp_decoded(codes.size());
    law.decode(codes, decoded);
    std::ranges::transform(codes, spandsp_decoded.begin(), law.spandsp_decode);
    const std::vector<int16_t> samples = AllSamples();
    std::vector<uint8_t> encoded(samples.size());
    std::vector<uint8_t> spandsp_encoded(samples.size());
    law.encode(samples, encoded);
    std::ranges::transform(samples, spandsp_encoded.begin(),
                           law.spandsp_encode);
    const double decoder = Differences(decoded, spandsp_decoded);
    const double encoder = Differences(encoded, spandsp_encoded);
    const double distortion = WorstSignalToNoise(law);
    const std::string name = law.name;
    report.Exactly(name + ": codes decoded unlike spandsp", decoder, 0);
    report.Exactly(name + ": values encoded unlike spandsp", encoder, 0);
    report.AtLeast(name + ": signal to distortion, dB", distortion, 33);
    std::string ffmpeg = "not measured";
    if (scope.extent == Extent::kFull) {
      const std::vector<uint8_t> theirs = EncodedByFfmpeg(law, samples);
      if (!theirs.empty()) ffmpeg = Fixed(Differences(encoded, theirs), 0);
    }
    rows.push_back({name, Fixed(decoder, 0), Fixed(encoder, 0), ffmpeg,
                    Fixed(distortion, 1)});
  }
  const std::string header[] = {"law", "decoder, of spandsp's",
                                "encoder, of spandsp's", "encoder, of ffmpeg's",
                                "signal to distortion, dB"};
  report.Table(header, rows);
}

const Section kSection(10, "G.711", MeasureG711);

}  // namespace
}  // namespace trunkline::quality
