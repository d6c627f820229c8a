#include "launcher/agent/hello.hpp"

#include "launcher/agent/directory.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace railhead {
namespace {

using Variables = std::map<std::string, std::string>;

std::vector<std::pair<int, std::string>> gpus(const Variables& variables) {
    std::vector<std::pair<int, std::string>> found;
    for (auto& gpu : gpus_of(Environment(variables))) found.emplace_back(gpu.index, gpu.id);
    return found;
}

using Gpus = std::vector<std::pair<int, std::string>>;

TEST(Gpus, are_what_programs_see_with_their_numbers_on_the_node) {
    EXPECT_EQ(gpus({{"CUDA_VISIBLE_DEVICES", "0,1"}, {"SLURM_STEP_GPUS", "4,5"}}),
              (Gpus{{4, "0"}, {5, "1"}}));
    EXPECT_EQ(gpus({{"CUDA_VISIBLE_DEVICES", "0,1,2"}, {"SLURM_STEP_GPUS", "5-7"}}),
              (Gpus{{5, "0"}, {6, "1"}, {7, "2"}}));
}

TEST(Gpus, of_another_component_or_of_the_users_shell_are_not_this_steps) {
    EXPECT_EQ(gpus({{"CUDA_VISIBLE_DEVICES", "2,3"}}), Gpus{});
    EXPECT_EQ(gpus({{"CUDA_VISIBLE_DEVICES", "0,1"}, {"SLURM_JOB_GPUS", "0,1"}}), Gpus{});
}

TEST(Gpus, may_have_names) {
    EXPECT_EQ(gpus({{"CUDA_VISIBLE_DEVICES", "GPU-aa,MIG-bb"}, {"SLURM_STEP_GPUS", "0"}}),
              (Gpus{{0, "GPU-aa"}, {1, "MIG-bb"}}));
}

TEST(Gpus, are_known_from_slurm_where_no_variable_is_set) {
    EXPECT_EQ(gpus({{"SLURM_STEP_GPUS", "0,3"}}), (Gpus{{0, "0"}, {3, "3"}}));
}

TEST(Gpus, are_none_where_none_were_given) {
    EXPECT_EQ(gpus({}), Gpus{});
    EXPECT_EQ(gpus({{"CUDA_VISIBLE_DEVICES", "NoDevFiles"}, {"SLURM_STEP_GPUS", "0"}}), Gpus{});
    EXPECT_EQ(gpus({{"CUDA_VISIBLE_DEVICES", ""}, {"SLURM_STEP_GPUS", "0"}}), Gpus{});
    EXPECT_EQ(gpus({{"CUDA_VISIBLE_DEVICES", "-1"}, {"SLURM_STEP_GPUS", "0"}}), Gpus{});
}

TEST(NodeName, is_slurms) {
    EXPECT_EQ(node_name(Environment(Variables{{"SLURMD_NODENAME", "gpu17"}})), "gpu17");
    EXPECT_THAT(node_name(Environment()), testing::Not(testing::HasSubstr(".")));
}

TEST(Hello, holds_what_the_node_really_gives) {
    Invitation invitation{.addresses = {"127.0.0.1"}, .tmp = "/tmp", .component = 2};
    Environment environment(Variables{
        {"SLURMD_NODENAME", "n1"}, {"SLURM_STEP_ID", "3"}, {"SLURM_TOPOLOGY_ADDR", "top.leaf1.n1"}});
    auto hello = make_hello(invitation, environment, "/tmp/rh-7.3-abc123", {});
    EXPECT_EQ(hello.node, "n1");
    EXPECT_EQ(hello.component, 2);
    EXPECT_EQ(hello.step_id, 3);
    EXPECT_EQ(hello.topology_addr, "top.leaf1.n1");
    EXPECT_EQ(hello.dir, "/tmp/rh-7.3-abc123");
    EXPECT_FALSE(hello.cpus.empty());
    EXPECT_TRUE(hello.mem_bytes && hello.shm_bytes && hello.tmp_free_bytes && hello.nofile);
    EXPECT_EQ(hello.versions.at("railhead"), RAILHEAD_VERSION);
    EXPECT_TRUE(hello.findings.empty());
}

TEST(Hello, says_which_address_setting_does_not_fit) {
    Invitation invitation{.addresses = {"127.0.0.1"}, .tmp = "/tmp", .interface = "no-such-interface"};
    auto hello = make_hello(invitation, Environment(Variables{{"SLURMD_NODENAME", "n1"}}), "", {});
    EXPECT_TRUE(hello.addresses.empty());
    ASSERT_EQ(hello.findings.size(), 1U);
    EXPECT_EQ(hello.findings[0].level, Level::fail);
    EXPECT_THAT(
        sentence(hello.findings[0]),
        testing::AllOf(testing::StartsWith("n1: no address can be announced: the node has lo 127.0.0.1"),
                       testing::HasSubstr("(expected launch.interface no-such-interface)")));
}

TEST(Hello, says_that_the_folder_is_missing) {
    Invitation invitation{.addresses = {"127.0.0.1"}, .tmp = "/tmp", .cwd = "/no/such/folder"};
    auto hello = make_hello(invitation, Environment(Variables{{"SLURMD_NODENAME", "n1"}}), "", {});
    ASSERT_EQ(hello.findings.size(), 1U);
    EXPECT_TRUE(hello.findings[0].id.starts_with(folder_probe_name));
    EXPECT_THAT(sentence(hello.findings[0]),
                testing::StartsWith("n1: /no/such/folder cannot be entered: No such file or directory"));
}

TEST(Hello, says_that_the_program_of_a_script_is_missing) {
    char name[] = "/tmp/helloXXXXXX";
    const std::string folder = mkdtemp(name);
    auto said = [&](const std::string& text) {
        std::ofstream(folder + "/run") << text;
        std::filesystem::permissions(folder + "/run", std::filesystem::perms::owner_all);
        Invitation invitation{.addresses = {"127.0.0.1"}, .tmp = "/tmp", .cwd = folder};
        invitation.probe_args = {{std::string(program_probe_name), "./run"}};
        auto hello = make_hello(invitation, Environment(Variables{{"SLURMD_NODENAME", "n1"}}), "", {});
        auto text_of = hello.findings.empty() ? "" : sentence(hello.findings.front());
        return text_of.substr(0, text_of.find(';'));
    };
    const auto script = "n1: " + folder + "/run is a script whose first line names ";
    for (const auto* good : {"echo", "#!", "#!\n", "#!/bin/sh", "#! /bin/sh -e\n", "#!/usr/bin/env sh\n",
                             "#!/usr/bin/env -S no-such -u\n", "#!/usr/bin/env A=1\n", "#!/usr/bin/env\n"})
        EXPECT_EQ(said(good), "") << good;
    EXPECT_EQ(said("#!/no/such/python -u\nx"), script + "/no/such/python, which is not there");
    EXPECT_EQ(said("#!/etc/passwd\n"), script + "/etc/passwd, which is not executable");
    EXPECT_EQ(said("#!/usr/bin/env no-such\n"), script + "no-such, which is not on PATH");
    for (const auto* windows : {"#!/bin/sh\r\n", "#!/usr/bin/env sh\r\n"})
        EXPECT_EQ(said(windows),
                  "n1: " + folder + "/run has a first line that ends as on Windows, with a carriage return");
    std::filesystem::remove_all(folder);
}

TEST(Hello, says_that_ray_is_missing) {
    Invitation invitation{.addresses = {"127.0.0.1"},
                          .tmp = "/tmp",
                          .probes = {"ray"},
                          .probe_args = {{"ray", "/no/such/ray"}}};
    auto hello = make_hello(invitation, Environment(Variables{{"SLURMD_NODENAME", "n1"}}), "", {});
    ASSERT_EQ(hello.findings.size(), 1U);
    EXPECT_EQ(hello.findings[0].id, "ray-missing");
}

} // namespace
} // namespace railhead
