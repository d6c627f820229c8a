#include "launcher/supervisor/progress.hpp"

#include "base/child.hpp"

#include <fmt/core.h>

namespace railhead {
namespace {
constexpr double look_within_s = 5; // of a file system that may not answer
} // namespace

std::string progress_of(const std::string& file, const Environment& environment) {
    if (file.empty()) return {};
    constexpr auto look = R"(find -L "$0" -maxdepth 2 -printf '%i %s %T@ %p\n' 2>/dev/null | cksum)";
    const auto path = file.starts_with('/') ? file : "./" + file; // find takes "-name" and "(" for its own
    auto answer = capture({.argv = {"sh", "-c", look, path}, .env = environment.all()}, look_within_s);
    return answer && answer->status ? answer->out : std::string();
}

std::string no_progress(const std::string& file, const std::string& before, const std::string& after) {
    if (after.empty() || after != before) return {};
    const bool nothing = after.ends_with(" 0\n"); // bytes of find's output
    return fmt::format("{} (--progress) {}", file,
                       nothing ? "is not there" : "has not changed since this start");
}

} // namespace railhead
