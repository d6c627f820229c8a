#include "base/child.hpp"

#include "base/clock.hpp"

#include <gmock/gmock.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace railhead {
namespace {

using testing::HasSubstr;
using testing::Not;

ChildSpec shell(const std::string& script) {
    return {.argv = {"sh", "-c", script}, .env = {{"PATH", "/usr/bin:/bin"}}};
}

std::string output_of(const ChildSpec& spec) {
    auto captured = capture(spec, 10);
    return captured ? captured->out : sentence(captured.error());
}

bool alive(pid_t pid) {
    return kill(pid, 0) == 0;
}

TEST(Child, passes_the_exit_code_on) {
    auto child = Child::start(shell("exit 7"));
    ASSERT_TRUE(child);
    EXPECT_EQ(child->wait(10), (ChildStatus{ChildStatus::Kind::exited, 7}));
}

TEST(Child, tells_a_kill_from_an_exit) {
    auto child = Child::start(shell("kill -KILL $$"));
    ASSERT_TRUE(child);
    EXPECT_EQ(child->wait(10), (ChildStatus{ChildStatus::Kind::killed, SIGKILL}));
}

TEST(Child, says_that_a_program_is_not_on_path_and_which_path) {
    auto child = Child::start({.argv = {"no-such-program"}, .env = {{"PATH", "/usr/bin:/nowhere"}}});
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().finding.id, "exec-not-found");
    EXPECT_EQ(sentence(child.error()), "no-such-program is not on PATH (expected in one of "
                                       "/usr/bin:/nowhere); install it there or give its path");
}

TEST(Child, says_why_a_file_is_no_program) {
    auto said = [](const char* path) {
        auto found = find_program(path, "");
        return found ? "" : sentence(found.error());
    };
    EXPECT_EQ(said("/no/such/program"), "/no/such/program is not there");
    EXPECT_EQ(said("/etc/passwd/x"), "/etc/passwd/x cannot be found: Not a directory");
    EXPECT_EQ(said("/usr"), "/usr is a folder (expected a program)");
    EXPECT_EQ(said("/dev/null"), "/dev/null is no file (expected a program)");
    EXPECT_EQ(said("/etc/passwd"),
              "/etc/passwd is not executable; if it is a program, chmod +x it; if another runs it, name that "
              "before it (python3, sh); source text is to be compiled");
}

TEST(Child, reports_why_the_kernel_did_not_execute) {
    char path[] = "/tmp/test-child-XXXXXX";
    UniqueFd file(mkstemp(path));
    ASSERT_EQ(write(file.get(), "#!/no/such/interpreter\n", 23), 23);
    ASSERT_EQ(fchmod(file.get(), 0755), 0);
    file.reset();
    auto child = Child::start({.argv = {path}, .env = {}});
    unlink(path);
    ASSERT_FALSE(child);
    EXPECT_THAT(sentence(child.error()),
                HasSubstr("failed: No such file or directory; look at its permissions and"));
}

TEST(Child, reports_a_missing_working_directory) {
    auto spec = shell("true");
    spec.cwd = "/no/such/folder";
    auto child = Child::start(spec);
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().finding.id, "cwd-missing");
    EXPECT_THAT(sentence(child.error()), HasSubstr("/no/such/folder failed: No such file or directory"));
}

TEST(Child, runs_a_script_without_a_first_line_in_the_shell) {
    char path[] = "/tmp/test-child-XXXXXX";
    UniqueFd file(mkstemp(path));
    ASSERT_EQ(write(file.get(), "echo $1\n", 8), 8);
    ASSERT_EQ(fchmod(file.get(), 0755), 0);
    file.reset();
    EXPECT_EQ(output_of({.argv = {path, "hello"}, .env = {}}), "hello\n");
    unlink(path);
}

TEST(Child, has_exactly_the_environment_that_was_chosen) {
    auto spec = shell("exec env");
    spec.env["COLOUR"] = "green";
    EXPECT_THAT(output_of(spec), testing::AllOf(HasSubstr("COLOUR=green"), Not(HasSubstr("HOME="))));
}

