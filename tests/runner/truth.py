"""What the submit plugin says of random requests against what Slurm does with them on an idle cluster without it.

Then each that runs is submitted once more with the plugin, placement compact everywhere: it must start now, too. Prints each
disagreement with the command that shows it, and last one line of JSON. Exit code 1: a request that Slurm runs was refused, or waits.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter

from sandbox.buildroot import build
from sandbox.cluster import Cluster, Wanted
from sandbox.inventory import LOGIN
from tests.runner.draw import FEATURES, NODES, ODD_NODES, PARTITIONS, RESERVATIONS, Request, draw, names_reservation
from tests.runner.steps import say

CONF = "/etc/slurm/slurm.conf"
POLICY = "/etc/slurm/railhead.toml"
COMPACT = '[submit]\nplacement = "compact"\n'
RESERVED = "users=alice starttime=now duration=1-0"
# As the user, on the login node: reads requests as JSON, a line each, and answers each with a line.
WITHOUT = r"""
import json, subprocess, sys, time
def said(*words, script=False):
    return subprocess.run(words, capture_output=True, text=True, input="#!/bin/sh\n" if script else "")
for line in sys.stdin:
    request = json.loads(line)
    done = said("sbatch", "--parsable", "--output=/dev/null", *request, script=True)
    if done.returncode:
        print(json.dumps(["rejected", done.stderr.strip().splitlines()[-1]]), flush=True)
        continue
    job, since, answer = done.stdout.strip(), time.monotonic(), None
    while True:
        states = said("squeue", "-h", "-j", job, "-o", "%T %r").stdout.splitlines()
        pending = [state for state in states if state.startswith("PENDING")]
        if not pending:
            answer = answer or ["runs", ""]
            if not states:
                break
        elif time.monotonic() - since > (10 if ":" in request else 3):  # backfill alone starts heterogeneous jobs
            answer = ["pends", pending[0].partition(" ")[2]]
            said("scancel", job)
        if time.monotonic() - since > 60:
            sys.exit(f"job {job} is still {states} after 60 s")
        time.sleep(0.02 if time.monotonic() - since < 0.2 else 0.2)  # what waits, waits for seconds
    print(json.dumps(answer), flush=True)
"""
WITH = r"""
import json, subprocess, sys
for line in sys.stdin:
    request = [word for each in json.loads(line) for word in ([each, "--hold"] if each == ":" else [each])]
    done = subprocess.run(["sbatch", "--hold", "--parsable", "--output=/dev/null", *request], capture_output=True, text=True, input="#!/bin/sh\n")
    if not done.returncode:
        subprocess.run(["scancel", done.stdout.strip()])
    words = [word for word in done.stderr.splitlines() if "railhead: " in word and "railhead: warning: " not in word]
    print(json.dumps(words if done.returncode else []), flush=True)
