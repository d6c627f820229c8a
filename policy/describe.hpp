#pragma once
#include "policy/settings.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace railhead {

/// `railhead config show`: one line per setting with value, unit and origin; then the sections of partitions
/// and users. `section`: only the settings of that one ("submit"); empty: all.
std::string describe(const Settings& settings, std::string_view section = {});

/// The same as data (docs/schema/config.json): {"v": 1, "settings": [{"name", "value", "unit", "scope",
/// "origin", "where", "locked_at"}], "partitions": {NAME: {...}}, "users": {NAME: {...}}}.
nlohmann::json describe_json(const Settings& settings);

/// etc/railhead.toml: every setting at its default, commented out, with its documentation.
std::string default_toml();

/// The settings section of railhead.toml(5), in mdoc.
std::string manual_of_settings();

} // namespace railhead
