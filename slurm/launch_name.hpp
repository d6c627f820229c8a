#pragma once
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace railhead {

/// What the name of a launch's directory says: "rh-<job>.<step>-<launch>", with the step of its agents. The
/// launch is six hex digits made for it; one that was begun in a step (`srun railhead`) has that step behind.
/// The launcher makes the directory, the SPANK plugin sweeps what is left of it: both read the name here.
struct LaunchName {
    static constexpr std::size_t made_digits = 6;
    std::string job, step, launch;

    bool begun_in(const std::string& of_step) const {
        return launch.substr(std::min(made_digits, launch.size())) == of_step;
    }

    std::string text() const { return job + "." + step + "-" + launch; } ///< also RAILHEAD_LAUNCH's value
    std::string folder() const { return "rh-" + text(); }
    bool operator==(const LaunchName&) const = default;
};

/// Absent for what is no such name: anybody may make folders in /tmp.
std::optional<LaunchName> launch_name_from(std::string_view folder);

} // namespace railhead
