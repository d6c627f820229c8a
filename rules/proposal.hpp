#pragma once
#include "slurm/request.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace railhead {

/// The job with options that a rule proposes: "--nodes=2 --gpus-per-node=h100:8", or scontrol's "numnodes=2".
/// Absent: one is not known here, or sbatch would not take it beside the others.
std::optional<JobRequest> with_options(JobRequest job, std::string_view options);

/// Of "try A or B or C or else D" the first two ways that work, and what is no option but advice; D only
/// where no other is left. Empty: none works.
std::string ways_that_work(std::string_view next, const std::function<bool(std::string_view)>& works);

/// The job with options, as judged: what the first refusal of it proposes; "": nothing refuses it. Absent: it
/// is refused without a proposal, or cannot be made.
using NextRefusal = std::function<std::optional<std::string>(std::string_view options)>;
/// `options` with those of the first way of `next`, which replace the same ones.
std::string with_first_way(const std::string& options, std::string_view next);
/// "try --nodes=8 --mem=32000M": from `next` on, the first way out of each refusal in turn. Empty: they lead
/// nowhere.
std::string ways_in_turn(std::string next, const NextRefusal& next_refusal);

/// "try --nodes=2 --ntasks=2 --gpus=16": as much of each node as the job asks for, on the most nodes that
/// work. Empty: on one it does not work either.
std::string on_fewer_nodes(const JobRequest& job, const std::function<bool(std::string_view)>& works);

} // namespace railhead
