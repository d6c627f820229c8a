"""The fault campaign (`tests/run faults`, or this alone): launches on a real cluster, each harmed once, at a phase, under a policy, and what became of it.

Prints a line for each case and last one line of JSON: outcome, seconds until it was noticed, seconds until all was gone, what was left.
Without --full a set of cases in which each two values of fault, phase, recipe and policy that can meet do meet. With --results FILE a
campaign that was interrupted goes on where it was. Exit code 1: a case did not end as it should.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sandbox.cluster import Cluster, Wanted
from sandbox.layers import SUITES, TORCH_SUITES
from sandbox.testing import Job, TestCluster

HURT = "node3"  # where one node is harmed; node1 has the batch script
LOSS_AFTER = 6  # seconds; a fault that shall heal is shorter
GRACE = 3
# Runs until somebody makes the file `go`; started again, it ends at once. `stubborn`: it also lets the grace pass.
PROGRAM = "echo runs; [ $RAILHEAD_RESTARTS = 0 ] || exit 0; until [ -e go ]; do sleep 0.1; done"
STUBBORN = "trap \"\" TERM; " + PROGRAM
UNHARMED, LOST, KILLED, CANCELLED, NO_MEMORY = "unharmed", "lost", "killed", "cancelled", "out of memory"


def pids(cluster: TestCluster, node: str, pattern: str) -> list[str]:
    found = cluster.run(node, "pgrep", "-f", pattern).out.split()
    assert found, f"nothing on {node} matches {pattern}"
    return found


def kill(cluster: TestCluster, node: str, pattern: str, only: slice = slice(None)) -> None:
    cluster.run(node, "kill", "-KILL", *pids(cluster, node, pattern)[only])


def restart(cluster: TestCluster, node: str, daemon: str, signal: str) -> None:
    """The daemon again, with the words that it had."""
    pid = pids(cluster, node, f"^(/usr/sbin/)?{daemon}( |$)")[0]
    command = cluster.run(node, "cat", f"/proc/{pid}/cmdline", check=True).out.split("\0")[:-1]
    cluster.run(node, "sh", "-c", f"kill -{signal} {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.1; done", check=True)
    cluster.run(node, "sh", "-c", f"setsid {shlex.join(command)} >/dev/null 2>&1 </dev/null &", check=True)


def briefly(harm: str) -> Callable[[TestCluster, Job], None]:
    def act(cluster: TestCluster, _: Job) -> None:
        getattr(cluster, harm)(HURT)
        time.sleep(LOSS_AFTER / 2)  # the fault's length
        cluster.heal(HURT)
    return act


def fill_tmp(cluster: TestCluster, _: Job) -> None:
    cluster.run(HURT, "sh", "-c", "dd if=/dev/zero of=/tmp/full bs=64k 2>/dev/null; true")


def eat_memory(cluster: TestCluster, job: Job) -> None:
    """In the job's own cgroup: a process of the job takes all that it has."""
    cluster.put(f"{job.folder}/eat", "")


@dataclass(frozen=True)
class Fault:
    harm: Callable[[TestCluster, Job], None]
    outcome: str


FAULTS = {
    "node killed": Fault(lambda cluster, _: cluster.kill(HURT), LOST),
    "node frozen": Fault(lambda cluster, _: cluster.freeze(HURT), LOST),
    "node cut off": Fault(lambda cluster, _: cluster.cut(HURT), LOST),
    "frozen for a while": Fault(briefly("freeze"), UNHARMED),
    "cut off for a while": Fault(briefly("cut"), UNHARMED),
    "/tmp filled": Fault(fill_tmp, UNHARMED),
    "out of memory": Fault(eat_memory, NO_MEMORY),
    "agent killed": Fault(lambda cluster, _: kill(cluster, HURT, "railhead agent"), LOST),
    "rank killed": Fault(lambda cluster, _: kill(cluster, "node1", "^sh -c .*echo runs", slice(1)), KILLED),
    "supervisor killed": Fault(lambda cluster, _: kill(cluster, "node1", "^(/usr/bin/)?railhead (run|ray|torchrun|mpi)"), KILLED),
    "slurmd killed": Fault(lambda cluster, _: restart(cluster, HURT, "slurmd", "KILL"), UNHARMED),
    "slurmctld restarted": Fault(lambda cluster, _: restart(cluster, "ctl", "slurmctld", "TERM"), UNHARMED),
    "scancel": Fault(lambda _, job: job.cancel(), CANCELLED),
}
PHASES = ("start", "run", "end")
POLICIES = ("fail", "shrink:2", "spare:1", "requeue", "restarts")
RECIPES = {"run": "", "torchrun": "--no-python", "ray": "", "mpi": ""}  # with further words


