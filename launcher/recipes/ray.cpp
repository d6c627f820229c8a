#include "launcher/recipes/ray.hpp"

#include "launcher/recipes/ray_agent_py.hpp"
#include "launcher/recipes/ray_checks.hpp"
#include "launcher/recipes/ray_reach_py.hpp"
#include "launcher/recipes/ray_start_py.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace railhead {

namespace {

// Relative to the launch's directory; its name is short because socket paths are.
constexpr auto session_folder = "r";
constexpr std::uint64_t most_store = 200'000'000'000;
constexpr auto started = "Ray runtime started"; // printed by `ray start` when the raylet is registered
constexpr auto raylet_listens = "raylet listens on ([0-9,]+|none)"; // by ray_start.py

std::string literal_of(const std::string& address) {
    return address.find(':') == std::string::npos ? address : "[" + address + "]";
}

/// What every part of the plan needs to know.
struct Cluster {
    const LaunchInput& input;
    const RayOptions& options;
    NodeOrder order;
    bool dashboard = false;
    bool own_ports = false; ///< a range was asked for: pick, reserve and pass every port

    std::uint64_t store_wish() const { ///< bytes of each node; 0: what fits
        return options.object_store_bytes.value_or(
            static_cast<std::uint64_t>(input.settings.integer(Key::ray_object_store)));
    }
    const Hello& hello(std::size_t place) const { return input.hellos[order.from[place]]; }
    std::size_t size() const { return order.nodes.size(); }
    std::string head_address() const { return literal_of(order.nodes.front().address) + ":${head.gcs}"; }
};

int gpus_of(const Cluster& cluster, std::size_t place) {
    const auto given = static_cast<int>(cluster.hello(place).gpus.size());
    return place == 0 ? cluster.options.head_gpus.value_or(given) : given;
}

int cpus_of(const Cluster& cluster, std::size_t place) {
    const auto given = allocated_cpus(cluster.input.allocation, cluster.hello(place));
    return place == 0 ? cluster.options.head_cpus.value_or(given) : given;
}

int all_gpus_of(const Cluster& cluster) {
    auto gpus = 0;
    for (std::size_t place = 0; place < cluster.size(); ++place) gpus += gpus_of(cluster, place);
    return gpus;
}

/// What a program on the head needs to use the cluster.
std::map<std::string, std::string> access_of(const Cluster& cluster, const std::string& token_path) {
    return {{"RAY_ADDRESS", cluster.head_address()},
            {"RAY_AUTH_MODE", "token"},
            {"RAY_AUTH_TOKEN_PATH", token_path},
            {"RAILHEAD_NUM_GPUS", std::to_string(all_gpus_of(cluster))}};
}

/// Ray's own opinion about silent nodes and links must come later than Railhead's.
void add_patience(std::map<std::string, std::string>& env, double loss_after_s) {
    // A node that is cut off or frozen fails one check each period + time-out = 13 s by Ray's defaults.
    constexpr double one_check_s = 13;
    const auto patience_s = 2 * std::max(loss_after_s, 30.0);
    const auto milliseconds = std::to_string(std::llround(patience_s * 1000));
    env["RAY_health_check_failure_threshold"] = std::to_string(std::lround(patience_s / one_check_s) + 1);
    env["RAY_grpc_keepalive_timeout_ms"] = milliseconds;
    env["RAY_grpc_client_keepalive_timeout_ms"] = milliseconds;
    env["RAY_gcs_rpc_server_reconnect_timeout_s"] = std::to_string(std::lround(patience_s));
    // 5 s by default, which a GCS on a busy machine or a cold file system exceeds: `ray start` then fails.
    env["RAY_gcs_rpc_server_connect_timeout_s"] = std::to_string(std::lround(patience_s));
}

std::map<std::string, std::string> service_environment(const Cluster& cluster, std::size_t place,
                                                       double loss_after_s) {
    auto env = user_environment(cluster.input, cluster.order, static_cast<int>(place));
    env.insert(
        {{"RAY_AUTH_MODE", "token"},
         {"RAY_AUTH_TOKEN_PATH", "${file.token}"},
         {"RAY_USAGE_STATS_ENABLED", "0"},
         {"RAILHEAD_NUM_GPUS", std::to_string(all_gpus_of(cluster))}, // for the drivers of `ray job submit`
         {"RAY_COLOR_MODE", "false"},
         {"RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S", "0"}, // the end is Railhead's to time
         {"AUTOSCALER_METRIC_PORT", "-1"},               // fixed ports, open to everybody: 44217 and 44227
         {"DASHBOARD_METRIC_PORT", "-1"},
         {"TMPDIR", "${dir}"}});
    if (!cluster.dashboard) env.insert({"RAY_enable_metrics_collection", "false"});
    std::map<std::string, std::string> patience;
    add_patience(patience, loss_after_s);
    env.insert(patience.begin(), patience.end());
    return env;
}

std::string labels_of(const Cluster& cluster, std::size_t place) {
    const auto& node = cluster.order.nodes[place];
    auto text = "railhead/node=" + node.name;
    if (!node.leaf.empty()) text += ",railhead/leaf=" + node.leaf;
    return text;
}

std::vector<std::string> resources(const Cluster& cluster, std::size_t place) {
    const auto& hello = cluster.hello(place);
    std::vector<std::string> argv{fmt::format("--num-cpus={}", cpus_of(cluster, place)),
                                  fmt::format("--num-gpus={}", gpus_of(cluster, place))};
    const auto store = object_store_bytes(hello, cluster.store_wish());
    if (store) argv.push_back(fmt::format("--object-store-memory={}", *store));
    if (store && hello.mem_bytes && *hello.mem_bytes > *store)
        argv.push_back(fmt::format("--memory={}", *hello.mem_bytes - *store));
    argv.push_back("--labels=" + labels_of(cluster, place));
    return argv;
}

/// The name of a reserved port of a node, unique in the plan.
std::string port_name(const std::string& what, std::size_t place) {
    return fmt::format("{}.{}", what, place);
}

/// Worker processes of a node that may run at once, when each needs a port picked for it.
std::size_t worker_ports(const Cluster& cluster, std::size_t place) {
    return 16 + 2 * static_cast<std::size_t>(
                        std::max(0, allocated_cpus(cluster.input.allocation, cluster.hello(place))));
}

std::vector<std::string> port_arguments(const Cluster& cluster, std::size_t place, Plan& plan) {
    const auto reserve = [&](const std::string& what) {
        plan.ports.push_back({.name = port_name(what, place), .node = static_cast<int>(place)});
        return "${port." + port_name(what, place) + "}";
    };
    const auto choose = [&](const std::string& what) {
        return cluster.own_ports ? reserve(what) : "0"; // 0: bound first, then told
    };
    std::vector<std::string> argv;
    if (place == 0) argv.push_back("--port=" + choose("gcs"));
    argv.push_back("--node-manager-port=" + choose("node-manager"));
    argv.push_back("--object-manager-port=" + choose("object-manager"));
    // The raylet waits for the imports of its Python agents unless it is given their ports.
    argv.push_back("--runtime-env-agent-port=" + reserve("runtime-env-agent"));
    if (cluster.dashboard) {
        argv.push_back("--dashboard-agent-listen-port=" + reserve("dashboard-agent"));
        argv.push_back("--dashboard-agent-grpc-port=" + reserve("dashboard-agent-grpc"));
        argv.push_back("--metrics-export-port=" + reserve("metrics-export"));
        if (place == 0) argv.push_back("--dashboard-port=" + choose("dashboard"));
    } else {
        argv.emplace_back("--dashboard-agent-listen-port=0");
    }
    if (!cluster.own_ports) {
        argv.insert(argv.end(), {"--min-worker-port=0", "--max-worker-port=0"});
        return argv;
    }
    std::string list;
    for (std::size_t i = 0; i < worker_ports(cluster, place); ++i)
        list += (i == 0 ? "" : ",") + reserve(fmt::format("worker{}", i));
    argv.push_back("--worker-port-list=" + list);
    return argv;
}

/// Of several --labels Ray takes the last: the user's would stand in the place of ours.
void join_labels(std::vector<std::string>& argv) {
    constexpr std::string_view option = "--labels";
    auto begins = [&](auto& word) { return word == option || word.starts_with("--labels="); };
    auto ours = std::ranges::find_if(argv, begins); // resources() wrote it, with "="
    for (auto word = std::find_if(ours + 1, argv.end(), begins); word != argv.end();
         word = std::find_if(word, argv.end(), begins)) {
        bool apart = *word == option;
        if (apart && word + 1 == argv.end()) return; // for Ray to complain of
        *ours += "," + (apart ? *(word + 1) : word->substr(option.size() + 1));
        word = argv.erase(word, word + (apart ? 2 : 1));
    }
}

std::vector<std::string> command_line(const Cluster& cluster, std::size_t place, Plan& plan) {
    const bool head = place == 0;
    const auto switched = cluster.dashboard ? "on" : "off";
    std::vector<std::string> argv{cluster.hello(place).versions.at("ray.python"), "-u", "${file.ray_start}"};
    if (head) argv.emplace_back("--head");
    argv.insert(argv.end(), {"--node-ip-address", cluster.order.nodes[place].address, "--temp-dir",
                             fmt::format("${{dir}}/{}", session_folder), "--dashboard", switched, "--grace",
                             fmt::format("{:g}", plan.grace_s)});
    // The steps of a heterogeneous job differ in number, so their directories do in name.
    if (!head)
        argv.insert(argv.end(),
                    {"--head-temp-dir", fmt::format("{}/{}", cluster.hello(0).dir, session_folder)});
    argv.emplace_back("--");
    if (head) {
        argv.emplace_back("--head");
        argv.push_back(fmt::format("--include-dashboard={}", cluster.dashboard));
        if (cluster.dashboard) argv.emplace_back("--dashboard-host=127.0.0.1");
    } else {
        argv.emplace_back("--address={address}");
    }
    argv.insert(argv.end(),
                {"--block", "--disable-usage-stats", "--node-name=" + cluster.order.nodes[place].name});
    for (auto& part : {resources(cluster, place), port_arguments(cluster, place, plan)})
        argv.insert(argv.end(), part.begin(), part.end());
    for (auto& part :
         {cluster.options.ray_args, head ? cluster.options.head_ray_args : cluster.options.worker_ray_args})
        std::ranges::copy(literal(part), std::back_inserter(argv));
    join_labels(argv);
    return argv;
}

Process service(const Cluster& cluster, std::size_t place, Plan& plan) {
    Process process;
    process.id = place == 0 ? "head" : "worker." + cluster.order.nodes[place].name;
    process.node = static_cast<int>(place);
    process.argv = command_line(cluster, place, plan);
    process.env = service_environment(cluster, place, plan.loss_after_s);
    process.unset = {"RAY_ADDRESS", "RAY_AUTH_TOKEN", "RAY_TMPDIR", "RAY_START_HOOK"};
    process.secret_files = {
        {"token", cluster.input.secret}, {"ray_start", ray_start_py}, {"ray_agent", ray_agent_py}};
    process.cwd = literal(cluster.input.cwd);
    process.log = process.id + ".log";
    process.stop = {.grace_s = plan.grace_s, .whole_tree = false}; // ray_start.py knows the order
    if (place == 0) {
        const auto file = fmt::format("{}/session_2*/gcs_server_port_*", session_folder);
        process.milestones.push_back({.name = "gcs", .kind = "file", .arg = file});
        if (cluster.dashboard)
            process.milestones.push_back(
                {.name = "dashboard", .kind = "line", .arg = "RAY_API_SERVER_ADDRESS='http://([^']+)'"});
    } else {
        process.release = Release{.when = {"head.gcs"}, .line = cluster.head_address()};
        process.milestones.push_back({.name = "raylet", .kind = "line", .arg = raylet_listens});
    }
    process.milestones.push_back({.name = "up", .kind = "line", .arg = started});
    return process;
}

/// On the head's node: whether it reaches the workers, too. A worker says itself whether it reaches the head.
Process reach(const Cluster& cluster, const Plan& plan) {
    Process process{.id = "reach", .role = Role::hook};
    process.argv = {cluster.hello(0).versions.at("ray.python"), "-S", "-u", "${file.ray_reach}"};
    process.secret_files = {{"ray_reach", ray_reach_py}};
    process.env = user_environment(cluster.input, cluster.order, 0);
    process.unset = {"RAY_AUTH_TOKEN"};
    process.cwd = literal(cluster.input.cwd);
    process.log = "reach.log";
    Release release;
    for (const auto& worker : plan.processes) {
        if (worker.node == 0) continue;
        const auto& node = cluster.order.nodes[static_cast<std::size_t>(worker.node)];
        release.when.push_back(worker.id + ".raylet");
        release.line += fmt::format("{}{} {} ${{{}.raylet}}", release.line.empty() ? "" : " ", node.name,
                                    node.address, worker.id);
    }
    process.release = std::move(release);
    process.milestones = {{.name = "up", .kind = "exit0"}};
    return process;
}

Process driver(const Cluster& cluster, const Plan& plan) {
    Process process{.id = "driver", .role = Role::driver, .argv = literal(cluster.input.command)};
    process.env = user_environment(cluster.input, cluster.order, 0);
    process.env.merge(access_of(cluster, "${file.token}"));
    process.unset = {"RAY_AUTH_TOKEN", "RAY_TMPDIR"};
    process.secret_files = {{"token", cluster.input.secret}};
    process.cwd = literal(cluster.input.cwd);
    process.terminal = cluster.input.terminal;
    process.input = cluster.input.input && !process.terminal;
    process.stop.grace_s = plan.grace_s;
    for (const auto& other : plan.processes) process.start_when.push_back(other.id + ".up");
    process.milestones = {{.name = "started", .kind = "started"}};
    return process;
}

/// Where the node's /dev/shm bounds what was asked for.
std::optional<std::string> smaller_store(const Cluster& cluster) {
    const auto wish = cluster.store_wish();
    for (std::size_t place = 0; wish > 0 && place < cluster.size(); ++place) {
        const auto store = object_store_bytes(cluster.hello(place), wish).value_or(wish);
        if (store < wish)
            return fmt::format(
                "the object store on {} has {} MiB, not the {} that were asked for: at most 80 % of what "
                "is free in /dev/shm",
                cluster.order.nodes[place].name, store >> 20, wish >> 20);
    }
    return std::nullopt;
}

std::vector<std::string> notes(const Cluster& cluster) {
    std::vector<std::string> lines;
    if (auto smaller = smaller_store(cluster)) lines.push_back(*smaller);
    const auto& head = cluster.order.nodes.front().name;
    const auto& settings = cluster.input.settings;
    auto job = cluster.input.allocation.job_id;
    // A later `attach` reads the site's and the user's files, not this job's options and environment.
    auto origin = settings.origin(Key::launch_tmp).kind;
    if (origin == Origin::Kind::option || origin == Origin::Kind::environment)
        job = fmt::format("--tmp {} {}", settings.text(Key::launch_tmp), job);
    if (cluster.dashboard) {
        const auto& login = cluster.input.allocation.submit_host;
        const auto jump = login.empty() || login == head ? "" : "-J " + login + " ";
        lines.push_back(
            fmt::format("dashboard, from your machine: ssh -N -L 8265:${{head.dashboard}} {}{}", jump, head));
        lines.push_back(
            fmt::format("dashboard, then: http://localhost:8265 with the token of: railhead attach "
                        "{} -- sh -c 'cat $RAY_AUTH_TOKEN_PATH'",
                        job));
    }
    if (cluster.input.command.empty())
        lines.push_back(fmt::format("the cluster is at {}; use it with: railhead attach {} -- COMMAND",
                                    cluster.head_address(), job));
    return lines;
}

Result<void> at_most(const Cluster& cluster, const char* option, std::optional<int> wish, int given,
                     const char* things) {
    if (wish.value_or(0) <= given) return {};
    return fail(ErrorKind::usage,
                {.id = "ray-head-resources",
                 .where = cluster.order.nodes.front().name,
                 .thing = fmt::format("{} {}", option, *wish),
                 .seen = "is more than the job has on the head node",
                 .expected = fmt::format("at most {}", given),
                 .next = fmt::format("ask Slurm for more {} per node, or give a smaller number", things)});
}

Result<void> check_head(const Cluster& cluster) {
    const auto& head = cluster.hello(0);
    const auto cpus = allocated_cpus(cluster.input.allocation, head);
    return at_most(cluster, "--head-gpus", cluster.options.head_gpus, static_cast<int>(head.gpus.size()),
                   "GPUs")
        .and_then([&] { return at_most(cluster, "--head-cpus", cluster.options.head_cpus, cpus, "CPUs"); });
}

} // namespace

