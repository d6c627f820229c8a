#include "policy/settings.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

using namespace railhead;

namespace {

class Load : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "railhead-load-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        dir = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(dir); }

    std::string file(const std::string& name, const std::string& text) {
        std::ofstream(dir + "/" + name) << text;
        return dir + "/" + name;
    }
    /// Paths are shown relative to the test's directory.
    std::string without_dir(std::string text) {
        for (auto at = text.find(dir + "/"); at != std::string::npos; at = text.find(dir + "/"))
            text.erase(at, dir.size() + 1);
        return text;
    }
    Loaded load(const std::string& site, const std::string& user = "",
                std::map<std::string, std::string> environment = {}) {
        auto loaded = load_settings(site, user, Environment(std::move(environment)));
        if (!loaded) {
            ADD_FAILURE() << sentence(loaded.error());
            return {};
        }
        return *loaded;
    }
    std::vector<std::string> findings(const Loaded& loaded) {
        std::vector<std::string> sentences;
        for (const auto& finding : loaded.findings) sentences.push_back(without_dir(sentence(finding)));
        return sentences;
    }
    std::string refusal(const std::string& site, const std::string& user = "",
                        std::map<std::string, std::string> environment = {}) {
        auto loaded = load_settings(site, user, Environment(std::move(environment)));
        return loaded ? "(no error)" : without_dir(sentence(loaded.error()));
    }

    std::string dir;
};

using Texts = std::vector<std::string>;

} // namespace

TEST_F(Load, no_file_means_defaults) {
    auto loaded = load(dir + "/none.toml", dir + "/a/b/none.toml");
    EXPECT_TRUE(loaded.findings.empty());
    EXPECT_EQ(loaded.settings.seconds(Key::launch_loss_after), 60);
}

TEST_F(Load, later_sources_win_and_each_value_knows_its_line) {
    auto site = file("site.toml", "[launch]\nloss_after = 90\ngrace = \"5s\"\n\n[launch.x]\n");
    auto user = file("user.toml", "[launch]\n\n\nloss_after = \"2m\"\nip_version = 4\n");
    auto loaded = load(site, user, {{"RAILHEAD_LAUNCH_PORTS", "40000-41000"}});
    const Settings& settings = loaded.settings;
    EXPECT_EQ(settings.seconds(Key::launch_loss_after), 120);
    EXPECT_EQ(without_dir(settings.origin(Key::launch_loss_after).where), "user.toml:4");
    EXPECT_EQ(settings.seconds(Key::launch_grace), 5);
    EXPECT_EQ(without_dir(settings.origin(Key::launch_grace).where), "site.toml:3");
    EXPECT_EQ(settings.text(Key::launch_ip_version), "4");
    EXPECT_EQ(settings.origin(Key::launch_ports).where, "RAILHEAD_LAUNCH_PORTS");
    EXPECT_EQ(settings.origin(Key::launch_ports).kind, Origin::Kind::environment);
}

TEST_F(Load, the_environment_wins_over_both_files) {
    auto site = file("site.toml", "[launch]\nloss_after = 90\n");
    auto user = file("user.toml", "[launch]\nloss_after = 91\n");
    auto loaded = load(site, user, {{"RAILHEAD_LAUNCH_LOSS_AFTER", "92"}});
    EXPECT_EQ(loaded.settings.seconds(Key::launch_loss_after), 92);
}

TEST_F(Load, a_switch_may_be_written_as_true_or_false) {
    EXPECT_TRUE(load(file("s.toml", "[ray]\ndashboard = true\n")).settings.boolean(Key::ray_dashboard));
    EXPECT_FALSE(load(file("s.toml", "[spank]\ncleanup = false\n")).settings.boolean(Key::spank_cleanup));
}

TEST_F(Load, a_lock_below_a_section_is_told_where_it_belongs) {
    auto loaded = load(file("site.toml", "[launch]\ngrace = 1\nlock = [\"launch.grace\"]\n"));
    EXPECT_EQ(
        findings(loaded),
        (Texts{"site.toml:3:1: launch.lock is no setting; lock = [...] stands before the first section"}));
}

TEST_F(Load, unknown_keys_are_warnings_with_the_nearest_known_one) {
    auto loaded = load(file(
        "site.toml", "lok = []\n[launch]\nlos_after = 90\n[lunch]\ngrace = 1\n[zzzzzzzz]\nqqqqqqqqqq = 1\n"));
    EXPECT_EQ(findings(loaded),
              (Texts{
                  "site.toml:3:1: launch.los_after is no setting; did you mean launch.loss_after?",
                  "site.toml:1:1: lok is no setting; see railhead.toml(5)",
                  "site.toml:5:1: lunch.grace is no setting; did you mean launch.grace?",
                  "site.toml:7:1: zzzzzzzz.qqqqqqqqqq is no setting; see railhead.toml(5)",
              }));
    EXPECT_EQ(loaded.findings[0].level, Level::warn);
}

