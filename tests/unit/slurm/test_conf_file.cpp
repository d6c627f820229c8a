#include "slurm/conf_file.hpp"

#include <gmock/gmock.h>

using namespace railhead;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

Result<SlurmConf> conf_of(std::map<std::string, std::string> files) {
    return read_slurm_conf("/etc/slurm/slurm.conf", [&](const std::string& path) -> Result<std::string> {
        auto found = files.find(path);
        if (found != files.end()) return found->second;
        return fail(ErrorKind::usage, {.id = "file", .thing = path, .seen = "cannot be read"});
    });
}

} // namespace

TEST(SlurmConf, is_read_as_slurm_reads_it) {
    auto conf = conf_of({{"/etc/slurm/slurm.conf", "# a cluster\n"
                                                   "clustername=abc\r\n"
                                                   "TopologyPlugin=topology/flat\n"
                                                   "TopologyPlugin = topology/default\n"
                                                   "TOPOLOGYPLUGIN=topology/tree   # the last one counts\n"
                                                   "AuthInfo=\"socket=/run/munge/munge socket\"\n"
                                                   "NodeName=DEFAULT CPUs=4\n"
                                                   "NodeName=node[1-3] \\\n"
                                                   "  CPUs=8 State=UNKNOWN\n"
                                                   "include nodes-%c.conf\n"},
                         {"/etc/slurm/nodes-abc.conf", "Nodename=login Port=7\nInclude /srv/more.conf\n"},
                         {"/srv/more.conf", "SlurmUser=slurm"}});
    ASSERT_TRUE(conf) << sentence(conf.error());
    EXPECT_EQ(conf->value("TopologyPlugin"), "topology/tree");
    EXPECT_EQ(conf->value("SlurmUser"), "slurm");
    EXPECT_EQ(conf->value("AuthInfo"), "socket=/run/munge/munge socket");
    EXPECT_EQ(conf->value("AuthType", "auth/munge"), "auth/munge");
    EXPECT_THAT(conf->nodes, ElementsAre("node1", "node2", "node3", "login"));
}

TEST(SlurmConf, tells_weights_and_partitions) {
    auto conf = conf_of({{"/etc/slurm/slurm.conf", "PartitionName=early Nodes=ALL\n"
                                                   "NodeName=a1\n"
                                                   "NodeName=DEFAULT weight=7\n"
                                                   "NodeName=a[2-3] CPUs=8\n"
                                                   "NodeName=b[1-2] CPUs=8 Weight=100\n"
                                                   "NodeSet=bs Nodes=b[1-2]\n"
                                                   "PartitionName=DEFAULT Nodes=a[1-2] State=UP\n"
                                                   "PartitionName=p1\n"
                                                   "PartitionName=p2 Nodes=a3,bs,gone Default=YES\n"}});
    ASSERT_TRUE(conf) << sentence(conf.error());
    EXPECT_THAT(conf->weights, ElementsAre(1, 7, 7, 100, 100));
    auto inventory = inventory_of(*conf);
    std::map<std::string, std::vector<std::string>> nodes;
    for (const auto& partition : inventory.partitions)
        for (auto node : partition.nodes) nodes[partition.name].push_back(inventory.nodes[node].name);
    EXPECT_THAT(nodes["early"], ElementsAre("a1", "a2", "a3", "b1", "b2"));
    EXPECT_THAT(nodes["p1"], ElementsAre("a1", "a2"));
    EXPECT_THAT(nodes["p2"], ElementsAre("a3", "b1", "b2"));
    EXPECT_EQ(inventory.nodes.back().weight, 100U);
}

TEST(SlurmConf, names_what_it_cannot_read) {
    auto refusal = [](const std::string& text) {
        return sentence(conf_of({{"/etc/slurm/slurm.conf", text}}).error());
    };
    EXPECT_THAT(refusal("\nNodeName=a[1-\n"), testing::StartsWith("/etc/slurm/slurm.conf line 2: "));
    EXPECT_EQ(refusal("Include gone.conf\n"),
              "/etc/slurm/slurm.conf line 1: /etc/slurm/gone.conf cannot be read");
    EXPECT_THAT(refusal("Include slurm.conf\n"), HasSubstr("is included more than 10 deep"));
    EXPECT_FALSE(conf_of({}));
}
