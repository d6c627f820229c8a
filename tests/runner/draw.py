"""Random requests for tests/truth: every way to ask for GPUs, sizes around every bound of the sandbox's partitions."""

from __future__ import annotations

import random

from sandbox.inventory import NODE_CPUS, NODE_MEMORY, NODE_SOCKETS

NODES = 4
SPECIAL_MEMORY = 2000
# Beside the sandbox's own three, made for the run: name, and how scontrol makes it.
PARTITIONS = {
    "short": "nodes=node[1-4] maxtime=60",
    "few": "nodes=node[1-4] maxnodes=2",
    "pair": "nodes=node[1-4] minnodes=2",
    "lean": "nodes=node[1-4] maxmempernode=16000 maxcpuspernode=12 jobdefaults=DefCpuPerGPU=2",
}
FEATURES = {"node[1-2]": "rack1,ib", "node[3-4]": "rack2,ib", "a100-1": "rack1", "a100-2": "rack2", "cpu1": "rack1"}
SPECIAL = f"CoreSpecCount=2 MemSpecLimit={SPECIAL_MEMORY}"
# Beginning of nodes' names, what the sandbox's slurm.conf says of them, and what it says for the run.
ODD_NODES = {
    "a100-": ("RealMemory=", f"{SPECIAL} RealMemory="),
    "cpu": (f"CoresPerSocket={NODE_CPUS // NODE_SOCKETS}", f"CoresPerSocket={NODE_CPUS // NODE_SOCKETS // 2} ThreadsPerCore=2"),
}
# Name, how scontrol makes it, nodes of each partition in it. Their nodes are lost to all others, so who names one comes last.
RESERVATIONS = {
    "two": ("nodes=node[1-2]", {"gpu": 2, "short": 2, "few": 2}),
    "mixed": ("nodes=node3,a100-1", {"gpu": 1, "short": 1, "few": 1, "a100": 1}),
    "old": ("nodes=a100-2 partition=a100", {"a100": 1}),
}
SIZES = {"gpu": (NODES, 8), "short": (NODES, 8), "few": (2, 8), "a100": (2, 4), "cpu": (1, 0)}  # nodes of a job, GPUs of a node
TYPES = {"gpu": "h100", "short": "h100", "few": "h100", "a100": "a100", "cpu": "h100"}
Request = list[str]


def near(dice: random.Random, bound: int, least: int = 1) -> int:
    """Within one of the bound in a third of all cases, else anything up to it, and now and then beyond."""
    if dice.random() < 1 / 3:
        return max(least, bound + dice.choice((-1, 0, 1)))
    if dice.random() < 0.1:
        return bound * 2 + dice.randrange(3)
    return dice.randint(least, max(least, bound))


def gpus(dice: random.Random, partition: str, nodes: int | None) -> Request:
    most_nodes, each = SIZES[partition]
    kind = TYPES[partition] if dice.random() < 0.9 else dice.choice(("h100", "a100", "v100"))
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


def room(dice: random.Random) -> Request:
    """CPUs, memory and tasks."""
    words = []
    if dice.random() < 0.2:
        words += [f"--cpus-per-task={near(dice, NODE_CPUS)}"]
    if dice.random() < 0.2:
        words += [dice.choice((f"--mem={near(dice, NODE_MEMORY)}", f"--mem-per-cpu={near(dice, NODE_MEMORY // NODE_CPUS)}", "--mem=0"))]
    if dice.random() < 0.1:
        words += [f"--ntasks-per-node={near(dice, 8)}"]
    return words


def component(dice: random.Random, partition: str) -> Request:
    nodes = near(dice, SIZES[partition or "gpu"][0]) if dice.random() < 0.5 else None
    words = [f"--partition={partition}"] if partition else []
    if nodes:
        words += [f"--nodes={nodes}" if dice.random() < 0.8 else f"--nodes={nodes}-{nodes + 2}"]
    if dice.random() < (0.1 if partition == "cpu" else 0.9):
        words += gpus(dice, partition or "gpu", nodes)
    return words


