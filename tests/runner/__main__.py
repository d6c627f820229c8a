"""`tests/run`: see USAGE."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable

from sandbox import host
from sandbox.host import SandboxError
from sandbox.layers import SUITES

from tests.runner import counts, parts, steps
from tests.runner.bare import bare
from tests.runner.counts import Counts
from tests.runner.steps import say

USAGE = """parts (without one: all but bare, which is what a change must pass):
  unit       build, then the unit tests
  house      sizes, includes, exports, options against the manual, formatting, spelling
  release    build/release/bin/railhead, static
  tidy       clang-tidy over every source
  lint       house and tidy
  sanitize   the unit tests under address, undefined-behaviour and thread sanitizer
  fuzz       every fuzz target for --seconds
  plugins    the two plugins on every suite
  cluster    real clusters: everything on trixie; beside it, on a second cluster, what waits long, then one job of each kind on bookworm and sid
  faults     launches on a real cluster, each harmed once, in pairs of fault, phase, recipe and policy; --full: every case (not part of all)
  bare       the README's two commands on fresh minimal machines (part of --all only)

examples:
  tests/run                            everything
  tests/run unit -k Hostlist           the unit tests whose name matches
  tests/run cluster --suite trixie -k scancel
Logs are in build/test-logs. The last line is `N passed, N failed, N skipped`; the exit code is 0 when none failed.
"""
DEFAULT_SUITE = "trixie"
# The tests that run on every suite; the others run on the default one.
EVERYWHERE = f"everywhere and not {parts.SLOW}"
ROOTS = {
    "bookworm": ["build", "torch", "accounting"],
    "trixie": ["build", "ray", "accounting"],
    "sid": ["build", "ray", "accounting"],
}


class Roots:
    """Builds the roots of all suites while bookworm's, which compiles, is already at work."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}
        self._threads: dict[str, threading.Thread] = {}

    def begin(self, suites: list[str]) -> None:
        for suite in suites:
            if suite not in self._threads:
                self._threads[suite] = threading.Thread(target=self._build, args=[suite], daemon=True)
                self._threads[suite].start()

    def wait(self, suite: str) -> str:
        """Nothing when the roots of the suite are there, or why they are not."""
        self.begin([suite])
        self._threads[suite].join()
        return self.errors.get(suite, "")

    def _build(self, suite: str) -> None:
        name = f"roots of {suite}"
        command = [sys.executable, "-m", "sandbox.roots", f"{suite}:{','.join(ROOTS[suite])}"]
        code, seconds = steps.run(name, command, within=2400)
        if seconds > 2 or code != 0:
            say(f"{name}: {'ready' if code == 0 else f'FAILED ({code})'} in {seconds:.1f} s")
        if code != 0:
            self.errors[suite] = " ".join(steps.tail(steps.log_of(name), 3))


ROOTS_OF = Roots()


def with_root(suite: str, name: str, part: parts.Part, options: argparse.Namespace) -> Counts:
    """sid moves: while its mirror is broken what needs it is skipped, with the reason. The others must be there."""
    reason = ROOTS_OF.wait(suite)
    if not reason:
        return part(options)
    steps.show_failure(f"roots of {suite}")
    if suite == "sid":
        return counts.skipped(name, f"sid's root cannot be built today: {reason}")
    return counts.failed(f"{name}: the root of {suite} cannot be built")


def suites_of(options: argparse.Namespace) -> list[str]:
    return [options.suite] if options.suite else [DEFAULT_SUITE, *(suite for suite in SUITES if suite != DEFAULT_SUITE)]


def plugins(options: argparse.Namespace) -> Counts:
    result = Counts()
    for suite in suites_of(options):
        result += with_root(suite, f"plugins on {suite}", lambda _, s=suite: parts.plugins_on(s), options)
    return result


def cluster_of(suite: str, options: argparse.Namespace, only: str) -> Counts:
    return with_root(suite, f"cluster on {suite}", lambda o: parts.cluster_on(suite, o, only), options)


def few(suite: str, options: argparse.Namespace) -> Counts:
    return with_root(suite, f"plugins on {suite}", lambda _: parts.plugins_on(suite), options) + cluster_of(suite, options, EVERYWHERE)


