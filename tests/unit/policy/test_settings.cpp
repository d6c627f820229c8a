#include "policy/settings.hpp"

#include "policy/table.hpp"

#include <gtest/gtest.h>

using namespace railhead;

namespace {

struct Case {
    const char* name;
    const char* text;
    const char* error;
};

class Refuses : public testing::TestWithParam<Case> {};

} // namespace

TEST(Settings, start_at_the_documented_defaults) {
    Settings settings;
    EXPECT_EQ(settings.seconds(Key::launch_bringup_timeout), 180);
    EXPECT_EQ(settings.text(Key::launch_ports), "20000-29999");
    EXPECT_EQ(settings.integer(Key::ray_object_store), 0);
    EXPECT_TRUE(settings.boolean(Key::spank_cleanup));
    EXPECT_FALSE(settings.boolean(Key::ray_dashboard));
    EXPECT_EQ(settings.origin(Key::launch_tmp).kind, Origin::Kind::preset);
}

TEST(Settings, out_of_the_box_nothing_is_moved) {
    EXPECT_EQ(Settings().text(Key::submit_placement), "any");
}

TEST(Settings, every_default_is_a_value_of_its_own_row) {
    for (const Row& row : settings_table()) EXPECT_TRUE(parse_value(row, row.preset)) << row.name;
}

TEST(Settings, times_are_read_with_and_without_a_unit) {
    struct {
        const char* text;
        double seconds;
    } cases[] = {{"90", 90},    {"90s", 90},     {"1.5m", 90}, {"1h", 3600},
                 {"1d", 86400}, {"1500ms", 1.5}, {"2 m", 120}};
    for (auto& one : cases) {
        Settings settings;
        ASSERT_TRUE(settings.set(Key::launch_loss_after, one.text, {Origin::Kind::option, "--loss-after"}));
        EXPECT_DOUBLE_EQ(settings.seconds(Key::launch_loss_after), one.seconds) << one.text;
    }
}

TEST(Settings, bytes_are_read_in_powers_of_1024) {
    Settings settings;
    ASSERT_TRUE(settings.set(Key::ray_object_store, "20G", {}));
    EXPECT_EQ(settings.integer(Key::ray_object_store), 20LL * 1024 * 1024 * 1024);
    ASSERT_TRUE(settings.set(Key::ray_object_store, "1.5 KiB", {}));
    EXPECT_EQ(settings.integer(Key::ray_object_store), 1536);
}

TEST(Settings, subnets_of_both_families_are_read) {
    Settings settings;
    EXPECT_TRUE(settings.set(Key::launch_subnet, "10.1.0.0/16", {}));
    EXPECT_TRUE(settings.set(Key::launch_subnet, "fd00::/8", {}));
    EXPECT_TRUE(settings.set(Key::launch_subnet, "", {}));
}

TEST_P(Refuses, with_what_was_seen_and_expected) {
    const Row* row = find_row(GetParam().name);
    ASSERT_NE(row, nullptr);
    Settings settings;
    auto done = settings.set(row->key, GetParam().text, {Origin::Kind::site, "f:3"});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::usage);
    EXPECT_EQ(sentence(done.error()), GetParam().error);
    EXPECT_EQ(settings.origin(row->key).kind, Origin::Kind::preset) << "a refused value leaves the old one";
}

