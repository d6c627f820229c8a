#include "launcher/commands/fabric_input.hpp"

#include "launcher/commands/inventory.hpp"
#include "slurm/hostlist.hpp"
#include "topology/host_names.hpp"
#include "topology/map_file.hpp"
#include "topology/other_hosts.hpp"
#include "topology/planes.hpp"
#include "topology/unclear_planes.hpp"
#include "topology/wanted.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_set>

namespace railhead {
namespace {

constexpr std::size_t most_wanted_nodes = 1'000'000;
constexpr std::size_t most_absent_named = 20;

constexpr const char *compute_plane = "compute", *storage_plane = "storage", *management_plane = "management";
constexpr const char* of_slurm = "slurm"; ///< --nodes
constexpr std::size_t most_devices = 1000;
/// Whatever is read first would leave nothing for the others.
Result<void> can_read_all(const FabricOptions& options) {
    std::vector<std::string> readers;
    for (const auto& from : options.from)
        if (reads_standard_input(from)) readers.push_back("--from " + from);
    if (options.map == "-") readers.emplace_back("--map -");
    if (readers.size() < 2) return {};
    return fail(ErrorKind::usage, {.id = "input-twice",
                                   .thing = "standard input",
                                   .seen = fmt::format("is given for {}", fmt::join(readers, " and ")),
                                   .expected = "it once",
                                   .next = "name files for the others"});
}

void map_fabric(FabricMap& made, const topology::Naming& naming) {
    made.hosts = topology::hosts_of(made.fabric, naming);
    made.map = topology::rail_map_of(made.fabric, made.hosts);
}

FabricMap mapped(std::vector<topology::Fabric> fabrics, const topology::Naming& naming) {
    FabricMap made;
    made.fabric = topology::joined(std::move(fabrics));
    topology::name_switches(made.fabric, naming);
    map_fabric(made, naming);
    return made;
}

/// Without the hosts' cables to other leaves, and without the adapters that have only such.
void keep_leaves(FabricMap& made, const std::vector<std::uint32_t>& leaves, topology::Naming naming) {
    const std::set<std::uint32_t> kept(leaves.begin(), leaves.end());
    auto leads_elsewhere = [&](std::uint32_t from, std::uint32_t to) {
        return made.fabric.devices[from].kind == topology::DeviceKind::adapter && !kept.contains(to);
    };
    std::vector<bool> is_there(made.fabric.devices.size());
    naming.is_aside.resize(is_there.size());
    std::erase_if(made.fabric.links, [&](const topology::Link& link) {
        const bool goes = leads_elsewhere(link.a, link.b) || leads_elsewhere(link.b, link.a);
        for (auto end : {link.a, link.b}) (goes ? naming.is_aside : is_there)[end] = true;
        return goes;
    });
    for (std::size_t device = 0; device < is_there.size(); ++device)
        if (is_there[device]) naming.is_aside[device] = false;
    map_fabric(made, naming);
}

/// By all of their adapters, also where only some make the plane: servers may have those, too.
void mark_others(FabricMap& made, topology::Naming naming) {
    if (!naming.devices) return topology::mark_others(made.hosts, made.map);
    naming.devices.reset();
    auto all = topology::hosts_of(made.fabric, naming); // the same, in the same order
    topology::mark_others(all, topology::rail_map_of(made.fabric, all));
    for (std::size_t host = 0; host < all.hosts.size(); ++host)
        made.hosts.hosts[host].is_other = all.hosts[host].is_other;
    for (auto& finding : all.findings)
        if (finding.id == "host-doubtful") made.hosts.findings.push_back(std::move(finding));
}

Result<Inventory> inventory_of_slurm(const Environment& environment) {
    auto inventory = inventory_for(environment, "");
    if (!inventory) return tl::unexpected(std::move(inventory.error()).within("--nodes slurm"));
    return inventory;
}

/// Node -> the smallest partition that has it.
std::map<std::string, std::string> partition_by_node(const Inventory& inventory) {
    auto partitions = inventory.every_partition();
    std::stable_sort(partitions.begin(), partitions.end(),
                     [](auto* a, auto* b) { return a->nodes.size() < b->nodes.size(); });
    std::map<std::string, std::string> found;
    for (const auto* partition : partitions)
        for (auto node : partition->nodes) found.try_emplace(inventory.nodes[node].name, partition->name);
    return found;
}

Result<topology::Naming> naming_for(const Environment& environment, const FabricOptions& options,
                                    FabricInput& input) {
    topology::Naming naming;
    if (!options.map.empty()) {
        auto text = text_of_input(options.map);
        if (!text) return tl::unexpected(text.error());
        if (auto read = topology::read_map_file(text->view(), naming); !read)
            return tl::unexpected(std::move(read.error()).within(options.map));
    }
    if (options.nodes == of_slurm) {
        auto inventory = inventory_of_slurm(environment);
        if (!inventory) return tl::unexpected(inventory.error());
        input.nodes = names_of(*inventory);
        input.partition_of = partition_by_node(*inventory);
    } else if (!options.nodes.empty()) {
        auto listed = node_names_from(environment, options.nodes);
        if (!listed) return tl::unexpected(listed.error());
        input.nodes = std::move(*listed);
    }
    if (!input.nodes.empty()) naming.nodes = input.nodes;
    if (options.plane != compute_plane && options.plane != storage_plane &&
        options.plane != management_plane) {
        auto devices = expand_hostlist(options.plane, most_devices);
        if (!devices) return tl::unexpected(std::move(devices.error()).within("--plane"));
        naming.devices.emplace(devices->begin(), devices->end());
    }
    return naming;
}

tl::unexpected<Error> given_twice(const std::string& from) {
    return fail(ErrorKind::usage,
                {.id = "source-twice",
                 .thing = "--from " + from,
                 .seen = "has the adapters of an earlier --from, so both tell of one fabric",
                 .expected = "it once",
                 .next = "leave one of them out"});
}

/// Where a source has the names of its hosts.
std::string names_in(const std::string& kind) {
    if (kind == "inventory") return "the column node";
    if (kind == "topology") return "Nodes=";
    if (kind == "cloud") return "the instances' names";
    if (kind == "lldp") return "the names of those that answered";
    if (kind == "lldp-switches") return "the neighbours' names";
    if (kind == "ibdm") return "the systems' names";
    return kind == nvlink_kind ? "the first column" : "the node descriptions";
}

/// Why no host is left: by what is known of names there, else where to look.
tl::unexpected<Error> no_hosts(const FabricOptions& options, const FabricInput& input, bool has_others) {
    const std::set<std::string_view> causes{"host-localhost", "adapter-unnamed", "node-name"};
    for (const auto* findings : {&input.fabric.findings, &input.hosts.findings})
        for (const auto& finding : *findings) {
            if (finding.id != "host-address" && (has_others || !causes.contains(finding.id))) continue;
            auto error = finding;
            error.level = Level::fail;
            return fail(ErrorKind::usage, std::move(error));
        }
    return fail(
        ErrorKind::usage,
        {.id = "fabric-hosts",
         .thing = "the fabric",
         .seen = fmt::format("has none of the {} among its {}",
                             options.nodes.empty() ? "hosts that are looked for" : "wanted nodes",
                             counted(input.fabric.devices.size(), "device")),
         .next = fmt::format("look at {} there, or give --map", names_in(kind_of(options.from.front())))});
}

std::optional<Finding> absent_nodes(const FabricInput& input, const std::string& kind) {
    std::unordered_set<std::string_view> there;
    for (const auto& host : input.hosts.hosts) there.insert(host.name);
    if (input.domains)
        for (const auto& host : input.domains->hosts.hosts) there.insert(host.name);
    std::vector<std::string> absent;
    for (const auto& node : input.nodes)
        if (!there.contains(node)) absent.push_back(node);
    if (absent.empty()) return std::nullopt;
    const bool is_written = kind == "inventory" || kind == "topology"; // by people, for nodes on and off
    return Finding{.id = "node-absent",
                   .level = Level::warn,
                   .thing = fmt::format("{} of {} nodes ({})", absent.size(), input.nodes.size(),
                                        compress_hostlist(absent, most_absent_named)),
                   .seen = fmt::format("{} not in the fabric", absent.size() == 1 ? "is" : "are"),
                   .next = (is_written ? fmt::format("look at {} there, or give --map", names_in(kind))
                                       : "power them up and look again, or name their adapters with --map") +
                           "; in a tree they get a leaf of their own"};
}

/// Of NVLink's nodes, which may be spelled otherwise there.
void spell_as_in(const topology::Hosts& fabric, topology::Hosts& domains) {
    std::map<std::string, std::string_view> spelled;
    for (const auto& host : fabric.hosts) spelled.emplace(topology::in_lower_case(host.name), host.name);
    for (auto& host : domains.hosts)
        if (auto found = spelled.find(topology::in_lower_case(host.name)); found != spelled.end())
            host.name = found->second;
}

/// Sources that do not follow the others' units.
std::optional<Finding> sources_that_differ(const FabricInput& input, const FabricOptions& options) {
    std::vector<std::string> named, differ;
    for (const auto& from : options.from)
        if (input.is_domains || kind_of(from) != nvlink_kind) named.push_back(from);
    for (auto source : topology::sources_aside(input.fabric, input.hosts)) differ.push_back(named[source]);
    if (differ.empty()) return std::nullopt;
    const bool is_one = differ.size() == 1;
    return Finding{
        .id = "source-differs",
        .level = Level::warn,
        .thing = fmt::format("--from {}", fmt::join(differ, " and --from ")),
        .seen = fmt::format("{} hosts otherwise than the source with the most cables, and {} no group",
                            is_one ? "joins" : "join", is_one ? "makes" : "make"),
        .next = "leave out the source that is not the nodes' rails; of as many cables the first one "
                "counts"};
}

/// No host is wanted that is no compute node.
std::optional<Finding> leave_out_others(topology::Hosts& hosts) {
    std::vector<std::string> names;
    for (auto& host : hosts.hosts) {
        if (!host.is_other) continue;
        names.emplace_back(host.name);
        host.wanted = false;
    }
    if (names.empty()) return std::nullopt;
    const bool is_one = names.size() == 1;
    return Finding{.id = "host-left-out",
                   .level = Level::info,
                   .thing = fmt::format("{} host{} ({})", names.size(), is_one ? "" : "s",
                                        compress_hostlist(names, most_absent_named)),
                   .seen = fmt::format("{} by {} cables, and {} left out",
                                       is_one ? "is no compute node" : "are no compute nodes",
                                       is_one ? "its" : "their", is_one ? "is" : "are"),
                   .next = "give --nodes if Slurm has " + std::string(is_one ? "it" : "them")};
}

} // namespace

int say(const std::vector<Finding>& findings, bool only_failures) {
    int status = 0;
    for (const auto& finding : findings) {
        const bool is_failure = finding.level == Level::fail;
        if (is_failure) status = 1;
        if (is_failure || !only_failures)
            fmt::print(stderr, "railhead: {}: {} [{}]\n",
                       is_failure                     ? "error"
                       : finding.level == Level::info ? "note"
                                                      : "warning",
                       sentence(finding), finding.id);
    }
    return status;
}

void add_source_options(CLI::App& command, FabricOptions& options) {
    command
        .add_option("--from", options.from,
                    "Where the fabric comes from: " + source_kinds() +
                        "; without a file, standard input; may be given several times")
        ->type_name("KIND[:FILE]")
        ->allow_extra_args(false);
    command
        .add_option("--map", options.map,
                    "A file with lines GUID HOST [DEVICE] or NAME HOST, or ibnetdiscover's node-name-map, "
                    "for what the "
                    "source calls otherwise than Slurm")
        ->type_name("FILE");
    command
        .add_option(
            "--plane", options.plane,
            "compute; storage or management: leaves that several groups have, told apart by their speed; or "
            "the adapters that make the plane, as a list: mlx5_[0-7]")
        ->type_name("PLANE");
}

void add_fabric_options(CLI::App& command, FabricOptions& options) {
    add_source_options(command, options);
    command.get_option("--from")->required();
    command
        .add_option(
            "--nodes", options.nodes,
            "The nodes that are wanted, as a host list, or slurm: those of the running controller; default: "
            "all hosts of the fabric")
        ->type_name("HOSTLIST")
        ->check(CLI::Validator(
            [](const std::string& text) { return text.empty() ? "the list is empty" : std::string(); }, ""));
}

Result<std::vector<std::string>> node_names_from(const Environment& environment, const std::string& text) {
    if (text != of_slurm) {
        auto listed = expand_hostlist(text, most_wanted_nodes);
        if (!listed) return tl::unexpected(std::move(listed.error()).within("--nodes"));
        return listed;
    }
    auto inventory = inventory_of_slurm(environment);
    if (!inventory) return tl::unexpected(inventory.error());
    return names_of(*inventory);
}

std::vector<std::string> names_of(const Inventory& inventory) {
    std::vector<std::string> names;
    for (const auto& node : inventory.nodes) names.push_back(node.name);
    return names;
}

Result<FabricInput> load_fabric(const Environment& environment, const FabricOptions& options,
                                bool look_at_cabling) {
    if (auto can = can_read_all(options); !can) return tl::unexpected(can.error());
    FabricInput input;
    auto naming = naming_for(environment, options, input);
    if (!naming) return tl::unexpected(naming.error());
    std::vector<topology::Fabric> fabrics, domains;
    for (const auto& from : options.from) {
        auto fabric = read_source(environment, from);
        if (!fabric) return tl::unexpected(fabric.error());
        for (const auto& earlier : fabrics)
            if (topology::are_the_same(earlier, *fabric)) return given_twice(from);
        (kind_of(from) == nvlink_kind ? domains : fabrics).push_back(std::move(*fabric));
    }
    input.is_domains = fabrics.empty();
    if (input.is_domains)
        fabrics.swap(domains);
    else if (!domains.empty())
        input.domains = mapped(std::move(domains), *naming);
    static_cast<FabricMap&>(input) = mapped(std::move(fabrics), *naming);
    if (input.domains) spell_as_in(input.hosts, input.domains->hosts);
    const auto differs = sources_that_differ(input, options);
    const auto unclear = topology::unclear_planes(input.fabric, input.hosts, input.map);
    if (options.plane == storage_plane) keep_leaves(input, input.map.storage_leaves, *naming);
    if (options.plane == management_plane) keep_leaves(input, input.map.management_leaves, *naming);
    const bool is_shared_plane = options.plane == storage_plane || options.plane == management_plane;
    if (options.nodes.empty() && !is_shared_plane) mark_others(input, *naming);
    if (look_at_cabling) input.cabling = topology::cabling_findings(input.fabric, input.hosts, input.map);
    const bool has_hosts = !input.hosts.hosts.empty();
    const auto left_out = options.only_compute ? leave_out_others(input.hosts) : std::nullopt;
    topology::keep_wanted(input.hosts, input.map);
    if (input.domains) topology::keep_wanted(input.domains->hosts, input.domains->map);
    if (input.hosts.hosts.empty()) return no_hosts(options, input, has_hosts);
    if (input.map.groups.empty() && options.plane != compute_plane)
        return fail(
            ErrorKind::usage,
            {.id = "plane-empty",
             .thing = "--plane " + options.plane,
             .seen = "leaves no cable to any leaf of the fabric",
             .expected = "compute, storage, management, or the names of adapters as a list: mlx5_[0-7]",
             .next = "look at the adapters' names with --json"});
    auto add = [&](const std::vector<Finding>& some) {
        input.findings.insert(input.findings.end(), some.begin(), some.end());
    };
    add(input.fabric.findings);
    add(input.hosts.findings);
    if (input.domains) add(input.domains->fabric.findings);
    add(unclear);
    for (const auto& found : {differs, left_out})
        if (found) input.findings.push_back(*found);
    if (auto absent = absent_nodes(input, kind_of(options.from.front())))
        input.findings.push_back(std::move(*absent));
    return input;
}

} // namespace railhead
