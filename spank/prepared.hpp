#pragma once
#include "spank/rails.hpp"
#include "spank/step.hpp"

#include <optional>
#include <string>
#include <vector>

namespace railhead::spank {

/// What node.cpp has found out, for task.cpp in the processes that slurmstepd forks after it.
struct Prepared {
    std::optional<ToldRails> rails; ///< absent: tasks get no variables
    std::vector<Finding> findings;  ///< of this node, the worst first
    bool enforces = false;
    std::string gpus_of_step, step_sees; ///< SLURM_STEP_GPUS, and CUDA_VISIBLE_DEVICES of the step
};
Prepared& prepared();

} // namespace railhead::spank
