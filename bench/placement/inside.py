"""The measuring: `python3 -m bench.placement.inside OPTIONS-AS-JSON`, in a build root; the last line of standard output is the result.

A stream of jobs of whole nodes goes to the real scheduler; a job ends (scancel) when it has held its nodes for as long as was drawn.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass

from bench.cloud import AS_USER, LEAF, Controller, prepare, say

SIZES = {1: 40, 2: 15, 4: 15, 8: 10, 16: 8, 32: 6, 64: 4, 128: 2}  # nodes: how often of a hundred
HOLD_SECONDS = (20.0, 100.0)
LOOK_EVERY = 1.0
PATIENCE = 600.0  # after the last submission


@dataclass
class Job:
    at: float  # seconds after the beginning at which it is submitted
    nodes: int
    hold: float  # seconds that it holds its nodes
    id: str = ""
    submitted: float = 0
    began: float = 0
    groups: int = 0
    room: int = 0  # the least groups in which there was room for it when it began, as far as the looks tell
    over: bool = False


def stream(number: int, nodes: int, load: float, seed: int) -> list[Job]:
    """Jobs whose nodes and seconds fill `load` of the cluster."""
    dice = random.Random(seed)
    jobs = [Job(0, dice.choices(list(SIZES), list(SIZES.values()))[0], dice.uniform(*HOLD_SECONDS)) for _ in range(number)]
    asked = sum(job.nodes * job.hold for job in jobs)
    horizon = asked / (nodes * load)
    for job in jobs:
        job.at = dice.uniform(0, horizon)
    return sorted(jobs, key=lambda job: job.at)


def numbers(text: str) -> list[int]:
    """n[1-3,7] or n5: 1, 2, 3, 7."""
    found: list[int] = []
    for low, high in re.findall(r"(\d+)(?:-(\d+))?", text):
        found += range(int(low), int(high or low) + 1)
    return found


def submit(job: Job, asks: tuple[str, ...]) -> None:
    command = [*AS_USER, "sbatch", "--parsable", "--chdir=/tmp", "--output=/dev/null", f"--nodes={job.nodes}", "--exclusive", *asks,
               "--time=60", "--wrap=true"]
    job.id = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()
    job.submitted = time.monotonic()


def groups_of(held: list[int]) -> Counter[int]:
    """How many of the nodes each leaf group has."""
    return Counter((number - 1) // LEAF for number in held)


def fewest(wanted: int, free: Counter[int]) -> int:
    """The least groups that have so many free nodes."""
    groups = 0
    for count in sorted(free.values(), reverse=True):
        if wanted <= 0:
            break
        wanted -= count
        groups += 1
    return groups


def look(waiting: dict[str, Job], nodes: int) -> int:
    """Notes which jobs have nodes now; how many nodes are held."""
    held, began = 0, []
    free = groups_of(list(range(1, nodes + 1)))
    for line in subprocess.run(["squeue", "-h", "-o", "%i|%N"], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines():
        number, _, names = line.partition("|")
        if not names:
            continue
        found = numbers(names)
        held += len(found)
        if job := waiting.pop(number, None):
            job.began = time.monotonic()
            began.append((int(number), job, groups_of(found)))
        else:
            free -= groups_of(found)
    for _, job, groups in sorted(began, key=lambda each: each[0]):
        job.groups = len(groups)
        job.room = min(fewest(job.nodes, free), job.groups)
        free -= groups
    return held


def play(jobs: list[Job], nodes: int, *asks: str) -> list[int]:
    """The stream until the last job has begun; nodes that were held at each look until the last submission. `asks`: of each job."""
    began, held = time.monotonic(), []
    coming, waiting = list(jobs), {}
    while coming or waiting:
        now = time.monotonic() - began
        if now > jobs[-1].at + PATIENCE:
            raise SystemExit(f"{len(waiting)} jobs wait after {PATIENCE:.0f} s: {[job.nodes for job in waiting.values()][:20]}")
        while coming and coming[0].at <= now:
            submit(job := coming.pop(0), asks)
            waiting[job.id] = job
        used = look(waiting, nodes)
        if coming and now > HOLD_SECONDS[1]:  # the cluster is full by then
            held.append(used)
        ended = [job for job in jobs if job.began and not job.over and time.monotonic() - job.began >= job.hold]
        if ended:
            subprocess.run(["scancel", *(job.id for job in ended)], check=True)
        for job in ended:
            job.over = True
        time.sleep(max(0.0, LOOK_EVERY - (time.monotonic() - began - now)))
    return held


def main(options: dict) -> None:
    prepare(options["plugin"])
    result = {}
    for way in ("none", "railhead"):
        jobs = stream(options["jobs"], options["nodes"], options["load"], options["seed"])
        with Controller(options["nodes"], way, 'placement = "compact"', judges=way == "railhead"):
            held = play(jobs, options["nodes"], "--gpus-per-node=h100:8")
        say(f"{way}: {len(jobs)} jobs begun")
        result[way] = {"jobs": [[job.nodes, job.groups, job.began - job.submitted] for job in jobs], "held": held}
    print(json.dumps(result))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