def whole(suite: str, options: argparse.Namespace, others: list[str]) -> Counts:
    """All tests of a suite. Beside them, on one cluster at a time: those that mostly wait, then the few of the other suites."""
    result = with_root(suite, f"plugins on {suite}", lambda _: parts.plugins_on(suite), options)

    def beside() -> Counts:
        found = cluster_of(suite, options, parts.SLOW)
        for other in others:
            found += few(other, options)
        return found

    return result + side_by_side({"fast": lambda: cluster_of(suite, options, f"not {parts.SLOW}"), "slow": beside})


def side_by_side(works: dict[str, Callable[[], Counts]]) -> Counts:
    found = {name: counts.failed(f"{name}: did not end") for name in works}

    def run(name: str) -> None:
        found[name] = works[name]()

    threads = [threading.Thread(target=run, args=[name], daemon=True) for name in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(found.values(), Counts())


def cluster(options: argparse.Namespace) -> Counts:
    result = parts.release(options)
    first, *others = suites_of(options)
    if options.all:
        return sum((whole(suite, options, []) for suite in [first, *others]), result)
    return result + whole(first, options, others)


def faults(options: argparse.Namespace) -> Counts:
    """One suite; what was done in an earlier run of the same sources is not done again."""
    suite = options.suite or DEFAULT_SUITE
    return parts.release(options) + with_root(suite, f"plugins on {suite}", lambda _: parts.plugins_on(suite) + parts.faults_on(suite, options.full), options)


PARTS: dict[str, parts.Part] = {
    "unit": parts.unit,
    "house": parts.house,
    "release": parts.release,
    "tidy": parts.tidy,
    "lint": parts.lint,
    "sanitize": parts.sanitize,
    "fuzz": parts.fuzz,
    "plugins": plugins,
    "cluster": cluster,
    "faults": faults,
    "bare": bare,
}
# `cluster` holds `release` and `plugins`. What takes long to compile stands after it, and begins beside it.
EVERYTHING = ["unit", "house", "cluster", "tidy", "sanitize", "fuzz"]


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser("tests/run", epilog=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("part", nargs="*", choices=[*PARTS, []], metavar="PART", default=[])
    found.add_argument("--all", action="store_true", help="everything on every suite, and the bare machines")
    found.add_argument("--suite", choices=SUITES, help="cluster, plugins: only this one, and wholly")
    found.add_argument("--full", action="store_true", help="faults: the whole product")
    found.add_argument("-k", default="", metavar="EXPR", help="unit, sanitize: a regular expression; cluster: pytest's")
    found.add_argument("--seconds", type=int, default=0, help=f"fuzz: per target (default {parts.FUZZ_DEFAULT_SECONDS})")
    return found


def run_parts(names: list[str], options: argparse.Namespace) -> Counts:
    total = Counts()
    spent = []
    for place, name in enumerate(names):
        began = time.monotonic()
        if name == "cluster":
            parts.begin_ahead([*parts.plugins_ahead(suites_of(options)[1:]), *(c for later in names[place:] for c in parts.ahead_of(later))])
        total += PARTS[name](options)
        parts.wait_for_ahead()
        spent.append(f"{name} {time.monotonic() - began:.0f} s")
    say(", ".join(spent))
    return total


def finish(total: Counts) -> int:
    for skip in total.skips:
        print(f"SKIPPED {skip}")
    for failure in total.failures:
        print(f"FAILED {failure}")
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


def interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    options = parser().parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    names = options.part or EVERYTHING + (["bare"] if options.all else [])
    try:
        host.require_host()
        say(f"bookworm's build root; then {', '.join(names)}")
        code, seconds = steps.run("build root", [sys.executable, "-m", "sandbox.roots", "bookworm:build,tools"], within=1800)
        if code != 0:
            steps.show_failure("build root")
            return finish(counts.failed("the build root cannot be built"))
        say(f"build root: ready in {seconds:.1f} s")
        if {"cluster", "plugins", "faults"} & {*names}:
            ROOTS_OF.begin(suites_of(options))
        return finish(run_parts(names, options))
    except SandboxError as error:
        print(f"tests/run: {error}", file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("tests/run: interrupted; ending what runs", file=sys.stderr)
        return 130
    finally:
        steps.end_all()


if __name__ == "__main__":
    sys.exit(main())
