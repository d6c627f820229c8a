"""A Ray cluster that cannot come up says so at once, in one sentence that names the node."""

import contextlib

import pytest
from ray_jobs import TWO, UP, ray

SOON = 120  # seconds on a busy machine; the bring-up time-out is 180


@contextlib.contextmanager
def changed(cluster, node, change, back):
    """A fault on one node, and the way back."""
    cluster.run(node, "sh", "-ec", change, check=True)
    try:
        yield
    finally:
        cluster.run(node, "sh", "-ec", back, check=True)


def refusal(cluster, code=101, options=""):
    job = cluster.submit(ray("true", options) + "echo code $?\n", "-wnode1,node2")
    job.wait(SOON)
    assert f"code {code}" in job.output, job.output
    assert "driver started" not in job.output
    return job.output


def test_no_ray_on_a_node(cluster):
    program = cluster.run("node2", "sh", "-c", "command -v ray", check=True).out.strip()
    with changed(cluster, "node2", f"mv {program} {program}.off", f"mv {program}.off {program}"):
        said = refusal(cluster)
    assert "node2: ray is not on PATH" in said, said
    assert "install Ray there, load its module or activate its environment in the job script, or give --ray PATH" in said


def test_another_version_on_a_node(cluster):
    metadata = "$(echo /usr/local/lib/python3*/dist-packages/ray-*.dist-info/METADATA)"
    with changed(cluster, "node2", f"f={metadata}; cp $f $f.kept; sed -i 's/^Version: .*/Version: 2.59.1/' $f", f"f={metadata}; mv $f.kept $f"):
        said = refusal(cluster)
    assert "is Ray 2.59.1 with Python 3." in said and "as on node1" in said, said


def test_a_full_tmp(cluster):
    with changed(cluster, "node2", "mount -t tmpfs -o size=20m,mode=1777 tmpfs /tmp", "umount /tmp"):
        said = refusal(cluster)
    assert "node2: /tmp/rh-" in said and "MiB of free space (expected at least 100 MiB for Ray's logs)" in said, said


def test_a_low_limit_of_open_files(cluster):
    cluster.run("node2", "sh", "-ec", "prlimit --pid $(pgrep -o -f ^slurmd) --nofile=512:512", check=True)
    said = refusal(cluster)
    cluster.kill("node2")  # a hard limit is not raised again: the fixture starts the node anew
    assert "node2: the limit of open files (ulimit -Hn) is 512 (expected at least 1024 for 4 CPUs)" in said, said


def test_a_port_that_is_taken(cluster):
    listener = cluster.start("node1", "python3", "-c", "import socket, time; s = socket.create_server(('', 26001)); print('up', flush=True); time.sleep(300)")
    assert listener.stdout.readline() == "up\n"
    said = refusal(cluster, 102, "--head-ray-arg=--port=26001")
    listener.kill()
    assert "port 26001 is in use on that node" in said, said


def test_an_object_store_that_ray_would_refuse(cluster):
    said = refusal(cluster, options="--object-store=1000")
    assert "the object store that was asked for is 1000 bytes (expected at least 75 MiB" in said, said


def test_an_argument_that_ray_does_not_know(cluster):
    said = refusal(cluster, 102, "--worker-ray-arg=--no-such-option")
    assert "worker.node2 on node2 ended with exit code 2: ray start says: No such option '--no-such-option'" in said, said


@pytest.mark.parametrize(("program", "answer"), [("/bin/true", 'says "true '), ("/bin/pwd", 'says "pwd '), ("/bin/dash", "says nothing")])
def test_a_program_that_is_no_ray(cluster, program, answer):
    said = refusal(cluster, 101, f"--ray {program}")
    assert f"node1 (also node2): {program} {answer}" in said and "to --version, not that it is version " in said, said


@pytest.mark.parametrize(("limit", "said_of_it"), [("-f 10", "a file's size (ulimit -f) is 10 KiB (expected at least "), ("-v 400000", "address space (ulimit -v) is 400000 KiB (expected none, or at least ")])
def test_a_limit_of_the_shell_that_ray_does_not_bear(cluster, limit, said_of_it):
    job = cluster.submit(ray("true", header=TWO + f"ulimit {limit}\n"))
    job.wait(UP)
    assert f"node1 (also node2): the limit of {said_of_it}" in job.output, job.output


def test_a_ray_that_hangs_on_a_node(cluster):
    cluster.put("stuck/ray", "#!/bin/sh\n[ $(uname -n) != node2 ] || exec sleep 1000\nexec ray \"$@\"\n", mode=0o755)
    said = refusal(cluster, 101, "--bringup-timeout 25 --ray /shared/home/alice/stuck/ray")
    assert "node2: /shared/home/alice/stuck/ray does not say within 10 s that it is version" in said, said


@pytest.mark.slow
def test_a_node_that_does_not_join_in_time(cluster):
    cluster.put("slow/sitecustomize.py", "import os, time\nif os.uname().nodename == 'node2':\n    time.sleep(200)\n")
    said = refusal(cluster, 103, "--bringup-timeout 60 --env PYTHONPATH=/shared/home/alice/slow")
    assert "bring-up did not end within 60 s: still missing worker.node2 on node2 (raylet, up); raise --bringup-timeout if the nodes are slow" in said, said
