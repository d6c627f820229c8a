#include "launcher/supervisor/report_file.hpp"

#include "base/clock.hpp"
#include "base/fd.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace railhead {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class ReportFile : public testing::Test {
  protected:
    std::string base, path;
    void SetUp() override {
        char name[] = "/tmp/reportXXXXXX";
        base = mkdtemp(name);
        path = base + "/report.json";
    }
    void TearDown() override { fs::remove_all(base); }

    std::string fifo() const {
        EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
        return path;
    }
    static std::string read_all(const std::string& file) {
        UniqueFd in(open(file.c_str(), O_RDONLY | O_CLOEXEC));
        std::string text, block(1 << 16, '\0'); // what a pipe holds
        for (ssize_t size = 0; (size = read(in.get(), block.data(), block.size())) > 0;)
            text.append(block, 0, static_cast<std::size_t>(size));
        return text;
    }
    static void put(const std::string& file, const std::string& text) { std::ofstream(file) << text; }
    std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (auto& entry : fs::directory_iterator(base)) found.push_back(entry.path().filename());
        std::ranges::sort(found);
        return found;
    }
};

TEST_F(ReportFile, replaces_a_file_and_leaves_nothing_beside_it) {
    put(path, "old and long");
    put(path + ".new", "somebody's");
    EXPECT_TRUE(write_file(path, "draft", Draft::yes));
    EXPECT_EQ(read_all(path), "draft");
    EXPECT_TRUE(write_file(path, "new"));
    EXPECT_EQ(read_all(path), "new");
    EXPECT_EQ(read_all(path + ".new"), "somebody's");
    EXPECT_THAT(names(), ElementsAre("report.json", "report.json.new"));
}

TEST_F(ReportFile, is_written_where_a_symbolic_link_leads) {
    fs::create_directory(base + "/res");
    put(base + "/res/t.json", "old");
    fs::create_symlink("res/t.json", path);
    fs::create_symlink("report.json", base + "/again.json");
    EXPECT_TRUE(write_file(base + "/again.json", "new"));
    EXPECT_TRUE(fs::is_symlink(path));
    EXPECT_TRUE(fs::is_symlink(base + "/again.json"));
    EXPECT_EQ(read_all(base + "/res/t.json"), "new");
}

TEST_F(ReportFile, is_made_where_a_symbolic_link_leads_to_nothing_yet) {
    fs::create_directory(base + "/res");
    fs::create_symlink("res/t.json", path);
    EXPECT_TRUE(can_write_file(path));
    EXPECT_TRUE(write_file(path, "new"));
    EXPECT_TRUE(fs::is_symlink(path));
    EXPECT_EQ(read_all(base + "/res/t.json"), "new");
}

TEST_F(ReportFile, is_refused_where_links_lead_in_a_circle) {
    fs::create_symlink("report.json", path);
    EXPECT_FALSE(can_write_file(path));
    EXPECT_FALSE(write_file(path, "new"));
    EXPECT_TRUE(fs::is_symlink(path));
}

TEST_F(ReportFile, reaches_the_reader_of_a_pipe_once) {
    const std::string report(1 << 20, 'x'); // many times what a pipe holds
    std::string received;
    std::thread reader([&, pipe = fifo()] { received = read_all(pipe); });
    EXPECT_TRUE(write_file(path, "draft", Draft::yes));
    EXPECT_TRUE(write_file(path, report));
    reader.join();
    EXPECT_EQ(received.size(), report.size());
    EXPECT_TRUE(fs::is_fifo(path));
}

TEST_F(ReportFile, gives_up_a_pipe_without_a_reader) {
    auto begun = monotonic_s();
    EXPECT_TRUE(can_write_file(fifo())); // one may still come
    EXPECT_TRUE(write_file(path, "draft", Draft::yes));
    EXPECT_LT(monotonic_s() - begun, 1);
    auto written = write_file(path, "report");
    EXPECT_LT(monotonic_s() - begun, 8);
    ASSERT_FALSE(written);
    EXPECT_EQ(sentence(written.error()),
              path + " was opened by no reader within 2 s; have a reader at it until the launch ends");
}

TEST_F(ReportFile, gives_up_a_pipe_whose_reader_takes_nothing) {
    UniqueFd reader(open(fifo().c_str(), O_RDONLY | O_NONBLOCK));
    auto begun = monotonic_s();
    auto written = write_file(path, std::string(1 << 20, 'x'));
    EXPECT_LT(monotonic_s() - begun, 8);
    ASSERT_FALSE(written);
    EXPECT_THAT(sentence(written.error()), HasSubstr("was not read to the end within 2 s"));
}

TEST_F(ReportFile, says_that_the_reader_of_a_pipe_went) {
    std::signal(SIGPIPE, SIG_IGN);
    std::thread reader([pipe = fifo()] {
        UniqueFd end(open(pipe.c_str(), O_RDONLY));
        std::array<char, 16> some{};
        EXPECT_GT(read(end.get(), some.data(), some.size()), 0);
    });
    auto written = write_file(path, std::string(1 << 20, 'x'));
    reader.join();
    std::signal(SIGPIPE, SIG_DFL);
    ASSERT_FALSE(written);
    EXPECT_THAT(sentence(written.error()), HasSubstr("cannot be written: Broken pipe"));
}

TEST_F(ReportFile, goes_to_our_standard_output_once_and_keeps_what_is_there) {
    for (std::string name : {"/dev/stdout", "/proc/self/fd/1"}) {
        testing::internal::CaptureStdout(); // a file
        EXPECT_EQ(write(STDOUT_FILENO, "the program's\n", 14), 14);
        EXPECT_TRUE(can_write_file(name));
        EXPECT_TRUE(write_file(name, "draft", Draft::yes));
        EXPECT_TRUE(write_file(name, "report\n"));
        EXPECT_EQ(testing::internal::GetCapturedStdout(), "the program's\nreport\n");
    }
}

TEST_F(ReportFile, says_what_a_device_says) {
    EXPECT_TRUE(write_file("/dev/null", "report"));
    EXPECT_TRUE(can_write_file("/dev/full"));
    auto written = write_file("/dev/full", "report");
    ASSERT_FALSE(written);
    EXPECT_THAT(sentence(written.error()), HasSubstr("/dev/full cannot be written: No space left on device"));
}

TEST_F(ReportFile, is_refused_beforehand_where_it_cannot_be) {
    EXPECT_TRUE(can_write_file(""));
    EXPECT_TRUE(can_write_file(path));
    EXPECT_THAT(names(), ElementsAre());
    EXPECT_THAT(sentence(can_write_file(base).error()), HasSubstr("Is a directory"));
    EXPECT_THAT(sentence(can_write_file(base + "/nowhere/r.json").error()), HasSubstr("No such file"));
    put(path, "kept");
    EXPECT_THAT(sentence(can_write_file(path + "/r.json").error()), HasSubstr("Not a directory"));
    EXPECT_EQ(read_all(path), "kept");
}

} // namespace
} // namespace railhead
