"""Submissions by the thousand to a real slurmctld that carries the submit plugin's address- and undefined-behaviour-sanitized build, while all
that the plugin reads changes: nodes go down and up, lose and gain a feature, partitions come, go and move, slurmctld is reconfigured, the policy is edited, broken,
deleted and replaced by a folder, and slurmctld's clock jumps by up to a week (clock.c).

Prints each thing that must not happen, and last one line of JSON. Exit code 1: there was one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from sandbox.buildroot import build, build_folder
from sandbox.cluster import Cluster, Wanted
from sandbox.host import CHECKOUT
from sandbox.inventory import CONTROLLER, LOGIN
from sandbox.node import read_pid
from tests.runner.steps import say

POLICY = "/etc/slurm/railhead.toml"
PID_FILE = "/run/slurmctld.pid"
ALIVE = f"kill -0 $(cat {PID_FILE}) 2>/dev/null"
REFRESH = 2  # seconds between two looks of the plugin: so many more of them
# Always right; always wrong; right while the partition holds node4, wrong while it holds cpu1; right while node4 has the feature.
RIGHT = ["--partition=gpu", "--nodes=2", "--gpus-per-node=h100:8"]
WRONG = ["--partition=gpu", "--gpus-per-node=v100:1"]
FLIP = ["--partition=flip", "--gpus-per-node=h100:8"]
FEATURE = ["--partition=gpu", "--gpus-per-node=h100:8", "--constraint=passing"]
REQUESTS = {"right": RIGHT, "wrong": WRONG, "flip": FLIP, "feature": FEATURE}
RECONFIGURES = 100  # on 22.05, which takes the plugin out and in again
# As the user, on the login node: which request it was, when it was sent and answered, and what was said. After its number it goes on, slowly,
# until all changes have been made.
CLIENT = r"""
import itertools, json, os, random, subprocess, sys, time
requests, number, seed = json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
dice = random.Random(seed)
for turn in itertools.count():
    if turn >= number:
        if os.path.exists("/tmp/changed"):
            break
        time.sleep(0.2)
    name = dice.choice(list(requests))
    sent = time.monotonic()
    done = subprocess.run(["sbatch", "--hold", "--parsable", "--output=/dev/null", *requests[name], "--wrap=true"], capture_output=True, text=True)
    print(json.dumps([name, sent, time.monotonic(), done.returncode, done.stderr.strip()]), flush=True)
    if turn % 100 == 99 and seed == 0:
        subprocess.run(["scancel", "-u", "alice"], capture_output=True)
"""


# In the build root: the libraries that the sanitized plugin needs, under the names by which it asks for them.
COPY = r"""
mkdir -p "$1/sanitized"
gcc -shared -fPIC -O1 -Wall -Wextra -Werror -o "$1/sanitized/clock.so" tests/runner/clock.c
for name in asan ubsan stdc++; do
    file=$(g++ -print-file-name=lib$name.so)
    cp -L "$file" "$1/sanitized/$(readelf -d "$file" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')"