def any_request(dice: random.Random) -> Request:
    partition = dice.choice(("", "", "gpu", "a100", "cpu", "short", "few"))
    words = component(dice, partition)
    if not partition and dice.random() < 0.1:
        words += [f"--partition={dice.choice(('gpu,a100', 'cpu,gpu', 'short,few'))}"]
    words += room(dice)
    if dice.random() < (0.5 if partition == "short" else 0.1):
        words += [f"--time={near(dice, 60 if partition == 'short' else 1440)}"]
    if dice.random() < 0.1:
        words += [f"--nodelist=node{dice.randint(1, NODES)}"]
    if dice.random() < 0.1:
        words += [f"--exclude=node{dice.randint(1, NODES)}"]
    if dice.random() < 0.1:
        words += ["--exclusive"]
    return words


def timed(dice: random.Random) -> Request:
    """Around the longest time of a partition."""
    partition = dice.choice(("short", "gpu", "a100"))
    return [f"--partition={partition}", f"--gpus-per-node={dice.randint(1, 4)}", f"--time={near(dice, 60 if partition == 'short' else 1440)}"]


def ranged(dice: random.Random) -> Request:
    """Around the most nodes of a partition."""
    least = dice.randint(1, 3)
    return ["--partition=few", f"--nodes={least}-{near(dice, 2, least)}", f"--gpus-per-node={near(dice, 8)}"]


def limited(dice: random.Random) -> Request:
    """Around what a partition gives at least, and of a node at most."""
    if dice.random() < 0.3:
        return ["--partition=pair", f"--nodes={near(dice, 2)}", f"--gpus-per-node={dice.randint(1, 8)}"]
    words = ["--partition=lean", f"--nodes={dice.randint(1, 2)}", f"--gpus-per-node={near(dice, 6)}"]
    words += dice.choice(([f"--cpus-per-task={near(dice, 12)}"], [f"--ntasks={near(dice, 12)}"], [f"--cpus-per-gpu={near(dice, 2)}"], []))
    words += dice.choice(([f"--mem={near(dice, 16000)}"], [f"--mem-per-cpu={near(dice, 1333)}"], ["--mem=0"], []))
    return words


def tasks_on_nodes(dice: random.Random) -> Request:
    """GPUs by tasks, and how many tasks a node takes."""
    partition = dice.choice(("gpu", "few", "a100"))
    words = [f"--partition={partition}", *dice.choice(([], [], ["--nodes=1"], ["--nodes=2"], ["--nodes=1-2"]))]
    if dice.random() < 0.4:
        return [*words, f"--ntasks={near(dice, 8)}", f"--ntasks-per-gpu={dice.randint(1, 2)}"]
    words += [f"--ntasks={near(dice, 4)}", f"--gpus-per-task={near(dice, 4)}", f"--ntasks-per-node={near(dice, 3)}"]
    return words + dice.choice(([], [], [f"--cpus-per-task={near(dice, 5)}"]))


def by_tres(dice: random.Random) -> Request:
    """The newest spelling, since 23.11."""
    tres = f"gres/gpu{dice.choice(('', ':h100'))}:{near(dice, 4)}"
    cpus = f"cpu={near(dice, 4)}," if dice.random() < 0.5 else ""
    return [f"--ntasks={near(dice, 8)}", f"--tres-per-task={cpus}{tres}", *dice.choice(([], ["--nodes=1"], ["--nodes=2"]))]


def featured(dice: random.Random) -> Request:
    partition = dice.choice(("gpu", "gpu", "a100"))
    wanted = dice.choice(("ib", "rack1", "rack2", "rack1&ib", "rack1|rack2", "[rack1|rack2]", "rack1&rack2", "(rack1&ib)|rack2"))
    nodes = near(dice, 2)
    words = [f"--partition={partition}", f"--constraint={wanted}", f"--nodes={nodes}", f"--gpus-per-node={near(dice, SIZES[partition][1])}"]
    return words + room(dice)


