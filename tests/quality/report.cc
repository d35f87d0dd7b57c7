#include "quality/report.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <utility>

namespace trunkline::quality {
namespace {

std::vector<Section>& Sections() {
  static std::vector<Section> sections;
  return sections;
}

void AppendRow(std::string& markdown, std::span<const std::string> cells) {
  for (const std::string& cell : cells) markdown += "| " + cell + " ";
  markdown += "|\n";
}

// A limit as it was written: no more decimals than it has.
std::string Plain(double figure) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g", figure);
  return text;
}

}  // namespace

std::string Fixed(double figure, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, figure);
  return text;
}

void Report::Text(std::string_view paragraph) {
  markdown_.append(paragraph).append("\n\n");
}

void Report::Table(std::span<const std::string> header,
                   std::span<const std::vector<std::string>> rows) {
  AppendRow(markdown_, header);
  for (size_t i = 0; i < header.size(); ++i) markdown_ += "|---";
  markdown_ += "|\n";
  for (const std::vector<std::string>& row : rows) AppendRow(markdown_, row);
  markdown_ += "\n";
}

void Report::Picture(std::string_view file, std::string_view caption) {
  markdown_.append("![").append(caption).append("](images/");
  markdown_.append(file).append(")\n\n");
}

void Report::AtMost(std::string_view what, double figure, double limit) {
  Demand(what, figure, "at most", limit, figure <= limit);
}

void Report::AtLeast(std::string_view what, double figure, double limit) {
  Demand(what, figure, "at least", limit, figure >= limit);
}

void Report::Exactly(std::string_view what, double figure, double wanted) {
  Demand(what, figure, "exactly", wanted, figure == wanted);
}

void Report::Demand(std::string_view what, double figure,
                    std::string_view relation, double limit, bool holds) {
  (holds ? held_ : broken_) += 1;
  std::string line(what);
  line += ": " + Plain(figure) + " (";
  line.append(relation).append(" ").append(Plain(limit)).append(")");
  if (!holds) {
    line += " BROKEN";
    std::cerr << "BROKEN " << line << "\n";
  }
  demands_ += "- " + line + "\n";
}

std::string Report::TakeDemands() { return std::exchange(demands_, {}); }

Section::Section(int at, std::string_view name, MeasureFunction function)
    : position(at), title(name), measure(function) {
  Sections().push_back(*this);
}

// quality [--full] [--plots DIR] [--out FILE] [SECTION...]
// SECTION is how a title begins. The last line is `N passed, N failed`.
int Main(std::span<char*> arguments) {
  Scope scope;
  std::filesystem::path out;
  std::vector<std::string_view> wanted;
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const bool has_next = i + 1 < arguments.size();
    if (argument == "--full") {
      scope.extent = Extent::kFull;
    } else if (argument == "--plots" && has_next) {
      scope.plots = arguments[++i];
    } else if (argument == "--out" && has_next) {
      out = arguments[++i];
    } else if (argument.starts_with("-")) {
      std::cerr << "quality: " << argument << " is unknown or lacks a value\n";
      return 2;
    } else {
      wanted.push_back(argument);
    }
  }
  if (!scope.plots.empty()) std::filesystem::create_directories(scope.plots);

  std::vector<Section> sections = Sections();
  std::ranges::sort(sections, {}, [](const Section& section) {
    return std::pair(section.position, section.title);
  });
  int held = 0;
  int broken = 0;
  std::string document =
      "# Audio quality\n\n"
      "Written by `npm run quality -- --full`; not by hand. What is in "
      "brackets is a demand, which every test run checks on a part of the "
      "material.\n\n";
  for (const Section& section : sections) {
    const bool asked =
        wanted.empty() ||
        std::ranges::any_of(wanted, [&](std::string_view beginning) {
          return section.title.starts_with(beginning);
        });
    if (!asked) continue;
    std::cerr << "measuring " << section.title << "\n";
    Report report;
    section.measure(scope, report);
    held += report.held();
    broken += report.broken();
    document.append("## ").append(section.title).append("\n\n");
    document += report.markdown();
    const std::string demands = report.TakeDemands();
    if (!demands.empty()) document += demands + "\n";
  }
  while (document.ends_with("\n\n")) document.pop_back();
  if (out.empty()) {
    std::cout << document;
  } else {
    std::ofstream(out) << document;
  }
  std::cout << held << " passed, " << broken << " failed\n";
  return broken == 0 && held > 0 ? 0 : 1;
}

}  // namespace trunkline::quality

int main(int count, char** arguments) {
  return trunkline::quality::Main({arguments, static_cast<size_t>(count)});
}
