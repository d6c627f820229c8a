"""The checkout as the house tests see it: files without build outputs, and C++ without comments and strings."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
# Not `git ls-files`: a new file is held to the rules before it is committed, and an exported tree has no git.
LEFT_OUT = {".git", "build", "__pycache__", ".pytest_cache", ".cache", ".venv"}
CODE = {".cpp", ".hpp", ".h", ".c"}


@cache
def files() -> tuple[Path, ...]:
    found = []
    for folder, folders, names in os.walk(TOP):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        found += [Path(folder, name).relative_to(TOP) for name in sorted(names) if not name.endswith(".pyc")]
    # In a worktree .git is a file.
    return tuple(path for path in found if path.name != ".git" and not (TOP / path).is_symlink())


@cache
def read(path: Path) -> str:
    return (TOP / path).read_text(encoding="utf-8")


def is_text(path: Path) -> bool:
    return b"\0" not in (TOP / path).read_bytes()[:4096]


def first_line(path: Path) -> str:
    with open(TOP / path, "rb") as file:
        return file.readline(200).decode("utf-8", "replace").rstrip("\n")


def cpp() -> list[Path]:
    return [path for path in files() if path.suffix in CODE]


def python() -> list[Path]:
    return [path for path in files() if path.suffix == ".py" or re.match(r"#!.*\bpython3", first_line(path))]


def shell() -> list[Path]:
    return [path for path in files() if path.suffix == ".sh" or re.match(r"#!.*\b(ba|da)?sh\b", first_line(path))]


def blank(match: re.Match[str]) -> str:
    """Keeps the lines, so that numbers stay true."""
    return re.sub(r"[^\n]", " ", match.group())


CPP_NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'',
    re.S,
)


def code_of(path: Path) -> str:
    return CPP_NOISE.sub(blank, read(path))


@dataclass(frozen=True)
class Function:
    path: Path
    name: str
    line: int
    lines: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.name} has {self.lines} lines"


NO_FUNCTION = re.compile(r"^(?:\[\[.*?\]\]\s*)?(?:if|for|while|switch|catch|else|do|try|return|case|default)\b")
NAME = re.compile(r"([~\w:]+(?:\s*(?:operator\s*\S+?))?)\s*\(")


def _is_function(head: str) -> bool:
    head = re.sub(r"^(?:(?:public|private|protected|default)\s*:|case\b[^:]*:|#[^\n]*\n|\s)+", "", head)
    if not head or "(" not in head or NO_FUNCTION.match(head):
        return False
    if re.match(r"(?:namespace|class|struct|enum|union)\b", head) and not re.search(r"\)\s*(?:const|noexcept|\s)*$", head):
        return False
    return not re.search(r"(?:=|,|\(|return)\s*$", head)


def functions_of(path: Path) -> list[Function]:
    """Function bodies that are not inside another one, by counting braces; lambdas belong to their function."""
    code = code_of(path)
    code = re.sub(r"^\s*#(?:[^\n\\]|\\\n|\\.)*", blank, code, flags=re.M)
    found: list[Function] = []
    start, inside, stack = 0, None, []
    for at, char in enumerate(code):
        if char == "{":
            head = code[start:at].strip()
            stack.append(at)
            if inside is None and _is_function(head):
                name = NAME.search(head)
                begin = at - len(code[start:at].lstrip())
                inside = (len(stack), code.count("\n", 0, begin) + 1, name.group(1) if name else "?")
            start = at + 1
        elif char == "}" and stack:
            if inside and inside[0] == len(stack):
                found.append(Function(path, inside[2], inside[1], code.count("\n", 0, at) + 2 - inside[1]))
                inside = None
            stack.pop()
            start = at + 1
        elif char == ";":
            start = at + 1
    return found


def python_functions_of(path: Path) -> list[Function]:
    found = []
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.append(Function(path, node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1))
    return found


def includes_of(path: Path) -> list[tuple[int, str]]:
    """(line, what is included) with its brackets or quotes."""
    found = []
    for number, line in enumerate(read(path).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"][^>"]+[>"])', line)
        if match:
            found.append((number, match[1]))
    return found
