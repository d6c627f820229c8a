"""Nodes of the sandbox are real enough: GPUs, limits, users, faults."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time

import pytest

from sandbox import host
from submits import wait_until

CLI = str(host.CHECKOUT / "sandbox/cluster")


@pytest.mark.everywhere
def test_gpus_are_visible_as_allocated(cluster):
    done = cluster.alice("srun", "-N4", "--gpus-per-node=2", "sh", "-c", "echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES")
    assert sorted(done.out.splitlines()) == [f"node{i} 0,1" for i in (1, 2, 3, 4)], done.err
    done = cluster.alice("srun", "-p", "a100", "--gpus=a100:4", "printenv", "CUDA_VISIBLE_DEVICES")
    assert done.out.strip() == "0,1,2,3", done.err


def real_cgroups(cluster):
    if cluster.cluster.groups().kind == "off":
        pytest.skip("this machine gives nodes no cgroups")


def test_gpus_of_others_cannot_be_opened(cluster):
    real_cgroups(cluster)
    done = cluster.alice("srun", "--gpus=2", "sh", "-c", "cat /dev/nvidia1 /dev/nvidia2")
    assert "nvidia1: No such device" in done.text, "an allocated device may be opened; there is no driver behind it"
    assert "nvidia2: Operation not permitted" in done.text


@pytest.mark.everywhere
def test_oom_kill_is_real(cluster):
    real_cgroups(cluster)
    job = cluster.submit("python3 -c 'x = b\"x\" * 600_000_000'", "--mem=100M")
    assert job.wait() == "OUT_OF_MEMORY"


def test_exec_passes_input_and_exit_code(cluster):
    done = cluster.run("node1", "sh", "-c", "cat; echo no >&2; exit 7", input="hello\n")
    assert (done.code, done.out, done.err) == (7, "hello\n", "no\n")
    assert cluster.run("node1", "sh", "-c", "kill -9 $$").code == 137
    missing = cluster.run("node1", "no-such-program")
    assert missing.code == 127 and "no-such-program: No such file" in missing.err


def test_exec_runs_as_the_user_at_home(cluster):
    done = cluster.run("node2", "sh", "-c", "id -un; pwd; echo $HOME; hostname; stat -c %U /shared/home/bob", user="bob")
    assert done.out.split() == ["bob", "/shared/home/bob", "/shared/home/bob", "node2", "bob"]


def test_exec_gives_a_terminal_to_a_terminal(cluster):
    pid, master = pty.fork()
    if pid == 0:
        words = ["exec", "--name", cluster.cluster.name, "--user", "alice", "node1", "--", "sh", "-c", "tty; stty size; read x; echo got $x"]
        os.execv(CLI, [CLI, *words])
    os.write(master, b"word\r")
    said = b""
    while True:
        try:
            said += os.read(master, 1000)
        except OSError:
            break
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert b"/dev/pts/" in said and b"got word" in said


def test_signal_to_exec_reaches_the_program(cluster):
    process = cluster.start("node1", "sh", "-c", "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 5
    assert "caught" in process.stdout.read()


def test_nodes_share_only_the_shared_folder(cluster):
    cluster.run("node1", "sh", "-c", "echo x > /tmp/mine; echo x > /dev/shm/mine; echo x > /shared/ours; echo x > /run/mine", check=True)
    try:
        done = cluster.run("node2", "sh", "-c", "ls /tmp /dev/shm; ls /run/mine; cat /shared/ours")
        assert done.out.split() == ["/dev/shm:", "/tmp:", "x"]
    finally:
        cluster.run("node1", "rm", "/tmp/mine", "/dev/shm/mine", "/shared/ours", "/run/mine", check=True)


def test_nodes_reach_each_other_over_both_ip_versions(cluster):
    serve = "import socket; s = socket.create_server(('{}', 0), family={}); print(s.getsockname()[1], flush=True); s.accept()[0].sendall(b'here')"
    for address, family in (("10.99.0.3", "2"), ("fd99::3", "10")):
        server = cluster.start("node1", "python3", "-c", serve.format(address, family))
        port = int(server.stdout.readline())
        ask = f"import socket; print(socket.create_connection(('{address}', {port}), 5).recv(9).decode())"
        assert cluster.run("node4", "python3", "-c", ask).out.strip() == "here"
        assert server.wait(10) == 0


def test_node_has_no_headers_or_compiler(cluster):
    done = cluster.run("node1", "sh", "-c", "ls /usr/include/slurm /usr/bin/g++ /usr/bin/pip3 2>&1; ldconfig -p | grep -c 'libslurm.so'")
    assert done.text.count("No such file") == 3 and done.text.strip().endswith("0")


@pytest.mark.suites("trixie", "sid")
def test_container_of_slurm_runs_a_program(cluster):
    script = """
    mkdir -p root/bin root/lib64 root/lib/x86_64-linux-gnu root/proc root/dev root/tmp
    cp /bin/echo root/bin/; cp /lib64/ld-linux-x86-64.so.2 root/lib64/
    cp /lib/x86_64-linux-gnu/libc.so.6 root/lib/x86_64-linux-gnu/
    srun -N2 --container=$PWD/root /bin/echo inside
    """
    job = cluster.submit(script, "-N2")
    assert job.wait() == "COMPLETED", job.output
    assert job.output.split() == ["inside", "inside"]


def test_job_leaves_are_seen(cluster):
    """The look for leftovers itself: what a job leaves is named."""
    cluster.run("node1", "sh", "-c", "touch /tmp/left /dev/shm/left; setsid sleep 300 >/dev/null 2>&1 &", user="alice", check=True)
    serve = "import socket,time; s = socket.socket(socket.AF_UNIX); s.bind('\\0left'); s.listen(); t = socket.create_server(('', 7000)); print(1, flush=True); time.sleep(60)"
    server = cluster.start("node3", "python3", "-c", serve)
    server.stdout.readline()
    left = ["node1: /tmp/left of alice", "node1: /dev/shm/left of alice", "of alice (S): sleep 300",
            "node3: abstract socket @left", "node3: listener on tcp port 7000"]

    def all_are_named():
        found = "\n".join(cluster.leftovers())
        return all(what in found for what in left)

    wait_until(f"all of {left} are named", all_are_named)  # a shell may still be on its way to its `sleep`
    cluster.sweep()
    assert cluster.nothing_left(5) == []


def test_killed_node_is_gone_and_comes_back(cluster):
    job = cluster.submit("echo begun; sleep 300", "-w", "node3")
    job.wait_for("begun")
    cluster.kill("node3")
    assert "node3 is not running" in cluster.run("node3", "true").err
    assert "node3 is not running" in cluster.leftovers()
    cluster.heal("node3")
    assert cluster.run("node3", "hostname").out.strip() == "node3"
    assert job.wait(60) in ("NODE_FAIL", "FAILED", "CANCELLED"), job.facts


def test_killed_controller_comes_back_with_its_jobs(cluster):
    job = cluster.submit("echo begun; until [ -e go ]; do sleep 0.2; done; echo over", "-w", "node2")
    job.wait_for("begun")
    begun = time.time()
    # A change of its own: the save of the job's start may have been a moment ago.
    cluster.run("ctl", "scontrol", "update", f"jobid={job.number}", "comment=saved", check=True)
    state = cluster.cluster.places.node("ctl") / "upper/var/lib/slurm/slurmctld/job_state"
    while not state.exists() or state.stat().st_mtime < begun:  # slurmctld writes it some seconds later
        assert time.time() < begun + 60, "slurmctld does not save its state"
        time.sleep(0.2)
    cluster.kill("ctl")
    cluster.heal("ctl")
    cluster.put(f"{job.folder}/go", "")
    assert job.wait(60) == "COMPLETED"
    assert job.output.split() == ["begun", "over"]


def test_frozen_node_is_silent_and_goes_on(cluster):
    job = cluster.submit("for i in $(seq 60); do echo $i; sleep 0.1; done", "-w", "node2")
    job.wait_for("^5$")
    cluster.freeze("node2")
    time.sleep(0.3)
    before = job.output
    assert "node2 is frozen" in cluster.run("node2", "true").err
    time.sleep(1)
    assert job.output == before
    cluster.thaw("node2")
    assert job.wait(30) == "COMPLETED"


def test_cut_node_is_out_of_reach_until_healed(cluster):
    reach = ["python3", "-c", "import socket; socket.create_connection(('node2', 6818), 2)"]
    assert cluster.run("node1", *reach).code == 0
    cluster.cut("node2")
    assert "timed out" in (said := cluster.run("node1", *reach).err) or "No route to host" in said
    assert "cut" in subprocess.run([CLI, "status", "--name", cluster.cluster.name], text=True, capture_output=True, check=True).stdout
    cluster.heal("node2")
    assert cluster.run("node1", *reach).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["freeze", "cut"])
def test_twenty_seconds_of_silence_harm_no_job(cluster, fault):
    job = cluster.submit("srun -N2 sh -c 'echo begun; sleep 24'", "-N2", "-w", "node[3-4]")
    job.wait_for("begun\nbegun")
    getattr(cluster, fault)("node4")
    time.sleep(20)
    cluster.heal("node4")
    assert job.wait(60) == "COMPLETED", job.output
