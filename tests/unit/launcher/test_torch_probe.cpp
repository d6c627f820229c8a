#include "launcher/recipes/torch_probe.hpp"

#include "folder_rig.hpp"

#include <gmock/gmock.h>

namespace railhead {
namespace {

/// A directory with a `torchrun` whose interpreter answers what the test wants.
class TorchProbe : public FolderRig {
  protected:
    void SetUp() override {
        FolderRig::SetUp();
        program("python3", "#!/bin/sh\nprintf '2.7.1\\n3.11.2\\n'\n");
        program("torchrun", "#!" + dir + "/python3\n");
        program("train.py", "");
    }
    Probe probe(const std::string& name, const std::string& script) {
        return probe_torch("node2", name, script, dir, Environment({{"PATH", dir + ":/bin"}}), 5);
    }
    std::string said(const std::string& name, const std::string& script) {
        auto found = probe(name, script).findings;
        return found.empty() ? "" : sentence(found.front());
    }
};

TEST_F(TorchProbe, asks_the_interpreter_of_torchrun_for_the_version) {
    for (const auto& script : {std::string(), std::string("train.py"), dir + "/train.py"}) {
        const auto found = probe("", script);
        EXPECT_TRUE(found.findings.empty()) << sentence(found.findings.front());
        EXPECT_EQ(found.versions.at("torch"), "2.7.1");
        EXPECT_EQ(found.versions.at("python"), "3.11.2");
        EXPECT_EQ(found.versions.at("torchrun.program"), dir + "/torchrun");
        EXPECT_EQ(found.versions.at("torchrun.python"), dir + "/python3");
    }
}

TEST_F(TorchProbe, uses_the_interpreter_beside_a_wrapper) {
    program("torchrun", "#!/bin/sh\nexec env torchrun\n");
    EXPECT_EQ(probe("", "").versions.at("torchrun.python"), dir + "/python3");
}

TEST_F(TorchProbe, names_a_script_that_is_not_there) {
    EXPECT_THAT(said("", "no.py"),
                testing::StartsWith("node2: " + dir +
                                    "/no.py cannot be read: No such file or directory (expected the script "
                                    "on every node); put it on a file system that all nodes share"));
}

TEST_F(TorchProbe, says_that_python_is_not_the_script) {
    for (const auto& script : {std::string("python3"), std::string("python3.12"), dir + "/python3"})
        EXPECT_EQ(said("", script),
                  "node2: " + script +
                      " is Python itself, which torchrun starts (expected the script as the "
                      "first word); leave it out, and its options");
    EXPECT_THAT(said("", "python_train"), testing::HasSubstr("cannot be read"));
}

TEST_F(TorchProbe, names_a_torchrun_that_is_not_there) {
    EXPECT_THAT(said("no-torchrun", ""), testing::StartsWith("node2: no-torchrun is not on PATH (expected"));
    EXPECT_THAT(said("/no/torchrun", ""),
                testing::StartsWith("node2: /no/torchrun is not an executable file there; install PyTorch"));
}

TEST_F(TorchProbe, says_why_torch_cannot_be_imported) {
    program("python3", "#!/bin/sh\nprintf '\\nNo module named torch\\n'\n");
    EXPECT_EQ(said("", ""), "node2: " + dir +
                                "/python3 cannot import torch: No module named torch (expected the Python "
                                "that " +
                                dir + "/torchrun runs with); run `" + dir + "/torchrun --help` on that node");
}

} // namespace
} // namespace railhead
