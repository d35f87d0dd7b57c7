#include "quality/plot.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <sstream>

namespace trunkline::quality {
namespace {

constexpr double kMaxPictureBytes = 40 * 1024;
// Columns of a waveform: about the pixels of a picture.
constexpr size_t kWaveformColumns = 720;

// In single quotes gnuplot takes everything as it stands, but for a quote.
std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + "'";
}

std::string TitleTerm(std::string_view name) {
  return name.empty() ? " notitle" : " title " + Quoted(name);
}

std::string Printed(const Range& range) {
  std::ostringstream text;
  text << "[" << range.from << ":" << range.to << "]";
  return text.str();
}

std::string Pairs(std::span<const double> xs, std::span<const double> ys) {
  std::ostringstream text;
  text.precision(7);
  for (size_t i = 0; i < std::min(xs.size(), ys.size()); ++i) {
    text << xs[i] << " " << ys[i] << "\n";
  }
  return text.str();
}

std::string Script(std::span<const Panel> panels, std::string_view png,
                   int width_pixels, int height_pixels) {
  std::ostringstream script;
  script << "set terminal png size " << width_pixels << "," << height_pixels
         << " font 'DejaVuSans,9'\n"
         << "set output " << Quoted(png) << "\n"
         << "set grid lc rgb '#d0d0d0' lt 1\n"
         << "set key top right opaque samplen 2\n"
         << "set style fill solid 1.0 noborder\n"
         << "set palette maxcolors 16 defined (0 '#000010', 1 '#20308a', "
            "2 '#b02070', 3 '#ff9020', 4 '#ffffc0')\n"
         << "set multiplot\n"
         << "set lmargin at screen 0.09\nset rmargin at screen 0.89\n";
  double total = 0;
  for (const Panel& panel : panels) total += panel.height;
  double top = 1;
  for (const Panel& panel : panels) {
    const double share = panel.height / total;
    top -= share;
    script << "set origin 0," << top << "\nset size 1," << share << "\n"
           << "set title " << Quoted(panel.title) << "\n"
           << "set xlabel " << Quoted(panel.x_label) << "\n"
           << "set ylabel " << Quoted(panel.y_label) << "\n"
           << "set xrange "
           << (panel.x_range ? Printed(*panel.x_range) : "[*:*]") << "\n"
           << "set yrange "
           << (panel.y_range ? Printed(*panel.y_range) : "[*:*]") << "\n";
    const bool named =
        std::ranges::any_of(panel.layers, [](const Panel::Layer& layer) {
          return layer.term.find(" title ") != std::string::npos;
        });
    script << (named ? "set" : "unset") << " key\n";
    if (panel.value_range) {
      script << "set cbrange " << Printed(*panel.value_range) << "\n";
    }
    for (size_t i = 0; i < panel.layers.size(); ++i) {
      script << "$layer" << i << " << EOD\n" << panel.layers[i].data << "EOD\n";
    }
    script << "plot ";
    for (size_t i = 0; i < panel.layers.size(); ++i) {
      script << (i == 0 ? "" : ", ") << "$layer" << i << " "
             << panel.layers[i].term;
    }
    script << "\n";
  }
  script << "unset multiplot\n";
  return script.str();
}

// In place; the size is a power of two.
void Transform(std::vector<std::complex<double>>& values) {
  const size_t size = values.size();
  for (size_t i = 1, j = 0; i < size; ++i) {
    size_t bit = size >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(values[i], values[j]);
  }
  for (size_t length = 2; length <= size; length *= 2) {
    const auto step =
        std::polar(1.0, -2 * std::numbers::pi / static_cast<double>(length));
    for (size_t at = 0; at < size; at += length) {
      std::complex<double> turn = 1;
      for (size_t k = at; k < at + length / 2; ++k) {
        const auto even = values[k];
        const auto odd = values[k + length / 2] * turn;
        values[k] = even + odd;
        values[k + length / 2] = even - odd;
        turn *= step;
      }
    }
  }
}

}  // namespace

void Panel::Line(std::string_view name, std::span<const double> xs,
                 std::span<const double> ys) {
  layers.push_back({Pairs(xs, ys), "with lines lw 1.5" + TitleTerm(name)});
}

void Panel::Steps(std::string_view name, std::span<const double> xs,
                  std::span<const double> ys) {
  layers.push_back({Pairs(xs, ys), "with steps lw 1.5" + TitleTerm(name)});
}

