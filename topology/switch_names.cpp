#include "topology/switch_names.hpp"

#include "topology/characters.hpp"
#include "topology/host_names.hpp"
#include "topology/line_reader.hpp"
#include "topology/natural.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead::topology {
namespace {

/// A name's parts begin after a separator, and where a letter follows a digit.
bool begins_part(std::string_view name, std::size_t at) {
    if (at == 0 || at >= name.size()) return true;
    bool before = is_letter(name[at - 1]) || is_digit(name[at - 1]),
         after = is_letter(name[at]) || is_digit(name[at]);
    return before != after || (is_digit(name[at - 1]) && is_letter(name[at]));
}

std::string_view without_edges(std::string_view text) {
    auto is_edge = [](char c) { return !is_letter(c) && !is_digit(c); };
    while (!text.empty() && is_edge(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_edge(text.back())) text.remove_suffix(1);
    return text;
}

std::size_t common_front(std::string_view a, std::string_view b) {
    auto size = std::min(a.size(), b.size());
    return static_cast<std::size_t>(
        std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(size), b.begin()).first - a.begin());
}
std::size_t common_back(std::string_view a, std::string_view b) {
    auto size = std::min(a.size(), b.size());
    return static_cast<std::size_t>(
        std::mismatch(a.rbegin(), a.rbegin() + static_cast<std::ptrdiff_t>(size), b.rbegin()).first -
        a.rbegin());
}

/// "-leaf12" -> "-leaf#"
std::string with_any_number(std::string_view text) {
    std::string shape;
    for (char c : text)
        if (!is_digit(c))
            shape += c;
        else if (!shape.ends_with('#'))
            shape += '#';
    return shape;
}

/// "MF0" in front of what a switch's own management software is called.
bool is_managed(std::string_view front) {
    return front.size() > 2 && front.starts_with("MF") && is_digit(front[2]);
}

/// "MQM8700/U1", whose chip ends it.
bool is_model(std::string_view text) {
    return text.rfind("/U") != text.npos && is_digit(text.back());
}

/// Not the name that a machine has before it gets one.
bool has_name(std::string_view text) {
    return !text.starts_with("localhost") && !text.starts_with("(none)");
}

/// A run of what cannot be in a name becomes one "-", none at the ends.
std::string cleaned(std::string_view text, std::size_t most) {
    std::string found;
    bool is_gap = false;
    for (char c : text) {
        if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_' && c != '.') {
            is_gap = true;
            continue;
        }
        const bool has_dash = found.empty() || found.back() == '-';
        if (is_gap && c == '-' && has_dash) continue;
        if (is_gap && c != '-' && !has_dash) found += '-';
        is_gap = false;
        found += c;
    }
    return fitting_name(std::move(found), most);
}

/// Of a director: "CS7500/L03/U1" -> "-L03".
std::string chip_in(std::string_view model) {
    auto slash = model.find('/');
    if (slash == model.npos) return {};
    auto chip = model.substr(slash + 1);
    chip = chip.substr(0, chip.find('/'));
    bool is_chip = is_host_name(chip) && chip.size() > 1 && chip.size() < max_name_bytes / 2 &&
                   (chip[0] == 'L' || chip[0] == 'S') && is_digit(chip[1]);
    return is_chip ? fmt::format("-{}", chip) : std::string();
}

} // namespace

std::string switch_name_from(std::string_view description) {
    auto semicolon = description.find(';');
    const bool managed = semicolon != description.npos && is_managed(description.substr(0, semicolon));
    if (managed) description.remove_prefix(semicolon + 1);
    std::string_view model;
    if (auto colon = description.find(':');
        colon != description.npos && (managed || is_model(description.substr(colon)))) {
        model = description.substr(colon + 1);
        description = description.substr(0, colon);
    }
    const auto text = trimmed(description);
    // "NVIDIA-leaf1" is somebody's; vendors write several words.
    if (is_vendor_text(text) && (text.find(' ') != text.npos || !has_name(text))) return {};
    const auto chip = chip_in(model);
    auto name = cleaned(text, max_name_bytes - chip.size());
    return name.empty() ? name : name.append(chip);
}

