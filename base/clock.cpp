#include "base/clock.hpp"

#include <climits>
#include <cmath>
#include <ctime>

namespace railhead {

namespace {

double seconds_of(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

} // namespace

double monotonic_s() {
    return seconds_of(CLOCK_MONOTONIC);
}

double wall_s() {
    return seconds_of(CLOCK_REALTIME);
}

int Deadline::left_ms() const {
    return static_cast<int>(std::min(std::ceil(left_s() * 1000), static_cast<double>(INT_MAX)));
}

} // namespace railhead
