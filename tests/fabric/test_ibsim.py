"""Fabrics of `railhead topology synth`, simulated by ibsim and discovered by the real ibnetdiscover."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "house"))
from programs import missing, railhead  # noqa: E402

SHAPE = ["--nodes", "16", "--rails", "4", "--unit", "8", "--spines", "4", "--sharp", "--storage", "2", "--host", "gpu"]


def topology(*words: str, **more) -> str:
    done = subprocess.run([railhead(), "topology", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "not within 20 s"
        time.sleep(0.1)


class Fabric:
    """An ibsim; what is typed at its console is written to it."""

    def __init__(self, folder: Path, text: str) -> None:
        (folder / "net").write_text(text)
        self.environment = {**os.environ, "IBSIM_SOCKNAME": f"railhead-{os.getpid()}-{folder.name}"}
        self.folder = folder
        self.log = (folder / "log").open("w")
        self.ibsim = subprocess.Popen(["ibsim", "-s", "net"], cwd=folder, env=self.environment, stdin=subprocess.PIPE, stdout=self.log,
                                      stderr=subprocess.STDOUT, text=True)

    def type(self, line: str) -> None:
        self.ibsim.stdin.write(line + "\n")
        self.ibsim.stdin.flush()

    def inside(self, *command: str) -> str:
        done = subprocess.run(["ibsim-run", *command], cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60)
        assert done.returncode == 0, done.stderr + (self.folder / "log").read_text()[-2000:]
        return done.stdout

    def answers(self) -> bool:
        return subprocess.run(["ibsim-run", "ibnetdiscover"], cwd=self.folder, env=self.environment, capture_output=True, timeout=60).returncode == 0

    def live(self, *words: str) -> str:
        return self.inside(railhead(), "topology", *words, "--from", "live")

    def close(self) -> None:
        self.ibsim.stdin.close()
        self.ibsim.terminate()
        self.ibsim.wait(10)
        self.log.close()


@pytest.fixture()
def simulate(tmp_path):
    if not shutil.which("ibsim"):
        missing("ibsim")
    made = []

    def begin(*options: str) -> tuple[str, Fabric]:
        text = topology("synth", *SHAPE, *options)
        made.append(Fabric(tmp_path, text))
        until(made[-1].answers)
        return text, made[-1]

    yield begin
    for each in made:
        each.close()


def test_what_is_discovered_is_what_was_made(simulate):
    text, fabric = simulate()
    expected = topology("generate", "--from", "ibnetdiscover", input=text)
    assert expected.count("SwitchName=") >= 3
    (fabric.folder / "full").write_text(fabric.inside("ibnetdiscover"))
    (fabric.folder / "ports").write_text(fabric.inside("ibnetdiscover", "-p"))
    for name in ("full", "ports"):
        assert topology("generate", "--from", f"ibnetdiscover:{fabric.folder / name}") == expected
    assert fabric.live("generate") == expected


def test_a_cable_that_is_cut_while_it_runs_is_found_and_changes_no_line(simulate):
    _, fabric = simulate()
    before = fabric.live("generate")
    known = json.loads(fabric.live("generate", "--json"))
    assert [len(group["nodes"]) for group in known["leaf_groups"]] == [8, 8]  # the storage servers are left out
    adapter = re.search(r'^Ca\t\d+ "(H-[0-9a-f]+)"\t*\s*# "gpu03 mlx5_1"', fabric.inside("ibnetdiscover"), re.M)
    fabric.type(f'Unlink "{adapter.group(1)}"[1]')
    until(lambda: adapter.group(1) not in fabric.inside("ibnetdiscover"))
    assert fabric.live("generate") == before
    done = subprocess.run(["ibsim-run", railhead(), "topology", "report", "--from", "live"], cwd=fabric.folder, env=fabric.environment,
                          stdout=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and re.search(r"^gpu03: has no adapter in sight on 1 of 4 rails \(mlx5_1\)", done.stdout, re.M), done.stdout
