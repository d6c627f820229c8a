// What is said of the variables of NCCL, UCX and Gloo, by the devices that are there.
#include "preflight/nccl_env.hpp"
#include "preflight/nccl_filter.hpp"

#include <gmock/gmock.h>

#include <string>

using namespace railhead;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

/// Twelve HCAs, of which mlx5_9 is down, and usual interfaces.
nccl::EnvFacts node() {
    nccl::EnvFacts facts;
    for (int i = 0; i < 12; ++i)
        facts.devices.ports.push_back({.device = "mlx5_" + std::to_string(i),
                                       .state = i == 9 ? "DOWN" : "ACTIVE",
                                       .link_layer = "InfiniBand"});
    facts.devices.interfaces = {{"docker0", true, false},
                                {"eth0", true, false},
                                {"eth1", false, false},
                                {"ib0", true, false},
                                {"lo", true, true}};
    facts.exists = [](const std::string& path) { return path == "/etc/topo.xml"; };
    return facts;
}

std::vector<std::string> said_of_env(nccl::EnvFacts facts, std::map<std::string, std::string> variables) {
    facts.variables = std::move(variables);
    std::vector<std::string> lines;
    for (const auto& finding : nccl::env_verdicts(facts))
        lines.push_back(std::string(name_of(finding.level)) + " " + finding.id + ": " + sentence(finding));
    return lines;
}

std::vector<std::string> said_of_env(std::map<std::string, std::string> variables) {
    return said_of_env(node(), std::move(variables));
}

} // namespace

TEST(NcclFilter, passes_what_nccl_passes) {
    struct Case {
        const char *text, *device;
        std::uint32_t port;
        bool passes;
    };
    for (auto [text, device, port, passes] :
         {Case{"mlx5_1", "mlx5_1", 1, true}, Case{"mlx5_1", "mlx5_10", 1, true},
          Case{"=mlx5_1", "mlx5_10", 1, false}, Case{"mlx5_1:2", "mlx5_1", 1, false},
          Case{"=mlx5_1:2,mlx5_3", "mlx5_3", 1, true}, Case{"^mlx5_1", "mlx5_10", 1, false},
          Case{"^=mlx5_1", "mlx5_10", 1, true}, Case{"^=mlx5_1:2", "mlx5_1", 1, true},
          Case{"mlx5_1:1:0:3", "mlx5_1", 1, true}, Case{"mlx5_1:2:0", "mlx5_1", 1, false},
          Case{"mlx5_1:", "mlx5_1", 7, true}, Case{"", "mlx5_1", 1, true}, Case{",", "mlx5_1", 1, true}})
        EXPECT_EQ(nccl::filter_from(text).passes(device, port), passes) << text << " " << device;
}

TEST(NcclEnv, is_silent_where_nothing_is_wrong) {
    EXPECT_THAT(said_of_env({}), IsEmpty());
    EXPECT_THAT(said_of_env({{"NCCL_IB_HCA", "=mlx5_0,mlx5_1:1"},
                             {"NCCL_SOCKET_IFNAME", "^lo,docker0"},
                             {"NCCL_DEBUG", "INFO"},
                             {"UCX_NET_DEVICES", "mlx5_0:1,eth0"},
                             {"GLOO_SOCKET_IFNAME", "eth0"},
                             {"NCCL_TOPO_FILE", "/etc/topo.xml"},
                             {"NCCL_DEBUG_FILE", "/tmp/nccl.%h.%p"},
                             {"NCCL_IB_DISABLE", "0"},
                             {"PATH", "/bin"}}),
                IsEmpty());
    EXPECT_THAT(said_of_env({{"NCCL_IB_HCA", "^mlx5_9"}, {"UCX_NET_DEVICES", "all"}}), IsEmpty());
}

