#include "policy/settings.hpp"

#include "policy/table.hpp"

#include <algorithm>

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

std::vector<std::string> Settings::names(Key key) const {
    std::vector<std::string> found;
    for (std::string_view rest = text(key); !rest.empty();) {
        auto item = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(item.size() + 1, rest.size()));
        auto begin = std::min(item.find_first_not_of(' '), item.size());
        auto end = item.find_last_not_of(' ') + 1; // npos + 1 is 0
        if (begin < end) found.emplace_back(item.substr(begin, end - begin));
    }
    return found;
}

std::vector<std::string> Settings::named_users() const {
    auto found = sections(Whose::user);
    auto exempt = names(Key::submit_exempt_users);
    found.insert(found.end(), exempt.begin(), exempt.end());
    return found;
}

const Origin& Settings::origin(Key key) const {
    return entry(key).origin;
}

const Settings::Entry* Settings::entry_in(Whose whose, const std::string& name, Key key) const {
    auto section = all(whose).find(name);
    if (section == all(whose).end()) return nullptr;
    auto found = section->second.find(key);
    return found == section->second.end() ? nullptr : &found->second;
}

const Settings::Entry& Settings::entry_for(Key key, const std::string& partition,
                                           const std::string& user) const {
    if (const auto* own = entry_in(Whose::user, user, key)) return *own;
    if (const auto* there = entry_in(Whose::partition, partition, key)) return *there;
    return entry(key);
}

const std::string& Settings::text_for(Key key, const std::string& partition, const std::string& user) const {
    return std::get<std::string>(entry_for(key, partition, user).value);
}

std::int64_t Settings::integer_for(Key key, const std::string& partition, const std::string& user) const {
    return std::get<std::int64_t>(entry_for(key, partition, user).value);
}

double Settings::seconds_for(Key key, const std::string& partition, const std::string& user) const {
    return std::get<double>(entry_for(key, partition, user).value);
}

const Origin* Settings::origin_in(Whose whose, const std::string& name, Key key) const {
    const auto* found = entry_in(whose, name, key);
    return found ? &found->origin : nullptr;
}

std::string Settings::place_of(Whose whose, const std::string& name) const {
    const auto& places = places_[static_cast<std::size_t>(whose)];
    auto found = places.find(name);
    return found == places.end() ? std::string() : found->second;
}

std::vector<std::string> Settings::sections(Whose whose) const {
    std::vector<std::string> names;
    for (const auto& [name, section] : all(whose)) names.push_back(name);
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

Result<void> Settings::set_in(Whose whose, const std::string& name, Key key, const std::string& text,
                              Origin origin) {
    const Row& row = row_of(key);
    if (!row.per_partition)
        return fail(ErrorKind::usage, refusal(row, origin, "cannot differ between partitions or users", {},
                                              "set it in [" + std::string(section_of(row)) + "]"));
    auto value = checked(row, text, origin);
    if (!value) return tl::unexpected(value.error());
    sections_[static_cast<std::size_t>(whose)][name][key] = {*value, std::move(origin), {}};
    return {};
}

} // namespace railhead
