// The boundary as Slurm calls it, with implementations behind it that throw; and the option.
#include "spank/contexts.hpp"

#include <gtest/gtest.h>

#include <cstdarg>
#include <cstdlib>
#include <map>
#include <new>
#include <stdexcept>
#include <string>

namespace {

enum class Throw { nothing, standard, memory, number };
Throw next = Throw::nothing;
std::string said;
std::map<std::string, spank_option> registered;

int misbehave() {
    switch (next) {
    case Throw::standard:
        throw std::runtime_error("broken");
    case Throw::memory:
        throw std::bad_alloc();
    case Throw::number:
        throw 7;
    case Throw::nothing:
        break;
    }
    return 42;
}

} // namespace

namespace railhead::spank {
int init(spank_t) {
    return misbehave();
}
int init_post_opt(spank_t) {
    return misbehave();
}
int task_init(spank_t) {
    return misbehave();
}
int exit(spank_t) {
    return misbehave();
}
} // namespace railhead::spank

extern "C" {
void slurm_error(const char* format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    said = text;
}
spank_err_t spank_option_register(spank_t, struct spank_option* option) {
    registered[option->name] = *option;
    return static_cast<spank_err_t>(ESPANK_SUCCESS);
}
const char* spank_strerror(spank_err_t) {
    return "an error";
}

extern const char plugin_name[], plugin_type[];
extern const unsigned int plugin_version;
int slurm_spank_init(spank_t, int, char**);
int slurm_spank_init_post_opt(spank_t, int, char**);
int slurm_spank_task_init(spank_t, int, char**);
int slurm_spank_exit(spank_t, int, char**);
}

TEST(SpankBoundary, forwards_the_result) {
    next = Throw::nothing;
    EXPECT_EQ(slurm_spank_init(nullptr, 0, nullptr), 42);
    EXPECT_EQ(slurm_spank_init_post_opt(nullptr, 0, nullptr), 42);
    EXPECT_EQ(slurm_spank_task_init(nullptr, 0, nullptr), 42);
    EXPECT_EQ(slurm_spank_exit(nullptr, 0, nullptr), 42);
}

TEST(SpankBoundary, turns_every_exception_into_a_step_that_goes_on) {
    const std::pair<Throw, const char*> kinds[] = {{Throw::standard, "broken"},
                                                   {Throw::memory, "std::bad_alloc"},
                                                   {Throw::number, "an exception that is no std::exception"}};
    for (auto [kind, text] : kinds) {
        next = kind;
        EXPECT_EQ(slurm_spank_init(nullptr, 0, nullptr), 0);
        EXPECT_EQ(said,
                  std::string("spank/railhead: slurm_spank_init: ") + text + "; the step goes on without it");
        EXPECT_EQ(slurm_spank_exit(nullptr, 0, nullptr), 0);
        EXPECT_EQ(said,
                  std::string("spank/railhead: slurm_spank_exit: ") + text + "; the step goes on without it");
    }
    next = Throw::nothing;
}

TEST(SpankBoundary, names_itself_as_the_submit_plugin_expects) {
    EXPECT_STREQ(plugin_name, "railhead") << "it is part of the variable that carries the option";
    EXPECT_STREQ(plugin_type, "spank");
    EXPECT_EQ(plugin_version, static_cast<unsigned>(SLURM_VERSION_NUMBER));
}

TEST(RailPlacement, takes_two_words_and_refuses_others) {
    ASSERT_EQ(railhead::spank::register_options(nullptr), 0);
    auto* option = registered["rail-placement"].cb;
    ASSERT_NE(option, nullptr);
    EXPECT_EQ(option(0, "compact", 0), 0);
    EXPECT_EQ(option(0, "any", 0), 0);
    EXPECT_EQ(option(0, "tight", 0), -1);
    EXPECT_EQ(said, "railhead: --rail-placement is \"tight\" (expected compact or any)");
    EXPECT_EQ(option(0, nullptr, 0), -1);
}

