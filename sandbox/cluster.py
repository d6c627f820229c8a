"""A cluster: made, asked, hurt, healed and taken away. `sandbox.cluster_cli` is its command line."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox import cgroups, host, roots, site
from sandbox import node as nodes
from sandbox import syscalls as sc
from sandbox.cgroups import Groups
from sandbox.host import SandboxError, say
from sandbox.inventory import CONTROLLER, Node, make_nodes
from sandbox.slurmconf import Shape
from sandbox.state import end_holder, locked, process_roots

STATE = Path("/run/railhead-sandbox")
UP_SECONDS = 60.0  # for Slurm to call all nodes idle; more for many
LOGS = ("var/log/slurm/slurmctld.log", "var/log/slurm/slurmd.log", "var/log/slurm/slurmdbd.log")


@dataclass(frozen=True)
class Wanted:
    """What `up` was asked for."""

    suite: str = "trixie"
    nodes: int = 4
    accounting: bool = False
    cgroups: str = "auto"
    ray: bool = True
    torch: bool = False
    mpi: bool = False

    def typed(self) -> str:
        """The options of `up` that say this."""
        words = [f"--suite {self.suite}", f"--nodes {self.nodes}", f"--cgroups {self.cgroups}"]
        return " ".join(words + ["--accounting"] * self.accounting + ["--no-ray"] * (not self.ray) + ["--torch"] * self.torch + ["--mpi"] * self.mpi)

    def libraries(self) -> list[str]:
        """The layers with what users' programs need."""
        return (["torch"] if self.torch else ["ray"] if self.ray else []) + ["mpi"] * self.mpi


