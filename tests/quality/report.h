#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What `npm run quality` measures. Each file <name>_quality.cc of this folder
// registers one section; the sections together are docs/audio-quality.md. What
// a section demands of a figure it says with AtMost, AtLeast or Exactly, and
// the program fails when a demand does not hold.

namespace trunkline::quality {

// How much is measured.
enum class Extent {
  kSubset,  // all sections together within two minutes: for every test run
  kFull,    // what the document shows
};

struct Scope {
  Extent extent = Extent::kSubset;
  // Where PNGs go; empty for none.
  std::filesystem::path plots;
};

class Report {
 public:
  // A paragraph of Markdown.
  void Text(std::string_view paragraph);
  void Table(std::span<const std::string> header,
             std::span<const std::vector<std::string>> rows);
  // A picture that `plots/file` holds.
  void Picture(std::string_view file, std::string_view caption);

  // Demands. `what` names the figure with its unit: "images, dB". They are
  // listed at the end of the section with figure and limit.
  void AtMost(std::string_view what, double figure, double limit);
  void AtLeast(std::string_view what, double figure, double limit);
  void Exactly(std::string_view what, double figure, double wanted);

  const std::string& markdown() const { return markdown_; }
  int held() const { return held_; }
  int broken() const { return broken_; }
  // The section's demands as a list; empties it.
  std::string TakeDemands();

 private:
  void Demand(std::string_view what, double figure, std::string_view relation,
              double limit, bool holds);

  std::string markdown_;
  std::string demands_;
  int held_ = 0;
  int broken_ = 0;
};

using MeasureFunction = void (*)(const Scope&, Report&);

// At namespace scope of a section's file. Sections stand in the order of
// `position`, then of title.
struct Section {
  Section(int position, std::string_view title, MeasureFunction measure);
  int position;
  std::string_view title;
  MeasureFunction measure;
};

// A figure with `decimals` decimals.
std::string Fixed(double figure, int decimals);

}  // namespace trunkline::quality
