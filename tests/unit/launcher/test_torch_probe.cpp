#include "launcher/recipes/torch_probe.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace railhead {
namespace {

/// A directory with a `torchrun` whose interpreter answers what the test wants.
class TorchProbe : public testing::Test {
  protected:
    void SetUp() override {
        std::string name = testing::TempDir() + "railhead-XXXXXX";
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        directory_ = name;
        program("python3", "#!/bin/sh\nprintf '2.7.1\\n3.11.2\\n'\n");
        program("torchrun", "#!" + directory_ + "/python3\n");
        program("train.py", "");
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }
    void program(const std::string& name, const std::string& text) {
        std::ofstream(directory_ + "/" + name) << text;
        std::filesystem::permissions(directory_ + "/" + name, std::filesystem::perms::owner_all);
    }
    Probe probe(const std::string& name, const std::string& script) {
        return probe_torch("node2", name, script, directory_, Environment({{"PATH", directory_ + ":/bin"}}),
                           5);
    }
    std::string said(const std::string& name, const std::string& script) {
        auto found = probe(name, script).findings;
        return found.empty() ? "" : sentence(found.front());
    }
    std::string directory_;
};

TEST_F(TorchProbe, asks_the_interpreter_of_torchrun_for_the_version) {
    for (const auto& script : {std::string(), std::string("train.py"), directory_ + "/train.py"}) {
        const auto found = probe("", script);
        EXPECT_TRUE(found.findings.empty()) << sentence(found.findings.front());
        EXPECT_EQ(found.versions.at("torch"), "2.7.1");
        EXPECT_EQ(found.versions.at("python"), "3.11.2");
        EXPECT_EQ(found.versions.at("torchrun.program"), directory_ + "/torchrun");
        EXPECT_EQ(found.versions.at("torchrun.python"), directory_ + "/python3");
    }
}

TEST_F(TorchProbe, uses_the_interpreter_beside_a_wrapper) {
    program("torchrun", "#!/bin/sh\nexec env torchrun\n");
    EXPECT_EQ(probe("", "").versions.at("torchrun.python"), directory_ + "/python3");
}

TEST_F(TorchProbe, names_a_script_that_is_not_there) {
    EXPECT_THAT(said("", "no.py"),
                testing::StartsWith("node2: " + directory_ +
                                    "/no.py cannot be read: No such file or directory (expected the script "
                                    "on every node); put it on a file system that all nodes share"));
}

TEST_F(TorchProbe, names_a_torchrun_that_is_not_there) {
    EXPECT_THAT(said("no-torchrun", ""), testing::StartsWith("node2: no-torchrun is not on PATH (expected"));
    EXPECT_THAT(said("/no/torchrun", ""),
                testing::StartsWith("node2: /no/torchrun is not an executable file there; install PyTorch"));
}

TEST_F(TorchProbe, says_why_torch_cannot_be_imported) {
    program("python3", "#!/bin/sh\nprintf '\\nNo module named torch\\n'\n");
    EXPECT_EQ(said("", ""), "node2: " + directory_ +
                                "/python3 cannot import torch: No module named torch (expected the Python "
                                "that " +
                                directory_ + "/torchrun runs with); run `" + directory_ +
                                "/torchrun --help` on that node");
}

} // namespace
} // namespace railhead
