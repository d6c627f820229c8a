"""What a look at a job's nodes costs against `srun true`, and reading NCCL's logs against `grep -c NET` on the same file."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from bench.launch.measure import cluster_of
from sandbox.host import SandboxError
from sandbox.testing import TestCluster

HERE = Path(__file__).parent
PROGRAM = HERE.parents[1] / "build/release/bin/railhead"
SIZES = (4, 32, 128)
RANKS, CHANNELS = 512, 32  # of the log: eight ranks a node, each channel of a ring told by both of its ends


def seconds_of(test: TestCluster, nodes: int, rounds: int) -> dict[str, float]:
    job = test.submit((HERE / "times.sh").read_text(), f"--nodes={nodes}", "--partition=gpu", "--gpus-per-node=1", "--time=30",
                      environment={"BENCH_ROUNDS": str(rounds)})
    state = job.wait(1500)
    if not job.output.rstrip().endswith("all is done") or "has failed" in job.output:
        raise SandboxError(f"times.sh on {nodes} nodes ended as {state}; it said:\n{job.output[-3000:]}")
    times = defaultdict(list)
    for way, nanoseconds in re.findall(r"^(srun|railhead|node) (\d+)$", job.output, re.M):
        times[way].append(int(nanoseconds) / 1e9)
    return {way: round(statistics.median(values), 3) for way, values in times.items()}


def write_log(path: Path, mib: int) -> None:
    """A job of good rings by NET/IB, again and again as a long job has it, to the wanted size."""
    lines = []
    for rank in range(RANKS):
        host = f"n{rank // 8}:{1000 + rank}:{1000 + rank} [{rank % 8}] NCCL INFO"
        lines += [f"{host} NET/IB : Using [0]mlx5_0:1/IB [1]mlx5_1:1/IB [RO]; OOB eth0:10.0.0.{rank // 8}<0>", f"{host} Using network IB"]
        for channel in range(CHANNELS):
            at = f"Channel {channel:02}/0 :"
            others = (rank + 1) % RANKS, (rank - 1) % RANKS
            if rank % 8 == 7:
                lines.append(f"{host} {at} {rank}[7] -> {others[0]}[0] [send] via NET/IB/{channel % 8}/GDRDMA")
            else:
                lines.append(f"{host} {at} {rank}[{rank % 8}] -> {others[0]}[{rank % 8 + 1}] via P2P/CUMEM")
            if rank % 8 == 0:
                lines.append(f"{host} {at} {others[1]}[7] -> {rank}[0] [receive] via NET/IB/{channel % 8}/GDRDMA")
        lines.append(f"{host} comm 0x55d0 rank {rank} nranks {RANKS} cudaDev {rank % 8} nvmlDev {rank % 8} busId 1b000 commId 0x1 - Init COMPLETE")
    text = "\n".join(lines) + "\n"
    with path.open("w", encoding="utf-8") as file:
        for _ in range(max(1, (mib << 20) // len(text))):
            file.write(text)


def timed(command: str) -> float:
    begin = time.monotonic()
    subprocess.run(["sh", "-c", command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.monotonic() - begin


def log_seconds(mib: int, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "nccl.log"
        write_log(log, mib)
        ways = {"railhead": f"{PROGRAM} check nccl-log {log}", "grep": f"grep -c NET {log} | cat"}
        times = defaultdict(list)
        for command in ways.values():
            timed(command)  # the first reads the file from disk
        for _ in range(rounds):
            for way, command in ways.items():
                times[way].append(timed(command))
    return {way: round(statistics.median(values), 3) for way, values in times.items()}


def run(options: argparse.Namespace) -> int:
    check_s: dict[str, dict[str, float]] = {}
    node_s = 0.0
    about = {}
    for nodes in options.sizes:
        with cluster_of(options.suite, nodes) as test:
            about = {name: test.run("node1", *command.split(), user="alice").out.strip().split("\n")[0]
                     for name, command in (("railhead", "railhead --version"), ("slurm", "sinfo --version"))}
            seconds_of(test, nodes, 1)  # the first of all reads every program from disk
            found = seconds_of(test, nodes, options.rounds)
            node_s = found.pop("node")
            check_s[str(nodes)] = found
            print(f"{nodes} nodes: check nodes {found['railhead']} s, srun true {found['srun']} s, {found['railhead'] / found['srun']:.2f}x; "
                  f"processor time of check node {node_s * 1000:.0f} ms", flush=True)
    log_s = log_seconds(options.mib, options.rounds)
    print(f"{options.mib} MiB of NCCL's log: check nccl-log {log_s['railhead']} s, grep -c NET {log_s['grep']} s, {log_s['railhead'] / log_s['grep']:.2f}x")
    grep = subprocess.run(["grep", "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.split("\n")[0]
    print(", ".join(f"{name} {value}" for name, value in about.items()), f"{grep}, kernel {platform.release()}, {os.cpu_count()} CPUs, medians of {options.rounds}")
    if options.json:
        print(json.dumps({"check_s": check_s, "nccl_log_s": log_s, "node_cpu_s": node_s, "versions": about}))
    return 0
