#include "policy/settings.hpp"

#include "policy/table.hpp"

namespace railhead {

namespace {

Finding refusal(const Row& row, const Origin& origin, std::string seen, std::string expected,
                std::string next) {
    return {.id = "setting",
            .level = Level::fail,
            .where = origin.where,
            .thing = std::string(row.name),
            .seen = std::move(seen),
            .expected = std::move(expected),
            .next = std::move(next)};
}

Result<Value> checked(const Row& row, const std::string& text, const Origin& origin) {
    if (auto value = parse_value(row, text)) return *value;
    // A hostile or mistaken value can be a whole file; its beginning is enough to find it.
    std::string shown = text.size() > 60 ? text.substr(0, 60) + "..." : text;
    return fail(ErrorKind::usage, refusal(row, origin, "is \"" + shown + "\"", expectation_of(row), {}));
}

} // namespace

Settings::Settings() {
    for (const Row& row : settings_table()) entries_.push_back({*parse_value(row, row.preset), {}, {}});
}

bool Settings::boolean(Key key) const {
    return text(key) == "on";
}

std::int64_t Settings::integer(Key key) const {
    return std::get<std::int64_t>(entry(key).value);
}

double Settings::seconds(Key key) const {
    return std::get<double>(entry(key).value);
}

const std::string& Settings::text(Key key) const {
    return std::get<std::string>(entry(key).value);
}

const Origin& Settings::origin(Key key) const {
    return entry(key).origin;
}

const Settings::Entry& Settings::entry_for_partition(Key key, const std::string& partition) const {
    auto section = partitions_.find(partition);
    if (section == partitions_.end()) return entry(key);
    auto found = section->second.find(key);
    return found == section->second.end() ? entry(key) : found->second;
}

const std::string& Settings::text_for_partition(Key key, const std::string& partition) const {
    return std::get<std::string>(entry_for_partition(key, partition).value);
}

double Settings::seconds_for_partition(Key key, const std::string& partition) const {
    return std::get<double>(entry_for_partition(key, partition).value);
}

const Origin* Settings::origin_for_partition(Key key, const std::string& partition) const {
    auto section = partitions_.find(partition);
    if (section == partitions_.end()) return nullptr;
    auto found = section->second.find(key);
    return found == section->second.end() ? nullptr : &found->second.origin;
}

std::vector<std::string> Settings::partitions() const {
    std::vector<std::string> names;
    for (const auto& [name, section] : partitions_) names.push_back(name);
    return names;
}

Result<void> Settings::set(Key key, const std::string& text, Origin origin) {
    const Row& row = row_of(key);
    Entry& entry = entries_[static_cast<std::size_t>(key)];
    if (origin.kind != Origin::Kind::site && origin.kind != Origin::Kind::preset) {
        if (row.scope == Scope::site)
            return fail(ErrorKind::usage,
                        refusal(row, origin, "may be set by the site only", {}, "remove it"));
        if (!entry.locked_at.empty())
            return fail(
                ErrorKind::usage,
                refusal(row, origin, "is locked by the site (" + entry.locked_at + ")", {}, "remove it"));
    }
    auto value = checked(row, text, origin);
    if (!value) return tl::unexpected(value.error());
    entry.value = *value;
    entry.origin = std::move(origin);
    return {};
}

Result<void> Settings::set_for_partition(const std::string& partition, Key key, const std::string& text,
                                         Origin origin) {
    const Row& row = row_of(key);
    if (!row.per_partition)
        return fail(ErrorKind::usage, refusal(row, origin, "cannot differ between partitions", {},
                                              "set it in [" + std::string(section_of(row)) + "]"));
    auto value = checked(row, text, origin);
    if (!value) return tl::unexpected(value.error());
    partitions_[partition][key] = {*value, std::move(origin), {}};
    return {};
}

} // namespace railhead
