#include "topology/check.hpp"
#include "topology/host_names.hpp"
#include "topology/topology_yaml.hpp"

namespace railhead::topology {

std::string plugin_for(std::string_view text) {
    if (is_topology_yaml(text)) return {};
    const auto conf = read_topology_conf(text);
    if (!conf || conf->switches.empty() == conf->blocks.empty()) return {};
    return conf->blocks.empty() ? "topology/tree" : "topology/block";
}

std::optional<Finding> check_plugin(std::string_view text, const std::string& set) {
    const auto wanted = plugin_for(text);
    if (wanted.empty() || in_lower_case(set) == wanted) return std::nullopt;
    return Finding{.id = "plugin",
                   .level = Level::warn,
                   .thing = "slurm.conf",
                   .seen = (set.empty()
                                ? std::string("has no TopologyPlugin, so it is the default one, which reads "
                                              "no topology.conf")
                                : "has TopologyPlugin=" + set + ", which does not read such a file"),
                   .expected = "TopologyPlugin=" + wanted,
                   .next = "set it, and start slurmctld and each slurmd again"};
}

} // namespace railhead::topology
