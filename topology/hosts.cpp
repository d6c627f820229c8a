#include "topology/hosts.hpp"

#include "base/number.hpp"
#include "topology/characters.hpp"
#include "topology/host_names.hpp"
#include "topology/line_reader.hpp"
#include "topology/natural.hpp"
#include "topology/sets.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

namespace railhead::topology {
namespace {

bool is_aggregation_node(std::string_view description) {
    return description.find("Aggregation Node") != description.npos;
}

std::string guid_text(std::uint64_t guid) {
    return fmt::format("0x{:016x}", guid);
}

/// Of a machine. What has more is a name that many have, and would cost the square of them.
constexpr std::size_t most_cables = 1024;

/// rdma-ndd(8) writes the device's name; what came before it counted from 1.
std::string_view device_from(std::string_view text) {
    static const auto names = [] {
        std::array<std::string, 64> made;
        for (std::size_t i = 0; i < made.size(); ++i) made[i] = "mlx5_" + std::to_string(i);
        return made;
    }();
    if (!text.starts_with("HCA-")) return text;
    auto number = whole_number<std::size_t>(text.substr(4));
    return number && *number > 0 && *number <= names.size() ? names[*number - 1] : text;
}

/// "mlx5_0", "HCA-1": what stands where a host's name should, if the description begins with it.
bool is_device_name(std::string_view text) {
    for (std::string_view driver : {"mlx4_", "mlx5_", "hfi1_", "HCA-"})
        if (text.starts_with(driver) && text.find_first_not_of("0123456789", driver.size()) == text.npos)
            return true;
    return false;
}

/// "node1-mlx5_0", where a site puts a dash for the blank.
void divide(AdapterName& name) {
    for (auto at = name.host.rfind('-'); at != name.host.npos && at > 0; at = name.host.rfind('-', at - 1))
        if (const auto device = name.host.substr(at + 1); is_device_name(device)) {
            name = {name.host.substr(0, at), device_from(device)};
            return;
        }
}

class Namer {
  public:
    Namer(const Fabric& fabric, const Naming& naming) : fabric_(fabric), naming_(naming) {
        if (!naming.nodes) return;
        for (const auto& node : *naming.nodes) {
            is_given_.emplace(in_lower_case(node), node);
            const auto shorter = in_lower_case(without_domain(node));
            if (shorter == in_lower_case(node)) continue;
            // Of nodes that differ by their domains only none is meant by the short name alone.
            auto [at, is_new] = of_short_.emplace(shorter, node);
            if (!is_new && at->second != node) at->second.clear();
        }
    }

    Hosts hosts() {
        name_adapters();
        name_by_board();
        number_hosts();
        add_ports();
        tell_duplicates();
        tell_addresses();
        tell_unused();
        return std::move(out_);
    }

  private:
    /// The name that the host has in the file, and whether it is one of the nodes that are wanted.
    std::pair<std::string_view, bool> node_name(std::string_view host) {
        if (!naming_.nodes) return {without_domain(host), true};
        const auto whole = in_lower_case(host), shorter = in_lower_case(without_domain(host));
        if (auto found = is_given_.find(whole); found != is_given_.end()) return {found->second, true};
        if (auto found = is_given_.find(shorter); found != is_given_.end()) return {found->second, true};
        const auto longer = of_short_.find(shorter);
        if (longer == of_short_.end() || longer->second.empty()) return {without_domain(host), false};
        return {longer->second, true};
    }

    void name_adapters() {
        names_.resize(fabric_.devices.size());
        for (std::size_t i = 0; i < fabric_.devices.size(); ++i) {
            const auto& device = fabric_.devices[i];
            auto mapped = naming_.adapters.find(device.guid);
            if (mapped != naming_.adapters.end()) mapped_guids_.insert(device.guid);
            if (device.kind != DeviceKind::adapter || is_aggregation_node(device.description)) continue;
            auto text =
                mapped == naming_.adapters.end() ? device.description : std::string_view(mapped->second);
            names_[i] = adapter_name_from(text);
            if (!naming_.hosts.empty()) rename(names_[i].host);
            if (names_[i].host.empty()) unnamed_.push_back(static_cast<std::uint32_t>(i));
        }
    }

    /// By the name as the source has it, else by what it is without its domain; in any case.
    void rename(std::string_view& host) {
        auto given = naming_.hosts.find(in_lower_case(host));
        if (given == naming_.hosts.end()) given = naming_.hosts.find(in_lower_case(without_domain(host)));
        if (given == naming_.hosts.end()) return;
        mapped_hosts_.insert(given->first);
        host = given->second;
    }

