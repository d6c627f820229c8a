#include "launcher/recipes/torchrun.hpp"

#include "launcher/recipes/log_causes.hpp"
#include "plan_rig.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using testing::Pair;

namespace {

Hello train_node(const std::string& name, const std::string& address, int gpus = 2) {
    Hello hello{.node = name, .addresses = {address}, .cpus = {0, 1, 2, 3}};
    for (int i = 0; i < gpus; ++i) hello.gpus.push_back({.index = i, .id = std::to_string(i)});
    hello.versions = {{"torch", "2.7.1"},
                      {"python", "3.11.2"},
                      {"torchrun.program", "/opt/venv/bin/torchrun"},
                      {"torchrun.python", "/opt/venv/bin/python"}};
    return hello;
}

/// A job of two nodes, and what is asked of it.
struct TrainJob : Planned<TrainJob> {
    Allocation allocation;
    std::vector<Hello> hellos{train_node("node1", "10.0.0.1"), train_node("node2", "10.0.0.2")};
    Settings settings;
    TorchrunOptions options;
    std::vector<std::string> command{"train.py", "--lr", "0.1"};

    Result<Plan> result() const {
        return plan_torchrun({.allocation = allocation,
                              .hellos = hellos,
                              .settings = settings,
                              .command = command,
                              .env = {{"MODEL", "${HOME}/m"}},
                              .cwd = "/home/anna"},
                             options);
    }
    Process torchrun(int place) const {
        for (auto& process : plan().processes)
            if (process.node == place && process.role == Role::rank) return process;
        return {};
    }
    std::vector<std::string> words(int place) const { return torchrun(place).argv; }
};

} // namespace

TEST(RecipeTorchrun, starts_torchrun_with_a_static_rendezvous_in_the_order_of_the_nodes) {
    const TrainJob job;
    EXPECT_THAT(job.words(1),
                ElementsAre("/opt/venv/bin/torchrun", "--nnodes=2", "--node-rank=1", "--rdzv-backend=static",
                            "--master-addr=10.0.0.1", "--master-port=${port.rendezvous}",
                            "--rdzv-id=railhead", "--local-addr=10.0.0.2", "--nproc-per-node=2", "--tee=3",
                            "--log-dir=${dir}/logs/ranks", "--no-python", "${railhead}", "task", "--",
                            "/opt/venv/bin/python", "-u", "train.py", "--lr", "0.1"));
    const auto process = job.torchrun(1);
    EXPECT_EQ(process.id, "torchrun.node2");
    EXPECT_EQ(process.cwd, "/home/anna");
    EXPECT_EQ(process.reason_file, "${dir}/torchrun.node2.json");
    EXPECT_THAT(process.env, Contains(Pair("TORCHELASTIC_ERROR_FILE", process.reason_file)));
    EXPECT_THAT(process.env, Not(Contains(Pair("TORCH_DISABLE_SHARE_RDZV_TCP_STORE", testing::_))));
    EXPECT_THAT(job.plan().notes, ElementsAre("4 ranks on 2 nodes in this order: node1, node2"));
}

TEST(RecipeTorchrun, shows_the_ranks_that_were_asked_for_by_their_places_on_the_nodes) {
    TrainJob job;
    job.options.shown = *RankFilter::from("1,3");
    for (int node : {0, 1})
        EXPECT_THAT(job.words(node), testing::AllOf(Contains("--tee=3"), Contains("--local-ranks-filter=1")));
    job.options.shown = *RankFilter::from("0-1");
    EXPECT_THAT(job.words(0), Contains("--local-ranks-filter=0,1"));
    EXPECT_THAT(job.words(1), testing::AllOf(Contains("--redirects=3"), Not(Contains("--tee=3"))))
        << "none of its own";
    job.options.shown = *RankFilter::from("4");
    EXPECT_EQ(job.plan().notes.back(), "--ranks names rank 4, which is not there: the ranks are 0 to 3");
}

