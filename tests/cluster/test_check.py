"""Nodes are looked at, by a command of its own and before a launch; the sandbox's nodes have no GPUs and adapters that the kernel shows."""

import contextlib
import json
import re
import subprocess

import pytest
from sandbox.node import read_pid

from tests import schema

SMALL = "/run/small"  # of 256 MiB, less than a folder for temporary files should have free
NODES = ("node1", "node2")


def in_network_of(cluster, node, *words):
    done = subprocess.run(["nsenter", "-t", str(read_pid(cluster.cluster.places, node)), "-n", *words], check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout


@contextlib.contextmanager
def another_mtu(cluster, node):
    before = re.search(r" mtu (\d+) ", in_network_of(cluster, node, "ip", "-o", "link", "show", "eth0"))[1]
    in_network_of(cluster, node, "ip", "link", "set", "eth0", "mtu", "1400")
    try:
        yield
    finally:
        in_network_of(cluster, node, "ip", "link", "set", "eth0", "mtu", before)


@contextlib.contextmanager
def apart(cluster, node, *others):
    """The node sends nothing to the others."""
    routes = []
    for other in others:
        address = in_network_of(cluster, other, "ip", "-4", "-o", "addr", "show", "eth0").split()[3].partition("/")[0]
        routes.append(address + "/32")
    for route in routes:
        in_network_of(cluster, node, "ip", "route", "add", "unreachable", route)
    try:
        yield
    finally:
        for route in routes:
            in_network_of(cluster, node, "ip", "route", "del", "unreachable", route)


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


def looked(cluster, *words, code):
    done = cluster.alice("salloc", "-Q", "-N3", "-wnode[1-3]", "railhead", "check", "nodes", *words, timeout=60)
    assert done.code == code, done.text
    return done


def test_all_nodes_of_a_job_are_looked_at_and_reach_each_other(cluster):
    said = json.loads(looked(cluster, "--json", code=1).out)
    schema.check(said, "check")
    assert not schema.undocumented(said, "check")
    assert said["nodes"] == ["node1", "node2", "node3"] and said["connects"] == 6
    assert [(finding["id"], finding["where"]) for finding in said["findings"]] == [("clock", "node[1-3]")], "what the sandbox's machine has"
    assert "3 nodes looked at in " in looked(cluster, code=1).out


def test_two_nodes_that_do_not_reach_each_other_are_named(cluster):
    with apart(cluster, "node1", "node2"):
        said = looked(cluster, code=1).out
    assert re.search(r"error: node1: node2 at [\d.]+ cannot be reached: No route to host; look at routes and firewalls between both \[nodes-apart\]", said), said
    assert re.search(r"error: node2: node1 at [\d.]+ cannot be reached: Connection timed out", said), said


def test_a_node_that_reaches_no_other_is_named_once(cluster):
    with apart(cluster, "node3", "node1", "node2"):
        said = looked(cluster, code=1).out
    assert len(re.findall("error: node3: ", said)) == 1 and "of 2 nodes" in said, said
    assert "error: node1" not in said and "error: node2" not in said, said


def test_it_wants_a_job(cluster):
    done = cluster.alice("railhead", "check", "nodes")
    assert done.code == 100 and "job" in done.err and len(done.err.splitlines()) == 1, done.text


def test_a_node_that_slurm_cannot_start_is_named_and_not_waited_for(cluster):
    cluster.run("node2", "mv", "/usr/bin/railhead", "/usr/bin/railhead.away", check=True)
    try:
        done = cluster.alice("salloc", "-Q", "-N2", "-wnode[1-2]", "railhead", "check", "nodes", timeout=60)
    finally:
        cluster.run("node2", "mv", "/usr/bin/railhead.away", "/usr/bin/railhead", check=True)
    assert (done.code, "node2" in done.err) == (102, True) or done.code == 1, done.text
