#include "launcher/recipes/ray.hpp"

#include "plan_rig.hpp"

#include <gmock/gmock.h>

#include <algorithm>

using namespace railhead;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

namespace {

constexpr std::uint64_t gib = 1024ULL * 1024 * 1024;

Hello node(const std::string& name, const std::string& address) {
    Hello hello{.node = name, .addresses = {address}, .cpus = {0, 1, 2, 3}};
    hello.mem_bytes = 100 * gib;
    hello.shm_bytes = 64 * gib;
    hello.tmp_free_bytes = 10 * gib;
    hello.nofile = 65536;
    for (int i = 0; i < 8; ++i) hello.gpus.push_back({.index = i, .id = std::to_string(i)});
    hello.topology_addr = "spine.leaf1." + name;
    hello.dir = "/tmp/rh-12345.0-abcdef";
    hello.versions = {{"ray", "2.60.0"},
                      {"python", "3.11.2"},
                      {"ray.program", "/opt/venv/bin/ray"},
                      {"ray.python", "/opt/venv/bin/python"}};
    return hello;
}

/// A job of three nodes, and what is asked of it.
struct Job : Planned<Job> {
    Allocation allocation;
    std::vector<Hello> hellos{node("node1", "10.0.0.1"), node("node2", "10.0.0.2"),
                              node("node3", "10.0.0.3")};
    Settings settings;
    RayOptions options;
    std::vector<std::string> command{"python3", "train.py"};
    std::map<std::string, std::string> env;

    Result<Plan> result() const {
        return plan_ray({.allocation = allocation,
                         .hellos = hellos,
                         .settings = settings,
                         .command = command,
                         .env = env,
                         .cwd = "/home/anna",
                         .secret = std::string(64, 'a')},
                        options);
    }
    void set(Key key, const std::string& text) {
        ASSERT_TRUE(settings.set(key, text, {.kind = Origin::Kind::option, .where = "--test"}));
    }
};

const Process& process(const Plan& plan, const std::string& id) {
    const auto found = std::ranges::find(plan.processes, id, &Process::id);
    EXPECT_NE(found, plan.processes.end()) << id;
    return *found;
}

std::vector<std::string> milestones(const Process& of) {
    std::vector<std::string> names;
    for (const auto& milestone : of.milestones) names.push_back(milestone.name);
    return names;
}

} // namespace

TEST(RecipeRay, starts_a_head_a_worker_on_every_other_node_and_the_driver) {
    const auto plan = Job{}.plan();
    std::vector<std::string> ids;
    for (const auto& each : plan.processes) ids.push_back(each.id);
    EXPECT_THAT(ids, ElementsAre("head", "worker.node2", "worker.node3", "reach", "driver"));
    EXPECT_EQ(process(plan, "worker.node3").node, 2);
    EXPECT_EQ(process(plan, "head").role, Role::service);
    EXPECT_EQ(process(plan, "driver").role, Role::driver);
    // Every other port is bound first, then told.
    EXPECT_THAT(plan.ports,
                ElementsAre(PortSpec{"runtime-env-agent.0", 0}, PortSpec{"runtime-env-agent.1", 1},
                            PortSpec{"runtime-env-agent.2", 2}));
}

TEST(RecipeRay, has_this_command_line_on_the_head) {
    EXPECT_THAT(process(Job{}.plan(), "head").argv,
                ElementsAre("/opt/venv/bin/python", "-u", "${file.ray_start}", "--head", "--node-ip-address",
                            "10.0.0.1", "--temp-dir", "${dir}/r", "--dashboard", "off", "--grace", "2", "--",
                            "--head", "--include-dashboard=false", "--block", "--disable-usage-stats",
                            "--node-name=node1", "--num-cpus=4", "--num-gpus=8",
                            "--object-store-memory=32212254720", "--memory=75161927680",
                            "--labels=railhead/node=node1,railhead/leaf=leaf1", "--port=0",
                            "--node-manager-port=0", "--object-manager-port=0",
                            "--runtime-env-agent-port=${port.runtime-env-agent.0}",
                            "--dashboard-agent-listen-port=0", "--min-worker-port=0", "--max-worker-port=0"));
}

