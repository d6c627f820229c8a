#include "slurm/srun_options.hpp"

namespace railhead {

bool is_22_05(std::string_view slurm) {
    return slurm.find(" 22.05.") != std::string_view::npos;
}

std::string gpus_option(int each, std::size_t nodes, std::string_view slurm) {
    if (each == 0) return "--gres=none";
    return (is_22_05(slurm) && nodes == 1 ? "--gpus=" : "--gres=gpu:") + std::to_string(each);
}

} // namespace railhead
