#include "protocol/services/weather.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trunkline::protocol {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string PathTo(const char* latitude, const char* longitude) {
  const std::string text = std::string(R"({"latitude":)") + latitude +
                           R"(,"longitude":)" + longitude + "}";
  const WeatherRequest request = AskForWeather(Json::parse(text));
  EXPECT_TRUE(request.path.empty() || request.fault.empty());
  return request.path.empty() ? request.fault : request.path;
}

TEST(WeatherTest, PlacesAreWrittenWithFourDigits) {
  struct Place {
    const char* latitude;
    const char* longitude;
    const char* written;
  };
  constexpr Place kPlaces[] = {
      {"52.52", "13.41", "latitude=52.5200&longitude=13.4100&"},
      {"-33.86785", "151.20732", "latitude=-33.8679&longitude=151.2073&"},
      {"90", "-180", "latitude=90.0000&longitude=-180.0000&"},
      {"0", "-0.00004", "latitude=0.0000&longitude=0.0000&"},
      {"0.00005", "-0.00006", "latitude=0.0001&longitude=-0.0001&"},
      {"1e-300", "1e1", "latitude=0.0000&longitude=10.0000&"},
  };
  for (const auto& [latitude, longitude, written] : kPlaces) {
    const std::string path = PathTo(latitude, longitude);
    EXPECT_THAT(path, StartsWith("/v1/forecast?" + std::string(written)));
    EXPECT_THAT(path, HasSubstr("&current=temperature_2m,"));
    EXPECT_THAT(path, EndsWith("&forecast_days=1&timezone=auto"));
    EXPECT_EQ(path.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"
                                     "/?=&_,.-"),
              std::string::npos);
  }
}

TEST(WeatherTest, WhatIsNoPlaceIsSaidByName) {
  const std::string latitude =
      "arguments: latitude must be a number from -90 to 90";
  for (const char* wrong :
       {"90.0001", "-91", "1e9", "\"52\"", "null", "true", "[1]", "{}"}) {
    EXPECT_EQ(PathTo(wrong, "0"), latitude) << wrong;
  }
  EXPECT_EQ(PathTo("0", "180.1"),
            "arguments: longitude must be a number from -180 to 180");
  EXPECT_EQ(AskForWeather(Json::object()).fault, latitude);
  EXPECT_EQ(AskForWeather(Json::array()).fault, latitude);
}

TEST(WeatherTest, AnAnswerIsToldInFewWords) {
  const Json answer = Json::parse(R"({"latitude":52.52,"elevation":38.0,
      "current_units":{"temperature_2m":"C"},
      "current":{"time":"2026-11-29T20:00","interval":900,
        "temperature_2m":4.3,"apparent_temperature":0.8,
        "relative_humidity_2m":87,"precipitation":0.1,"wind_speed_10m":14.8,
        "weather_code":61,"is_day":0},
      "daily":{"time":["2026-11-29"],"temperature_2m_min":[2.1],
        "temperature_2m_max":[6.0],"precipitation_probability_max":[85]}})");
  const auto told = ReadWeather(answer);
  ASSERT_TRUE(told);
  EXPECT_EQ(Json::parse(*told), Json::parse(R"({"temperatureC":4.3,
      "feelsLikeC":0.8,"humidityPercent":87,"precipitationMm":0.1,
      "windKmh":14.8,"conditions":"light rain","isDay":false,
      "todayMinC":2.1,"todayMaxC":6.0,"todayRainPercent":85})"));
  EXPECT_EQ(told->find_first_of("\n\t"), std::string::npos);
}

TEST(WeatherTest, WhatIsMissingIsLeftOut) {
  EXPECT_EQ(ReadWeather(Json::parse(R"({"current":{"temperature_2m":-3,
      "weather_code":42,"wind_speed_10m":null},
      "daily":{"temperature_2m_max":[],"temperature_2m_min":[null]}})")),
            R"({"temperatureC":-3})");
  for (const char* other :
       {"{}", "[]", "null", R"({"current":[]})",
        R"({"current":{"temperature_2m":"4"}})",
        R"({"error":true,"reason":"Latitude must be in range"})"}) {
    EXPECT_EQ(ReadWeather(Json::parse(other)), std::nullopt) << other;
  }
}

TEST(WeatherTest, TheToolIsOneOfAProviders) {
  const Json tool = WeatherTool();
  EXPECT_EQ(tool["name"], "get_weather");
  EXPECT_EQ(tool["type"], "function");
  EXPECT_EQ(tool["parameters"]["required"],
            Json::parse(R"(["latitude","longitude"])"));
}

}  // namespace
}  // namespace trunkline::protocol
