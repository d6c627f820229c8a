"""A cgroup per node, so that OOM kills, device limits and freezing are real: version 1 or 2, whichever the host has."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from sandbox import syscalls as sc

TOP = "railhead-sandbox"
WANTED = {"memory", "devices", "freezer"}  # without these three Slurm's limits are not real
LEAF = "init"  # version 2 takes no processes in a group that has limited children
SLICE = "system.slice"  # where slurmd without systemd puts steps; 22.05 does not make it itself
CLONE_NEWCGROUP = 0x02000000


def hierarchies() -> dict[str, Path]:
    """The host's mounted hierarchies: version 1 by controller, version 2 under the name `unified`."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, target, kind, options = line.split()[:4]
        if kind == "cgroup2":
            found.setdefault("unified", Path(target))
        elif kind == "cgroup":
            found.setdefault(Path(target).name, Path(target))
            for option in options.split(","):
                if option in WANTED:
                    found.setdefault(option, Path(target))
    return found


def detect() -> str:
    """v1, v2 or off: what this host can give to nodes."""
    found = hierarchies()
    if WANTED <= set(found) and all(os.access(found[name], os.W_OK) for name in WANTED):
        return "v1"
    unified = found.get("unified")
    if unified and not WANTED & set(found) and _delegate(unified):
        return "v2"
    return "off"


def _delegate(root: Path) -> bool:
    """Whether the group at `root` hands the memory controller to its children."""
    try:
        wanted = {"memory", "pids", "cpu", "cpuset"} & set((root / "cgroup.controllers").read_text().split())
        (root / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in wanted))
        return "memory" in (root / "cgroup.subtree_control").read_text().split()
    except OSError:
        return False


@dataclass(frozen=True)
class Groups:
    """The cgroups of one cluster. `kind` is v1, v2 or off."""

    kind: str
    cluster: str

    def roots(self) -> list[tuple[str, Path]]:
        found = hierarchies()
        if self.kind == "v1":
            return [(name, path) for name, path in found.items() if name != "unified" and _is_own_mount(path)]
        return [("unified", found["unified"])] if self.kind == "v2" else []

    def create(self, node: str) -> None:
        for name, root in self.roots():
            folder = root
            for part in (TOP, self.cluster, node):
                folder = folder / part
                folder.mkdir(exist_ok=True)
                if name == "cpuset":
                    for file in ("cpuset.cpus", "cpuset.mems"):
                        (folder / file).write_text((folder.parent / file).read_text())
                if name == "unified" and part != node:
                    _delegate(folder)
            if name == "unified":
                (folder / LEAF).mkdir(exist_ok=True)

    def join(self, node: str, fresh: bool = False) -> None:
        """Moves the calling process into the node's groups; `fresh`: it will be the node's first."""
        for name, root in self.roots():
            folder = root / TOP / self.cluster / node
            if name == "unified":
                if fresh:
                    (folder / "cgroup.procs").write_text("0")
                    sc.unshare(CLONE_NEWCGROUP)
                (folder / LEAF / "cgroup.procs").write_text("0")
                if fresh:
                    _delegate(folder)  # possible now that no process is left in it
                    (folder / SLICE).mkdir(exist_ok=True)
                    _delegate(folder / SLICE)
            else:
                (folder / "cgroup.procs").write_text("0")

    def show_in(self, node: str, target: str) -> None:
        """Mounts the node's own groups as its /sys/fs/cgroup."""
        if self.kind == "v2":
            sc.mount("cgroup2", target, "cgroup2")
            return
        sc.mount("tmpfs", target, "tmpfs", 0, "mode=755,size=64k")
        for name, root in self.roots():
            os.mkdir(f"{target}/{name}")
            sc.bind(str(root / TOP / self.cluster / node), f"{target}/{name}")

    def freeze(self, node: str, frozen: bool) -> bool:
        """False when there is no freezer: then the caller stops processes one by one."""
        found = dict(self.roots())
        if "freezer" in found:
            file = found["freezer"] / TOP / self.cluster / node / "freezer.state"
            file.write_text("FROZEN" if frozen else "THAWED")
            deadline = time.monotonic() + 10
            while frozen and file.read_text().strip() != "FROZEN" and time.monotonic() < deadline:
                time.sleep(0.01)
                file.write_text("FROZEN")
            return True
        if "unified" in found:
            (found["unified"] / TOP / self.cluster / node / "cgroup.freeze").write_text("1" if frozen else "0")
            return True
        return False


def leftovers(cluster: str) -> list[Path]:
    """This cluster's groups in all hierarchies, the deepest first."""
    found: list[Path] = []
    for root in set(hierarchies().values()):
        top = root / TOP / cluster
        if top.is_dir():
            found += [Path(folder) for folder, _, _ in os.walk(top, topdown=False)]
    return found


def processes(cluster: str) -> set[int]:
    found: set[int] = set()
    for folder in leftovers(cluster):
        with contextlib.suppress(OSError):
            found.update(int(word) for word in (folder / "cgroup.procs").read_text().split())
    return found - {0}


def thaw_all(cluster: str) -> None:
    for folder in leftovers(cluster):
        for name, value in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            if (folder / name).exists():
                with contextlib.suppress(OSError):
                    (folder / name).write_text(value)


def remove(cluster: str, seconds: float = 5.0) -> list[Path]:
    """Removes the cluster's groups; returns those that would not go."""
    deadline = time.monotonic() + seconds
    while left := leftovers(cluster):
        for folder in left:
            with contextlib.suppress(OSError):
                folder.rmdir()
        if time.monotonic() > deadline:
            return leftovers(cluster)
        if leftovers(cluster):
            time.sleep(0.02)
    for root in set(hierarchies().values()):
        with contextlib.suppress(OSError):
            (root / TOP).rmdir()
    return []


def _is_own_mount(path: Path) -> bool:
    return os.path.ismount(path)