std::string switch_name_from(std::string_view description, std::uint64_t guid) {
    auto name = switch_name_from(description);
    return name.empty() ? fmt::format("S-{:016x}", guid) : name;
}

SwitchLabels::SwitchLabels(const Fabric& fabric) : fabric_(fabric) {
    std::set<std::string_view> described; // chips of one description have one name, and others rarely do
    for (const auto& device : fabric.devices)
        if (device.kind == DeviceKind::network_switch && !described.insert(device.description).second)
            shared_.insert(switch_name_from(device.description, device.guid));
}

std::string SwitchLabels::operator()(std::uint32_t device) const {
    const auto& its = fabric_.devices[device];
    auto name = switch_name_from(its.description, its.guid);
    return shared_.contains(name) ? fmt::format("{} (S-{:016x})", name, its.guid) : name;
}

std::string fitting_name(std::string name, std::size_t most) {
    if (name.size() <= most) return name;
    std::uint32_t hash = 2'166'136'261; // FNV-1a
    for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619;
    auto end = fmt::format("-{:08x}", hash);
    name.resize(most - end.size());
    while (name.ends_with('-')) name.pop_back();
    return name + end;
}

std::string numbered_name(const std::string& name, int number) {
    auto end = fmt::format("-{}", number);
    return name.substr(0, max_name_bytes - end.size()) + end;
}

bool ByDescription::operator()(std::uint32_t left, std::uint32_t right) const {
    const auto &one = fabric.devices[left], &other = fabric.devices[right];
    auto order = natural_order(one.description, other.description);
    return std::is_neq(order) ? std::is_lt(order) : one.guid < other.guid;
}

std::string common_name(const std::vector<std::string_view>& names) {
    if (names.empty()) return {};
    auto first = names.front();
    if (names.size() == 1) return std::string(first);
    std::size_t front = first.size(), back = first.size();
    for (auto name : names) {
        front = std::min(front, common_front(first, name));
        back = std::min(back, common_back(first, name));
    }
    auto ends_part = [&](std::size_t at) {
        return std::all_of(names.begin(), names.end(), [&](auto name) { return begins_part(name, at); });
    };
    while (front > 0 && !ends_part(front)) --front;
    auto starts_part = [&](std::size_t size) {
        return std::all_of(names.begin(), names.end(),
                           [&](auto name) { return begins_part(name, name.size() - size); });
    };
    back = std::min(back, first.size() - front);
    while (back > 0 && !starts_part(back)) --back;
    auto one = without_edges(first.substr(0, front)),
         other = without_edges(first.substr(first.size() - back));
    std::string joined(one);
    if (!one.empty() && !other.empty()) joined += '-';
    return joined.append(other);
}

std::optional<NameCut> cut_between(std::string_view leaf, std::string_view group) {
    if (group.empty() || leaf.size() <= group.size()) return std::nullopt;
    if (leaf.starts_with(group)) return NameCut{"", with_any_number(leaf.substr(group.size()))};
    if (leaf.ends_with(group))
        return NameCut{with_any_number(leaf.substr(0, leaf.size() - group.size())), ""};
    return std::nullopt;
}

std::string_view cut_off(std::string_view leaf, const NameCut& cut) {
    for (std::size_t at = 1; at < leaf.size(); ++at) {
        if (cut.front.empty() && begins_part(leaf, at) && with_any_number(leaf.substr(at)) == cut.back)
            return leaf.substr(0, at);
        if (cut.back.empty() && begins_part(leaf, at) && with_any_number(leaf.substr(0, at)) == cut.front)
            return leaf.substr(at);
    }
    return {};
}

} // namespace railhead::topology
