// What the plugin asks railhead, and what it makes of the answers for a task.
#include "spank/rails.hpp"

#include <gmock/gmock.h>

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace railhead;
using namespace railhead::spank;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

/// A program in the place of railhead.
std::string program_that(const std::string& does) {
    const auto path = testing::TempDir() + "railhead-stand-in";
    std::ofstream(path) << "#!/bin/sh\n" << does << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
}

Identity myself() {
    return {.uid = getuid(), .gid = getgid(), .groups = {}};
}

} // namespace

TEST(SpankRails, knows_the_gpus_of_a_task_with_and_without_constrained_devices) {
    EXPECT_THAT(gpus_of_task({{}, "4,5,6,7", "4,5,6,7", "5,7"}), ElementsAre(5, 7));
    EXPECT_THAT(gpus_of_task({{}, "4,5,6,7", "0,1,2,3", "1"}), ElementsAre(5));
    EXPECT_THAT(gpus_of_task({{}, "2-3", "0,1", "0,1"}), ElementsAre(2, 3));
    EXPECT_THAT(gpus_of_task({{0, 1}, "0,1", "MIG-a,MIG-b", "MIG-b"}), ElementsAre(1));
    EXPECT_THAT(gpus_of_task({{6}, "4,5,6,7", "0,1,2,3", "0"}), ElementsAre(6)) << "what it may open";
    EXPECT_THAT(gpus_of_task({{0, 1, 2, 3, 4, 5, 6, 7}, "4,5", "4,5", "5"}), ElementsAre(5));
    EXPECT_THAT(gpus_of_task({{}, "0,1", "0,1", "7"}), IsEmpty());
    EXPECT_THAT(gpus_of_task({{}, "0,1", "0", "0"}), IsEmpty()) << "which of both it is cannot be told";
    EXPECT_THAT(gpus_of_task({}), IsEmpty());
    Rails rails;
    for (std::uint32_t number : {0U, 1U, 2U}) rails.gpus.push_back({.number = number});
    const auto root = testing::TempDir() + "railhead-devices";
    std::filesystem::create_directories(root + "/dev");
    std::ofstream(root + "/dev/nvidia1") << "";
    EXPECT_THAT(devices_allowed(root, rails), ElementsAre(1));
}

TEST(SpankRails, gives_each_of_several_tasks_its_share) {
    EXPECT_THAT(share_of({0, 1, 2, 3}, 1, 4), ElementsAre(1));
    EXPECT_THAT(share_of({4, 5, 6, 7}, 1, 2), ElementsAre(6, 7));
    EXPECT_THAT(share_of({4, 5, 6, 7}, 0, 1), ElementsAre(4, 5, 6, 7));
    EXPECT_THAT(share_of({4, 5, 6}, 0, 2), ElementsAre(4, 5, 6)) << "which is whose cannot be told";
    EXPECT_THAT(share_of({4}, 3, 2), ElementsAre(4));
    EXPECT_THAT(share_of({}, 0, 0), IsEmpty());
}

TEST(SpankRails, binds_to_near_cpus_that_are_enough) {
    Rails rails;
    rails.gpus = {{.number = 0, .cpus = "0-3"}, {.number = 1, .cpus = "4-7,12"}, {.number = 2, .cpus = ""}};
    const std::vector<int> all{0, 1, 2, 3, 4, 5, 6, 7};
    EXPECT_THAT(cpus_near(rails, {1}, all, 1), ElementsAre(4, 5, 6, 7));
    EXPECT_THAT(cpus_near(rails, {0, 1}, {2, 3, 4, 9}, 2), ElementsAre(2, 3, 4));
    EXPECT_THAT(cpus_near(rails, {0}, {3, 4, 5, 6}, 4), IsEmpty()) << "one is too few for four threads";
    EXPECT_THAT(cpus_near(rails, {0}, {8, 9}, 0), IsEmpty());
    EXPECT_THAT(cpus_near(rails, {2}, all, 1), IsEmpty()) << "nobody knows where it is";
    EXPECT_THAT(cpus_near(rails, {5}, all, 1), IsEmpty());
}

