#pragma once
#include "slurm/request.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace railhead {

/// A job of the past, as far as accounting knows it.
struct PastJob {
    std::string id, user;
    bool ran = false;   ///< it has started
    bool whole = false; ///< the options that it was submitted with are on record; else only its totals are
    JobRequest request;
};

/// The fields of `sacct --format` that past_job_from reads, in order; sacct prints them with `--parsable2`.
/// SubmitLine is last, because it may hold the delimiter.
inline constexpr std::string_view sacct_fields =
    "JobID,User,Account,Partition,QOS,Reservation,Start,Timelimit,ReqTRES,SubmitLine";

/// One line of it. Options of a script are on record only with AccountingStoreFlags=job_script, which sacct
/// prints apart; so what the command line does not say is taken from the totals (ReqTRES: nodes, GPUs).
/// Absent: the line is none of a job's, or its options cannot be read.
std::optional<PastJob> past_job_from(std::string_view line);

} // namespace railhead
