#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace trunkline::test {

// What stands between the markers `<!-- NAME: generated -->` and `<!-- NAME:
// end -->` of a document, by `by`; "" if they are missing.
inline std::string Replaced(const std::string& text, const std::string& name,
                            const std::string& by) {
  const std::string begin = "<!-- " + name + ": generated -->\n";
  const std::string end = "<!-- " + name + ": end -->\n";
  const size_t from = text.find(begin);
  const size_t to = text.find(end);
  if (from == std::string::npos || to == std::string::npos || to < from) {
    return "";
  }
  return text.substr(0, from + begin.size()) + by + text.substr(to);
}

// docs/conformance.md as it is.
inline std::string ConformanceDocument() {
  std::ifstream file(TRUNKLINE_SOURCE_DIR "/docs/conformance.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Fails unless the document is `expected`, what generated tables make of it.
// CONFORMANCE_UPDATE=1 writes it; the test fails while it is set.
inline void ExpectConformanceDocument(const std::string& expected,
                                      const std::string& how) {
  ASSERT_FALSE(expected.empty()) << "docs/conformance.md has no markers";
  if (std::getenv("CONFORMANCE_UPDATE") != nullptr) {
    std::ofstream(TRUNKLINE_SOURCE_DIR "/docs/conformance.md") << expected;
    FAIL() << "written anew";
  }
  EXPECT_EQ(ConformanceDocument(), expected)
      << "CONFORMANCE_UPDATE=1 " << how << " writes it anew";
}

}  // namespace trunkline::test
