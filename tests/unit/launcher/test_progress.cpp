#include "launcher/supervisor/progress.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace railhead {
namespace {

TEST(Progress, changes_with_a_file_whatever_its_name_means_to_find) {
    char name[] = "/tmp/progressXXXXXX";
    const std::string folder = mkdtemp(name), before = std::filesystem::current_path();
    std::filesystem::current_path(folder);
    for (const auto& file : std::vector<std::string>{"step", "-newer", "(", "!", folder + "/whole"}) {
        const auto none = progress_of(file, Environment::of_process());
        EXPECT_NE(none, "") << file << ": that it is not there is an answer, too";
        std::ofstream(file) << "1";
        const auto one = progress_of(file, Environment::of_process());
        EXPECT_NE(one, none) << file;
        EXPECT_EQ(one, progress_of(file, Environment::of_process())) << file;
        std::ofstream(file) << "12";
        EXPECT_NE(one, progress_of(file, Environment::of_process())) << file;
    }
    EXPECT_EQ(progress_of("", Environment::of_process()), "");
    std::filesystem::current_path(before);
    std::filesystem::remove_all(folder);
}

TEST(Progress, of_nothing_is_said_as_such) {
    const auto none = progress_of("/no/such/step", Environment::of_process());
    EXPECT_EQ(no_progress("step", none, none), "step (--progress) is not there");
    const auto some = progress_of("/etc/passwd", Environment::of_process());
    EXPECT_EQ(no_progress("step", some, some), "step (--progress) has not changed since this start");
    EXPECT_EQ(no_progress("step", none, some), "");
    EXPECT_EQ(no_progress("step", some, none), "");
    EXPECT_EQ(no_progress("step", "", ""), "") << "no answer";
}

} // namespace
} // namespace railhead