TEST(RecipeTorchrun, starts_when_every_node_has_reached_the_port_at_which_all_will_meet) {
    const TrainJob job;
    const auto plan = job.plan();
    EXPECT_THAT(plan.ports, ElementsAre(PortSpec{"rendezvous", 0, "torchrun.node1"}));
    const auto& reach = plan.processes[1];
    EXPECT_EQ(reach.id, "reach.node2");
    EXPECT_EQ(reach.node, 1);
    EXPECT_EQ(reach.role, Role::hook);
    EXPECT_THAT(reach.argv, ElementsAre("${railhead}", "reach", "node1", "10.0.0.1", "${port.rendezvous}"));
    EXPECT_THAT(job.torchrun(0).start_when, ElementsAre("reach.node2.up"));
    EXPECT_THAT(job.torchrun(1).start_when, ElementsAre("torchrun.node1.started"))
        << "until then the agent listens there";
    EXPECT_EQ(
        explain_torch({}, {"railhead: cannot connect to node1 at 10.0.0.1:20001 (Connection refused)"}),
        "it cannot connect to node1 at 10.0.0.1:20001 (Connection refused); choose a network on which it "
        "does with --interface or --subnet, or other --ports if a firewall is between them");
}

TEST(RecipeTorchrun, orders_the_ranks_by_leaf_groups) {
    TrainJob job;
    job.hellos = {train_node("node1", "10.0.0.1"), train_node("node2", "10.0.0.2"),
                  train_node("node3", "10.0.0.3")};
    for (int i = 0; i < 3; ++i)
        job.hellos[static_cast<std::size_t>(i)].topology_addr = i == 1 ? "s.leaf2.node2" : "s.leaf1.n";
    EXPECT_EQ(job.plan().notes.front(), "6 ranks on 3 nodes in this order: node1, node3, node2");
    EXPECT_THAT(job.words(1), IsSupersetOf({"--node-rank=1", "--local-addr=10.0.0.3"}));
}

TEST(RecipeTorchrun, keeps_from_the_ranks_what_tells_of_other_ranks) {
    const auto process = TrainJob{}.torchrun(0);
    EXPECT_THAT(process.unset, IsSupersetOf({"PMI_*", "PMIX_*", "OMPI_*", "SLURM_PROCID", "SLURM_STEP_*",
                                             "MASTER_ADDR", "RANK", "WORLD_SIZE", "PET_*"}));
    EXPECT_THAT(process.unset, Not(Contains("SLURM_JOB_ID")));
    EXPECT_THAT(process.env, Contains(Pair("MODEL", "${$}{HOME}/m"))) << "the user's text is no template";
    EXPECT_THAT(process.env, Contains(Pair("RAILHEAD_JOB_DIR", "${dir}")));
}

TEST(RecipeTorchrun, lets_the_nodes_meet_anew_when_the_launch_is_elastic) {
    TrainJob job;
    job.options.elastic = {{1, 2}};
    EXPECT_THAT(job.words(0),
                IsSupersetOf({"--nnodes=1:2", "--rdzv-backend=c10d",
                              "--rdzv-endpoint=10.0.0.1:${port.rendezvous}", "--rdzv-conf=is_host=true"}));
    EXPECT_THAT(job.words(1), Contains("--rdzv-conf=is_host=false"));
    EXPECT_THAT(job.words(1), Not(Contains(HasSubstr("--node-rank")))) << "c10d does not heed it";
    job.hellos = {train_node("node1", "fd77::1"), train_node("node2", "fd77::2")};
    EXPECT_THAT(job.words(0), Contains("--rdzv-endpoint=[fd77::1]:${port.rendezvous}"));
}

