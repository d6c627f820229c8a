#include "launcher/agent/attach_env.hpp"

#include <gmock/gmock.h>

namespace railhead {
namespace {

using testing::ElementsAre;
using testing::Pair;
using Variables = std::map<std::string, std::string>;

constexpr auto order = R"({"env":{"RAY_ADDRESS":"10.0.0.1:6379","RAY_AUTH_TOKEN_PATH":"${dir}/t"},"v":1})";

/// What a shell with `own` sees of a job with `job`.
Variables attached(const Variables& own, const Variables& job, const std::string& said = order) {
    return attached_environment(own, attach_text(said, "/tmp/rh-7.0-abc123", Environment(job)));
}

TEST(AttachEnv, has_what_the_job_finds_its_programs_by_and_nothing_else_of_it) {
    EXPECT_THAT(attached({{"HOME", "/anna"}, {"VIRTUAL_ENV", "/other"}}, {{"PATH", "/v/bin:/usr/bin"},
                                                                          {"VIRTUAL_ENV", "/v"},
                                                                          {"PYTHONPATH", "/p"},
                                                                          {"CONDA_PREFIX", "/c"},
                                                                          {"HOME", "/nowhere"},
                                                                          {"WANDB_API_KEY", "secret"}}),
                ElementsAre(Pair("CONDA_PREFIX", "/c"), Pair("HOME", "/anna"),
                            Pair("PATH", "/v/bin:/usr/bin"), Pair("PYTHONPATH", "/p"),
                            Pair("RAY_ADDRESS", "10.0.0.1:6379"),
                            Pair("RAY_AUTH_TOKEN_PATH", "/tmp/rh-7.0-abc123/t"), Pair("VIRTUAL_ENV", "/v")));
}

TEST(AttachEnv, looks_first_in_the_folders_of_the_job_then_in_those_of_the_shell) {
    EXPECT_EQ(attached({{"PATH", "/bin"}}, {{"PATH", "/v/bin:/bin"}})["PATH"], "/v/bin:/bin:/bin");
    EXPECT_EQ(attached({{"PATH", "/bin"}}, {{"PATH", "/bin"}})["PATH"], "/bin") << "once is enough";
    EXPECT_EQ(attached({{"PATH", "/bin"}}, {})["PATH"], "/bin");
    EXPECT_FALSE(attached({}, {}).contains("PATH"));
}

TEST(AttachEnv, has_no_other_token_than_the_clusters) {
    EXPECT_FALSE(attached({{"RAY_AUTH_TOKEN", "mine"}}, {}).contains("RAY_AUTH_TOKEN"));
}

TEST(AttachEnv, leaves_what_is_not_set_in_the_job_as_the_shell_has_it) {
    auto seen = attached({{"PYTHONPATH", "/mine"}}, {{"PATH", "/bin"}});
    EXPECT_EQ(seen["PYTHONPATH"], "/mine");
    EXPECT_FALSE(seen.contains("VIRTUAL_ENV"));
}

TEST(AttachEnv, takes_what_the_launch_sets_by_itself_before_what_it_was_started_with) {
    auto seen = attached({}, {{"PATH", "/bin"}, {"PYTHONPATH", "/q"}}, R"({"env":{"PYTHONPATH":"/p"}})");
    EXPECT_EQ(seen["PYTHONPATH"], "/p");
    EXPECT_EQ(seen["PATH"], "/bin");
}

TEST(AttachEnv, keeps_dollars_and_quotes_and_survives_what_is_not_utf8) {
    EXPECT_EQ(attached({}, {{"PATH", "/a\"b:/${dir}"}})["PATH"], "/a\"b:/${dir}");
    EXPECT_EQ(attached({}, {{"PATH", "/l\xff:/v/bin"}})["PATH"], "/l\xef\xbf\xbd:/v/bin");
}

TEST(AttachEnv, takes_nothing_of_a_text_that_it_cannot_read) {
    for (auto* text : {"", "{", "[]", R"({"env":7})", R"({"token":"x"})"})
        EXPECT_THAT(attached_environment({{"HOME", "/h"}}, text), ElementsAre(Pair("HOME", "/h"))) << text;
}

} // namespace
} // namespace railhead
