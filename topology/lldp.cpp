// Ethernet rails, by what lldpd says of the other end of each cable. For each system one object {"NAME":
// answer}, where the answer is that of `lldpcli -f json show neighbors`, or -f json0 (lldpcli(8)).
#include "topology/host_names.hpp"
#include "topology/json_stream.hpp"
#include "topology/named_fabric.hpp"
#include "topology/natural.hpp"
#include "topology/readers.hpp"
#include "topology/sets.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

namespace railhead::topology {
namespace {

using nlohmann::json;

/// One cable, as one of its ends tells it.
struct Neighbour {
    std::string system, port;      ///< which tells it
    std::string other, other_port; ///< whom it sees
    std::string chassis{};         ///< the other's MAC address, if that is its identifier
    std::uint32_t line = 0;
    bool forwards = false;    ///< the other says that it does: a switch, or a host with containers
    bool names_ports = false; ///< the other calls its port by a name; hosts do so by its address
};

/// Whom several switches see, and who tells nothing itself.
struct Forwarder {
    std::string name; ///< as NamedFabric would spell it
    std::set<std::string> seen_by;
    bool names_ports = true; ///< all of them
};

/// Calls take(port, object) for each interface, whichever of the three ways lists them: one object, a list of
/// objects with one member each, or (json0) a list of objects that have a name.
template <class Take>
void each_interface(const json& value, Take take) {
    if (value.is_array()) {
        for (const auto& each : value) each_interface(each, take);
    } else if (value.is_object()) {
        if (auto name = text_of(below(value, {"name"})); !name.empty()) return take(std::string(name), value);
        for (const auto& [name, object] : value.items()) take(name, object);
    }
}

/// {"leaf1": {"id": ...}}; in json0 {"name": [{"value": "leaf1"}], "id": ...}; one without a name goes by its
/// identifier.
std::string system_in(const json& chassis) {
    if (!chassis.is_object()) return {};
    if (auto name = text_of(below(chassis, {"name", "value"})); !name.empty()) return std::string(name);
    if (chassis.contains("id")) { // of MAC addresses, say, whose colons are none of a name
        std::string name(text_of(below(chassis, {"id", "value"})));
        std::replace(name.begin(), name.end(), ':', '-');
        return name;
    }
    return chassis.size() == 1 ? chassis.begin().key() : std::string();
}

/// The address by which a chassis tells itself from others of its name; empty: it has none.
std::string address_in(const json& chassis) {
    if (!chassis.is_object()) return {};
    const auto& id = below(chassis, {"id"});
    if (id.is_null() && chassis.size() == 1 && chassis.front().is_object())
        return address_in(chassis.front());
    if (text_of(below(id, {"type"})) != "mac") return {};
    std::string address(text_of(below(id, {"value"})));
    std::replace(address.begin(), address.end(), ':', '-');
    return address;
}

/// {"type": "Bridge", "enabled": true}, or a list of these.
bool is_forwarding(const json& capability) {
    if (capability.is_array()) return std::any_of(capability.begin(), capability.end(), is_forwarding);
    const auto type = text_of(below(capability, {"type"}));
    const auto& enabled = below(capability, {"enabled"});
    return (type == "Bridge" || type == "Router") && enabled.is_boolean() && enabled.get<bool>();
}

/// What the chassis says of itself, be its name around it or in it.
const json& capability_in(const json& chassis) {
    const auto& own = below(chassis, {"capability"});
    if (!own.is_null() || !chassis.is_object() || chassis.size() != 1) return own;
    return below(chassis.front(), {"capability"});
}

class LldpReader {
  public:
    LldpReader(Text text, LldpFrom from) : build_(std::move(text)), stream_(build_.text()), from_(from) {}

    Result<Fabric> read() {
        while (true) {
            auto answer = stream_.next();
            if (!answer) return tl::unexpected(std::move(answer.error()));
            if (!*answer) break;
            if (!(*answer)->is_object() || (*answer)->contains("lldp")) return wrong();
            for (const auto& [system, told] : (*answer)->items()) {
                const auto& found = below(told, {"lldp"});
                if (found.is_null() || system.empty()) return wrong();
                if (!systems_.insert(key_of(system)).second)
                    build_.finding({.id = "lldp-twice",
                                    .level = Level::warn,
                                    .where = system,
                                    .seen = "tells its neighbours twice",
                                    .next = "look whether two systems have that name"});
                take(system, below(found, {"interface"}));
            }
        }
        if (systems_.empty()) return wrong();
        tell_names_apart();
        if (from_ == LldpFrom::switches)
            find_switches();
        else
            leave_out_hosts();
        for (const auto& cable : cables_) add(cable);
        for (const auto& [host, line] : unplugged_) build_.adapter(host, "", line);
        return std::move(build_).finish();
    }

  private:
    tl::unexpected<Error> wrong() const {
        return fail(ErrorKind::usage,
                    {.id = "fabric-lldp",
                     .where = fmt::format("line {}", stream_.line()),
                     .thing = "the answer",
                     .seen = "does not say whose neighbours these are",
                     .expected = "{\"NODE\": what 'lldpcli -f json show neighbors' prints there}"});
    }

