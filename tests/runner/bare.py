"""Runs the README's commands on a fresh minimal Debian as the machine.

The machine is a root that holds a minbase debootstrap and nothing else, with process, mount, IPC and host name namespaces
of its own; kernel, network, cgroups and cores are this machine's. It gets git, which a person needs to clone, and this
machine's mirror, proxy and certificate settings, which any machine has. What it shows: no package, file or cache of this
machine is needed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from sandbox import host, roots
from sandbox.enter import Spec
from sandbox.host import CACHE, SandboxError

from tests.runner import counts, steps
from tests.runner.counts import Counts
from tests.runner.steps import TOP, say

SUITES = ("bookworm", "trixie")
CHECKOUT = "/opt/railhead"


@dataclass(frozen=True)
class Step:
    """A command of the README as a person types it in the clone, and within how many seconds it is promised to end."""

    name: str
    command: str
    promised: float


STEPS = {
    "demo": [Step("demo", "sandbox/demo", 600), Step("demo again", "sandbox/demo", 90)],
    "tests": [Step("tests", "tests/run", 2700)],
}
# Past the promise a step is a failure; it is still let go on for a while, so that one sees where it was slow.
PATIENCE = 3.0


class Machine:
    def __init__(self, suite: str, keep: bool) -> None:
        self.suite, self.keep = suite, keep
        self.place = CACHE / "bare" / suite
        self.root = self.place / "root"

    def __enter__(self) -> Machine:
        roots.ensure(self.suite, ["base"])
        if not self.keep or not self.root.exists():
            shutil.rmtree(self.place, ignore_errors=True)
            self.place.mkdir(parents=True)
            copy = ["cp", "-a", str(roots.folder(self.suite, "base") / "diff"), str(self.root)]
            subprocess.run(copy, check=True)
        shutil.rmtree(self.root / CHECKOUT[1:], ignore_errors=True)
        # As a person does, but from here: what is committed, and nothing else.
        clone = ["git", "clone", "--quiet", "--no-local", "--depth", "1", f"file://{TOP}", str(self.root / CHECKOUT[1:])]
        subprocess.run(clone, check=True)
        return self

    def __exit__(self, *_: object) -> None:
        if not self.keep:
            shutil.rmtree(self.place, ignore_errors=True)

    def spec(self, script: str) -> Path:
        settings = roots.HostSettings()
        binds = settings.write(self.place / "settings", self.suite)
        scratch = self.place / "scratch"
        scratch.mkdir(exist_ok=True)
        spec = Spec([], ["sh", "-euc", script], str(scratch), str(self.root), "", binds, settings.environment(), CHECKOUT)
        file = self.place / "spec.json"
        file.write_text(spec.to_json())
        return file

    def run(self, name: str, script: str, within: float) -> tuple[int, float]:
        return steps.run(name, [sys.executable, "-m", "sandbox.enter", str(self.spec(script))], within)


def try_step(machine: Machine, step: Step) -> Counts:
    name = f"bare {machine.suite}: {step.command} ({step.name})"
    say(f"{name}: begins")
    code, seconds = machine.run(name, step.command, step.promised * PATIENCE)
    last = (steps.tail(steps.log_of(name), 1) or [""])[0]
    say(f"{name}: exit code {code} in {seconds:.0f} s: {last}")
    result = counts.passed() if code == 0 else counts.failed(f"{name} ended with {code}")
    if code != 0:
        steps.show_failure(name)
    elif seconds > step.promised:
        result += counts.failed(f"{name} took {seconds:.0f} s; {step.promised:.0f} s are promised")
    return result


def run_on(suite: str, names: list[str], keep: bool = False) -> Counts:
    result = Counts()
    with Machine(suite, keep) as machine:
        began = time.monotonic()
        code, _ = machine.run(f"bare {suite}: git", "apt-get -qq update && apt-get -qq -y install git", 600)
        if code != 0:
            steps.show_failure(f"bare {suite}: git")
            return counts.failed(f"bare {suite}: git cannot be installed")
        say(f"bare {suite}: a minimal machine with git, {time.monotonic() - began:.0f} s")
        for name in names:
            for step in STEPS[name]:
                result += try_step(machine, step)
    return result


def bare(_: argparse.Namespace) -> Counts:
    """The part of `tests/run --all`."""
    result = Counts()
    for suite in SUITES:
        result += run_on(suite, list(STEPS))
    return result


def main() -> int:
    parser = argparse.ArgumentParser("tests/bare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", nargs="*", choices=[*STEPS, []], metavar="STEP", help=f"of {', '.join(STEPS)} (default: all)")
    parser.add_argument("--suite", choices=SUITES, action="append", help="only this machine")
    parser.add_argument("--keep", action="store_true", help="use the machine again, and leave it")
    options = parser.parse_args()
    result = Counts()
    try:
        host.require_host()
        for suite in options.suite or SUITES:
            result += run_on(suite, options.step or list(STEPS), options.keep)
    except SandboxError as error:
        print(f"tests/bare: {error}", file=sys.stderr)
        return error.status
    finally:
        steps.end_all()
    for failure in result.failures:
        print(f"FAILED {failure}")
    print(result)
    return 1 if result.failed else 0


if __name__ == "__main__":
    sys.exit(main())
