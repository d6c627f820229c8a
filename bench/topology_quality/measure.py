"""What a topology file is worth: Slurm's placements with Railhead's, with that of a generator that merges identical leaves only, and with none,
on a fabric without a fault, with 1 % and with 5 % of its cables lost. The jobs are those of bench/placement, enough to keep the cluster as full as
`--load` says: in one that never fills every file finds room, and no topology matters.

In a full cluster a job is mostly in more groups than it could be because no fewer had room for it. So the groups of jobs are
told against the least that its nodes fit in (least), and against the least in which there was room when it began (room): what is
above the latter is the file's doing, and Slurm's. Jobs take whole nodes, and which of them does not depend on what is in a node: so these
have one CPU each, with which slurmctld takes 0.02 s for a job and not 0.2 s. A topology.conf may have a node below two leaves; Slurm warns and takes it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess

from bench.cloud import LEAF
from bench.placement.inside import numbers
from bench.root import run_inside, slurm_version
from bench.topology.measure import PROGRAM
from sandbox import buildroot
from sandbox.host import CHECKOUT, SandboxError

RAILS, SPINES = 8, 32
FAULTS = (0, 1, 5)  # per cent of the nodes' cables
FOLDER = "build/bench-topology"


def topology(*words: str, text: str | None = None) -> str:
    done = subprocess.run([PROGRAM, "topology", *words], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SandboxError(f"railhead topology {' '.join(words)} ended with {done.returncode}")
    return done.stdout


def merged_where_identical(fabric: str) -> str:
    """Leaves that hold exactly the same nodes become one; so a node is below several when one of its unit has lost a cable. As topograph
    does it (pkg/topology/merger.go), but that since 2026 it prints no tree at all of such a fabric ("reachable more than once")."""
    groups: dict[frozenset[str], str] = {}
    for block in re.split(r"^(?=Switch\t|Ca\t)", fabric, flags=re.M):
        nodes = frozenset(re.findall(r'"H-[0-9a-f]+"[^\n]*# "(n\d+) mlx5_', block))
        if block.startswith("Switch") and nodes:
            groups.setdefault(nodes, f"leaf{len(groups)}")
    lines = [f"SwitchName={name} Nodes={','.join(sorted(nodes))}" for nodes, name in groups.items()]
    return "\n".join([*lines, f"SwitchName=root Switches={','.join(groups.values())}"]) + "\n"


def files(nodes: int, seed: int, faults: list[int]) -> dict[str, str]:
    """Name of each way -> its file's text; none has none."""
    found = {}
    for per_cent in faults:
        lost = nodes * RAILS * per_cent // 100
        fault = ["--fault", f"lost-cable:{lost}"] if lost else []
        fabric = topology("synth", "--nodes", str(nodes), "--rails", str(RAILS), "--unit", str(LEAF), "--spines", str(SPINES), "--host", "n",
                          "--seed", str(seed), *fault)
        found[f"railhead-{per_cent}"] = topology("generate", "--from", "ibnetdiscover", text=fabric)
        found[f"identical-{per_cent}"] = merged_where_identical(fabric)
    return {**found, "none": ""}


def written(texts: dict[str, str]) -> dict[str, str]:
    """Name of each way -> its file, as the build root sees it; empty for none."""
    folder = CHECKOUT / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return {name: text and f"{buildroot.INSIDE}/{FOLDER}/{name}" for name, text in texts.items()}


def lines(text: str, nodes: int) -> dict[str, float]:
    """Of a file: its leaves, and how many units a leaf has whole, so that a job of all of the unit's nodes is below one."""
    leaves = [set(numbers(each)) for each in re.findall(r" Nodes=(\S+)", text)]
    units = [range(first, min(first + LEAF, nodes + 1)) for first in range(1, nodes + 1, LEAF)]
    of_node: dict[int, list[set[int]]] = {}
    for leaf in leaves:
        for node in leaf:
            of_node.setdefault(node, []).append(leaf)
    whole = sum(any(leaf.issuperset(unit) for leaf in of_node.get(unit[0], [])) for unit in units)
    return {"leaves": len(leaves), "units_whole": round(whole / len(units), 3)}


def summary(jobs: list, held: list[int], nodes: int) -> dict[str, float]:
    wide = [(groups, room, -(-size // LEAF)) for size, groups, room, _ in jobs if size > 1]
    all_groups, all_room, all_least = (sum(column) for column in zip(*wide))
    return {"full": round(statistics.mean(held) / nodes, 3) if held else 0.0,  # while jobs came, once it had filled
            "groups_to_least": round(all_groups / all_least, 3),
            "groups_to_room": round(all_groups / all_room, 3),
            "jobs_at_least": round(sum(groups == least for groups, _, least in wide) / len(wide), 3),
            "jobs_at_room": round(sum(groups == room for groups, room, _ in wide) / len(wide), 3),
            "wait_p50_s": round(statistics.median(wait for *_, wait in jobs), 1)}


def run(options: argparse.Namespace) -> int:
    if not PROGRAM.exists():
        raise SandboxError(f"{PROGRAM.relative_to(CHECKOUT)} is not there; build it: sandbox/build release")
    slurm = slurm_version(options.suite)
    texts = files(options.nodes, options.seed, options.faults)
    asked = {"nodes": options.nodes, "jobs": options.jobs, "load": options.load, "seed": options.seed, "files": written(texts)}
    what = f"bench topology-quality: Slurm {slurm}, {options.nodes} cloud nodes, {options.jobs} jobs: three minutes for each of {len(texts)} files"
    result = run_inside(options.suite, "bench.topology_quality.inside", asked, what, with_plugin=False)
    found = {name: {**lines(texts[name], options.nodes), "up_s": round(each["up_s"], 1), **summary(each["jobs"], each["held"], options.nodes)}
             for name, each in result.items()}
    print(f"{'':12}{'':>8}{'units':>7}{'up':>6}{'':>7}{'groups to':>20}{'jobs at':>18}{'wait':>9}")
    print(f"{'file':12}{'leaves':>8}{'whole':>7}{'s':>6}{'full':>7}{'least':>10}{'room':>10}{'least':>9}{'room':>9}{'p50 s':>9}")
    for name, each in found.items():
        print(f"{name:12}{each['leaves']:8}{each['units_whole']:7.0%}{each['up_s']:6.1f}{each['full']:7.1%}{each['groups_to_least']:10.3f}"
              f"{each['groups_to_room']:10.3f}{each['jobs_at_least']:9.1%}{each['jobs_at_room']:9.1%}{each['wait_p50_s']:9.1f}", flush=True)
    if options.json:
        print(json.dumps({"slurm": slurm, **found}))
    return 0