    void name_by_board() {
        if (unnamed_.empty()) return;
        std::unordered_map<std::uint64_t, std::string_view> host_of_board;
        for (std::size_t i = 0; i < names_.size(); ++i)
            if (const auto board = fabric_.devices[i].system_guid; board != 0 && !names_[i].host.empty())
                host_of_board.try_emplace(board, names_[i].host);
        std::vector<std::uint32_t> left;
        for (auto index : unnamed_) {
            const auto found = host_of_board.find(fabric_.devices[index].system_guid);
            if (found != host_of_board.end())
                names_[index].host = found->second;
            else
                left.push_back(index);
        }
        if (!left.empty()) tell_unnamed(left);
    }

    void tell_unnamed(const std::vector<std::uint32_t>& left) {
        const auto count = left.size();
        std::vector<std::string> guids;
        bool is_localhost = true;
        for (auto index : left) {
            guids.push_back(guid_text(fabric_.devices[index].guid));
            is_localhost = is_localhost && fabric_.devices[index].description.starts_with("localhost");
        }
        if (is_localhost) {
            out_.findings.push_back(
                {.id = "host-localhost",
                 .level = Level::warn,
                 .thing = fmt::format("{} adapter{} ({})", count, count == 1 ? "" : "s", examples(guids)),
                 .seen = fmt::format("{} localhost, so {} of no node here",
                                     count == 1 ? "calls its host" : "call their hosts",
                                     count == 1 ? "it is" : "they are"),
                 .next = "give the hosts their names and have rdma-ndd write them, or give --map"});
            return;
        }
        out_.findings.push_back(
            {.id = "adapter-unnamed",
             .level = Level::warn,
             .thing = fmt::format("{} adapter{} ({})", count, count == 1 ? "" : "s", examples(guids)),
             .seen = fmt::format("{} no host's name, so {} of no node here", count == 1 ? "has" : "have",
                                 count == 1 ? "it is" : "they are"),
             .next = "name hosts in their node description, or give --map"});
    }

    void number_hosts() {
        std::unordered_map<std::string_view, std::uint32_t> seen;
        host_of_.assign(names_.size(), none);
        for (std::size_t i = 0; i < names_.size(); ++i) {
            if (names_[i].host.empty()) continue;
            auto [name, wanted] = node_name(names_[i].host);
            auto [at, is_new] = seen.try_emplace(name, static_cast<std::uint32_t>(out_.hosts.size()));
            if (is_new) out_.hosts.push_back({.name = name, .wanted = wanted});
            host_of_[i] = at->second;
        }
        const auto place = order_hosts();
        for (std::uint32_t i = 0; i < host_of_.size(); ++i) {
            if (host_of_[i] == none) continue;
            host_of_[i] = place[host_of_[i]];
            if (is_of_plane(i)) ++out_.hosts[host_of_[i]].adapters;
        }
    }

    bool is_of_plane(std::uint32_t adapter) const {
        if (!naming_.is_aside.empty() && naming_.is_aside[adapter]) return false;
        return !naming_.devices || naming_.devices->contains(names_[adapter].device);
    }

    /// By name, and as one host what differs in case only; where each host is then.
    std::vector<std::uint32_t> order_hosts() {
        const auto same = same_in_any_case();
        std::vector<std::uint32_t> order, place(out_.hosts.size());
        for (std::uint32_t i = 0; i < same.size(); ++i)
            if (same[i] == i) order.push_back(i);
        std::sort(order.begin(), order.end(),
                  [&](auto a, auto b) { return Natural()(out_.hosts[a].name, out_.hosts[b].name); });
        std::vector<Host> sorted;
        // A node list and a map file live as long as the caller's Naming; the hosts must outlive both.
        bool outlives = !naming_.nodes && naming_.adapters.empty() && naming_.hosts.empty();
        for (auto i : order) {
            const auto& host = out_.hosts[i];
            place[i] = static_cast<std::uint32_t>(sorted.size());
            sorted.push_back(
                {.name = outlives ? host.name : out_.texts.emplace_back(host.name), .wanted = host.wanted});
        }
        for (std::uint32_t i = 0; i < same.size(); ++i) place[i] = place[same[i]];
        out_.hosts = std::move(sorted);
        return place;
    }

