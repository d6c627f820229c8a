"""Nodes are looked at, by a command of its own and before a launch; the sandbox's nodes have no GPUs and adapters that the kernel shows."""

import contextlib
import json
import subprocess

import pytest
from sandbox.node import read_pid

SMALL = "/run/small"  # of 256 MiB, less than a folder for temporary files should have free
NODES = ("node1", "node2")


@contextlib.contextmanager
def another_mtu(cluster, node):
    words = ["nsenter", "-t", str(read_pid(cluster.cluster.places, node)), "-n", "ip", "link", "set", "eth0", "mtu"]
    before = subprocess.run([*words[:4], "cat", "/sys/class/net/eth0/mtu"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    subprocess.run([*words, "1400"], check=True)
    try:
        yield
    finally:
        subprocess.run([*words, before], check=True)


@pytest.fixture(autouse=True)
def small(cluster):
    for node in NODES:
        cluster.run(node, "mkdir", "-m", "1777", SMALL, check=True)
    yield
    for node in NODES:
        cluster.run(node, "rmdir", SMALL, check=True)


def small_room(cluster, *options, code):
    command = f"TMPDIR={SMALL} railhead run --per-node 1 {' '.join(options)} -- touch ran"
    done = cluster.alice("salloc", "-Q", "-N2", "-wnode1,node2", "sh", "-c", command, timeout=60)
    assert done.code == code, done.text
    return done.err


def test_each_node_says_what_it_looked_at(cluster):
    done = cluster.alice("srun", "-Q", "-N2", "-wnode1,node2", "--ntasks-per-node=1", "sh", "-c", f"TMPDIR={SMALL} railhead check node", timeout=60)
    assert done.code != 0
    for node in NODES:
        assert f"{node}: 0 GPUs, 0 RDMA ports (0 ACTIVE), 0 remote file systems\n" in done.out
        assert f"error: {node}: {SMALL} has 255 MiB free of 256 MiB; remove what earlier jobs have left there" in done.out


def test_what_is_wrong_with_several_nodes_is_said_once_and_is_in_the_report(cluster):
    said = small_room(cluster, "--check", "warn", "--report", "looked.json", code=0)
    assert f"warning: node[1-2]: {SMALL} has 255 MiB free of 256 MiB; " in said
    assert said.count(SMALL) == 1
    assert (cluster.home() / "ran").exists()
    report = json.loads((cluster.home() / "looked.json").read_text())
    assert "node-temporary-room" in [finding["id"] for finding in report["findings"]]


def test_enforce_starts_nothing_on_a_node_with_an_error(cluster):
    (cluster.home() / "ran").unlink(missing_ok=True)
    said = small_room(cluster, "--check", "enforce", code=101)
    assert f"node[1-2]: {SMALL} has 255 MiB free of 256 MiB; remove what earlier jobs have left there" in said
    assert "or start nevertheless with --check warn" in said
    assert not (cluster.home() / "ran").exists()


def test_without_it_nothing_is_looked_at(cluster):
    assert SMALL not in small_room(cluster, code=0)


def test_the_node_that_differs_from_most_is_named(cluster):
    with another_mtu(cluster, "node3"):
        done = cluster.alice("salloc", "-Q", "-N3", "-wnode1,node2,node3", "railhead", "run", "--per-node", "1", "--check", "warn", "--", "true", timeout=60)
    assert done.code == 0, done.text
    assert "warning: node3: MTU of eth0 is 1400 (expected " in done.err
    assert ", as on 2 of 3 nodes)" in done.err