TEST(RecipeRay, releases_workers_when_the_head_listens_not_when_it_is_up) {
    const auto plan = Job{}.plan();
    const auto& worker = process(plan, "worker.node2");
    EXPECT_TRUE(worker.start_when.empty()) << "it imports Ray meanwhile";
    EXPECT_EQ(worker.release, (Release{{"head.gcs"}, "10.0.0.1:${head.gcs}"}));
    EXPECT_THAT(worker.argv, Contains("--address={address}"));
    EXPECT_THAT(milestones(process(plan, "head")), ElementsAre("gcs", "up"));
    EXPECT_THAT(milestones(worker), ElementsAre("raylet", "up"));
}

TEST(RecipeRay, starts_the_driver_when_every_node_has_joined_and_gives_it_the_cluster) {
    const auto plan = Job{}.plan();
    const auto& driver = process(plan, "driver");
    EXPECT_THAT(driver.start_when, ElementsAre("head.up", "worker.node2.up", "worker.node3.up", "reach.up"));
    EXPECT_EQ(process(plan, "reach").release->line,
              "node2 10.0.0.2 ${worker.node2.raylet} node3 10.0.0.3 ${worker.node3.raylet}");
    EXPECT_THAT(driver.argv, ElementsAre("python3", "train.py"));
    EXPECT_THAT(driver.env, Contains(Pair("RAY_ADDRESS", "10.0.0.1:${head.gcs}")));
    EXPECT_THAT(driver.env, Contains(Pair("RAY_AUTH_MODE", "token")));
    EXPECT_THAT(driver.env, Contains(Pair("RAY_AUTH_TOKEN_PATH", "${file.token}")));
    EXPECT_THAT(driver.env, Contains(Pair("RAILHEAD_NUM_NODES", "3")));
    EXPECT_THAT(driver.env, Contains(Pair("RAILHEAD_NUM_GPUS", "24")));
    EXPECT_THAT(process(plan, "head").env, Contains(Pair("RAILHEAD_NUM_GPUS", "24")))
        << "of `ray job submit`";
    EXPECT_THAT(driver.env, Contains(Pair("RAILHEAD_JOB_DIR", "${dir}")));
    EXPECT_EQ(driver.secret_files.at("token"), std::string(64, 'a'));
    EXPECT_EQ(driver.cwd, "/home/anna");
    EXPECT_EQ(driver.log, "") << "the driver writes to the job's own output";
}

TEST(RecipeRay, never_shows_the_token_outside_a_secret_file) {
    for (const auto& each : Job{}.plan().processes) {
        for (const auto& word : each.argv) EXPECT_THAT(word, Not(HasSubstr("aaaaaaaa")));
        for (const auto& [name, value] : each.env) EXPECT_THAT(value, Not(HasSubstr("aaaaaaaa"))) << name;
        EXPECT_THAT(each.unset, Contains("RAY_AUTH_TOKEN"));
    }
}

TEST(RecipeRay, keeps_the_cluster_and_serves_the_dashboard_on_loopback_without_a_command) {
    Job job;
    job.command.clear();
    const auto plan = job.plan();
    EXPECT_TRUE(plan.keep);
    EXPECT_EQ(plan.processes.back().id, "reach");
    EXPECT_THAT(process(plan, "head").argv, Contains("--include-dashboard=true"));
    EXPECT_THAT(process(plan, "head").argv, Contains("--dashboard-host=127.0.0.1"));
    EXPECT_THAT(milestones(process(plan, "head")), ElementsAre("gcs", "dashboard", "up"));
    job.set(Key::ray_dashboard, "off");
    EXPECT_THAT(process(job.plan(), "head").argv, Contains("--include-dashboard=false"));
    job.options.dashboard = "on";
    EXPECT_THAT(process(job.plan(), "head").argv, Contains("--include-dashboard=true"));
}

TEST(RecipeRay, says_how_to_use_and_watch_a_cluster_that_is_kept) {
    Job job;
    job.allocation.job_id = "12345";
    job.allocation.submit_host = "login2";
    job.command.clear();
    const auto plan = job.plan();
    EXPECT_THAT(plan.attach_env, Contains(Pair("RAY_ADDRESS", "10.0.0.1:${head.gcs}")));
    EXPECT_THAT(plan.attach_env, Contains(Pair("RAY_AUTH_TOKEN_PATH", "${dir}/head.token")));
    EXPECT_THAT(
        plan.notes,
        ElementsAre(
            "dashboard, from your machine: ssh -N -L 8265:${head.dashboard} -J login2 node1",
            "dashboard, then: http://localhost:8265 with the token of: railhead attach 12345 -- sh -c 'cat "
            "$RAY_AUTH_TOKEN_PATH'",
            "the cluster is at 10.0.0.1:${head.gcs}; use it with: railhead attach 12345 -- COMMAND"));
}

