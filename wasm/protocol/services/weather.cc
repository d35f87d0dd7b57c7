#include "protocol/services/weather.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>

namespace trunkline::protocol {
namespace {

// Behind the point of a degree.
constexpr int64_t kScale = 10'000;
constexpr size_t kDigits = 4;

// "-0.1278"; nullopt if it is no number in [-most, most].
std::optional<std::string> Degrees(const Json& arguments, const char* name,
                                   int64_t most) {
  const Json* value = FindMember(arguments, name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const auto degrees = value->get<double>();
  const auto bound = static_cast<double>(most);
  if (!(degrees >= -bound && degrees <= bound)) return std::nullopt;
  const auto scaled = static_cast<int64_t>(
      degrees * static_cast<double>(kScale) + (degrees < 0 ? -0.5 : 0.5));
  const int64_t size = scaled < 0 ? -scaled : scaled;
  const std::string fraction = std::to_string(size % kScale);
  std::string text = scaled < 0 ? "-" : "";
  text += std::to_string(size / kScale) + '.';
  text.append(kDigits - fraction.size(), '0');
  return text + fraction;
}

// WMO 4677 as far as the API uses it, in words that a voice can say.
struct Condition {
  int64_t code;
  std::string_view words;
};
constexpr Condition kConditions[] = {
    {0, "clear sky"},
    {1, "mostly clear"},
    {2, "partly cloudy"},
    {3, "overcast"},
    {45, "fog"},
    {48, "freezing fog"},
    {51, "light drizzle"},
    {53, "drizzle"},
    {55, "heavy drizzle"},
    {56, "light freezing drizzle"},
    {57, "freezing drizzle"},
    {61, "light rain"},
    {63, "rain"},
    {65, "heavy rain"},
    {66, "light freezing rain"},
    {67, "freezing rain"},
    {71, "light snow"},
    {73, "snow"},
    {75, "heavy snow"},
    {77, "snow grains"},
    {80, "light rain showers"},
    {81, "rain showers"},
    {82, "violent rain showers"},
    {85, "light snow showers"},
    {86, "snow showers"},
    {95, "thunderstorm"},
    {96, "thunderstorm with light hail"},
    {99, "thunderstorm with hail"},
};

// A number of the answer, under the name that the model reads.
struct Field {
  const char* name;
  const char* told;
};
constexpr Field kNow[] = {
    {"temperature_2m", "temperatureC"},
    {"apparent_temperature", "feelsLikeC"},
    {"relative_humidity_2m", "humidityPercent"},
    {"precipitation", "precipitationMm"},
    {"wind_speed_10m", "windKmh"},
};
constexpr Field kToday[] = {
    {"temperature_2m_min", "todayMinC"},
    {"temperature_2m_max", "todayMaxC"},
    {"precipitation_probability_max", "todayRainPercent"},
};

}  // namespace

Json WeatherTool() {
  Json tool = ParseJson(R"({"type":"function",
      "description":"The weather at a place, now and today.",
      "parameters":{"type":"object","required":["latitude","longitude"],
        "properties":{
          "latitude":{"type":"number","minimum":-90,"maximum":90,
            "description":"Degrees north; negative is south."},
          "longitude":{"type":"number","minimum":-180,"maximum":180,
            "description":"Degrees east; negative is west."}}}})")
                  .value_or(Json());
  tool["name"] = kWeatherTool;
  return tool;
}

WeatherRequest AskForWeather(const Json& arguments) {
  const auto latitude = Degrees(arguments, "latitude", 90);
  if (!latitude) {
    return {{}, "arguments: latitude must be a number from -90 to 90"};
  }
  const auto longitude = Degrees(arguments, "longitude", 180);
  if (!longitude) {
    return {{}, "arguments: longitude must be a number from -180 to 180"};
  }
  std::string path = "/v1/forecast?latitude=" + *latitude;
  path += "&longitude=" + *longitude;
  const auto add = [&path](const char* key, std::span<const Field> fields,
                           std::string_view more) {
    path += key;
    for (const Field& field : fields) {
      path += field.name;
      path += ',';
    }
    path += more;
  };
  add("&current=", kNow, "weather_code,is_day");
  add("&daily=", kToday, "weather_code");
  path += "&forecast_days=1&timezone=auto";
  return {std::move(path), {}};
}

std::optional<std::string> ReadWeather(const Json& answer) {
  const Json* current = FindMember(answer, "current");
  if (current == nullptr) return std::nullopt;
  const Json* temperature = FindMember(*current, kNow[0].name);
  if (temperature == nullptr || !temperature->is_number()) return std::nullopt;
  Json told = Json::object();
  for (const Field& field : kNow) {
    const Json* value = FindMember(*current, field.name);
    if (value != nullptr && value->is_number()) told[field.told] = *value;
  }
  if (const auto code = IntegerMember(*current, "weather_code")) {
    const auto* const found = std::find_if(
        std::begin(kConditions), std::end(kConditions),
        [&code](const Condition& one) { return one.code == *code; });
    if (found != std::end(kConditions)) told["conditions"] = found->words;
  }
  if (const auto is_day = IntegerMember(*current, "is_day")) {
    told["isDay"] = *is_day != 0;
  }
  if (const Json* daily = FindMember(answer, "daily")) {
    for (const Field& field : kToday) {
      const Json* values = FindMember(*daily, field.name);
      if (values == nullptr || !values->is_array() || values->empty()) continue;
      if (values->front().is_number()) told[field.told] = values->front();
    }
  }
  return PrintJson(told);
}

}  // namespace trunkline::protocol
