#include "launcher/recipes/ray_probe.hpp"

#include "folder_rig.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace railhead {
namespace {

TEST(RayProbe, reads_the_interpreter_from_a_script) {
    EXPECT_EQ(interpreter_of("#!/opt/venv/bin/python3.11\nimport sys\n"), "/opt/venv/bin/python3.11");
    EXPECT_EQ(interpreter_of("#! /opt/venv/bin/python -s\n"), "/opt/venv/bin/python");
    EXPECT_EQ(interpreter_of("#!/usr/bin/env python3\n"), "python3");
    EXPECT_EQ(interpreter_of("#!/usr/bin/env -S python3 -s\n"), "python3");
    EXPECT_EQ(interpreter_of("#!/bin/sh\n'''exec' \"/a long/path/python\" \"$0\" \"$@\"\n' '''\n"),
              "/a long/path/python");
    EXPECT_EQ(interpreter_of("#!/bin/sh\n'''exec' /long/path/python \"$0\" \"$@\"\n' '''\n"),
              "/long/path/python");
}

TEST(RayProbe, has_no_interpreter_for_a_wrapper_or_a_binary) {
    EXPECT_EQ(interpreter_of("#!/bin/sh\nexec podman run ray \"$@\"\n"), "");
    EXPECT_EQ(interpreter_of("\x7f"
                             "ELF"),
              "");
    EXPECT_EQ(interpreter_of(""), "");
}

/// A directory with a `ray` whose interpreter answers what the test wants.
class RayProbeOnDisk : public FolderRig {
  protected:
    void SetUp() override {
        FolderRig::SetUp();
        program("python", "#!/bin/sh\nprintf '2.60.0\\n3.11.2\\n'\n");
        program("ray", "#!" + dir + "/python\n");
    }
    Probe probe(const std::string& name) {
        return probe_ray("node2", name, Environment({{"PATH", dir + ":/bin"}}), 5);
    }
};

TEST_F(RayProbeOnDisk, asks_the_interpreter_of_ray_for_both_versions) {
    const auto found = probe("");
    EXPECT_TRUE(found.findings.empty());
    EXPECT_EQ(found.versions.at("ray"), "2.60.0");
    EXPECT_EQ(found.versions.at("python"), "3.11.2");
    EXPECT_EQ(found.versions.at("ray.python"), dir + "/python");
    EXPECT_EQ(found.versions.at("ray.program"), dir + "/ray");
}

TEST_F(RayProbeOnDisk, uses_the_interpreter_beside_a_wrapper) {
    program("python3", "#!/bin/sh\nprintf '2.59.1\\n3.12.0\\n'\n");
    for (std::string shell : {"/bin/sh", "/bin/bash"}) {
        program("ray", "#!" + shell + "\necho ray, version 2.59.1\n");
        EXPECT_EQ(probe("").versions.at("ray"), "2.59.1");
    }
}

TEST_F(RayProbeOnDisk, says_when_a_wrapper_is_another_ray) {
    program("python3", "#!/bin/sh\nprintf '2.59.1\\n3.12.0\\n'\n");
    for (const auto& [does, seen] :
         {std::pair{"true", "says nothing to --version"},
          std::pair{"echo ray, version 2.60.0", "says \"ray, version 2.60.0\" to --version"}}) {
        program("ray", std::string("#!/bin/sh\n") + does + "\n");
        auto found = probe("");
        EXPECT_FALSE(found.versions.contains("ray"));
        ASSERT_EQ(found.findings.size(), 1U);
        EXPECT_THAT(sentence(found.findings.front()),
                    testing::HasSubstr(std::string(seen) + ", not that it is version 2.59.1 of Ray"));
    }
}

TEST_F(RayProbeOnDisk, says_when_ray_is_not_on_path) {
    std::filesystem::remove(dir + "/ray");
    const auto found = probe("");
    EXPECT_FALSE(found.versions.contains("ray"));
    ASSERT_EQ(found.findings.size(), 1U);
    EXPECT_EQ(sentence(found.findings[0]),
              "node2: ray is not on PATH (expected one of " + dir +
                  ":/bin); install Ray there, load its module or activate its environment in the job "
                  "script, or give --ray PATH");
}

TEST_F(RayProbeOnDisk, says_when_a_given_path_is_no_program) {
    const auto found = probe(dir + "/nothing");
    ASSERT_EQ(found.findings.size(), 1U);
    EXPECT_THAT(sentence(found.findings[0]), testing::HasSubstr("is not an executable file there"));
}

TEST_F(RayProbeOnDisk, says_what_python_said_when_ray_cannot_be_imported) {
    program("python", "#!/bin/sh\nprintf \"\\nNo module named 'ray'\\n\"\n");
    const auto found = probe("");
    EXPECT_FALSE(found.versions.contains("ray"));
    ASSERT_EQ(found.findings.size(), 1U);
    EXPECT_THAT(sentence(found.findings[0]), testing::HasSubstr("cannot import ray: No module named 'ray'"));
}

TEST_F(RayProbeOnDisk, does_not_wait_for_an_interpreter_that_hangs) {
    program("python", "#!/bin/sh\nsleep 30\n");
    const auto found = probe_ray("node2", "", Environment({{"PATH", dir + ":/bin"}}), 1);
    ASSERT_EQ(found.findings.size(), 1U);
    EXPECT_THAT(sentence(found.findings[0]), testing::HasSubstr("no answer within 1 s"));
}

} // namespace
} // namespace railhead
