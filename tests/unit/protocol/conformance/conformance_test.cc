#include "conformance.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <fstream>
#include <ostream>
#include <sstream>

namespace trunkline::test {
namespace {

// "twilio_AudioHasTheCarrierSTime".
std::string TestName(const std::string& column, const char* row) {
  std::string name;
  for (const char c : column) {
    name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  name += '_';
  bool begins = true;
  for (const char* c = row; *c != '\0'; ++c) {
    const auto letter = static_cast<unsigned char>(*c);
    if (std::isalnum(letter) == 0) {
      begins = true;
      continue;
    }
    name += static_cast<char>(begins ? std::toupper(letter) : letter);
    begins = false;
  }
  return name;
}

// One cell of a table.
template <typename Row, typename Column>
struct Place {
  Column column;
  Row row;

  friend std::ostream& operator<<(std::ostream& out, const Place& place) {
    return out << place.column.name << ": " << ToString(place.row);
  }
};

template <typename Row, typename Column>
std::vector<Place<Row, Column>> Places(const std::vector<Column>& columns,
                                       size_t rows) {
  std::vector<Place<Row, Column>> places;
  for (const Column& column : columns) {
    for (size_t i = 0; i < rows; ++i) {
      places.push_back({column, static_cast<Row>(i)});
    }
  }
  return places;
}

template <typename Row, typename Column>
void CheckCell(const Column& column, Row row) {
  const auto cell = column.cells.find(row);
  ASSERT_NE(cell, column.cells.end())
      << column.name << " says nothing of: " << ToString(row);
  EXPECT_NE(cell->second.scripts.empty(), cell->second.not_applicable.empty());
  Check(column, cell->second);
}

using LegCell = Place<LegRow, LegColumn>;
class LegConformanceTest : public testing::TestWithParam<LegCell> {};
TEST_P(LegConformanceTest, Holds) {
  CheckCell(GetParam().column, GetParam().row);
}
INSTANTIATE_TEST_SUITE_P(Table, LegConformanceTest,
                         testing::ValuesIn(Places<LegRow>(LegColumns(),
                                                          kLegRows)),
                         [](const testing::TestParamInfo<LegCell>& cell) {
                           return TestName(cell.param.column.name,
                                           ToString(cell.param.row));
                         });

using AgentCell = Place<AgentRow, AgentColumn>;
class AgentConformanceTest : public testing::TestWithParam<AgentCell> {};
TEST_P(AgentConformanceTest, Holds) {
  CheckCell(GetParam().column, GetParam().row);
}
INSTANTIATE_TEST_SUITE_P(Table, AgentConformanceTest,
                         testing::ValuesIn(Places<AgentRow>(AgentColumns(),
                                                            kAgentRows)),
                         [](const testing::TestParamInfo<AgentCell>& cell) {
                           return TestName(cell.param.column.name,
                                           ToString(cell.param.row));
                         });

// Replaces what is between the two markers of `name`; "" if they are missing.
std::string Replaced(const std::string& text, const std::string& name,
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

// CONFORMANCE_UPDATE=1 writes the tables anew; the test fails while it is set.
TEST(ConformanceTest, TheDocumentHasTheTables) {
  const std::string path = TRUNKLINE_SOURCE_DIR "/docs/conformance.md";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const std::string expected = Replaced(
      Replaced(text.str(), "legs", LegTable()), "agents", AgentTable());
  ASSERT_FALSE(expected.empty()) << path << " has no markers";
  if (std::getenv("CONFORMANCE_UPDATE") != nullptr) {
    std::ofstream(path) << expected;
    FAIL() << "written anew";
  }
  EXPECT_EQ(text.str(), expected)
      << "CONFORMANCE_UPDATE=1 build/asan/tests/protocol_test "
         "--gtest_filter='ConformanceTest.*' writes it anew";
}

}  // namespace
}  // namespace trunkline::test
