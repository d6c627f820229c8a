#include "launcher/commands/fabric_input.hpp"

#include "base/fd.hpp"
#include "slurm/hostlist.hpp"
#include "topology/readers.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
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

Result<topology::Fabric> read_source(const std::string& from) {
    auto colon = from.find(':');
    auto kind = from.substr(0, colon), path = colon == from.npos ? "-" : from.substr(colon + 1);
    if (kind != "ibnetdiscover" && kind != "inventory")
        return fail(ErrorKind::usage,
                    {.id = "fabric-kind",
                     .thing = "--from " + from,
                     .seen = "names no source that is known",
                     .expected = "ibnetdiscover or inventory, with :FILE behind it or from standard input"});
    auto text = text_of_input(path);
    if (!text) return tl::unexpected(text.error());
    auto read = kind == "inventory"                       ? topology::read_inventory_file
                : topology::is_ports_report(text->view()) ? topology::read_ibnetdiscover_ports
                                                          : topology::read_ibnetdiscover;
    auto fabric = read(std::move(*text));
    if (!fabric)
        return tl::unexpected(std::move(fabric.error()).within(path == "-" ? "standard input" : path));
    return fabric;
}

Result<topology::Naming> naming_for(const FabricOptions& options, std::vector<std::string>& nodes) {
    topology::Naming naming;
    if (!options.map.empty()) {
        auto text = text_of_input(options.map);
        if (!text) return tl::unexpected(text.error());
        if (auto read = topology::read_map_file(text->view(), naming); !read)
            return tl::unexpected(std::move(read.error()).within(options.map));
    }
    if (!options.nodes.empty()) {
        auto listed = expand_hostlist(options.nodes, most_wanted_nodes);
        if (!listed) return tl::unexpected(std::move(listed.error()).within("--nodes"));
        nodes = *listed;
        naming.nodes = std::move(*listed);
    }
    return naming;
}

std::optional<Finding> absent_nodes(const FabricInput& input) {
    std::unordered_set<std::string_view> there;
    for (const auto& host : input.hosts.hosts) there.insert(host.name);
    std::vector<std::string> absent;
    for (const auto& node : input.nodes)
        if (!there.contains(node)) absent.push_back(node);
    if (absent.empty()) return std::nullopt;
    auto count = absent.size();
    absent.resize(std::min(count, most_absent_named));
    return Finding{.id = "node-absent",
                   .level = Level::warn,
                   .thing = fmt::format("{} of {} nodes ({}{})", count, input.nodes.size(),
                                        compress_hostlist(absent), count > most_absent_named ? ", ..." : ""),
                   .seen = "are not in the fabric, so they get a leaf of their own",
                   .next = "power them up and look again, or name their adapters with --map"};
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

void add_fabric_options(CLI::App& command, FabricOptions& options) {
    command
        .add_option("--from", options.from,
                    "Where the fabric comes from: ibnetdiscover or inventory; without a file, standard input")
        ->required()
        ->type_name("KIND[:FILE]")
        ->expected(1);
    command
        .add_option("--nodes", options.nodes,
                    "The nodes that are wanted, as a host list; default: all hosts of the fabric")
        ->type_name("HOSTLIST");
    command
        .add_option("--map", options.map,
                    "A file with lines GUID HOST [DEVICE], for adapters that the fabric names badly")
        ->type_name("FILE");
}

Result<FabricInput> load_fabric(const FabricOptions& options) {
    FabricInput input;
    auto naming = naming_for(options, input.nodes);
    if (!naming) return tl::unexpected(naming.error());
    auto fabric = read_source(options.from.front());
    if (!fabric) return tl::unexpected(fabric.error());
    input.fabric = std::move(*fabric);
    input.hosts = topology::hosts_of(input.fabric, *naming);
    if (input.hosts.hosts.empty())
        return fail(ErrorKind::usage,
                    {.id = "fabric-hosts",
                     .thing = "the fabric",
                     .seen = fmt::format("has none of the wanted nodes among its {} devices",
                                         input.fabric.devices.size()),
                     .next = "look at the node descriptions there, or give --map"});
    input.map = topology::rail_map_of(input.fabric, input.hosts);
    input.findings = input.fabric.findings;
    input.findings.insert(input.findings.end(), input.hosts.findings.begin(), input.hosts.findings.end());
    if (auto absent = absent_nodes(input)) input.findings.push_back(std::move(*absent));
    return input;
}

} // namespace railhead
