"""What a topology file is worth: Slurm's placements with Railhead's, and with that of a generator that merges identical leaves only,
on a fabric without a fault, with 1 % and with 5 % of its cables lost. The jobs are those of bench/placement, enough to keep the cluster as full as
`--load` says: in one that never fills every file finds room, and no topology matters."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import subprocess

from bench.cloud import LEAF
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
    """Leaves that hold exactly the same nodes become one; so a node whose cable is lost is below several."""
    groups: dict[frozenset[str], str] = {}
    for block in re.split(r"^(?=Switch\t|Ca\t)", fabric, flags=re.M):
        nodes = frozenset(re.findall(r'"H-[0-9a-f]+"[^\n]*# "(n\d+) mlx5_', block))
        if block.startswith("Switch") and nodes:
            groups.setdefault(nodes, f"leaf{len(groups)}")
    lines = [f"SwitchName={name} Nodes={','.join(sorted(nodes))}" for nodes, name in groups.items()]
    return "\n".join([*lines, f"SwitchName=root Switches={','.join(groups.values())}"]) + "\n"


def files(nodes: int, seed: int, faults: list[int]) -> dict[str, str]:
    """Name of each way -> its file, as the build root sees it."""
    folder = CHECKOUT / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = {}
    for per_cent in faults:
        lost = nodes * RAILS * per_cent // 100
        fault = ["--fault", f"lost-cable:{lost}"] if lost else []
        fabric = topology("synth", "--nodes", str(nodes), "--rails", str(RAILS), "--unit", str(LEAF), "--spines", str(SPINES), "--host", "n",
                          "--seed", str(seed), *fault)
        texts = {"railhead": topology("generate", "--from", "ibnetdiscover", text=fabric), "identical": merged_where_identical(fabric)}
        for way, text in texts.items():
            name = f"{way}-{per_cent}"
            (folder / name).write_text(text, encoding="utf-8")
            found[name] = f"{buildroot.INSIDE}/{FOLDER}/{name}"
    return found


def summary(jobs: list, held: list[int], nodes: int) -> dict[str, float]:
    wide = [(groups, -(-size // LEAF)) for size, groups, _ in jobs if size > 1]
    return {"full": round(statistics.mean(held) / nodes, 3) if held else 0.0,  # while jobs came, once it had filled
            "groups_to_least": round(sum(groups for groups, _ in wide) / sum(least for _, least in wide), 3),
            "jobs_at_least": round(sum(groups == least for groups, least in wide) / len(wide), 3),
            "wait_p50_s": round(statistics.median(wait for _, _, wait in jobs), 1)}


def run(options: argparse.Namespace) -> int:
    if not PROGRAM.exists():
        raise SandboxError(f"{PROGRAM.relative_to(CHECKOUT)} is not there; build it: sandbox/build release")
    slurm = slurm_version(options.suite)
    made = files(options.nodes, options.seed, options.faults)
    leaves = {name: sum(" Nodes=" in line for line in (CHECKOUT / FOLDER / name).read_text().splitlines()) for name in made}
    asked = {"nodes": options.nodes, "jobs": options.jobs, "load": options.load, "seed": options.seed, "files": made}
    what = f"bench topology-quality: Slurm {slurm}, {options.nodes} cloud nodes, {options.jobs} jobs: some minutes for each of {len(made)} files"
    result = run_inside(options.suite, "bench.topology_quality.inside", asked, what)
    found = {name: {"leaves": leaves[name], **summary(each["jobs"], each["held"], options.nodes)} for name, each in result.items()}
    print(f"{'file':16}{'leaves':>8}{'full':>7}{'groups to least':>17}{'jobs at least':>15}{'wait p50 s':>12}")
    for name, each in found.items():
        print(f"{name:16}{each['leaves']:8}{each['full']:7.1%}{each['groups_to_least']:17.3f}{each['jobs_at_least']:15.1%}{each['wait_p50_s']:12.1f}")
    if options.json:
        print(json.dumps({"slurm": slurm, **found}))
    return 0
