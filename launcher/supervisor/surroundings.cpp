#include "launcher/supervisor/surroundings.hpp"

#include "base/clock.hpp"
#include "launcher/signals.hpp"

#include <climits>
#include <unistd.h>

namespace railhead {

namespace {
void mask_signals(int how) {
    sigset_t set;
    sigemptyset(&set);
    for (int number : launch_signals) sigaddset(&set, number);
    sigprocmask(how, &set, nullptr);
}
} // namespace

mode_t own_umask() {
    const auto mask = umask(0077);
    umask(mask);
    return mask;
}

void hold_signals() {
    mask_signals(SIG_BLOCK);
}

void release_signals() {
    mask_signals(SIG_UNBLOCK);
}

std::string own_path() {
    std::string path(PATH_MAX, '\0');
    auto length = readlink("/proc/self/exe", path.data(), path.size());
    path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return path;
}

std::string working_directory() {
    std::string path(PATH_MAX, '\0');
    if (!getcwd(path.data(), path.size())) return "/";
    path.resize(path.find('\0'));
    return path;
}

bool is_over(std::optional<std::int64_t> end_time) {
    constexpr double slack_s = 3;
    return end_time && wall_s() > static_cast<double>(*end_time) - slack_s;
}

} // namespace railhead
