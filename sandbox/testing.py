"""What cluster tests need: commands and jobs with bounds, and a look at every node for what is left."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import cluster_cli
from sandbox.cluster import Cluster
from sandbox.inventory import LOGIN, USERS
from sandbox.node import read_pid
from sandbox.state import process_roots

UIDS = {uid: name for name, uid in USERS.items()}
FINAL = "COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|OUT_OF_MEMORY|PREEMPTED|BOOT_FAIL|DEADLINE"
WAIT_SCRIPT = r"""
while :; do
    job=$(scontrol show job -o "$1" 2>&1)
    case $job in
    *JobState=*) echo "$job" | grep -vqE "JobState=($2)( |$)" || { echo "$job"; exit 0; } ;; # every component and task
    *) echo "$job"; exit 1 ;;
    esac
    sleep 0.1
done
"""


@dataclass(frozen=True)
class Done:
    """How a command ended. `code` is 128 + signal for a signal; `seconds` is wall time."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        return self.out + self.err


class TestCluster:
    """A running cluster in the hands of a test. All waits are bounded; a bound that is passed fails the test."""

    __test__ = False  # no test class for pytest

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.jobs: list[Job] = []
        self.background: list[subprocess.Popen[str]] = []
        self.test = "test"
        self.usual = self._sockets()

    @property
    def suite(self) -> str:
        return self.cluster.wanted().suite

    @property
    def compute(self) -> list[str]:
        return [node.name for node in self.cluster.nodes().values() if node.role == "compute"]

    @property
    def shared(self) -> Path:
        """The folder that nodes see as /shared, as this process sees it."""
        return self.cluster.places.shared

    def home(self, user: str = "alice") -> Path:
        return self.shared / "home" / user

    # Commands.

    def _begin(self, node: str, command: list[str], user: str, environment: dict[str, str] | None = None, chdir: str | None = None,
               **streams) -> subprocess.Popen[str]:
        """`sandbox/cluster exec` as a fork of this process: a Python of its own costs ten times as much, thousands of times."""

        def become_command() -> None:
            os.closerange(3, 4096)  # the last one of them tells Popen that all is well
            sys.stdout, sys.stderr = (open(fd, "w", closefd=False, encoding="utf-8") for fd in (1, 2))
            try:
                os._exit(cluster_cli.exit_code_of(lambda: self.cluster.call(node, command, user, environment, chdir)))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(125)

        return subprocess.Popen(["a fork"], preexec_fn=become_command, text=True, errors="replace", stdout=subprocess.PIPE, **streams)

    def run(self, node: str, *command: str, user: str = "root", timeout: float = 60, check: bool = False, input: str = "",
            environment: dict[str, str] | None = None, chdir: str | None = None) -> Done:
        """Runs a command on a node. `check`: a non-zero end fails the test with what the command said."""
        started = time.monotonic()
        with self._begin(node, list(command), user, environment, chdir, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                out, err = process.communicate(input, timeout)
            except BaseException:
                process.kill()
                raise
        result = Done(process.returncode, out, err, time.monotonic() - started)
        if check and result.code != 0:
            raise AssertionError(f"{' '.join(command)} on {node} ended with {result.code}: {result.text}")
        return result

    def alice(self, *command: str, **options) -> Done:
        """Runs a command as alice on the login node."""
        return self.run(LOGIN, *command, user="alice", **options)

    def start(self, node: str, *command: str, user: str = "alice", **options) -> subprocess.Popen[str]:
        """Starts a command and goes on; it is ended after the test. A signal sent to it reaches the command's process group."""
        process = self._begin(node, list(command), user, **options, stdin=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.background.append(process)
        return process

    def put(self, path: str, text: str, user: str = "alice", mode: int = 0o644) -> Path:
        """Writes a file below the user's home, as the user's own; returns it as this process sees it."""
        target = self.home(user) / path
        for folder in [*reversed(target.relative_to(self.home(user)).parents)][1:]:
            place = self.home(user) / folder
            if not place.exists():
                place.mkdir()
                os.chown(place, USERS[user], USERS[user])
        target.write_text(text)
        target.chmod(mode)
        os.chown(target, USERS[user], USERS[user])
        return target

    # Jobs.

    def submit(self, script: str, *options: str, user: str = "alice", name: str = "", environment: dict[str, str] | None = None) -> Job:
        """Submits a batch script (a shebang is added) from a new folder in the user's home; a refusal fails the test."""
        done, folder = self.try_submit(script, *options, user=user, name=name, environment=environment)
        if done.code != 0:
            raise AssertionError(f"sbatch {' '.join(options)} was refused: {done.text}")
        job = Job(self, int(re.findall(r"^(\d+)", done.out, re.M)[-1]), folder, user)
        self.jobs.append(job)
        return job

    def try_submit(self, script: str, *options: str, user: str = "alice", name: str = "", environment: dict[str, str] | None = None) -> tuple[Done, str]:
        """As submit, but a refusal is the result. Returns it with the folder below the home."""
        folder = f"{name or self.test}-{time.monotonic_ns() // 1_000_000}"
        text = script if script.startswith("#!") else "#!/bin/bash\n" + script
        self.put(f"{folder}/job.sh", text, user, 0o755)
        done = self.run(LOGIN, "sbatch", "--parsable", "--output=job.out", *options, "job.sh", user=user, environment=environment,
                        chdir=f"/shared/home/{user}/{folder}")
        return done, folder

    # What is left.

    def leftovers(self) -> list[str]:
        """Sentences about what users' jobs have left on the nodes now; empty is good."""
        found = []
        tables = list(process_roots())
        for name in self.cluster.nodes():
            pid = read_pid(self.cluster.places, name)
            if pid is None:
                found.append(f"{name} is not running")
                continue
            upper = f"upperdir={self.cluster.places.node(name)}/upper,"
            found += _processes(name, [number for number, table in tables if upper in table])
            root = Path(f"/proc/{pid}/root")
            for folder in ("tmp", "dev/shm", "var/tmp"):
                found += [f"{name}: /{folder}/{entry.name} of {_owner(entry)}" for entry in (root / folder).iterdir()]
            for socket in _sockets_of(pid) - self.usual.get(name, set()):
                found.append(f"{name}: {socket}")
        return found

    def queue(self) -> list[str]:
        """Jobs and steps that Slurm still has."""
        done = self.run("ctl", "sh", "-c", "squeue -h -o 'job %i of %u %T'; squeue -h -s -o 'step %i of %u'", timeout=30)
        return done.out.splitlines() if done.code == 0 else [f"squeue ended with {done.code}: {done.text}"]

    def nothing_left(self, within: float = 5.0) -> list[str]:
        """What is still left after `within` seconds; returns as soon as nothing is."""
        deadline = time.monotonic() + within
        while True:
            found = self.leftovers()
            if not found:
                found = self.queue()
                if not found:
                    return []
            if time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def wait_idle(self, within: float = 30.0) -> None:
        """All compute nodes answer slurmctld and are idle; a node that is down after a fault is resumed."""
        deadline = time.monotonic() + within
        seen = ""
        while time.monotonic() < deadline:
            done = self.run("ctl", "sinfo", "-h", "-N", "-o", "%N %T", timeout=30)
            states = sorted(set(done.out.splitlines()))
            seen = ", ".join(line for line in states if not line.endswith(" idle"))
            if done.code == 0 and states and not seen:
                return
            down = [line.split()[0] for line in states if re.search(r" (down|drain|drained|fail)\b", line)]
            if down:
                self.run("ctl", "scontrol", "update", f"nodename={','.join(down)}", "state=resume", timeout=30)
            time.sleep(0.2)
        raise AssertionError(f"Not all nodes are idle after {within:.0f} s: {seen}")

    # Harm.

    def kill(self, node: str) -> None:
        self.cluster.kill(node)

    def freeze(self, node: str) -> None:
        self.cluster.freeze(node)

    def thaw(self, node: str) -> None:
        self.cluster.thaw(node)

    def cut(self, node: str) -> None:
        self.cluster.cut(node)

    def heal(self, node: str) -> None:
        self.cluster.heal(node)

    def heal_all(self) -> bool:
        """Undoes every fault; True when there was one."""
        places = self.cluster.places
        hurt = [name for name in self.cluster.nodes()
                if read_pid(places, name) is None or self.cluster.marked(name, "cut") or self.cluster.marked(name, "frozen")]
        for name in hurt:
            self.cluster.heal(name)
        return bool(hurt)

    def sweep(self) -> None:
        """Removes by force what a failed test left, so that the next one starts clean."""
        self.run("ctl", "sh", "-c", "for u in alice bob; do scancel -u $u; scancel -s KILL -u $u; done", timeout=60)
        tables = list(process_roots())
        top = f"upperdir={self.cluster.places.top}/"
        for number, table in tables:
            with contextlib.suppress(OSError):
                if top in table and os.stat(f"/proc/{number}").st_uid in UIDS:
                    os.kill(number, signal.SIGKILL)
        for name in self.cluster.nodes():
            self.run(name, "sh", "-c", "rm -rf /tmp/* /tmp/.[!.]* /dev/shm/* /var/tmp/*", timeout=30)

    def end_background(self) -> None:
        for process in self.background:
            if process.poll() is None:
                process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired, ValueError):
                process.communicate(timeout=10)
        self.background.clear()

    def _sockets(self) -> dict[str, set[str]]:
        places = self.cluster.places
        pids = {name: read_pid(places, name) for name in self.cluster.nodes()}
        return {name: _sockets_of(pid) for name, pid in pids.items() if pid}

    def log_sizes(self) -> dict[Path, int]:
        files = [path for name in self.cluster.nodes() for path in self.cluster.log_files(name)]
        return {path: path.stat().st_size for path in files}

    def log_ends(self, since: dict[Path, int], lines: int = 25) -> list[tuple[str, str]]:
        """The ends of what the nodes' logs and the test's jobs have said since."""
        found = []
        for name in self.cluster.nodes():
            for path in self.cluster.log_files(name):
                with path.open(errors="replace") as file:
                    file.seek(since.get(path, 0))
                    text = file.read()
                if text:
                    found.append((f"{name} {path.name}", "\n".join(text.splitlines()[-lines:])))
        for job in self.jobs:
            if job.output:
                found.append((f"job {job.number} output", "\n".join(job.output.splitlines()[-2 * lines:])))
        return found


@dataclass
class Job:
    """A submitted job of a test."""

    cluster: TestCluster
    number: int
    folder: str  # below the user's home
    user: str
    facts: dict[str, str] = field(default_factory=dict)  # of `scontrol show job`, after wait() or show()

    @property
    def directory(self) -> Path:
        return self.cluster.home(self.user) / self.folder

    @property
    def output(self) -> str:
        """What the batch script has said so far."""
        path = self.directory / "job.out"
        return path.read_text(errors="replace") if path.exists() else ""

    def read(self, name: str) -> str:
        return (self.directory / name).read_text(errors="replace")

    def show(self) -> dict[str, str]:
        done = self.cluster.run("ctl", "scontrol", "show", "job", "-o", str(self.number), timeout=30, check=True)
        self.facts = dict(re.findall(r"(\S+?)=(\S*)", done.out))
        return self.facts

    def wait(self, within: float = 60) -> str:
        """Waits for the job's end and returns its state; out of time fails the test with the output so far."""
        try:
            done = self.cluster.run("ctl", "sh", "-c", WAIT_SCRIPT, "wait", str(self.number), FINAL, timeout=within)
        except subprocess.TimeoutExpired:
            state = self.show()
            raise AssertionError(f"Job {self.number} is {state['JobState']} ({state.get('Reason')}) after {within:.0f} s; it said: {self.output}") from None
        self.facts = dict(re.findall(r"(\S+?)=(\S*)", done.out))
        return self.facts.get("JobState", done.text)

    def wait_for(self, pattern: str, within: float = 60, name: str = "job.out") -> re.Match[str]:
        """Waits until the output (or another file of the job) matches."""
        deadline = time.monotonic() + within
        while True:
            path = self.directory / name
            there = path.exists()  # before that an empty pattern does not match either
            text = path.read_text(errors="replace") if there else ""
            match = re.search(pattern, text, re.M)
            if there and match:
                return match
            if time.monotonic() > deadline:
                raise AssertionError(f"Job {self.number} did not say {pattern!r} within {within:.0f} s; it said: {text}")
            time.sleep(0.05)

    @property
    def exit_code(self) -> int:
        """After wait(): the batch script's exit code, or 128 + signal."""
        code, _, number = self.facts["ExitCode"].partition(":")
        return int(code) if number == "0" else 128 + int(number)

    def cancel(self, *options: str) -> None:
        self.cluster.run("ctl", "scancel", *options, str(self.number), timeout=30, check=True)


def _owner(path: Path) -> str:
    with contextlib.suppress(OSError):
        uid = path.lstat().st_uid
        return UIDS.get(uid, f"uid {uid}")
    return "nobody any more"


def _processes(node: str, pids: list[int]) -> list[str]:
    """Processes of users, and steps' daemons, which end with their step."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            uid = os.stat(f"/proc/{pid}").st_uid
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            status = Path(f"/proc/{pid}/status").read_text()
            state = re.search(r"State:\s+(\S)", status)[1]
            if uid in UIDS:
                found.append(f"{node}: process {pid} of {UIDS[uid]} ({state}): {words or status.splitlines()[0]}"[:240])
            elif words.startswith("slurmstepd"):
                found.append(f"{node}: {words}")
    return found


def _sockets_of(pid: int) -> set[str]:
    """Abstract sockets, and TCP ports with a listener, in the node's network."""
    found = set()
    for line in Path(f"/proc/{pid}/net/unix").read_text().splitlines()[1:]:
        words = line.split(maxsplit=7)
        if len(words) == 8 and words[7].startswith("@"):
            found.add(f"abstract socket {words[7]}")
    for version in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/net/{version}").read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == "0A":
                    found.add(f"listener on {version} port {int(words[1].rpartition(':')[2], 16)}")
    return found