    void take(const std::string& system, const json& interfaces) {
        const auto before = cables_.size();
        each_interface(interfaces, [&](const std::string& port, const json& seen) {
            Neighbour cable{.system = system, .port = port, .line = stream_.line()};
            cable.other = system_in(below(seen, {"chassis"}));
            cable.chassis = address_in(below(seen, {"chassis"}));
            const auto& far = below(seen, {"port"});
            cable.other_port = text_of(below(far, {"id", "value"}));
            auto descr = text_of(below(far, {"descr"}));
            if (descr.empty()) descr = text_of(below(far, {"descr", "value"}));
            // lldpd's own ports call themselves by their address, and by their name in the description.
            auto kind = text_of(below(far, {"id", "type"}));
            if (kind == "mac" && !descr.empty()) cable.other_port = descr;
            cable.names_ports = !kind.empty() && kind != "mac";
            const auto& capability = capability_in(below(seen, {"chassis"}));
            cable.forwards = is_forwarding(capability);
            says_capabilities_ = says_capabilities_ || !capability.empty(); // null is, too
            if (cable.other.empty()) return;
            ends_.insert(end_of(cable.system, cable.port));
            cables_.push_back(std::move(cable));
        });
        if (from_ == LldpFrom::hosts && cables_.size() == before)
            unplugged_.try_emplace(system, stream_.line());
    }

    /// Switches may all have one name, as a maker gives it. Those that tell something are called by whoever
    /// collected it.
    void tell_names_apart() {
        std::map<std::string, std::set<std::string>> chassis_of;
        auto is_named_alike = [&](const Neighbour& cable) {
            const bool is_switch = from_ == LldpFrom::hosts || (cable.forwards && cable.names_ports);
            return is_switch && !cable.chassis.empty() && !systems_.contains(key_of(cable.other));
        };
        for (const auto& cable : cables_)
            if (is_named_alike(cable)) chassis_of[key_of(cable.other)].insert(in_lower_case(cable.chassis));
        std::set<std::string> alike;
        for (auto& cable : cables_)
            if (is_named_alike(cable) && chassis_of.at(key_of(cable.other)).size() > 1) {
                alike.insert(short_name(cable.other));
                cable.other = fmt::format("{}-{}", short_name(cable.other), cable.chassis);
            }
        if (alike.empty()) return;
        build_.finding(
            {.id = "lldp-alike",
             .level = Level::warn,
             .thing = examples({alike.begin(), alike.end()}),
             .seen = "is what several switches are called, which are told apart by their addresses",
             .next = "give each switch a name of its own"});
    }

    /// Hosts at both ends of a cable; the other one calls its port by its address, as a host does.
    void leave_out_hosts() {
        std::vector<std::string> seen;
        std::erase_if(cables_, [&](const Neighbour& cable) {
            if (cable.names_ports || !systems_.contains(key_of(cable.other))) return false;
            seen.push_back(short_name(cable.other));
            unplugged_.try_emplace(cable.system, cable.line);
            return true;
        });
        for (const auto& cable : cables_) unplugged_.erase(cable.system);
        if (seen.empty()) return;
        std::sort(seen.begin(), seen.end());
        seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
        const bool is_one = seen.size() == 1;
        build_.finding(
            {.id = "lldp-hosts",
             .level = Level::info,
             .thing = fmt::format("{} neighbour{} ({})", seen.size(), is_one ? "" : "s", examples(seen)),
             .seen = is_one ? "is a host that answered itself, and no leaf"
                            : "are hosts that answered themselves, and no leaves",
             .next = "look whether a cable joins two hosts, or a bridge on one shows the other"});
    }

    /// Of switches that did not answer, spines say: readers.hpp has the rule.
    void find_switches() {
        std::map<std::string, Forwarder, Natural> forwarders;
        std::unordered_set<std::string> silent;
        for (const auto& cable : cables_) {
            if (is_switch(cable.other)) continue;
            silent.insert(key_of(cable.other));
            if (!cable.forwards && says_capabilities_) continue;
            auto& its = forwarders[key_of(cable.other)];
            its.name = std::max(its.name, short_name(cable.other));
            its.seen_by.insert(key_of(cable.system));
            its.names_ports = its.names_ports && cable.names_ports;
        }
        std::vector<std::string> doubtful, told;
        const auto units = units_of_systems();
        for (const auto& [key, its] : forwarders) {
            const bool is_wide = (systems_.size() > 1 && its.seen_by.size() * 2 > systems_.size()) ||
                                 joins_units(its.seen_by, units);
            if (is_wide && its.names_ports) {
                silent_switches_.insert(key);
                told.push_back(its.name);
            } else if (says_capabilities_ && (is_wide || its.names_ports))
                doubtful.push_back(its.name);
        }
        if (silent_switches_.size() * 2 >= silent.size()) { // of one unit, whose hosts see all of its leaves
            if (says_capabilities_) doubtful.insert(doubtful.end(), told.begin(), told.end());
            silent_switches_.clear();
            told.clear();
        }
        tell_switches(told);
        tell_doubtful(doubtful);
    }

