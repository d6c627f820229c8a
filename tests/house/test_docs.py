"""Commands and files in the documentation exist as written. Each fenced line must match one way of checking it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from functools import cache

import pytest
import tree
from programs import railhead

PAGES = [tree.Path("README.md"), *sorted(path for path in tree.files() if path.parent == tree.Path("docs") and path.suffix == ".md")]
# What the reader types on a cluster of his own, and what he writes into files of others' programs. Those of docs/admin.md run in
# tests/cluster/test_admin.py.
OTHERS = re.compile(r"(sbatch|salloc|srun|scancel|scontrol|ssh|cp|echo|grep|printf|zcat|ibnetdiscover|apt-get (install|remove)|systemctl restart slurm|sed -i|git clone|cd|sudo|man|#|optional |JobSubmitPlugins=|\./)")


def blocks(path: tree.Path) -> list[tuple[int, str, str]]:
    """(line, language, text) of every fenced block."""
    text = tree.read(path)
    return [
        (text.count("\n", 0, match.start()) + 2, match[1], match[2])
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    ]


@cache
def help_of(*command: str) -> str:
    done = subprocess.run([*command, "--help"], cwd=tree.TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)} --help: {done.stdout}"
    return done.stdout


def check_options(words: list[str], text: str) -> list[str]:
    return [word for word in words if word.startswith("--") and word != "--" and word.split("=")[0] not in text]


def check_railhead(words: list[str]) -> list[str]:
    own = words[1 : words.index("--")] if "--" in words else words[1:]
    command = [word for word in own[:2] if re.fullmatch(r"ray|torchrun|mpi|run|attach|config|show|check|policy|stats|replay|inventory|save|lint|sweep|topology|generate|report|draw|diff|install|score|order|synth", word)]
    options = check_options(own, help_of(railhead(), *command))
    return ([] if command or own == ["--help"] else ["no such subcommand"]) + options


def check_script(words: list[str]) -> list[str]:
    """A program of the checkout: it is there, and knows the words and options given."""
    if not (tree.TOP / words[0]).exists():
        return [f"{words[0]} does not exist"]
    own = words[1 : words.index("--")] if "--" in words else words[1:]
    return check_options(own, help_of(str(tree.TOP / words[0]))) if own else []


def check_cmake(words: list[str]) -> list[str]:
    presets = {preset["name"] for preset in json.loads(tree.read(tree.Path("CMakePresets.json")))["configurePresets"]}
    used = re.findall(r"--preset (\S+)|build/(\S+)", " ".join(words))
    return [f"no preset {name}" for pair in used for name in pair if name and name not in presets]


CHECKS: list[tuple[str, Callable[[list[str]], list[str]]]] = [
    (r"railhead ", check_railhead),
    (r"(sandbox|tests|bench|packaging|\.ci)/", check_script),
    (r"cmake ", check_cmake),
]


def check_line(line: str) -> list[str]:
    words = shlex.split(line, comments=True)
    if not words or OTHERS.match(line):
        return []
    for pattern, check in CHECKS:
        if re.match(pattern, line):
            return check(words)
    return ["no way to check this line: add one to tests/house/test_docs.py, or mark the block as text"]


@pytest.mark.parametrize("page", [str(path) for path in PAGES])
def test_commands_exist_as_written(page: str) -> None:
    wrong = []
    for line, language, text in blocks(tree.Path(page)):
        if language:
            continue  # text, toml, mermaid: no commands
        for number, command in enumerate(text.splitlines(), line):
            wrong += [f"{page}:{number}: {command}: {why}" for why in check_line(command)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", [str(path) for path in PAGES])
def test_settings_load_as_written(page: str, tmp_path: tree.Path) -> None:
    for line, language, text in blocks(tree.Path(page)):
        if language == "toml":
            file = tmp_path / "railhead.toml"
            file.write_text(text)
            done = subprocess.run([railhead(), "config", "check", str(file)], stderr=subprocess.PIPE, text=True, timeout=10)
            assert done.returncode == 0, f"{page}:{line}: {done.stderr}"


@pytest.mark.parametrize("page", [str(path) for path in PAGES])
def test_files_and_links_exist(page: str) -> None:
    text, folder = tree.read(tree.Path(page)), (tree.TOP / page).parent
    links = [target for target in re.findall(r"\]\(([^)#]+)", text) if "://" not in target]
    wrong = [target for target in links if not (folder / target).exists()]
    known = {path.parts[0] for path in tree.files() if len(path.parts) > 1}
    for target in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", text):
        if target.split("/")[0] in known - {"build"} and not (tree.TOP / target).exists():
            wrong.append(target)
    assert not wrong, f"{page} names what does not exist: {wrong}"