TEST(RecipeRay, gives_each_node_what_the_job_has_there) {
    Job job;
    job.hellos[1].gpus.resize(2);
    job.hellos[1].cpus = {7};
    job.hellos[1].mem_bytes = 10 * gib;
    const auto plan = job.plan();
    EXPECT_THAT(process(plan, "worker.node2").argv, testing::IsSupersetOf({"--num-cpus=1", "--num-gpus=2"}));
    EXPECT_THAT(process(plan, "worker.node2").argv, Contains("--object-store-memory=3221225472"));
    EXPECT_THAT(process(plan, "worker.node3").argv, testing::IsSupersetOf({"--num-cpus=4", "--num-gpus=8"}));
    EXPECT_THAT(process(plan, "driver").env, Contains(Pair("RAILHEAD_NUM_GPUS", "18")));
}

TEST(RecipeRay, counts_the_cpus_that_slurm_allocated_not_those_of_an_unconfined_node) {
    Job job;
    job.allocation.components = {{.nodes = {"node1", "node2"}, .cpus = {16, 2}},
                                 {.nodes = {"node3"}, .cpus = {}}};
    const auto plan = job.plan();
    EXPECT_THAT(process(plan, "head").argv, Contains("--num-cpus=16"));
    EXPECT_THAT(process(plan, "worker.node2").argv, Contains("--num-cpus=2"));
    EXPECT_THAT(process(plan, "worker.node3").argv, Contains("--num-cpus=4")) << "by affinity";
}

TEST(RecipeRay, keeps_work_off_the_head_on_request) {
    Job job;
    job.options.head_gpus = 0;
    job.options.head_cpus = 0;
    const auto plan = job.plan();
    EXPECT_THAT(process(plan, "head").argv, testing::IsSupersetOf({"--num-cpus=0", "--num-gpus=0"}));
    EXPECT_THAT(process(plan, "worker.node2").argv, Contains("--num-gpus=8"));
    EXPECT_THAT(process(plan, "driver").env, Contains(Pair("RAILHEAD_NUM_GPUS", "16")));
    job.options.head_gpus = 9;
    EXPECT_EQ(job.refusal(),
              "node1: --head-gpus 9 is more than the job has on the head node (expected at most 8); "
              "ask Slurm for more GPUs per node, or give a smaller number");
}

TEST(RecipeRay, passes_arguments_last_so_that_the_user_has_the_last_word) {
    Job job;
    job.options.ray_args = {"--resources={\"x\": 1}"};
    job.options.head_ray_args = {"--num-cpus=1"};
    job.options.worker_ray_args = {"--labels=a=b"};
    const auto plan = job.plan();
    EXPECT_EQ(process(plan, "head").argv.back(), "--num-cpus=1");
    EXPECT_THAT(process(plan, "worker.node2").argv,
                Contains("--labels=railhead/node=node2,railhead/leaf=leaf1,a=b"));
    job.options.worker_ray_args = {"--labels", "a=b", "--labels=c=d"};
    EXPECT_THAT(process(job.plan(), "worker.node2").argv,
                Contains("--labels=railhead/node=node2,railhead/leaf=leaf1,a=b,c=d"));
    EXPECT_THAT(process(plan, "worker.node2").argv, Contains("--resources={\"x\": 1}"));
    EXPECT_THAT(process(plan, "worker.node2").argv, Not(Contains("--num-cpus=1")));
}

TEST(RecipeRay, gives_the_users_variables_to_services_too_because_tasks_inherit_them) {
    Job job;
    job.env = {{"NCCL_DEBUG", "INFO"}, {"RAY_COLOR_MODE", "true"}};
    const auto plan = job.plan();
    for (const auto& each : plan.processes) EXPECT_THAT(each.env, Contains(Pair("NCCL_DEBUG", "INFO")));
    EXPECT_THAT(process(plan, "head").env, Contains(Pair("RAY_COLOR_MODE", "true")))
        << "the user's word wins";
}