INSTANTIATE_TEST_SUITE_P(
    Settings, Refuses,
    testing::Values(
        Case{"launch.loss_after", "soon",
             "f:3: launch.loss_after is \"soon\" (expected a time from 1 s to 1 d, such as 90, \"90s\" or "
             "\"2m\")"},
        Case{"launch.loss_after", "0.5",
             "f:3: launch.loss_after is \"0.5\" (expected a time from 1 s to 1 d, such as 90, \"90s\" or "
             "\"2m\")"},
        Case{"launch.loss_after", "nan",
             "f:3: launch.loss_after is \"nan\" (expected a time from 1 s to 1 d, such as 90, \"90s\" or "
             "\"2m\")"},
        Case{"launch.grace", "-1",
             "f:3: launch.grace is \"-1\" (expected a time from 0 s to 1 h, such as 90, \"90s\" or \"2m\")"},
        Case{"launch.grace", "2 weeks",
             "f:3: launch.grace is \"2 weeks\" (expected a time from 0 s to 1 h, such as 90, \"90s\" or "
             "\"2m\")"},
        Case{
            "launch.ports", "30000-20000",
            "f:3: launch.ports is \"30000-20000\" (expected \"LOW-HIGH\" with 1024 <= LOW <= HIGH <= 65535)"},
        Case{"launch.ports", "80-90",
             "f:3: launch.ports is \"80-90\" (expected \"LOW-HIGH\" with 1024 <= LOW <= HIGH <= 65535)"},
        Case{"launch.ports", "20000",
             "f:3: launch.ports is \"20000\" (expected \"LOW-HIGH\" with 1024 <= LOW <= HIGH <= 65535)"},
        Case{"launch.ip_version", "5",
             "f:3: launch.ip_version is \"5\" (expected \"any\" or \"4\" or \"6\")"},
        Case{"launch.subnet", "10.1.0.0/33",
             "f:3: launch.subnet is \"10.1.0.0/33\" (expected a subnet such as \"10.1.0.0/16\" or "
             "\"fd00::/8\")"},
        Case{"launch.tmp", "scratch",
             "f:3: launch.tmp is \"scratch\" (expected an absolute path of at most 15 bytes)"},
        Case{"launch.tmp", "/scratch/shared/all",
             "f:3: launch.tmp is \"/scratch/shared/all\" (expected an absolute path of at most 15 bytes)"},
        Case{"launch.log_dir", "a\nb",
             "f:3: launch.log_dir is \"a\nb\" (expected text of at most 1024 bytes without control "
             "characters)"},
        Case{
            "ray.object_store", "lots",
            "f:3: ray.object_store is \"lots\" (expected a number of bytes, such as 0, \"512M\" or \"20G\")"},
        Case{"submit.placement", "", "f:3: submit.placement is \"\" (expected \"any\" or \"compact\")"},
        Case{"submit.placement", "any compact",
             "f:3: submit.placement is \"any compact\" (expected \"any\" or \"compact\")"}));

TEST(Settings, an_overlong_value_is_shown_by_its_beginning) {
    auto done = Settings().set(Key::launch_tmp, std::string(5000, 'x'), {});
    ASSERT_FALSE(done);
    EXPECT_LT(sentence(done.error()).size(), 200u);
}

TEST(Settings, users_may_set_only_their_own_keys) {
    Settings settings;
    auto done =
        settings.set(Key::submit_refresh, "5", {Origin::Kind::environment, "RAILHEAD_SUBMIT_REFRESH"});
    ASSERT_FALSE(done);
    EXPECT_EQ(sentence(done.error()),
              "RAILHEAD_SUBMIT_REFRESH: submit.refresh may be set by the site only; remove it");
}

TEST(Settings, a_locked_key_is_refused_with_the_place_of_the_lock) {
    Settings settings;
    settings.lock(Key::launch_ports, "/etc/slurm/railhead.toml:3");
    auto done = settings.set(Key::launch_ports, "40000-41000", {Origin::Kind::option, "--ports"});
    ASSERT_FALSE(done);
    EXPECT_EQ(sentence(done.error()),
              "--ports: launch.ports is locked by the site (/etc/slurm/railhead.toml:3); remove it");
    EXPECT_TRUE(settings.set(Key::launch_ports, "40000-41000", {Origin::Kind::site, "f:1"}));
}

TEST(Settings, a_partition_differs_only_where_it_says_so) {
    Settings settings;
    ASSERT_TRUE(settings.set_in(Whose::partition, "gpu", Key::submit_placement, "compact",
                                {Origin::Kind::site, "f:9"}));
    EXPECT_EQ(settings.text_for(Key::submit_placement, "gpu"), "compact");
    EXPECT_EQ(settings.text_for(Key::submit_placement, "cpu"), "any");
    EXPECT_EQ(settings.seconds_for(Key::submit_placement_wait, "gpu"), 60);
    EXPECT_EQ(settings.sections(Whose::partition), std::vector<std::string>{"gpu"});
}

TEST(Settings, what_cannot_differ_between_partitions_is_refused_there) {
    auto done =
        Settings().set_in(Whose::partition, "gpu", Key::submit_refresh, "5", {Origin::Kind::site, "f:9"});
    ASSERT_FALSE(done);
    EXPECT_EQ(sentence(done.error()),
              "f:9: submit.refresh cannot differ between partitions or users; set it in [submit]");
}
