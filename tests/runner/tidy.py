"""Runs clang-tidy over the sources of build folders, and writes a case per compilation as JUnit. The folders compile several
sources at a time, so that clang-tidy reads the libraries' headers once for all of these; what a folder before has shown is left out.

`python3 -m tests.runner.tidy JUNIT BUILD...`, inside the build root.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path


ROOMS = ("base", "policy", "slurm", "rules", "lint", "topology", "preflight", "jobsubmit", "spank", "launcher")


def compilations(build: Path) -> list[str]:
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    return sorted({entry["file"] for entry in commands})


def headers_of(build: Path) -> dict[str, list[str]]:
    """What each compilation reads of ours, as the compiler noted it for ninja."""
    done = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], text=True, stdout=subprocess.PIPE, check=True)
    found: dict[str, list[str]] = {}
    for block in done.stdout.split("\n\n"):
        paths = [str((build / line.strip()).resolve()) for line in block.splitlines()[1:]]
        own = [path for path in paths if path.startswith(f"{Path.cwd()}/")]
        if own:
            found[own[0]] = own
    return found


def seen_clean(source: str, read: list[str]) -> Path:
    """Where it is noted that this source was clean, beside the compiler's cache: as long as it, what it includes, the
    configuration and clang-tidy are the same, it still is."""
    digest = hashlib.sha256(str(Path("/usr/bin/clang-tidy-14").resolve().stat().st_mtime_ns).encode())
    for path in [".clang-tidy", source, *sorted(read)]:
        digest.update(path.encode() + b"\0" + Path(path).read_bytes())
    return Path(os.environ.get("CCACHE_DIR", "build")) / "tidy" / digest.hexdigest()


def check(build: Path, source: str, read: list[str]) -> tuple[str, str]:
    """(source, what is wrong with it or nothing)."""
    note = seen_clean(source, read)
    if note.exists():
        return source, ""
    # The compile commands are g++'s, which has warnings that clang has not.
    command = ["clang-tidy-14", "--quiet", "--checks=-bugprone-suspicious-include", "--extra-arg=-Wno-unknown-warning-option", "-p", str(build), source]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wrong = done.returncode != 0 or re.search(r"(error|warning):", done.stdout)
    if wrong:
        return source, done.stdout + done.stderr
    note.parent.mkdir(parents=True, exist_ok=True)
    note.touch()
    return source, ""


def work(builds: list[Path]) -> tuple[list[tuple[Path, str, list[str]]], set[str]]:
    """Compilations to check, each with its folder and what it reads; and our sources that none of them reads."""
    left = {str(path) for room in ROOMS for path in (Path.cwd() / room).rglob("*.cpp")}
    found = []
    for build in builds:
        headers = headers_of(build)
        for source in compilations(build):
            read = headers.get(source, [])
            if left.intersection(read):
                left.difference_update(read)
                found.append((build, source, read))
    return found, left


def main(junit: Path, builds: list[Path]) -> int:
    top = ElementTree.Element("testsuite", name="clang-tidy")
    todo, left = work(builds)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        jobs = [pool.submit(check, *each) for each in todo]
        results = [(source, "no folder that is checked compiles it") for source in sorted(left)]
        for job in as_completed(jobs):
            results.append(job.result())
            print(f"{os.path.relpath(results[-1][0])}: {'wrong' if results[-1][1] else 'clean'}", flush=True)
    for source, wrong in results:
        case = ElementTree.SubElement(top, "testcase", classname="clang-tidy", name=os.path.relpath(source))
        if wrong:
            print(f"{os.path.relpath(source)}: {wrong}", flush=True)
            ElementTree.SubElement(case, "failure").text = wrong[:4000]
    ElementTree.ElementTree(top).write(junit)
    return 1 if any(wrong for _, wrong in results) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]]))