TEST(Child, inherits_no_descriptor_besides_the_three_even_unmarked_ones) {
    UniqueFd file(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    UniqueFd leaked(fcntl(file.get(), F_DUPFD, 50)); // not close-on-exec, as slurmstepd may leave one
    ASSERT_GE(leaked.get(), 50);
    auto out = output_of(shell("ls /proc/$$/fd | sort -n | tr '\\n' ' '"));
    EXPECT_THAT(out, testing::StartsWith("0 1 2 "));
    EXPECT_THAT(out, Not(HasSubstr(" " + std::to_string(leaked.get()) + " ")));
}

TEST(Child, starts_with_default_signals_also_when_the_caller_blocks_or_ignores_them) {
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    auto handler = signal(SIGPIPE, SIG_IGN);
    auto out = output_of(shell("grep -E 'Sig(Blk|Ign)' /proc/self/status"));
    signal(SIGPIPE, handler);
    sigprocmask(SIG_SETMASK, &before, nullptr);
    EXPECT_EQ(out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(Child, reads_nothing_from_the_callers_input) {
    EXPECT_EQ(output_of(shell("cat; echo end")), "end\n");
}

TEST(Child, waits_for_a_line_on_its_held_input) {
    int out[2];
    ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
    UniqueFd reading(out[0]), writing(out[1]);
    auto spec = shell("read line; echo got $line");
    spec.input = ChildSpec::Input::pipe;
    spec.stdout_fd = writing.get();
    auto child = Child::start(spec);
    ASSERT_TRUE(child);
    EXPECT_EQ(child->wait(0.05), std::nullopt);
    ASSERT_EQ(write(child->input().get(), "go\n", 3), 3);
    child->input().reset();
    EXPECT_EQ(child->wait(10), (ChildStatus{ChildStatus::Kind::exited, 0}));
    char text[16] = {};
    EXPECT_EQ(read(reading.get(), text, sizeof text), 7);
    EXPECT_STREQ(text, "got go\n");
}

TEST(Child, keeps_standard_streams_apart_when_they_come_crossed) {
    // Descriptors 0-2 of the caller given in another order must not overwrite each other.
    auto spec = shell("echo out; echo err >&2");
    spec.stderr_fd = 1;
    auto captured = capture(spec, 10);
    ASSERT_TRUE(captured);
    EXPECT_EQ(captured->out, "out\n");
}

TEST(Child, leads_its_own_session_when_asked) {
    auto spec = shell("cut -d' ' -f1,5,6 /proc/$$/stat");
    spec.group = ChildSpec::Group::own_session;
    auto out = output_of(spec);
    int pid = 0, group = 0, session = 0;
    ASSERT_EQ(sscanf(out.c_str(), "%d %d %d", &pid, &group, &session), 3) << out;
    EXPECT_EQ(pid, group);
    EXPECT_EQ(pid, session);
}

TEST(Child, signal_reaches_the_whole_group) {
    auto spec = shell("sleep 60 & echo $!; wait");
    int out[2];
    ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
    UniqueFd reading(out[0]), writing(out[1]);
    spec.stdout_fd = writing.get();
    auto child = Child::start(spec);
    ASSERT_TRUE(child);
    writing.reset();
    char text[16] = {};
    ASSERT_GT(read(reading.get(), text, sizeof text - 1), 0);
    EXPECT_TRUE(alive(atoi(text)));
    EXPECT_TRUE(child->signal_group(SIGTERM));
    EXPECT_EQ(child->wait(10), (ChildStatus{ChildStatus::Kind::killed, SIGTERM}));
    EXPECT_EQ(read(reading.get(), text, 1), 0) << "the sleep still holds the pipe";
}

TEST(Child, dies_with_its_parent_when_asked) {
    int out[2];
    ASSERT_EQ(pipe2(out, O_CLOEXEC), 0);
    UniqueFd reading(out[0]), writing(out[1]);
    pid_t middle = fork();
    if (middle == 0) {
        auto spec = shell("exec sleep 60");
        spec.death_signal = SIGKILL;
        spec.stdout_fd = writing.get();
        auto child = Child::start(spec);
        _exit(child ? 0 : 1); // the parent is gone at once
    }
    writing.reset();
    int status = 0;
    ASSERT_EQ(waitpid(middle, &status, 0), middle);
    EXPECT_EQ(status, 0);
    char byte;
    auto deadline = Deadline::in(10);
    EXPECT_EQ(read(reading.get(), &byte, 1), 0);
    EXPECT_FALSE(deadline.passed());
}

TEST(Capture, ends_with_the_program_though_a_daemon_holds_the_pipe) {
    auto before = monotonic_s();
    auto captured = capture(shell("sleep 5 & echo done"), 4);
    ASSERT_TRUE(captured);
    EXPECT_EQ(captured->out, "done\n");
    EXPECT_EQ(captured->status, (ChildStatus{ChildStatus::Kind::exited, 0}));
    EXPECT_LT(monotonic_s() - before, 3);
}

TEST(Capture, kills_the_whole_group_at_its_bound) {
    auto before = monotonic_s();
    auto captured = capture(shell("trap '' TERM; echo begun; sleep 60"), 1);
    ASSERT_TRUE(captured);
    EXPECT_EQ(captured->out, "begun\n");
    EXPECT_EQ(captured->status, std::nullopt);
    EXPECT_LT(monotonic_s() - before, 4);
}

TEST(Capture, keeps_no_more_than_its_bound_and_still_ends) {
    auto captured = capture(shell("head -c 1000000 /dev/zero"), 10, 1000);
    ASSERT_TRUE(captured);
    EXPECT_EQ(captured->out.size(), 1000U);
    EXPECT_EQ(captured->status, (ChildStatus{ChildStatus::Kind::exited, 0}));
}

TEST(Child, runs_as_another_user_with_that_users_groups_only) {
    if (geteuid() != 0) GTEST_SKIP() << "only root can start a program as another user";
    auto spec = shell("id -u; id -g; id -G");
    spec.identity = Identity{4711, 4712, {4713, 4714}};
    EXPECT_EQ(output_of(spec), "4711\n4712\n4712 4713 4714\n");
}

} // namespace
} // namespace railhead
