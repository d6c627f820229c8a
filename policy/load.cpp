#include "base/fd.hpp"
#include "base/toml.hpp"
#include "policy/settings.hpp"
#include "policy/table.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/core.h>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace railhead {

namespace {

// A settings file is a page; something a thousand times longer is the wrong file, and slurmctld reads this
// too.
constexpr std::size_t longest_file = 4 * 1024 * 1024;

Finding finding(Level level, std::string where, std::string thing, std::string seen, std::string next) {
    return {"settings", level, std::move(where), std::move(thing), std::move(seen), {}, std::move(next)};
}

tl::unexpected<Error> unreadable(const std::string& path, const std::string& reason) {
    return fail(ErrorKind::usage, finding(Level::fail, path, "the settings", "cannot be read: " + reason,
                                          "let its reader read it, or remove it"));
}

/// The file's text; nothing when there is no such file.
Result<std::optional<std::string>> text_of_file(const std::string& path) {
    if (path.empty()) return std::nullopt;
    // Opening a FIFO would wait for a writer, and reading a device may never end: slurmctld would stand
    // still.
    UniqueFd file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
    struct stat facts {};
    if (!file || fstat(file.get(), &facts) != 0) return unreadable(path, std::strerror(errno));
    if (S_ISDIR(facts.st_mode)) return unreadable(path, std::strerror(EISDIR));
    if (!S_ISREG(facts.st_mode)) return unreadable(path, "it is no regular file");
    std::string text(longest_file + 1, '\0');
    std::size_t length = 0;
    for (ssize_t got = 1; got > 0 && length < text.size();) {
        got = read(file.get(), text.data() + length, text.size() - length);
        if (got < 0) return unreadable(path, std::strerror(errno));
        length += static_cast<std::size_t>(got);
    }
    text.resize(length);
    if (text.size() > longest_file)
        return fail(ErrorKind::usage, finding(Level::fail, path, "the settings", "are longer than 4 MiB",
                                              "put Railhead's TOML settings there"));
    return text;
}

/// A section [submit.partition.NAME] or [submit.user.NAME].
struct Special {
    Whose whose;
    std::string name;
};

/// "submit.partition" or "submit.user".
std::string section_name(Whose whose) {
    return whose == Whose::partition ? "submit.partition" : "submit.user";
}

bool is_section(const std::string& name) {
    const auto& rows = settings_table();
    return std::any_of(rows.begin(), rows.end(),
                       [&](const Row& row) { return row.name.starts_with(name + "."); });
}

/// One file being read into the settings.
struct SettingsFile {
    const std::string& path;
    Origin::Kind kind;
    Loaded& loaded;
    bool checks = false; ///< goes on after a value that is none; origins name columns, too

    std::string line_of(const toml::source_region& source) const {
        return fmt::format("{}:{}", path, source.begin.line);
    }
    std::string at(const toml::source_region& source) const {
        return fmt::format("{}:{}", line_of(source), source.begin.column);
    }

    void warn(std::string where, std::string thing, std::string seen, std::string next) {
        loaded.findings.push_back(
            finding(Level::warn, std::move(where), std::move(thing), std::move(seen), std::move(next)));
    }

    void unknown(const std::string& where, const std::string& name) {
        auto nearest = nearest_setting(name);
        if (name.ends_with(".lock"))
            return warn(where, name, "is no setting", "lock = [...] stands before the first section");
        warn(where, name, "is no setting",
             nearest.empty() ? "see railhead.toml(5)" : fmt::format("did you mean {}?", nearest));
    }

    void no_section(std::string where, const std::string& name) {
        auto next = fmt::format("write [{}], and each of its settings in a line below", name);
        warn(std::move(where), name, "is a section, and no setting", std::move(next));
    }

