#pragma once
#include "topology/synth.hpp"

#include <cstdint>

namespace railhead::topology {

/// Units, and what they are in.
struct SynthShape {
    std::uint32_t units, in_pod, pods, in_zone, zones;

    explicit SynthShape(const Synth& wanted)
        : units((wanted.nodes + wanted.unit - 1) / wanted.unit),
          in_pod(wanted.pod_units == 0 ? units : wanted.pod_units), pods((units + in_pod - 1) / in_pod),
          in_zone(wanted.zone_pods == 0 ? pods : wanted.zone_pods), zones((pods + in_zone - 1) / in_zone) {}
};

/// Error (usage): the sentence that says why not.
Result<void> can_be_made(const Synth& wanted);

} // namespace railhead::topology