std::optional<std::uint64_t> object_store_bytes(const Hello& hello, std::uint64_t wish) {
    auto bytes = wish;
    if (wish == 0) {
        if (!hello.mem_bytes && !hello.shm_bytes) return std::nullopt;
        bytes = hello.mem_bytes ? *hello.mem_bytes / 10 * 3 : most_store;
        bytes = std::min(bytes, most_store);
    }
    // The node's other jobs use the same /dev/shm, and Ray falls back to slow /tmp when its share does not
    // fit.
    if (hello.shm_bytes) bytes = std::min(bytes, *hello.shm_bytes / 10 * 8);
    return std::max(bytes, least_store_bytes);
}

Result<Plan> plan_ray(const LaunchInput& input, const RayOptions& options) {
    auto order = order_nodes(input);
    if (!order) return tl::unexpected(std::move(order.error()));
    Cluster cluster{.input = input, .options = options, .order = std::move(*order)};
    const auto wish =
        input.settings.origin(Key::ray_dashboard).kind == Origin::Kind::preset && input.command.empty()
            ? std::string("on")
            : input.settings.text(Key::ray_dashboard);
    cluster.dashboard = options.dashboard.value_or(wish) == "on";
    cluster.own_ports = input.settings.origin(Key::launch_ports).kind != Origin::Kind::preset;
    if (auto checked = check_ray(input, cluster.dashboard, cluster.store_wish()); !checked)
        return tl::unexpected<Error>(std::move(checked.error()));
    if (auto checked = check_program(input, cluster.order, Where::head); !checked)
        return tl::unexpected<Error>(std::move(checked.error()));
    if (auto checked = check_folder(input, cluster.order, Where::head); !input.command.empty() && !checked)
        return tl::unexpected<Error>(std::move(checked.error()));
    if (auto checked = check_head(cluster); !checked)
        return tl::unexpected<Error>(std::move(checked.error()));

    auto plan = plan_frame(input, "ray", cluster.order);
    plan.gpus = all_gpus_of(cluster);
    for (std::size_t place = 0; place < cluster.size(); ++place)
        plan.processes.push_back(service(cluster, place, plan));
    if (cluster.size() > 1) plan.processes.push_back(reach(cluster, plan));
    plan.keep = input.command.empty();
    if (!plan.keep) plan.processes.push_back(driver(cluster, plan));
    plan.attach_env = user_environment(input, cluster.order, 0);
    plan.attach_env.merge(access_of(cluster, "${dir}/head.token")); // the agent's name of head's secret file
    for (auto& note : notes(cluster)) plan.notes.push_back(std::move(note));
    return plan;
}

} // namespace railhead
