#pragma once
#include "slurm/constraint.hpp"
#include "slurm/inventory.hpp"

#include <fmt/core.h>

namespace railhead::example {

/// Partition gpu (default): node[1-32], h100 x 8, leaves of 16. a100: a[1-2], a100 x 4. cpu: c1. mixed:
/// m[1-3] with h100 x 4 and m4 with untyped GPUs. secret: hidden, gb200 x 4. featured: f[1-6] with h100 x 8,
/// features ib and rack1 (f1-2), ib and rack2 (f3-5), nvme (f6). Reservations: two (node[1-2], a1), free (its
/// jobs may use any node).
inline Inventory cluster() {
    InventoryBuilder builder;
    auto add = [&](const std::string& prefix, int count, std::vector<NodeGres> gres) {
        std::vector<std::string> names;
        for (int i = 1; i <= count; ++i) {
            names.push_back(fmt::format("{}{}", prefix, i));
            builder.add_node(names.back(), {.gres = gres, .cpus = 16, .memory_mib = 32000});
        }
        return names;
    };
    auto add_featured = [&] {
        std::vector<std::string> names;
        for (std::string features : {"ib,rack1", "ib,rack1", "ib,rack2", "ib,rack2", "ib,rack2", "nvme"}) {
            names.push_back(fmt::format("f{}", names.size() + 1));
            builder.add_node(names.back(), {.gres = {{"gpu", "h100", 8}},
                                            .cpus = 16,
                                            .memory_mib = 32000,
                                            .features = node_features(features)});
        }
        return names;
    };
    auto gpu = add("node", 32, {{"gpu", "h100", 8}, {"nic", "", 8}});
    auto a100 = add("a", 2, {{"gpu", "a100", 4}});
    auto cpu = add("c", 1, {});
    auto mixed = add("m", 3, {{"gpu", "h100", 4}, {"gpu", "h200", 4}});
    auto untyped = add("u", 1, {{"gpu", "", 6}});
    auto secret = add("s", 1, {{"gpu", "gb200", 4}});
    builder.add_partition({.name = "gpu", .is_default = true}, gpu);
    builder.add_partition({.name = "a100"}, a100);
    builder.add_partition({.name = "cpu"}, cpu);
    builder.add_partition({.name = "mixed"}, mixed);
    builder.add_partition({.name = "untyped"}, untyped);
    builder.add_partition({.name = "secret", .open = false}, secret);
    builder.add_partition({.name = "featured", .open = false}, add_featured());
    builder.inventory().reservations = {
        {.name = "two", .nodes = builder.indices_of({"node1", "node2", "a1"})}, {.name = "free"}};
    builder.add_leaf("leaf1", {gpu.begin(), gpu.begin() + 16});
    builder.add_leaf("leaf2", {gpu.begin() + 16, gpu.begin() + 24});
    builder.add_leaf("leaf3", {gpu.begin() + 24, gpu.end()});
    builder.add_leaf("leaf4", a100);
    return builder.take();
}

inline JobRequest asks(Per per, const std::string& type, std::uint64_t count) {
    JobRequest job;
    job.gpus.items = {{"gpu", type, per, count, ""}};
    return job;
}

inline JobRequest in(JobRequest job, std::vector<std::string> partitions) {
    job.partitions = std::move(partitions);
    return job;
}

inline JobRequest on(JobRequest job, std::uint32_t nodes) {
    job.nodes_min = job.nodes_max = nodes;
    return job;
}

} // namespace railhead::example