TEST(RecipeRay, fills_no_placeholder_that_the_user_wrote) {
    Job job;
    job.env = {{"MINE", "a ${dir} $ $${ ${$} ${"}};
    job.options.ray_args = {"--name=${port.x}"};
    const auto head = process(job.plan(), "head");
    EXPECT_THAT(head.env, Contains(Pair("MINE", "a ${$}{dir} $ $${$}{ ${$}{$} ${$}{")));
    EXPECT_EQ(head.argv.back(), "--name=${$}{port.x}");
}

TEST(RecipeRay, lets_railhead_decide_when_a_node_is_lost) {
    Job job;
    job.set(Key::launch_loss_after, "60");
    const auto env = process(job.plan(), "head").env;
    // 13 s a check, so 10 checks are 130 s: more than twice the 60.
    EXPECT_THAT(env, Contains(Pair("RAY_health_check_failure_threshold", "10")));
    EXPECT_THAT(env, Contains(Pair("RAY_grpc_keepalive_timeout_ms", "120000")));
    EXPECT_THAT(env, Contains(Pair("RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S", "0")));
}

TEST(RecipeRay, opens_nothing_that_answers_without_a_token_when_the_dashboard_is_off) {
    const auto plan = Job{}.plan();
    for (const auto* id : {"head", "worker.node2"}) {
        EXPECT_THAT(process(plan, id).env, Contains(Pair("AUTOSCALER_METRIC_PORT", "-1")));
        EXPECT_THAT(process(plan, id).env, Contains(Pair("DASHBOARD_METRIC_PORT", "-1")));
        EXPECT_THAT(process(plan, id).env, Contains(Pair("RAY_enable_metrics_collection", "false")));
    }
}

TEST(RecipeRay, writes_an_ipv6_address_in_brackets_where_a_port_follows) {
    Job job;
    job.hellos[0].addresses = {"fd77::1"};
    const auto plan = job.plan();
    EXPECT_EQ(process(plan, "worker.node2").release->line, "[fd77::1]:${head.gcs}");
    EXPECT_THAT(process(plan, "head").argv, testing::IsSupersetOf({"--node-ip-address", "fd77::1"}));
}

TEST(RecipeRay, reserves_every_port_when_a_range_was_asked_for) {
    Job job;
    job.set(Key::launch_ports, "30000-31000");
    const auto plan = job.plan();
    EXPECT_EQ(plan.ports.front().name, "gcs.0");
    // per node: node manager, object manager, agent, and 16 + 2 x 4 workers; and the head's GCS
    EXPECT_EQ(plan.ports.size(), 3 * (3 + 24) + 1U);
    EXPECT_THAT(process(plan, "head").argv, Contains("--port=${port.gcs.0}"));
    EXPECT_THAT(process(plan, "worker.node3").argv,
                Contains(StartsWith("--worker-port-list=${port.worker0.2},${port.worker1.2},")));
    EXPECT_THAT(process(plan, "worker.node3").argv, Not(Contains("--min-worker-port=0")));
}

TEST(RecipeRay, runs_on_one_node) {
    Job job;
    job.hellos.resize(1);
    const auto plan = job.plan();
    ASSERT_EQ(plan.processes.size(), 2U);
    EXPECT_THAT(process(plan, "driver").start_when, ElementsAre("head.up"));
}

