"""Random requests for tests/truth: every way to ask for GPUs, sizes around every bound of the sandbox's partitions."""

from __future__ import annotations

import random

from sandbox.inventory import NODE_CPUS, NODE_MEMORY

NODES = 4
# Beside the sandbox's own three, made for the run: name, and how scontrol makes it.
PARTITIONS = {
    "short": "nodes=node[1-4] maxtime=60",
    "few": "nodes=node[1-4] maxnodes=2",
}
SIZES = {"gpu": (NODES, 8), "short": (NODES, 8), "few": (2, 8), "a100": (2, 4), "cpu": (1, 0)}  # nodes of a job, GPUs of a node
TYPES = {"gpu": "h100", "short": "h100", "few": "h100", "a100": "a100", "cpu": "h100"}


def near(dice: random.Random, bound: int, least: int = 1) -> int:
    """Within one of the bound in a third of all cases, else anything up to it, and now and then beyond."""
    if dice.random() < 1 / 3:
        return max(least, bound + dice.choice((-1, 0, 1)))
    if dice.random() < 0.1:
        return bound * 2 + dice.randrange(3)
    return dice.randint(least, max(least, bound))


def gpus(dice: random.Random, partition: str, nodes: int | None) -> list[str]:
    most_nodes, each = SIZES[partition]
    kind = TYPES[partition] if dice.random() < 0.95 else dice.choice(("h100", "a100", "v100"))
    typed = f"{kind}:" if dice.random() < 0.6 else ""
    way = dice.choice(("node", "node", "gres", "job", "job", "task", "socket", "per-gpu"))
    if way == "node":
        return [f"--gpus-per-node={typed}{near(dice, each)}"]
    if way == "gres":
        return [f"--gres=gpu:{typed}{near(dice, each)}"]
    if way == "job":
        return [f"--gpus={typed}{near(dice, each * (nodes or most_nodes))}"]
    if way == "task":
        return [f"--ntasks={near(dice, 4)}", f"--gpus-per-task={typed}{near(dice, max(1, each // 2))}"]
    if way == "socket":
        return ["--sockets-per-node=1", f"--gpus-per-socket={typed}{near(dice, each)}"]
    return [f"--gpus={typed}{near(dice, each)}", f"--ntasks-per-gpu={dice.randint(1, 3)}"]


def draw(dice: random.Random) -> list[str]:
    """The options of one request."""
    partition = dice.choice(("", "", "gpu", "a100", "cpu", "short", "few"))
    words = [f"--partition={partition}"] if partition else []
    if not partition and dice.random() < 0.1:
        words = [f"--partition={dice.choice(('gpu,a100', 'cpu,gpu', 'short,few'))}"]
    partition = partition or "gpu"
    nodes = near(dice, SIZES[partition][0]) if dice.random() < 0.5 else None
    if nodes:
        words += [f"--nodes={nodes}" if dice.random() < 0.8 else f"--nodes={nodes}-{nodes + 2}"]
    if dice.random() < (0.1 if partition == "cpu" else 0.9):
        words += gpus(dice, partition, nodes)
    if dice.random() < 0.2:
        words += [f"--cpus-per-task={near(dice, NODE_CPUS)}"]
    if dice.random() < 0.2:
        words += [dice.choice((f"--mem={near(dice, NODE_MEMORY)}", f"--mem-per-cpu={near(dice, NODE_MEMORY // NODE_CPUS)}", "--mem=0"))]
    if dice.random() < 0.1:
        words += [f"--ntasks-per-node={near(dice, 8)}"]
    if dice.random() < (0.5 if partition == "short" else 0.1):
        words += [f"--time={near(dice, 60 if partition == 'short' else 1440)}"]
    if dice.random() < 0.1:
        words += [f"--nodelist=node{dice.randint(1, NODES)}"]
    if dice.random() < 0.1:
        words += [f"--exclude=node{dice.randint(1, NODES)}"]
    if dice.random() < 0.1:
        words += ["--exclusive"]
    return words
