"""Formatting, spelling and words, over every file of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
import tree


def tool(*names: str) -> str:
    """The first that exists; without it the test is skipped, which RAILHEAD_NO_SKIPS=1 makes a failure."""
    for name in names:
        if shutil.which(name):
            return name
    reason = f"{names[0]} is not installed; `tests/run` runs the house tests in a root that has it"
    if os.environ.get("RAILHEAD_NO_SKIPS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=tree.TOP, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)


def test_cpp_is_formatted() -> None:
    # Versions of clang-format differ; the project's is Debian 12's.
    program = tool("clang-format-14")
    done = run(program, "--dry-run", "--Werror", *map(str, tree.cpp()))
    assert done.returncode == 0, f"run {program} -i on:\n" + "\n".join(
        sorted({line.split(":")[0] for line in done.stdout.splitlines() if "error:" in line})
    )


def test_shell_is_clean() -> None:
    scripts = [str(path) for path in tree.shell()]
    if not scripts:
        pytest.fail("no shell script found: the search is broken")
    done = run(tool("shellcheck"), "-x", *scripts)
    assert done.returncode == 0, done.stdout


def test_spelling() -> None:
    paths = [str(path) for path in tree.files() if tree.is_text(path)]
    done = run(tool("codespell"), "--ignore-words-list=nd,nam,creat", *paths)
    assert done.returncode == 0, done.stdout


def test_python_compiles_without_writing() -> None:
    for path in tree.python():
        compile(tree.read(path), str(path), "exec")


# Paths of one machine, and hosts that another site replaces by its own mirror.
MACHINE = re.compile(r"(?<![\w.}-])/(?:work|root|home/\w+)/\w|\b(?:deb\.debian|security\.debian|pypi|pythonhosted)\.org\b")


@pytest.mark.parametrize("path", [str(path) for path in tree.files() if path.name != "test_text.py"])
def test_file_speaks_of_the_project_only(path: str) -> None:
    if not tree.is_text(tree.Path(path)):
        return
    wrong = [f"{path}:{n}: {line}" for n, line in enumerate(tree.read(tree.Path(path)).splitlines(), 1) if MACHINE.search(line)]
    assert not wrong, "a path or host of one machine:\n" + "\n".join(wrong)


def test_programs_have_an_interpreter_and_may_run() -> None:
    wrong = []
    for path in tree.files():
        if path.suffix == ".sbatch":
            continue  # sbatch runs a copy
        runs, names = os.access(tree.TOP / path, os.X_OK), tree.first_line(path).startswith("#!")
        if runs != names:
            wrong.append(f"{path}: {'may run but names no interpreter' if runs else 'names an interpreter but may not run'}")
    assert not wrong, "\n".join(wrong)


def test_lines_end_cleanly() -> None:
    wrong = [
        str(path)
        for path in tree.files()
        if tree.is_text(path) and "corpus" not in path.parts and (re.search(r"[ \t]+$", tree.read(path), re.M) or not tree.read(path).endswith("\n"))
        and tree.read(path)
    ]
    assert not wrong, "blanks at a line's end, or no newline at the file's: " + ", ".join(wrong)
