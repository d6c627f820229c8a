#include "slurm/hostlist.hpp"

#include <gmock/gmock.h>

using railhead::compress_hostlist;
using railhead::expand_counts;
using railhead::expand_hostlist;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

using Hosts = std::vector<std::string>;

struct HostlistCase {
    const char* text;
    Hosts hosts;
};

std::string refusal_of(const char* text, std::size_t limit = 100'000) {
    auto hosts = expand_hostlist(text, limit);
    return hosts ? "accepted" : sentence(hosts.error());
}

std::string counts_refusal(const char* text, std::size_t limit = 100'000) {
    auto counts = expand_counts(text, limit);
    return counts ? "accepted" : sentence(counts.error());
}

} // namespace

TEST(Hostlist, expands_what_slurm_writes) {
    const HostlistCase cases[] = {
        {"", {}},
        {"node1", {"node1"}},
        {"node1,node3", {"node1", "node3"}},
        {"n[01-03,7],login1", {"n01", "n02", "n03", "n7", "login1"}},
        {"n[8-11]", {"n8", "n9", "n10", "n11"}},
        {"n[098-101]", {"n098", "n099", "n100", "n101"}},
        {"r[1-2]n[1-3]", {"r1n1", "r1n2", "r1n3", "r2n1", "r2n2", "r2n3"}},
        {"n[1-2]-ib", {"n1-ib", "n2-ib"}},
        {"gpu-a[1,1]", {"gpu-a1", "gpu-a1"}},
        {"b,a", {"b", "a"}},
    };
    for (const auto& each : cases) {
        auto hosts = expand_hostlist(each.text);
        ASSERT_TRUE(hosts) << each.text << ": " << sentence(hosts.error());
        EXPECT_EQ(*hosts, each.hosts) << each.text;
    }
}

TEST(Hostlist, says_where_it_cannot_be_read) {
    EXPECT_EQ(refusal_of("n[1-3"), "character 6: host list \"n[1-3\" has no closing ]");
    EXPECT_EQ(refusal_of("n1]"), "character 3: host list \"n1]\" has a ] without [");
    EXPECT_EQ(refusal_of("n[3-1]"), "character 6: host list \"n[3-1]\" has a range that runs backwards");
    EXPECT_EQ(refusal_of("n[]"),
              "character 3: host list \"n[]\" has no number inside a bracket (expected 1-3,7)");
    EXPECT_EQ(refusal_of("n[1x]"),
              "character 4: host list \"n[1x]\" has 'x' inside a bracket (expected 1-3,7)");
    EXPECT_EQ(refusal_of("a,,b"), "character 3: host list \"a,,b\" has an empty name (expected a host name)");
    EXPECT_EQ(refusal_of("a,"), "character 3: host list \"a,\" ends with a comma (expected a host name)");
    EXPECT_EQ(refusal_of("a b"), "character 2: host list \"a b\" has a blank");
    EXPECT_EQ(refusal_of("n[1-9999999999999999999]"),
              "character 5: host list \"n[1-9999999999999999999]\" has a number too large");
}

TEST(Hostlist, is_bounded_before_it_is_built) {
    EXPECT_EQ(refusal_of("n[1-4]", 3), "character 7: host list \"n[1-4]\" names more than 3 hosts");
    EXPECT_EQ(refusal_of("a,b,c,d", 3), "character 8: host list \"a,b,c,d\" names more than 3 hosts");
    EXPECT_EQ(refusal_of("n[1-3]", 3), "accepted");
    EXPECT_THAT(refusal_of("n[1-999999999999]"), testing::HasSubstr("more than 100000 hosts"));
    EXPECT_THAT(refusal_of("n[1-1000][1-1000][1-1000]"), testing::HasSubstr("more than 100000 hosts"));
    EXPECT_THAT(refusal_of((std::string(300, 'n') + "[1-9]").c_str()),
                testing::HasSubstr("longer than 255 characters"));
}

TEST(Hostlist, is_compressed_to_the_shortest_common_form) {
    EXPECT_EQ(compress_hostlist({}), "");
    EXPECT_EQ(compress_hostlist({"node1"}), "node1");
    EXPECT_EQ(compress_hostlist({"node1", "node2", "node3", "a"}), "node[1-3],a");
    EXPECT_EQ(compress_hostlist({"node1", "node2", "node4"}), "node[1-2,4]");
    EXPECT_EQ(compress_hostlist({"n09", "n10", "n11"}), "n[09-11]");
    EXPECT_EQ(compress_hostlist({"n9", "n10"}), "n[9-10]");
    EXPECT_EQ(compress_hostlist({"n9", "n010"}), "n[9,010]");
    EXPECT_EQ(compress_hostlist({"a1", "b1", "a2"}), "a1,b1,a2");
    EXPECT_EQ(compress_hostlist({"r1n1", "r1n2", "r2n1"}), "r1n[1-2],r2n1");
}

TEST(Hostlist, keeps_every_name_and_their_order_when_compressed_and_expanded) {
    const Hosts lists[] = {
        {"n1", "n2", "n1"}, {"n099", "n100", "n101"}, {"x", "n3", "n2", "n1"}, {"00", "01"}};
    for (const auto& hosts : lists) {
        auto text = compress_hostlist(hosts);
        auto again = expand_hostlist(text);
        ASSERT_TRUE(again) << text;
        EXPECT_EQ(*again, hosts) << text;
    }
}

TEST(Counts, expand_repetitions) {
    EXPECT_THAT(expand_counts("").value(), IsEmpty());
    EXPECT_THAT(expand_counts("16").value(), ElementsAre(16));
    EXPECT_THAT(expand_counts("16(x3),8").value(), ElementsAre(16, 16, 16, 8));
    EXPECT_THAT(expand_counts("1,2(x1),3").value(), ElementsAre(1, 2, 3));
}

TEST(Counts, say_where_they_cannot_be_read) {
    EXPECT_EQ(counts_refusal("16(x"), "character 5: count list \"16(x\" has no repetition count "
                                      "(expected a list such as 16(x3),8)");
    EXPECT_EQ(counts_refusal("16(x3"), "character 6: count list \"16(x3\" has no closing ) "
                                       "(expected a list such as 16(x3),8)");
    EXPECT_EQ(counts_refusal("16;8"), "character 3: count list \"16;8\" has ';' "
                                      "(expected a list such as 16(x3),8)");
    EXPECT_EQ(counts_refusal("-1"), "character 1: count list \"-1\" has no number "
                                    "(expected a list such as 16(x3),8)");
    EXPECT_EQ(counts_refusal("8,"), "character 3: count list \"8,\" ends with a comma "
                                    "(expected a list such as 16(x3),8)");
    EXPECT_THAT(counts_refusal("1(x99999999999)"), testing::HasSubstr("no repetition count"));
    EXPECT_THAT(counts_refusal("1(x200000)"), testing::HasSubstr("more than 100000 entries"));
}