    /// Of each host the one that is written in its place: of names that differ in case only, that of the most
    /// adapters; of as many, the one with small letters first.
    std::vector<std::uint32_t> same_in_any_case() {
        std::vector<std::uint32_t> same(out_.hosts.size()), adapters(same.size());
        std::iota(same.begin(), same.end(), 0U);
        const bool has_capitals = std::any_of(out_.hosts.begin(), out_.hosts.end(), [](const Host& host) {
            return std::any_of(host.name.begin(), host.name.end(), [](char c) { return to_lower(c) != c; });
        });
        if (!has_capitals) return same;
        for (auto host : host_of_)
            if (host != none) ++adapters[host];
        std::unordered_map<std::string, std::vector<std::uint32_t>> spellings;
        for (auto i : same) spellings[in_lower_case(out_.hosts[i].name)].push_back(i);
        std::vector<std::string> spelled;
        for (auto& [name, hosts] : spellings) {
            std::sort(hosts.begin(), hosts.end(), [&](auto a, auto b) {
                return std::pair(adapters[a], out_.hosts[a].name) >
                       std::pair(adapters[b], out_.hosts[b].name);
            });
            for (auto i : hosts) {
                same[i] = hosts.front();
                if (i != hosts.front() && out_.hosts[i].wanted)
                    spelled.push_back(
                        fmt::format("{} and {}", out_.hosts[hosts.front()].name, out_.hosts[i].name));
            }
        }
        if (!spelled.empty()) tell_spelled(spelled);
        return same;
    }

    void tell_spelled(const std::vector<std::string>& spelled) {
        out_.findings.push_back(
            {.id = "name-spelled",
             .level = Level::warn,
             .thing = fmt::format("{} host{} ({})", spelled.size(), spelled.size() == 1 ? "" : "s",
                                  examples(spelled)),
             .seen = fmt::format("{} spelled in several ways that differ in case only, and {}",
                                 spelled.size() == 1 ? "is" : "are",
                                 spelled.size() == 1 ? "is one node" : "are one node each"),
             .next = "spell them in one way, or give --nodes as Slurm spells them"});
    }

    void add_ports() {
        for (std::uint32_t i = 0; i < fabric_.links.size(); ++i) {
            const auto& link = fabric_.links[i];
            for (auto [adapter, leaf] : {std::pair(link.a, link.b), std::pair(link.b, link.a)})
                if (host_of_[adapter] != none && fabric_.is_switch(leaf) && is_of_plane(adapter))
                    out_.ports.push_back({host_of_[adapter], adapter, leaf, i, device_name(adapter)});
        }
        Lists of_host(out_.hosts.size(), [&](auto add) {
            for (std::uint32_t i = 0; i < out_.ports.size(); ++i) add(out_.ports[i].host, i);
        });
        auto order = [&](const HostPort& left, const HostPort& right) {
            if (auto by_name = natural_order(left.device, right.device); std::is_neq(by_name))
                return std::is_lt(by_name);
            return std::tuple(fabric_.devices[left.adapter].guid, left.link) <
                   std::tuple(fabric_.devices[right.adapter].guid, right.link);
        };
        std::vector<HostPort> sorted;
        sorted.reserve(out_.ports.size());
        for (std::uint32_t host = 0; host < out_.hosts.size(); ++host) {
            auto first = static_cast<std::uint32_t>(sorted.size());
            if (of_host[host].size() > most_cables) {
                tell_crowd(out_.hosts[host], of_host[host].size());
                continue;
            }
            for (auto i : of_host[host]) sorted.push_back(out_.ports[i]);
            std::sort(sorted.begin() + first, sorted.end(), order);
            out_.hosts[host].first = first;
            out_.hosts[host].count = static_cast<std::uint32_t>(sorted.size()) - first;
        }
        out_.ports = std::move(sorted);
    }

    /// Its cables are left out.
    void tell_crowd(Host& host, std::size_t cables) {
        host.is_double = true;
        if (!host.wanted) return;
        out_.findings.push_back({.id = "name-duplicate",
                                 .level = Level::warn,
                                 .where = std::string(host.name),
                                 .seen = fmt::format("has {} cables to switches, as many machines with one "
                                                     "name would have, and is on no leaf here",
                                                     cables),
                                 .expected = fmt::format("at most {}", most_cables),
                                 .next = "give each host its own name, or name its adapters with --map"});
    }

