#include "conformance.h"

#include <gtest/gtest.h>

#include <cctype>
#include <ostream>

#include "support/generated_text.h"

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

TEST(ConformanceTest, TheDocumentHasTheTables) {
  ExpectConformanceDocument(
      Replaced(Replaced(ConformanceDocument(), "legs", LegTable()), "agents",
               AgentTable()),
      "build/asan/tests/protocol_test --gtest_filter='ConformanceTest.*'");
}

}  // namespace
}  // namespace trunkline::test
