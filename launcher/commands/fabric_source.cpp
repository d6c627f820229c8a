#include "launcher/commands/fabric_source.hpp"

#include "base/child.hpp"
#include "base/fd.hpp"
#include "topology/readers.hpp"

#include <fmt/core.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace railhead {
namespace {

constexpr std::size_t most_fabric_bytes = std::size_t{4}
                                          << 30; ///< of one source; 50,000 nodes with 8 rails are 160 MiB
constexpr std::size_t first_room = 1 << 16;      ///< for what does not say its size

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
    {nvlink_kind, topology::read_nvlink_domains},
}};

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

/// "-" for standard input; empty where none stands behind the colon.
std::string path_in(const std::string& from) {
    auto colon = from.find(':');
    return colon == from.npos ? "-" : from.substr(colon + 1);
}

} // namespace

std::string source_kinds() {
    std::string text(live_kind);
    for (const auto& source : sources) text += fmt::format(", {}", source.kind);
    return text;
}

std::string kind_of(const std::string& from) {
    return from.substr(0, from.find(':'));
}

bool reads_standard_input(const std::string& from) {
    return from != live_kind && path_in(from) == "-";
}

Result<topology::Fabric> read_source(const Environment& environment, const std::string& from) {
    if (from == live_kind) {
        auto text = live_text(environment);
        if (!text) return tl::unexpected(text.error());
        return topology::read_ibnetdiscover(std::move(*text));
    }
    auto path = path_in(from);
    const auto* source = std::find_if(sources.begin(), sources.end(),
                                      [&](auto& known) { return known.kind == kind_of(from); });
    if (source == sources.end())
        return fail(ErrorKind::usage,
                    {.id = "fabric-kind",
                     .thing = "--from " + from,
                     .seen = "names no source that is known",
                     .expected = source_kinds() + "; with :FILE behind it or from standard input"});
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

Result<topology::Text> text_of_input(const std::string& path) {
    if (path.empty())
        return fail(ErrorKind::usage, {.id = "fabric-file",
                                       .thing = "the file's name",
                                       .seen = "is empty",
                                       .expected = "a file, or - for standard input"});
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

} // namespace railhead
