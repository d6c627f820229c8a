"""`bench/run NAME [--json]`: one benchmark; with --json the last line is one JSON object."""

from __future__ import annotations

import argparse
import sys

from bench.check import measure as check
from bench.launch import measure as launch
from bench.placement import measure as placement
from bench.ray_bringup import measure as ray_bringup
from bench.submit import measure as submit
from bench.topology import measure as topology
from bench.topology_quality import measure as topology_quality
from sandbox.host import SandboxError, say


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number of at least 1")
    return int(text)


def share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return value


def main() -> int:
    parser = argparse.ArgumentParser("bench/run", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    ray = commands.add_parser("ray-bringup", help="a Ray cluster on four nodes: Railhead, symmetric-run, the documentation's script, the limit")
    ray.add_argument("--json", action="store_true", help="end with one line of JSON")
    ray.add_argument("--rounds", type=positive, default=3, help="how often each is run; medians are shown (default 3)")
    ray.add_argument("--suite", default="trixie")
    ray.add_argument("--only", nargs="*", choices=ray_bringup.WAYS, help="only these ways")
    ray.add_argument("--cluster", default="", help="a sandbox cluster that is up; otherwise one is made and taken away")
    ray.set_defaults(run=ray_bringup.run)
    zero = commands.add_parser("launch", help="`true` by Railhead, srun and mpirun on 4, 32 and 128 nodes, torchrun to its first all-reduce, requests to slurmctld")
    zero.add_argument("--json", action="store_true", help="end with one line of JSON")
    zero.add_argument("--rounds", type=positive, default=5, help="how often each is run; medians are shown (default 5)")
    zero.add_argument("--sizes", type=positive, nargs="+", default=list(launch.SIZES), help="numbers of nodes (default %(default)s)")
    zero.add_argument("--suite", default="bookworm", help="torchrun only where PyTorch is (default %(default)s)")
    zero.set_defaults(run=launch.run)
    five = commands.add_parser("check", help="a look at 4, 32 and 128 nodes against srun of `true`, and NCCL's logs against grep")
    five.add_argument("--json", action="store_true", help="end with one line of JSON")
    five.add_argument("--rounds", type=positive, default=5, help="how often each is run; medians are shown (default 5)")
    five.add_argument("--sizes", type=positive, nargs="+", default=list(check.SIZES), help="numbers of nodes (default %(default)s)")
    five.add_argument("--mib", type=positive, default=256, help="size of the log (default %(default)s)")
    five.add_argument("--suite", default="trixie")
    five.set_defaults(run=check.run)
    one = commands.add_parser("submit", help="sbatch's RPC with no submit plugin, an empty one, Railhead's and Lua's, and the time inside")
    one.add_argument("--json", action="store_true", help="end with one line of JSON")
    one.add_argument("--rounds", type=positive, default=5, help="each plugin has two blocks in a round (default 5)")
    one.add_argument("--block", type=positive, default=600, help="submissions in a block (default 600)")
    one.add_argument("--calls", type=positive, default=3000, help="submissions whose time inside of the plugin is taken (default 3000)")
    one.add_argument("--nodes", type=positive, default=1000, help="cloud nodes while RPCs are timed (default 1000)")
    one.add_argument("--sizes", type=positive, nargs="+", default=list(submit.SIZES), help="numbers of nodes for the time inside (default %(default)s)")
    one.add_argument("--suite", default="trixie")
    one.set_defaults(run=submit.run)
    two = commands.add_parser("placement", help="a stream of jobs on 10,240 cloud nodes, with compact placement and without")
    two.add_argument("--json", action="store_true", help="end with one line of JSON")
    two.add_argument("--nodes", type=positive, default=10240)
    two.add_argument("--jobs", type=positive, default=2500)
    two.add_argument("--load", type=share, default=0.9, help="the part of the cluster that the jobs fill (default 0.9)")
    two.add_argument("--seed", type=positive, default=1)
    two.add_argument("--suite", default="trixie")
    two.set_defaults(run=placement.run)
    three = commands.add_parser("topology", help="a topology file from a fabric's text, against mawk that counts its fields")
    three.add_argument("--json", action="store_true", help="end with one line of JSON")
    three.add_argument("--rounds", type=positive, default=5, help="how often each is run; medians are shown (default 5)")
    three.add_argument("--sizes", type=positive, nargs="+", default=list(topology.SIZES), help="numbers of nodes (default %(default)s)")
    three.set_defaults(run=topology.run)
    four = commands.add_parser("topology-quality", help="Slurm's placements with Railhead's topology file, with one that merges identical leaves only, and with none")
    four.add_argument("--json", action="store_true", help="end with one line of JSON")
    four.add_argument("--nodes", type=positive, default=10240)
    four.add_argument("--jobs", type=positive, default=2500)
    four.add_argument("--load", type=share, default=0.9, help="the part of the cluster that the jobs fill (default 0.9)")
    four.add_argument("--faults", type=int, nargs="+", default=list(topology_quality.FAULTS), help="per cent of the cables lost (default %(default)s)")
    four.add_argument("--seed", type=positive, default=1)
    four.add_argument("--suite", default="trixie")
    four.set_defaults(run=topology_quality.run)
    options = parser.parse_args()
    try:
        return options.run(options)
    except SandboxError as error:
        say(f"bench/run: {error}")
        return error.status


if __name__ == "__main__":
    sys.exit(main())
