"""What the fault tests of `railhead ray` have in common: a bring-up that waits at a gate, and processes found from the host."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from ray_jobs import TWO, UP, ray
from sandbox.testing import Job, TestCluster

PAIR = TWO + "#SBATCH --mem=4G -w node1,node2\n"
CODE = "code=$?; date +%s.%N > gone; echo code $code\n"
# Ray's interpreter on all nodes; on one of them `ray start` waits until the test lets it go on.
PYTHON = """#!/bin/sh
case "$2" in *.ray_start)
    if [ "$(hostname)" = {node} ]; then
        touch "${{0%/*}}/held"
        while [ ! -e "${{0%/*}}/go" ]; do sleep 0.1; done
    fi ;;
esac
exec python3 "$@"
"""
# (node, what its command line matches) of each process whose death must leave nothing.
SUPERVISOR = ("node1", r"^\S*railhead ray ")
AGENT_OF_WORKER = ("node2", r"^\S*railhead agent")
AGENT_OF_HEAD = ("node1", r"^\S*railhead agent")
GCS = ("node1", r"^\S*/gcs_server ")
RAYLET = ("node1", r"^\S*/raylet/raylet ")
RAY_START = ("node1", r"^\S*python\S* -u \S*/head\.ray_start")


def in_bring_up(cluster: TestCluster, held: str = "node2", options: str = "", header: str = PAIR, command: str = "true") -> Job:
    """A launch whose agents run and whose `ray start` on one node waits at a gate: certainly between the two."""
    folder = f"gate-{time.time_ns()}"  # not monotonic: its digits grow, and the newest is found by name
    cluster.put(f"{folder}/ray", f"#!/shared/home/alice/{folder}/python\n", mode=0o755)
    cluster.put(f"{folder}/python", PYTHON.format(node=held), mode=0o755)
    job = cluster.submit(ray(command, f"--ray /shared/home/alice/{folder}/ray {options}", header) + CODE)
    until(lambda: (cluster.home() / folder / "held").exists(), UP, f"`ray start` on {held}; the job said: {job.output}")
    return job


def running(cluster: TestCluster, command: str = "sleep 300", options: str = "", header: str = PAIR) -> Job:
    """A launch whose driver has started."""
    job = cluster.submit(ray(command, options, header) + CODE)
    job.wait_for("driver started", UP)
    return job


PHASES = {"in bring-up": in_bring_up, "in the run": running}


def until(holds, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Process:
    """A process of a node, by the host's number."""

    pid: int
    words: str

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)


def look(cluster: TestCluster, node: str, pattern: str) -> list[Process]:
    found = []
    for pid in sorted(cluster.cluster.processes(node)):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if re.search(pattern, words):
                found.append(Process(pid, words))
    return found


def find(cluster: TestCluster, node: str, pattern: str, within: float = UP) -> list[Process]:
    """Waits for processes whose command lines match."""
    found: list[Process] = []
    until(lambda: found.extend(look(cluster, node, pattern)) or found, within, f"{pattern} on {node}")
    return found


def kill(cluster: TestCluster, node: str, pattern: str, number: int = signal.SIGKILL) -> None:
    """All of them; one may end with another before its turn comes, as an agent's worker does with its watcher."""
    for process in find(cluster, node, pattern):
        with contextlib.suppress(ProcessLookupError):
            process.kill(number)


def code_of(job: Job) -> int:
    """The exit code of `railhead ray`, once it has ended."""
    return int(re.search(r"^code (\d+)", job.output, re.M)[1])


def left_elsewhere(cluster: TestCluster, hurt: str) -> list[str]:
    """What is left on the nodes that are well. A step's daemon waits for the srun of a node that is gone: that is Slurm's."""
    return [line for line in cluster.leftovers() if not line.startswith(hurt) and "slurmstepd" not in line]
