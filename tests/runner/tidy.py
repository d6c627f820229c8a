"""Runs clang-tidy over the sources of a build folder, and writes a case per source as JUnit.

`python3 -m tests.runner.tidy BUILD JUNIT`, inside the build root.
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


def sources(build: Path) -> list[str]:
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    paths = {entry["file"] for entry in commands}
    # Tests are mostly macros of GoogleTest, which take as long as all the rest and are not ours.
    return sorted(path for path in paths if "/build/" not in path and "/tests/" not in path)


def headers_of(build: Path) -> dict[str, list[str]]:
    """Each source's own headers, as the compiler noted them for ninja."""
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
    command = ["clang-tidy-14", "--quiet", "--extra-arg=-Wno-unknown-warning-option", "-p", str(build), source]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wrong = done.returncode != 0 or re.search(r"(error|warning):", done.stdout)
    if wrong:
        return source, done.stdout + done.stderr
    note.parent.mkdir(parents=True, exist_ok=True)
    note.touch()
    return source, ""


def main(build: Path, junit: Path) -> int:
    top = ElementTree.Element("testsuite", name="clang-tidy")
    failed = False
    headers = headers_of(build)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        jobs = [pool.submit(check, build, source, headers.get(source, [])) for source in sources(build)]
        for job in as_completed(jobs):
            source, wrong = job.result()
            case = ElementTree.SubElement(top, "testcase", classname="clang-tidy", name=os.path.relpath(source))
            print(f"{os.path.relpath(source)}: {'wrong' if wrong else 'clean'}", flush=True)
            if wrong:
                failed = True
                print(wrong, flush=True)
                ElementTree.SubElement(case, "failure").text = wrong[:4000]
    ElementTree.ElementTree(top).write(junit)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
