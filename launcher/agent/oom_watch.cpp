#include "launcher/agent/oom_watch.hpp"

namespace railhead {

void OomWatch::sample(std::uint64_t kills, double now_s) {
    if (!seen_) seen_ = kills;
    if (kills > *seen_) {
        all_ += kills - *seen_;
        if (now_s - at_s_ > explains_s) unexplained_ = 0;
        unexplained_ += kills - *seen_;
        at_s_ = now_s;
    }
    seen_ = kills;
}

bool OomWatch::explains_failure(double now_s) {
    if (unexplained_ == 0 || now_s - at_s_ > explains_s) return false;
    --unexplained_;
    return true;
}

} // namespace railhead
