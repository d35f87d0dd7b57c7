#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace trunkline::protocol {

// The gateway's own tool get_weather: the weather at a place, from Open-Meteo's
// forecast API. Source: open-meteo.com/en/docs, GET /v1/forecast.

inline constexpr std::string_view kWeatherTool = "get_weather";
inline constexpr std::string_view kWeatherUpstream = "weather";

// As a provider takes a function tool.
Json WeatherTool();

// What to ask the upstream for, or what is wrong with the arguments, for the
// model that made them: one of the two.
struct WeatherRequest {
  std::string path;
  std::string fault;
};
// Latitude -90 to 90, longitude -180 to 180, degrees: numbers; at most four
// digits behind the point, 11 m, are asked for.
WeatherRequest AskForWeather(const Json& arguments);

// What a model is told of an answer, compact JSON: what of it is there.
// nullopt if it has no temperature: it is no answer.
std::optional<std::string> ReadWeather(const Json& answer);

}  // namespace trunkline::protocol
