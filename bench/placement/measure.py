"""What compact placement does to a stream of jobs on the real scheduler: leaf groups, waits, utilisation, with and without Railhead."""

from __future__ import annotations

import argparse
import json
import statistics

from bench.cloud import LEAF
from bench.root import run_inside, slurm_version
from bench.submit.measure import quantile

WAYS = ("none", "railhead")


def summary(result: dict, nodes: int) -> dict:
    found = {}
    for way in WAYS:
        jobs, held = result[way]["jobs"], result[way]["held"]
        wide = [(groups, -(-size // LEAF)) for size, groups, _ in jobs if size > 1]
        waits = [wait for _, _, wait in jobs]
        found[way] = {
            "groups_to_least": round(sum(groups for groups, _ in wide) / sum(least for _, least in wide), 3),
            "jobs_at_least": round(sum(groups == least for groups, least in wide) / len(wide), 3),
            "wait_p50_s": round(statistics.median(waits), 1),
            "wait_p99_s": round(quantile(waits, 0.99), 1),
            "utilisation": round(statistics.mean(held) / nodes, 3) if held else None,
        }
    return found


def run(options: argparse.Namespace) -> int:
    slurm = slurm_version(options.suite)
    asked = {"nodes": options.nodes, "jobs": options.jobs, "load": options.load, "seed": options.seed}
    stream = f"{options.nodes} cloud nodes, {options.jobs} jobs that fill {options.load:.0%}: some minutes for each way"
    result = run_inside(options.suite, "bench.placement.inside", asked, f"bench placement: Slurm {slurm}, {stream}")
    found = summary(result, options.nodes)
    print(f"{'':10}{'groups to least':>16}{'jobs at least':>15}{'wait p50 s':>12}{'wait p99 s':>12}{'utilisation':>13}")
    for way in WAYS:
        each = found[way]
        used = '-' if each['utilisation'] is None else f"{each['utilisation']:.1%}"  # too short a run has none
        print(f"{way:10}{each['groups_to_least']:16.3f}{each['jobs_at_least']:15.1%}{each['wait_p50_s']:12.1f}{each['wait_p99_s']:12.1f}{used:>13}")
    if options.json:
        print(json.dumps({"slurm": slurm, **found}))
    return 0
