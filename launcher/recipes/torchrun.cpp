#include "launcher/recipes/torchrun.hpp"

#include "base/number.hpp"
#include "launcher/recipes/log_causes.hpp"
#include "launcher/recipes/torch_probe.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

namespace railhead {
namespace {

constexpr auto rendezvous_port = "rendezvous";
constexpr auto log_folder = "${dir}/logs/ranks";

/// What would tell torch, or a library on top of it, of other ranks than torchrun's: of our own step and of
/// one around us, of MPI and PMI, and of another torchrun.
std::vector<std::string> misleading() {
    auto names = variables_of_step();
    for (const char* name :
         {"PMI_*", "PMIX_*", "OMPI_*", "MASTER_ADDR", "MASTER_PORT", "RANK", "LOCAL_RANK", "WORLD_SIZE",
          "GROUP_RANK", "ROLE_RANK", "ROLE_NAME", "LOCAL_WORLD_SIZE", "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE",
          "TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "TORCHELASTIC_ERROR_FILE", "PET_*"})
        names.emplace_back(name);
    return names;
}

constexpr std::array torch_causes{
    LogCause{
        R"(^railhead: cannot connect to (\S+) at (.+)$)",
        "it cannot connect to {1} at {2}; choose a network on which it does with --interface or --subnet, "
        "or other --ports if a firewall is between them"},
    LogCause{
        R"((?:EADDRINUSE|[Aa]ddress already in use))",
        "a port that it wants is in use on that node; give other --ports, and leave MASTER_PORT to railhead"},
};

int gpus_at(const LaunchInput& input, const NodeOrder& order, std::size_t place) {
    return static_cast<int>(input.hellos[order.from[place]].gpus.size());
}

int ranks_at(const LaunchInput& input, const TorchrunOptions& options, const NodeOrder& order,
             std::size_t place) {
    return options.nproc_per_node.value_or(std::max(1, gpus_at(input, order, place)));
}

/// Of each rank: its share of the CPUs that the job has on that node.
int threads_at(const LaunchInput& input, const TorchrunOptions& options, const NodeOrder& order,
               std::size_t place) {
    const auto cpus = allocated_cpus(input.allocation, input.hellos[order.from[place]]);
    return std::max(1, cpus / ranks_at(input, options, order, place));
}

/// With how many nodes c10d meets; absent: the rendezvous is static. In the store of a static one, ranks that
/// start anew would find the addresses of those before.
std::optional<std::pair<int, int>> range_of_nodes(const TorchrunOptions& options, const NodeOrder& order) {
    const auto all = static_cast<int>(order.nodes.size());
    return options.elastic || !options.restarts ? options.elastic : std::pair(all, all);
}

/// c10d numbers the nodes by the text of their addresses: then that is our order, too.
Result<NodeOrder> order_of(const LaunchInput& input, const TorchrunOptions& options) {
    auto order = order_nodes(input);
    if (!order || !range_of_nodes(options, *order)) return order;
    if (input.settings.origin(Key::launch_order).kind == Origin::Kind::option)
        return fail(ErrorKind::usage,
                    {.id = "torchrun-order",
                     .thing = "--order",
                     .seen = "cannot be kept with --elastic and --max-restarts, with which torchrun itself "
                             "numbers the nodes by their addresses",
                     .next = "leave one of them out"});
    std::set<std::pair<std::string, std::size_t>> places; // by address
    for (std::size_t place = 0; place < order->nodes.size(); ++place)
        places.emplace(order->nodes[place].address, place);
    NodeOrder sorted;
    for (auto& [address, place] : places) {
        sorted.nodes.push_back(order->nodes[place]);
        sorted.from.push_back(order->from[place]);
    }
    return sorted;
}

/// The first node's finding of the probe, with all nodes that have one like it.
Result<void> check_torch(const LaunchInput& input, const NodeOrder& order) {
    for (auto place : order.from)
        for (const auto& finding : input.hellos[place].findings)
            if (finding.id.starts_with(torch_probe_name)) return fail(ErrorKind::bringup_failed, finding);
    const auto& first = input.hellos[order.from.front()];
    for (auto place : order.from) {
        const auto& other = input.hellos[place];
        if (other.versions.at("torch") == first.versions.at("torch")) continue;
        return fail(ErrorKind::check_refused,
                    {.id = "torchrun-version",
                     .where = other.node,
                     .thing = other.versions.at("torchrun.program"),
                     .seen = "belongs to torch " + other.versions.at("torch"),
                     .expected = fmt::format("{} as on {}", first.versions.at("torch"), first.node),
                     .next = "use one environment on all nodes, or give --torchrun PATH"});
    }
    return {};
}

Result<void> check_elastic(const TorchrunOptions& options, const NodeOrder& order) {
    auto nodes = static_cast<int>(order.nodes.size());
    if (!options.elastic || (options.elastic->first <= nodes && nodes <= options.elastic->second)) return {};
    return fail(ErrorKind::usage,
                {.id = "torchrun-elastic",
                 .thing = fmt::format("--elastic {}:{}", options.elastic->first, options.elastic->second),
                 .seen = fmt::format("does not hold the {} of the job", counted(order.nodes.size(), "node")),
                 .next = "ask for as many nodes, or widen it"});
}

std::vector<std::string> rendezvous(const TorchrunOptions& options, const NodeOrder& order,
                                    std::size_t place) {
    const auto address = order.nodes.front().address;
    const auto range = range_of_nodes(options, order);
    if (!range)
        return {fmt::format("--nnodes={}", order.nodes.size()), fmt::format("--node-rank={}", place),
                "--rdzv-backend=static", "--master-addr=" + address,
                fmt::format("--master-port=${{port.{}}}", rendezvous_port)};
    auto host = address.find(':') == std::string::npos ? address : "[" + address + "]";
    // Who serves the store is said, for torch would find out by comparing names of hosts.
    return {fmt::format("--nnodes={}:{}", range->first, range->second), "--rdzv-backend=c10d",
            fmt::format("--rdzv-endpoint={}:${{port.{}}}", host, rendezvous_port),
            fmt::format("--rdzv-conf=is_host={}", place == 0 ? "true" : "false")};
}

/// Each rank's output goes to a file, and that of those to be shown from there to us.
std::vector<std::string> output_of_ranks(const LaunchInput& input, const TorchrunOptions& options,
                                         const NodeOrder& order, std::size_t place) {
    if (options.own_logs) return {};
    if (options.shown.has_all()) return {"--tee=3"};
    int first = 0;
    for (std::size_t before = 0; before < place; ++before) first += ranks_at(input, options, order, before);
    auto shown = options.shown.places(first, ranks_at(input, options, order, place));
    if (shown.empty()) return {"--redirects=3"};
    return {"--tee=3", fmt::format("--local-ranks-filter={}", fmt::join(shown, ","))};
}

std::vector<std::string> command_line(const LaunchInput& input, const TorchrunOptions& options,
                                      const NodeOrder& order, std::size_t place) {
    const auto& versions = input.hellos[order.from[place]].versions;
    std::vector<std::string> argv{literal(versions.at("torchrun.program"))};
    auto add = [&](const std::vector<std::string>& words) {
        argv.insert(argv.end(), words.begin(), words.end());
    };
    add(rendezvous(options, order, place));
    add({"--rdzv-id=railhead", "--local-addr=" + order.nodes[place].address,
         fmt::format("--nproc-per-node={}", ranks_at(input, options, order, place))});
    add(output_of_ranks(input, options, order, place));
    add({fmt::format("--log-dir={}", log_folder)});
    add(literal(options.args));
    add({"--no-python", "${railhead}", "task", "--"});
    if (options.entry != Entry::program) add({literal(versions.at("torchrun.python")), "-u"});
    if (options.entry == Entry::module) add({"-m"});
    add(literal(input.command));
    return argv;
}

std::string process_name(const NodeOrder& order, std::size_t place) {
    return "torchrun." + order.nodes[place].name;
}

/// Whether a node reaches the one where all will meet. The agent there listens until torchrun does.
Process reach_of(const NodeOrder& order, std::size_t place) {
    const auto& first = order.nodes.front();
    Process process{.id = "reach." + order.nodes[place].name,
                    .node = static_cast<int>(place),
                    .role = Role::hook,
                    .argv = {"${railhead}", "reach", first.name, first.address,
                             fmt::format("${{port.{}}}", rendezvous_port)}};
    process.log = "reach.log";
    process.milestones = {{.name = "up", .kind = "exit0"}};
    return process;
}

std::vector<std::string> notes_of(const LaunchInput& input, const TorchrunOptions& options,
                                  const NodeOrder& order, int world) {
    std::string names;
    for (const auto& node : order.nodes) names += (names.empty() ? "" : ", ") + node.name;
    std::vector<std::string> notes{fmt::format("{} on {} in this order: {}",
                                               counted(static_cast<std::size_t>(world), "rank"),
                                               counted(order.nodes.size(), "node"), names)};
    std::vector<int> ranks;
    for (std::size_t place = 0; place < order.nodes.size(); ++place)
        ranks.push_back(ranks_at(input, options, order, place));
    for (auto& note : notes_of_gpus(input, order, ranks)) notes.push_back(std::move(note));
    return notes;
}

} // namespace

Result<std::pair<int, int>> elastic_from(const std::string& text) {
    auto colon = text.find(':');
    auto least = whole_number<int>(text.substr(0, colon));
    auto most = colon == std::string::npos ? least : whole_number<int>(text.substr(colon + 1));
    if (least && most && *least >= 1 && *least <= *most) return std::pair(*least, *most);
    return fail(ErrorKind::usage, {.id = "torchrun-elastic",
                                   .thing = "--elastic " + text,
                                   .seen = "is no range of nodes",
                                   .expected = "MIN:MAX, such as 2:4"});
}

Result<Plan> plan_torchrun(const LaunchInput& input, const TorchrunOptions& options) {
    auto ordered = order_of(input, options);
    if (!ordered) return tl::unexpected(std::move(ordered.error()));
    const auto& order = *ordered;
    if (auto checked = check_folder(input, order, Where::every_node); !checked)
        return tl::unexpected(std::move(checked.error()));
    if (options.entry == Entry::program)
        if (auto checked = check_program(input, order, Where::every_node); !checked)
            return tl::unexpected(std::move(checked.error()));
    if (auto checked = check_torch(input, order); !checked) return tl::unexpected(std::move(checked.error()));
    if (auto checked = check_elastic(options, order); !checked)
        return tl::unexpected(std::move(checked.error()));
    auto plan = plan_frame(input, "torchrun", order);
    const auto first = process_name(order, 0);
    plan.ports.push_back({.name = rendezvous_port, .node = 0, .owner = first});
    int world = 0;
    for (std::size_t place = 0; place < order.nodes.size(); ++place) {
        Process process{.id = process_name(order, place),
                        .node = static_cast<int>(place),
                        .role = Role::rank,
                        .argv = command_line(input, options, order, place)};
        process.env = user_environment(input, order, static_cast<int>(place));
        process.reason_file = fmt::format("${{dir}}/{}.json", process.id);
        process.env.insert({"TORCHELASTIC_ERROR_FILE", process.reason_file});
        // torchrun's own: one for each of many ranks, every CPU of the machine for one alone.
        if (!options.own_threads)
            process.env.insert({"OMP_NUM_THREADS", std::to_string(threads_at(input, options, order, place))});
        // Its stores would outlive a restart, with the addresses of ranks that are gone (pytorch#135712).
        if (range_of_nodes(options, order)) process.env.insert({"TORCH_DISABLE_SHARE_RDZV_TCP_STORE", "1"});
        process.env.insert({"TORCHELASTIC_LOG_LINE_PREFIX_TEMPLATE", "[rank${$}{rank}]: "});
        process.starts_tasks = true;
        process.unset = misleading();
        process.cwd = literal(input.cwd);
        process.stop.grace_s = plan.grace_s;
        process.milestones = {{.name = "started", .kind = "started"}};
        if (place > 0) {
            process.start_when = {first + ".started"};
            plan.processes.push_back(reach_of(order, place));
            plan.processes.front().start_when.push_back(plan.processes.back().id + ".up");
        }
        plan.processes.push_back(std::move(process));
        world += ranks_at(input, options, order, place);
    }
    for (auto& note : notes_of(input, options, order, world)) plan.notes.push_back(std::move(note));
    if (auto remark = options.shown.remark(world); !remark.empty()) plan.notes.push_back(std::move(remark));
    return plan;
}

std::string explain_torch(const Process&, const std::vector<std::string>& log) {
    auto cause = cause_in(log, torch_causes);
    return cause.empty() ? last_exception(log) : cause;
}

} // namespace railhead
