"""Which nodes a cluster has, their addresses, and what each holds: pure data."""

from __future__ import annotations

from dataclasses import dataclass

CLUSTER = "railhead"
USERS = {"alice": 1001, "bob": 1002}
NODE_CPUS = 16
NODE_SOCKETS = 2
NODE_MEMORY = 32000  # MiB, as Slurm is told; the machine may have less
CONTROLLER, LOGIN = "ctl", "login"


@dataclass(frozen=True)
class Node:
    """`gpus` fake devices of `gpu_type`; role is controller, login or compute."""

    name: str
    index: int
    role: str
    gpu_type: str = ""
    gpus: int = 0
    partition: str = ""

    @property
    def address(self) -> str:
        return f"10.99.{self.index // 250}.{self.index % 250 + 1}"

    @property
    def address6(self) -> str:
        return f"fd99::{self.index + 1:x}"


def make_nodes(count: int) -> list[Node]:
    """The controller, a login node, `count` nodes with eight GPUs, two with four and one with none."""
    kinds = [(CONTROLLER, "controller", "", 0, ""), (LOGIN, "login", "", 0, "")]
    kinds += [(f"node{i}", "compute", "h100", 8, "gpu") for i in range(1, count + 1)]
    kinds += [(f"a100-{i}", "compute", "a100", 4, "a100") for i in (1, 2)]
    kinds += [("cpu1", "compute", "", 0, "cpu")]
    return [Node(name, index, *rest) for index, (name, *rest) in enumerate(kinds)]


def leaf_groups(count: int) -> dict[str, list[str]]:
    """Two leaf switches with half of every kind each; nodes of both can share a job over the spine."""
    half = (count + 1) // 2
    first = [f"node[1-{half}]" if half > 1 else "node1", "a100-1", "cpu1"]
    second = [f"node[{half + 1}-{count}]" if count > half + 1 else f"node{count}"] if count > half else []
    return {"leaf1": first, "leaf2": [*second, "a100-2"]}
