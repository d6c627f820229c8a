#include "launcher/recipes/groups.hpp"

#include "launch_play.hpp"
#include "plan_rig.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>

using namespace railhead;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

namespace {

Hello node(const std::string& name, const std::string& address, int gpus = 0, int component = 0) {
    Hello hello{.node = name, .component = component, .addresses = {address}};
    for (int i = 0; i < gpus; ++i) hello.gpus.push_back({.index = i, .id = std::to_string(i)});
    return hello;
}

/// `railhead run --group FIRST [--ready READY] -- WORDS` on three nodes.
struct GroupJob : Planned<GroupJob> {
    GroupOptions first{.group = "server=0", .ready = "http:8000/health", .per_node = {}};
    std::vector<std::string> words{"serve", "--group=train=1-2", "--", "train", "${x}"};
    Allocation allocation{.components = {{}}};
    std::vector<Hello> hellos{node("node1", "10.0.0.1", 2), node("node2", "10.0.0.2", 2),
                              node("node3", "10.0.0.3", 1)};
    Settings settings;
    RankFilter shown;

    Result<Plan> result() const {
        auto groups = groups_from(first, words);
        if (!groups) return tl::unexpected(groups.error());
        return plan_groups({.allocation = allocation,
                            .hellos = hellos,
                            .settings = settings,
                            .command = words,
                            .env = {},
                            .cwd = "/data/run",
                            .secret = {},
                            .input = true},
                           *groups, shown);
    }
    std::string refusal_of(const std::string& group, const std::string& ready = "") const {
        auto job = *this;
        job.first = {.group = group, .ready = ready, .per_node = {}};
        return job.refusal();
    }
    std::string refusal_of_words(std::vector<std::string> others) const {
        auto job = *this;
        job.words = std::move(others);
        return job.refusal();
    }
    std::vector<int> nodes_of(const std::string& nodes) const {
        auto job = *this;
        job.first = {.group = "a=" + nodes, .ready = {}, .per_node = 1};
        job.words = {"true"};
        std::vector<int> places;
        for (auto& process : job.plan().processes) places.push_back(process.node);
        return places;
    }
};

void reserve_ports(Play& play) {
    for (const auto* port : {"master.server", "jax.server", "master.train", "jax.train"})
        play.launch.on_event(0, Event{.type = Event::Type::bound, .id = port, .value = "20001"}, 1);
}

} // namespace

TEST(GroupWords, are_a_command_then_other_groups_each_with_options_and_a_command) {
    auto groups =
        groups_from({.group = "server=0", .ready = "port:80", .per_node = 1},
                    {"serve", "--", "-p", "--group", "a-b=node[1-2]", "--per-node=2", "--ready", "line:up:.*",
                     "--", "train", "--per-node", "4", "--group=c=all", "--", "true"});
    ASSERT_TRUE(groups) << sentence(groups.error());
    ASSERT_EQ(groups->size(), 3u);
    EXPECT_THAT((*groups)[0].command, ElementsAre("serve", "--", "-p"));
    EXPECT_EQ((*groups)[0].gate->arg, "80");
    EXPECT_EQ((*groups)[0].per_node, 1);
    EXPECT_EQ((*groups)[1].name, "a-b");
    EXPECT_EQ((*groups)[1].nodes, "node[1-2]");
    EXPECT_EQ((*groups)[1].gate->arg, "up:.*");
    EXPECT_EQ((*groups)[1].per_node, 2);
    EXPECT_THAT((*groups)[1].command, ElementsAre("train", "--per-node", "4"));
    EXPECT_EQ((*groups)[2].nodes, "all");
    EXPECT_FALSE((*groups)[2].gate);
    EXPECT_THAT(probes_of(*groups), Contains(Pair("program.a-b", "train")));
}

TEST(GroupWords, that_are_wrong_are_named) {
    const GroupJob job;
    const std::string form =
        "(expected NAME=NODES with a name of letters, digits, - and _, such as server=0 or train=1-3)";
    EXPECT_EQ(job.refusal_of("server"), "--group server names no nodes " + form);
    EXPECT_EQ(job.refusal_of("=0"), "--group =0 has no name of its own " + form);
    EXPECT_EQ(job.refusal_of("0=0"), "--group 0=0 has no name of its own " + form);
    EXPECT_EQ(job.refusal_of_words({"serve", "--group", "train=1"}),
              "--group train=1 has no command (expected two dashes and a command after its options); if "
              "--group is a word of the program before it, put that into a script");
    EXPECT_EQ(job.refusal_of_words({"serve", "--group", "train=1", "--"}),
              "--group train=1 has no command (expected one after its two dashes)");
    EXPECT_EQ(job.refusal_of_words({"serve", "--group", "train=1", "train", "--"}),
              "\"train\" after --group train=1 is no option of a group (expected --ready, --per-node, or two "
              "dashes before the group's command)");
    EXPECT_EQ(
        job.refusal_of_words({"serve", "--group", "train=1", "--group", "b=1", "--", "x"}),
        "--group is given twice for one group (expected two dashes and a command before the next group)");
    EXPECT_EQ(job.refusal_of_words({"serve", "--group", "b=1", "--ready", "--", "x"}),
              "--ready has no value");
    EXPECT_EQ(job.refusal_of_words({"serve", "--group", "b=1", "--per-node=0", "--", "x"}),
              "--per-node 0 is no number of ranks (expected 1 to 4096)");
    EXPECT_EQ(
        job.refusal_of_words({"serve", "--group", "Server=1", "--", "x"}),
        "--group Server=1 has the name of another, server (expected a name of its own, also in capitals "
        "and with _ for -)");
}

