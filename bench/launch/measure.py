"""What Railhead adds to the start of a program: against srun, mpirun and torchrun as one types them, on the same cluster and in turn."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from sandbox.cluster import Cluster, Wanted
from sandbox.host import SandboxError
from sandbox.layers import TORCH_SUITES
from sandbox.testing import TestCluster

HERE = Path(__file__).parent
SIZES = (4, 32, 128)
TORCH_NODES = 4


@contextlib.contextmanager
def cluster_of(suite: str, nodes: int, **layers: bool) -> Iterator[TestCluster]:
    cluster = Cluster("bench-launch")
    cluster.down()
    cluster.up(Wanted(suite, nodes=nodes, **layers))
    try:
        yield TestCluster(cluster)
    finally:
        cluster.down()


def output_of(test: TestCluster, script: str, nodes: int, rounds: int, **environment: str) -> str:
    """What a batch job over so many nodes has printed."""
    test.put("allreduce.py", (HERE / "allreduce.py").read_text())
    for program in ("ray", "python3"):
        test.put(f"standin/{program}", (HERE / "standin" / program).read_text(), mode=0o755)
    job = test.submit((HERE / script).read_text(), f"--nodes={nodes}", "--partition=gpu", "--gpus-per-node=1", "--time=30",
                      environment={"BENCH_ROUNDS": str(rounds), **environment})
    state = job.wait(1500)
    if not job.output.rstrip().endswith("all is done"):
        raise SandboxError(f"{script} on {nodes} nodes ended as {state}; it said:\n{job.output[-3000:]}")
    return job.output


def rpcs_of_alice(test: TestCluster) -> int:
    """Requests of this user that slurmctld has served since its start."""
    said = test.run("ctl", "sdiag", check=True).out
    found = re.search(r"^\s*alice\s*\(\s*\d+\)\s*count:(\d+)", said, re.M)
    return int(found[1]) if found else 0


def rpcs(test: TestCluster, nodes: int) -> dict[str, int]:
    """Of one `true` on every node in a job of its own: what the batch job itself takes is in both."""
    found = {}
    for way, command in (("srun", "srun --ntasks-per-node=1 true"), ("railhead", "railhead run --per-node 1 -- true")):
        before = rpcs_of_alice(test)
        job = test.submit(f"{command}\n", f"--nodes={nodes}", "--partition=gpu", "--gpus-per-node=1", "--time=5")
        job.wait(300)
        found[way] = rpcs_of_alice(test) - before
    return found


def medians(output: str) -> dict[str, float]:
    seconds = defaultdict(list)
    for way, nanoseconds in re.findall(r"^(srun|railhead|mpirun) (\d+)$", output, re.M):
        seconds[way].append(int(nanoseconds) / 1e9)
    return {way: round(statistics.median(values), 3) for way, values in seconds.items()}


def torch_medians(output: str) -> dict[str, float]:
    seconds = defaultdict(list)
    begin = 0.0
    for found in re.finditer(r"^(begin) ([\d.]+)$|^(\w+) reduced ([\d.]+)", output, re.M):
        if found[1]:
            begin = float(found[2])
        else:
            seconds[found[3]].append(float(found[4]) - begin)
    return {way: round(statistics.median(values), 2) for way, values in seconds.items()}


def run(options: argparse.Namespace) -> int:
    true_s: dict[str, dict[str, float]] = {}
    standin_s: dict[str, float] = {}
    requests: dict[str, dict[str, int]] = {}
    about = {}
    for nodes in options.sizes:
        with cluster_of(options.suite, nodes, mpi=True, ray=False) as test:
            about = {name: test.run("node1", *command.split(), user="alice").out.strip().split("\n")[0]
                     for name, command in (("railhead", "railhead --version"), ("slurm", "sinfo --version"), ("mpirun", "mpirun --version"))}
            output_of(test, "times.sh", nodes, 1)  # the first of all reads every program from disk
            true_s[str(nodes)] = medians(output_of(test, "times.sh", nodes, options.rounds))
            requests[str(nodes)] = rpcs(test, nodes)
            standin_s |= {str(nodes): seconds for seconds in medians(output_of(test, "ray.sh", nodes, options.rounds)).values()}
            print(f"true on {nodes} nodes: {true_s[str(nodes)]}; ray with a stand-in for Ray: {standin_s[str(nodes)]}; "
                  f"requests to slurmctld: {requests[str(nodes)]}", flush=True)
    torch_s: dict[str, float] = {}
    if options.suite in TORCH_SUITES:
        with cluster_of(options.suite, TORCH_NODES, torch=True) as test:
            torch_s = torch_medians(output_of(test, "torch.sh", TORCH_NODES, options.rounds))
            print(f"torchrun on {TORCH_NODES} nodes to the first all-reduce: {torch_s}", flush=True)
    print(", ".join(f"{name} {value}" for name, value in about.items()), f"kernel {platform.release()}, {os.cpu_count()} CPUs, medians of {options.rounds}")
    if options.json:
        print(json.dumps({"torchrun_s": torch_s, "true_s": true_s, "ray_standin_s": standin_s, "rpcs": requests, "versions": about}))
    return 0
