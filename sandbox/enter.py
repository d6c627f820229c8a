"""Runs a command in a root made of layers, in namespaces of its own: `python3 -m sandbox.enter SPEC.json`.

The process that runs this ends when its parent does, and with it everything that it started in the root.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sandbox import syscalls as sc

DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


@dataclass
class Bind:
    source: str
    target: str
    read_only: bool = False


@dataclass
class Spec:
    """What to run and where. `upper` empty: changes are thrown away."""

    lower: list[str]
    command: list[str]
    scratch: str
    upper: str = ""
    work: str = ""
    binds: list[Bind] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = "/"
    private_network: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Spec:
        data = json.loads(text)
        data["binds"] = [Bind(**bind) for bind in data["binds"]]
        return Spec(**data)


def make_devices(folder: str, shm_size: str = "50%") -> None:
    """A /dev of our own on a tmpfs: only what programs need."""
    sc.mount("tmpfs", folder, "tmpfs", sc.MS_NOSUID, "mode=755,size=1m")
    previous = os.umask(0)
    for name, (major, minor) in DEVICES.items():
        os.mknod(f"{folder}/{name}", 0o020666, os.makedev(major, minor))
    os.umask(previous)
    for name, target in {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}.items():
        os.symlink(target, f"{folder}/{name}")
    for name in ("shm", "pts"):
        os.mkdir(f"{folder}/{name}")
    sc.mount("tmpfs", f"{folder}/shm", "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, f"mode=1777,size={shm_size}")
    sc.mount("devpts", f"{folder}/pts", "devpts", sc.MS_NOSUID | sc.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5")


def raise_loopback() -> None:
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sH14s", b"lo", IFF_UP, b"")
        fcntl.ioctl(probe, SIOCSIFFLAGS, request)


def make_target(root: str, bind: Bind) -> str:
    target = root + bind.target
    if Path(bind.source).is_dir():
        os.makedirs(target, exist_ok=True)
    elif not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).touch()
    elif os.path.islink(target):
        os.unlink(target)
        Path(target).touch()
    return target


def build_root(spec: Spec) -> str:
    sc.make_mounts_private()
    os.makedirs(spec.scratch, exist_ok=True)
    sc.mount("tmpfs", spec.scratch, "tmpfs", 0, "mode=755")
    root = f"{spec.scratch}/root"
    upper, work = spec.upper or f"{spec.scratch}/upper", spec.work or f"{spec.scratch}/work"
    for folder in (root, upper, work):
        os.makedirs(folder, exist_ok=True)
    if spec.lower:
        sc.overlay(spec.lower, upper, work, root)
    else:
        sc.bind(upper, root)
    for folder in ("proc", "sys", "dev", "tmp", "run"):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    sc.mount("proc", f"{root}/proc", "proc", sc.MS_NOSUID | sc.MS_NODEV | sc.MS_NOEXEC)
    sc.bind("/sys", f"{root}/sys", recursive=True)
    make_devices(f"{root}/dev")
    sc.mount("tmpfs", f"{root}/tmp", "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, "mode=1777")
    sc.mount("tmpfs", f"{root}/run", "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, "mode=755")
    for bind in spec.binds:
        sc.bind(bind.source, make_target(root, bind), bind.read_only, recursive=not bind.read_only)
    return root


def reap_until(child: int) -> int:
    """PID 1's work: collects every orphan until `child` ends; its exit code, or 128 + signal."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def first_process(spec: Spec) -> int:
    sc.die_with_parent(signal.SIGKILL)
    root = build_root(spec)
    sc.pivot_root(root)
    child = os.fork()
    if child == 0:
        try:
            os.chdir(spec.directory)
            os.execvpe(spec.command[0], spec.command, spec.environment)
        except OSError as error:
            print(f"{spec.command[0]}: {error.strerror} in the root", file=sys.stderr)
        os._exit(127)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: os.kill(child, received))
    return reap_until(child)


def run(spec: Spec) -> int:
    """Runs the command and returns its exit code, 128 + signal, or 126 when the root cannot be made."""
    flags = sc.CLONE_NEWNS | sc.CLONE_NEWPID | sc.CLONE_NEWIPC | sc.CLONE_NEWUTS
    sc.unshare(flags | (sc.CLONE_NEWNET if spec.private_network else 0))
    if spec.private_network:
        raise_loopback()
    child = os.fork()
    if child == 0:
        try:
            os._exit(first_process(spec))
        except OSError as error:
            print(f"cannot make the root: {error}", file=sys.stderr, flush=True)
            os._exit(126)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: os.kill(child, received))
    return reap_until(child)


if __name__ == "__main__":
    sc.die_with_parent(signal.SIGKILL)
    sys.exit(run(Spec.from_json(Path(sys.argv[1]).read_text(encoding="utf-8"))))