"""


def with_odd_nodes(conf: str) -> str:
    """With what many sites' nodes have and the sandbox's have not: hardware threads, and CPUs and memory for the system."""
    for prefix, (plain, odd) in ODD_NODES.items():
        conf, changed = re.subn(rf"^(NodeName={prefix}\S* .*){plain}", rf"\1{odd}", conf, flags=re.M)
        assert changed == 1, f"NodeName={prefix} in slurm.conf: {changed} lines changed"
    return conf


class Site:
    def __init__(self, suite: str, accounting: bool, name: str) -> None:
        self.cluster = Cluster(name)
        self.wanted = Wanted(suite, NODES, accounting, "auto", False)
        self.lost: list[str] = []  # nodes that Slurm took out on the way, with its reasons

    def __enter__(self) -> Site:
        self.cluster.up(self.wanted)
        self.conf = with_odd_nodes(self.at("ctl", "cat", CONF).stdout)
        for node in ("a100-1", "a100-2", "cpu1"):
            self.at(node, "sh", "-c", f"cat >{CONF}", text=self.conf)
        return self

    def __exit__(self, *_: object) -> None:
        self.cluster.down()

    def at(self, node: str, *command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        options = {"input": text} if text is not None else {}
        return self.cluster.run(node, list(command), **options)

    def configure(self, text: str) -> None:
        """With this slurm.conf, and the partitions and features of draw.py."""
        self.at("ctl", "sh", "-c", f"cat >{CONF}", text=text)
        self.at("ctl", "scontrol", "reconfigure")
        deadline = time.monotonic() + 30
        while self.at("ctl", "scontrol", "ping").returncode != 0:
            if time.monotonic() > deadline:
                raise SystemExit("tests/truth: slurmctld does not answer within 30 s of a reconfigure; see its log")
            time.sleep(0.2)
        for name, how in PARTITIONS.items():
            self.at("ctl", "scontrol", "create", f"partitionname={name}", *how.split())
        for nodes, features in FEATURES.items():
            self.at("ctl", "scontrol", "update", f"nodename={nodes}", f"features={features}", f"activefeatures={features}")

    def reserve(self) -> None:
        for name, (how, _) in RESERVATIONS.items():
            made = self.at("ctl", "scontrol", "create", "reservation", f"reservationname={name}", *how.split(), *RESERVED.split())
            if made.returncode != 0:
                raise SystemExit(f"tests/truth: no reservation {name}: {made.stderr.strip()}")

    def release(self) -> None:
        for name in RESERVATIONS:
            self.at("ctl", "scontrol", "delete", f"reservationname={name}")

    def mended(self) -> bool:
        """Whether Slurm had taken a node out, so that a request waited for no reason of its own; it is back now."""
        lost = self.at("ctl", "sinfo", "-h", "-N", "-t", "drain,down,fail", "-o", "%N: %E").stdout.splitlines()
        for node in sorted({line.partition(":")[0] for line in lost}):
            self.at("ctl", "scontrol", "update", f"nodename={node}", "state=resume")
        self.lost += sorted(set(lost))
        return bool(lost)

    def ask_all(self, program: str, requests: list[Request], what: str) -> list:
        """The program's answers, in order. Reservations are there only for those that name one: they take nodes from all others."""
        others = [request for request in requests if not names_reservation(request)]
        answers = self.ask(program, others, what)
        self.reserve()
        if program is WITH:
            await_verdicts(self, IN_A_RESERVATION)
        answers += self.ask(program, requests[len(others) :], f"{what}, with reservations")
        self.release()
        return answers

    def ask(self, program: str, requests: list[Request], what: str) -> list:
        """The program's answers, in order; says how far it is."""
        command = [sys.executable, "-m", "sandbox.cluster_cli", "exec", "--name", self.cluster.name, "--user", "alice", LOGIN, "--", "python3", "-c", program]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert child.stdin and child.stdout
        answers, said = [], time.monotonic()

        def answer_to(request: Request) -> list:
            child.stdin.write(json.dumps(request) + "\n")
            child.stdin.flush()
            line = child.stdout.readline()
            if not line:
                raise SystemExit(f"tests/truth: {what}: no answer to sbatch {' '.join(request)}; see the words above")
            return json.loads(line)

        for request in requests:
            answer = answer_to(request)
            if answer and answer[0] == "pends" and self.mended():
                answer = answer_to(request)
            answers.append(answer)
            if time.monotonic() - said > 20:
                said = time.monotonic()
                say(f"{what}: {len(answers)} of {len(requests)}")
        child.stdin.close()
        child.wait(30)
        return answers


# Refused as soon as the plugin has seen the partitions, and the reservations.
IN_THE_LAST_PARTITION = [f"--partition={list(PARTITIONS)[-1]}", "--gpus-per-node=no-such-type:1"]
IN_A_RESERVATION = [f"--reservation={list(RESERVATIONS)[0]}", "--partition=gpu", f"--nodes={NODES}", "--gpus-per-node=8"]


# Refused as soon as the plugin has seen the nodes after the last change of one.
WITH_FEATURES = ["--partition=gpu", "--gpus-per-node=1", "--constraint=rack1&rack2"]


