"""Runs each way to a Ray cluster in turn, several times, and compares medians."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from sandbox.cluster import Cluster, Wanted
from sandbox.host import SandboxError
from sandbox.testing import TestCluster

HERE = Path(__file__).parent
WAYS = ("railhead", "limit", "symmetric", "docs")
WHAT = {
    "railhead": "railhead ray -- driver",
    "limit": "every `ray start` begun when the head's port opens, no dashboard, no supervisor, killed",
    "symmetric": "ray symmetric-run",
    "docs": "slurm-basic.sh of Ray's documentation",
}
NODES = 4
JOB_SECONDS = 300  # more than any way needs


@contextlib.contextmanager
def cluster_for(options: argparse.Namespace) -> Iterator[TestCluster]:
    cluster = Cluster(options.cluster or "bench")
    if options.cluster:
        cluster.require_up()
        yield TestCluster(cluster)
        return
    cluster.down()
    cluster.up(Wanted(options.suite, NODES))
    try:
        yield TestCluster(cluster)
    finally:
        cluster.down()


def measure(test: TestCluster, way: str) -> dict[str, float]:
    """One job; seconds from the first line of its script until the driver starts, and until Slurm calls it over."""
    folder = f"bench-{way}-{time.monotonic_ns()}"
    for path in HERE.iterdir():
        if path.suffix in (".sh", ".py"):
            test.put(f"{folder}/{path.name}", path.read_text())
    inside = f"/shared/home/alice/{folder}"
    text = (HERE / f"{way}.sh").read_text()
    job = test.submit(text, f"--nodes={NODES}", "--gpus-per-node=8", "--ntasks-per-node=1", "--cpus-per-task=16", "--exclusive", "--time=10",
                      name=folder, environment={"BENCH_DIR": inside, "BENCH_NODES": str(NODES)})
    state = job.wait(JOB_SECONDS)
    over = time.time()
    outside = test.home() / folder
    moments = {name: float((outside / name).read_text()) for name in ("begin", "ready") if (outside / name).exists()}
    if "ready" not in moments or f"used {NODES}" not in job.output:
        raise SandboxError(f"{way}: the job ended as {state} without using {NODES} nodes; it said:\n{job.output[-3000:]}")
    test.nothing_left(20)
    test.sweep()  # what others leave must not slow the next
    test.wait_idle(60)
    return {"ready": moments["ready"] - moments["begin"], "whole": over - moments["begin"]}


def versions(test: TestCluster) -> dict[str, str]:
    def said(*command: str) -> str:
        return test.run("node1", *command, user="alice").out.strip()

    ray = said("python3", "-c", "import ray, platform; print(ray.__version__, platform.python_version())").split()
    return {
        "railhead": said("railhead", "--version"), "slurm": said("sinfo", "--version"), "ray": ray[0], "python": ray[1],
        "kernel": platform.release(), "cpus": str(os.cpu_count()), "nodes": str(NODES),
    }


def table(found: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, float]]:
    return {what: {way: round(statistics.median(run[what] for run in runs), 2) for way, runs in found.items() if runs}
            for what in ("ready", "whole")}


def run(options: argparse.Namespace) -> int:
    ways = options.only or list(WAYS)
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    with cluster_for(options) as test:
        about = versions(test)
        print(", ".join(f"{name} {value}" for name, value in about.items()), flush=True)
        for turn in range(options.rounds):
            for way in ways:  # in turn, so that a busy minute hurts all alike
                seconds = measure(test, way)
                found[way].append(seconds)
                print(f"round {turn + 1}: {way:9} ready {seconds['ready']:6.1f} s, whole {seconds['whole']:6.1f} s", flush=True)
    medians = table(found)
    print(f"medians of {options.rounds}; {NODES} nodes, --num-cpus 16 --num-gpus 8 on each:")
    for way in ways:
        print(f"  {way:9} ready {medians['ready'][way]:6.1f} s, whole {medians['whole'][way]:6.1f} s   {WHAT[way]}")
    if options.json:
        print(json.dumps({**medians, "rounds": options.rounds, "versions": about}))
    return 0