TEST(RecipeRay, bounds_the_object_store_by_memory_shm_and_what_ray_accepts) {
    Hello hello;
    EXPECT_EQ(object_store_bytes(hello, 0), std::nullopt);
    hello.mem_bytes = 10 * gib;
    EXPECT_EQ(object_store_bytes(hello, 0), 3 * gib);
    hello.shm_bytes = 1000'000'000;
    EXPECT_EQ(object_store_bytes(hello, 0), 800'000'000U);
    EXPECT_EQ(object_store_bytes(hello, 500'000'000), 500'000'000U);
    EXPECT_EQ(object_store_bytes(hello, 5 * gib), 800'000'000U) << "a wish does not make /dev/shm larger";
    hello.shm_bytes = 0;
    EXPECT_EQ(object_store_bytes(hello, 0), 75 * 1024 * 1024U);
    hello = {.mem_bytes = 2000 * gib};
    EXPECT_EQ(object_store_bytes(hello, 0), 200'000'000'000U);
}

TEST(RecipeRay, refuses_an_object_store_that_ray_would_not_have) {
    Job job;
    job.set(Key::ray_object_store, "1000");
    EXPECT_EQ(
        job.refusal(),
        "the object store that was asked for is 1000 bytes (expected at least 75 MiB, Ray's own least); "
        "ask for --object-store=75M or more, or leave it out");
    job.set(Key::ray_object_store, "75M");
    EXPECT_TRUE(job.result());
    job.set(Key::ray_object_store, "9G");
    job.hellos[1].shm_bytes = 10 * gib;
    EXPECT_THAT(job.plan().notes.front(), HasSubstr("node2 has 8192 MiB, not the 9216"));
}

TEST(RecipeRay, refuses_a_node_without_ray_and_names_all_of_them) {
    Job job;
    for (auto i : {1, 2}) {
        job.hellos[i].versions.clear();
        job.hellos[i].findings = {{.id = "ray-missing",
                                   .where = job.hellos[i].node,
                                   .thing = "ray",
                                   .seen = "is not on PATH",
                                   .next = "install Ray there"}};
    }
    EXPECT_EQ(job.refusal(), "node2 (also node3): ray is not on PATH; install Ray there");
}

TEST(RecipeRay, refuses_different_versions_and_names_the_odd_node) {
    Job job;
    job.hellos[1].versions["ray"] = "2.59.1";
    EXPECT_EQ(job.refusal(),
              "node2: /opt/venv/bin/ray is Ray 2.59.1 with Python 3.11.2 (expected Ray 2.60.0 with "
              "Python 3.11.2 as on node1 and node3); use one environment on all nodes, or give "
              "--ray PATH");
    job.hellos[2].versions["python"] = "3.12.0";
    EXPECT_THAT(job.refusal(), HasSubstr("as on node1; node3 has Ray 2.60.0 with Python 3.12.0"));
}

TEST(RecipeRay, takes_the_majority_for_right_when_the_head_is_the_odd_one) {
    Job job;
    job.hellos[0].versions["python"] = "3.12.0";
    EXPECT_THAT(job.refusal(), StartsWith("node1: /opt/venv/bin/ray is Ray 2.60.0 with Python 3.12.0"));
}

TEST(RecipeRay, refuses_a_ray_without_token_authentication) {
    Job job;
    for (auto& hello : job.hellos) hello.versions["ray"] = "2.51.2";
    EXPECT_EQ(
        job.refusal(),
        "node1 (also node2 and node3): Ray 2.51.2 has no token authentication: anybody on the cluster could "
        "run code as you (expected 2.52 or newer); upgrade Ray or give --ray PATH of a newer one");
    for (auto& hello : job.hellos) hello.versions["ray"] = "3.0.0.dev0";
    EXPECT_TRUE(job.result());
}

TEST(RecipeRay, refuses_a_directory_whose_sockets_would_not_fit) {
    Job job;
    for (auto& hello : job.hellos) hello.dir = "/tmp/rh-1234567890.0-abcdef-0123456789012"; // 41 bytes
    EXPECT_TRUE(job.result());
    job.hellos[2].dir += "0";
    EXPECT_EQ(job.refusal(),
              "node3: the path of Ray's sockets below /tmp/rh-1234567890.0-abcdef-01234567890120 "
              "would have 108 bytes (expected at most 107); give a shorter directory with "
              "--tmp");
    job.hellos.resize(1);
    job.hellos[0].dir = "/tmp/rh-1234567890.0-abcdef-012345678";
    EXPECT_TRUE(job.result());
    job.options.dashboard = "on"; // its modules have sockets with longer names
    EXPECT_THAT(job.refusal(), HasSubstr("would have"));
}

TEST(RecipeRay, refuses_a_full_tmp_and_a_low_limit_of_open_files) {
    Job job;
    job.hellos[1].tmp_free_bytes = 3 * 1024 * 1024;
    EXPECT_EQ(job.refusal(),
              "node2: /tmp/rh-12345.0-abcdef has 3 MiB of free space (expected at least 100 MiB for "
              "Ray's logs); free space there, or give another directory with --tmp");
    job.hellos[1].tmp_free_bytes = 10 * gib;
    job.hellos[2].nofile = 256;
    EXPECT_THAT(job.refusal(),
                HasSubstr("node3: the limit of open files (ulimit -Hn) is 256 (expected at least "
                          "1024 for 4 CPUs)"));
    job.hellos[2].nofile.reset();
    EXPECT_TRUE(job.result()) << "an unknown limit refuses nothing";
    job.hellos[1].tmp_free_files = 12; // of a node before that
    EXPECT_THAT(job.refusal(), HasSubstr("has room for 12 more files (inodes) (expected at least 1000 for"));
}