    /// A name from a map file does not live as long as the hosts do.
    std::string_view device_name(std::uint32_t adapter) {
        auto name = names_[adapter].device;
        if (naming_.adapters.empty() || !naming_.adapters.contains(fabric_.devices[adapter].guid))
            return name;
        return out_.texts.emplace_back(name);
    }

    /// Of two ports with one name and number; each port of a card may be an adapter of its own.
    bool are_double(const HostPort& one, const HostPort& other) const {
        return !one.device.empty() && one.device == other.device && one.adapter != other.adapter &&
               port_number(fabric_, one) == port_number(fabric_, other);
    }

    void tell_duplicates() {
        for (auto& host : out_.hosts)
            for (auto i = host.first; !host.is_double && i < host.first + host.count; ++i) {
                const auto& one = out_.ports[i];
                const auto* end = out_.ports.data() + host.first + host.count;
                const auto* other =
                    std::find_if(&one, end, [&](const HostPort& port) { return are_double(one, port); });
                if (other == end) continue;
                host.is_double = true; // one sentence for a host
                if (!host.wanted) continue;
                out_.findings.push_back(
                    {.id = "name-duplicate",
                     .where = std::string(host.name),
                     .thing = fmt::format("adapters {} and {}", guid_text(fabric_.devices[one.adapter].guid),
                                          guid_text(fabric_.devices[other->adapter].guid)),
                     .seen = fmt::format("both call themselves {} of {}", one.device, host.name),
                     .next = "give each host its own name, or name these two with --map"});
            }
    }

    /// A node may be called by its address, but hardly ever is.
    void tell_addresses() {
        std::vector<std::string> addresses;
        for (const auto& host : out_.hosts)
            if (is_address(host.name) && !(naming_.nodes && host.wanted)) addresses.emplace_back(host.name);
        if (addresses.empty()) return;
        const bool is_one = addresses.size() == 1;
        out_.findings.push_back(
            {.id = "host-address",
             .level = Level::warn,
             .thing = fmt::format("{} host{} ({})", addresses.size(), is_one ? "" : "s", examples(addresses)),
             .seen = fmt::format("{} by {} IP address", is_one ? "is called" : "are called",
                                 is_one ? "its" : "their"),
             .expected = "names that Slurm's nodes have",
             .next = "name hosts in their node description, or give --map"});
    }

    /// Words of a map file that name nothing of the fabric.
    void tell_unused() {
        std::vector<std::string> unused;
        for (const auto& [guid, host] : naming_.adapters)
            if (!mapped_guids_.contains(guid)) unused.push_back(guid_text(guid));
        for (const auto& [host, node] : naming_.hosts)
            if (!mapped_hosts_.contains(host)) unused.push_back(host);
        if (unused.empty()) return;
        out_.findings.push_back(
            {.id = "map-unused",
             .level = Level::warn,
             .thing = fmt::format("{} line{} of the map file ({})", unused.size(),
                                  unused.size() == 1 ? "" : "s", examples(unused)),
             .seen = fmt::format("name{} nothing in the fabric", unused.size() == 1 ? "s" : ""),
             .next = "look for a slip, or leave them out"});
    }

    const Fabric& fabric_;
    const Naming& naming_;
    std::set<std::uint64_t> mapped_guids_; ///< lines of the map file that were of use
    std::set<std::string> mapped_hosts_;
    std::unordered_map<std::string, std::string> is_given_; ///< name in lower case -> as given
    std::unordered_map<std::string, std::string>
        of_short_; ///< short name in lower case -> as given with a domain; empty: with several
    std::vector<AdapterName> names_; ///< of each device; only adapters have one
    std::vector<std::uint32_t> unnamed_, host_of_;
    Hosts out_;
};

} // namespace

std::uint16_t port_number(const Fabric& fabric, const HostPort& port) {
    const auto& link = fabric.links[port.link];
    return link.a == port.adapter ? link.a_port : link.b_port;
}

AdapterName adapter_name_from(std::string_view description) {
    if (is_vendor_text(description)) return {};
    Scanner scanner(description);
    AdapterName name{.host = scanner.word(), .device = device_from(scanner.word())};
    if (name.device.empty()) divide(name);
    if (!is_host_name(name.host) || is_device_name(name.host)) return {};
    if (std::any_of(name.device.begin(), name.device.end(), is_control)) name.device = {};
    return name;
}

Hosts hosts_of(const Fabric& fabric, const Naming& naming) {
    return Namer(fabric, naming).hosts();
}

} // namespace railhead::topology