TEST(NcclEnv, sees_a_filter_that_also_takes_longer_names) {
    EXPECT_THAT(said_of_env({{"NCCL_IB_HCA", "mlx5_1"}}),
                ElementsAre("warn nccl-hca: NCCL_IB_HCA=mlx5_1 also takes mlx5_10, mlx5_11: it takes "
                            "beginnings of names; write NCCL_IB_HCA==mlx5_1"));
    EXPECT_THAT(
        said_of_env({{"NCCL_IB_HCA", "^mlx5_1"}}),
        ElementsAre(HasSubstr(
            "also leaves out mlx5_10, mlx5_11: it takes beginnings of names; write NCCL_IB_HCA=^=mlx5_1")));
    EXPECT_THAT(said_of_env({{"NCCL_IB_HCA", "mlx5"}}),
                ElementsAre(HasSubstr("skips in silence: mlx5_9:1 is DOWN")));
    EXPECT_THAT(said_of_env({{"NCCL_IB_HCA", "mlx5_1,mlx5_10,mlx5_11"}}), IsEmpty())
        << "all that it takes is named";
}

TEST(NcclEnv, sees_a_filter_that_leaves_nothing) {
    EXPECT_THAT(said_of_env({{"NCCL_IB_HCA", "=mlx5_9"}}),
                ElementsAre(HasSubstr("fail nccl-hca: NCCL_IB_HCA==mlx5_9 leaves no port that is ACTIVE "
                                      "(mlx5_9:1 is DOWN); NCCL would take sockets; write "
                                      "NCCL_IB_HCA==mlx5_0,mlx5_1,")));
    EXPECT_THAT(
        said_of_env({{"NCCL_IB_HCA", "ibp1"}}),
        ElementsAre(HasSubstr(
            "fail nccl-hca: NCCL_IB_HCA=ibp1 names no device of this node; NCCL would take sockets;")));
    EXPECT_THAT(said_of_env({{"NCCL_IB_HCA", "^mlx5"}}),
                ElementsAre(HasSubstr("names no device of this node; NCCL would take sockets")));
    EXPECT_THAT(
        said_of_env({{"NCCL_IB_HCA", "=mlx5_0,mlx5_77"}}),
        ElementsAre(HasSubstr(
            "warn nccl-hca: NCCL_IB_HCA==mlx5_0,mlx5_77 names mlx5_77, which this node does not have")));
    nccl::EnvFacts none;
    EXPECT_THAT(said_of_env(none, {{"NCCL_IB_HCA", "mlx5"}}), IsEmpty()) << "nothing is known of devices";
}

TEST(NcclEnv, sees_an_interface_that_others_do_not_reach) {
    EXPECT_THAT(said_of_env({{"NCCL_SOCKET_IFNAME", "docker"}}),
                ElementsAre("fail nccl-ifname: NCCL_SOCKET_IFNAME=docker leaves docker0, which other nodes "
                            "do not reach; choose from eth0, ib0"));
    EXPECT_THAT(said_of_env({{"NCCL_SOCKET_IFNAME", "eth1"}}),
                ElementsAre(HasSubstr("leaves eth1, which is down;")));
    EXPECT_THAT(said_of_env({{"NCCL_SOCKET_IFNAME", "=eth"}}),
                ElementsAre(HasSubstr("leaves no interface of this node;")));
    auto alone = node();
    alone.several_nodes = false;
    EXPECT_THAT(said_of_env(alone, {{"NCCL_SOCKET_IFNAME", "lo"}}), IsEmpty());
    EXPECT_THAT(said_of_env({{"GLOO_SOCKET_IFNAME", "eth0,bond0"}}),
                ElementsAre("fail gloo-ifname: GLOO_SOCKET_IFNAME=eth0,bond0 names bond0, which this node "
                            "does not have; choose from eth0, ib0"));
}

TEST(NcclEnv, sees_devices_that_ucx_does_not_know) {
    EXPECT_THAT(said_of_env({{"UCX_NET_DEVICES", "mlx5_0"}}),
                ElementsAre("fail ucx-devices: UCX_NET_DEVICES=mlx5_0 names mlx5_0 without a port, which UCX "
                            "does not know; write mlx5_0:1"));
    EXPECT_THAT(said_of_env({{"UCX_NET_DEVICES", "mlx5_0:1,mlx5_99:1"}}),
                ElementsAre(HasSubstr("warn ucx-devices: UCX_NET_DEVICES=mlx5_0:1,mlx5_99:1 names mlx5_99:1, "
                                      "which this node does not have")));
}

