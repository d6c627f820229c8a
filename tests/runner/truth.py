"""What the submit plugin says of random requests against what Slurm does with them on an idle cluster without it.

Prints each disagreement with the command that shows it, and last one line of JSON. Exit code 1: a request that Slurm runs was refused.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter

from sandbox.cluster import Cluster, Wanted
from sandbox.inventory import LOGIN
from tests.runner.draw import NODES, PARTITIONS, draw
from tests.runner.steps import say

CONF = "/etc/slurm/slurm.conf"
# As the user, on the login node: reads requests as JSON, a line each, and answers each with a line.
WITHOUT = r"""
import json, subprocess, sys, time
def said(*words):
    return subprocess.run(words, capture_output=True, text=True)
for line in sys.stdin:
    done = said("sbatch", "--parsable", "--output=/dev/null", *json.loads(line), "--wrap=true")
    if done.returncode:
        print(json.dumps(["rejected", done.stderr.strip().splitlines()[-1]]), flush=True)
        continue
    job, since, answer = done.stdout.strip(), time.monotonic(), None
    while True:
        state = said("squeue", "-h", "-j", job, "-o", "%T %r").stdout.strip()
        if not state.startswith("PENDING"):
            answer = answer or ["runs", ""]
            if not state:
                break
        elif time.monotonic() - since > 3:
            answer = ["pends", state.partition(" ")[2]]
            said("scancel", job)
        if time.monotonic() - since > 60:
            sys.exit(f"job {job} is still {state} after 60 s")
        time.sleep(0.02)
    print(json.dumps(answer), flush=True)
"""
WITH = r"""
import json, subprocess, sys
for line in sys.stdin:
    done = subprocess.run(["sbatch", "--hold", "--parsable", "--output=/dev/null", *json.loads(line), "--wrap=true"], capture_output=True, text=True)
    if not done.returncode:
        subprocess.run(["scancel", done.stdout.strip()])
    words = [word for word in done.stderr.splitlines() if "railhead: " in word and "railhead: warning: " not in word]
    print(json.dumps(words if done.returncode else []), flush=True)
"""


class Site:
    def __init__(self, suite: str) -> None:
        self.cluster = Cluster(f"truth-{suite}")
        self.suite = suite

    def __enter__(self) -> Site:
        self.cluster.up(Wanted(self.suite, NODES, False, "auto", False))
        self.conf = self.at("ctl", "cat", CONF).stdout
        return self

    def __exit__(self, *_: object) -> None:
        self.cluster.down()

    def at(self, node: str, *command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        options = {"input": text} if text is not None else {}
        return self.cluster.run(node, list(command), **options)

    def configure(self, text: str) -> None:
        """With this slurm.conf and the partitions of draw.py."""
        self.at("ctl", "sh", "-c", f"cat >{CONF}", text=text)
        self.at("ctl", "scontrol", "reconfigure")
        deadline = time.monotonic() + 30
        while self.at("ctl", "scontrol", "ping").returncode != 0:
            if time.monotonic() > deadline:
                raise SystemExit("tests/truth: slurmctld does not answer within 30 s of a reconfigure; see its log")
            time.sleep(0.2)
        for name, how in PARTITIONS.items():
            self.at("ctl", "scontrol", "create", f"partitionname={name}", *how.split())

    def ask(self, program: str, requests: list[list[str]], what: str) -> list:
        """The program's answers, in order; says how far it is."""
        command = [sys.executable, "-m", "sandbox.cluster_cli", "exec", "--name", self.cluster.name, "--user", "alice", LOGIN, "--", "python3", "-c", program]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdin and child.stdout
        answers, said = [], time.monotonic()
        for request in requests:
            child.stdin.write(json.dumps(request) + "\n")
            child.stdin.flush()
            answer = child.stdout.readline()
            if not answer:
                raise SystemExit(f"tests/truth: {what}: no answer to sbatch {' '.join(request)}; see the words above")
            answers.append(json.loads(answer))
            if time.monotonic() - said > 20:
                said = time.monotonic()
                say(f"{what}: {len(answers)} of {len(requests)}")
        child.stdin.close()
        child.wait(30)
        return answers


def await_verdicts(site: Site) -> None:
    """The plugin has seen the partitions: it refuses in the last one made."""
    request = [f"--partition={list(PARTITIONS)[-1]}", "--gpus-per-node=no-such-type:1"]
    deadline = time.monotonic() + 60
    while not site.ask(WITH, [request], "plugin")[0]:
        if time.monotonic() > deadline:
            raise SystemExit("tests/truth: the plugin does not judge within 60 s of its start; see slurmctld's log")
        time.sleep(0.5)


def compare(requests: list[list[str]], truths: list, refusals: list) -> tuple[dict, list[str]]:
    figures: dict = {"runnable": 0, "false_refusals": 0, "rejected_by_slurm": 0, "pends_forever": 0, "caught_of_pending": 0}
    missed: Counter[str] = Counter()
    lines = []
    for request, (truth, why), refusal in zip(requests, truths, refusals, strict=True):
        figures[{"runs": "runnable", "rejected": "rejected_by_slurm", "pends": "pends_forever"}[truth]] += 1
        if truth == "runs" and refusal:
            figures["false_refusals"] += 1
            lines.append(f"FALSE: sbatch {' '.join(request)} runs, but: {refusal[0]}")
        if truth == "pends" and refusal:
            figures["caught_of_pending"] += 1
        if truth == "pends" and not refusal:
            missed[why] += 1
            lines.append(f"missed: sbatch {' '.join(request)} pends with {why}")
    return figures | {"missed": dict(missed)}, lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/truth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=("bookworm", "trixie", "sid"), default="trixie")
    parser.add_argument("--requests", type=int, default=60, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="K")
    parser.add_argument("--json", action="store_true", help="nothing but the line of JSON")
    options = parser.parse_args()
    dice = random.Random(options.seed)
    requests = [draw(dice) for _ in range(options.requests)]
    with Site(options.suite) as site:
        version = site.at("ctl", "scontrol", "--version").stdout.strip()
        site.configure(re.sub(r"^JobSubmitPlugins=.*\n", "", site.conf, flags=re.M))
        truths = site.ask(WITHOUT, requests, f"{version} without the plugin")
        site.configure(site.conf)
        await_verdicts(site)
        refusals = site.ask(WITH, requests, f"{version} with the plugin")
    figures, lines = compare(requests, truths, refusals)
    if not options.json:
        print("\n".join([f"{version}, seed {options.seed}", *lines]))
    print(json.dumps(figures))
    return 1 if figures["false_refusals"] else 0


if __name__ == "__main__":
    sys.exit(main())
