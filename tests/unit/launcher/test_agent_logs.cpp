#include "launcher/agent/logs.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

namespace railhead {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Logs : public testing::Test {
  protected:
    std::string base;
    void SetUp() override {
        char name[] = "/tmp/logsXXXXXX";
        base = mkdtemp(name);
    }
    void TearDown() override { std::filesystem::remove_all(base); }
    void put(const std::string& name, const std::string& text) {
        std::filesystem::create_directories(std::filesystem::path(base + "/" + name).parent_path());
        std::ofstream(base + "/" + name, std::ios::app) << text;
    }
};

TEST(TailLines, are_the_last_ones_oldest_first) {
    EXPECT_THAT(tail_lines("a\nb\nc\n", 2, 100), ElementsAre("b", "c"));
    EXPECT_THAT(tail_lines("a\nb\nc", 5, 100), ElementsAre("a", "b", "c"));
    EXPECT_THAT(tail_lines("", 5, 100), IsEmpty());
}

TEST(TailLines, stay_within_their_bytes) {
    EXPECT_THAT(tail_lines("aaaa\nbbbb\ncccc\n", 5, 10), ElementsAre("bbbb", "cccc"));
    EXPECT_EQ(tail_lines(std::string(5000, 'x'), 5, 10000)[0].size(), 1000U);
}

TEST(TailLines, hold_no_control_characters) {
    EXPECT_THAT(tail_lines("\x1b[1;31mbold\x1b[0m\b\r\n", 1, 100), ElementsAre("bold"));
}

TEST_F(Logs, tail_of_a_long_file_reads_only_its_end) {
    for (int i = 0; i < 100000; ++i) put("log", std::to_string(i) + "\n"), i += 999;
    put("log", "last\n");
    EXPECT_THAT(tail_of(base + "/log", 2), ElementsAre("99000", "last"));
    EXPECT_THAT(tail_of(base + "/missing", 2), IsEmpty());
}

TEST_F(Logs, growing_file_gives_each_complete_line_once) {
    GrowingFile file(base + "/log");
    bool more = false;
    EXPECT_THAT(file.new_lines(false, more), IsEmpty());
    put("log", "one\ntw");
    EXPECT_THAT(file.new_lines(false, more), ElementsAre("one"));
    put("log", "o\nthree");
    EXPECT_THAT(file.new_lines(false, more), ElementsAre("two"));
    EXPECT_THAT(file.new_lines(true, more), ElementsAre("three")) << "the program has ended";
    EXPECT_FALSE(more);
}

TEST_F(Logs, growing_file_cuts_a_line_without_end) {
    GrowingFile file(base + "/log");
    bool more = false;
    put("log", std::string(9000, 'x'));
    EXPECT_THAT(file.new_lines(false, more), ElementsAre(std::string(4000, 'x'), std::string(4000, 'x')));
}

TEST_F(Logs, files_are_those_in_folders_of_that_name) {
    put("logs/b.log", "x");
    put("logs/a.log", "x");
    put("logs/empty.log", "");
    put("logs/ranks/railhead_x/attempt_0/0/stderr.log", "x"); // as torchrun has them
    put("ray/session_1/logs/gcs.out", "x");
    put("ray/session_1/logs/old/gcs.out", "x");
    put("ray/session_1/sockets/x", "x");
    put("secret.token", "x");
    std::filesystem::create_symlink("/etc/passwd", base + "/logs/link");
    std::filesystem::create_directory_symlink("/etc", base + "/linked");
    EXPECT_THAT(log_files(base),
                ElementsAre("logs/a.log", "logs/b.log", "logs/ranks/railhead_x/attempt_0/0/stderr.log",
                            "ray/session_1/logs/gcs.out", "ray/session_1/logs/old/gcs.out"));
}

TEST_F(Logs, end_comes_in_pieces_of_whole_lines) {
    put("log", "aaaa\nbbbb\ncccc\ndddd\n");
    EXPECT_THAT(end_in_pieces(base + "/log", 1000, 12), ElementsAre("aaaa\nbbbb\n", "cccc\ndddd\n"));
    EXPECT_THAT(end_in_pieces(base + "/log", 12, 100), ElementsAre("cccc\ndddd\n"))
        << "the cut line is left out";
    EXPECT_THAT(end_in_pieces(base + "/log", 3, 100), ElementsAre("dd\n"));
    EXPECT_THAT(end_in_pieces(base + "/missing", 3, 100), IsEmpty());
}

} // namespace
} // namespace railhead