@dataclass(frozen=True)
class Case:
    fault: str
    phase: str
    recipe: str
    policy: str

    def text(self) -> str:
        return f"{self.fault}, {self.phase}, {self.recipe}, {self.policy}"

    def possible(self) -> bool:
        """In the start nothing runs that could be killed or eat; where the end is under way nothing is unharmed, and Ray's driver is gone."""
        if self.fault in ("rank killed", "out of memory") and (self.phase == "start" or (self.phase, self.recipe) == ("end", "ray")):
            return False
        return not (self.phase == "end" and FAULTS[self.fault].outcome in (UNHARMED, NO_MEMORY))

    def codes(self) -> set[int]:
        """The exit codes with which the launch may end."""
        outcome = FAULTS[self.fault].outcome
        if self.phase == "end":  # the rank that was killed to begin it is the headline, unless all was to start again
            return {0, 104, 109, 137} if self.policy == "restarts" else {137}
        if outcome == UNHARMED:
            return {102} if self.fault == "/tmp filled" and self.phase == "start" else {0}
        if outcome == LOST:
            if self.policy in ("shrink:2", "spare:1"):
                return {0}
            return {102, 103, 104} if self.phase == "start" else {104}
        if outcome == NO_MEMORY:
            return {106, 137}
        if outcome == CANCELLED:
            return {109, 143}
        again = self.policy == "restarts" and self.fault == "rank killed"
        return {0} if again else {137}


@dataclass
class Result:
    case: Case
    code: int | None = None
    noticed_s: float | None = None
    gone_s: float | None = None
    left: list[str] = field(default_factory=list)
    problem: str = ""

    def line(self) -> str:
        def seconds(value: float | None) -> str:
            return "-" if value is None else f"{value:.1f} s"
        left = "; ".join(self.left) or "nothing"
        return (f"{self.case.text()}: code {self.code}, noticed after {seconds(self.noticed_s)}, gone after {seconds(self.gone_s)}, left: {left}"
                + (f"  WRONG: {self.problem}" if self.problem else ""))


def script_of(case: Case) -> str:
    program = STUBBORN if case.phase == "end" else PROGRAM
    eat = "[ ! -e eat ] || [ $(hostname) != node1 ] || exec python3 -c \"x = bytearray(1 << 34)\"; "
    program = program.replace("do sleep", f"do {eat}sleep")
    options = ["--report report.json", f"--loss-after {LOSS_AFTER}", f"--grace {GRACE}"]
    options += ["--restarts 2"] if case.policy == "restarts" else [f"--on-loss {case.policy}"]
    if case.phase == "start":
        options.append("--before-node 'touch hooked; sleep 2'")
    command = f"railhead {case.recipe} {' '.join(options)} {RECIPES[case.recipe]} -- sh -c {shlex.quote(program)}"
    return f"#SBATCH -N4 --gpus-per-node=1 --mem=500 --no-kill --requeue --open-mode=append\nexport TORCHINDUCTOR_CACHE_DIR=$PWD/cache\nexec {command}\n"


def reach_phase(cluster: TestCluster, case: Case, job: Job) -> None:
    if case.phase == "start":
        job.wait_for("agents run on", 60)
    else:
        job.wait_for(" is ready: ", 120)
        job.wait_for("^(\\[.*\\] ?:? ?)?runs", 60)
    if case.phase == "end":
        cluster.run("node2" if case.recipe != "ray" else "node1", "pkill", "-KILL", "-f", "^sh -c .*echo runs", check=True)
        if case.recipe == "torchrun":
            cluster.run("node2", "sh", "-c", "while pgrep -f '[t]orchrun .*--nnodes' >/dev/null; do sleep 0.1; done", check=True)  # it ends slowly
        time.sleep(1)  # the launch is in its grace, which the others let pass


def lines_of(job: Job) -> int:
    return len(re.findall("^railhead: ", job.output, re.M))


def await_end(cluster: TestCluster, job: Job, began: float, result: Result, before: int, within: float) -> None:
    """Until neither the job runs nor, in the queue again, anything of it does."""
    deadline = time.monotonic() + within
    while True:
        if result.noticed_s is None and lines_of(job) > before:
            result.noticed_s = time.monotonic() - began
        state = job.show()["JobState"]
        if state == "PENDING" or state in ("COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"):
            return
        if time.monotonic() > deadline:
            result.problem = f"the job is {state} after {within:.0f} s"
            return
        time.sleep(0.2)