    using Units = std::unordered_map<std::string, std::uint32_t>; ///< of each system

    /// Leaves of one unit see the same hosts.
    Units units_of_systems() const {
        Units numbers, of;
        std::set<std::pair<std::uint32_t, std::uint32_t>> seen; // system, neighbour
        for (const auto& cable : cables_) {
            auto number = [&](const std::string& name) {
                return numbers.try_emplace(name, static_cast<std::uint32_t>(numbers.size())).first->second;
            };
            const auto system = key_of(cable.system);
            of.try_emplace(system, number(system));
            seen.emplace(of.at(system), number(key_of(cable.other)));
        }
        auto each = [&](auto add) {
            for (auto pair : seen) add(pair.first, pair.second);
        };
        const Lists members(numbers.size(), each);
        const Lists sets(numbers.size(), [&](auto add) {
            each([&](std::uint32_t system, std::uint32_t other) { add(other, system); });
        });
        auto units = join_coinciding(members, sets);
        for (auto& [system, unit] : of) unit = units.root(unit);
        return of;
    }

    /// More than two, and none has more than half of them: a host with a cable in the wrong unit does not.
    static bool joins_units(const std::set<std::string>& systems, const Units& units) {
        std::map<std::uint32_t, std::size_t> in_unit;
        for (const auto& system : systems) ++in_unit[units.at(system)];
        return systems.size() > 2 && std::all_of(in_unit.begin(), in_unit.end(), [&](const auto& each) {
                   return each.second * 2 <= systems.size();
               });
    }

    void tell_switches(const std::vector<std::string>& names) {
        if (names.empty()) return;
        const bool is_one = names.size() == 1;
        build_.finding(
            {.id = "lldp-switches",
             .level = Level::info,
             .thing = fmt::format("{} neighbour{} ({})", names.size(), is_one ? "" : "s", examples(names)),
             .seen = fmt::format("{} {}cables to most of the switches that answered, or to "
                                 "several units of them, so {}",
                                 is_one ? "has" : "have", says_capabilities_ ? "Bridge or Router and " : "",
                                 is_one ? "it is a switch" : "they are switches"),
             .next = "collect what they tell as well, for the cables between them"});
    }

    void tell_doubtful(const std::vector<std::string>& names) {
        if (names.empty()) return;
        const bool is_one = names.size() == 1;
        build_.finding(
            {.id = "lldp-doubtful",
             .level = Level::warn,
             .thing = fmt::format("{} neighbour{} ({})", names.size(), is_one ? "" : "s", examples(names)),
             .seen =
                 fmt::format("{} Bridge or Router, as switches have and hosts with containers, and {} here",
                             is_one ? "has" : "have", is_one ? "is a host" : "are hosts"),
             .next = "where one is a switch, collect what it tells as well"});
    }

    static std::string short_name(const std::string& name) { return std::string(without_domain(name)); }
    static std::string key_of(const std::string& name) { return in_lower_case(without_domain(name)); }

    void add(const Neighbour& cable) {
        if (from_ == LldpFrom::hosts) {
            auto leaf = build_.network_switch(short_name(cable.other), cable.line);
            return build_.link(leaf, build_.adapter(cable.system, cable.port, cable.line), cable.line);
        }
        auto here = build_.network_switch(short_name(cable.system), cable.line);
        if (!is_switch(cable.other))
            return build_.link(here, build_.adapter(cable.other, cable.other_port, cable.line), cable.line);
        // Both ends tell it: the one whose name and port come first counts.
        auto near_end = end_of(cable.system, cable.port), far_end = end_of(cable.other, cable.other_port);
        if (near_end < far_end || !ends_.contains(far_end))
            build_.link(here, build_.network_switch(short_name(cable.other), cable.line), cable.line);
    }

    bool is_switch(const std::string& name) const {
        const auto key = key_of(name);
        return systems_.contains(key) || silent_switches_.contains(key);
    }
    static std::string end_of(const std::string& system, const std::string& port) {
        return key_of(system) + " " + port;
    }

    NamedFabric build_;
    JsonStream stream_;
    LldpFrom from_;
    bool says_capabilities_ = false;                  ///< some neighbour says what it can do
    std::unordered_set<std::string> systems_;         ///< that told something, by key_of
    std::unordered_set<std::string> silent_switches_; ///< that told nothing, by key_of
    std::unordered_set<std::string> ends_;            ///< "system port" of each cable that was told
    std::map<std::string, std::uint32_t> unplugged_;  ///< hosts without a neighbour -> line
    std::vector<Neighbour> cables_;
};

} // namespace

Result<Fabric> read_lldp(Text text, LldpFrom from) {
    return LldpReader(std::move(text), from).read();
}

} // namespace railhead::topology
