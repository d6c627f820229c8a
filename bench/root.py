"""Runs the inner half of a benchmark where nothing that it changes stays: a suite's build root, with our plugin built for it."""

from __future__ import annotations

import json
import subprocess

from sandbox import buildroot
from sandbox.host import SandboxError, say


def slurm_version(suite: str) -> str:
    return buildroot.run(suite, ["slurmctld", "-V"], text=True, stdout=subprocess.PIPE).stdout.split()[-1]


def run_inside(suite: str, module: str, asked: dict, what: str, with_plugin: bool = True) -> dict:
    """What `python3 -m MODULE ASKED` prints as its last line. `what`: for the reader who waits."""
    if with_plugin:
        buildroot.build(suite, "plugins", [], 2)
        asked = {"plugin": f"{buildroot.INSIDE}/{buildroot.build_folder(suite, 'plugins')}/lib/job_submit_railhead.so", **asked}
    say(what)
    command = ["python3", "-B", "-m", module, json.dumps(asked)]
    done = buildroot.run(suite, command, text=True, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise SandboxError(f"The measuring in the build root of {suite} ended with {done.returncode}: see above.")
    return json.loads(done.stdout.splitlines()[-1])
