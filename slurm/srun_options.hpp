#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace railhead {

// What srun's options are called depends on its version. `slurm`: as `scontrol --version` says it,
// "slurm-wlm 22.05.8".

bool is_22_05(std::string_view slurm);

/// Asks for `each` GPUs on every one of `nodes`. 22.05 refuses --gres=gpu:N on a node that has more than its
/// even share of the job's GPUs, but gives --gpus=N on one node; there 24.11 lets such a step wait for good.
std::string gpus_option(int each, std::size_t nodes, std::string_view slurm);

} // namespace railhead
