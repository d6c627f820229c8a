#pragma once
#include "base/finding.hpp"

#include <tl/expected.hpp>

#include <string>
#include <utility>

namespace railhead {

/// Why a command ended; each kind has one exit code, documented in railhead(1).
enum class ErrorKind {
    usage = 100,
    check_refused = 101,
    bringup_failed = 102,
    bringup_timeout = 103,
    node_lost = 104,
    service_died = 105,
    out_of_memory = 106,
    time_limit = 107,
    preempted = 108,
    cancelled = 109,
    nccl_fallback = 110,
    no_progress = 111,
    restart_budget = 112,
    survivors = 113,
    nccl_failed = 114,
    internal = 119,
};

constexpr int exit_code(ErrorKind kind) {
    return static_cast<int>(kind);
}
std::string_view name_of(ErrorKind kind);

/// An error is a finding with a kind. Context is added in front of `where` on the way up.
struct [[nodiscard]] Error {
    ErrorKind kind = ErrorKind::internal;
    Finding finding;

    Error within(const std::string& context) && {
        finding.where = finding.where.empty() ? context : context + ": " + finding.where;
        return std::move(*this);
    }
};

inline std::string sentence(const Error& error) {
    return sentence(error.finding);
}

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> fail(ErrorKind kind, Finding finding) {
    return tl::unexpected<Error>(Error{kind, std::move(finding)});
}

} // namespace railhead