TEST(SpankRails, are_read_as_railhead_env_tells_them) {
    const auto program = program_that(R"(cat <<'END'
{"v": 1, "node": "node1", "ports": ["mlx5_0:1"], "interface": null, "left_out": [], "kept": [],
 "gpus": [{"number": 3, "address": "0000:17:00.0", "port": "mlx5_0:1", "why": "near", "cpus": "0-3"},
          {"number": 4, "address": "0000:18:00.0", "port": null, "why": "", "cpus": null}],
 "variables": [{"name": "NCCL_IB_HCA", "value": "=mlx5_0:1", "why": "exactly this port"}]}
END)");
    const auto told = ask_rails(program, myself(), "/home/a", 5);
    ASSERT_TRUE(told) << sentence(told.error());
    ASSERT_EQ(told->rails.gpus.size(), 2U);
    EXPECT_EQ(told->rails.gpus[0].number, 3U);
    EXPECT_EQ(told->rails.gpus[0].cpus, "0-3");
    EXPECT_EQ(told->rails.gpus[1].port, "");
    ASSERT_EQ(told->variables.size(), 1U);
    EXPECT_EQ(told->variables[0].value, "=mlx5_0:1");
}

TEST(SpankRails, trust_no_answer) {
    for (const auto* does : {"echo nonsense", "echo '[]'", "echo '{\"v\":2}'", "exit 3", "printf '\\000'"})
        EXPECT_FALSE(ask_rails(program_that(does), myself(), "/", 5)) << does;
    const auto odd = ask_rails(program_that("echo '{\"v\":1,\"gpus\":[3,{\"number\":-1},{\"number\":\"a\"}],"
                                            "\"variables\":[{\"name\":\"A=B\",\"value\":\"c\"},7]}'"),
                               myself(), "/", 5);
    ASSERT_TRUE(odd);
    EXPECT_THAT(odd->rails.gpus, IsEmpty());
    EXPECT_THAT(odd->variables, IsEmpty());
    EXPECT_FALSE(ask_node(program_that("echo '{\"findings\":3}'"), myself(), {}, 5));
    const auto silent = ask_node(program_that("exec sleep 60"), myself(), {}, 0.2);
    ASSERT_FALSE(silent);
    EXPECT_EQ(sentence(silent.error()),
              "railhead check did not answer within 0.2 s and was killed; run it there "
              "by hand, and look at file systems that hang");
    EXPECT_FALSE(ask_node("/no/railhead", myself(), {}, 5));
}

TEST(SpankRails, look_with_the_limits_of_the_tasks) {
    const auto program = program_that(
        R"(echo "{\"findings\":[{\"id\":\"limits\",\"level\":\"warn\",\"seen\":\"$(ulimit -l) $(ulimit -n)\"}]}")");
    const auto found =
        ask_node(program, myself(), {{RLIMIT_MEMLOCK, 65536}, {RLIMIT_NOFILE, UINT64_MAX - 1}}, 5);
    ASSERT_TRUE(found) << sentence(found.error());
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    EXPECT_EQ(found->front().seen, "64 " + std::to_string(files.rlim_max)) << "no more than the hard one";
}

TEST(SpankRails, say_what_the_node_was_found_to_have) {
    const auto found =
        ask_node(program_that("echo '{\"findings\":[{\"id\":\"mount\",\"level\":\"fail\",\"where\":"
                              "\"node1\",\"thing\":\"/home\",\"seen\":\"hangs\\u001b[31m\"},7]}'; exit 1"),
                 myself(), {}, 5);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().level, Level::fail);
    EXPECT_EQ(sentence(found->front()), "node1: /home hangs [31m") << "a terminal is told no colours";
}