TEST(NcclEnv, sees_what_is_switched_off) {
    EXPECT_THAT(
        said_of_env({{"NCCL_IB_DISABLE", "1"}}),
        ElementsAre(HasSubstr(
            "warn nccl-disabled: NCCL_IB_DISABLE=1 leaves unused what is ACTIVE here: mlx5_0, mlx5_1,")));
    EXPECT_THAT(said_of_env({{"NCCL_NET", "Socket"},
                             {"NCCL_P2P_DISABLE", "1"},
                             {"NCCL_SHM_DISABLE", "1"},
                             {"NCCL_NET_GDR_LEVEL", "LOC"}}),
                ElementsAre(HasSubstr("NCCL_NET=Socket"), HasSubstr("NCCL_P2P_DISABLE=1"),
                            HasSubstr("NCCL_SHM_DISABLE=1"),
                            HasSubstr("NCCL_NET_GDR_LEVEL=LOC switches GPUDirect RDMA off")));
}

TEST(NcclEnv, sees_a_gid_index_that_is_not_set_or_of_the_older_roce) {
    auto facts = node();
    facts.devices.ports = {{.device = "mlx5_0",
                            .state = "ACTIVE",
                            .link_layer = "Ethernet",
                            .gid_types = {{0, "IB/RoCE v1"}, {1, "RoCE v2"}, {3, "RoCE v2"}}}};
    EXPECT_THAT(said_of_env(facts, {{"NCCL_IB_GID_INDEX", "3"}}), IsEmpty());
    EXPECT_THAT(said_of_env(facts, {{"NCCL_IB_GID_INDEX", "0"}}),
                ElementsAre("warn nccl-gid-index: NCCL_IB_GID_INDEX=0 is IB/RoCE v1 on mlx5_0:1 (expected "
                            "RoCE v2); leave it out, so that NCCL chooses, or take one of 1, 3"));
    EXPECT_THAT(said_of_env(facts, {{"NCCL_IB_GID_INDEX", "7"}}),
                ElementsAre(HasSubstr("fail nccl-gid-index: NCCL_IB_GID_INDEX=7 is not set on mlx5_0:1")));
    EXPECT_THAT(said_of_env({{"NCCL_IB_GID_INDEX", "7"}}), IsEmpty()) << "InfiniBand has no such thing";
}

TEST(NcclEnv, sees_files_that_are_not_there_or_are_shared) {
    EXPECT_THAT(said_of_env({{"NCCL_TOPO_FILE", "/nope.xml"}}),
                ElementsAre(HasSubstr("fail nccl-file: NCCL_TOPO_FILE=/nope.xml is not there;")));
    EXPECT_THAT(said_of_env({{"NCCL_DEBUG_FILE", "/shared/nccl.log"}}),
                ElementsAre(HasSubstr(
                    "warn nccl-debug-file: NCCL_DEBUG_FILE=/shared/nccl.log is one file for all processes")));
    EXPECT_THAT(said_of_env({{"NCCL_DEBUG_FILE", "/dev/stderr"}}), IsEmpty());
}

TEST(NcclEnv, sees_misspelled_variables_and_leaves_those_of_plugins) {
    EXPECT_THAT(said_of_env({{"NCCL_SOCKET_IFNAMES", "eth0"}}),
                ElementsAre("warn nccl-misspelled: NCCL_SOCKET_IFNAMES is no variable of NCCL; write "
                            "NCCL_SOCKET_IFNAME, if that is meant"));
    EXPECT_EQ(nccl::meant_variable("NCCL_IB_DISABLED"), "NCCL_IB_DISABLE");
    EXPECT_EQ(nccl::meant_variable("NCCL_DEBUG_SUBSYSTEM"), "");
    for (const auto* name : {"NCCL_DEBUG", "NCCL_FASTRAK_NUM_FLOWS", "NCCL_TUNER_CONFIG_PATH", "NCCL_VERSION",
                             "NCCL_HOME", "NCCL_ROOT", "NCCL_LIB", "NCCL_INCLUDE_DIR", "NCCL_X", "HOME"})
        EXPECT_EQ(nccl::meant_variable(name), "") << name;
}
