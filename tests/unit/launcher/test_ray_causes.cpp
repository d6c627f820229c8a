#include "launcher/recipes/ray_causes.hpp"

#include <gtest/gtest.h>

using namespace railhead;

namespace {

const Process head{.id = "head", .role = Role::service};

struct Recorded {
    std::vector<std::string> log; ///< the end of a log of Ray 2.60.0, long lines cut
    std::string cause;
};

const std::vector<Recorded> recorded{
    {{"railhead: ray 2.60.0 imported [1.62 s]",
      "gcs_server.err: [2026-11-22 12:52:54,310 C 4409 4409] (gcs_server) grpc_server.cc:134:  An unexpected "
      "system state has occurred. Check failed: server_ Failed to start the grpc server. The specified port "
      "is "
      "21555. This means that Ray's core components will not be able to function correctly.",
      "railhead: died: gcs_server (exit code 1) [1.97 s]"},
     "port 21555 is in use on that node; leave the choice to Ray (no --ray-arg with a port) or give other "
     "--ports"},
    {{"raylet.err: [2026-11-22 12:53:04,131 E 4557 4586] (raylet) agent_manager.cc:87: The raylet exited "
      "immediately because one Ray agent failed, agent_name = runtime_env_agent.",
      "runtime_env_agent.err: OSError: [Errno 98] Address already in use",
      "railhead: died: raylet (exit code 1) [16.07 s]"},
     "a port of runtime_env_agent is in use on that node; leave the choice to Ray or give other --ports"},
    {{"    raise OSError(",
      "OSError: validate_socket_filename failed: AF_UNIX path length cannot exceed 107 bytes: "
      "/tmp/aaaa/r/session_2026-11-22_12-43-33_032147_3401/sockets/plasma_store"},
     "the socket path /tmp/aaaa/r/session_2026-11-22_12-43-33_032147_3401/sockets/plasma_store is longer "
     "than "
     "107 bytes; give a shorter directory with --tmp"},
    {{"gcs_server.err: [2026-11-22 12:53:48,706 E 4810 4810] (gcs_server) logging.cc:118: Unhandled "
      "exception: "
      "N5boost10wrapexceptINS_6system12system_errorEEE. what(): epoll: Too many open files [system:24]",
      "railhead: died: gcs_server (exit code -6) [31.67 s]"},
     "the limit of open files is too low; raise `ulimit -n` in the job script"},
    {{"Usage: ray start [OPTIONS]", "Try 'ray start --help' for help.", "",
      "Error: No such option '--no-such-flag'."},
     "ray start says: No such option '--no-such-flag'; see --ray-arg"},
    {{"ValueError: Attempting to start raylet with 2 GPU, but CUDA_VISIBLE_DEVICES contains ['0']."},
     "Ray was told of 2 GPUs, but CUDA_VISIBLE_DEVICES names ['0']"},
    {{"railhead: head is at 10.77.0.1:9 [1.76 s]",
      "railhead: cannot connect to the head at 10.77.0.1:9: [Errno 111] Connection refused [1.76 s]"},
     "it cannot connect to the head at 10.77.0.1:9 (Connection refused); see --interface, --subnet and "
     "firewalls "
     "between the nodes"},
    {{"railhead: cannot connect to the head at [fd77::1]:9: timed out [20.76 s]"},
     "it cannot connect to the head at [fd77::1]:9 (timed out); see --interface, --subnet and firewalls "
     "between "
     "the nodes"},
    {{"[2026-11-22 12:45:55,146 W 3753 3753] rpc_client.h:153: Failed to connect to GCS at address "
      "10.77.0.1:9 "
      "within 5 seconds."},
     "the head's GCS at 10.77.0.1:9 does not answer; see --interface, --subnet and firewalls between the "
     "nodes"},
    {{"railhead: the head cannot connect to node4 at 10.99.0.6:25003: Permission denied"},
     "the head cannot connect to node4 at 10.99.0.6:25003 (Permission denied); see --interface, --subnet and "
     "firewalls between the nodes"},
    {{"raylet.err: [2026-11-26 19:15:39,392 C 266 266] (raylet) node_manager.cc:971: [Timeout] Exiting "
      "because "
      "this node manager has mistakenly been marked as dead by the GCS: GCS failed to check the health of "
      "this "
      "node for 10 times. This is likely because the machine or raylet has become overloaded.",
      "railhead: died: raylet (exit code 1) [33.66 s]"},
     "the head's GCS called the node dead because it did not answer there; see --interface, --subnet and "
     "firewalls "
     "between the nodes, and whether the node stood still"},
    {{"Error: `--port` should only be specified when starting head node with `--head`."},
     "ray start says: `--port` should only be specified when starting head node with `--head`; see "
     "--ray-arg"},
    {{"railhead: died: raylet (exit code -9) [8.98 s]"},
     "raylet was killed by SIGKILL, and the job's cgroup shows no out-of-memory kill; see the node's kernel "
     "log (dmesg), and who sends signals there"},
    {{"2026-11-22 15:36:59,248 ERR scripts.py:128 -- ----- END raylet.out tail (exit code(s)=-9 (signal 9)) "
      "-----",
      "2026-11-22 15:36:59,248 ERR scripts.py:1315 -- Remaining processes will be killed."},
     "raylet was killed by SIGKILL, and the job's cgroup shows no out-of-memory kill; see the node's kernel "
     "log (dmesg), and who sends signals there"},
    {{"raylet.err: terminate called",
      "railhead: died: raylet (exit code 1), log_monitor (exit code 1) [9.0 s]"},
     "raylet (exit code 1), log_monitor (exit code 1) ended"},
    {{"OSError: [Errno 28] No space left on device: '/tmp/rh-7.0-abcdef/r'"},
     "no space is left on the device /tmp/rh-7.0-abcdef/r; free space there or give another directory with "
     "--tmp"},
    {{"OSError: [Errno 28] No space left on device"},
     "no space is left on the device; free space there or give another directory with --tmp"},
    {{"RuntimeError: Version mismatch: The cluster was started with:"},
     "its Ray or Python differs from the head's; use one environment on all nodes"},
    {{"ray.exceptions.AuthenticationError: RAY_AUTH_TOKEN_PATH is set but file cannot be opened or is empty: "
      "/nonexistent. Ensure that the token"},
     "the token was refused or not found: RAY_AUTH_TOKEN_PATH is set but file cannot be opened or is empty: "
     "/nonexistent"},
    {{"runtime_env_agent.err: ModuleNotFoundError: No module named 'aiohttp'",
      "railhead: died: raylet (exit code 1) [9.0 s]"},
     "runtime_env_agent cannot start: No module named 'aiohttp'"},
    {{"  File \"/opt/ray/scripts.py\", line 1, in start", "SomethingError: of a kind nobody has seen"},
     "SomethingError: of a kind nobody has seen"},
};

} // namespace

TEST(RayCauses, tells_the_cause_from_each_recorded_log) {
    for (const auto& [log, cause] : recorded) EXPECT_EQ(explain_ray(head, log), cause) << log.back();
}

TEST(RayCauses, says_nothing_when_the_log_does_not_tell) {
    EXPECT_EQ(explain_ray(head, {}), "");
    EXPECT_EQ(explain_ray(head, {"Ray runtime started.", "the user's port is in use"}), "");
}

TEST(RayCauses, has_no_opinion_on_the_users_own_process) {
    EXPECT_EQ(explain_ray({.id = "driver", .role = Role::driver}, {"OSError: No space left on device"}), "");
}

TEST(RayCauses, bears_a_line_of_a_megabyte) {
    EXPECT_EQ(explain_ray(head, {std::string(1 << 20, 'x'), std::string(1 << 20, '[')}), "");
}
