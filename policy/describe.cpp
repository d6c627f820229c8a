#include "policy/describe.hpp"

#include "policy/table.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace railhead {

namespace {

std::string_view name_of(Origin::Kind kind) {
    switch (kind) {
    case Origin::Kind::site:
        return "site";
    case Origin::Kind::user:
        return "user";
    case Origin::Kind::environment:
        return "environment";
    case Origin::Kind::option:
        return "option";
    case Origin::Kind::preset:
        break;
    }
    return "default";
}

std::string text_value(const Settings& settings, Key key) {
    Type type = row_of(key).type;
    if (type == Type::seconds) return text_of(settings.seconds(key));
    if (type == Type::bytes || type == Type::count) return text_of(settings.integer(key));
    return settings.text(key);
}

std::string value_in(const Settings& settings, Key key, Whose whose, const std::string& name) {
    std::string partition = whose == Whose::partition ? name : "", user = whose == Whose::user ? name : "";
    if (row_of(key).type == Type::seconds) return text_of(settings.seconds_for(key, partition, user));
    if (row_of(key).type == Type::count) return text_of(settings.integer_for(key, partition, user));
    return settings.text_for(key, partition, user);
}

std::string_view name_of(Whose whose) {
    return whose == Whose::partition ? "partition" : "user";
}

std::string shown(const Row& row, const std::string& value) {
    std::string text = value.empty() ? "\"\"" : value;
    if (!unit_of(row).empty()) text += fmt::format(" {}", unit_of(row));
    return text;
}

bool is_number(const Row& row) {
    return row.type == Type::seconds || row.type == Type::bytes || row.type == Type::count;
}

nlohmann::json number_or_text(const Row& row, const std::string& value) {
    if (is_number(row)) return nlohmann::json::parse(value);
    return value;
}

/// As a TOML value: numbers bare, text quoted.
std::string toml_value(const Row& row) {
    if (is_number(row)) return std::string(row.preset);
    return fmt::format("\"{}\"", row.preset);
}

std::string toml_comment(const Row& row) {
    return fmt::format("# {}\n# {}{}.\n", row.documentation,
                       row.type == Type::choice ? "One of " : "A value is ", expectation_of(row));
}

/// Quotes would group a macro's arguments, and a plain hyphen is typeset as a dash that nobody can paste.
std::string roff(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (c == '"')
            out += "\\(dq";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
    }
    return out;
}

} // namespace

std::string describe(const Settings& settings, std::string_view section) {
    std::string out;
    for (const Row& row : settings_table()) {
        if (!section.empty() && section_of(row) != section) continue;
        const Origin& origin = settings.origin(row.key);
        out += fmt::format("{:<28} {:<20} {}{}\n", row.name, shown(row, text_value(settings, row.key)),
                           origin.where.empty() ? "default" : origin.where,
                           settings.locked_at(row.key).empty() ? "" : ", locked by the site");
    }
    for (auto whose : {Whose::partition, Whose::user})
        for (const std::string& name : settings.sections(whose))
            for (const Row& row : settings_table())
                if (const auto* origin = settings.origin_in(whose, name, row.key))
                    out += fmt::format("{:<28} {:<20} {}, for {} {}\n", row.name,
                                       shown(row, value_in(settings, row.key, whose, name)), origin->where,
                                       name_of(whose), name);
    return out;
}

nlohmann::json describe_json(const Settings& settings) {
    auto rows = nlohmann::json::array();
    for (const Row& row : settings_table()) {
        const Origin& origin = settings.origin(row.key);
        rows.push_back({{"name", row.name},
                        {"value", number_or_text(row, text_value(settings, row.key))},
                        {"unit", unit_of(row)},
                        {"scope", row.scope == Scope::site ? "site" : "user"},
                        {"origin", name_of(origin.kind)},
                        {"where", origin.where},
                        {"locked_at", settings.locked_at(row.key)}});
    }
    nlohmann::json document = {{"v", 1}, {"settings", std::move(rows)}};
    for (auto whose : {Whose::partition, Whose::user}) {
        auto sections = nlohmann::json::object();
        for (const std::string& name : settings.sections(whose))
            for (const Row& row : settings_table())
                if (row.per_partition)
                    sections[name][std::string(row.name)] =
                        number_or_text(row, value_in(settings, row.key, whose, name));
        document[std::string(name_of(whose)) + "s"] = std::move(sections);
    }
    return document;
}

std::string default_toml() {
    std::string out =
        "# Railhead's site policy, read by job_submit_railhead.so, spank_railhead.so and railhead.\n"
        "# Install it as /etc/slurm/railhead.toml. Every line that is commented out shows the default.\n"
        "# A user's own file, ~/.config/railhead/config.toml, has the same form; [submit], [spank]\n"
        "# and [node] are the site's. railhead.toml(5) explains it; `railhead config show` prints what "
        "holds.\n"
        "\n"
        "# Settings that users may not change:\n"
        "# lock = [\"launch.ports\"]\n";
    std::string_view section;
    for (const Row& row : settings_table()) {
        if (section_of(row) != section) {
            section = section_of(row);
            out += fmt::format("\n# {}\n[{}]\n", section_title(section), section);
        } else {
            out += "\n";
        }
        out += toml_comment(row) + fmt::format("# {} = {}\n", short_name_of(row), toml_value(row));
    }
    return out;
}

std::string manual_of_settings() {
    std::string out;
    std::string_view section;
    for (const Row& row : settings_table()) {
        if (section_of(row) != section) {
            if (!section.empty()) out += ".El\n";
            section = section_of(row);
            out += fmt::format(".Ss [{}]: {}\n.Bl -tag -width Ds\n", section, roff(section_title(section)));
        }
        out += fmt::format(".It Ic {} No = {}\n{}\nThe value is {}.\n", short_name_of(row),
                           roff(toml_value(row)), roff(row.documentation), roff(expectation_of(row)));
        if (row.per_partition) out += "It may stand in a section of a partition or of a user.\n";
        if (row.scope == Scope::user) out += fmt::format("Environment: {}.\n", environment_name_of(row));
    }
    return out + ".El\n";
}

} // namespace railhead