TEST_F(Load, what_should_be_a_section_is_told_how_to_be_one) {
    auto loaded = load(file("site.toml", "submit = 3\n[[ray]]\na = 1\n"));
    EXPECT_EQ(findings(loaded),
              (Texts{"site.toml:2:3: ray is a section, and no setting; write [ray], and each of "
                     "its settings in a line below",
                     "site.toml:1:1: submit is a section, and no setting; write [submit], and "
                     "each of its settings in a line below"}));
}

TEST_F(Load, a_broken_file_names_line_and_column) {
    std::string text = refusal(file("site.toml", "[launch]\nloss_after = = 3\n"));
    EXPECT_TRUE(text.starts_with("site.toml:2:14: the settings are not TOML: ")) << text;
}

TEST_F(Load, a_section_whose_name_cannot_be_one_is_refused) {
    std::string text = refusal(file("site.toml", "[!]\n"));
    EXPECT_TRUE(text.starts_with("site.toml:1:2: the settings are not TOML: ")) << text;
}

TEST_F(Load, letters_beyond_ascii_are_for_comments_and_strings) {
    EXPECT_EQ(refusal(file("site.toml", "# \u0446\n[launch]\n  gr\u0446ce = 1\n")),
              "site.toml:3:5: the settings have a character that is not ASCII outside of strings and "
              "comments; correct it");
    EXPECT_EQ(refusal(file("site.toml", "[launch]\ninterface = \"a\\\"\u0446\" \u0446\n")),
              "site.toml:2:21: the settings have a character that is not ASCII outside of strings and "
              "comments; correct it");
    EXPECT_EQ(refusal(file("site.toml", "[launch]\ngrace = 1 \"\u0446\"\n")),
              "site.toml:2:12: the settings have a character that is not ASCII outside of strings and "
              "comments; correct it")
        << "a quote that begins no value begins no string";
    EXPECT_EQ(load(file("site.toml", "lock = ['\u0446'] # \u0446 \"\n")).findings.size(), 1);
}

TEST_F(Load, a_mistyped_variable_is_said) {
    auto loaded = load(
        "", "", {{"RAILHEAD_LAUNCH_GRCE", "3"}, {"RAILHEAD_LAUNCH_GRACE", "3"}, {"RAILHEAD_JOB_DIR", "/x"}});
    EXPECT_EQ(findings(loaded),
              Texts{"the environment: RAILHEAD_LAUNCH_GRCE is no setting; see railhead.toml(5)"});
}

TEST_F(Load, a_wrong_value_names_its_line) {
    EXPECT_EQ(
        refusal(file("site.toml", "[launch]\n\ngrace = [1]\n")),
        "site.toml:3:9: launch.grace is an array (expected a time from 0 s to 1 h, such as 90, \"90s\" or "
        "\"2m\")");
    EXPECT_EQ(refusal("", "", {{"RAILHEAD_LAUNCH_GRACE", "x"}}),
              "RAILHEAD_LAUNCH_GRACE: launch.grace is \"x\" (expected a time from 0 s to 1 h, such as 90, "
              "\"90s\" or "
              "\"2m\")");
}

TEST_F(Load, who_checks_a_file_is_told_all_that_is_wrong) {
    auto path = file("site.toml", "[launch]\ngrace = [1]\nlos_after = 3\n[submit]\n  refresh = \"soon\"\n"
                                  "[submit.partition.gpu]\nplacement = \"dense\"\n[submit.rule]\n");
    auto checked = check_settings(path, Origin::Kind::site);
    ASSERT_TRUE(checked);
    std::set<std::string> places;
    for (const auto& finding : checked->findings) {
        auto text = without_dir(sentence(finding));
        places.insert(text.substr(0, text.find(" is ")));
    }
    EXPECT_EQ(places,
              (std::set<std::string>{"site.toml:2:9: launch.grace", "site.toml:3:1: launch.los_after",
                                     "site.toml:5:13: submit.refresh", "site.toml:7:13: submit.placement",
                                     "site.toml:8:9: submit.rule"}));
    EXPECT_EQ(checked->settings.seconds(Key::launch_grace), 2) << "the default holds";
    EXPECT_FALSE(check_settings(file("site.toml", "[launch]\ngrace = = 3\n"), Origin::Kind::site));
}

TEST_F(Load, what_cannot_be_read_is_an_error_and_not_a_default) {
    EXPECT_EQ(refusal(dir),
              dir + ": the settings cannot be read: Is a directory; let its reader read it, or remove it");
}

TEST_F(Load, a_file_far_too_long_is_refused) {
    EXPECT_EQ(refusal(file("site.toml", std::string(5 << 20, '#'))),
              "site.toml: the settings are longer than 4 MiB; put Railhead's TOML settings there");
}