TEST(RecipeTorchrun, meets_by_c10d_in_its_order_where_ranks_may_start_anew) {
    TrainJob job;
    job.hellos = {train_node("node1", "10.0.0.12"), train_node("node2", "10.0.0.3"),
                  train_node("node3", "10.0.0.11")};
    job.options.restarts = true;
    EXPECT_EQ(job.plan().notes.front(), "6 ranks on 3 nodes in this order: node3, node1, node2");
    EXPECT_THAT(job.words(0), IsSupersetOf({"--nnodes=3:3", "--rdzv-conf=is_host=true",
                                            "--rdzv-endpoint=10.0.0.11:${port.rendezvous}"}));
    EXPECT_THAT(job.torchrun(0).env, Contains(Pair("TORCH_DISABLE_SHARE_RDZV_TCP_STORE", "1")));
}

TEST(RecipeTorchrun, runs_scripts_modules_and_programs) {
    TrainJob job;
    job.options.entry = Entry::module;
    job.command = {"pkg.train", "${x}"};
    auto words = job.words(0);
    EXPECT_THAT(std::vector(words.end() - 5, words.end()),
                ElementsAre("/opt/venv/bin/python", "-u", "-m", "pkg.train", "${$}{x}"));
    job.options.entry = Entry::program;
    words = job.words(0);
    EXPECT_THAT(std::vector(words.end() - 3, words.end()), ElementsAre("--", "pkg.train", "${$}{x}"));
}

TEST(RecipeTorchrun, passes_torchruns_options_on_and_leaves_its_logs_to_who_chooses_them) {
    TrainJob job;
    job.options.args = {"--max-restarts=3", "--redirects=1"};
    job.options.own_logs = true;
    EXPECT_THAT(job.words(0), IsSupersetOf({"--max-restarts=3", "--redirects=1"}));
    EXPECT_THAT(job.words(0), Not(Contains("--tee=3")));
}

TEST(RecipeTorchrun, starts_a_rank_per_gpu_one_without_gpus_or_as_many_as_asked) {
    TrainJob job;
    job.hellos = {train_node("node1", "10.0.0.1", 8), train_node("node2", "10.0.0.2", 0)};
    EXPECT_THAT(job.words(0), Contains("--nproc-per-node=8"));
    EXPECT_THAT(job.words(1), Contains("--nproc-per-node=1"));
    EXPECT_THAT(job.plan().notes, ElementsAre(HasSubstr("9 ranks")));
    job.options.nproc_per_node = 4;
    EXPECT_THAT(job.plan().notes, ElementsAre(HasSubstr("8 ranks"), "node1: 8 GPUs for 4 ranks"));
    job.options.nproc_per_node = 16;
    EXPECT_THAT(job.plan().notes,
                Contains("node1: 8 GPUs for 16 ranks, and NCCL does not run two ranks on one GPU"));
}

TEST(RecipeTorchrun, gives_each_rank_its_share_of_the_nodes_cpus_unless_the_user_has_set_it) {
    TrainJob job;
    job.hellos = {train_node("node1", "10.0.0.1", 8), train_node("node2", "10.0.0.2", 0)};
    for (auto& hello : job.hellos) hello.cpus.resize(20);
    auto threads = [&](int node) { return job.torchrun(node).env.at("OMP_NUM_THREADS"); };
    EXPECT_EQ(threads(0), "2");
    EXPECT_EQ(threads(1), "20");
    job.options.nproc_per_node = 64;
    EXPECT_EQ(threads(0), "1");
    job.options.own_threads = true;
    EXPECT_FALSE(job.torchrun(0).env.contains("OMP_NUM_THREADS"));
}

TEST(RecipeTorchrun, refuses_nodes_with_different_versions) {
    TrainJob job;
    job.hellos[1].versions["torch"] = "2.6.0";
    EXPECT_EQ(job.refusal(), "node2: /opt/venv/bin/torchrun belongs to torch 2.6.0 (expected 2.7.1 as on "
                             "node1); use one environment on all nodes, or give --torchrun PATH");
}

