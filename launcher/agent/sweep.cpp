#include "launcher/agent/sweep.hpp"

#include "launcher/agent/hello.hpp"
#include "launcher/agent/leaving.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace railhead {
namespace {

bool is_number(std::string_view text) {
    return !text.empty() &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

} // namespace

Result<StepTarget> step_target_from(std::string_view text) {
    auto dot = text.find('.');
    StepTarget target{std::string(text.substr(0, dot)), ""};
    if (dot != std::string_view::npos) target.step = text.substr(dot + 1);
    if (is_number(target.job) && (dot == std::string_view::npos || is_number(target.step))) return target;
    return fail(ErrorKind::usage, {.id = "step-target",
                                   .thing = "the step",
                                   .seen = "is \"" + std::string(text) + "\"",
                                   .expected = "JOBID or JOBID.STEPID, both numbers"});
}

int run_sweep(const Environment& environment, const std::string& text, const std::string& tmp) {
    auto target = step_target_from(text);
    if (!target) {
        fmt::print(stderr, "railhead: {}\n", sentence(target.error()));
        return exit_code(target.error().kind);
    }
    int code = 0;
    for (auto& finding : sweep(node_name(environment), tmp, target->job, target->step)) {
        fmt::print("{}\n", sentence(finding));
        if (is_left_behind(finding)) code = exit_code(ErrorKind::survivors);
    }
    return code;
}

} // namespace railhead