class Cluster:
    def __init__(self, name: str = "main") -> None:
        if not name.replace("-", "").isalnum() or len(name) > 24:
            raise SandboxError(f"A cluster's name is at most 24 letters, digits and '-', but this is {name!r}.", 2)
        self.name = name
        self.places = nodes.Places(STATE / name)

    # What stands.

    def is_up(self) -> bool:
        return (self.places.top / "ready").exists()

    def wanted(self) -> Wanted:
        return Wanted(**json.loads((self.places.top / "cluster.json").read_text())["wanted"])

    def groups(self) -> Groups:
        return Groups(json.loads((self.places.top / "cluster.json").read_text())["cgroups"], self.name)

    def nodes(self) -> dict[str, Node]:
        return {node.name: node for node in make_nodes(self.wanted().nodes)}

    def require_up(self) -> None:
        if not self.is_up():
            raise SandboxError(f"The cluster {self.name} is not up: `sandbox/cluster up --name {self.name}` makes it.")

    def node(self, name: str) -> Node:
        self.require_up()
        found = self.nodes()
        if name not in found:
            shown = ", ".join(found) if len(found) < 12 else f"ctl, login, node1..node{self.wanted().nodes}, a100-1, a100-2, cpu1"
            raise SandboxError(f"{name} is no node of the cluster {self.name}: it has {shown}.", 2)
        return found[name]

    # Commands inside.

    def call(self, name: str, command: list[str], user: str = "root", environment: dict[str, str] | None = None,
             directory: str | None = None) -> int:
        """Runs a command in a node with our own standard streams. This process becomes part of the node."""
        self.node(name)
        pid = nodes.read_pid(self.places, name)
        if pid is None:
            raise SandboxError(f"{name} is not running: `sandbox/cluster heal --name {self.name} {name}` starts it again.")
        if self.marked(name, "frozen"):
            raise SandboxError(f"{name} is frozen: `sandbox/cluster thaw --name {self.name} {name}` lets it go on.")
        try:
            account = nodes.find_account(Path(f"/proc/{pid}/root"), user)
        except KeyError:
            raise SandboxError(f"{user} is no user of {name}: the cluster has alice, bob and root.", 2) from None
        return nodes.execute(pid, self.groups(), name, account, command, environment or {}, directory)

    def run(self, name: str, command: list[str], user: str = "root", timeout: float = 60.0, **options) -> subprocess.CompletedProcess[str]:
        """Runs a command in a node and collects what it says."""
        call = [sys.executable, "-m", "sandbox.cluster_cli", "exec", "--name", self.name, "--user", user, name, "--", *command]
        environment = {**os.environ, "PYTHONPATH": str(host.CHECKOUT)}
        return subprocess.run(call, env=environment, text=True, capture_output=True, timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL if "input" not in options else None, **options)

    # Up.

    def up(self, wanted: Wanted) -> None:
        host.require_host()
        host.require_tools()
        if self.is_up():
            if self.wanted() == wanted:
                say(f"The cluster {self.name} is up already.")
                return
            raise SandboxError(f"The cluster {self.name} is up with other settings ({self.wanted().typed()}): `sandbox/cluster down --name {self.name}` first.")
        started = time.monotonic()
        layers = ["slurm", *wanted.libraries(), *(["accounting"] if wanted.accounting else [])]
        roots.ensure(wanted.suite, layers)
        with locked(self.name):
            if self.places.top.exists() or cgroups.leftovers(self.name):
                self._take_away()  # what a killed `up` left
            try:
                self._make(wanted, started)
            except BaseException:
                self._take_away()
                raise
        say(f"cluster: {self.name} is up after {time.monotonic() - started:.1f} s")

    def _make(self, wanted: Wanted, started: float) -> None:
        kind = cgroups.detect() if wanted.cgroups == "auto" else wanted.cgroups
        if kind not in ("v1", "v2", "off"):
            raise SandboxError(f"--cgroups is auto, v1, v2 or off, but this is {kind}.", 2)
        if wanted.cgroups == "auto" and kind == "v2" and wanted.suite == "bookworm":
            say("cluster: Slurm 22.05 does not run below a version 2 cgroup of a node, so limits will not be real")
            kind = "off"
        if wanted.cgroups == "auto" and kind == "v2":
            try:
                self._make_with(wanted, kind, started)
                return
            except SandboxError as error:
                say(f"cluster: this host's cgroups do not carry Slurm, so limits will not be real ({str(error).splitlines()[0]})")
                self._take_away()
                kind = "off"
        self._make_with(wanted, kind, started)

    def _make_with(self, wanted: Wanted, kind: str, started: float) -> None:
        phase = Phases()
        every = make_nodes(wanted.nodes)
        top = self.places.top
        top.mkdir(parents=True)
        sc.mount("tmpfs", str(top), "tmpfs", 0, "mode=755,size=80%")
        (top / "cluster.json").write_text(json.dumps({"wanted": asdict(wanted), "cgroups": kind}))
        lower = roots.lower(wanted.suite, ["slurm", *wanted.libraries()])
        with_database = roots.lower(wanted.suite, ["slurm", "accounting", *wanted.libraries()]) if wanted.accounting else lower
        shape = Shape(wanted.suite, wanted.nodes, tuple(every), kind, wanted.accounting, *site.plugins_built(wanted.suite))
        for plugin, built in (("submit", shape.job_submit), ("SPANK", shape.spank)):
            if not built:
                say(f"cluster: without the {plugin} plugin, which is not built: sandbox/build --suite {wanted.suite} plugins")
        site.write(self.places, shape, with_database)
        groups = Groups(kind, self.name)
        for node in every:
            for folder in ("upper", "work", "root"):
                (self.places.node(node.name) / folder).mkdir(parents=True)
            groups.create(node.name)
        self.places.network.create(every)
        phase.done(f"site, network and cgroups ({kind})")
        self._start(every, lower, with_database)
        phase.done(f"{len(every)} nodes started")
        self._wait_until_idle(wanted)
        phase.done("all nodes idle")
        if shape.job_submit:
            self._wait_until_judged()
            phase.done("submit plugin knows the cluster")
        (top / "ready").touch()

    def _lower(self, node: Node) -> list[str]:
        wanted = self.wanted()
        names = ["slurm"]
        if wanted.accounting and node.name == CONTROLLER:
            names.append("accounting")
        return roots.lower(wanted.suite, [*names, *wanted.libraries()])

    def _start(self, every: list[Node], lower: list[str], with_database: list[str]) -> None:
        groups = self.groups()
        helpers = {}
        for node in every:
            helpers[node.name] = nodes.start(self.places, groups, node, with_database if node.name == CONTROLLER else lower)
        for name, helper in helpers.items():
            if os.waitpid(helper, 0)[1] != 0:
                raise SandboxError(f"{name} cannot start; the end of its console:\n{self._tail(name)}")

    def _wait_until_idle(self, wanted: Wanted) -> None:
        expected = wanted.nodes + 3
        deadline = time.monotonic() + UP_SECONDS + wanted.nodes * 0.5
        said = time.monotonic()
        seen = "no answer from slurmctld"
        while True:
            done = self._ask(["sinfo", "-h", "-o", "%D %T"])
            if done.returncode == 0:
                states = [line.split() for line in done.stdout.splitlines()]
                seen = ", ".join(f"{count} {state}" for count, state in states) or "no nodes"
                if sum(int(count) for count, state in states if state == "idle") == expected:
                    return
            self._fail_if_daemon_ended()
            if time.monotonic() > deadline:
                raise SandboxError(f"Of {expected} nodes not all became idle ({seen}); the end of slurmctld's log:\n{self._tail(CONTROLLER)}")
            if time.monotonic() - said > 5:
                said = time.monotonic()
                say(f"cluster: waiting for slurmctld: {seen}")
            time.sleep(0.1)

    def _wait_until_judged(self) -> None:
        """Right after its start the submit plugin accepts every job: its first look at the cluster takes a second or two."""
        wrong_job = ["srun", "--test-only", "--partition=gpu", "--gpus-per-node=no-such-type:1", "true"]
        judged = lambda: "railhead: " in self._ask(wrong_job).stderr  # noqa: E731
        wait_until(judged, UP_SECONDS, "the submit plugin to judge a job (see slurmctld's log)")

    def _ask(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """A command in the controller, before the cluster is ready."""
        child = "import sys; from sandbox.cluster import Cluster; sys.exit(Cluster(sys.argv[1]).call_early(sys.argv[2:]))"
        environment = {**os.environ, "PYTHONPATH": str(host.CHECKOUT)}
        return subprocess.run([sys.executable, "-c", child, self.name, *command], env=environment, text=True, capture_output=True, check=False)

    def call_early(self, command: list[str]) -> int:
        pid = nodes.read_pid(self.places, CONTROLLER)
        if pid is None:
            return 1
        account = nodes.Account("root", 0, 0, (0,), "/root", "/bin/sh")
        return nodes.execute(pid, self.groups(), CONTROLLER, account, command, {})

    def _fail_if_daemon_ended(self) -> None:
        for name in self.nodes():
            pid = nodes.read_pid(self.places, name)
            if pid is None:
                raise SandboxError(f"{name} ended while it started; the end of its logs:\n{self._tail(name)}")
            failed = Path(f"/proc/{pid}/root/run/sandbox-failed")
            with contextlib.suppress(OSError):
                if failed.exists():
                    raise SandboxError(f"{name}: {failed.read_text().strip()}; the end of its logs:\n{self._tail(name)}")

    def log_files(self, name: str) -> list[Path]:
        place = self.places.node(name)
        return [path for path in (place / "console.log", *(place / "upper" / log for log in LOGS)) if path.exists()]

    def _tail(self, name: str, lines: int = 15) -> str:
        parts = []
        for path in self.log_files(name):
            end = path.read_text(errors="replace").splitlines()[-lines:]
            parts.append("\n".join([f"-- {name} {path.name}", *end]))
        return "\n".join(parts)

    # Harm and healing.

    def marked(self, name: str, mark: str) -> bool:
        return (self.places.node(name) / mark).exists()

    def _mark(self, name: str, mark: str, on: bool) -> None:
        file = self.places.node(name) / mark
        if on:
            file.touch()
        else:
            file.unlink(missing_ok=True)

    def kill(self, name: str) -> None:
        """All processes of the node are gone at once; its network answers with resets."""
        self.node(name)
        pid = nodes.read_pid(self.places, name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            if self.marked(name, "frozen"):
                self._set_frozen(name, False)
            wait_until(lambda: not self.processes(name), 20, f"the processes of {name} to end")
        self._mark(name, "frozen", False)

    def freeze(self, name: str) -> None:
        """Every process of the node stands still; its kernel still answers."""
        self.node(name)
        self._mark(name, "frozen", True)
        self._set_frozen(name, True)

    def thaw(self, name: str) -> None:
        self.node(name)
        self._set_frozen(name, False)
        self._mark(name, "frozen", False)

    def _set_frozen(self, name: str, frozen: bool) -> None:
        if self.groups().freeze(name, frozen):
            return
        for pid in self.processes(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP if frozen else signal.SIGCONT)

    def cut(self, name: str) -> None:
        """The node's cable is out: silence, no resets."""
        self.node(name)
        self.places.network.cut(name)
        self._mark(name, "cut", True)

    def heal(self, name: str) -> None:
        """Cable in, processes going on, and daemons started again when they are gone."""
        node = self.node(name)
        if self.marked(name, "cut"):
            self.places.network.heal(name)
            self._mark(name, "cut", False)
        if self.marked(name, "frozen"):
            self.thaw(name)
        if nodes.read_pid(self.places, name) is None:
            lower = self._lower(node)
            with locked(self.name):
                groups = self.groups()
                groups.create(name)
                shutil.rmtree(self.places.node(name) / "work", ignore_errors=True)
                (self.places.node(name) / "work").mkdir()
                self._start([node], lower, lower)
            if node.role == "compute":
                self._end_jobs_of(name)
        elif node.role == "compute":
            self._resume(name)
        if name == CONTROLLER:
            wait_until(lambda: self._ask(["scontrol", "ping"]).returncode == 0, UP_SECONDS, "slurmctld to answer (see its log)")

    def _end_jobs_of(self, name: str) -> None:
        """slurmctld believes in a young job of a node that was away for a moment; an administrator says that it is lost."""
        if self._ask(["scontrol", "update", f"nodename={name}", "state=down", "reason=killed"]).returncode == 0:
            self._ask(["scontrol", "update", f"nodename={name}", "state=resume"])

    def _resume(self, name: str) -> None:
        """slurmctld asks a node that was away for longer than SlurmdTimeout again only when an administrator resumes it."""
        if nodes.read_pid(self.places, CONTROLLER) is None or self.marked(CONTROLLER, "frozen") or self.marked(CONTROLLER, "cut"):
            return
        state = lambda: self._ask(["sinfo", "-h", "-n", name, "-o", "%T"]).stdout  # noqa: E731
        if "down*" in state():
            self._ask(["scontrol", "update", f"nodename={name}", "state=resume"])
            wait_until(lambda: "*" not in state(), UP_SECONDS, f"{name} to answer slurmctld (see its log)")

    def processes(self, name: str) -> list[int]:
        """The host's pids of everything in the node."""
        upper = f"upperdir={self.places.node(name)}/upper,"
        return [pid for pid, table in process_roots() if upper in table]

    # Down.

    def down(self) -> bool:
        """Takes the cluster away, or what a killed `up` left of it; False when there was nothing."""
        host.require_host()
        end_holder(self.name)
        with locked(self.name):
            existed = self.places.top.exists() or bool(cgroups.leftovers(self.name))
            self._take_away()
        return existed

    def _take_away(self) -> None:
        cgroups.thaw_all(self.name)
        mark = f"upperdir={self.places.top}/"
        deadline = time.monotonic() + 20
        while left := cgroups.processes(self.name) | {pid for pid, table in process_roots() if mark in table}:
            for pid in left - {os.getpid()}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise SandboxError(f"These processes of the cluster {self.name} do not end: {sorted(left)}: look at them with `ps`.")
            time.sleep(0.02)
        while os.path.ismount(self.places.top):
            sc.umount(str(self.places.top), sc.MNT_DETACH)
        with contextlib.suppress(FileNotFoundError):
            self.places.top.rmdir()
        with contextlib.suppress(OSError):
            STATE.rmdir()
        stuck = cgroups.remove(self.name)
        if stuck:
            raise SandboxError(f"These cgroups of the cluster {self.name} cannot be removed: {', '.join(map(str, stuck[:3]))}.")


class Phases:
    """A line per phase with its seconds."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def done(self, what: str) -> None:
        now = time.monotonic()
        say(f"cluster: {what}: {now - self.began:.1f} s")
        self.began = now


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise SandboxError(f"Waited {seconds:.0f} s for {what}, in vain.")
        time.sleep(0.02)
