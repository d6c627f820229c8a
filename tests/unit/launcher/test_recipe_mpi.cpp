#include "launcher/rank_words.hpp"
#include "launcher/recipes/mpi.hpp"
#include "launcher/recipes/mpi_probe.hpp"
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

Hello mpi_node(const std::string& name, int gpus) {
    Hello hello{.node = name, .addresses = {"10.0.0." + name.substr(4)}, .cpus = {0, 1, 2, 3}};
    for (int i = 0; i < gpus; ++i) hello.gpus.push_back({.index = i, .id = std::to_string(i)});
    hello.versions = {{"mpi.pmix", "yes"}, {"mpi.program", "/opt/ompi/bin/mpirun"}, {"mpi.version", "5.0.7"}};
    return hello;
}

/// A job of two nodes, and what is asked of it.
struct MpiJob : Planned<MpiJob> {
    Allocation allocation{
        .job_id = "17",
        .array = {},
        .end_time = {},
        .submit_host = {},
        .components = {{.nodes = {"node1", "node2"}, .cpus = {4, 4}, .het_group = {}, .gpus = 2}},
        .step_task = {},
        .step_id = {}};
    std::vector<Hello> hellos{mpi_node("node1", 2), mpi_node("node2", 2)};
    Settings settings;
    MpiOptions options;

    void set(Key key, const std::string& value) {
        EXPECT_TRUE(settings.set(key, value, {.kind = Origin::Kind::option, .where = "--x"}));
    }
    void without(const std::string& fact) {
        for (auto& hello : hellos) hello.versions.erase(fact);
    }
    Result<Plan> result() const {
        return plan_mpi({.allocation = allocation,
                         .hellos = hellos,
                         .settings = settings,
                         .command = {"./a.out", "${x}"},
                         .env = {{"MODEL", "m"}},
                         .cwd = "/home/anna",
                         .secret = {},
                         .input = true},
                        options);
    }
};

} // namespace

TEST(RecipeMpi, is_a_step_of_srun_with_pmix_in_the_order_of_the_nodes) {
    MpiJob job;
    job.set(Key::launch_order, "node2,node1");
    const auto srun = job.process("srun");
    EXPECT_EQ(srun.node, 0);
    EXPECT_EQ(srun.role, Role::launcher);
    EXPECT_EQ(srun.secret_files.at("hosts"), "node2\nnode2\nnode1\nnode1\n");
    EXPECT_THAT(srun.argv,
                IsSupersetOf({"--ntasks=4", "--nodelist=${file.hosts}", "--distribution=arbitrary",
                              "--mpi=pmix", "--overlap", "--gres=gpu:2", "--cpu-bind=none", "--jobid=17"}));
    EXPECT_THAT(srun.argv, Not(Contains("--overcommit")));
    EXPECT_THAT(std::vector(srun.argv.end() - 5, srun.argv.end()),
                ElementsAre("${railhead}", "task", "--", "./a.out", "${$}{x}"));
    EXPECT_THAT(srun.start_when, ElementsAre("ranks.node2.listens", "ranks.node1.listens"));
    EXPECT_THAT(srun.env, Not(Contains(Pair("RAILHEAD_NODE_RANK", testing::_)))) << "it goes to all nodes";
    EXPECT_THAT(srun.env, Contains(Pair("MODEL", "m")));
    EXPECT_EQ(srun.stop.signal, 0) << "it ends when its ranks do";
    EXPECT_TRUE(srun.input);
    const auto ranks = job.process("ranks.node1");
    EXPECT_EQ(ranks.role, Role::rank);
    EXPECT_THAT(ranks.argv, ElementsAre("${railhead}", "ranks", "2", "2"));
    EXPECT_THAT(job.plan().notes,
                ElementsAre("4 ranks on 2 nodes in this order: node2, node1; started by srun with PMIx"));
    job.options.args = {"--mpi=pmi2"};
    EXPECT_THAT(job.plan().notes, Contains(testing::EndsWith("started by srun with --mpi=pmi2")));
}

TEST(RecipeMpi, has_files_of_each_rank_that_its_node_shows) {
    MpiJob job;
    job.options.shown = *RankFilter::from("1,2");
    EXPECT_THAT(job.process("ranks.node1").rank_logs,
                ElementsAre(RankLog{"rank0", ""}, RankLog{"rank1", "[rank1] "}));
    EXPECT_THAT(job.process("ranks.node2").rank_logs,
                ElementsAre(RankLog{"rank2", "[rank2] "}, RankLog{"rank3", ""}));
    EXPECT_THAT(job.process("srun").env, Contains(testing::Key(rank_logs_mark)));
    EXPECT_EQ(job.process("srun").error_log, "srun.err") << "in which only srun itself speaks";
    EXPECT_EQ(job.process("srun").console, "[srun] ");
    job.options.shown = *RankFilter::from("9");
    EXPECT_THAT(job.plan().notes.back(), HasSubstr("rank 9"));
}

TEST(RecipeMpi, leaves_one_rank_alone_the_console_unless_it_shall_not_be_shown) {
    MpiJob job;
    job.allocation.components = {{.nodes = {"node1"}, .cpus = {4}, .het_group = {}, .gpus = 2}};
    job.hellos.pop_back();
    job.options.per_node = 1;
    EXPECT_THAT(job.process("ranks.node1").rank_logs, testing::IsEmpty());
    EXPECT_THAT(job.process("srun").env, Not(Contains(testing::Key(rank_logs_mark))));
    EXPECT_EQ(job.process("srun").error_log, "") << "it has the rank's own words, too";
    job.options.shown = *RankFilter::from("none");
    EXPECT_THAT(job.process("ranks.node1").rank_logs, ElementsAre(RankLog{"rank0", ""}));
}

