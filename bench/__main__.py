"""`bench/run NAME [--json]`: one benchmark; with --json the last line is one JSON object."""

from __future__ import annotations

import argparse
import sys

from bench.ray_bringup import measure
from sandbox.host import SandboxError, say


def main() -> int:
    parser = argparse.ArgumentParser("bench/run", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    ray = commands.add_parser("ray-bringup", help="a Ray cluster on four nodes: Railhead, symmetric-run, the documentation's script, the limit")
    ray.add_argument("--json", action="store_true", help="end with one line of JSON")
    ray.add_argument("--rounds", type=int, default=3, help="how often each is run; medians are shown (default 3)")
    ray.add_argument("--suite", default="trixie")
    ray.add_argument("--only", nargs="*", choices=measure.WAYS, help="only these ways")
    ray.add_argument("--cluster", default="", help="a sandbox cluster that is up; otherwise one is made and taken away")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds is at least 1, but this is {options.rounds}")
    try:
        return measure.run(options)
    except SandboxError as error:
        say(f"bench/run: {error}")
        return error.status


if __name__ == "__main__":
    sys.exit(main())
