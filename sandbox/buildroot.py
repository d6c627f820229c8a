"""Runs a command in a suite's build root, with the checkout at a fixed place: `sandbox/build --help`."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sandbox import host, roots, syscalls
from sandbox.enter import Bind, Spec
from sandbox.host import CACHE, CHECKOUT, SandboxError, say
from sandbox.layers import SUITES

INSIDE = "/src"  # the same for every checkout, so that they share compiled files
USAGE = """examples:
  sandbox/build release                      build/release/bin/railhead, static
  sandbox/build --suite trixie plugins       build/trixie/install: what `cluster up --suite trixie` lays over its nodes
  sandbox/build dev                          build/bookworm/dev
  sandbox/build --suite sid -- sh -c '...'   any command in a build root; the checkout is /src
"""


def build_folder(suite: str, preset: str) -> str:
    """Relative to the checkout. The program is made once, so it lies where the documentation says."""
    return "build/release" if preset == "release" and suite == "bookworm" else f"build/{suite}/{preset}"


def install_folder(suite: str) -> str:
    return f"build/{suite}/install"


def run(suite: str, command: list[str], layer: str = "build", network: bool = False, environment: dict[str, str] | None = None,
        **options) -> subprocess.CompletedProcess:
    """Runs `command` at the checkout in the suite's build root; `options` are those of subprocess.run."""
    roots.ensure(suite, [layer])
    ccache = CACHE / "ccache"
    ccache.mkdir(parents=True, exist_ok=True)
    (CACHE / "scratch").mkdir(parents=True, exist_ok=True)
    variables = {"PATH": "/usr/lib/ccache:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
                 "CCACHE_DIR": "/ccache", "CCACHE_SLOPPINESS": "time_macros", "CCACHE_MAXSIZE": "5G",
                 "TERM": os.environ.get("TERM", "dumb")}
    passed = {name: value for name, value in os.environ.items() if name.startswith(("RAILHEAD_", "GTEST_")) or name in ("CI", "NINJA_STATUS")}
    variables |= passed | (environment or {})
    binds = [Bind(str(CHECKOUT), INSIDE), Bind(str(ccache), "/ccache")]
    spec = Spec(roots.lower(suite, [layer]), command, str(CACHE / "scratch"), "", "", binds, variables, INSIDE, not network)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(spec.to_json())
        file.flush()
        call = [sys.executable, "-m", "sandbox.enter", file.name]
        return subprocess.run(call, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, check=False, **options)


def origin_of_build(suite: str, layer: str) -> str:
    """What a build folder depends on besides the sources: the root (built anew, its headers may be older than the
    objects, and ninja would not look at them again) and the presets."""
    root = roots.folder(suite, layer)
    presets = hashlib.sha256((CHECKOUT / "CMakePresets.json").read_bytes()).hexdigest()[:12]
    made = (root / "diff").stat().st_mtime_ns  # the folder's own time says when it was last used
    return f"{root.name} {made} {presets}\n"


def remove_stale(place: Path, origin: str) -> None:
    """Empties a build folder that came from elsewhere: another root, other presets, a build outside of roots."""
    stamp = place / "railhead-origin"
    if place.exists() and (not stamp.exists() or stamp.read_text() != origin):
        shutil.rmtree(place)
    place.mkdir(parents=True, exist_ok=True)
    stamp.write_text(origin)


def replace(place: Path, fresh: Path) -> None:
    """Another session that brings up a cluster meets the old folder or the new one, and never none."""
    if not place.exists():
        fresh.rename(place)
        return
    syscalls.exchange(str(fresh), str(place))
    shutil.rmtree(fresh)


def layer_of(preset: str) -> str:
    """Where its compiler is: clang compiles what is sanitized, in little more than half of g++'s time."""
    return "tools" if preset in ("asan-ubsan", "tsan", "fuzz") else "build"


def build(suite: str, preset: str, targets: list[str], jobs: int, quiet: bool = True) -> Path:
    """Configures if needed and builds a preset; plugins are installed too. One at a time in a folder, which it returns."""
    place = CHECKOUT / build_folder(suite, preset)
    layer = layer_of(preset)
    roots.ensure(suite, [layer])
    with roots.locked(f"build{str(place).replace('/', '-')}"):
        return build_alone(suite, preset, layer, targets, jobs, quiet)


def build_alone(suite: str, preset: str, layer: str, targets: list[str], jobs: int, quiet: bool) -> Path:
    folder = build_folder(suite, preset)
    place = CHECKOUT / folder
    fresh = CHECKOUT / f"{install_folder(suite)}.new"
    remove_stale(place, origin_of_build(suite, layer))
    steps = []
    if not (place / "build.ninja").exists():
        steps.append(["cmake", "--preset", preset, "-B", folder, *(["--log-level=WARNING"] if quiet else [])])
    steps.append(["cmake", "--build", folder, "-j", str(jobs), *(["--target", *targets] if targets else [])])
    if preset == "plugins":
        shutil.rmtree(fresh, ignore_errors=True)
        steps.append(["cmake", "--install", folder, "--prefix", "/usr"])
    script = " && ".join(" ".join(step) for step in steps)
    started = time.monotonic()
    # CMake's own words go to standard error: the caller's standard output is the caller's.
    done = run(suite, ["sh", "-c", script], layer, environment={"DESTDIR": f"{INSIDE}/{fresh.relative_to(CHECKOUT)}"}, stdout=sys.stderr)
    if done.returncode != 0:
        raise SandboxError(f"The preset {preset} does not build on {suite} (exit {done.returncode}): see the compiler's words above.")
    if preset == "plugins":
        replace(CHECKOUT / install_folder(suite), fresh)
    say(f"build: {suite} {preset} in {time.monotonic() - started:.1f} s")
    return place


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser("sandbox/build", description=__doc__, epilog=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--suite", choices=SUITES, default="bookworm")
    found.add_argument("--layer", default="build", help="build (default), or tools: with clang, checkers and pytest (bookworm)")
    found.add_argument("--network", action="store_true", help="the host's network; without it there is only a loopback")
    found.add_argument("-j", "--jobs", type=int, default=os.cpu_count() or 2)
    found.add_argument("--target", action="append", default=[], help="build only this target")
    found.add_argument("preset", nargs="?", help="a preset of CMakePresets.json")
    return found


def main(arguments: list[str]) -> int:
    command = []
    if "--" in arguments:
        split = arguments.index("--")
        arguments, command = arguments[:split], arguments[split + 1:]
    options = parser().parse_args(arguments)
    try:
        host.require_host()
        if command:
            return run(options.suite, command, options.layer, options.network).returncode
        if not options.preset:
            raise SandboxError("Say a preset (release, dev, plugins, ...) or a command after --; `sandbox/build --help` shows examples.", 2)
        build(options.suite, options.preset, options.target, options.jobs)
    except SandboxError as error:
        say(f"sandbox/build: {error}")
        return error.status
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
