"""`sandbox/cluster`: the command line of sandbox.cluster."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from sandbox import host, site
from sandbox.cluster import STATE, Cluster, Wanted
from sandbox.host import SandboxError, say
from sandbox.inventory import LOGIN
from sandbox.layers import SUITES, TORCH_SUITES
from sandbox.node import read_pid

USAGE = """examples:
  sandbox/cluster up --suite bookworm --nodes 4
  sandbox/cluster exec --user alice login -- srun -N4 --gpus-per-node=2 env
  sandbox/cluster login
  sandbox/cluster freeze node2; sandbox/cluster thaw node2
  sandbox/cluster down
"""


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser("sandbox/cluster", description="A real multi-node Slurm cluster on this machine.", epilog=USAGE,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = found.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--name", default="main", help="which cluster (default main)")
    up = commands.add_parser("up", parents=[common], help="make the cluster and wait until all nodes are idle")
    up.add_argument("--suite", choices=SUITES, default="trixie", help="bookworm: Slurm 22.05, trixie: 24.11 (default), sid: 26.05")
    up.add_argument("--nodes", type=int, default=4, help="nodes of the partition gpu (default 4); two of a100 and one of cpu come beside them")
    up.add_argument("--accounting", action="store_true", help="with MariaDB and slurmdbd")
    up.add_argument("--cgroups", choices=("auto", "v1", "v2", "off"), default="auto")
    up.add_argument("--no-ray", action="store_true", help="nodes without Ray")
    up.add_argument("--torch", action="store_true", help=f"nodes with PyTorch, too ({', '.join(TORCH_SUITES)} only)")
    up.add_argument("--mpi", action="store_true", help="nodes with OpenMPI and its compiler")
    for name, text in (("down", "take it away, also what a killed `up` left"), ("status", "its nodes and what holds them"),
                       ("update", "put plugins and railhead that were built since `up` on its nodes")):
        commands.add_parser(name, parents=[common], help=text)
    execute = commands.add_parser("exec", parents=[common], help="run a command in a node: exec [--user U] NODE -- COMMAND")
    execute.add_argument("--user", default="root", help="alice, bob or root (default)")
    execute.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="set a variable for the command; may be repeated")
    execute.add_argument("--chdir", help="working directory (default: the user's home)")
    execute.add_argument("node", help="ctl, login, node1, a100-1, cpu1 and so on: see `sandbox/cluster status`")
    login = commands.add_parser("login", parents=[common], help="a shell on the login node")
    login.add_argument("--user", default="alice")
    for name, text in (("logs", "show a node's logs"), ("kill", "all processes of a node gone at once"), ("freeze", "stop every process of a node"),
                       ("thaw", "let them go on"), ("cut", "take a node's network away"), ("heal", "undo kill, freeze and cut")):
        one = commands.add_parser(name, parents=[common], help=text)
        one.add_argument("node", nargs="+" if name != "logs" else None)
    return found


def show_status(cluster: Cluster) -> int:
    if not cluster.is_up():
        others = ", ".join(sorted(path.name for path in STATE.iterdir())) if STATE.is_dir() else ""
        say(f"The cluster {cluster.name} is not up" + (f"; these are: {others}." if others else "."))
        return 1
    wanted = cluster.wanted()
    print(f"cluster {cluster.name}: {wanted.suite}, cgroups {cluster.groups().kind}, accounting {'on' if wanted.accounting else 'off'}")
    done = cluster.run("ctl", ["sinfo", "-h", "-N", "-o", "%N %T"], timeout=30) if read_pid(cluster.places, "ctl") else None
    slurm = dict(line.split()[:2] for line in done.stdout.splitlines()) if done else {}
    for node in cluster.nodes().values():
        state = "up" if read_pid(cluster.places, node.name) else "killed"
        marks = [mark for mark in ("frozen", "cut") if cluster.marked(node.name, mark)]
        gpus = f"{node.gpu_type}:{node.gpus}" if node.gpus else "-"
        print(f"{node.name:10} {node.address:12} {' '.join([state, *marks]):12} {gpus:8} {slurm.get(node.name, node.role)}")
    return 0


def update(cluster: Cluster) -> int:
    cluster.require_up()
    for name in cluster.nodes():
        pid = read_pid(cluster.places, name)
        if pid:
            site.copy_built(cluster.wanted().suite, Path(f"/proc/{pid}/root"))
    say("Nodes have what was built; a running slurmctld keeps its plugin until it is started again.")
    return 0


def dispatch(options: argparse.Namespace, command: list[str]) -> int:
    cluster = Cluster(options.name)
    host.require_host()
    if options.command == "up":
        if not 1 <= options.nodes <= 1000:
            raise SandboxError(f"--nodes is 1 to 1000, but this is {options.nodes}.", 2)
        if options.torch and options.suite not in TORCH_SUITES:
            raise SandboxError(f"--torch is for {', '.join(TORCH_SUITES)}, but the suite is {options.suite}.", 2)
        cluster.up(Wanted(options.suite, options.nodes, options.accounting, options.cgroups, not options.no_ray, options.torch, options.mpi))
    elif options.command == "down":
        say(f"cluster: {options.name} is gone" if cluster.down() else f"The cluster {options.name} was not there.")
    elif options.command == "status":
        return show_status(cluster)
    elif options.command == "update":
        return update(cluster)
    elif options.command == "exec":
        if not command:
            raise SandboxError("Say what to run after --: `sandbox/cluster exec node1 -- hostname`.", 2)
        for item in options.env:
            if item.find("=") < 1:
                raise SandboxError(f"--env is NAME=VALUE, but this is {item!r}.", 2)
        environment = dict(item.partition("=")[::2] for item in options.env)
        environment |= {"TERM": os.environ["TERM"]} if "TERM" in os.environ and os.isatty(0) else {}
        return cluster.call(options.node, command, options.user, environment, options.chdir)
    elif options.command == "login":
        return cluster.call(LOGIN, command or ["bash", "-l"], options.user, {"TERM": os.environ.get("TERM", "dumb")})
    elif options.command == "logs":
        cluster.node(options.node)
        for path in cluster.log_files(options.node):
            print(f"-- {options.node} {path.name}\n{path.read_text(errors='replace')}", end="")
    else:
        for name in options.node:
            getattr(cluster, options.command)(name)
    return 0


def main(arguments: list[str]) -> int:
    command: list[str] = []
    if "--" in arguments:
        split = arguments.index("--")
        arguments, command = arguments[:split], arguments[split + 1:]
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # `up` takes away what it has begun
    return exit_code_of(lambda: dispatch(options, command), options.command)


def exit_code_of(work: Callable[[], int], name: str = "exec") -> int:
    """Says what went wrong in one sentence."""
    try:
        return work()
    except SandboxError as error:
        say(f"sandbox/cluster: {error}")
        return error.status
    except KeyboardInterrupt:
        say(f"sandbox/cluster: {name} was interrupted")
        return 130
    except BrokenPipeError:
        return 141


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