    Result<void> read(const std::string& text);
    void read_locks(const toml::node& node);
    Result<void> read_section(const std::string& section, const toml::table& table);
    Result<void> read_special_sections(Whose whose, const toml::node& node);
    Result<void> read_special_section(const Special& special, const toml::table& table);
    Result<void> read_value(const Row& row, const Special* special, const toml::node& node);
};

/// Of a value that a setting may have.
std::optional<std::string> text_of_node(const toml::node& node) {
    if (auto text = node.value_exact<std::string>()) return *text;
    if (auto number = node.value_exact<std::int64_t>()) return fmt::format("{}", *number);
    if (auto number = node.value_exact<double>()) return fmt::format("{}", *number);
    if (auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
    return std::nullopt;
}

/// "an array", "a table", "a date-time".
std::string kind_of_node(const toml::node& node) {
    std::ostringstream kind;
    kind << node.type();
    return (node.is_array() ? "an " : "a ") + kind.str();
}

Result<void> SettingsFile::read_value(const Row& row, const Special* special, const toml::node& node) {
    Origin origin{kind, checks ? at(node.source()) : line_of(node.source())};
    auto text = text_of_node(node);
    // `dashboard = true` is what TOML suggests for a switch.
    if (row.type == Type::choice && node.is_boolean()) text = *node.value_exact<bool>() ? "on" : "off";
    // Who may not set it is told that, whatever the value is; hence a value that is one.
    auto value = text.value_or(std::string(row.preset));
    auto done = special ? loaded.settings.set_in(special->whose, special->name, row.key, value, origin)
                        : loaded.settings.set(row.key, value, origin);
    if (done && !text)
        done = fail(ErrorKind::usage, {.id = "setting",
                                       .where = origin.where,
                                       .thing = std::string(row.name),
                                       .seen = "is " + kind_of_node(node),
                                       .expected = expectation_of(row)});
    if (done) return {};
    done.error().finding.where = at(node.source());
    // What the writer may not set is ignored and said; a value that is none stops.
    bool forbidden = kind == Origin::Kind::user && done.error().finding.expected.empty();
    if (!forbidden && !checks) return done;
    done.error().finding.level = forbidden ? Level::warn : Level::fail;
    loaded.findings.push_back(std::move(done.error().finding));
    return {};
}

void SettingsFile::read_locks(const toml::node& node) {
    const toml::array* names = node.as_array();
    if (kind != Origin::Kind::site)
        return warn(at(node.source()), "lock", "may be set by the site only", "remove it");
    if (!names) return warn(at(node.source()), "lock", "is no list", "write lock = [\"launch.ports\"]");
    for (const toml::node& name : *names) {
        std::string text = text_of_node(name).value_or(kind_of_node(name));
        const Row* row = find_row(text);
        if (row)
            loaded.settings.lock(row->key, line_of(name.source()));
        else
            unknown(at(name.source()), text);
    }
}

Result<void> SettingsFile::read_special_section(const Special& special, const toml::table& table) {
    for (auto&& [key, node] : table) {
        std::string name = "submit." + std::string(key.str());
        const Row* row = find_row(name);
        if (!row) {
            unknown(at(key.source()), name);
            continue;
        }
        if (auto done = read_value(*row, &special, node); !done) return done;
    }
    return {};
}

Result<void> SettingsFile::read_special_sections(Whose whose, const toml::node& node) {
    const toml::table* sections = node.as_table();
    if (kind != Origin::Kind::site) {
        warn(at(node.source()), section_name(whose), "may be set by the site only", "remove it");
        return {};
    }
    if (!sections) {
        warn(at(node.source()), section_name(whose), "is no section",
             "write [" + section_name(whose) + ".NAME]");
        return {};
    }
    for (auto&& [name, section] : *sections) {
        const toml::table* table = section.as_table();
        if (!table) {
            no_section(at(name.source()), section_name(whose) + "." + std::string(name.str()));
            continue;
        }
        loaded.settings.note_place(whose, std::string(name.str()), at(name.source()));
        if (auto done = read_special_section({whose, std::string(name.str())}, *table); !done) return done;
    }
    return {};
}

Result<void> SettingsFile::read_section(const std::string& section, const toml::table& table) {
    for (auto&& [key, node] : table) {
        std::string name = section + "." + std::string(key.str());
        if (name == section_name(Whose::partition) || name == section_name(Whose::user)) {
            auto whose = name == section_name(Whose::user) ? Whose::user : Whose::partition;
            if (auto done = read_special_sections(whose, node); !done) return done;
            continue;
        }
        const Row* row = find_row(name);
        if (!row) {
            unknown(at(key.source()), name);
            continue;
        }
        if (auto done = read_value(*row, nullptr, node); !done) return done;
    }
    return {};
}

Result<void> SettingsFile::read(const std::string& text) {
    const auto top = parse_toml(text);
    if (!top) {
        const auto& fault = top.error();
        return fail(ErrorKind::usage,
                    finding(Level::fail, fmt::format("{}:{}:{}", path, fault.line, fault.column),
                            "the settings", fault.seen, "correct it"));
    }
    for (auto&& [key, node] : *top) {
        std::string name(key.str());
        if (name == "lock") {
            read_locks(node);
            continue;
        }
        const toml::table* section = node.as_table();
        if (!section) {
            is_section(name) ? no_section(at(key.source()), name) : unknown(at(key.source()), name);
            continue;
        }
        if (auto done = read_section(name, *section); !done) return done;
    }
    return {};
}

Result<void> load_file(const std::string& path, Origin::Kind kind, Loaded& loaded, bool checks = false) {
    auto text = text_of_file(path);
    if (!text) return tl::unexpected(text.error());
    if (!*text) return {};
    return SettingsFile{path, kind, loaded, checks}.read(**text);
}

Result<void> load_environment(const Environment& environment, Loaded& loaded) {
    std::set<std::string> known;
    for (const Row& row : settings_table()) known.insert(environment_name_of(row));
    for (const auto& [name, value] : environment.all()) {
        bool meant = name.starts_with("RAILHEAD_LAUNCH_") || name.starts_with("RAILHEAD_RAY_");
        if (meant && !known.contains(name))
            loaded.findings.push_back(
                finding(Level::warn, "the environment", name, "is no setting", "see railhead.toml(5)"));
    }
    for (const Row& row : settings_table()) {
        std::string name = environment_name_of(row);
        auto text = environment.get(name);
        if (!text) continue;
        auto done = loaded.settings.set(row.key, *text, {Origin::Kind::environment, name});
        if (done) continue;
        if (!done.error().finding.expected.empty()) return done;
        done.error().finding.level = Level::warn;
        loaded.findings.push_back(std::move(done.error().finding));
    }
    return {};
}

} // namespace

Result<Loaded> load_settings(const std::string& site_file, const std::string& user_file,
                             const Environment& environment) {
    Loaded loaded;
    if (auto done = load_file(site_file, Origin::Kind::site, loaded); !done)
        return tl::unexpected(done.error());
    if (auto done = load_file(user_file, Origin::Kind::user, loaded); !done)
        return tl::unexpected(done.error());
    if (auto done = load_environment(environment, loaded); !done) return tl::unexpected(done.error());
    return loaded;
}

Result<Loaded> check_settings(const std::string& file, Origin::Kind kind) {
    Loaded loaded;
    if (auto done = load_file(file, kind, loaded, true); !done) return tl::unexpected(done.error());
    return loaded;
}

std::string user_settings_file(const Environment& environment) {
    auto config = environment.get("XDG_CONFIG_HOME");
    if (config && !config->empty()) return *config + "/railhead/config.toml";
    auto home = environment.get("HOME");
    if (home && !home->empty()) return *home + "/.config/railhead/config.toml";
    return {};
}

} // namespace railhead