TEST(GroupWords, know_four_kinds_of_gates) {
    const GroupJob job;
    for (auto [gate, problem] : {std::pair{"8000", "is no gate"},
                                 {"tcp:80", "is no gate"},
                                 {"port:0", "names no port"},
                                 {"port:70000", "names no port"},
                                 {"http:/health", "names no port"},
                                 {"http:80/a b", "has a path with blanks or other than ASCII"},
                                 {"file:", "names no file"},
                                 {"file:up/", "names a folder"},
                                 {"line:", "names no line"},
                                 {"line:(", "is no regular expression (ECMAScript)"}})
        EXPECT_EQ(job.refusal_of("server=0", gate),
                  fmt::format("--ready {} {} (expected port:N, http:N/PATH, file:PATH or line:REGEX)", gate,
                              problem));
}

TEST(Groups, run_on_all_nodes_on_places_on_components_or_on_nodes_by_name) {
    GroupJob job;
    EXPECT_THAT(job.nodes_of("all"), ElementsAre(0, 1, 2));
    EXPECT_THAT(job.nodes_of("2,0-1,1"), ElementsAre(0, 1, 2));
    EXPECT_THAT(job.nodes_of("node[3,1]"), ElementsAre(0, 2));
    EXPECT_EQ(job.refusal_of("a=1-3"),
              "--group a=1-3 names place 3 (expected 0 to 2: the launch has 3 nodes)");
    EXPECT_EQ(job.refusal_of("a=1-"), "--group a=1- is no list of numbers (expected one such as 0-1,3)");
    EXPECT_EQ(job.refusal_of("a=node9"),
              "--group a=node9 names node9, which is no node of the launch (expected all, "
              "places from 0, het:N, or names of node[1-3])");
    EXPECT_EQ(job.refusal_of("a=het:0"),
              "--group a=het:0 asks for a component, and this job has none (expected a "
              "heterogeneous job)");
    job.allocation.components = {
        {.het_group = 0}, {.het_group = 1}, {.het_group = 1}}; // the last two: one, split
    job.hellos[1].component = 1;
    job.hellos[2].component = 2;
    EXPECT_THAT(job.nodes_of("het:1"), ElementsAre(1, 2));
    EXPECT_EQ(job.refusal_of("a=het:2"),
              "--group a=het:2 names no component of the job (expected one of 0, 1)");
}

TEST(Groups, have_ranks_ports_and_places_of_their_own_and_find_each_other) {
    const GroupJob job;
    const auto plan = job.plan();
    EXPECT_EQ(plan.processes.size(), 5u);
    EXPECT_THAT(plan.ports, ElementsAre(PortSpec{"master.server", 0, ""}, PortSpec{"jax.server", 0, ""},
                                        PortSpec{"master.train", 1, ""}, PortSpec{"jax.train", 1, ""}));
    const auto last = job.process("train.2");
    EXPECT_EQ(last.node, 2);
    EXPECT_THAT(last.argv, ElementsAre("train", "${$}{x}"));
    for (auto [name, value] : std::map<std::string, std::string>{{"RANK", "2"},
                                                                 {"LOCAL_RANK", "0"},
                                                                 {"WORLD_SIZE", "3"},
                                                                 {"NODE_RANK", "1"},
                                                                 {"MASTER_ADDR", "${addr.1}"},
                                                                 {"MASTER_PORT", "${port.master.train}"},
                                                                 {"SLURM_STEP_NODELIST", "node[2-3]"},
                                                                 {"RAILHEAD_NODE_RANK", "2"},
                                                                 {"RAILHEAD_NUM_NODES", "3"},
                                                                 {"RAILHEAD_GROUP", "train"},
                                                                 {"RAILHEAD_GROUP_SERVER_ADDR", "${addr.0}"}})
        EXPECT_THAT(last.env, Contains(Pair(name, value)));
    EXPECT_THAT(last.env, Not(Contains(testing::Key("RAILHEAD_GROUP_TRAIN_ADDR"))));
    EXPECT_THAT(job.process("server.0").env, Contains(Pair("RAILHEAD_GROUP_TRAIN_ADDR", "${addr.1}")));
    EXPECT_THAT(plan.notes, ElementsAre("group server: 2 ranks on node1, ready by http:8000/health",
                                        "group train: 3 ranks on node[2-3]"));
}