void Panel::Waveform(std::string_view name, std::span<const int16_t> samples,
                     int sample_rate_hz) {
  std::ostringstream text;
  const size_t columns = std::min(kWaveformColumns, samples.size());
  for (size_t i = 0; i < columns; ++i) {
    const size_t begin = samples.size() * i / columns;
    const size_t end = samples.size() * (i + 1) / columns;
    const auto [least, greatest] =
        std::ranges::minmax(samples.subspan(begin, end - begin));
    text << static_cast<double>(begin) / sample_rate_hz << " "
         << least / 32768.0 << " " << greatest / 32768.0 << "\n";
  }
  layers.push_back({text.str(),
                    "with filledcurves lc rgb "
                    "'#406080'" +
                        TitleTerm(name)});
}

void Panel::Bands(std::string_view name, std::span<const Range> ranges) {
  if (ranges.empty()) return;
  // Where the height is not given, it is that of a waveform.
  const Range y = y_range.value_or(Range{-1, 1});
  std::ostringstream text;
  for (const Range& range : ranges) {
    text << range.from << " " << y.from << " " << range.from << " " << range.to
         << " " << y.from << " " << y.to << "\n";
  }
  layers.push_back(
      {text.str(),
       "using 1:2:3:4:5:6 with boxxyerror fs solid 0.35" + TitleTerm(name)});
}

void Panel::Heat(std::span<const std::vector<double>> rows, Range x, Range y,
                 Range values) {
  if (rows.empty() || rows.front().empty()) return;
  std::ostringstream text;
  text.precision(4);
  for (const std::vector<double>& row : rows) {
    for (const double value : row) {
      text << std::clamp(value, values.from, values.to) << " ";
    }
    text << "\n";
  }
  const double column = (x.to - x.from) / static_cast<double>(rows[0].size());
  const double row = (y.to - y.from) / static_cast<double>(rows.size());
  std::ostringstream term;
  // A pixel's place is that of its centre.
  term << "matrix using (" << x.from + column / 2 << "+$1*" << column << "):("
       << y.from + row / 2 << "+$2*" << row << "):3 with image notitle";
  if (!x_range) x_range = x;
  if (!y_range) y_range = y;
  value_range = values;
  layers.push_back({text.str(), term.str()});
}

std::vector<std::vector<double>> Spectrogram(std::span<const int16_t> samples,
                                             int sample_rate_hz,
                                             size_t columns) {
  size_t window = 64;
  while (window * 1000 < static_cast<size_t>(sample_rate_hz) * 32) window *= 2;
  std::vector<std::vector<double>> rows(window / 2,
                                        std::vector<double>(columns, -120));
  if (samples.size() < window) return rows;
  std::vector<std::complex<double>> values(window);
  const size_t last = samples.size() - window;
  for (size_t column = 0; column < columns; ++column) {
    // The mean over the column's share of the time.
    std::vector<double> powers(window / 2);
    const size_t begin = last * column / columns;
    const size_t end = std::max(begin + 1, last * (column + 1) / columns);
    double count = 0;
    for (size_t at = begin; at < end; at += window / 4, ++count) {
      for (size_t i = 0; i < window; ++i) {
        const double hann =
            1 - std::cos(2 * std::numbers::pi * (static_cast<double>(i) + 0.5) /
                         static_cast<double>(window));
        values[i] = hann * samples[at + i] / 32768.0;
      }
      Transform(values);
      for (size_t k = 0; k < window / 2; ++k) {
        // A sine of amplitude 1 on bin k sums up to window / 2 there.
        const double amplitude =
            2 * std::abs(values[k]) / static_cast<double>(window);
        powers[k] += amplitude * amplitude / 2;
      }
    }
    for (size_t k = 0; k < window / 2; ++k) {
      rows[k][column] = 10 * std::log10(powers[k] / count + 1e-12);
    }
  }
  return rows;
}

void Draw(const Scope& scope, Report& report, std::string_view file,
          std::string_view caption, std::span<const Panel> panels,
          int width_pixels, int height_pixels) {
  report.Picture(file, caption);
  if (scope.plots.empty()) return;
  const std::filesystem::path png = scope.plots / file;
  std::error_code ignored;
  std::filesystem::remove(png, ignored);
  const std::filesystem::path script = png.string() + ".gnuplot";
  std::ofstream(script) << Script(panels, png.string(), width_pixels,
                                  height_pixels);
  const std::string command = "gnuplot '" + script.string() + "'";
  // The path is the one the program was given, by whoever runs it.
  const int status = std::system(command.c_str());  // NOLINT(cert-env33-c)
  const bool drawn = status == 0 && std::filesystem::exists(png, ignored);
  if (drawn) std::filesystem::remove(script, ignored);
  const auto bytes =
      drawn ? static_cast<double>(std::filesystem::file_size(png)) : 0;
  report.AtLeast("picture " + std::string(file) + ", bytes", bytes, 1000);
  report.AtMost("picture " + std::string(file) + ", bytes", bytes,
                kMaxPictureBytes);
}

}  // namespace trunkline::quality
