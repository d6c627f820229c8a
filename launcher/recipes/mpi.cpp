#include "launcher/recipes/mpi.hpp"

#include "launcher/rank_words.hpp"
#include "launcher/recipes/log_causes.hpp"
#include "launcher/recipes/mpi_probe.hpp"
#include "slurm/hostlist.hpp"
#include "slurm/srun_options.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

namespace railhead {
namespace {

constexpr auto socket_path = "${dir}/ranks";

// What mpirun starts in the place of ssh. The agent of that node waits for the file, whose line starts the
// daemon; it stays the agent's child, and need not hide from a terminal.
constexpr auto daemon_script = R"(host=$1
shift
printf '%s\n' "$*" | sed 's/ --daemonize//' >"$RAILHEAD_JOB_DIR/daemon.$host.new"
mv "$RAILHEAD_JOB_DIR/daemon.$host.new" "$RAILHEAD_JOB_DIR/daemon.$host"
)";

// Open MPI's daemons leave their folders where they are killed: so these lie in the launch's. The rank's task
// gives it the user's own TMPDIR back.
constexpr auto own_tmpdir =
    "RAILHEAD_TMPDIR=$TMPDIR; TMPDIR=$RAILHEAD_JOB_DIR; export RAILHEAD_TMPDIR TMPDIR; ";

constexpr std::array mpi_causes{
    LogCause{
        "can not load PMIx library|Couldn't (?:load|find the) specified plugin name for mpi/pmix|Invalid MPI "
        "type 'pmix",
        "Slurm lists PMIx there and cannot load it; give --launcher mpirun (--mpirun PATH), or have the site "
        "install the PMIx library that Slurm was built with"},
    LogCause{
        "Task launch for StepId=\\S+ failed on node ([^ :]+): (.+)",
        "Slurm could not start ranks on {1}: {2}; slurmd's log there says why, as of a PMIx library that is "
        "missing, which --launcher mpirun does without"},
    LogCause{"MPI_ABORT was invoked on rank |application called MPI_Abort", "it called MPI_Abort"}};

/// All that the parts of the plan are made of.
struct Mpi {
    const LaunchInput& input;
    const MpiOptions& options;
    const NodeOrder& order;
    std::vector<int> ranks; ///< of each node, by its place in the order

    int world() const { return std::accumulate(ranks.begin(), ranks.end(), 0); }
    const Hello& hello(std::size_t place) const { return input.hellos[order.from[place]]; }
    std::string version(const std::string& name) const {
        auto found = hello(0).versions.find(name);
        return found == hello(0).versions.end() ? std::string() : found->second;
    }
    const std::string& bind() const { return input.settings.text(Key::mpi_bind); }
    /// One rank alone that is shown writes to the console itself.
    bool to_files() const { return world() > 1 || !options.shown.has(0); }
    std::string ranks_id(std::size_t place) const { return "ranks." + order.nodes[place].name; }

    /// An equal share of its node's CPUs for each rank, where that is least.
    int cpus_of_rank() const {
        int least = 1 << 20;
        for (std::size_t place = 0; place < ranks.size(); ++place)
            least = std::min(least, allocated_cpus(input.allocation, hello(place)) / ranks[place]);
        return least;
    }

