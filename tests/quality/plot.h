#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "quality/report.h"

// Pictures of measurements, drawn by gnuplot as PNGs of at most 40 KB:
//
//   Panel panel{.title = "Response", .x_label = "Hz", .y_label = "dB"};
//   panel.Line("ours", frequencies_hz, gains_db);
//   Draw(scope, report, "response.png", "Response of ...", {&panel, 1});

namespace trunkline::quality {

struct Range {
  double from = 0;
  double to = 0;
};

// One set of axes. What is added first lies at the back.
struct Panel {
  std::string title{};
  std::string x_label{};
  std::string y_label{};
  // By default as wide as what is drawn.
  std::optional<Range> x_range{};
  std::optional<Range> y_range{};
  // Height compared with the other panels of the picture.
  double height = 1;

  // A name that is empty is left out of the key. `xs` and `ys` are equally
  // long.
  void Line(std::string_view name, std::span<const double> xs,
            std::span<const double> ys);
  // As Line, but each value holds until the next x.
  void Steps(std::string_view name, std::span<const double> xs,
             std::span<const double> ys);
  // Samples against seconds, full scale 1: a band between the least and the
  // greatest of each column of pixels.
  void Waveform(std::string_view name, std::span<const int16_t> samples,
                int sample_rate_hz);
  // Fills the panel's whole height from `from` to `to` of each range of x.
  void Bands(std::string_view name, std::span<const Range> ranges);
  // Values as colours, `rows` of equal length from the lowest y up, spread over
  // `x` and `y`; `values` is the range of the colours.
  void Heat(std::span<const std::vector<double>> rows, Range x, Range y,
            Range values);

  // What gnuplot reads: blocks of data, and one term of `plot` for each.
  struct Layer {
    std::string data;
    std::string term;
  };
  std::vector<Layer> layers{};
  std::optional<Range> value_range{};
};

// The power of `samples` by time and frequency, dBFS (a full-scale sine is -3),
// as rows for Panel::Heat from 0 Hz to half the rate: windows of Hann, 32 ms
// long; each of the `columns` is the mean over its share of the time.
std::vector<std::vector<double>> Spectrogram(std::span<const int16_t> samples,
                                             int sample_rate_hz,
                                             size_t columns);

// Refers the report to `file`, and draws it into scope.plots unless that is
// empty: the panels below each other, sharing the width. Demands that a picture
// came of it and that it is small.
void Draw(const Scope& scope, Report& report, std::string_view file,
          std::string_view caption, std::span<const Panel> panels,
          int width_pixels = 800, int height_pixels = 400);

}  // namespace trunkline::quality