TEST(RecipeTorchrun, refuses_what_a_probe_found) {
    TrainJob job;
    job.hellos[1].findings = {{.id = "torchrun-script",
                               .where = "node2",
                               .thing = "/data/train.py",
                               .seen = "cannot be read: No such file or directory"}};
    EXPECT_EQ(job.refusal(), "node2: /data/train.py cannot be read: No such file or directory");
    job.hellos[1].findings = {
        {.id = "program-missing", .where = "node2", .thing = "prog", .seen = "is gone"}};
    EXPECT_TRUE(job.result()) << "a script needs to be no program";
    job.options.entry = Entry::program;
    EXPECT_EQ(job.refusal(), "node2: prog is gone");
}

TEST(RecipeTorchrun, refuses_a_range_that_does_not_hold_the_jobs_nodes) {
    TrainJob job;
    job.options.elastic = {{3, 4}};
    EXPECT_EQ(job.refusal(),
              "--elastic 3:4 does not hold the 2 nodes of the job; ask for as many nodes, or widen it");
}

TEST(ElasticRange, is_one_number_or_two) {
    EXPECT_EQ(elastic_from("2:4"), std::pair(2, 4));
    EXPECT_EQ(elastic_from("3"), std::pair(3, 3));
    for (const auto* text : {"", ":", "4:2", "0:2", "a", "1:2:3", "-1:2"})
        EXPECT_FALSE(elastic_from(text)) << text;
}

TEST(ExplainTorch, tells_the_cause_from_the_end_of_a_log) {
    struct Row {
        std::vector<std::string> log;
        std::string cause;
    };
    const std::vector<Row> rows{
        {{"Traceback (most recent call last):", "  File \"a.py\", line 1, in <module>", "ValueError: no 3"},
         "ValueError: no 3"},
        {{"[rank3]: Traceback (most recent call last):", "[rank3]: ValueError: no 3", "and a word after"},
         "ValueError: no 3"},
        {{"torch.distributed.DistNetworkError: The server socket has failed to bind. port: 29500, useIpv6: "
          "false, code: -98, name: EADDRINUSE, message: address already in use"},
         "a port that it wants is in use on that node; give other --ports, and leave MASTER_PORT to "
         "railhead"},
        {{"epoch 3", "loss 0.5"}, ""},
        {{}, ""},
    };
    for (const auto& row : rows) EXPECT_EQ(explain_torch({}, row.log), row.cause);
}

TEST(NcclFailure, tells_the_cause_from_the_end_of_a_log) {
    struct Row {
        std::vector<std::string> log;
        std::string cause;
    };
    const std::vector<Row> rows{
        {{"torch.distributed.DistBackendError: NCCL error in: x.cpp:1, unhandled cuda error",
          "ncclUnhandledCudaError: Call to CUDA function failed."},
         "ncclUnhandledCudaError: Call to CUDA function failed."},
        {{"[rank1]:[E1127 ProcessGroupNCCL.cpp:632] [Rank 1] Watchdog caught collective operation timeout: "
          "WorkNCCL(SeqNum=7, OpType=ALLREDUCE, NumelIn=1, NumelOut=1, Timeout(ms)=600000) ran for 600029 ms",
          "RuntimeError: and so on"},
         "a collective of NCCL did not end in time SeqNum=7, OpType=ALLREDUCE: another rank never came to it "
         "or hangs"},
        {{"jax: XlaRuntimeError: INTERNAL: NCCL operation ncclCommInitRank failed: unhandled system error",
          "RuntimeError: NCCL error 2: 'unhandled system error' at comm.cc:5"},
         "NCCL: 2: 'unhandled system error' at comm.cc:5"},
        {{"NCCL INFO Connected all rings", "NCCL version 2.27.3", "ValueError: no 3"}, ""},
        {{}, ""},
    };
    for (const auto& row : rows) EXPECT_EQ(nccl_failure(row.log), row.cause);
}