def await_verdicts(site: Site, request: Request) -> None:
    deadline = time.monotonic() + 60
    while not site.ask(WITH, [request], "plugin")[0]:
        if time.monotonic() > deadline:
            raise SystemExit("tests/truth: the plugin does not judge within 60 s of a change; see slurmctld's log")
        time.sleep(0.5)


def placed(site: Site, requests: list[Request], truths: list, what: str) -> list[str]:
    """What runs without the plugin, and with placement does not start on the same idle nodes."""
    runnable = [request for request, (truth, _) in zip(requests, truths, strict=True) if truth == "runs"]
    answers = site.ask_all(WITHOUT, runnable, f"{what} and placement")
    waiting = [number for number, (truth, _) in enumerate(answers) if truth == "pends"]
    if waiting:  # perhaps for a busy machine only
        say(f"{what}: {len(waiting)} wait, and are asked once more")
        again = site.ask_all(WITHOUT, [runnable[number] for number in waiting], f"{what} and placement, once more")
        for number, answer in zip(waiting, again, strict=True):
            answers[number] = answer
    return [
        f"HOPELESS: sbatch {' '.join(request)} runs, but with placement: {truth} {why}"
        for request, (truth, why) in zip(runnable, answers, strict=True)
        if truth != "runs"
    ]


def compare(requests: list[Request], truths: list, refusals: list) -> tuple[dict, list[str]]:
    figures: dict = {"runnable": 0, "false_refusals": 0, "rejected_by_slurm": 0, "pends_forever": 0, "caught_of_pending": 0}
    missed: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    lines = []
    for request, (truth, why), refusal in zip(requests, truths, refusals, strict=True):
        figures[{"runs": "runnable", "rejected": "rejected_by_slurm", "pends": "pends_forever"}[truth]] += 1
        if truth == "runs" and refusal:
            figures["false_refusals"] += 1
            lines.append(f"FALSE: sbatch {' '.join(request)} runs, but: {refusal[0]}")
        if truth == "pends" and refusal:
            figures["caught_of_pending"] += 1
            caught[f"{why} by {refusal[0].rpartition('[')[2].rstrip(']')}"] += 1
        if truth == "pends" and not refusal:
            missed[why] += 1
            lines.append(f"missed: sbatch {' '.join(request)} pends with {why}")
    lines += [f"caught: {how}: {number}" for how, number in sorted(caught.items())]
    return figures | {"missed": dict(missed)}, lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/truth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=("bookworm", "trixie", "sid"), default="trixie")
    parser.add_argument("--requests", type=int, default=60, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="K")
    parser.add_argument("--accounting", action="store_true", help="with slurmdbd, and so with QOS that may lift limits")
    parser.add_argument("--name", metavar="NAME", help="of the cluster that is made for it; default: truth-SUITE")
    parser.add_argument("--json", action="store_true", help="nothing but the line of JSON")
    options = parser.parse_args()
    dice = random.Random(options.seed)
    requests = draw(dice, options.requests, options.suite)
    build(options.suite, "plugins", [], os.cpu_count() or 2)
    with Site(options.suite, options.accounting, options.name or f"truth-{options.suite}") as site:
        version = site.at("ctl", "scontrol", "--version").stdout.strip()
        site.configure(re.sub(r"^JobSubmitPlugins=.*\n", "", site.conf, flags=re.M))
        truths = site.ask_all(WITHOUT, requests, f"{version} without the plugin")
        site.at("ctl", "sh", "-c", f"cat >{POLICY}", text=COMPACT)
        site.configure(site.conf)
        await_verdicts(site, IN_THE_LAST_PARTITION)
        await_verdicts(site, WITH_FEATURES)
        refusals = site.ask_all(WITH, requests, f"{version} with the plugin")
        hopeless = placed(site, requests, truths, f"{version} with the plugin")
    figures, lines = compare(requests, truths, refusals)
    figures["hopeless_with_placement"] = len(hopeless)
    figures["nodes_lost"] = site.lost
    if not options.json:
        print("\n".join([f"{version}, seed {options.seed}", *lines, *hopeless]))
    print(json.dumps(figures))
    return 1 if figures["false_refusals"] or hopeless else 0


if __name__ == "__main__":
    sys.exit(main())
