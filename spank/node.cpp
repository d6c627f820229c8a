// slurmstepd, as root, before the tasks of a step: what its node tells of itself, each time by a child that
// runs as the job's user, for it needs no more.
#include "base/number.hpp"
#include "spank/contexts.hpp"
#include "spank/prepared.hpp"

#include <sys/resource.h>

namespace railhead::spank {
namespace {

/// railhead check node takes three at most (node_facts.hpp), railhead env some milliseconds.
constexpr double check_within_s = 5, env_within_s = 2;

std::string asked_or(const std::optional<std::string>& asked, const Settings& settings, Key key) {
    return asked.value_or(settings.text(key));
}

/// Those of the user's shell, which srun and sbatch hand on (PropagateResourceLimits) and slurmstepd gives to
/// the tasks later.
std::map<int, std::uint64_t> limits_of_tasks(spank_t handle) {
    std::map<int, std::uint64_t> limits;
    for (auto [resource, name] :
         {std::pair(RLIMIT_MEMLOCK, "SLURM_RLIMIT_MEMLOCK"), std::pair(RLIMIT_NOFILE, "SLURM_RLIMIT_NOFILE")})
        if (auto value = whole_number<std::uint64_t>(variable(handle, name))) limits[resource] = *value;
    return limits;
}

void look(Prepared& node, spank_t handle, const Identity& owner) {
    auto found = ask_node(RAILHEAD_PROGRAM, owner, limits_of_tasks(handle), check_within_s);
    if (!found) {
        slurm_error("spank/railhead: %s", sentence(found.error()).c_str());
        found.error().finding.level = Level::unknown;
        node.findings = {std::move(found.error().finding)};
        return;
    }
    for (auto& each : *found)
        if (each.level == Level::fail || each.level == Level::warn) node.findings.push_back(std::move(each));
}

} // namespace

Prepared& prepared() {
    static Prepared only;
    return only;
}

int look_at_node(spank_t handle) {
    const auto items = items_of(handle);
    if (!items || (!items->is_of_srun() && !items->is_of_batch())) return 0;
    const auto settings = site_settings();
    auto& node = prepared();
    const auto check = asked_or(check_asked(), settings, Key::spank_check);
    node.enforces = check == "enforce";
    if (check != "off") look(node, handle, items->owner);
    node.gpus_of_step = variable(handle, "SLURM_STEP_GPUS");
    node.step_sees = variable(handle, "CUDA_VISIBLE_DEVICES");
    // What a batch script has would go on to the other nodes, whose devices may have other names.
    const bool wires = items->is_of_srun() && !node.gpus_of_step.empty();
    if (!wires || asked_or(env_asked(), settings, Key::spank_env) == "off") return 0;
    auto told = ask_rails(RAILHEAD_PROGRAM, items->owner, variable(handle, "HOME"), env_within_s);
    if (told)
        node.rails = std::move(*told);
    else
        slurm_error("spank/railhead: %s", sentence(told.error()).c_str());
    return 0;
}

} // namespace railhead::spank
