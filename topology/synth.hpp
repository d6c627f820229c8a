#pragma once
#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace railhead::topology {

/// A rail-optimised fabric that does not exist. Every unit has one leaf switch a rail; in each plane every
/// leaf is cabled to all spines of its pod, every spine to all cores of its zone, every core to all tops.
struct Synth {
    std::uint32_t nodes = 64, rails = 8;
    std::uint32_t unit = 32;     ///< nodes on a leaf
    std::uint32_t pod_units = 0; ///< units in a pod; 0: one pod, no cores (two tiers)
    std::uint32_t zone_pods = 0; ///< pods in a zone; 0: one zone, no tops (three tiers)
    std::uint32_t planes = 1;    ///< fabrics that no cable joins; rail r is in plane r modulo planes
    std::uint32_t spines = 8;    ///< of a pod and plane
    std::uint32_t cores = 8;     ///< of a zone and plane
    std::uint32_t tops = 8;      ///< of a plane
    std::uint32_t storage =
        0;              ///< servers, each with one adapter on each of two storage leaves below the
                        ///< first pod's spines, in the first plane; all nodes have a storage adapter too then
    bool sharp = false; ///< an aggregation node on every switch
    std::string names = "mlx5"; ///< mlx5 ("node1 mlx5_0"), hca ("node1 HCA-1"), vendor, none
    std::string host = "node";  ///< in front of a host's number
    std::uint64_t seed = 1;
    std::vector<std::string>
        faults; ///< KIND or KIND:COUNT, at places that the seed chooses; no two harm one cable
};

/// lost-cable, dead-leaf, swapped-rails, foreign-cable (one cable of a node in another unit), moved-node (all
/// of them), half-node, slow-link, narrow-link, unnamed, lost-uplink (of a leaf), lost-core-cable (above
/// spines).
const std::vector<std::string>& synth_faults();

/// The text of ibnetdiscover; ibsim(8) reads it, too. Error (usage) for a shape that cannot be.
Result<std::string> synthesize(const Synth& wanted);

/// What is strange about a shape that can be.
std::vector<Finding> synth_findings(const Synth& wanted);

} // namespace railhead::topology
