#pragma once
#include "policy/settings.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace railhead {

enum class Type {
    choice,  ///< one of Row::choices
    text,    ///< at most Row::high bytes
    path,    ///< text; must begin with '/' unless empty; at most Row::high bytes
    subnet,  ///< empty, "10.1.0.0/16" or "fd00::/8"
    ports,   ///< "LOW-HIGH", both within Row::low..Row::high
    seconds, ///< a number of seconds or text such as "90s", "2m", "1h", "500ms"
    count,   ///< a whole number within Row::low..Row::high
    bytes,   ///< a number of bytes or text such as "512M", "20G" (powers of 1024)
};

enum class Scope {
    site, ///< only the site's file may set it
    user, ///< the user's file, RAILHEAD_* and options may set it too, unless the site locks it
};

/// One setting. The names in etc/railhead.toml, the environment, `railhead config show` and
/// railhead.toml(5) all come from `name`.
struct Row {
    Key key;
    std::string_view name; ///< "launch.loss_after": section, dot, key
    Type type;
    std::string_view preset; ///< as text; parsed like any other source
    Scope scope;
    double low = 0;             ///< lowest value, in the type's unit
    double high = 0;            ///< highest value, in the type's unit; for text and path: bytes
    std::string_view choices{}; ///< "any compact"
    bool per_partition = false; ///< may stand in [submit.partition.NAME] and [submit.user.NAME]
    std::string_view documentation;
};

/// All settings, in the order of Key.
std::span<const Row> settings_table();
const Row& row_of(Key key);
const Row* find_row(std::string_view name); ///< nullptr: no such setting

std::string_view section_of(const Row& row);     ///< "launch"
std::string_view short_name_of(const Row& row);  ///< "loss_after"
std::string environment_name_of(const Row& row); ///< "RAILHEAD_LAUNCH_LOSS_AFTER"
std::string_view unit_of(const Row& row);        ///< "s", "bytes" or ""
std::string_view section_title(std::string_view section);

/// What a value may be, as a phrase: "a time from 1 s to 1 d, such as 90, \"90s\" or \"2m\"".
std::string expectation_of(const Row& row);

/// Parses `text` as a value of `row`; nothing when it is not one (expectation_of says what it should be).
std::optional<Value> parse_value(const Row& row, std::string_view text);

/// The value as text that parse_value reads back, without unit: "60", "0.5", "20000-29999".
std::string text_of(const Value& value);

/// The setting whose name is nearest to `name`, if one is near enough to be meant: a misspelling.
std::string_view nearest_setting(std::string_view name);

} // namespace railhead
