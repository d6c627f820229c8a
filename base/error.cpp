#include "base/error.hpp"

namespace railhead {

std::string_view name_of(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::usage:
        return "usage";
    case ErrorKind::check_refused:
        return "check-refused";
    case ErrorKind::bringup_failed:
        return "bring-up-failed";
    case ErrorKind::bringup_timeout:
        return "bring-up-timed-out";
    case ErrorKind::node_lost:
        return "node-lost";
    case ErrorKind::service_died:
        return "service-died";
    case ErrorKind::out_of_memory:
        return "out-of-memory";
    case ErrorKind::time_limit:
        return "time-limit";
    case ErrorKind::preempted:
        return "preempted";
    case ErrorKind::cancelled:
        return "cancelled";
    case ErrorKind::nccl_failed:
        return "nccl-failed";
    case ErrorKind::nccl_fallback:
        return "nccl-fall-back";
    case ErrorKind::no_progress:
        return "no-progress";
    case ErrorKind::restart_budget:
        return "restart-budget-spent";
    case ErrorKind::survivors:
        return "survivors";
    case ErrorKind::internal:
        break;
    }
    return "internal";
}

} // namespace railhead
