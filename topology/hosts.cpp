#include "topology/hosts.hpp"

#include "base/number.hpp"
#include "topology/characters.hpp"
#include "topology/line_reader.hpp"
#include "topology/natural.hpp"
#include "topology/sets.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace railhead::topology {
namespace {

constexpr std::size_t most_examples = 3; ///< examples in a sentence

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

/// What drivers and firmware write before anybody has named the host: mlx4's and mlx5's node_desc.
bool is_vendor_text(std::string_view text) {
    for (std::string_view part :
         {"Mellanox", "ConnectX", "InfiniHost", "NVIDIA", "Technologies", "Infiniband"})
        if (has(text, part)) return true;
    return text.starts_with("localhost") || text.starts_with("(none)");
}

bool is_aggregation_node(std::string_view description) {
    return has(description, "Aggregation Node");
}

bool is_host_name(std::string_view text) {
    auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '.'; };
    return !text.empty() && text.size() <= 255 && text.front() != '-' && text.front() != '.' &&
           std::all_of(text.begin(), text.end(), fits);
}

std::string_view without_domain(std::string_view host) {
    if (host.starts_with("ocid1.")) return host; // Oracle's identifier of an instance
    return host.substr(0, host.find('.'));
}

std::string in_lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), to_lower);
    return lower;
}

std::string guid_text(std::uint64_t guid) {
    return fmt::format("0x{:016x}", guid);
}

/// The first of them by name.
std::string examples(std::vector<std::string> names) {
    std::sort(names.begin(), names.end(), Natural());
    bool is_more = names.size() > most_examples;
    names.resize(std::min(names.size(), most_examples));
    return fmt::format("{}{}", fmt::join(names, ", "), is_more ? ", ..." : "");
}

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

class Namer {
  public:
    Namer(const Fabric& fabric, const Naming& naming) : fabric_(fabric), naming_(naming) {
        if (!naming.nodes) return;
        for (const auto& node : *naming.nodes) {
            if (is_given_[in_lower_case(without_domain(node))].empty())
                is_given_[in_lower_case(without_domain(node))] = node;
        }
    }

    Hosts hosts() {
        name_adapters();
        name_by_board();
        number_hosts();
        add_ports();
        tell_duplicates();
        tell_unused();
        return std::move(out_);
    }

  private:
    /// The name that the host has in the file, and whether it is one of the nodes that are wanted.
    std::pair<std::string_view, bool> node_name(std::string_view host) {
        if (!naming_.nodes) return {without_domain(host), true};
        auto found = is_given_.find(in_lower_case(without_domain(host)));
        if (found == is_given_.end()) return {without_domain(host), false};
        return {found->second, true};
    }

    void name_adapters() {
        names_.resize(fabric_.devices.size());
        for (std::size_t i = 0; i < fabric_.devices.size(); ++i) {
            const auto& device = fabric_.devices[i];
            if (device.kind != DeviceKind::adapter || is_aggregation_node(device.description)) continue;
            auto mapped = naming_.adapters.find(device.guid);
            auto text =
                mapped == naming_.adapters.end() ? device.description : std::string_view(mapped->second);
            if (mapped != naming_.adapters.end()) mapped_guids_.insert(device.guid);
            names_[i] = adapter_name_from(text);
            if (!naming_.hosts.empty()) rename(names_[i].host);
            if (names_[i].host.empty())
                unnamed_.push_back(static_cast<std::uint32_t>(i));
            else if (device.system_guid != 0)
                by_board_.try_emplace(device.system_guid, names_[i].host);
        }
    }

    void rename(std::string_view& host) {
        auto given = naming_.hosts.find(std::string(host));
        if (given == naming_.hosts.end()) return;
        mapped_hosts_.insert(given->first);
        host = given->second;
    }