done
"""

CLOCK = "/run/slurmctld-clock"  # clock.c reads it at every call
JUMPS = ["0", "3600", "-3600", "604800", "-604800"]  # seconds


class Controller:
    """slurmctld of a cluster, started anew with the sanitized plugin and the sanitizers' run-time library."""

    def __init__(self, cluster: Cluster, suite: str) -> None:
        self.cluster, self.suite = cluster, suite
        self.process: subprocess.Popen[bytes] | None = None

    def at(self, *command: str, text: str | None = None, within: float = 60) -> subprocess.CompletedProcess[str]:
        options = {"input": text} if text is not None else {}
        return self.cluster.run(CONTROLLER, list(command), timeout=within, **options)

    def root(self) -> Path:
        return Path(f"/proc/{read_pid(self.cluster.places, CONTROLLER)}/root")

    def install(self) -> None:
        plugin = build(self.suite, "plugins-asan", ["job_submit_railhead"], os.cpu_count() or 2) / "lib/job_submit_railhead.so"
        installed = next(self.root().glob("usr/lib/*/slurm-wlm/job_submit_railhead.so"))
        new = installed.with_suffix(".new")  # a plugin that is mapped must not be written into
        new.write_bytes(plugin.read_bytes())
        new.rename(installed)
        subprocess.run([str(CHECKOUT / "sandbox/build"), "--suite", self.suite, "--", "sh", "-euc", COPY, "copy", build_folder(self.suite, "plugins-asan")], check=True)
        target = self.root() / "opt/sanitized"
        target.mkdir()
        for library in (plugin.parent.parent / "sanitized").iterdir():
            (target / library.name).write_bytes(library.read_bytes())

    def start(self) -> None:
        self.at("scontrol", "shutdown", "slurmctld")
        self.wait("slurmctld to end", lambda: not self.pid())
        libraries = self.root() / "opt/sanitized"
        preload = " ".join(f"/{path.relative_to(self.root())}" for path in [*libraries.glob("libasan*"), libraries / "clock.so"])
        self.jump("0")
        # A small quarantine: what slurmctld frees shall not look like what it holds.
        sanitizers = ["ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8:log_path=/var/log/slurm/sanitizer:exitcode=99", "UBSAN_OPTIONS=log_path=/var/log/slurm/sanitizer"]
        command = ["env", f"LD_PRELOAD={preload}", "LD_LIBRARY_PATH=/opt/sanitized", *sanitizers, f"RAILHEAD_CLOCK={CLOCK}", "slurmctld", "-D"]
        call = [sys.executable, "-m", "sandbox.cluster_cli", "exec", "--name", self.cluster.name, CONTROLLER, "--", *command]
        self.process = subprocess.Popen(call, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait("slurmctld to answer", self.answers)

    def jump(self, offset: str) -> None:
        self.at("sh", "-c", f"cat >{CLOCK}.new && mv {CLOCK}.new {CLOCK}", text=f"{offset}\n")

    def clock(self) -> int:
        """What slurmctld says the time is, in seconds since 1970."""
        found = re.search(r"sdiag output at .*\((\d+)\)", self.at("sdiag").stdout)
        return int(found[1]) if found else 0

    def answers(self) -> bool:
        return self.at("scontrol", "ping").returncode == 0

    def wait(self, what: str, condition: Callable[[], object], within: float = 60) -> None:
        deadline = time.monotonic() + within
        while not condition():
            if time.monotonic() > deadline:
                log = self.at("tail", "-n", "5", "/var/log/slurm/slurmctld.log").stdout
                raise SystemExit(f"tests/stress: {what}: not within {within:.0f} s; slurmctld's log ends: {log}")
            time.sleep(0.2)

    def judges(self) -> bool:
        call = ["sbatch", "--test-only", *WRONG, "--wrap=true"]
        return "railhead: " in self.cluster.run(LOGIN, call, user="alice").stderr

    def pid(self) -> str:
        return self.at("sh", "-c", f"{ALIVE} && cat {PID_FILE}").stdout.strip()

    def carries_sanitizer(self) -> bool:
        """It may have started itself anew since."""
        return self.at("sh", "-c", f"grep -q libasan /proc/$(cat {PID_FILE})/maps").returncode == 0

    def memory_mib(self) -> float:
        status = self.at("sh", "-c", f"cat /proc/$(cat {PID_FILE})/status").stdout
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0

    def sanitizer(self) -> str:
        return self.at("sh", "-c", "cat /var/log/slurm/sanitizer.* 2>/dev/null").stdout


class Chaos(threading.Thread):
    """Changes everything that the plugin reads, a step every few tenths of a second; knows when which of flip and feature was right."""

    def __init__(self, controller: Controller, seed: int, least: int) -> None:
        super().__init__(daemon=True)
        self.least, self.told = least, False  # reconfigures
        self.controller, self.dice, self.stop = controller, random.Random(seed), threading.Event()
        # By request: began at the earliest, at the latest; right.
        self.states: dict[str, list[tuple[float, float, bool]]] = {"flip": [(time.monotonic(), time.monotonic(), False)]}
        self.states["feature"] = list(self.states["flip"])
        self.done: Counter[str] = Counter()
        self.conf = controller.at("cat", "/etc/slurm/slurm.conf").stdout

    def scontrol(self, *words: str) -> None:
        self.controller.at("scontrol", *words)

    def change(self, request: str, right: bool, *words: str) -> None:
        began = time.monotonic()
        self.scontrol(*words)
        self.states[request].append((began, time.monotonic(), right))

    def create_flip(self) -> None:
        self.change("flip", True, "create", "partitionname=flip", "nodes=node4")

    def step_flip(self) -> None:
        right = not self.states["flip"][-1][2]
        self.change("flip", right, "update", "partitionname=flip", f"nodes={'node4' if right else 'cpu1'}")

    def step_feature(self) -> None:
        right = not self.states["feature"][-1][2]
        features = f"features={'passing' if right else ''}"
        self.change("feature", right, "update", "nodename=node4", features, f"active{features}")

    def step_node(self) -> None:
        name = self.dice.choice(["node1", "node2", "node3"])
        self.scontrol("update", f"nodename={name}", "state=down", "reason=stress")
        self.scontrol("update", f"nodename={name}", "state=resume")

    def step_partition(self) -> None:
        self.scontrol("create", "partitionname=passing", "nodes=node[1-2]")
        self.scontrol("delete", "partitionname=passing")

    def step_reservation(self) -> None:
        self.scontrol("create", "reservation", "reservationname=passing", "nodes=cpu1", "users=bob", "starttime=now+7days", "duration=60")
        self.scontrol("delete", "reservationname=passing")

    def step_policy(self) -> None:
        good = f"[submit]\nrefresh = {REFRESH}\n"
        text = self.dice.choice([good, good + "[submit.partition.gpu]\nplacement = 'compact'\n", "[submit\n", "refresh = \n", "\0\xff" * 2000])
        way = self.dice.choice(["write", "write", "write", "delete", "folder"])
        remove = f"rm -rf {POLICY}"
        self.controller.at("sh", "-c", {"write": f"{remove}; cat >{POLICY}", "delete": remove, "folder": f"{remove}; mkdir {POLICY}"}[way], text=text)

    def step_clock(self) -> None:
        self.controller.jump(self.dice.choice(JUMPS))

    def step_reconfigure(self) -> None:
        """22.05 takes the plugin out and in again; later versions start anew in place."""
        began = time.monotonic()
        if self.controller.suite == "bookworm":
            without = re.sub(r"^JobSubmitPlugins=.*\n", "", self.conf, flags=re.M)
            self.controller.at("sh", "-c", "cat >/etc/slurm/slurm.conf && scontrol reconfigure", text=without)
        self.controller.at("sh", "-c", "cat >/etc/slurm/slurm.conf && scontrol reconfigure", text=self.conf)
        self.states["feature"].append((began, time.monotonic(), False))  # a reconfigure forgets both
        self.states["flip"].append((began, time.monotonic(), False))
        self.create_flip()

    def run(self) -> None:
        steps = [self.step_flip, self.step_feature] * 3 + [self.step_node, self.step_partition, self.step_reservation, self.step_policy, self.step_clock]
        steps += [self.step_reconfigure] * (10 if self.least else 1)
        try:
            self.tell_if_done()
            while not self.stop.wait(self.dice.uniform(0.05, 0.5)):
                step = self.dice.choice(steps)
                step()
                self.done[step.__name__.removeprefix("step_")] += 1
                self.tell_if_done()
        finally:
            self.tell()  # what ends early leaves no client behind

    def tell_if_done(self) -> None:
        if not self.told and self.done["reconfigure"] >= self.least:
            self.tell()

    def tell(self) -> None:
        """The clients end then."""
        self.told = self.controller.cluster.run(LOGIN, ["touch", "/tmp/changed"]).returncode == 0

    def may_be_refused(self, request: str, sent: float, answered: float) -> bool:
        """Whether it was wrong at some moment between the two."""
        states = self.states.get(request, [])
        following = [*states[1:], (0, answered, True)]
        return any(not right and began <= answered and ended >= sent
                   for (began, _, right), (_, ended, _) in zip(states, following, strict=True))


def submit_all(controller: Controller, number: int, clients: int) -> tuple[list[tuple], list[float]]:
    """Every answer of all clients (request, sent, answered, exit code, words), and slurmctld's memory in MiB on the way."""
    cluster, memory = controller.cluster, [controller.memory_mib()]
    processes = []
    for seed in range(clients):
        call = [sys.executable, "-m", "sandbox.cluster_cli", "exec", "--name", cluster.name, "--user", "alice", LOGIN, "--",
                "python3", "-c", CLIENT, json.dumps(REQUESTS), str(number // clients), str(seed)]
        processes.append(subprocess.Popen(call, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True))
    answers: list[tuple] = []
    lock = threading.Lock()

    def read(process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            with lock:
                answers.append(tuple(json.loads(line)))

    readers = [threading.Thread(target=read, args=[process]) for process in processes]
    for reader in readers:
        reader.start()
    deadline = time.monotonic() + 60 + number  # a second for each is far more than sbatch takes
    while any(reader.is_alive() for reader in readers):
        time.sleep(20)
        if time.monotonic() > deadline:
            for process in processes:
                process.kill()
            raise SystemExit(f"tests/stress: {len(answers)} of {number} submissions were answered within {60 + number} s; see slurmctld's log")
        memory.append(controller.memory_mib())
        say(f"{len(answers)} of {number} submissions, slurmctld has {memory[-1]:.0f} MiB")
    return answers, memory


def judge(answers: list[tuple], chaos: Chaos) -> tuple[Counter[str], list[str]]:
    figures: Counter[str] = Counter()
    wrong = []
    for name, sent, answered, code, words in answers:
        refused = code != 0 and "railhead: " in words
        figures[f"{name}_{'refused' if refused else 'accepted' if code == 0 else 'failed'}"] += 1
        if refused and name != "wrong" and not chaos.may_be_refused(name, sent, answered):
            wrong.append(f"refused while Slurm would have taken it: {' '.join(REQUESTS[name])}: {words}")
    return figures, wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/stress", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=("bookworm", "trixie", "sid"), default="trixie")
    parser.add_argument("--submissions", type=int, default=10_000, metavar="N")
    parser.add_argument("--clients", type=int, default=8, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="K")
    options = parser.parse_args()
    cluster = Cluster(f"stress-{options.suite}")
    cluster.up(Wanted(options.suite, 4, False, "auto", False))
    try:
        controller = Controller(cluster, options.suite)
        controller.at("sh", "-c", f"cat >{POLICY}", text=f"[submit]\nrefresh = {REFRESH}\n")
        controller.install()
        controller.start()
        controller.jump("604800")
        controller.wait("slurmctld's clock to jump", lambda: controller.clock() > time.time() + 600_000)
        controller.jump("0")
        controller.wait("the plugin to judge", controller.judges)
        chaos = Chaos(controller, options.seed, RECONFIGURES if options.suite == "bookworm" and options.submissions >= 10_000 else 0)
        chaos.create_flip()
        pid = controller.pid()
        chaos.start()
        answers, memory = submit_all(controller, options.submissions, options.clients)
        figures, wrong = judge(answers, chaos)
        if not chaos.is_alive():
            wrong.append("the changes ended before the submissions did: see the traceback above")
        if not figures["wrong_refused"]:
            wrong.append("nothing was refused, so the plugin has not judged at all")
        chaos.stop.set()
        chaos.join(60)
        if options.suite == "bookworm" and controller.pid() != pid:
            wrong.append(f"slurmctld is another process: {pid} became {controller.pid()}")
        if not controller.answers() or (controller.process and controller.process.poll() is not None):
            wrong.append("slurmctld has ended")
        if not controller.carries_sanitizer():
            wrong.append("slurmctld runs without the sanitizer's library, so this has shown nothing")
        if said := controller.sanitizer():
            wrong.append(said)
        if chaos.done["reconfigure"] < chaos.least:
            wrong.append(f"only {chaos.done['reconfigure']} of {chaos.least} reconfigurations came while jobs were submitted")
        print("\n".join(wrong[:20]))
        print(json.dumps({**figures, "memory_mib": [round(each) for each in memory], "changes": dict(chaos.done), "wrong": len(wrong)}))
        return 1 if wrong or len(answers) < options.submissions // options.clients * options.clients else 0
    finally:
        cluster.down()


if __name__ == "__main__":
    sys.exit(main())