def together(dice: random.Random) -> Request:
    """A heterogeneous job: its components start together, or not at all."""
    words: Request = []
    for _ in range(dice.randint(2, 3)):
        partition = dice.choice(("gpu", "gpu", "a100", "few"))  # gpu and few share their nodes
        nodes, each = SIZES[partition]
        count, on_each = dice.randint(1, nodes), dice.randint(each // 2, each)
        part = [f"--partition={partition}", f"--nodes={count}", f"--gpus-per-node={on_each}"]
        part += dice.choice(([], [], [f"--gpus={count * on_each}"]))  # the same GPUs, said once more
        words += [":", *part] if words else part
    return words


def on_odd_nodes(dice: random.Random) -> Request:
    """Around what nodes with threads, and those with specialized CPUs and memory, have for jobs."""
    if dice.random() < 0.5:
        words = ["--partition=a100", *dice.choice(([], ["--nodes=1"], ["--nodes=2"])), f"--gpus-per-node={near(dice, 4)}"]
        words += dice.choice(([f"--cpus-per-task={near(dice, NODE_CPUS - 2)}"], [f"--ntasks={near(dice, NODE_CPUS - 2)}"], [f"--cpus-per-gpu={near(dice, 3)}"], []))
        return words + dice.choice(([f"--mem={near(dice, NODE_MEMORY - SPECIAL_MEMORY)}"], ["--mem=0"], [], ["--exclusive"]))
    cores = NODE_CPUS // 2
    words = ["--partition=cpu", dice.choice((f"--ntasks={near(dice, cores)}", f"--cpus-per-task={near(dice, cores)}", f"--ntasks={near(dice, NODE_CPUS)}"))]
    words += dice.choice(([], ["--hint=nomultithread"], ["--threads-per-core=1"], ["--threads-per-core=2"], ["--ntasks-per-core=1"], [f"--ntasks-per-socket={near(dice, 4)}"]))
    return words + dice.choice(([], [], ["--exclusive"], [f"--mem-per-cpu={near(dice, NODE_MEMORY // NODE_CPUS)}"]))


def mistyped(dice: random.Random) -> Request:
    """A type that no node has, as people know it from another cluster."""
    return [f"--gpus-per-node={dice.choice(('v100', 'h200', 'H100', 'a100-80g'))}:{near(dice, 8)}"]


def reserved(dice: random.Random) -> Request:
    name = dice.choice(list(RESERVATIONS))
    partition = dice.choice([*RESERVATIONS[name][1], "gpu", ""])
    nodes = RESERVATIONS[name][1].get(partition, 1)
    words = [f"--reservation={name}", f"--nodes={near(dice, nodes)}"] + ([f"--partition={partition}"] if partition else [])
    return words + [f"--gpus-per-node={near(dice, SIZES[partition or 'gpu'][1])}"]


WAYS = {tasks_on_nodes: 0.04, on_odd_nodes: 0.04, any_request: 0.22, timed: 0.14, ranged: 0.13, limited: 0.08, featured: 0.13, together: 0.13, reserved: 0.09}
# 24.11 rejects at once much that 22.05 and 26.05 let wait for ever: more of what waits there, too, so that it is a fifth everywhere.
WAYS_OF = {
    "bookworm": WAYS | {mistyped: 0.03},  # which rejects least
    "trixie": {tasks_on_nodes: 0.04, on_odd_nodes: 0.04, any_request: 0.17, timed: 0.15, ranged: 0.19, limited: 0.08, by_tres: 0.03, featured: 0.09, together: 0.13, reserved: 0.08},
    "sid": WAYS | {by_tres: 0.04},
}


def names_reservation(request: Request) -> bool:
    return any(word.startswith("--reservation=") for word in request)


def draw(dice: random.Random, number: int, suite: str) -> list[Request]:
    """The options of so many requests; those that name a reservation come last."""
    ways = WAYS_OF.get(suite, WAYS)
    drawn = [dice.choices(list(ways), ways.values())[0](dice) for _ in range(number)]
    return sorted(drawn, key=names_reservation)