    void name_by_board() {
        std::vector<std::string> left;
        for (auto index : unnamed_) {
            const auto& device = fabric_.devices[index];
            auto found = device.system_guid == 0 ? by_board_.end() : by_board_.find(device.system_guid);
            if (found != by_board_.end())
                names_[index].host = found->second;
            else
                left.push_back(guid_text(device.guid));
        }
        if (left.empty()) return;
        const auto count = left.size();
        out_.findings.push_back(
            {.id = "adapter-unnamed",
             .level = Level::warn,
             .thing = fmt::format("{} adapter{} ({})", count, count == 1 ? "" : "s", examples(left)),
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
        std::vector<std::uint32_t> order(out_.hosts.size()), place(order.size());
        for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
        std::sort(order.begin(), order.end(),
                  [&](auto a, auto b) { return Natural()(out_.hosts[a].name, out_.hosts[b].name); });
        std::vector<Host> sorted;
        // A node list and a map file live as long as the caller's Naming; the hosts must outlive both.
        bool outlives = !naming_.nodes && naming_.adapters.empty() && naming_.hosts.empty();
        for (std::uint32_t i = 0; i < order.size(); ++i) {
            place[order[i]] = i;
            auto name = out_.hosts[order[i]].name;
            sorted.push_back({.name = outlives ? name : out_.texts.emplace_back(name),
                              .wanted = out_.hosts[order[i]].wanted});
        }
        out_.hosts = std::move(sorted);
        for (auto& host : host_of_)
            if (host != none) ++out_.hosts[host = place[host]].adapters;
    }

    void add_ports() {
        for (std::uint32_t i = 0; i < fabric_.links.size(); ++i) {
            const auto& link = fabric_.links[i];
            for (auto [adapter, leaf] : {std::pair(link.a, link.b), std::pair(link.b, link.a)})
                if (host_of_[adapter] != none && fabric_.devices[leaf].kind == DeviceKind::network_switch &&
                    (!naming_.devices || naming_.devices->contains(names_[adapter].device)))
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
            for (auto i : of_host[host]) sorted.push_back(out_.ports[i]);
            std::sort(sorted.begin() + first, sorted.end(), order);
            out_.hosts[host].first = first;
            out_.hosts[host].count = static_cast<std::uint32_t>(sorted.size()) - first;
        }
        out_.ports = std::move(sorted);
    }

    /// A name from a map file does not live as long as the hosts do.
    std::string_view device_name(std::uint32_t adapter) {
        auto name = names_[adapter].device;
        if (naming_.adapters.empty() || !naming_.adapters.contains(fabric_.devices[adapter].guid))
            return name;
        return out_.texts.emplace_back(name);
    }

    void tell_duplicates() {
        for (const auto& host : out_.hosts)
            for (std::uint32_t i = host.first + 1; host.wanted && i < host.first + host.count; ++i) {
                const auto &one = out_.ports[i - 1], &other = out_.ports[i];
                if (one.device.empty() || one.device != other.device || one.adapter == other.adapter)
                    continue;
                out_.findings.push_back(
                    {.id = "name-duplicate",
                     .where = std::string(host.name),
                     .thing = fmt::format("adapters {} and {}", guid_text(fabric_.devices[one.adapter].guid),
                                          guid_text(fabric_.devices[other.adapter].guid)),
                     .seen = fmt::format("both call themselves {} of {}", one.device, host.name),
                     .next = "give each host its own name, or name these two with --map"});
                break; // one sentence for a host
            }
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
    std::unordered_map<std::string, std::string> is_given_; ///< short name in lower case -> as given
    std::vector<AdapterName> names_;                        ///< of each device; only adapters have one
    std::vector<std::uint32_t> unnamed_, host_of_;
    std::unordered_map<std::uint64_t, std::string_view> by_board_;
    Hosts out_;
};

} // namespace

AdapterName adapter_name_from(std::string_view description) {
    if (is_vendor_text(description)) return {};
    Scanner scanner(description);
    AdapterName name{.host = scanner.word(), .device = device_from(scanner.word())};
    if (!is_host_name(name.host)) return {};
    return name;
}

Result<void> read_map_file(std::string_view text, Naming& naming) {
    LineReader lines(text);
    std::string_view line;
    while (lines.next(line)) {
        Scanner scanner(line.substr(0, line.find('#')));
        auto first = scanner.word();
        if (first.empty()) continue;
        bool is_guid = first.starts_with("0x") || first.size() == 16;
        auto guid = is_guid ? guid_from(first) : std::nullopt;
        auto host = scanner.word(), device = scanner.word();
        bool is_right = guid || (!first.starts_with("0x") && device.empty());
        if (!is_right || !is_host_name(host) || host.starts_with("0x") || !scanner.word().empty())
            return bad_line(lines.number(), line,
                            "an adapter's GUID with 0x in front, its host and, if wanted, its device; or a "
                            "host as the source calls it, and as Slurm does");
        if (guid)
            naming.adapters[*guid] = fmt::format("{} {}", host, device);
        else
            naming.hosts[std::string(first)] = host;
    }
    return {};
}

Hosts hosts_of(const Fabric& fabric, const Naming& naming) {
    return Namer(fabric, naming).hosts();
}

} // namespace railhead::topology
