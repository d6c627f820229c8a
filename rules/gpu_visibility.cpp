#include "rules/gpu_visibility.hpp"

#include "slurm/fields.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace railhead {
namespace {

bool several_tasks_on_a_node(const JobRequest& job) {
    if (job.tasks_per_node) return *job.tasks_per_node > 1;
    return job.tasks && job.nodes_max && *job.tasks > *job.nodes_max;
}

/// "gres/gpu:mask_gpu:0x3,0x3": every rank sees the same GPUs.
bool all_have_the_same_mask(std::string_view gpu_bind) {
    constexpr std::string_view option = "mask_gpu:";
    auto at = gpu_bind.find(option);
    if (at == gpu_bind.npos) return false;
    auto masks = names_in(gpu_bind.substr(at + option.size()));
    return std::count(masks.begin(), masks.end(), masks.empty() ? "" : masks[0]) ==
           static_cast<std::ptrdiff_t>(masks.size());
}

} // namespace

std::optional<Finding> gpu_visibility_rule(const JobRequest& job, const Inventory&, const Partitions&) {
    if (job.modify || !several_tasks_on_a_node(job)) return std::nullopt;
    // sbatch(1), --gpu-bind: "verbose," may stand before it; "none" leaves all GPUs of the step visible.
    if (job.gpu_bind.find("none") != std::string::npos || all_have_the_same_mask(job.gpu_bind))
        return std::nullopt;
    const auto items = gpu_items(job);
    auto task =
        std::find_if(items.begin(), items.end(), [](const GresItem* item) { return item->per == Per::task; });
    std::string what;
    if (task != items.end())
        what = fmt::format("{}={}",
                           (*task)->option == NodeOption::tres_per_task ? "--tres-per-task=gres/gpu"
                                                                        : "--gpus-per-task",
                           (*task)->count);
    else if (job.tasks_per_gpu)
        what = fmt::format("--ntasks-per-gpu={}", *job.tasks_per_gpu);
    else if (!items.empty() && !job.gpu_bind.empty())
        what = "--gpu-bind";
    else
        return std::nullopt;
    return Finding{
        .id = "gpu-visibility",
        .level = Level::fail,
        .thing = what,
        .seen = "hides the GPUs of a node's ranks from each other, so that P2P and CUDA IPC do not work",
        .next = what == "--gpu-bind" ? "leave it out" : "add --gpu-bind=none, or use --gpus-per-node"};
}

} // namespace railhead
