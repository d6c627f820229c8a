#include "rules/judge.hpp"
#include "rules/proposal.hpp"
#include "tests/unit/rules/clusters.hpp"

#include <gtest/gtest.h>

#include <random>

using namespace railhead;
using namespace railhead::example;

namespace proposal_test {

namespace {

/// With every limit that slurm.conf knows, and nodes of two kinds in one partition.
Inventory with_limits() {
    auto inventory = cluster();
    auto& gpu = inventory.partitions[0];
    gpu.max_minutes = 60;
    gpu.max_nodes = 8;
    gpu.min_nodes = 2;
    gpu.max_cpus_per_node = 12;
    gpu.limits.most_memory = MemoryPer{.mib = 16000};
    gpu.limits.default_cpus_per_gpu = 2;
    inventory.partitions[1].max_minutes = 30;
    inventory.partitions[3].limits.most_memory = MemoryPer{.mib = 1000, .cpu = true};
    return inventory;
}

class Dice {
  public:
    explicit Dice(unsigned seed) : random_(seed) {}
    std::uint32_t up_to(std::uint32_t most) { return std::uniform_int_distribution(1u, most)(random_); }
    bool one_in(std::uint32_t n) { return up_to(n) == 1; }

  private:
    std::mt19937 random_;
};

JobRequest draw(Dice& dice) {
    const char* types[] = {"", "", "h100", "a100", "h200", "v100", "H100"};
    const char* partitions[] = {"gpu", "a100", "cpu", "mixed", "untyped"};
    JobRequest job;
    for (auto items = dice.up_to(5) - 1; items > 3 || (items > 0 && job.gpus.items.empty()); --items) {
        auto per = std::array{Per::job, Per::node, Per::task, Per::socket}[dice.up_to(4) - 1];
        auto option = per == Per::node   ? static_cast<NodeOption>(dice.up_to(3) - 1)
                      : per == Per::task ? std::array{NodeOption::gpus_per_node,
                                                      NodeOption::tres_per_task}[dice.up_to(2) - 1]
                                         : NodeOption::gpus_per_node;
        auto count = dice.up_to(dice.one_in(4) ? 300 : 20);
        job.gpus.items.push_back(
            {"gpu", types[dice.up_to(7) - 1], per, count, fmt::format("gres/gpu:{}", count), option});
    }
    if (dice.one_in(2)) job.partitions = {partitions[dice.up_to(5) - 1]};
    if (!job.partitions.empty() && dice.one_in(6)) job.partitions.emplace_back("gpu");
    if (dice.one_in(2)) job.nodes_min = job.nodes_max = dice.up_to(dice.one_in(4) ? 40 : 4);
    if (job.nodes_max && dice.one_in(5)) *job.nodes_max += dice.up_to(4);
    if (dice.one_in(3)) job.tasks = dice.up_to(40);
    if (dice.one_in(4)) job.tasks_per_node = dice.up_to(20);
    if (dice.one_in(3)) job.cpus_per_task = dice.up_to(20);
    for (auto& item : job.gpus.items)
        if (item.option == NodeOption::tres_per_task && job.cpus_per_task)
            item.beside = fmt::format("cpu={},", *job.cpus_per_task);
    if (!job.cpus_per_task && dice.one_in(3)) job.cpus_per_gpu = dice.up_to(8);
    std::optional<std::uint64_t>* memory[] = {&job.memory_per_node_mib, &job.memory_per_cpu_mib,
                                              &job.memory_per_gpu_mib};
    if (dice.one_in(3)) *memory[dice.up_to(3) - 1] = dice.up_to(40) * 1000 - (dice.one_in(2) ? 1000 : 0);
    if (dice.one_in(4)) job.time_minutes = dice.up_to(90);
    job.exclusive = dice.one_in(10);
    if (dice.one_in(10)) job.reservation = "two";
    if (dice.one_in(10)) job.exclude = "node[1-30]";
    return job;
}

std::vector<std::string> options_of(std::string next) {
    std::vector<std::string> found;
    for (std::size_t at = 0; at < next.size();) {
        auto end = std::min(next.find(" or ", at), next.size());
        auto way = next.substr(at, end - at);
        if (way.starts_with("try ")) way.erase(0, 4);
        if (way.starts_with("--")) found.push_back(way);
        at = end + 4;
    }
    return found;
}

} // namespace

TEST(Proposal, is_never_refused_in_its_turn) {
    Settings strict;
    for (auto [key, how] : {std::pair(Key::submit_rule_uneven, "enforce"),
                            {Key::submit_rule_whole_nodes, "enforce"},
                            {Key::submit_rule_gpu_share, "enforce"},
                            {Key::submit_rule_mixed_types, "enforce"},
                            {Key::submit_rule_type_required, "enforce"},
                            {Key::submit_rule_partition_kind, "strict"}})
        ASSERT_TRUE(strict.set(key, how, {Origin::Kind::site, "test"}));
    std::size_t refused = 0, helped = 0;
    for (const auto& inventory : {cluster(), with_limits()})
        for (const auto& settings : {Settings(), strict}) {
            Dice dice(7);
            for (int i = 0; i < 3000; ++i) {
                auto job = draw(dice);
                auto findings = judge(job, inventory, settings).findings;
                if (findings.size() != 1) continue; // each of several has a proposal of its own
                auto ways = options_of(findings[0].next);
                if (refuses(findings)) ++refused;
                if (refuses(findings) && !ways.empty()) ++helped;
                for (const auto& way : ways) {
                    auto changed = with_options(job, way);
                    ASSERT_TRUE(changed) << way << " of: " << sentence(findings[0]);
                    for (const auto& again : judge(*changed, inventory, settings).findings) {
                        EXPECT_NE(again.level, Level::fail)
                            << sentence(findings[0]) << "\nbut: " << sentence(again);
                        EXPECT_NE(again.id, findings[0].id)
                            << sentence(findings[0]) << "\nbut: " << sentence(again);
                    }
                }
            }
        }
    EXPECT_GT(refused, 2000u);
    EXPECT_GT(helped, refused / 3) << "of " << refused;
}

TEST(Proposal, of_several_refusals_works_together) {
    std::size_t followed = 0, refused = 0;
    for (const auto& inventory : {cluster(), with_limits()}) {
        Dice dice(11);
        for (int i = 0; i < 800; ++i) {
            auto job = draw(dice);
            auto findings = judge(job, inventory, {}).findings;
            if (findings.size() < 2 || !refuses(findings)) continue;
            std::string all;
            bool told = true; // each has a way, or the first one tells all
            for (const auto& finding : findings) {
                told &= finding.next.empty() ? !all.empty() : !options_of(finding.next).empty();
                all = with_first_way(all, finding.next);
            }
            if (!told || all.empty()) continue;
            ++followed;
            auto changed = with_options(job, all);
            refused += !changed || refuses(judge(*changed, inventory, {}).findings);
        }
    }
    EXPECT_GT(followed, 80u);
    EXPECT_EQ(refused, 0u) << "of " << followed;
}

TEST(Proposal, is_read_as_it_is_typed) {
    auto job = asks(Per::job, "h100", 16);
    job.tasks_per_node = 4;
    auto changed = with_options(job, "--nodes=2-3 --ntasks-per-node=2 --gpus=h100:8 --time=01:30:00");
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->nodes_min, 2u);
    EXPECT_EQ(changed->nodes_max, 3u);
    EXPECT_EQ(changed->tasks_per_node, 2u);
    EXPECT_EQ(changed->time_minutes, 90u);
    ASSERT_EQ(changed->gpus.items.size(), 1u);
    EXPECT_EQ(changed->gpus.items[0].count, 8u);
    EXPECT_FALSE(with_options(job, "--nodes=17")) << "sbatch wants a GPU for each";
    job.tasks = 1;
    EXPECT_FALSE(with_options(job, "--nodes=2")) << "sbatch makes one of it, for one task";
    job.tasks.reset();
    job.cpus_per_task = 2;
    EXPECT_FALSE(with_options(job, "--cpus-per-gpu=2")) << "sbatch takes one of them";
    EXPECT_FALSE(with_options(job, "--nonsense=2"));
    job.modify = true;
    EXPECT_FALSE(with_options(job, "--time=5"));
    EXPECT_EQ(with_options(job, "timelimit=5")->time_minutes, 5u);
    EXPECT_EQ(with_options(job, "tresperjob=gres/gpu:a100:8")->gpus.items[0].type, "a100");
}

