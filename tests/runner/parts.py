"""The parts of a run. Each gives what it counted; a build that fails is one failure."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.buildroot import INSIDE, build_folder, layer_of

from tests.runner import counts, steps
from tests.runner.counts import Counts
from tests.runner.steps import LOGS, TOP, say

JOBS = str(os.cpu_count() or 2)
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
FUZZ_DEFAULT_SECONDS = 5
SLOW = "slow"  # the pytest marker
Part = Callable[[argparse.Namespace], Counts]


def program(*arguments: str) -> list[str]:
    return [str(TOP / arguments[0]), *arguments[1:]]


def in_root(script: str, suite: str = "bookworm", layer: str = "build") -> list[str]:
    return program("sandbox/build", "--suite", suite, "--layer", layer, "--", "sh", "-euc", script)


def junit_of(name: str) -> Path:
    return steps.log_of(name).with_suffix(".xml")


def inside(path: Path) -> str:
    """A path of the checkout as the build root sees it."""
    return f"{INSIDE}/{path.relative_to(TOP)}"


# Everybody else goes first, also where the kernel shares the processors by session (sched(7), "The autogroup feature").
POLITELY = ["sh", "-c", 'echo 19 >/proc/self/autogroup 2>/dev/null; exec nice -n 19 "$@"', "politely"]


def tidy_command() -> list[str]:
    folders = f"{build_folder('bookworm', 'release')} {build_folder('bookworm', 'plugins')}"
    script = f"python3 -B -m tests.runner.tidy {inside(junit_of('clang-tidy'))} {folders}"
    return in_root(script, layer="tools")


def ahead_of(part: str) -> list[tuple[str, list[str]]]:
    """What can be done before a part's turn, so that it finds it done: name and command."""
    if part == "tidy":
        return [("clang-tidy ahead", tidy_command())]
    presets = {"sanitize": ["asan-ubsan", "tsan"], "fuzz": ["fuzz"]}.get(part, [])
    return [(f"build {preset} ahead", program("sandbox/build", preset)) for preset in presets]


def plugins_ahead(suites: list[str]) -> list[tuple[str, list[str]]]:
    return [(f"build plugins on {suite} ahead", program("sandbox/build", "--suite", suite, "plugins")) for suite in suites]


_ahead: list[threading.Thread] = []


def begin_ahead(commands: list[tuple[str, list[str]]]) -> None:
    """Runs them beside the cluster tests, which mostly wait. What fails is done again, and counted, by its own part."""

    def run_all() -> None:
        for name, command in commands:
            code, seconds = steps.run(name, [*POLITELY, *command], within=1800)
            say(f"{name}: {'done' if code == 0 else f'ended with {code}'} in {seconds:.1f} s")

    _ahead.append(threading.Thread(target=run_all, daemon=True))
    _ahead[-1].start()


def wait_for_ahead() -> None:
    for thread in _ahead:
        thread.join()


def build(suite: str, preset: str) -> bool:
    name = f"build {preset} on {suite}"
    say(f"{name}: begins")
    code, seconds = steps.run(name, program("sandbox/build", "--suite", suite, preset), within=1800)
    say(f"{name}: {'done' if code == 0 else f'FAILED ({code})'} in {seconds:.1f} s")
    if code != 0:
        steps.show_failure(name)
    return code == 0


def run_counted(name: str, command: list[str], junit: Path, within: float) -> Counts:
    """Runs a test program that writes JUnit; without that file the program itself has failed."""
    junit.unlink(missing_ok=True)
    say(f"{name}: begins")
    code, seconds = steps.run(name, command, within)
    result = counts.from_junit(junit) if junit.exists() else counts.failed(f"{name} ended with {code} before it counted")
    # pytest and ctest end with a failure of their own (collection, a crash) that no case shows.
    if code not in (0, 1, 8, 5) and not result.failed:
        result += counts.failed(f"{name} ended with {code}")
    say(f"{name}: {result} in {seconds:.1f} s")
    if result.details:
        steps.show_details(name, result.details)
    elif result.failed:
        steps.show_failure(name, 60)
    return result


def run_unit(preset: str, expression: str = "") -> Counts:
    if not build("bookworm", preset):
        return counts.failed(f"build {preset} on bookworm")
    name = "unit" if preset == "dev" else f"unit {preset}"
    junit = junit_of(name)
    folder = build_folder("bookworm", preset)
    options = "".join(f"{key}={value} " for key, value in SANITIZER_OPTIONS.items())
    chosen = f" -R {shlex.quote(expression)}" if expression else ""
    script = (
        f"{options}ctest --test-dir {folder} -j {JOBS} --timeout 120 --output-on-failure "
        f"--output-junit {inside(junit)}{chosen}"
    )
    return run_counted(name, in_root(script, layer=layer_of(preset)), junit, within=900)


def unit(options: argparse.Namespace) -> Counts:
    return run_unit("dev", options.k)


def sanitize(options: argparse.Namespace) -> Counts:
    result = run_unit("asan-ubsan", options.k)
    result += run_unit("tsan", options.k)
    return result