    /// A line for each rank.
    std::string host_file() const {
        std::string text;
        for (std::size_t place = 0; place < ranks.size(); ++place)
            for (int rank = 0; rank < ranks[place]; ++rank) text += order.nodes[place].name + "\n";
        return text;
    }
};

Mpi mpi_of(const LaunchInput& input, const MpiOptions& options, const NodeOrder& order) {
    Mpi mpi{input, options, order, {}};
    for (auto index : order.from)
        mpi.ranks.push_back(
            options.per_node.value_or(std::max(1, static_cast<int>(input.hellos[index].gpus.size()))));
    return mpi;
}

enum class Way { srun, mpirun };

Error no_way(std::string thing, std::string seen, std::string next) {
    return {
        ErrorKind::bringup_failed,
        {.id = "mpi-launcher", .thing = std::move(thing), .seen = std::move(seen), .next = std::move(next)}};
}

/// Why a step of srun cannot hold all ranks; empty: it can.
std::string against_srun(const Mpi& mpi) {
    const auto& components = mpi.input.allocation.components;
    if (components.size() > 1 && components.front().het_group)
        return "starts no single MPI job over the parts of a heterogeneous job";
    if (components.size() > 1)
        return "asks for the same number of GPUs on every node, and the job's nodes differ";
    return mpi.version("mpi.pmix").empty() ? "has no PMIx (srun --mpi=list)" : "";
}

std::string against_mpirun(const Mpi& mpi) {
    std::set<std::string> names;
    for (const auto& node : mpi.order.nodes)
        if (!names.insert(node.name).second)
            return fmt::format("does not tell apart the two parts of the job that have {}", node.name);
    if (mpi.version("mpi.program").empty())
        return mpi.input.settings.text(Key::mpi_mpirun).empty() ? "is not on PATH" : "is no executable file";
    return mpi.version("mpi.version").empty() ? "is not Open MPI's" : "";
}

Result<Way> way_of(const Mpi& mpi) {
    const auto& wish = mpi.input.settings.text(Key::mpi_launcher);
    const auto srun = against_srun(mpi), mpirun = against_mpirun(mpi);
    const auto& given = mpi.input.settings.text(Key::mpi_mpirun);
    const auto found = mpi.version("mpi.program").empty() ? given : mpi.version("mpi.program");
    const auto name = found.empty() ? "mpirun" : found;
    if (wish == "srun") {
        if (srun.empty()) return Way::srun;
        return tl::unexpected(no_way("--launcher srun: srun", srun,
                                     "leave --launcher out, and have Open MPI's mpirun on PATH"));
    }
    if (wish == "auto" && srun.empty()) return Way::srun;
    if (mpirun.empty()) return Way::mpirun;
    auto seen = wish == "auto"
                    ? fmt::format("{}, and {} {} on {}", srun, name, mpirun, mpi.order.nodes[0].name)
                    : fmt::format("{} on {}", mpirun, mpi.order.nodes[0].name);
    return tl::unexpected(no_way(wish == "auto" ? "srun" : name, seen,
                                 "load the module of Open MPI in the job script, or give --mpirun PATH"));
}

/// Stands for the ranks of a node.
Process ranks_of(const Mpi& mpi, std::size_t place, double grace_s) {
    Process process{.id = mpi.ranks_id(place), .node = static_cast<int>(place), .role = Role::rank};
    process.argv = {"${railhead}", "ranks", std::to_string(mpi.ranks[place]), fmt::format("{}", grace_s)};
    // What mpirun said in an earlier start would start daemons for it.
    if (place == 0)
        process.argv.insert(process.argv.begin(), {"sh", "-c", "rm -f ${dir}/daemon.*; exec \"$@\"", "sh"});
    process.env = {{"RAILHEAD_JOB_DIR", "${dir}"}, {ranks_mark, socket_path}};
    process.log = process.id + ".log";
    const auto here = mpi.ranks.begin() + static_cast<std::ptrdiff_t>(place);
    const int first = std::accumulate(mpi.ranks.begin(), here, 0);
    for (int rank = first; mpi.to_files() && rank < first + *here; ++rank) {
        const auto name = rank_log_name(rank);
        process.rank_logs.push_back({name, mpi.options.shown.has(rank) ? fmt::format("[{}] ", name) : ""});
    }
    process.stop.grace_s = grace_s;
    process.milestones = {{.name = "listens", .kind = "line", .arg = fmt::format("^{}$", ranks_listen)},
                          {.name = "run", .kind = "line", .arg = fmt::format("^{}$", ranks_run)}};
    return process;
}

/// The rest of a command line: the user's program, told of by its task.
void add_program(const Mpi& mpi, std::vector<std::string>& argv) {
    for (const auto& word : literal(mpi.options.args)) argv.push_back(word);
    argv.insert(argv.end(), {"${railhead}", "task", "--"});
    for (const auto& word : literal(mpi.input.command)) argv.push_back(word);
}

/// What srun, mpirun and its daemons have in common. They end when their ranks do: no signal is for them.
Process launcher_at(const Mpi& mpi, std::size_t place, std::string id) {
    Process process{.id = std::move(id), .node = static_cast<int>(place), .role = Role::launcher};
    process.env = user_environment(mpi.input, mpi.order, process.node);
    process.env.insert({ranks_mark, socket_path});
    if (mpi.to_files()) process.env.insert({rank_logs_mark, "yes"});
    process.unset = variables_of_step();
    process.cwd = literal(mpi.input.cwd);
    process.stop.signal = 0;
    process.milestones = {{.name = "started", .kind = "started"}};
    return process;
}

Process first_launcher(const Mpi& mpi, std::string id) {
    auto process = launcher_at(mpi, 0, std::move(id));
    for (std::size_t place = 0; place < mpi.ranks.size(); ++place)
        process.start_when.push_back(mpi.ranks_id(place) + ".listens");
    process.input = mpi.input.input;
    if (mpi.to_files()) { // of the ranks it has nothing then: what it says is its own
        process.error_log = process.id + ".err";
        process.console = fmt::format("[{}] ", process.id);
    }
    return process;
}

std::vector<std::string> srun_binding(const Mpi& mpi) {
    if (mpi.bind() == "none") return {"--cpu-bind=none"};
    if (mpi.bind() != "core") return {mpi.bind() == "numa" ? "--cpu-bind=ldoms" : "--cpu-bind=sockets"};
    return {fmt::format("--cpus-per-task={}", std::max(1, mpi.cpus_of_rank())), "--cpu-bind=cores"};
}

/// As the note has it: the user's own --mpi wins.
std::string srun_with(const MpiOptions& options) {
    auto own = std::ranges::find_if(options.args, [](auto& word) { return word.starts_with("--mpi="); });
    return "srun with " + (own == options.args.end() ? "PMIx" : *own);
}

Process srun_of(const Mpi& mpi) {
    auto process = first_launcher(mpi, "srun");
    process.env.erase("RAILHEAD_NODE_RANK"); // is this node's, and goes to all
    process.secret_files = {{"hosts", mpi.host_file()}};
    const auto& part = mpi.input.allocation.components.front();
    process.argv = {"${railhead}",
                    "step",
                    "--",
                    "srun",
                    "--jobid=" + mpi.input.allocation.job_id,
                    fmt::format("--ntasks={}", mpi.world()),
                    "--nodelist=${file.hosts}",
                    "--distribution=arbitrary",
                    "--overlap",
                    "--mem=0",
                    "--mpi=pmix",
                    "--no-kill",
                    "--kill-on-bad-exit=0",
                    "--wait=0",
                    "--export=ALL",
                    "--input=0",
                    "--job-name=railhead-mpi"};
    auto is_verbose = [](const std::string& word) { return word.starts_with("-v") || word == "--verbose"; };
    if (std::ranges::none_of(mpi.options.args, is_verbose)) // srun takes one of both
        process.argv.push_back("--quiet");
    if (mpi.cpus_of_rank() == 0) process.argv.push_back("--overcommit");
    for (auto& word : srun_binding(mpi)) process.argv.push_back(word);
    if (const auto& container = mpi.input.allocation.container; !container.empty())
        process.argv.push_back("--container=" + literal(container));
    if (part.gpus) process.argv.push_back(gpus_option(*part.gpus, mpi.ranks.size(), mpi.input.slurm));
    add_program(mpi, process.argv);
    return process;
}

/// Open MPI 5 and later have PRRTE below, with names of its own; a version skips those of the other.
void add_open_mpi(const Mpi& mpi, std::map<std::string, std::string>& env) {
    const auto& interface = mpi.input.settings.text(Key::launch_interface);
    const auto& subnet = mpi.input.settings.text(Key::launch_subnet);
    const auto& network = subnet.empty() ? interface : subnet;
    if (network.empty() || mpi.options.own_network) return;
    for (const char* name :
         {"OMPI_MCA_btl_tcp_if_include", "OMPI_MCA_oob_tcp_if_include", "PRTE_MCA_prte_if_include"})
        env.insert({name, literal(network)});
}

std::vector<std::string> mpirun_binding(const Mpi& mpi) {
    if (mpi.bind() == "core")
        return {"--map-by", fmt::format("slot:PE={}", std::max(1, mpi.cpus_of_rank())), "--bind-to", "core"};
    auto old = mpi.version("mpi.version").starts_with("4.") || mpi.version("mpi.version").starts_with("3.");
    return {"--map-by", "slot", "--bind-to", mpi.bind() == "socket" && !old ? "package" : mpi.bind()};
}

Process mpirun_of(const Mpi& mpi) {
    auto process = first_launcher(mpi, "mpirun");
    std::string hosts; // a node without a number would have as many ranks as it has cores
    for (std::size_t place = 0; place < mpi.ranks.size(); ++place)
        hosts += fmt::format("{} slots={}\n", mpi.order.nodes[place].name, mpi.ranks[place]);
    process.secret_files = {{"hosts", hosts}, {"start", daemon_script}};
    process.argv = {"sh",
                    "-c",
                    fmt::format("{}exec \"$@\"", own_tmpdir),
                    "sh",
                    literal(mpi.version("mpi.program")),
                    "--hostfile",
                    "${file.hosts}",
                    "-n",
                    std::to_string(mpi.world())};
    for (auto& word : mpirun_binding(mpi)) process.argv.push_back(word);
    add_program(mpi, process.argv);
    for (const char* name : {"OMPI_MCA_plm_rsh_agent", "PRTE_MCA_plm_ssh_agent"})
        process.env.insert({name, "sh ${file.start}"});
    process.env.insert({{"OMPI_MCA_plm", "rsh"},
                        {"PRTE_MCA_plm", "ssh"},
                        {"OMPI_MCA_ras", "^slurm"},
                        {"PRTE_MCA_ras", "^slurm"},
                        {"OMPI_MCA_plm_rsh_no_tree_spawn", "1"},
                        {"PRTE_MCA_plm_ssh_no_tree_spawn", "1"}});
    for (std::size_t place = 1; place < mpi.ranks.size(); ++place)
        process.milestones.push_back({.name = "daemon." + mpi.order.nodes[place].name,
                                      .kind = "file",
                                      .arg = "${dir}/daemon." + mpi.order.nodes[place].name});
    return process;
}

Process daemon_of(const Mpi& mpi, std::size_t place) {
    const auto& name = mpi.order.nodes[place].name;
    auto process = launcher_at(mpi, place, "mpirun." + name);
    process.argv = {"sh", "-c", fmt::format("{}${{mpirun.daemon.{}}}", own_tmpdir, name)};
    process.start_when = {"mpirun.daemon." + name};
    return process;
}

} // namespace