TEST_F(Load, the_site_locks_keys_against_file_and_environment) {
    auto site =
        file("site.toml",
             "lock = [\n  \"launch.ports\",\n  \"launch.port\"]\n[launch]\nports = \"30000-30999\"\n");
    auto user = file("user.toml", "[launch]\nports = \"40000-41000\"\n");
    auto loaded = load(site, user, {{"RAILHEAD_LAUNCH_PORTS", "50000-51000"}});
    EXPECT_EQ(loaded.settings.text(Key::launch_ports), "30000-30999");
    std::string place = dir + "/site.toml:2";
    EXPECT_EQ(loaded.settings.locked_at(Key::launch_ports), place);
    EXPECT_EQ(findings(loaded),
              (Texts{"site.toml:3:3: launch.port is no setting; did you mean launch.ports?",
                     "user.toml:2:9: launch.ports is locked by the site (site.toml:2); remove it",
                     "RAILHEAD_LAUNCH_PORTS: launch.ports is locked by the site (site.toml:2); remove it"}));
}

TEST_F(Load, a_user_cannot_lock_or_set_what_is_the_sites) {
    auto user = file("user.toml", "lock = [\"launch.ports\"]\n[submit]\nplacement = \"compact\"\n"
                                  "[submit.partition.gpu]\nplacement = \"compact\"\n");
    auto loaded = load("", user, {{"RAILHEAD_SPANK_CLEANUP", "off"}});
    EXPECT_EQ(loaded.settings.text_for(Key::submit_placement, "gpu"), "any");
    EXPECT_TRUE(loaded.settings.boolean(Key::spank_cleanup));
    EXPECT_EQ(findings(loaded),
              (Texts{"user.toml:1:8: lock may be set by the site only; remove it",
                     "user.toml:4:1: submit.partition may be set by the site only; remove it",
                     "user.toml:3:13: submit.placement may be set by the site only; remove it",
                     "RAILHEAD_SPANK_CLEANUP: spank.cleanup may be set by the site only; remove it"}));
}

TEST_F(Load, partitions_have_sections_of_their_own) {
    auto loaded =
        load(file("site.toml", "[submit.partition.gpu]\nplacement = \"compact\"\nplacement_wait = \"5m\"\n"
                               "placment = 1\n[submit.partition]\ncpu = 3\n"));
    EXPECT_EQ(loaded.settings.text_for(Key::submit_placement, "gpu"), "compact");
    EXPECT_EQ(loaded.settings.seconds_for(Key::submit_placement_wait, "gpu"), 300);
    EXPECT_EQ(findings(loaded),
              (Texts{"site.toml:6:1: submit.partition.cpu is a section, and no setting; write "
                     "[submit.partition.cpu], and each of its settings in a line below",
                     "site.toml:4:1: submit.placment is no setting; did you mean submit.placement?"}));
    EXPECT_EQ(refusal(file("bad.toml", "[submit.partition.gpu]\nrefresh = 3\n")),
              "bad.toml:2:11: submit.refresh cannot differ between partitions or users; set it in [submit]");
}

TEST(UserFile, follows_the_xdg_directory_then_home) {
    auto of = [](std::map<std::string, std::string> variables) {
        return user_settings_file(Environment(std::move(variables)));
    };
    EXPECT_EQ(of({{"XDG_CONFIG_HOME", "/x"}, {"HOME", "/h"}}), "/x/railhead/config.toml");
    EXPECT_EQ(of({{"XDG_CONFIG_HOME", ""}, {"HOME", "/h"}}), "/h/.config/railhead/config.toml");
    EXPECT_EQ(of({}), "");
}

TEST_F(Load, a_fifo_or_a_device_is_refused_without_waiting) {
    auto fifo = dir + "/fifo.toml";
    ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(refusal(fifo),
              "fifo.toml: the settings cannot be read: it is no regular file; let its reader read it, "
              "or remove it");
    EXPECT_NE(refusal("/dev/zero").find("it is no regular file"), std::string::npos);
}

TEST_F(Load, an_array_is_no_text_either) {
    EXPECT_EQ(
        refusal(file("site.toml", "[launch]\nlog_dir = [\"a\"]\n")),
        "site.toml:2:11: launch.log_dir is an array (expected text of at most 1024 bytes without control "
        "characters)");
    EXPECT_EQ(findings(load("", file("user.toml", "[submit]\nrefresh = [1]\n"))),
              Texts{"user.toml:2:11: submit.refresh may be set by the site only; remove it"});
}

TEST_F(Load, remembers_where_a_section_of_a_partition_begins) {
    auto path =
        file("site.toml", "[submit]\ndown_nodes = \"count\"\n[submit.partition.gqu]\nplacement = \"any\"\n");
    auto checked = check_settings(path, Origin::Kind::site);
    ASSERT_TRUE(checked);
    EXPECT_EQ(without_dir(checked->settings.place_of(Whose::partition, "gqu")), "site.toml:3:19");
    EXPECT_EQ(checked->settings.place_of(Whose::user, "gqu"), "");
}
