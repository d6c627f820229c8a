#pragma once
#include "base/finding.hpp"
#include "slurm/request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace railhead {

/// "rule=gpu-type verdict=refuse user=1001 partition=gpu: gpu:a100 is ...": one line, its keys always the
/// same and in this order, so that an administrator can search and count. `uid`: who sent the request. Level
/// fail is "refuse", any other "warn".
std::string verdict_line(const Finding& verdict, const JobRequest& job, std::uint32_t uid);

/// What such a line says.
struct Verdict {
    std::string rule;
    bool refused = false;
    std::uint32_t user = 0; ///< uid
    std::string partition;  ///< as the request named it: "gpu,big", "(default)"
    bool operator==(const Verdict&) const = default;
};

/// The verdict in a line of slurmctld's log, whatever stands before it; absent: it has none.
std::optional<Verdict> verdict_in(std::string_view line);

} // namespace railhead
