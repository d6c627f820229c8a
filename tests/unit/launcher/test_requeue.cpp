#include "launcher/supervisor/requeue.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace railhead {
namespace {

/// Programs of Slurm's names that note how they were called.
class Requeue : public testing::Test {
  protected:
    std::string folder;
    Allocation allocation{.job_id = "17", .components = {{.nodes = {"node1", "node2"}}}};

    void SetUp() override {
        char name[] = "/tmp/requeueXXXXXX";
        folder = mkdtemp(name);
        program("srun", "while [ \"$1\" != sh ]; do shift; done\nexec \"$@\"");
        answers("");
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    void program(const std::string& name, const std::string& text) const {
        std::ofstream(folder + "/" + name) << "#!/bin/sh\n" << text << "\n";
        chmod((folder + "/" + name).c_str(), 0755);
    }
    /// `failing`: the word of scontrol's that fails.
    void answers(const std::string& failing) const {
        program("scontrol", "echo \"$@\" >>" + folder + "/calls\nif [ \"$1\" = \"" + failing +
                                "\" ]; then echo slurm_error: too busy; exit 1; fi\n"
                                "[ $1 != show ] || echo \"JobId=17 ExcNodeList=node7 Features=(null)\"");
    }
    std::string end(const std::vector<std::string>& without) const {
        const Environment environment({{"PATH", folder + ":/usr/bin:/bin"}});
        auto done = requeue(environment, allocation, without);
        return done ? "done" : sentence(done.error());
    }
    std::string calls() const {
        std::stringstream text;
        text << std::ifstream(folder + "/calls").rdbuf();
        return text.str();
    }
};

TEST_F(Requeue, keeps_the_job_off_the_node_and_those_before) {
    EXPECT_EQ(end({"node2"}), "done");
    EXPECT_EQ(calls(), "show job 17\nrequeue 17\nupdate jobid=17 excnodelist=node7,node2\n");
}

TEST_F(Requeue, that_is_refused_is_advised_as_such) {
    answers("requeue");
    for (const auto& without : {std::vector<std::string>{}, {"node2"}})
        EXPECT_EQ(end(without),
                  "the requeue failed: slurm_error: too busy; submit the job with --requeue, if the "
                  "site does not requeue by itself");
}

TEST_F(Requeue, whose_nodes_cannot_be_read_is_left_to_the_user) {
    answers("show");
    EXPECT_EQ(end({"node2"}),
              "the requeue without node2: 'scontrol show job 17' failed: slurm_error: too busy; "
              "requeue it by 'scontrol requeue 17', then 'scontrol update jobid=17 "
              "excnodelist=node2'");
    EXPECT_EQ(calls(), "show job 17\n");
}

TEST_F(Requeue, after_which_the_job_cannot_be_kept_off_the_node_says_how) {
    answers("update");
    EXPECT_EQ(end({"node2"}), "keeping the requeued job off node2 failed: slurm_error: too busy; do it by "
                              "'scontrol update jobid=17 excnodelist=node7,node2' while the job waits");
}

} // namespace
} // namespace railhead
