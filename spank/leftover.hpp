#pragma once
#include "base/child.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace railhead::spank {

/// A step that ends on this node, and whose it is.
struct EndedStep {
    std::vector<std::string> jobs; ///< its ids: of the component, and of the heterogeneous job's leader
    std::uint32_t step = 0;
    Identity owner;
};

/// Looks into `tmp` for directories rh-<job>.<step>-<hex> of the step's owner. Only names and owners are
/// looked at; nothing below `tmp` is opened and no link is followed, for this runs as root. Returns the job
/// ids that have one.
std::vector<std::string> jobs_with_leftovers(const EndedStep& step, const std::string& tmp);

/// Runs `program sweep JOB.STEP --tmp TMP` as the owner, in its own process group, with a clean environment,
/// and waits at most `seconds`; then kills the group. The finding (warn) says what went wrong; a child that
/// cannot be killed is named and left.
std::optional<Finding> sweep(const EndedStep& step, const std::string& job, const std::string& program,
                             const std::string& tmp, double seconds);

} // namespace railhead::spank
