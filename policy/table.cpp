#include "policy/table.hpp"

#include <algorithm>
#include <array>

namespace railhead {

namespace {

constexpr double day = 86400;
// The launch's directory is "<tmp>/rh-<jobid>.<step>-<6 hex>", and a Unix socket's path has 107 bytes, of
// which Ray's session takes 67: that leaves 40 for the whole directory, and 15 for its base.
constexpr double longest_tmp = 15;
constexpr double longest_path = 1024;
constexpr double longest_hook = 4096;

constexpr Row rule(Key key, std::string_view name, std::string_view preset, std::string_view documentation) {
    return {.key = key,
            .name = name,
            .type = Type::choice,
            .preset = preset,
            .scope = Scope::site,
            .choices = "off warn enforce",
            .per_partition = true,
            .documentation = documentation};
}

/// A rule that refuses one thing and warns of another; strict: refuses both.
constexpr Row strict_rule(Key key, std::string_view name, std::string_view documentation) {
    auto row = rule(key, name, "enforce", documentation);
    row.choices = "off warn enforce strict";
    return row;
}

constexpr Row unit(Key key, std::string_view name, std::string_view documentation) {
    return {.key = key,
            .name = name,
            .type = Type::count,
            .preset = "0",
            .scope = Scope::site,
            .high = 100'000,
            .per_partition = true,
            .documentation = documentation};
}

constexpr Row names(Key key, std::string_view name, std::string_view documentation) {
    return {.key = key,
            .name = name,
            .type = Type::text,
            .preset = "",
            .scope = Scope::site,
            .high = 4096,
            .documentation = documentation};
}

constexpr Row words(Key key, std::string_view name, std::string_view preset, double high,
                    std::string_view documentation) {
    return {.key = key,
            .name = name,
            .type = Type::text,
            .preset = preset,
            .scope = Scope::user,
            .high = high,
            .documentation = documentation};
}

constexpr std::array table{
    Row{.key = Key::launch_bringup_timeout,
        .name = "launch.bringup_timeout",
        .type = Type::seconds,
        .preset = "180",
        .scope = Scope::user,
        .low = 1,
        .high = day,
        .documentation = "A node or service that is not up by then ends the launch with code 103."},
    Row{.key = Key::launch_loss_after,
        .name = "launch.loss_after",
        .type = Type::seconds,
        .preset = "60",
        .scope = Scope::user,
        .low = 1,
        .high = day,
        .documentation =
            "Silence of a node for this long counts as its loss. An ended process or step acts at once."},
    Row{.key = Key::launch_grace,
        .name = "launch.grace",
        .type = Type::seconds,
        .preset = "2",
        .scope = Scope::user,
        .low = 0,
        .high = 3600,
        .documentation = "Time between SIGTERM and SIGKILL at the end."},
    Row{.key = Key::launch_ports,
        .name = "launch.ports",
        .type = Type::ports,
        .preset = "20000-29999",
        .scope = Scope::user,
        .low = 1024,
        .high = 65535,
        .documentation =
            "Ports that must be picked before they are bound; keep them outside the ephemeral range."},
    words(Key::launch_interface, "launch.interface", "", 15,
          "Network interface whose address a node announces; empty: the one of the route."),
    Row{.key = Key::launch_subnet,
        .name = "launch.subnet",
        .type = Type::subnet,
        .preset = "",
        .scope = Scope::user,
        .documentation = "Subnet that the announced address must be in; empty: any."},
    Row{.key = Key::launch_ip_version,
        .name = "launch.ip_version",
        .type = Type::choice,
        .preset = "any",
        .scope = Scope::user,
        .choices = "any 4 6",
        .documentation = "IP version of the announced address."},
    Row{.key = Key::launch_check,
        .name = "launch.check",
        .type = Type::choice,
        .preset = "off",
        .scope = Scope::user,
        .choices = "off warn enforce",
        .documentation =
            "Whether each node is looked at before anything starts, as by railhead check node: warn says "
            "what is wrong there, enforce starts nothing where a node has an error."},
    Row{.key = Key::launch_order,
        .name = "launch.order",
        .type = Type::text,
        .preset = "topology",
        .scope = Scope::user,
        .high = 65536,
        .documentation =
            "Order of the nodes, and so of the ranks: topology (neighbours share a leaf group), slurm "
            "(as Slurm lists them), or all nodes of the job as a list, such as n[3,1-2]."},
    Row{.key = Key::launch_tmp,
        .name = "launch.tmp",
        .type = Type::path,
        .preset = "/tmp",
        .scope = Scope::user,
        .low = 1,
        .high = longest_tmp,
        .documentation = "Where a launch makes its directory on each node; short, because socket paths are."},
    words(Key::launch_log_dir, "launch.log_dir", "", longest_path,
          "Where logs are brought when a launch fails; empty: railhead-JOBID-ATTEMPT-HEX in the working "
          "directory."),
    words(Key::launch_report, "launch.report", "", longest_path,
          "File that the JSON report is written to; empty: none."),
    words(Key::launch_restarts, "launch.restarts", "0", longest_path,
          "How often a program that failed starts again inside the job, after a pause of 1 s, "
          "then 2, 4, ... 30 s; exit:3,signal:1 counts by cause."),
    words(Key::launch_progress, "launch.progress", "", longest_path,
          "A file or folder that changes while work is done, such as that of the checkpoints; "
          "what failed without a change in it is not started again."),
    words(Key::launch_on_loss, "launch.on_loss", "fail", 64,
          "What the loss of a node means: fail; shrink:MIN goes on with the others, spare:N "
          "keeps N nodes idle for it, requeue puts the job back without that node."),
    Row{.key = Key::launch_requeues,
        .name = "launch.requeues",
        .type = Type::count,
        .preset = "3",
        .scope = Scope::user,
        .low = 0,
        .high = 1000,
        .documentation = "A job that was requeued so often (SLURM_RESTART_COUNT) is not requeued again."},
    Row{.key = Key::launch_warn_before,
        .name = "launch.warn_before",
        .type = Type::seconds,
        .preset = "0",
        .scope = Scope::user,
        .low = 0,
        .high = day,
        .documentation = "So long before the job's time limit the program gets a signal, and the file that "
                         "RAILHEAD_WARNING names is made on each node; 0: never."},
    Row{.key = Key::launch_warn_signal,
        .name = "launch.warn_signal",
        .type = Type::choice,
        .preset = "USR2",
        .scope = Scope::user,
        .choices = "USR2 USR1 none",
        .documentation = "The signal of that warning."},
    Row{.key = Key::launch_at_limit,
        .name = "launch.at_limit",
        .type = Type::choice,
        .preset = "end",
        .scope = Scope::user,
        .choices = "end requeue",
        .documentation = "requeue: a job whose program was warned goes back to the queue when that ends, or "
                         "shortly before the limit."},
    words(Key::launch_before_node, "launch.before_node", "", longest_hook,
          "Shell command that each node runs once before anything else is started; if it "
          "fails, nothing is."),
    words(Key::launch_after_node, "launch.after_node", "", longest_hook,
          "Shell command that each node runs once when all else has ended, however that was; it has 60 s."),
    words(Key::ray_program, "ray.program", "", longest_path, "The ray program; empty: the ray of PATH."),
    Row{.key = Key::ray_dashboard,
        .name = "ray.dashboard",
        .type = Type::choice,
        .preset = "off",
        .scope = Scope::user,
        .choices = "off on",
        .documentation =
            "Whether the head serves Ray's dashboard; without it bring-up is about two seconds faster."},
    Row{.key = Key::ray_object_store,
        .name = "ray.object_store",
        .type = Type::bytes,
        .preset = "0",
        .scope = Scope::user,
        .high = 1024.0 * 1024 * 1024 * 1024 * 16,
        .documentation = "Object store per node; 0: 30 % of the job's memory there, bounded by /dev/shm."},
    words(Key::torchrun_program, "torchrun.program", "", longest_path,
          "The torchrun program; empty: the torchrun of PATH."),
    Row{.key = Key::mpi_launcher,
        .name = "mpi.launcher",
        .type = Type::choice,
        .preset = "auto",
        .scope = Scope::user,
        .choices = "auto srun mpirun",
        .documentation =
            "What starts the ranks; auto: srun where Slurm has PMIx, else Open MPI's mpirun, without ssh."},
    Row{.key = Key::mpi_mpirun,
        .name = "mpi.mpirun",
        .type = Type::text,
        .preset = "",
        .scope = Scope::user,
        .high = longest_path,
        .documentation = "Open MPI's program mpirun; empty: the mpirun of PATH."},
    Row{.key = Key::mpi_bind,
        .name = "mpi.bind",
        .type = Type::choice,
        .preset = "none",
        .scope = Scope::user,
        .choices = "none core numa socket",
        .documentation =
            "To which CPUs of its node a rank is bound; none: it may use all that the job has there."},
    Row{.key = Key::submit_on_missing_inventory,
        .name = "submit.on_missing_inventory",
        .type = Type::choice,
        .preset = "accept",
        .scope = Scope::site,
        .choices = "accept",
        .documentation = "What happens to a job while the plugin has no fresh picture of the cluster."},
    Row{.key = Key::submit_refresh,
        .name = "submit.refresh",
        .type = Type::seconds,
        .preset = "30",
        .scope = Scope::site,
        .low = 1,
        .high = 3600,
        .documentation = "Time between two looks at the cluster's nodes and partitions, in the background."},
    Row{.key = Key::submit_down_nodes,
        .name = "submit.down_nodes",
        .type = Type::choice,
        .preset = "count",
        .scope = Scope::site,
        .choices = "count ignore",
        .per_partition = true,
        .documentation = "ignore: a job is judged by the nodes that are not DOWN; those that are drained or "
                         "powered down count always."},
    Row{.key = Key::submit_placement,
        .name = "submit.placement",
        .type = Type::choice,
        .preset = "any",
        .scope = Scope::site,
        .choices = "any compact",
        .per_partition = true,
        .documentation =
            "compact: ask Slurm for the fewest leaf groups when a job does not say --rail-placement."},
    Row{.key = Key::submit_placement_wait,
        .name = "submit.placement_wait",
        .type = Type::seconds,
        .preset = "60",
        .scope = Scope::site,
        .low = 0,
        .high = day,
        .per_partition = true,
        .documentation = "How long a compact job waits for that placement before it takes any."},
    Row{.key = Key::submit_placement_told,
        .name = "submit.placement_told",
        .type = Type::choice,
        .preset = "off",
        .scope = Scope::site,
        .choices = "off on",
        .documentation = "Whether a line tells the user what was asked for; it stands in the job's "
                         "AdminComment, too."},
    names(Key::submit_exempt_users, "submit.exempt_users",
          "Users, comma-separated, whose jobs are not judged."),
    names(Key::submit_exempt_accounts, "submit.exempt_accounts",
          "Accounts, comma-separated; a job counts that names its account."),
    names(Key::submit_exempt_qos, "submit.exempt_qos",
          "QOS, comma-separated; a job counts that names its QOS."),
    names(Key::submit_exempt_reservations, "submit.exempt_reservations",
          "Reservations, comma-separated, in which jobs are not judged."),
    rule(Key::submit_rule_gpu_type, "submit.rule_gpu_type", "enforce",
         "A GPU type that the partition does not have."),
    rule(Key::submit_rule_gpus_per_node, "submit.rule_gpus_per_node", "enforce",
         "More GPUs per node than any node of the partition has."),
    strict_rule(
        Key::submit_rule_partition_kind, "submit.rule_partition_kind",
        "GPUs asked of a partition without any; warned of: no GPU asked of one where every node has some."),
    rule(Key::submit_rule_gpus_total, "submit.rule_gpus_total", "enforce",
         "More GPUs or nodes in total than the partition has, or gives to one job."),
    rule(Key::submit_rule_node_shape, "submit.rule_node_shape", "enforce",
         "GPUs, CPUs, memory and tasks that no node has together, or too few of those that may be used."),
    strict_rule(Key::submit_rule_conflict, "submit.rule_conflict",
                "Options that contradict each other; warned of: one that Slurm drops in silence."),
    strict_rule(Key::submit_rule_time_limit, "submit.rule_time_limit",
                "More time than the partition allows; warned of: none given where the default is short."),
    rule(Key::submit_rule_type_required, "submit.rule_type_required", "off",
         "A GPU request without a type where the partition has several."),
    rule(Key::submit_rule_mixed_types, "submit.rule_mixed_types", "warn",
         "Several GPU types in one job that is not heterogeneous; MIG slices over several nodes."),
    rule(Key::submit_rule_uneven, "submit.rule_uneven", "warn",
         "GPUs per job on several nodes that need not come out even."),
    rule(Key::submit_rule_whole_nodes, "submit.rule_whole_nodes", "warn",
         "A job of several nodes on parts of them: its rails need not line up."),
    rule(Key::submit_rule_gpu_share, "submit.rule_gpu_share", "warn",
         "CPUs or memory per GPU above the node's share, which leaves GPUs that nobody can use."),
    rule(Key::submit_rule_gpu_visibility, "submit.rule_gpu_visibility", "warn",
         "Ranks of a node that do not see each other's GPUs, so that P2P and CUDA IPC break."),
    rule(Key::submit_rule_scalable_unit, "submit.rule_scalable_unit", "off",
         "More leaf groups than unit_most, or a size that is no multiple of unit_step."),
    unit(Key::submit_unit_most, "submit.unit_most", "Leaf groups that one job may need; 0: any number."),
    unit(Key::submit_unit_step, "submit.unit_step",
         "A job larger than a leaf group asks for a multiple of so many whole ones; 0: any size."),
    Row{.key = Key::spank_cleanup,
        .name = "spank.cleanup",
        .type = Type::choice,
        .preset = "on",
        .scope = Scope::site,
        .choices = "off on",
        .documentation = "Remove what a killed launch left on a node when its step ends."},
    Row{.key = Key::spank_env,
        .name = "spank.env",
        .type = Type::choice,
        .preset = "off",
        .scope = Scope::site,
        .choices = "off auto",
        .documentation = "Whether tasks get the variables of railhead env where the job does not say by "
                         "--rail-env; what a user has set stays."},
    Row{.key = Key::spank_check,
        .name = "spank.check",
        .type = Type::choice,
        .preset = "off",
        .scope = Scope::site,
        .choices = "off warn enforce",
        .documentation =
            "Whether a step's nodes are looked at, as by railhead check node, where the job does "
            "not say by --rail-check: warn says what is wrong there, enforce ends each task on a "
            "node with an error."},
    names(Key::node_adapters, "node.adapters",
          "RDMA devices that carry jobs' traffic, such as mlx5_[0-3,6-9]; empty: those that are nearest to a "
          "GPU."),
    names(Key::node_root, "node.root",
          "Folder in which sys, proc and dev of a node are looked for; empty: /. Of tests."),
};

constexpr bool in_order() {
    for (std::size_t i = 0; i < table.size(); ++i)
        if (static_cast<std::size_t>(table[i].key) != i) return false;
    return true;
}
static_assert(in_order(), "rows stand in the order of Key");
static_assert(table.size() == static_cast<std::size_t>(Key::node_root) + 1, "one row for each Key");

} // namespace

std::span<const Row> settings_table() {
    return table;
}

const Row& row_of(Key key) {
    return table[static_cast<std::size_t>(key)];
}

const Row* find_row(std::string_view name) {
    auto found = std::ranges::find(table, name, &Row::name);
    return found == table.end() ? nullptr : &*found;
}

} // namespace railhead
