// A topology file that is there already, as the fabric that it claims: each leaf or block one switch. Of a
// topology.yaml the cluster's default. Where it contradicts itself, check.cpp's findings say so.
#include "topology/check.hpp"
#include "topology/line_reader.hpp"
#include "topology/named_fabric.hpp"
#include "topology/readers.hpp"
#include "topology/topology_yaml.hpp"

namespace railhead::topology {

Result<Fabric> read_topology_file(Text text) {
    auto conf = read_any_topology(text.view());
    if (!conf) return tl::unexpected(std::move(conf.error()));
    if (conf->switches.empty() && conf->blocks.empty())
        return fail(ErrorKind::usage, {.id = "fabric-empty",
                                       .thing = "the text",
                                       .seen = "has no line",
                                       .expected = "SwitchName= or BlockName="});
    NamedFabric build{std::move(text)};
    auto leaf = [&](const std::string& name, const std::vector<std::string>& nodes, std::uint32_t line) {
        auto at = build.network_switch(name, line);
        for (const auto& node : nodes) build.link(at, build.adapter(node, "", line), line);
        return at;
    };
    for (const auto& one : conf->switches) {
        auto at = leaf(one.name, one.nodes, one.line);
        for (const auto& below : one.switches)
            build.link(at, build.network_switch(below, one.line), one.line);
    }
    for (const auto& one : conf->blocks) leaf(one.name, one.nodes, one.line);
    for (auto& finding : check(*conf, {})) {
        if (finding.where.empty()) continue; // of the whole file, which is not to be installed here
        if (finding.level == Level::fail) finding.level = Level::warn; // it is read nevertheless
        build.finding(std::move(finding));
    }
    auto fabric = std::move(build).finish();
    fabric.is_tree = true;
    return fabric;
}

} // namespace railhead::topology
