#include "policy/describe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace railhead;
using testing::HasSubstr;

namespace {

std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

} // namespace

TEST(Describe, each_line_has_value_unit_and_origin) {
    Settings settings;
    ASSERT_TRUE(settings.set(Key::launch_grace, "1.5", {Origin::Kind::site, "/etc/slurm/railhead.toml:12"}));
    settings.lock(Key::launch_grace, "/etc/slurm/railhead.toml:2");
    std::string text = describe(settings);
    EXPECT_THAT(
        text,
        HasSubstr("launch.grace                 1.5 s                /etc/slurm/railhead.toml:12, locked "
                  "by the site\n"));
    EXPECT_THAT(text, HasSubstr("launch.interface             \"\"                   default\n"));
    EXPECT_THAT(text, HasSubstr("ray.object_store             0 bytes              default\n"));
}

TEST(Describe, a_partition_shows_what_holds_there) {
    Settings settings;
    Origin origin{Origin::Kind::site, "/etc/slurm/railhead.toml:4"};
    ASSERT_TRUE(settings.set_in(Whose::partition, "gpu", Key::submit_placement, "compact", origin));
    auto text = describe(settings);
    EXPECT_THAT(text,
                HasSubstr("submit.placement             compact              /etc/slurm/railhead.toml:4, for "
                          "partition gpu\n"));
    EXPECT_EQ(text.find("for partition"), text.rfind("for partition")) << "only what its section sets";
}

TEST(Describe, json_has_numbers_as_numbers) {
    Settings settings;
    ASSERT_TRUE(settings.set_in(Whose::partition, "gpu", Key::submit_placement_wait, "5m", {}));
    auto json = describe_json(settings);
    EXPECT_EQ(json["v"], 1);
    EXPECT_EQ(json["settings"][0]["name"], "launch.bringup_timeout");
    EXPECT_EQ(json["settings"][0]["value"], 180);
    EXPECT_EQ(json["settings"][0]["unit"], "s");
    EXPECT_EQ(json["settings"][0]["origin"], "default");
    EXPECT_EQ(json["partitions"]["gpu"]["submit.placement_wait"], 300);
}

TEST(Describe, the_installed_example_is_the_table) {
    std::string path = RAILHEAD_SOURCE_DIR "/etc/railhead.toml";
    if (std::getenv("RAILHEAD_WRITE_GENERATED")) std::ofstream(path) << default_toml();
    EXPECT_EQ(contents(path), default_toml())
        << "etc/railhead.toml is made from policy/table.cpp: run this test with RAILHEAD_WRITE_GENERATED=1";
}

TEST(Describe, the_example_with_every_line_switched_on_loads_without_a_finding) {
    std::string text = default_toml(), active;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        bool setting =
            line.starts_with("# ") && line.find(" = ") != std::string::npos && !line.ends_with('.');
        active += (setting ? line.substr(2) : line) + "\n";
    }
    std::string path = testing::TempDir() + "railhead-all-on.toml";
    std::ofstream(path) << active;
    auto loaded = load_settings(path, "", Environment());
    ASSERT_TRUE(loaded) << sentence(loaded.error());
    EXPECT_TRUE(loaded->findings.empty());
    EXPECT_EQ(loaded->settings.origin(Key::spank_cleanup).kind, Origin::Kind::site);
    std::remove(path.c_str());
}

TEST(Describe, the_manual_page_has_every_setting) {
    std::string path = RAILHEAD_SOURCE_DIR "/docs/man/railhead.toml.5";
    std::string page = contents(path);
    const std::string begin = ".\\\" Settings, made from policy/table.cpp\n", end = ".\\\" End of settings\n";
    auto from = page.find(begin), to = page.find(end);
    ASSERT_LT(from, to) << "railhead.toml.5 has no place for the settings";
    from += begin.size();
    if (std::getenv("RAILHEAD_WRITE_GENERATED")) {
        page.replace(from, to - from, manual_of_settings());
        std::ofstream(path) << page;
        to = page.find(end);
    }
    EXPECT_EQ(page.substr(from, to - from), manual_of_settings())
        << "that part of docs/man/railhead.toml.5 is made from policy/table.cpp: run with "
           "RAILHEAD_WRITE_GENERATED=1";
}