TEST(RecipeMpi, is_mpirun_with_daemons_of_the_agents_where_slurm_has_no_pmix) {
    MpiJob job;
    job.without("mpi.pmix");
    job.options.per_node = 3;
    const auto mpirun = job.process("mpirun");
    EXPECT_THAT(mpirun.argv, Contains("/opt/ompi/bin/mpirun"));
    EXPECT_EQ(mpirun.secret_files.at("hosts"), "node1 slots=3\nnode2 slots=3\n");
    EXPECT_THAT(mpirun.env, IsSupersetOf({Pair("OMPI_MCA_plm_rsh_agent", "sh ${file.start}"),
                                          Pair("PRTE_MCA_plm_ssh_agent", "sh ${file.start}"),
                                          Pair("OMPI_MCA_ras", "^slurm")}));
    EXPECT_EQ(mpirun.milestones.back().arg, "${dir}/daemon.node2");
    const auto daemon = job.process("mpirun.node2");
    EXPECT_EQ(daemon.node, 1);
    EXPECT_THAT(daemon.start_when, ElementsAre("mpirun.daemon.node2"));
    EXPECT_THAT(daemon.argv, ElementsAre("sh", "-c", testing::EndsWith("TMPDIR; ${mpirun.daemon.node2}")));
    EXPECT_THAT(daemon.env, Contains(Pair("RAILHEAD_NODE_RANK", "1")));
    EXPECT_THAT(daemon.unset, Contains("SLURM_PROCID"));
}

TEST(RecipeMpi, says_in_one_sentence_why_it_cannot) {
    MpiJob job;
    job.without("mpi.pmix");
    job.without("mpi.version");
    EXPECT_EQ(job.refusal(),
              "srun has no PMIx (srun --mpi=list), and /opt/ompi/bin/mpirun is not Open MPI's on node1; "
              "load the module of Open MPI in the job script, or give --mpirun PATH");
    job.without("mpi.program");
    EXPECT_THAT(job.refusal(), HasSubstr("and mpirun is not on PATH on node1"));
    MpiJob het;
    het.allocation.components = {{.nodes = {"node1"}, .cpus = {4}, .het_group = 0, .gpus = {}},
                                 {.nodes = {"node2"}, .cpus = {4}, .het_group = 1, .gpus = {}}};
    EXPECT_EQ(het.process("mpirun").node, 0);
    het.set(Key::mpi_launcher, "srun");
    EXPECT_THAT(het.refusal(), HasSubstr("starts no single MPI job over the parts of a heterogeneous job"));
}

TEST(RecipeMpi, binds_as_asked_and_takes_more_ranks_than_cpus) {
    MpiJob job;
    job.set(Key::mpi_bind, "core");
    EXPECT_THAT(job.process("srun").argv, IsSupersetOf({"--cpus-per-task=2", "--cpu-bind=cores"}));
    job.set(Key::mpi_launcher, "mpirun");
    EXPECT_THAT(job.process("mpirun").argv, IsSupersetOf({"slot:PE=2", "core"}));
    job.set(Key::mpi_bind, "socket");
    EXPECT_THAT(job.process("mpirun").argv, Contains("package"));
    job.set(Key::mpi_launcher, "srun");
    job.options.per_node = 5;
    EXPECT_THAT(job.process("srun").argv, IsSupersetOf({"--overcommit", "--cpu-bind=sockets"}));
}

TEST(RecipeMpi, tells_open_mpi_the_network_unless_the_user_did) {
    MpiJob job;
    job.set(Key::launch_interface, "ib0");
    EXPECT_THAT(job.process("srun").env, Contains(Pair("OMPI_MCA_btl_tcp_if_include", "ib0")));
    job.options.own_network = true;
    EXPECT_THAT(job.process("srun").env, Not(Contains(Pair("OMPI_MCA_btl_tcp_if_include", testing::_))));
}

TEST(ExplainMpi, says_that_slurm_cannot_load_pmix) {
    EXPECT_EQ(
        explain_mpi({},
                    {"srun: error:  mpi/pmix_v4: init: (null) [0]: mpi_pmix.c:195: pmi/pmix: can not load "
                     "PMIx library",
                     "srun: error: Invalid MPI type 'pmix', --mpi=list for acceptable types"}),
        "Slurm lists PMIx there and cannot load it; give --launcher mpirun (--mpirun PATH), or have the site "
        "install the PMIx library that Slurm was built with");
    EXPECT_EQ(
        explain_mpi({}, {"srun: error: Task launch for StepId=6.1 failed on node node2: Unspecified error"}),
        "Slurm could not start ranks on node2: Unspecified error; slurmd's log there says why, as of a PMIx "
        "library that is missing, which --launcher mpirun does without");
}

TEST(MpiProbe, reads_what_srun_and_mpirun_say) {
    EXPECT_TRUE(lists_pmix("MPI plugin types are...\n\tnone\n\tpmix\n\tpmi2\nspecific pmix plugin versions "
                           "available: pmix_v5\n"));
    EXPECT_TRUE(lists_pmix("pmix_v4"));
    EXPECT_FALSE(lists_pmix("MPI plugin types are...\n\tnone\n\tcray_shasta\n\tpmi2\n"));
    EXPECT_FALSE(lists_pmix("srun: error: no pmix here"));
    EXPECT_EQ(open_mpi_version("mpirun (Open MPI) 5.0.7\n\nReport bugs\n"), "5.0.7");
    EXPECT_EQ(open_mpi_version("HYDRA build details:\n"), "");
}