TEST(Groups, with_a_gate_are_services_that_later_ones_wait_for) {
    GroupJob job;
    const auto server = job.process("server.0");
    EXPECT_EQ(server.role, Role::service);
    EXPECT_EQ(server.log, "server.0.log");
    EXPECT_FALSE(server.input) << "it is the trainer's";
    EXPECT_EQ(
        server.milestones.back(),
        (Milestone{
            .name = "http:8000/health", .kind = "http", .arg = "${addr.0}:8000/health", .fresh = true}));
    EXPECT_EQ(job.process("server.1").milestones.size(), 1u) << "the first tells for all";
    EXPECT_THAT(server.start_when, ElementsAre());
    const auto train = job.process("train.0");
    EXPECT_EQ(train.role, Role::rank);
    EXPECT_TRUE(train.input);
    EXPECT_EQ(train.log, "train.0.out");
    EXPECT_EQ(train.error_log, "train.0.err");
    EXPECT_EQ(train.console, "[train.0] ");
    EXPECT_THAT(train.start_when, ElementsAre("server.0.http:8000/health"));
    EXPECT_FALSE(job.plan().keep);
    job.words = {"serve", "--group", "b=1",     "--ready", "file:up/${x}",
                 "--",    "b",       "--group", "c=2",     "--ready=line:a[${]",
                 "--",    "c"};
    EXPECT_EQ(
        job.process("b.0").milestones.back(),
        (Milestone{.name = "file:up/${x}", .kind = "exists", .arg = "/data/run/up/${$}{x}", .fresh = true}));
    EXPECT_EQ(job.process("c.0").milestones.back().arg, "a[${$}{]") << "no template";
    EXPECT_THAT(job.process("c.0").start_when, ElementsAre("server.0.http:8000/health", "b.0.file:up/${x}"));
    EXPECT_TRUE(job.plan().keep) << "nothing of it ends";
}

TEST(Groups, show_the_ranks_that_are_asked_for) {
    GroupJob job;
    job.shown = *RankFilter::from("1-2");
    EXPECT_EQ(job.process("train.0").console, "");
    EXPECT_EQ(job.process("train.1").console, "[train.1] ");
    EXPECT_THAT(job.plan().notes, Not(Contains(HasSubstr("--ranks"))));
    job.shown = *RankFilter::from("0,3");
    EXPECT_THAT(job.plan().notes, Contains("--ranks names rank 3, which is not there: the ranks are 0 to 2"))
        << "of the trainer";
    job.shown = {};
    job.words = {"serve", "--group=train=1", "--per-node=1", "--", "train"};
    EXPECT_EQ(job.process("train.0").log, "") << "one alone has our own output";
}

TEST(Groups, need_their_program_on_their_own_nodes_only) {
    GroupJob job;
    const Finding lacks{
        .id = "program.train-missing", .where = "node1", .thing = "train", .seen = "is not there"};
    job.hellos[0].findings = {lacks};
    EXPECT_TRUE(job.result()) << "it is not started there";
    job.hellos[1].findings = {lacks};
    EXPECT_THAT(job.refusal(), HasSubstr("--group train: node1: train is not there"));
}

TEST(Groups, launch_ends_with_the_ranks_and_by_the_death_of_a_service) {
    GroupJob job;
    job.first.per_node = 1;
    job.words = {"serve", "--group=train=1", "--per-node=1", "--", "train"};
    Play play(job.plan());
    reserve_ports(play);
    EXPECT_TRUE(play.ordered("0 start server.0"));
    play.milestone(0, "server.0", "started");
    EXPECT_FALSE(play.ordered("1 start train.0"));
    EXPECT_THAT(play.launch.missing(),
                ElementsAre("server.0 on node1 (http:8000/health)", "train.0 on node2 (not started)"));
    play.milestone(0, "server.0", "http:8000/health", "200");
    EXPECT_TRUE(play.ordered("1 start train.0"));
    play.milestone(1, "train.0", "started");
    EXPECT_TRUE(play.ready);
    play.exited(1, "train.0", {.code = 0});
    EXPECT_EQ(play.launch.outcome().exit_code, 0);
    EXPECT_EQ(play.launch.outcome().cause.sentence, "every rank ended with exit code 0");
}

TEST(Groups, service_that_ends_is_named_with_the_end_of_its_log) {
    GroupJob job;
    job.first.per_node = 1;
    Play play(job.plan());
    reserve_ports(play);
    play.milestone(0, "server.0", "started");
    play.milestone(0, "server.0", "http:8000/health", "200");
    for (const auto* id : {"train.0", "train.1", "train.2"}) play.milestone(1, id, "started");
    ASSERT_TRUE(play.ready);
    play.exited(0, "server.0", {.code = 0}, {"out of GPUs"});
    EXPECT_EQ(play.launch.outcome().exit_code, exit_code(ErrorKind::service_died));
    EXPECT_THAT(play.launch.outcome().cause.sentence, HasSubstr("server.0 on node1 ended with exit code 0"));
    EXPECT_THAT(play.launch.outcome().cause.log_tail, ElementsAre("out of GPUs"));
}
