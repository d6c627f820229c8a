"""Who is at work on a cluster, and which processes of this machine are in it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from sandbox.host import SandboxError
from sandbox.node import alive


def process_roots() -> Iterator[tuple[int, str]]:
    """Each process with the line of its mount table that is its root; one read per mount namespace."""
    tables: dict[str, str] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            namespace = os.readlink(f"{entry.path}/ns/mnt")
            if namespace not in tables:
                lines = Path(f"{entry.path}/mountinfo").read_text().splitlines()
                tables[namespace] = next((line for line in lines if line.split()[4] == "/"), "")
            yield int(entry.name), tables[namespace]


def lock_name(cluster: str) -> str:
    return f"\0railhead-sandbox/{cluster}"


@contextlib.contextmanager
def locked(cluster: str, seconds: float = 30.0, otherwise: str = "") -> Iterator[None]:
    """One change at a time. The lock is an abstract socket: it goes with the last process that is still making nodes."""
    lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    deadline = time.monotonic() + seconds
    while True:
        try:
            lock.bind(lock_name(cluster))
            break
        except OSError:
            if time.monotonic() > deadline:
                raise SandboxError(otherwise or f"Another command has worked on the cluster {cluster} for {seconds:.0f} s: wait for it, or `down`.") from None
            time.sleep(0.05)
    lock.listen()
    try:
        yield
    finally:
        lock.close()


def end_holder(cluster: str) -> None:
    """Ends an `up` that is at work: `down` wins."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(lock_name(cluster))
        except OSError:
            return
        holder = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + 10
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder, number)
        while alive(holder) and time.monotonic() < deadline:
            time.sleep(0.05)
