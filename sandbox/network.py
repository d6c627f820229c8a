"""A cluster's network: a bridge in a namespace of its own, and one namespace per node. Nothing shows on the host."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from sandbox import syscalls as sc
from sandbox.host import SandboxError
from sandbox.inventory import Node

SIOCSIFADDR, SIOCSIFNETMASK, SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCGIFINDEX = 0x8916, 0x891C, 0x8913, 0x8914, 0x8933
IFF_UP = 1
BRIDGE = "bridge"
# The kernel holds so many found neighbours for all namespaces of the machine together, and forgets busy ones above it: arp(7),
# gc_thresh2. Those that were told it do not count.
FOUND_NEIGHBOURS = 512


class Network:
    """The namespaces lie as files in `folder`: `bridge` and one per node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / name

    def create(self, nodes: list[Node]) -> None:
        self.folder.mkdir()
        for name in [BRIDGE, *(node.name for node in nodes)]:
            self.path(name).touch()
            with self._home():
                sc.unshare(sc.CLONE_NEWNET)
                sc.bind("/proc/self/ns/net", str(self.path(name)))
        lines = ["link add br0 type bridge forward_delay 0 mcast_snooping 0", "link set br0 up", "link set lo up"]
        for node in nodes:
            lines.append(f"link add {node.name} type veth peer name eth0 address {_hardware(node)} netns {self.path(node.name)}")
            lines.append(f"link set {node.name} master br0 up")
        self._ip(lines)
        for node in nodes:
            with self.inside(node.name):
                _configure(node)
        if len(nodes) ** 2 > FOUND_NEIGHBOURS:
            neighbours = [f"neigh replace {node.address} lladdr {_hardware(node)} dev eth0 nud permanent" for node in nodes]
            for node in nodes:
                self._ip(neighbours, node.name)

    def cut(self, name: str) -> None:
        self._ip([f"link set {name} down"])

    def heal(self, name: str) -> None:
        self._ip([f"link set {name} up"])

    @contextlib.contextmanager
    def _home(self) -> Iterator[None]:
        """Comes back to the namespace in which this process is now."""
        own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield
        finally:
            sc.setns(own, sc.CLONE_NEWNET)
            os.close(own)

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        with self._home():
            self.enter(name)
            yield

    def enter(self, name: str) -> None:
        there = os.open(self.path(name), os.O_RDONLY | os.O_CLOEXEC)
        sc.setns(there, sc.CLONE_NEWNET)
        os.close(there)

    def _ip(self, lines: list[str], name: str = BRIDGE) -> None:
        """Runs lines of `ip` in a namespace."""
        with self.inside(name):
            done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise SandboxError(f"The cluster's network cannot be set up: {done.stderr.strip()[-400:]}")


def _hardware(node: Node) -> str:
    """A locally administered address that says the node's."""
    return "02:00:" + ":".join(f"{byte:02x}" for byte in socket.inet_aton(node.address))


def _configure(node: Node) -> None:
    """Addresses and links of the namespace that we are in."""
    for name, value in (("all/disable_ipv6", "0"), ("eth0/accept_dad", "0"), ("eth0/accept_ra", "0")):
        with contextlib.suppress(OSError):
            Path(f"/proc/sys/net/ipv6/conf/{name}").write_text(value)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for name, address, mask in (("lo", "127.0.0.1", "255.0.0.0"), ("eth0", node.address, "255.255.0.0")):
            for call, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, mask)):
                inet = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
                fcntl.ioctl(control, call, struct.pack("16s16s", name.encode(), inet))
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", name.encode(), IFF_UP))
        index = struct.unpack("16si12x", fcntl.ioctl(control, SIOCGIFINDEX, struct.pack("16s16x", b"eth0")))[1]
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        address = socket.inet_pton(socket.AF_INET6, node.address6)
        fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16sIi", address, 64, index))
