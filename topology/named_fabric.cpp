#include "topology/named_fabric.hpp"

#include "topology/characters.hpp"
#include "topology/host_names.hpp"
#include "topology/sets.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace railhead::topology {
namespace {

constexpr std::size_t most_shown_bytes = 100; ///< of a name that is none

/// FNV-1a, which is the same on every machine.
std::uint64_t hash_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

std::string at_line(std::uint32_t line) {
    return fmt::format("line {}", line);
}

} // namespace

std::uint32_t NamedFabric::network_switch(std::string_view name, std::uint32_t line) {
    return named(DeviceKind::network_switch, printable(name), line);
}

std::uint32_t NamedFabric::adapter(std::string_view host, std::string_view device, std::uint32_t line) {
    std::string name(host);
    if (!is_node_name(host)) {
        no_nodes_.try_emplace(printable(name).substr(0, most_shown_bytes), line);
        return none;
    }
    if (!device.empty()) {
        // One word, and nothing by which a vendor's text is known.
        auto word = is_vendor_text(device) ? in_lower_case(device) : std::string(device);
        std::replace(word.begin(), word.end(), ' ', '_');
        word = printable(word);
        name.append(" ").append(word);
    }
    return named(DeviceKind::adapter, name, line);
}

std::uint32_t NamedFabric::next_adapter(std::string_view host, std::uint32_t line) {
    return adapter(host, "port" + std::to_string(++unnamed_[std::string(host)]), line);
}

std::uint32_t NamedFabric::named(DeviceKind kind, const std::string& name, std::uint32_t line) {
    const auto key = kind == DeviceKind::adapter ? name : in_lower_case(name);
    for (auto guid = hash_of(key);; ++guid) { // another's hash is passed by
        const auto index = build_.device(kind, guid);
        auto& device = build_.at(index);
        if (device.description.empty()) {
            device.description = build_.keep(name);
            device.line = line;
            return index;
        }
        if (kind == DeviceKind::adapter ? device.description != key
                                        : in_lower_case(device.description) != key)
            continue;
        // Of several spellings the one with small letters first, in no order of the source.
        if (name > device.description) device.description = build_.keep(name);
        return index;
    }
}

void NamedFabric::link(std::uint32_t from, std::uint32_t to, std::uint32_t line, Rate rate,
                       std::optional<std::uint16_t> from_port) {
    if (from == none || to == none) return;
    auto next = [&](std::uint32_t device) {
        if (device >= ports_.size()) ports_.resize(device + std::size_t{1});
        return ++ports_[device];
    };
    if (from_port) given_ports_.push_back({from, to, line, *from_port});
    build_.link(from, from_port ? *from_port : next(from), to, next(to), rate, line);
}

Fabric NamedFabric::finish() && {
    tell_no_nodes();
    tell_repeated();
    tell_ports_used_twice();
    auto fabric = std::move(build_).finish();
    fabric.is_named = true;
    tell_nodes_that_are_switches(fabric);
    return fabric;
}

void NamedFabric::tell_no_nodes() {
    if (no_nodes_.empty()) return;
    std::vector<std::string> names;
    auto first = no_nodes_.begin()->second;
    for (const auto& [name, line] : no_nodes_) {
        names.push_back("\"" + name + "\"");
        first = std::min(first, line);
    }
    const bool is_one = names.size() == 1;
    build_.finding({.id = "node-name",
                    .level = Level::warn,
                    .where = at_line(first),
                    .thing = fmt::format("{} name{} ({})", names.size(), is_one ? "" : "s", examples(names)),
                    .seen = is_one ? "is no node's, and is left out" : "are no nodes', and are left out",
                    .expected = node_name_form,
                    .next = "give the host its name, and collect the source again"});
}

void NamedFabric::tell_repeated() {
    if (repeated_.empty()) return;
    const auto [line, first] = *std::min_element(repeated_.begin(), repeated_.end());
    build_.finding({.id = "cable-twice",
                    .level = Level::warn,
                    .where = at_line(line),
                    .thing = "the cable",
                    .seen = fmt::format("is told on line {} already{}, and counts once", first,
                                        repeated_.size() == 1
                                            ? ""
                                            : fmt::format(", the first of {} such cables", repeated_.size())),
                    .next = "take it out, or tell the other cable that was meant"});
}

void NamedFabric::tell_ports_used_twice() {
    std::sort(given_ports_.begin(), given_ports_.end(), [](const GivenPort& one, const GivenPort& other) {
        return std::tie(one.device, one.port, one.line) < std::tie(other.device, other.port, other.line);
    });
    const GivenPort *again = nullptr, *before = nullptr;
    std::size_t count = 0;
    for (std::size_t i = 1; i < given_ports_.size(); ++i) {
        const auto &one = given_ports_[i - 1], &other = given_ports_[i];
        if (one.device != other.device || one.port != other.port) continue;
        ++count;
        if (again && again->line <= other.line) continue;
        again = &other;
        before = &one;
    }
    if (!again) return;
    build_.finding({.id = "port-twice",
                    .level = Level::warn,
                    .where = at_line(again->line),
                    .thing = fmt::format("port {} of {}", again->port, build_.at(again->device).description),
                    .seen = fmt::format(
                        "has a cable to {} here and one to {} on line {}{}",
                        build_.at(again->other).description, build_.at(before->other).description,
                        before->line, count == 1 ? "" : fmt::format(", the first of {} such cables", count)),
                    .expected = "one cable a port",
                    .next = "look which line is wrong; both cables count"});
}

void NamedFabric::tell_nodes_that_are_switches(Fabric& fabric) {
    std::set<std::string> switches;
    for (const auto& device : fabric.devices)
        if (device.kind == DeviceKind::network_switch) switches.insert(in_lower_case(device.description));
    std::map<std::string, std::uint32_t> both; // name -> line
    for (const auto& device : fabric.devices) {
        if (device.kind != DeviceKind::adapter) continue;
        std::string host(device.description.substr(0, device.description.find(' ')));
        if (switches.contains(in_lower_case(host))) both.try_emplace(std::move(host), device.line);
    }
    if (both.empty()) return;
    std::vector<std::string> names;
    auto first = both.begin()->second;
    for (const auto& [name, line] : both) {
        names.push_back(name);
        first = std::min(first, line);
    }
    const bool is_one = names.size() == 1;
    fabric.findings.push_back(
        {.id = "node-and-switch",
         .level = Level::warn,
         .where = at_line(first),
         .thing = is_one ? names.front() : fmt::format("{} names ({})", names.size(), examples(names)),
         .seen = is_one ? "is a node and a switch" : "are nodes and switches",
         .expected = "one of them",
         .next = "leave out the cable on which a switch stands as a node, or name one of the two otherwise"});
}

} // namespace railhead::topology
