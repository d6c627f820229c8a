#include "launcher/agent/task.hpp"

#include "folder_rig.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace railhead {
namespace {

class AgentTask : public FolderRig {
  protected:
    /// As torchrun starts it, but in a process of its own: it takes signals and ends as its command did.
    [[noreturn]] void run(int rank, const std::string& script) const {
        Environment environment(
            {{"PATH", "/usr/bin:/bin"},
             {"RAILHEAD_JOB_DIR", dir},
             {"RAILHEAD_PROCESS", "torchrun.node1"},
             {"RANK", std::to_string(rank)},
             {"LOCAL_RANK", std::to_string(rank % 4)},
             {"TORCHELASTIC_ERROR_FILE", "/logs/" + std::to_string(rank) + "/error.json"}});
        exit(run_task(environment, {"sh", "-c", script}));
    }
    void exits(int code, int rank, const std::string& script) const {
        EXPECT_EXIT(run(rank, script), testing::ExitedWithCode(code), "");
    }
    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(dir + "/tasks");
        std::ofstream(dir + "/tasks/" + name) << text;
    }
    std::optional<FailedTask> first() const { return first_failed_task(dir, "torchrun.node1"); }
};

TEST_F(AgentTask, ends_as_its_command) {
    exits(0, 0, "exit 0");
    EXPECT_FALSE(first());
    exits(3, 0, "exit 3");
    EXPECT_EXIT(run(0, "kill -TERM $$"), testing::KilledBySignal(SIGTERM), "");
    EXPECT_EXIT(run(0, "kill -KILL $$"), testing::KilledBySignal(SIGKILL), "");
    EXPECT_EXIT(exit(run_task(Environment(), {"/no/such/program"})), testing::ExitedWithCode(127),
                "railhead: executing /no/such/program failed");
}

TEST_F(AgentTask, leaves_the_signals_of_its_group_to_its_command) {
    exits(5, 0, "trap 'exit 5' TERM; kill -TERM $PPID $$; sleep 5");
}

TEST_F(AgentTask, that_failed_first_is_told_with_its_rank_and_its_log) {
    exits(7, 2, "exit 7");
    EXPECT_EXIT(run(1, "kill -SEGV $$"), testing::KilledBySignal(SIGSEGV), "");
    auto found = first();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->ended, (Ended{.code = 7, .rank = 2}));
    EXPECT_EQ(found->log, "/logs/2/stderr.log");
    EXPECT_FALSE(first_failed_task(dir, "torchrun.node10"));
    EXPECT_FALSE(first_failed_task(dir, "torchrun.node"));
}

TEST_F(AgentTask, started_again_has_not_failed_yet) {
    exits(7, 1, "exit 7");
    exits(8, 2, "exit 8");
    EXPECT_EQ(first()->ended.rank, 1);
    exits(0, 1, "test ! -e $RAILHEAD_JOB_DIR/tasks/torchrun.node1.1");
    EXPECT_EQ(first()->ended.rank, 2);
    exits(9, 6, "exit 9"); // the same place with another rank
    EXPECT_EQ(first()->ended, (Ended{.code = 9, .rank = 6}));
}

TEST_F(AgentTask, passes_over_what_is_no_record) {
    write("torchrun.node1.0", "");
    write("torchrun.node1.1", "{\"rank\": ");
    write("torchrun.node1.2", "[1, 2]");
    write("torchrun.node1.3", R"({"rank": "three", "code": 1})");
    write("torchrun.node1.4", std::string(1 << 20, 'x'));
    write("torchrun.node1.5", R"({"rank": 5, "code": 1, "at_s": "now"})");
    std::filesystem::create_directories(dir + "/tasks/torchrun.node1.6");
    EXPECT_FALSE(first());
    exits(4, 13, "exit 4");
    ASSERT_TRUE(first());
    EXPECT_EQ(first()->ended.rank, 13);
}

TEST_F(AgentTask, torchruns_own_reason_is_read_from_its_file) {
    auto reason = [this](const std::string& text) {
        write("reason", text);
        return own_reason(dir + "/tasks/reason");
    };
    EXPECT_EQ(reason(R"({"message": {"message": "RendezvousTimeoutError: a\nb", "extraInfo": {}}})"),
              (std::vector<std::string>{"", "RendezvousTimeoutError: a", "b"}));
    EXPECT_EQ(
        reason(R"({"message": {"message": "E: why", "extraInfo": {"py_callstack": "EADDRINUSE\nE: why"}}})"),
        (std::vector<std::string>{"EADDRINUSE", "E: why", "E: why"}));
    for (const auto* text : {"", "{", "[]", "{}", R"({"message": "text"})", R"({"message": {"message": 3}})"})
        EXPECT_TRUE(reason(text).empty()) << text;
    EXPECT_TRUE(own_reason(dir + "/none").empty());
    EXPECT_TRUE(own_reason("").empty());
}

} // namespace
} // namespace railhead
