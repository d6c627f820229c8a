#include "launcher/agent/shm.hpp"

#include "base/child.hpp"
#include "base/clock.hpp"

#include <gmock/gmock.h>

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace railhead {
namespace {

using testing::ElementsAre;

class Shm : public testing::Test {
  protected:
    std::string base;
    void SetUp() override {
        char name[] = "/tmp/shmXXXXXX";
        base = mkdtemp(name);
    }
    void TearDown() override { std::filesystem::remove_all(base); }
    /// A process that holds `name` open.
    Child holder(const std::string& name) {
        auto path = base + "/" + name;
        auto child = Child::start({.argv = {"sh", "-c", "exec 9<>" + path + "; echo x >&9; exec sleep 60"},
                                   .env = {{"PATH", "/usr/bin:/bin"}}});
        auto descriptor =
            "/proc/" + std::to_string(child->pid()) + "/fd/9"; // the file may be there before it
        for (auto bound = Deadline::in(5); !bound.passed() && !std::filesystem::is_symlink(descriptor);)
            usleep(1000);
        return std::move(*child);
    }
    static void end(Child& child) {
        child.signal(SIGKILL);
        child.wait(5);
    }
};

TEST(MappedBelow, takes_files_of_the_folder_that_still_have_a_name) {
    EXPECT_THAT(mapped_below("7f00-7f01 rw-s 00000000 00:19 5 /dev/shm/psm_1\n"
                             "7f01-7f02 rw-s 00000000 00:19 5 /dev/shm/psm_1\n"
                             "7f02-7f03 rw-s 00000000 00:19 6 /dev/shm/gone (deleted)\n"
                             "7f03-7f04 r-xp 00000000 08:01 7 /usr/lib/libc.so\n"
                             "7f04-7f05 rw-p 00000000 00:00 0 [heap]\n"
                             "7f05-7f06 rw-s 00000000 00:19 8 /dev/shmx/psm_2\n",
                             "/dev/shm"),
                ElementsAre("/dev/shm/psm_1"));
}

TEST_F(Shm, removes_what_a_process_was_seen_to_hold_after_its_end) {
    ShmFiles files("", base);
    auto child = holder("a");
    std::ofstream(base + "/unseen") << "x";
    files.look({*read_proc(child.pid())}, ShmFiles::Holders::to_be_killed);
    end(child);
    EXPECT_THAT(files.remove_unused(), ElementsAre(base + "/a"));
    EXPECT_TRUE(std::filesystem::exists(base + "/unseen"));
}

TEST_F(Shm, spares_what_another_process_holds) {
    ShmFiles files("", base);
    auto first = holder("a"), second = holder("a");
    files.look({*read_proc(first.pid())}, ShmFiles::Holders::to_be_killed);
    end(first);
    EXPECT_TRUE(files.remove_unused().empty());
    EXPECT_TRUE(std::filesystem::exists(base + "/a"));
    end(second);
}

TEST_F(Shm, spares_what_was_there_before_the_launch) {
    std::ofstream(base + "/dataset") << "staged by an earlier command of the job";
    ShmFiles files("", base);
    auto child = holder("dataset");
    files.look({*read_proc(child.pid())}, ShmFiles::Holders::to_be_killed);
    end(child);
    EXPECT_TRUE(files.remove_unused().empty());
    EXPECT_TRUE(std::filesystem::exists(base + "/dataset"));
}

TEST_F(Shm, spares_what_a_program_left_on_purpose_but_not_a_librarys_own_objects) {
    ShmFiles files("", base);
    auto stages = holder("dataset"), crashes = holder("nccl-AbC123");
    files.look({*read_proc(stages.pid()), *read_proc(crashes.pid())}, ShmFiles::Holders::living);
    end(stages);
    end(crashes);
    EXPECT_THAT(files.remove_unused(), ElementsAre(base + "/nccl-AbC123"));
    EXPECT_TRUE(std::filesystem::exists(base + "/dataset"));
}

TEST(ShmStep, is_not_the_batch_script_s) {
    EXPECT_TRUE(is_other_step("1", "0"));
    EXPECT_FALSE(is_other_step("0", "0"));
    EXPECT_FALSE(is_other_step("", "0"));
    EXPECT_FALSE(is_other_step("4294967291", "0"));
    EXPECT_FALSE(is_other_step("-5", "0")) << "26.05";
}

TEST_F(Shm, spares_what_nobody_was_seen_to_hold_while_the_user_has_other_processes) {
    ShmFiles files("", base);
    std::ofstream(base + "/psm_1a2b3c4d") << "of this test, which is of no job";
    auto child = holder("psm_seen");
    files.look({*read_proc(child.pid())}, ShmFiles::Holders::living);
    end(child);
    auto theirs = holder("psm_held_elsewhere");
    EXPECT_THAT(files.claim_rest("17", "0"), ElementsAre(base + "/psm_1a2b3c4d")) << "and is named";
    EXPECT_THAT(files.remove_unused(), ElementsAre(base + "/psm_seen"));
    EXPECT_TRUE(std::filesystem::exists(base + "/psm_1a2b3c4d"));
    end(theirs);
}

TEST(LibraryObject, is_known_by_how_its_name_begins) {
    for (auto* name : {"nccl-AbC123", "torch_123_456_7", "psm_1a2b3c4d", "sem.mp-x1y2z3", "sem.loky-1-abc"})
        EXPECT_TRUE(is_library_object(name)) << name;
    for (auto* name : {"dataset", "nccl", "my-nccl-x", "", "sem.mine"})
        EXPECT_FALSE(is_library_object(name)) << name;
}

TEST_F(Shm, spares_a_new_file_of_the_same_name) {
    ShmFiles files("", base);
    auto child = holder("a");
    files.look({*read_proc(child.pid())}, ShmFiles::Holders::to_be_killed);
    std::ofstream(base + "/new") << "another's";
    std::filesystem::rename(base + "/new", base + "/a");
    end(child);
    EXPECT_TRUE(files.remove_unused().empty());
    EXPECT_TRUE(std::filesystem::exists(base + "/a"));
}

TEST_F(Shm, keeps_a_record_for_a_sweep) {
    ShmFiles files(base + "/record", base);
    auto child = holder("a");
    files.look({*read_proc(child.pid())}, ShmFiles::Holders::to_be_killed);
    end(child);
    std::ifstream record(base + "/record");
    std::string text((std::istreambuf_iterator<char>(record)), {});
    auto later =
        ShmFiles::of_dead_launch(text + "junk\nnoted 1 2 /etc/passwd\nnoted x 2 " + base + "/b\n", base);
    EXPECT_THAT(later.remove_unused(), ElementsAre(base + "/a"));
}

TEST_F(Shm, the_record_tells_a_sweep_what_was_held_and_what_was_there_before) {
    std::ofstream(base + "/psm_before") << "x";
    std::filesystem::create_directory(base + "/dir");
    ShmFiles files(base + "/dir/record", base);
    auto child = holder("mine"), leaves = holder("left_on_purpose");
    files.look({*read_proc(child.pid()), *read_proc(leaves.pid())}, ShmFiles::Holders::living);
    end(leaves);
    files.look({*read_proc(child.pid())}, ShmFiles::Holders::living);
    end(child); // with its agent, at one blow
    std::ofstream(base + "/psm_unseen") << "x";
    std::ifstream record(base + "/dir/record");
    std::string text((std::istreambuf_iterator<char>(record)), {});
    auto later = ShmFiles::of_dead_launch(text, base);
    EXPECT_THAT(later.claim_rest("17", "0"), ElementsAre(base + "/psm_unseen")) << "this test is of no job";
    EXPECT_THAT(later.remove_unused(), ElementsAre(base + "/mine"));
    auto without = ShmFiles::of_dead_launch("", base);
    EXPECT_TRUE(without.claim_rest("17", "0").empty());
}

} // namespace
} // namespace railhead