Result<Plan> plan_mpi(const LaunchInput& input, const MpiOptions& options) {
    auto ordered = order_nodes(input);
    if (!ordered) return tl::unexpected(std::move(ordered.error()));
    const auto& order = *ordered;
    auto checked = check_ranks(input, order);
    if (!checked) return tl::unexpected(std::move(checked.error()));
    const auto mpi = mpi_of(input, options, order);
    auto way = way_of(mpi);
    if (!way) return tl::unexpected(std::move(way.error()));
    auto plan = plan_frame(input, "mpi", order);
    for (std::size_t place = 0; place < mpi.ranks.size(); ++place)
        plan.processes.push_back(ranks_of(mpi, place, plan.grace_s));
    plan.processes.push_back(*way == Way::srun ? srun_of(mpi) : mpirun_of(mpi));
    for (std::size_t place = 1; *way == Way::mpirun && place < mpi.ranks.size(); ++place)
        plan.processes.push_back(daemon_of(mpi, place));
    for (auto& process : plan.processes)
        if (process.role == Role::launcher) add_open_mpi(mpi, process.env);
    std::string names;
    for (const auto& node : order.nodes) names += (names.empty() ? "" : ", ") + node.name;
    plan.notes.push_back(fmt::format(
        "{} on {} in this order: {}; started by {}", counted(static_cast<std::size_t>(mpi.world()), "rank"),
        counted(order.nodes.size(), "node"), names,
        *way == Way::srun ? srun_with(options) : "mpirun of Open MPI " + mpi.version("mpi.version")));
    if (auto remark = options.shown.remark(mpi.world()); !remark.empty())
        plan.notes.push_back(std::move(remark));
    return plan;
}

std::string explain_mpi(const Process&, const std::vector<std::string>& log) {
    return cause_in(log, mpi_causes);
}

} // namespace railhead