TEST(Proposal, replaces_what_was_typed_for_a_node) {
    auto job = asks(Per::node, "h100", 16);
    job.gpus.items[0].option = NodeOption::gres;
    job.gpus.items.push_back({"nic", "", Per::node, 2, "gres/nic:2", NodeOption::gres});
    auto changed = with_options(job, "--gres=gpu:h100:8,nic:2");
    ASSERT_EQ(changed->gpus.items.size(), 2u);
    EXPECT_EQ(changed->gpus.items[0].count, 8u);
    EXPECT_EQ(with_options(job, "--gpus-per-node=8")->gpus.items.size(), 3u) << "Slurm adds them up";
    EXPECT_EQ(with_options(job, "--gres=none --gpus-per-node=8")->gpus.items.size(), 1u);
}

TEST(Proposal, leaves_two_ways_and_all_advice) {
    auto all_but = [](std::string_view bad) { return [=](std::string_view way) { return way != bad; }; };
    EXPECT_EQ(ways_that_work("try --a=1 or --b=2 or --c=3", all_but("")), "try --a=1 or --b=2");
    EXPECT_EQ(ways_that_work("try --a=1 or --b=2 or --c=3", all_but("--a=1")), "try --b=2 or --c=3");
    EXPECT_EQ(ways_that_work("try --a=1", all_but("--a=1")), "");
    EXPECT_EQ(ways_that_work("try --a=1 or else --b=2", all_but("")), "try --a=1");
    EXPECT_EQ(ways_that_work("try --a=1 or else --b=2", all_but("--a=1")), "try --b=2");
    EXPECT_EQ(ways_that_work("add --a=N or try --b=2", all_but("--b=2")), "add --a=N");
    EXPECT_EQ(ways_that_work("try --a=1 or fewer CPUs", all_but("--a=1")), "fewer CPUs");
}

