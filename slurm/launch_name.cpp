#include "slurm/launch_name.hpp"

namespace railhead {
namespace {

bool only(std::string_view text, const char* characters) {
    return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

} // namespace

std::optional<LaunchName> launch_name_from(std::string_view folder) {
    constexpr auto* digits = "0123456789";
    if (!folder.starts_with("rh-")) return std::nullopt;
    folder.remove_prefix(3);
    auto dot = folder.find('.'), dash = folder.find('-');
    if (dot == std::string_view::npos || dash == std::string_view::npos || dash < dot) return std::nullopt;
    auto job = folder.substr(0, dot), step = folder.substr(dot + 1, dash - dot - 1);
    auto launch = folder.substr(dash + 1);
    auto made = launch.substr(0, LaunchName::made_digits), begun = launch.substr(made.size());
    if (!only(job, digits) || !only(step, digits) || made.size() < LaunchName::made_digits ||
        !only(made, "0123456789abcdef") || (!begun.empty() && !only(begun, digits)))
        return std::nullopt;
    return LaunchName{std::string(job), std::string(step), std::string(launch)};
}

} // namespace railhead
