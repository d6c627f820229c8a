"""Options and manual say the same: every subcommand's --help against docs/man/railhead.1."""

from __future__ import annotations

import re
import subprocess

import pytest
import tree
from programs import railhead

COMMANDS = ["ray", "torchrun", "mpi", "run", "attach", "check node", "check nodes", "check nccl-env", "check nccl-log", "env", "config show", "config check", "policy stats", "policy show", "policy check", "policy replay", "inventory save", "lint", "sweep",
            *(f"topology {name}" for name in ("generate", "report", "draw", "check", "diff", "install", "score", "order", "synth"))]
PAGE = tree.Path("docs/man/railhead.1")
PAGES = {name: tree.Path(f"docs/man/railhead-{name}.1") for name in ("check", "env", "topology")}


def options_of(command: str) -> set[str]:
    done = subprocess.run([railhead(), *command.split(), "--help"], stdout=subprocess.PIPE, text=True, timeout=10)
    assert done.returncode == 0, done.stdout
    return set(re.findall(r"^  (?:-\w,)?(--[a-z][\w-]*)", done.stdout, re.M)) - {"--help", "--help-all"}


def documented(command: str) -> set[str]:
    """Options in the sections whose title names the command."""
    found: set[str] = set()
    page = tree.read(PAGES.get(command.split()[0], PAGE))
    for section in re.split(r"^\.S[hs] ", page, flags=re.M)[1:]:
        title, _, text = section.partition("\n")
        if f"railhead {command}" in title.split(", "):
            found |= {f"-{option}" for option in re.findall(r"^\.It Fl (-[a-z][\w-]*)", text, re.M)}
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_options_are_documented_and_exist(command: str) -> None:
    real, written = options_of(command), documented(command)
    assert not real - written, f"railhead {command} has options that {PAGE} does not explain"
    assert not written - real, f"{PAGE} explains options that railhead {command} does not have"


def test_every_subcommand_is_in_the_manual() -> None:
    done = subprocess.run([railhead(), "--help"], stdout=subprocess.PIPE, text=True, timeout=10)
    names = set(re.findall(r"^  ([a-z][\w-]*) ", done.stdout.split("Subcommands:")[1], re.M))
    assert names == {command.split()[0] for command in COMMANDS}


def test_exit_codes_are_those_of_the_source() -> None:
    source = tree.read(tree.Path("base/error.hpp"))
    real = set(re.findall(r"^    \w+ = (1\d\d),", source, re.M))
    section = tree.read(PAGE).split(".Sh EXIT STATUS")[1].split(".Sh ")[0]
    assert real == set(re.findall(r"^\.It (\d+)$", section, re.M))


def test_every_rule_is_explained_with_its_default() -> None:
    source = tree.read(tree.Path("etc/railhead.toml"))
    real = {(name.replace("_", "-"), preset) for name, preset in re.findall(r'^# rule_(\w+) = "(\w+)"', source, re.M)}
    assert real == set(re.findall(r"^\.It Sy ([a-z-]+) Pq (\w+)$", tree.read(tree.Path("docs/man/railhead-rules.7")), re.M))


@pytest.mark.parametrize("page", sorted(str(path) for path in tree.files() if path.parent == tree.Path("docs/man")))
def test_page_has_no_error(page: str) -> None:
    from test_text import run, tool

    done = run(tool("mandoc"), "-Tlint", "-Wwarning", page)
    # Other packages' pages are not here, and generated sentences are not broken into lines.
    wrong = [line for line in done.stdout.splitlines() if "new sentence, new line" not in line]
    assert not wrong, "\n".join(wrong)
