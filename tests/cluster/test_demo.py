"""The README's first command, as a person types it; on a machine where its parts are built already."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from sandbox import host

# The demo with a cluster that is a file, which is there until it is taken down. It talks until it is ended.
FAKED = """
import pathlib, sys, time
from sandbox import demo
class Cluster:
    def __init__(self, name): self.file = pathlib.Path(name)
    def is_up(self): return False
    def down(self): self.file.unlink()
def set_up(suite, cluster):
    cluster.file.touch()
    while True:
        demo.show("a line")
        time.sleep(0.01)
demo.Cluster, demo.set_up, demo.host.require_host = Cluster, set_up, lambda: None
sys.exit(demo.main())
"""


@pytest.fixture
def faked(tmp_path):
    """Starts the faked demo, and waits until it talks."""
    started = []

    def start(**streams):
        command = [sys.executable, "-c", FAKED, "--name", str(tmp_path / "up")]
        process = subprocess.Popen(command, cwd=host.CHECKOUT, stderr=subprocess.PIPE, start_new_session=True, **streams)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(process):
    said = process.communicate(timeout=20)[1].decode()
    return process.returncode, said


def test_the_demo_takes_its_cluster_down_when_nobody_reads_it_any_more(faked, tmp_path):
    process = faked(stdout=subprocess.PIPE)
    process.stdout.readline()
    assert (tmp_path / "up").exists()
    process.stdout.close()
    assert ended(process) == (128 + signal.SIGPIPE, "")
    assert not (tmp_path / "up").exists()


def test_the_demo_takes_its_cluster_down_when_its_terminal_goes(faked, tmp_path):
    ours, its = pty.openpty()
    process = faked(stdout=its)
    os.close(its)
    os.read(ours, 10)
    os.close(ours)
    assert ended(process) == (128 + signal.SIGPIPE, "")  # no signal: it is not its controlling terminal
    assert not (tmp_path / "up").exists()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_the_demo_takes_its_cluster_down_at_a_signal(faked, tmp_path, number):
    process = faked(stdout=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal(number)
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGHUP)  # the shell's own, after the terminal's
    code, said = ended(process)
    assert said == "" and code in (128 + number, 128 + signal.SIGHUP)
    assert not (tmp_path / "up").exists()


def test_a_second_demo_of_that_name_leaves_the_first_alone(faked, tmp_path):
    first = faked(stdout=subprocess.PIPE)
    first.stdout.readline()
    second = faked(stdout=subprocess.DEVNULL)
    code, said = ended(second)
    assert code == 1 and re.fullmatch(r"sandbox/demo: Another sandbox/demo with the cluster \S+ is running: give this one another --name\.\n", said), said
    assert first.poll() is None and (tmp_path / "up").exists()


def test_the_demo_shows_the_refusal_the_sweep_and_the_report():
    name = f"demo-{os.getpid()}"
    done = subprocess.run([str(host.CHECKOUT / "sandbox/demo"), "--name", name], text=True, capture_output=True, timeout=400, check=False)
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    refusal = "sbatch: error: railhead: gpu:a100 is not in partition gpu (has h100 x 8 on 4 nodes); try --gpus-per-node=h100:8"
    table = [line for line in said.splitlines() if re.match(r" +0\.\d+ +\d+ +0\.\d+ +[\d.]+  node\d  +\d", line)]
    assert len(table) == 12, said
    best = re.search(r"^best: accuracy 0\.9\d+ with learning rate 0\.\d+ and batch size \d+$", said, re.M)
    used = "work was done on 4 of 4 nodes: node1, node2, node3, node4"
    leaves = "2 leaf groups: leaf1 (node[1-2]), leaf2 (node[3-4])"
    places = [said.find(text) for text in (refusal, best[0] if best else "no best", used, leaves, '"exit_code": 0', "The whole demo took")]
    assert -1 not in places and places == sorted(places), said
    status = subprocess.run([str(host.CHECKOUT / "sandbox/cluster"), "status", "--name", name], text=True, capture_output=True, timeout=60, check=False)
    assert status.returncode != 0, "the demo has left its cluster"
