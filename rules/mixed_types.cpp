#include "rules/mixed_types.hpp"

#include <fmt/core.h>

#include <set>

namespace railhead {
namespace {

/// "1g.10gb", "h100_1g.10gb", "3g.40gb": as AutoDetect=nvml of gres.conf(5) names them.
bool is_mig(const std::string& type) {
    auto at = type.find("g.");
    return at != std::string::npos && at > 0 && type[at - 1] >= '1' && type[at - 1] <= '9' &&
           type.ends_with("gb");
}

} // namespace

std::optional<Finding> mixed_types_rule(const JobRequest& job, const Inventory&, const Partitions&) {
    std::set<std::string> types;
    for (const auto* item : gpu_items(job))
        if (!item->type.empty()) types.insert(item->type);
    if (types.size() > 1 && !job.het_offset) {
        std::string all;
        for (const auto& type : types) all += (all.empty() ? "" : " and ") + type;
        return Finding{.id = "mixed-types",
                       .level = Level::fail,
                       .thing = "GPUs of the types " + all,
                       .seen = "are asked in one component, whose ranks cannot tell which they get",
                       .next = "ask one type, or one component for each (a heterogeneous job, \":\")"};
    }
    bool several_nodes = job.nodes_min.value_or(1) > 1;
    for (const auto& type : types)
        if (several_nodes && is_mig(type))
            return Finding{.id = "mixed-types",
                           .level = Level::fail,
                           .thing = "gpu:" + type,
                           .seen = fmt::format("is a MIG slice, and NCCL does not connect those of {} nodes",
                                               *job.nodes_min),
                           .next = "ask whole GPUs, or one node"};
    return std::nullopt;
}

} // namespace railhead
