"""The sandbox itself: clusters come up, take every kind of harm, and leave nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import cgroups, host
from sandbox.cluster import STATE, Cluster
from sandbox.state import process_roots

CLI = [sys.executable, "-m", "sandbox.cluster_cli"]


def call(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(host.CHECKOUT)}
    return subprocess.run([*CLI, *arguments], env=environment, text=True, capture_output=True, timeout=timeout, check=False)


def links() -> str:
    return subprocess.run(["ip", "-o", "link"], text=True, capture_output=True, check=True).stdout


def remains(name: str) -> list[str]:
    """Every trace of a cluster on this machine."""
    place = str(STATE / name)
    found = [f"process {pid}" for pid, table in process_roots() if f"upperdir={place}/" in table]
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if place in line]
    found += [str(folder) for folder in cgroups.leftovers(name)]
    found += [line for line in Path("/proc/net/unix").read_text().splitlines() if line.endswith(f"@railhead-sandbox/{name}")]
    return found + ([place] if os.path.lexists(place) else [])


def begin_up(name: str, suite: str) -> subprocess.Popen[str]:
    """An `up` that has begun and, with so many nodes, is far from its end."""
    environment = {**os.environ, "PYTHONPATH": str(host.CHECKOUT)}
    # A shell starts what runs in its background with SIGINT ignored, and so may we have been.
    up = subprocess.Popen([*CLI, "up", "--suite", suite, "--nodes", "24", "--name", name], env=environment, stderr=subprocess.PIPE, text=True,
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    deadline = time.monotonic() + 30
    while not (STATE / name / "cluster.json").exists():
        assert up.poll() is None and time.monotonic() < deadline, up.communicate()[1]
        time.sleep(0.02)
    return up


@pytest.fixture
def own(suite):
    """The name of a cluster that the test makes itself; whatever happens, it is gone afterwards."""
    names = [f"own-{suite}-{os.getpid()}", f"own2-{suite}-{os.getpid()}"]
    before = links()
    yield names
    for name in names:
        call("down", "--name", name)
    assert not [trace for name in names for trace in remains(name)]
    assert links() == before, "the host's own network has changed"


def test_up_says_each_phase_and_down_leaves_nothing(own, suite):
    before = links()
    up = call("up", "--suite", suite, "--nodes", "2", "--name", own[0])
    assert up.returncode == 0, up.stderr
    assert re.search(r"all nodes idle: [\d.]+ s", up.stderr)
    assert links() == before, "the cluster shows in the host's network"
    status = call("status", "--name", own[0])
    assert re.search(r"node2 .* up .* h100:8 .*idle", status.stdout)
    again = call("up", "--suite", suite, "--nodes", "2", "--name", own[0])
    assert again.returncode == 0 and f"{own[0]} is up already" in again.stderr
    other = call("up", "--suite", suite, "--nodes", "3", "--name", own[0])
    assert other.returncode == 1 and f"other settings (--suite {suite} --nodes 2 --cgroups auto)" in other.stderr
    down = call("down", "--name", own[0])
    assert down.returncode == 0, down.stderr
    assert not remains(own[0])
    assert "was not there" in call("down", "--name", own[0]).stderr


@pytest.mark.parametrize("delay", [0.15, 0.35, 0.6, 1.0, 1.6])
def test_up_killed_midway_leaves_nothing_after_down(own, suite, delay):
    environment = {**os.environ, "PYTHONPATH": str(host.CHECKOUT)}
    up = subprocess.Popen([*CLI, "up", "--suite", suite, "--name", own[0]], env=environment, stderr=subprocess.DEVNULL)
    time.sleep(delay)
    up.send_signal(signal.SIGKILL)
    up.wait()
    assert call("down", "--name", own[0]).returncode == 0
    assert not remains(own[0])


def test_up_after_a_killed_up_begins_anew(own, suite):
    environment = {**os.environ, "PYTHONPATH": str(host.CHECKOUT)}
    up = subprocess.Popen([*CLI, "up", "--suite", suite, "--name", own[0]], env=environment, stderr=subprocess.DEVNULL)
    time.sleep(0.7)
    up.send_signal(signal.SIGKILL)
    up.wait()
    done = call("up", "--suite", suite, "--name", own[0])
    assert done.returncode == 0, done.stderr


def test_down_wins_over_an_up_at_work(own, suite):
    up = begin_up(own[0], suite)
    assert call("down", "--name", own[0]).returncode == 0
    _, said = up.communicate(timeout=30)
    assert up.returncode == 130, said
    assert not remains(own[0])


def test_interrupted_up_takes_away_what_it_began(own, suite):
    up = begin_up(own[0], suite)
    up.send_signal(signal.SIGINT)
    _, said = up.communicate(timeout=30)
    assert up.returncode == 130 and "interrupted" in said
    assert not remains(own[0])


def test_two_clusters_side_by_side_do_not_meet(own, suite):
    for name in own:
        assert call("up", "--suite", suite, "--nodes", "1", "--name", name).returncode == 0
    for name in own:
        done = call("exec", "--name", name, "--user", "alice", "login", "--", "sh", "-c", "echo $0 > ~/mine; srun hostname", name)
        assert done.stdout.strip() == "node1", done.stderr
    for name in own:
        assert call("exec", "--name", name, "--user", "alice", "node1", "--", "cat", "mine").stdout.strip() == name
    assert call("down", "--name", own[0]).returncode == 0
    assert call("exec", "--name", own[1], "--user", "alice", "login", "--", "srun", "hostname").stdout.strip() == "node1"


def test_failed_up_shows_the_log_and_leaves_nothing(own, suite, monkeypatch):
    from sandbox import slurmconf
    from sandbox.cluster import Wanted

    good = slurmconf.slurm_conf
    monkeypatch.setattr(slurmconf, "slurm_conf", lambda shape: good(shape) + "NoSuchOption=1\n")
    with pytest.raises(host.SandboxError) as caught:
        Cluster(own[0]).up(Wanted(suite, 1))
    assert "NoSuchOption" in str(caught.value)
    assert not remains(own[0])


@pytest.mark.slow
def test_128_nodes_come_up_and_run_a_job(own, suite):
    up = call("up", "--suite", suite, "--nodes", "128", "--name", own[0], timeout=180)
    assert up.returncode == 0, up.stderr
    # All of them at once, more than once: the machine's kernel must hold so many neighbours, also beside other clusters.
    for _ in range(3):
        done = call("exec", "--name", own[0], "--user", "alice", "login", "--", "srun", "-N128", "hostname")
        assert sorted(done.stdout.split()) == sorted(f"node{i}" for i in range(1, 129)), done.stderr


def test_exec_says_what_it_cannot_do_and_heal_waits_for_slurmctld(own, suite):
    assert call("up", "--suite", suite, "--nodes", "1", "--name", own[0]).returncode == 0
    lost = call("exec", "--name", own[0], "--chdir", "/nonexist", "node1", "--", "pwd")
    assert (lost.returncode, lost.stdout) == (2, "")
    assert lost.stderr == "sandbox/cluster: --chdir /nonexist: No such file or directory\n"
    assert call("exec", "--name", own[0], "--chdir", "/usr", "node1", "--", "pwd").stdout == "/usr\n"
    bare = call("exec", "--name", own[0], "--env", "FOO", "node1", "--", "true")
    assert bare.returncode == 2 and "--env is NAME=VALUE, but this is 'FOO'." in bare.stderr
    assert call("kill", "--name", own[0], "ctl").returncode == 0
    assert call("heal", "--name", own[0], "ctl").returncode == 0
    assert "UP" in call("exec", "--name", own[0], "ctl", "--", "scontrol", "ping").stdout


def test_demo_leaves_a_running_cluster_alone(own, suite):
    assert call("up", "--suite", suite, "--nodes", "1", "--name", own[0]).returncode == 0
    demo = subprocess.run([str(host.CHECKOUT / "sandbox/demo"), "--name", own[0]], text=True, capture_output=True, timeout=60, check=False)
    assert demo.returncode == 1
    assert f"The cluster {own[0]} is up, and the demo makes its own: `sandbox/cluster down --name {own[0]}` takes it down." in demo.stderr
    assert call("status", "--name", own[0]).returncode == 0


def test_wrong_names_are_refused_in_a_sentence(own):
    assert "is not up" in call("exec", "--name", own[0], "node1", "--", "true").stderr
    refused = call("up", "--name", "no/good")
    assert refused.returncode == 2 and "letters, digits" in refused.stderr


def test_unprivileged_user_is_told_to_use_sudo():
    done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "/usr/bin/python3", "-m", "sandbox.cluster_cli", "up"], text=True,
                          capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(host.CHECKOUT)}, cwd="/")
    assert done.returncode == 2
    assert done.stderr.strip().endswith("use sudo.") and len(done.stderr.strip().splitlines()) == 1