INSTALLED = ("usr/bin/railhead", "usr/share/man/man1/railhead.1", "usr/share/man/man5/railhead.toml.5",
             "usr/share/man/man7/railhead-rules.7")
# What an administrator's `cmake --install` gives, and a root that has nothing but the program.
RELEASE_CHECKS = {
    "railhead starts in an empty root": "cp build/release/bin/railhead $place/ && chroot $place /railhead --version",
    "cmake --install gives program and manuals": (
        "DESTDIR=$place cmake --install build/release --prefix /usr && cd $place && ls -l " + " ".join(INSTALLED)
    ),
}


def release(_: argparse.Namespace) -> Counts:
    if not build("bookworm", "release"):
        return counts.failed("build release on bookworm")
    result = Counts()
    for name, script in RELEASE_CHECKS.items():
        code, _ = steps.run(name, in_root(f"place=$(mktemp -d); {script}"), within=60)
        if code != 0:
            steps.show_failure(name)
        result += counts.passed() if code == 0 else counts.failed(name)
    say(f"release: {result}")
    return result


def plugins_on(suite: str) -> Counts:
    return counts.passed() if build(suite, "plugins") else counts.failed(f"build plugins on {suite}")


def house(_: argparse.Namespace) -> Counts:
    # Options and exports are read off the programs.
    if not build("bookworm", "dev"):
        return counts.failed("build dev on bookworm")
    junit = junit_of("house")
    script = f"RAILHEAD_NO_SKIPS=1 python3 -B -m pytest -q -p no:cacheprovider tests/house tests/fabric --junitxml={inside(junit)}"
    return run_counted("house", in_root(script, layer="tools"), junit, within=600)


def tidy(_: argparse.Namespace) -> Counts:
    for preset in ("release", "plugins"):  # it reads how each source is compiled
        if not build("bookworm", preset):
            return counts.failed(f"build {preset} on bookworm")
    return run_counted("clang-tidy", tidy_command(), junit_of("clang-tidy"), within=1800)


def lint(options: argparse.Namespace) -> Counts:
    """clang-tidy over every source; formatting, spelling and shell are the house tests'."""
    result = house(options)
    result += tidy(options)
    return result


def fuzz(options: argparse.Namespace) -> Counts:
    seconds = options.seconds or FUZZ_DEFAULT_SECONDS
    if not build("bookworm", "fuzz"):
        return counts.failed("build fuzz on bookworm")
    targets = sorted((TOP / build_folder("bookworm", "fuzz") / "bin").glob("fuzz_*"))
    if not targets:
        return counts.failed("there is no fuzz target")

    def run_target(target: Path) -> Counts:
        name = f"fuzz {target.name} {seconds} s"
        corpus = LOGS / f"{target.name}-findings"
        corpus.mkdir(parents=True, exist_ok=True)
        seeds = TOP / "tests/fuzz/corpus" / target.name.removeprefix("fuzz_")
        folders = " ".join(inside(path) for path in (corpus, seeds) if path.exists())
        script = (
            f"{inside(target)} -max_total_time={seconds} -timeout=5 -rss_limit_mb=2048 "
            f"-artifact_prefix={inside(corpus)}/crash- {folders}"
        )
        code, spent = steps.run(name, in_root(script, layer="tools"), within=seconds + 120)
        say(f"{name}: {'no finding' if code == 0 else 'FAILED'} in {spent:.1f} s")
        if code != 0:
            steps.show_failure(name)
        return counts.passed() if code == 0 else counts.failed(name)

    result = Counts()
    with ThreadPoolExecutor(int(JOBS)) as pool:
        try:
            for each in pool.map(run_target, targets):
                result += each
        except BaseException:  # Ctrl-C: neither those that run nor those that wait
            pool.shutdown(wait=False, cancel_futures=True)
            steps.end_all()
            raise
    return result


def cluster_on(suite: str, options: argparse.Namespace, only: str) -> Counts:
    """Cluster tests on one suite; `only` is a pytest marker expression."""
    name = f"cluster on {suite}" + (", slow" if only == SLOW else "")
    junit = junit_of(name)
    command = program("sandbox/pytest", "-v", "tests/cluster", f"--suite={suite}", f"--junitxml={junit}")
    command += ["-m", only]
    command += ["-k", options.k] if options.k else []
    return run_counted(name, command, junit, within=3000)


def faults_on(suite: str, full: bool) -> Counts:
    """The fault campaign. One that was interrupted goes on where it was; one that was done begins anew."""
    results = LOGS / f"faults-on-{suite}.jsonl"
    command = [sys.executable, "-m", "tests.runner.faults", f"--suite={suite}", f"--results={results}", *(["--full"] if full else [])]
    name = f"faults on {suite}"
    say(f"{name}: begins")
    code, seconds = steps.run(name, command, within=86400 if full else 3600)
    found = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    result = sum((counts.failed(f"{name}: {', '.join(each['case'].values())}") if each["problem"] else counts.passed() for each in found), Counts())
    if code in (0, 1) and found:
        results.replace(results.with_suffix(".done.jsonl"))
    else:
        result += counts.failed(f"{name} ended with {code}")
    say(f"{name}: {result} in {seconds:.1f} s; every case is in {steps.log_of(name)}")
    return result
