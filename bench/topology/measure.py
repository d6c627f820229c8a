"""How long `railhead topology generate` takes, against mawk that counts the fields of the same file."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from sandbox.host import CHECKOUT, SandboxError

SIZES = (1000, 4000, 12500, 50000)
RAILS, UNIT, POD_UNITS, SPINES = 8, 32, 8, 32
PROGRAM = CHECKOUT / "build/release/bin/railhead"


def timed(*command: str, write: Path | None = None) -> tuple[float, float]:
    """Seconds, and the most memory held in MiB. By time(1): what a child of Python's reports is Python's own memory at least."""
    with tempfile.NamedTemporaryFile("r") as said, open(write or os.devnull, "wb") as target:
        began = time.monotonic()
        done = subprocess.run(["time", "-f", "%M", "-o", said.name, *command], stdin=subprocess.DEVNULL, stdout=target, check=False)
        seconds = time.monotonic() - began
        if done.returncode != 0:
            raise SandboxError(f"{' '.join(command)} ended with {done.returncode}")
        return seconds, int(said.read().split()[-1]) / 1024


def measure(nodes: int, rounds: int, folder: Path) -> dict[str, float]:
    fabric, conf = folder / "fabric.txt", folder / "topology.conf"
    shape = {"nodes": nodes, "rails": RAILS, "unit": UNIT, "pod-units": POD_UNITS, "spines": SPINES, "cores": SPINES}
    timed(str(PROGRAM), "topology", "synth", *(word for name, value in shape.items() for word in (f"--{name}", str(value))), write=fabric)
    awk, ours, peaks = [], [], []
    for _ in range(rounds):  # in turn, so that a busy moment harms both
        awk.append(timed("mawk", "{n += NF} END {print n}", str(fabric))[0])
        seconds, peak = timed(str(PROGRAM), "topology", "generate", "--from", f"ibnetdiscover:{fabric}", write=conf)
        ours.append(seconds)
        peaks.append(peak)
    groups = sum(" Nodes=" in line for line in conf.read_text().splitlines())
    if groups != -(-nodes // UNIT):
        raise SandboxError(f"{nodes} nodes in units of {UNIT} have {groups} leaf groups in {conf}")
    return {"s": round(statistics.median(ours), 3), "awk_s": round(statistics.median(awk), 3),
            "input_mib": round(fabric.stat().st_size / 2**20, 1), "peak_mib": round(max(peaks), 1)}


def run(options: argparse.Namespace) -> int:
    if not PROGRAM.exists():
        raise SandboxError(f"{PROGRAM.relative_to(CHECKOUT)} is not there; build it: sandbox/build release")
    for needed in ("mawk", "time"):
        if not shutil.which(needed):
            raise SandboxError(f"{needed} is not there; install it: apt-get install {needed}")
    version = subprocess.run([PROGRAM, "--version"], text=True, stdout=subprocess.PIPE, check=True).stdout.strip()
    print(f"{version} topology generate, against mawk '{{n += NF}}'; medians of {options.rounds}; fabrics of {RAILS} rails, units of {UNIT}, pods of {POD_UNITS} units")
    print(f"{'nodes':>8}{'s':>9}{'awk s':>9}{'ratio':>8}{'input MiB':>11}{'peak MiB':>10}{'peak/input':>12}")
    found = {}
    with tempfile.TemporaryDirectory(prefix="railhead-bench-") as folder:
        for nodes in options.sizes:
            one = found[str(nodes)] = measure(nodes, options.rounds, Path(folder))
            print(f"{nodes:8}{one['s']:9.3f}{one['awk_s']:9.3f}{one['s'] / one['awk_s']:8.2f}{one['input_mib']:11.1f}{one['peak_mib']:10.1f}"
                  f"{one['peak_mib'] / one['input_mib']:12.2f}", flush=True)
    if options.json:
        print(json.dumps({"generate": found}))
    return 0
