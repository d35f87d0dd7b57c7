#include "protocol/services/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/sse_reference.h"

namespace trunkline::protocol {
namespace {

using test::ReadEventStream;
using test::SseReading;
using testing::ElementsAre;
using testing::IsEmpty;
using Event = SseReading::Event;

std::span<const uint8_t> Bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void Push(SseParser& parser, std::string_view piece,
          std::vector<Event>& events) {
  std::span<const uint8_t> in = Bytes(piece);
  while (const std::optional<SseParser::Event> event = parser.Next(in)) {
    events.push_back({std::string(event->type), std::string(event->data)});
  }
  EXPECT_TRUE(in.empty());
}

SseReading Read(std::string_view stream) {
  SseParser parser;
  SseReading reading;
  Push(parser, stream, reading.events);
  EXPECT_EQ(parser.error(), SseParser::Error::kNone);
  reading.cut_off = parser.is_cut_off();
  return reading;
}

Event Message(std::string data) { return {"message", std::move(data)}; }

struct SseCase {
  const char* name;
  std::string stream;
  std::vector<Event> events;
  bool cut_off = false;
};

std::vector<SseCase> Cases() {
  using namespace std::string_literals;
  return {
      // The examples of the standard.
      {"TwoTypes",
       "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n",
       {{"add", "73857293"}, {"remove", "2153"}}},
      {"StockTicker",
       "data: YHOO\ndata: +2\ndata: 10\n\n",
       {Message("YHOO\n+2\n10")}},
      {"CommentsIdsAndAnUnterminatedOne",
       ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\n"
       "id\n\ndata:  third event\n",
       {Message("first event"), Message("second event")},
       true},
      {"EmptyData",
       "data\n\ndata\ndata\n\ndata:",
       {Message(""), Message("\n")},
       true},
      {"OneSpaceIsRemoved",
       "data:test\n\ndata: test\n\ndata:  test\n\n",
       {Message("test"), Message("test"), Message(" test")}},
      // Ends of lines.
      {"Cr", "data: a\r\rdata: b\r\r", {Message("a"), Message("b")}},
      {"CrLf", "data: a\r\n\r\ndata: b\r\n\r\n", {Message("a"), Message("b")}},
      {"Mixed",
       "data: a\r\n\ndata: b\r\n\rdata: c\n\r",
       {Message("a"), Message("b"), Message("c")}},
      {"LfCrIsTwo", "data: a\n\rdata: b\n\r", {Message("a"), Message("b")}},
      // What is in front.
      {"ByteOrderMark",
       "\xEF\xBB\xBF"
       "data: a\n\n",
       {Message("a")}},
      {"OnlyOneByteOrderMark",
       "\xEF\xBB\xBF\xEF\xBB\xBF"
       "data: a\n\n",
       {}},
      {"ByteOrderMarkInside",
       "data: \xEF\xBB\xBF"
       "a\n\n",
       {Message("\xEF\xBB\xBF"
                "a")}},
      {"ByteOrderMarkAlone", "\xEF\xBB\xBF\ndata: a\n\n", {Message("a")}},
      // Fields.
      {"KeepAlives", ":\n\n: ping\n\n:data: no\n\n", {}},
      {"UnknownOnes",
       "retry: 5\nid: 7\ndatas: no\nDATA: no\n data: no\n\n",
       {}},
      {"TypeWithoutData", "event: lost\n\ndata: a\n\n", {Message("a")}},
      {"LastTypeWins", "event: a\nevent: b\ndata\n\n", {{"b", ""}}},
      {"EmptyTypeIsMessage", "event: a\nevent\ndata: x\n\n", {Message("x")}},
      {"TypeAfterData", "data: x\nevent: late\n\n", {{"late", "x"}}},
      {"Colons", "data: a:b: c\n\n", {Message("a:b: c")}},
      {"Nul", "data: a\0b\nid: \0\n\n"s, {Message("a\0b"s)}},
      // UTF-8.
      {"Characters",
       "data: \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n\n",
       {Message("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")}},
      {"Malformed",
       "data: a\xC3\ndata: \xFF"
       "b\n\n",
       {Message("a\xEF\xBF\xBD\n\xEF\xBF\xBD"
                "b")}},
      // Ends.
      {"Nothing", "", {}},
      {"OnlyAByteOrderMark", "\xEF\xBB\xBF", {}},
      {"HalfAByteOrderMark", "\xEF\xBB", {}, true},
      {"CutOffCommentBehindIt", "\xEF\xBB\xBF: wai", {}},
      {"CutOffData", "data: a\n\ndata: b\n", {Message("a")}, true},
      {"CutOffLine", "data: a\n\nda", {Message("a")}, true},
      {"CutOffComment", "data: a\n\n: wai", {Message("a")}},
      {"OnlyATypeLeft", "data: a\n\nevent: x\n", {Message("a")}},
  };
}

TEST(SseTest, ReadsWhatTheStandardSays) {
  for (const SseCase& each : Cases()) {
    const SseReading read = Read(each.stream);
    EXPECT_EQ(read.events, each.events) << each.name;
    EXPECT_EQ(read.cut_off, each.cut_off) << each.name;
    // And the judge of the fuzzer says the same.
    const SseReading reference = ReadEventStream(each.stream);
    EXPECT_EQ(reference.events, each.events) << each.name;
    EXPECT_EQ(reference.cut_off, each.cut_off) << each.name;
  }
}

TEST(SseTest, NoCutChangesWhatIsRead) {
  for (const SseCase& each : Cases()) {
    const std::string_view stream = each.stream;
    for (size_t first = 0; first <= stream.size(); ++first) {
      for (size_t second = first; second <= stream.size(); ++second) {
        SseParser parser;
        std::vector<Event> events;
        Push(parser, stream.substr(0, first), events);
        Push(parser, stream.substr(first, second - first), events);
        Push(parser, stream.substr(second), events);
        ASSERT_EQ(events, each.events)
            << each.name << ' ' << first << ' ' << second;
        ASSERT_EQ(parser.is_cut_off(), each.cut_off)
            << each.name << ' ' << first << ' ' << second;
      }
    }
  }
}

// Whoever waits for the LF that may follow a CR waits for the next event.
TEST(SseTest, ACrEndsAnEventAtOnce) {
  SseParser parser;
  std::vector<Event> events;
  Push(parser, "data: a\r\r", events);
  EXPECT_THAT(events, ElementsAre(Message("a")));
  EXPECT_FALSE(parser.is_cut_off());
  Push(parser, "\ndata: b\r\n\r", events);
  EXPECT_THAT(events, ElementsAre(Message("a"), Message("b")));
}

TEST(SseTest, AnEventComesBeforeWhatIsBehindItIsRead) {
  SseParser parser;
  const std::string_view stream = "data: a\n\ndata: b\n\n";
  std::span<const uint8_t> in = Bytes(stream);
  ASSERT_TRUE(parser.Next(in));
  EXPECT_EQ(in.size(), stream.size() / 2);
}

TEST(SseTest, ALineThatIsTooLongEndsAll) {
  const std::string longest(SseParser::kMaxLineBytes - 6, 'x');
  EXPECT_THAT(Read("data: " + longest + "\n\n").events,
              ElementsAre(Message(longest)));
  for (const size_t piece : {size_t{1}, size_t{1000}, size_t{1} << 20}) {
    // No comment is longer, either.
    for (const char* start : {"data: ", ":    :"}) {
      const std::string stream = "data: a\n\n" + (start + longest) + "x\n\n";
      SseParser parser;
      std::vector<Event> events;
      for (size_t at = 0; at < stream.size(); at += piece) {
        Push(parser, std::string_view(stream).substr(at, piece), events);
      }
      EXPECT_THAT(events, ElementsAre(Message("a")));
      EXPECT_EQ(parser.error(), SseParser::Error::kLineTooLong);
      EXPECT_TRUE(parser.is_cut_off());
      Push(parser, "\n\ndata: b\n\n", events);
      EXPECT_EQ(events.size(), 1U);
      parser.Reset();
      Push(parser, "data: b\n\n", events);
      EXPECT_EQ(events.back(), Message("b"));
    }
  }
}

TEST(SseTest, AnEventThatIsTooLongEndsAll) {
  const std::string line(1024, 'x');
  std::string stream = "event: e\n";
  size_t bytes = 1;
  for (; bytes + line.size() + 1 <= SseParser::kMaxEventBytes;
       bytes += line.size() + 1) {
    stream += "data: " + line + '\n';
  }
  // The LF between two lines counts, and so does the type.
  const size_t left = SseParser::kMaxEventBytes - bytes;
  EXPECT_EQ(
      Read(stream + "data: " + std::string(left, 'x') + "\n\n").events.size(),
      1U);
  SseParser parser;
  std::vector<Event> events;
  Push(parser, stream + "data: " + std::string(left + 1, 'x') + "\n\n", events);
  EXPECT_THAT(events, IsEmpty());
  EXPECT_EQ(parser.error(), SseParser::Error::kEventTooLong);
  // A type that comes late counts as well.
  SseParser typed;
  Push(typed,
       "data: " + std::string(SseParser::kMaxEventBytes - 6, 'x') +
           "\nevent: abcdefg\n\n",
       events);
  EXPECT_THAT(events, IsEmpty());
  EXPECT_EQ(typed.error(), SseParser::Error::kEventTooLong);
}

// A byte that is no character becomes three.
TEST(SseTest, TheBoundHoldsForWhatMalformedBytesBecome) {
  SseParser parser;
  std::vector<Event> events;
  Push(parser,
       "data: " + std::string(SseParser::kMaxEventBytes / 2, '\xFF') + "\n\n",
       events);
  EXPECT_THAT(events, IsEmpty());
  EXPECT_EQ(parser.error(), SseParser::Error::kEventTooLong);
}

}  // namespace
}  // namespace trunkline::protocol
