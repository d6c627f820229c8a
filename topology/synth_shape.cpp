#include "topology/synth_shape.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead::topology {
namespace {

constexpr std::size_t most_ports = 60'000;  ///< in one fabric's file a port is a 16-bit number
constexpr std::size_t numbered_ports = 254; ///< InfiniBand's are 8-bit ones, of which 0 and 255 are none

/// How many ports the switch with the most has: a leaf, a spine, a core or a top.
std::size_t widest_switch(const Synth& wanted) {
    const SynthShape shape(wanted);
    const auto rails_of_plane = (wanted.rails + wanted.planes - 1) / wanted.planes;
    const auto leaf = std::size_t{wanted.unit} + wanted.spines;
    const auto spine = std::size_t{std::min(shape.units, shape.in_pod)} * rails_of_plane +
                       (shape.pods > 1 ? wanted.cores : 0);
    const auto core = std::size_t{std::min(shape.pods, shape.in_zone)} * wanted.spines +
                      (shape.zones > 1 ? wanted.tops : 0);
    const auto top = std::size_t{shape.zones} * wanted.cores;
    return std::max(
        {leaf, wanted.spines > 0 ? spine : 0, shape.pods > 1 ? core : 0, shape.zones > 1 ? top : 0});
}

} // namespace

Result<void> can_be_made(const Synth& wanted) {
    auto wrong = [](std::string thing, std::string expected) {
        return fail(
            ErrorKind::usage,
            {.id = "synth", .thing = std::move(thing), .seen = "cannot be", .expected = std::move(expected)});
    };
    if (wanted.nodes < 1 || wanted.nodes > 1'000'000 || wanted.rails < 1 || wanted.rails > 64)
        return wrong(fmt::format("{} nodes with {} rails", wanted.nodes, wanted.rails),
                     "1 to 1000000 and 1 to 64");
    if (wanted.unit < 1 || wanted.unit > most_ports)
        return wrong(fmt::format("a unit of {} nodes", wanted.unit),
                     "1 or more, and ports for all on one switch");
    if (std::max({wanted.spines, wanted.cores, wanted.tops, wanted.pod_units, wanted.zone_pods}) > 4096 ||
        wanted.storage > 100'000)
        return wrong("the number of spines, cores, tops, units in a pod, pods in a zone or storage servers",
                     "at most 4096, and 100000 servers");
    if (wanted.planes < 1 || wanted.planes > wanted.rails)
        return wrong(fmt::format("{} planes with {} rails", wanted.planes, wanted.rails),
                     "1 or more, and a rail for each");
    if (const auto ports = widest_switch(wanted); ports > most_ports)
        return wrong(fmt::format("a switch of {} ports", ports),
                     fmt::format("at most {}; give --pod-units, or --zone-pods", most_ports));
    if (wanted.names != "mlx5" && wanted.names != "hca" && wanted.names != "vendor" && wanted.names != "none")
        return wrong(fmt::format("--names {}", wanted.names), "mlx5, hca, vendor or none");
    return {};
}

std::vector<Finding> synth_findings(const Synth& wanted) {
    const auto ports = widest_switch(wanted);
    if (ports <= numbered_ports) return {};
    return {{.id = "switch-wide",
             .level = Level::info,
             .thing = "the widest switch",
             .seen = fmt::format("has {} ports, and InfiniBand numbers {} at most", ports, numbered_ports),
             .next = "give --pod-units, or --zone-pods, if it is for ibsim"}};
}

} // namespace railhead::topology
