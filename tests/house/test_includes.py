"""Arrows between rooms run one way, and heavy or dangerous headers stay where they belong (docs/architecture.md)."""

from __future__ import annotations

import re

import pytest
import tree

from tests.runner import tidy

# What each room may include besides itself.
MAY_INCLUDE = {
    "base": set(),
    "policy": {"base"},
    "slurm": {"base"},
    "lint": {"base", "slurm"},
    "slurm/abi": {"base", "slurm"},
    "rules": {"base", "policy", "slurm"},
    "jobsubmit": {"base", "policy", "slurm", "slurm/abi", "rules"},
    "spank": {"base", "policy", "slurm", "slurm/abi", "rules", "preflight"},
    "topology": {"base", "slurm"},
    "preflight": {"base", "slurm"},
    "launcher": {"base", "policy", "slurm", "rules", "lint", "topology", "preflight"},
}
# Libraries that cost compile time or bind to a host: header -> where it may stand.
ONLY_IN = {
    r"<slurm/": r"(slurm/abi|jobsubmit|spank|bench/submit|tests/unit/(slurm/abi|jobsubmit|spank))/",
    r"<(asio|boost/asio)[./]": r"launcher/(channel|loop|node|supervisor|agent)/|launcher/asio|tests/unit/launcher/",
    r"<CLI/": r"launcher/(commands/|main\.cpp)",
    r"<toml\+\+/": r"base/toml\.hpp",
    r'"base/toml\.hpp': r"base/toml\.cpp|policy/load\.cpp|topology/inventory_toml\.cpp",
    r"<yaml-cpp/": r"topology/topology_yaml\.cpp",
    r"<nlohmann/json\.hpp>": r".*\.cpp$|launcher/json\.hpp$|topology/json_stream\.hpp$",
    r"<openssl/": r"launcher/",
    r"<iostream>": r"launcher/|tests/|bench/",
    r"<dlfcn\.h>": r"(tests/unit/(jobsubmit|spank)|bench/submit|tests/runner)/",
}
# Calls that a static program cannot make: they load shared libraries of the host at run time.
NOT_STATIC = re.compile(r"\b(getpw\w+|getgr(nam|gid)\w*|getaddrinfo|gethostbyname\w*|dlopen|iconv_open)\s*\(")
PRINTS = re.compile(r"\b(std::cout|std::cerr|fmt::print|std::print|(?<!n)(?<!f)printf|fprintf|puts|fputs|perror)\b")
ROOMS_OF_PROGRAM = ("base/", "policy/", "slurm/", "rules/", "lint/", "topology/", "preflight/", "launcher/")


def room_of(path: str) -> str | None:
    return next((room for room in sorted(MAY_INCLUDE, key=len, reverse=True) if path.startswith(room + "/")), None)


def product() -> list[tree.Path]:
    return [path for path in tree.cpp() if room_of(str(path))]


@pytest.mark.parametrize("room", MAY_INCLUDE)
def test_room_includes_only_what_lies_below_it(room: str) -> None:
    wrong = []
    for path in product():
        if room_of(str(path)) != room:
            continue
        for line, what in tree.includes_of(path):
            target = room_of(what.strip('"'))
            if what.startswith('"') and target not in {room, *MAY_INCLUDE[room]}:
                wrong.append(f"{path}:{line}: {what}")
    assert not wrong, f"{room} may include {sorted(MAY_INCLUDE[room]) or 'nothing'} only:\n" + "\n".join(wrong)


@pytest.mark.parametrize("header", ONLY_IN)
def test_header_stays_where_it_belongs(header: str) -> None:
    wrong = [
        f"{path}:{line}: {what}"
        for path in tree.cpp()
        for line, what in tree.includes_of(path)
        if re.match(header, what) and not re.match(ONLY_IN[header], str(path))
        and not (path.parts[0] == "tests" and "json" in header)
    ]
    assert not wrong, f"{header} belongs in {ONLY_IN[header]}:\n" + "\n".join(wrong)


def test_clang_tidy_reads_every_room() -> None:
    assert set(tidy.ROOMS) == {room.split("/")[0] for room in MAY_INCLUDE}
    headers = re.search(r"HeaderFilterRegex: '\.\*/\((.*)\)/\.\*'", tree.read(tree.Path(".clang-tidy")))
    assert headers and set(headers[1].split("|")) == set(tidy.ROOMS)


def found_in(pattern: re.Pattern[str], paths: list[tree.Path]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(tree.code_of(path).splitlines(), 1)
        if pattern.search(line)
    ]


def test_only_the_launcher_prints() -> None:
    wrong = found_in(PRINTS, [path for path in product() if path.parts[0] != "launcher"])
    assert not wrong, "return a Finding, let the caller say it:\n" + "\n".join(wrong)


def test_bytes_that_are_not_utf8_break_no_json() -> None:
    # invite.cpp asks whether a text is UTF-8.
    may = {"launcher/json.hpp", "launcher/supervisor/invite.cpp"}
    wrong = found_in(re.compile(r"\.dump\s*\("), [path for path in product() if str(path) not in may])
    assert not wrong, "dump() throws at such a byte; use json_text of launcher/json.hpp:\n" + "\n".join(wrong)


def test_the_static_program_calls_nothing_that_loads_libraries() -> None:
    wrong = found_in(NOT_STATIC, [path for path in product() if str(path).startswith(ROOMS_OF_PROGRAM)])
    assert not wrong, "railhead is static and starts where nothing is installed:\n" + "\n".join(wrong)


def test_headers_have_one_guard() -> None:
    wrong = [str(path) for path in tree.cpp() if path.suffix in {".hpp", ".h"} and "#pragma once" not in tree.read(path)]
    assert not wrong, "write #pragma once in " + ", ".join(wrong)