def code_of(job: Job) -> int | None:
    """As the report has it; where the supervisor was killed there is none."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads(job.read("report.json"))["exit_code"]
    code, _, number = job.show()["ExitCode"].partition(":")
    return int(code) if number == "0" else 128 + int(number)


@contextlib.contextmanager
def small_tmp(cluster: TestCluster, case: Case) -> Iterator[None]:
    """A /tmp that can be filled without filling the machine's."""
    if case.fault != "/tmp filled":
        yield
        return
    cluster.run(HURT, "mount", "-t", "tmpfs", "-o", "size=150m,mode=1777", "tmpfs", "/tmp", check=True)
    try:
        yield
    finally:
        cluster.run(HURT, "umount", "-l", "/tmp", check=True)


def run_case(cluster: TestCluster, case: Case) -> Result:
    result = Result(case)
    with small_tmp(cluster, case):
        job = cluster.submit(script_of(case))
        try:
            reach_phase(cluster, case, job)
            before, began = lines_of(job), time.monotonic()
            FAULTS[case.fault].harm(cluster, job)
            if FAULTS[case.fault].outcome == UNHARMED:
                if case.phase == "start" and 0 in case.codes():
                    job.wait_for(" is ready: ", 120)
                cluster.put(f"{job.folder}/go", "")
            if FAULTS[case.fault].outcome == LOST:
                job.wait_for("exit code \\d+$", 90)  # the end that is said; Slurm waits for the node
                result.gone_s = time.monotonic() - began
                cluster.heal_all()
            await_end(cluster, job, began, result, before, 60)
            result.gone_s = result.gone_s or time.monotonic() - began
            result.code = code_of(job)
            if not result.problem and result.code not in case.codes():
                result.problem = f"expected one of {sorted(case.codes())}"
        except AssertionError as error:
            result.problem = str(error)[:1000]
        finally:
            cluster.heal_all()
            with contextlib.suppress(AssertionError):
                job.cancel()
            cluster.run(HURT, "rm", "-f", "/tmp/full")
        result.left = cluster.nothing_left(15)
        if result.left:
            result.problem = result.problem or "something is left"
    if result.problem or result.left:
        print(f"what the job said:\n{job.output[-4000:]}", flush=True)
        cluster.sweep()
    cluster.wait_idle(60)
    return result


def product(recipes: list[str]) -> list[Case]:
    cases = (Case(*values) for values in itertools.product(FAULTS, PHASES, recipes, POLICIES))
    return [case for case in cases if case.possible()]


def pairs(case: Case) -> set[tuple[tuple[str, str], ...]]:
    return set(itertools.combinations(tuple(asdict(case).items()), 2))


def pairwise(cases: list[Case]) -> list[Case]:
    """Greedy: the case with most pairs that no earlier one has, until each pair of the product is in one."""
    missing = set().union(*map(pairs, cases))
    chosen = []
    while missing:
        best = max(cases, key=lambda case: len(pairs(case) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def done_before(results: Path | None) -> dict[Case, dict]:
    if not results or not results.exists():
        return {}
    found = [json.loads(line) for line in results.read_text().splitlines() if line.strip()]
    return {Case(**each["case"]): each for each in found}


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=SUITES, default="bookworm")
    parser.add_argument("--recipes", default="", help="comma-separated; without it all that the suite's root has")
    parser.add_argument("--full", action="store_true", help="the whole product")
    parser.add_argument("--results", type=Path, help="one JSON line for each case; those in it are not run again")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="stop after so many")
    options = parser.parse_args()
    torch = options.suite in TORCH_SUITES
    recipes = options.recipes.split(",") if options.recipes else ["run", "mpi", "torchrun" if torch else "ray"]
    cases = product(recipes)
    before = done_before(options.results)
    wanted = [case for case in (cases if options.full else pairwise(cases)) if case not in before]
    if options.limit:
        wanted = wanted[: options.limit]
    all_results = list(before.values())
    cluster = Cluster(f"faults-{os.getpid()}")
    cluster.up(Wanted(options.suite, nodes=4, torch="torchrun" in recipes, mpi="mpi" in recipes))
    try:
        for number, case in enumerate(wanted, 1):
            result = run_case(TestCluster(cluster), case)
            print(f"{number} of {len(wanted)}: {result.line()}", flush=True)
            all_results.append(asdict(result))
            if options.results:
                with options.results.open("a") as file:
                    file.write(json.dumps(asdict(result)) + "\n")
    finally:
        cluster.down()
    wrong = [each for each in all_results if each["problem"]]
    gone = sorted(each["gone_s"] for each in all_results if each["gone_s"] is not None)
    print(json.dumps({"cases": len(all_results), "wrong": len(wrong), "left": sum(bool(each["left"]) for each in all_results),
                      "gone_s": {"median": gone[len(gone) // 2], "max": gone[-1]} if gone else None}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