TEST(RailEnvAndCheck, are_kept_for_the_step_and_refuse_other_words) {
    ASSERT_EQ(railhead::spank::register_options(nullptr), 0);
    EXPECT_FALSE(railhead::spank::env_asked() || railhead::spank::check_asked());
    auto *env = registered["rail-env"].cb, *check = registered["rail-check"].cb;
    EXPECT_EQ(env(0, "auto", 1), 0);
    EXPECT_EQ(check(0, "enforce", 1), 0);
    EXPECT_EQ(railhead::spank::env_asked(), "auto");
    EXPECT_EQ(railhead::spank::check_asked(), "enforce");
    EXPECT_EQ(env(0, "on", 0), -1);
    EXPECT_EQ(said, "railhead: --rail-env is \"on\" (expected auto or off)");
    EXPECT_EQ(check(0, "hard", 0), -1);
    EXPECT_EQ(said, "railhead: --rail-check is \"hard\" (expected off, warn or enforce)");
    EXPECT_EQ(check(0, nullptr, 0), -1);
    EXPECT_EQ(railhead::spank::check_asked(), "enforce");
}

TEST(RailOnLoss, becomes_the_jobs_setting_where_the_job_is_submitted) {
    ASSERT_EQ(railhead::spank::register_options(nullptr), 0);
    auto* option = registered["rail-on-loss"].cb;
    ASSERT_NE(option, nullptr);
    for (const auto* name : {"RAILHEAD_LAUNCH_ON_LOSS", "RAILHEAD_NO_KILL"}) unsetenv(name);
    EXPECT_EQ(option(0, "shrink:2", 1), 0);
    EXPECT_EQ(getenv("RAILHEAD_LAUNCH_ON_LOSS"), nullptr) << "slurmstepd's own environment is nobody's";
    for (const auto* text : {"fail", "requeue", "spare:1", "shrink:2"}) {
        EXPECT_EQ(option(0, text, 0), 0) << text;
        EXPECT_STREQ(getenv("RAILHEAD_LAUNCH_ON_LOSS"), text);
        EXPECT_EQ(getenv("RAILHEAD_NO_KILL") != nullptr,
                  std::string_view(text).find(':') != std::string::npos)
            << text << ": for these alone job_submit sets --no-kill";
    }
    for (const auto* text : {"", "shrink", "shrink:", "spare:x", "fail:1"}) {
        EXPECT_EQ(option(0, text, 0), -1) << text;
        EXPECT_EQ(said, "railhead: --rail-on-loss is \"" + std::string(text) +
                            "\" (expected fail, shrink:MIN, spare:N or requeue)");
    }
    EXPECT_EQ(option(0, nullptr, 0), -1);
    railhead::spank::forget_option_of_outer_job();
}

TEST(RailOnLoss, is_not_that_of_a_job_submitted_in_the_job) {
    ASSERT_EQ(railhead::spank::register_options(nullptr), 0);
    auto* option = registered["rail-on-loss"].cb;
    for (const auto* text : {"requeue", "shrink:2"}) {
        EXPECT_EQ(option(0, text, 0), 0);
        setenv("SLURM_SPANK__SLURM_SPANK_OPTION_railhead_rail_on_loss", text, 1); // as Slurm does
        railhead::spank::forget_option_of_outer_job();
        EXPECT_EQ(getenv("SLURM_SPANK__SLURM_SPANK_OPTION_railhead_rail_on_loss"), nullptr) << text;
        EXPECT_EQ(getenv("RAILHEAD_LAUNCH_ON_LOSS"), nullptr) << text;
        EXPECT_EQ(getenv("RAILHEAD_NO_KILL"), nullptr) << text;
    }
    setenv("RAILHEAD_LAUNCH_ON_LOSS", "spare:1", 1);
    railhead::spank::forget_option_of_outer_job();
    EXPECT_STREQ(getenv("RAILHEAD_LAUNCH_ON_LOSS"), "spare:1") << "the user's own";
    EXPECT_EQ(option(0, "shrink:2", 0), 0);
    setenv("RAILHEAD_LAUNCH_ON_LOSS", "requeue", 1);
    railhead::spank::forget_option_of_outer_job();
    EXPECT_STREQ(getenv("RAILHEAD_LAUNCH_ON_LOSS"), "requeue") << "set in the job";
    EXPECT_EQ(getenv("RAILHEAD_NO_KILL"), nullptr);
    unsetenv("RAILHEAD_LAUNCH_ON_LOSS");
}
