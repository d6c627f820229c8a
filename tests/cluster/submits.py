"""What tests of the submit plugin share: jobs that are looked at and never start, and what is said of wrong ones."""

from __future__ import annotations

import re
import time

WRONG_TYPE = "railhead: gpu:a100 is not in partition gpu (has h100 x 8 on 4 nodes); try --gpus-per-node=h100:4 or --partition=a100 [gpu-type]"
TOO_MANY = (
    "railhead: gpu:h100:16 per node is more than any node of partition gpu has (h100 x 8 on 4 nodes); "
    "try --nodes=2 --gpus-per-node=h100:8 [gpus-per-node]"
)


def script(*lines: str) -> str:
    return "\n".join(["#!/bin/sh", *(f"#SBATCH {line}" for line in lines), "true\n"])


def wait_until(what: str, condition, within: float = 15):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.2)
    raise AssertionError(f"not within {within:.0f} s: {what}")


# A job that never starts: for looking at what was accepted, in one command.
HELD = """
number=$(sbatch --parsable --hold --output=/dev/null "$@" --wrap=true) || exit
scontrol show job -o "$number"
scancel "$number"
"""


def held(cluster, *options: str, user: str = "alice"):
    """How sbatch ended, and the facts of the job, which is cancelled again."""
    done = cluster.run("login", "sh", "-c", HELD, "held", *options, user=user)
    return done, dict(re.findall(r"(\S+?)=(\S*)", done.out))
