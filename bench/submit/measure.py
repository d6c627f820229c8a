"""What a submit plugin costs: the submit RPC with none, an empty one, Railhead's and Lua's, and the time inside of each."""

from __future__ import annotations

import argparse
import json
import random
import statistics

from bench.root import run_inside, slurm_version

WAYS = ("none", "empty", "railhead", "lua")
SIZES = (100, 1000, 10240)
RESAMPLES = 2000


def quantile(values: list[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def interval(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Median ratio of paired blocks, with its 95 % bootstrap interval."""
    dice = random.Random(1)
    ratios = [a / b for a, b in pairs]
    drawn = sorted(statistics.median(dice.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    return statistics.median(ratios), drawn[int(0.025 * RESAMPLES)], drawn[int(0.975 * RESAMPLES)]


def ratios_to_empty(blocks: list[dict]) -> dict[str, tuple[float, float, float]]:
    """Each way's blocks against those of the empty plugin in the same half of the same round."""
    p50 = {way: [statistics.median(block["alone_us"]) for block in blocks if block["way"] == way] for way in WAYS}
    return {way: interval(list(zip(p50[way], p50["empty"], strict=True))) for way in WAYS}


def summary(result: dict, sizes: list[int]) -> dict:
    blocks, inside = result["blocks"], result["in_plugin_us"]
    rpc = {way: [us / 1000 for block in blocks if block["way"] == way for us in block["alone_us"]] for way in WAYS}
    together = {way: [us / 1000 for block in blocks if block["way"] == way for us in block["together_us"]] for way in WAYS}
    per_s = {way: statistics.median(block["per_s"] for block in blocks if block["way"] == way) for way in WAYS}
    clock = statistics.median(inside["empty"])  # an empty plugin's call takes nothing but the two readings of it
    both = lambda values: {"p50": round(quantile(values, 0.5) - clock, 2), "p99": round(quantile(values, 0.99) - clock, 2)}  # noqa: E731
    return {
        "rpc_p50_ms": {way: round(quantile(rpc[way], 0.5), 3) for way in WAYS},
        "rpc_p99_ms": {way: round(quantile(rpc[way], 0.99), 3) for way in WAYS},
        "rpc_p50_to_empty": {way: [round(each, 3) for each in found] for way, found in ratios_to_empty(blocks).items()},
        "rpc_8_clients_p99_ms": {way: round(quantile(together[way], 0.99), 3) for way in WAYS},
        "per_s_8_clients": {way: round(per_s[way]) for way in WAYS},
        "in_plugin_us": {name: both(inside[name]) for name in [*map(str, sizes), "lua"]},
        "clock_us": round(clock, 2),
        "rpc_p99_ms_with_refresh": {name: round(quantile(times, 0.99) / 1000, 3) for name, times in result["refresh"].items()},
    }


def show(found: dict, options: argparse.Namespace, slurm: str) -> None:
    count = 2 * options.rounds * options.block
    print(f"Slurm {slurm}, {options.nodes} cloud nodes, {count} submissions with each plugin, blocks of {options.block} in the order ABCDDCBA")
    print(f"{'plugin':10}{'p50 ms':>9}{'p99 ms':>9}{'p50 to empty [95 %]':>26}{'8 clients: p99 ms':>19}{'per s':>8}")
    for way in WAYS:
        middle, low, high = found["rpc_p50_to_empty"][way]
        print(f"{way:10}{found['rpc_p50_ms'][way]:9.3f}{found['rpc_p99_ms'][way]:9.3f}{f'{middle:.3f} [{low:.3f}, {high:.3f}]':>26}"
              f"{found['rpc_8_clients_p99_ms'][way]:19.3f}{found['per_s_8_clients'][way]:8}")
    print(f"processor time inside of the plugin, microseconds, less {found['clock_us']} that reading the clock takes (lua: at the largest size)")
    for name, times in found["in_plugin_us"].items():
        print(f"{name + (' nodes' if name.isdigit() else ''):14}p50 {times['p50']:9.2f}   p99 {times['p99']:9.2f}")
    refresh = found["rpc_p99_ms_with_refresh"]
    print(f"RPC p99 at {options.sizes[-1]} nodes: {refresh['seldom']:.3f} ms, and {refresh['each_second']:.3f} ms while all nodes are read each second")


def run(options: argparse.Namespace) -> int:
    slurm = slurm_version(options.suite)
    asked = {"rounds": options.rounds, "block": options.block, "nodes": options.nodes, "sizes": options.sizes, "calls": options.calls}
    starts = f"{2 * options.rounds * len(WAYS)} starts of slurmctld, some seconds each, then the times inside"
    result = run_inside(options.suite, "bench.submit.inside", asked, f"bench submit: Slurm {slurm}: {starts}")
    found = summary(result, options.sizes)
    show(found, options, slurm)
    if options.json:
        print(json.dumps({"slurm": slurm, **found}))
    return 0
