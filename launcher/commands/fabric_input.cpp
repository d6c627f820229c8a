#include "launcher/commands/fabric_input.hpp"

#include "base/child.hpp"
#include "base/fd.hpp"
#include "launcher/commands/inventory.hpp"
#include "slurm/hostlist.hpp"
#include "topology/readers.hpp"
#include "topology/wanted.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <unordered_set>

namespace railhead {
namespace {

constexpr std::size_t most_fabric_bytes = std::size_t{4}
                                          << 30; ///< of one source; 50,000 nodes with 8 rails are 160 MiB
constexpr std::size_t first_room = 1 << 16;      ///< for what does not say its size
constexpr std::size_t most_wanted_nodes = 1'000'000;
constexpr std::size_t most_absent_named = 20;

tl::unexpected<Error> cannot_read(const std::string& name, int error) {
    return fail(ErrorKind::usage, {.id = "fabric-file",
                                   .thing = name,
                                   .seen = fmt::format("cannot be read: {}", std::strerror(error))});
}

struct Source {
    const char* kind;
    Result<topology::Fabric> (*read)(topology::Text);
};

Result<topology::Fabric> read_any_ibnetdiscover(topology::Text text) {
    return topology::is_ports_report(text.view()) ? topology::read_ibnetdiscover_ports(std::move(text))
                                                  : topology::read_ibnetdiscover(std::move(text));
}

Result<topology::Fabric> read_any_inventory(topology::Text text) {
    return topology::is_toml_inventory(text.view()) ? topology::read_inventory_toml(std::move(text))
                                                    : topology::read_inventory_file(std::move(text));
}

constexpr const char* live_kind = "live";
constexpr double live_within_s = 300;
constexpr const char* domains_kind = "nvlink";
constexpr const char *compute_plane = "compute", *storage_plane = "storage", *management_plane = "management";
constexpr const char* of_slurm = "slurm"; ///< --nodes
constexpr std::size_t most_devices = 1000;
constexpr std::array<Source, 8> sources{{
    {"ibnetdiscover", read_any_ibnetdiscover},
    {"ibdm", topology::read_ibdm_topo},
    {"inventory", read_any_inventory},
    {"lldp",
     [](topology::Text text) { return topology::read_lldp(std::move(text), topology::LldpFrom::hosts); }},
    {"lldp-switches",
     [](topology::Text text) { return topology::read_lldp(std::move(text), topology::LldpFrom::switches); }},
    {"cloud", topology::read_cloud_topology},
    {"topology", topology::read_topology_file},
    {domains_kind, topology::read_nvlink_domains},
}};

std::string kinds() {
    std::string text(live_kind);
    for (const auto& source : sources) text += fmt::format(", {}", source.kind);
    return text;
}

std::string kind_of(const std::string& from) {
    return from.substr(0, from.find(':'));
}

/// The fabric that this machine is on, by infiniband-diags' program, which needs a port that is up and
/// /dev/infiniband/umad*.
Result<topology::Text> live_text(const Environment& environment) {
    auto failed = [](std::string seen) {
        return fail(ErrorKind::usage,
                    {.id = "fabric-live",
                     .thing = "ibnetdiscover",
                     .seen = std::move(seen),
                     .next = "run this as root on a machine of the fabric with infiniband-diags"});
    };
    auto variables = environment.all();
    variables["PATH"] += ":/usr/sbin:/sbin";
    auto answer =
        capture({.argv = {"ibnetdiscover"}, .env = std::move(variables)}, live_within_s, most_fabric_bytes);
    if (!answer) return failed("cannot be run: " + sentence(answer.error()));
    if (!answer->status) return failed(fmt::format("was not done after {} s", live_within_s));
    if (!answer->status->success()) return failed("failed");
    return topology::Text(answer->out);
}

Result<topology::Fabric> read_source(const Environment& environment, const std::string& from) {
    if (from == live_kind) {
        auto text = live_text(environment);
        if (!text) return tl::unexpected(text.error());
        return topology::read_ibnetdiscover(std::move(*text));
    }
    auto colon = from.find(':');
    auto path = colon == from.npos ? "-" : from.substr(colon + 1);
    const auto* source = std::find_if(sources.begin(), sources.end(),
                                      [&](auto& known) { return known.kind == kind_of(from); });
    if (source == sources.end())
        return fail(ErrorKind::usage,
                    {.id = "fabric-kind",
                     .thing = "--from " + from,
                     .seen = "names no source that is known",
                     .expected = kinds() + "; with :FILE behind it or from standard input"});
    if (path.empty())
        return fail(ErrorKind::usage, {.id = "fabric-file",
                                       .thing = "--from " + from,
                                       .seen = "names no file",
                                       .expected = "a file behind the colon",
                                       .next = "leave the colon out for standard input"});
    auto text = text_of_input(path);
    if (!text) return tl::unexpected(text.error());
    auto fabric = source->read(std::move(*text));
    if (!fabric)
        return tl::unexpected(std::move(fabric.error()).within(path == "-" ? "standard input" : path));
    return fabric;
}

void map_fabric(FabricMap& made, const topology::Naming& naming) {
    made.hosts = topology::hosts_of(made.fabric, naming);
    made.map = topology::rail_map_of(made.fabric, made.hosts);
}

FabricMap mapped(std::vector<topology::Fabric> fabrics, const topology::Naming& naming) {
    FabricMap made;
    made.fabric = topology::joined(std::move(fabrics));
    map_fabric(made, naming);
    return made;
}

/// Without the hosts' cables to other leaves.
void keep_leaves(FabricMap& made, const std::vector<std::uint32_t>& leaves, const topology::Naming& naming) {
    const std::set<std::uint32_t> kept(leaves.begin(), leaves.end());
    std::erase_if(made.fabric.links, [&](const topology::Link& link) {
        auto is_adapter = [&](auto device) {
            return made.fabric.devices[device].kind == topology::DeviceKind::adapter;
        };
        return (is_adapter(link.a) && !kept.contains(link.b)) ||
               (is_adapter(link.b) && !kept.contains(link.a));
    });
    map_fabric(made, naming);
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

/// Where a source has the names of its hosts.
std::string names_in(const std::string& kind) {
    if (kind == "inventory") return "the column node";
    if (kind == "topology") return "Nodes=";
    if (kind == "cloud") return "the instances' names";
    if (kind == "lldp") return "the names of those that answered";
    if (kind == "lldp-switches") return "the neighbours' names";
    if (kind == "ibdm") return "the systems' names";
    return kind == domains_kind ? "the first column" : "the node descriptions";
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
         .seen = fmt::format("has none of the {} among its {} devices",
                             options.nodes.empty() ? "hosts that are looked for" : "wanted nodes",
                             input.fabric.devices.size()),
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
                   .seen = fmt::format("{} not in the fabric", input.nodes.size() == 1 ? "is" : "are"),
                   .next = (is_written ? fmt::format("look at {} there, or give --map", names_in(kind))
                                       : "power them up and look again, or name their adapters with --map") +
                           "; in a tree they get a leaf of their own"};
}

} // namespace

Result<topology::Text> text_of_input(const std::string& path) {
    auto name = path == "-" ? "standard input" : path;
    UniqueFd file(path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return cannot_read(name, errno);
    struct stat status {};
    if (fstat(file.get(), &status) != 0) return cannot_read(name, errno);
    if (S_ISDIR(status.st_mode)) return cannot_read(name, EISDIR);
    // One byte more than the file has shows its end without growing.
    auto expected = S_ISREG(status.st_mode)
                        ? std::min(most_fabric_bytes, static_cast<std::size_t>(status.st_size)) + 1
                        : first_room;
    auto text = topology::Text::with_room(expected);
    std::size_t size = 0;
    while (true) {
        if (size == text.room()) text.grow();
        auto count = read(file.get(), text.data() + size, text.room() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return cannot_read(name, errno);
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
        if (size > most_fabric_bytes)
            return fail(ErrorKind::usage, {.id = "fabric-file",
                                           .thing = name,
                                           .seen = "is larger than 4 GiB",
                                           .expected = "the text of one fabric"});
    }
    text.end_at(size);
    return text;
}

void add_source_options(CLI::App& command, FabricOptions& options) {
    command
        .add_option("--from", options.from,
                    "Where the fabric comes from: " + kinds() +
                        "; without a file, standard input; may be given several times")
        ->type_name("KIND[:FILE]")
        ->allow_extra_args(false);
    command
        .add_option("--map", options.map,
                    "A file with lines GUID HOST [DEVICE] or NAME HOST, for what the source calls otherwise "
                    "than Slurm")
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
        ->type_name("HOSTLIST");
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
    FabricInput input;
    auto naming = naming_for(environment, options, input);
    if (!naming) return tl::unexpected(naming.error());
    std::vector<topology::Fabric> fabrics, domains;
    for (const auto& from : options.from) {
        auto fabric = read_source(environment, from);
        if (!fabric) return tl::unexpected(fabric.error());
        (kind_of(from) == domains_kind ? domains : fabrics).push_back(std::move(*fabric));
    }
    input.is_domains = fabrics.empty();
    if (input.is_domains)
        fabrics.swap(domains);
    else if (!domains.empty())
        input.domains = mapped(std::move(domains), *naming);
    static_cast<FabricMap&>(input) = mapped(std::move(fabrics), *naming);
    if (options.plane == storage_plane) keep_leaves(input, input.map.storage_leaves, *naming);
    if (options.plane == management_plane) keep_leaves(input, input.map.management_leaves, *naming);
    if (look_at_cabling) input.cabling = topology::cabling_findings(input.fabric, input.hosts, input.map);
    const bool has_hosts = !input.hosts.hosts.empty();
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
    if (auto absent = absent_nodes(input, kind_of(options.from.front())))
        input.findings.push_back(std::move(*absent));
    return input;
}

} // namespace railhead