TEST(Proposal, keeps_the_other_types) {
    auto job = on(asks(Per::job, "h100", 8), 2);
    job.gpus.items.push_back({"gpu", "a100", Per::job, 4, ""});
    auto fewer = job.gpus.items[0];
    fewer.count = 6;
    auto option = option_for(fewer, job.gpus.items[0], job);
    EXPECT_EQ(option, "--gpus=h100:6,a100:4");
    auto changed = with_options(job, option);
    ASSERT_TRUE(changed);
    ASSERT_EQ(changed->gpus.items.size(), 2u);
    EXPECT_EQ(changed->gpus.items[0].count, 6u);
    EXPECT_EQ(changed->gpus.items[1].count, 4u);
}

TEST(Proposal, is_nothing_that_would_be_refused_itself) {
    auto inventory = cluster();
    inventory.partitions[1].max_minutes = 60; // a100
    auto job = asks(Per::node, "a100", 1);
    job.time_minutes = 120;
    EXPECT_EQ(judge(job, inventory, {}).findings.at(0).next, "try --gpus-per-node=h100:1")
        << "a100 is too short";
    job.time_minutes = 60;
    EXPECT_EQ(judge(job, inventory, {}).findings.at(0).next,
              "try --gpus-per-node=h100:1 or --partition=a100");
    EXPECT_EQ(judge(in(on(asks(Per::node, "h100", 1), 3), {"a100"}), inventory, {}).findings.at(0).next,
              "try --gpus-per-node=a100:1 or --partition=gpu")
        << "that there are no 3 nodes in a100 is said beside it";
}

TEST(Proposal, is_all_of_it_where_it_works_only_together) {
    auto inventory = cluster();
    auto job = asks(Per::node, "a100", 1);
    job.cpus_per_task = 17; // of which nobody speaks as long as the type is wrong
    EXPECT_EQ(judge(job, inventory, {}).findings.at(0).next, "try --gpus-per-node=h100:1 --cpus-per-task=16");
    job = on(asks(Per::node, "h200", 8), 40);
    job.memory_per_node_mib = 100000;
    auto findings = judge(job, inventory, {}).findings;
    EXPECT_EQ(findings.at(0).next, "try --gpus-per-node=h100:8 --nodes=32 --mem=32000M");
    auto changed = with_options(job, findings.at(0).next.substr(4));
    EXPECT_FALSE(refuses(judge(changed.value(), inventory, {}).findings));
}

} // namespace proposal_test
