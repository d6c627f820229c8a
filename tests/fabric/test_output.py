"""What cannot be printed is not passed over; a reader that leaves early is no error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/house"))
from programs import railhead  # noqa: E402


@pytest.mark.parametrize("nodes", [4, 2000])  # in one write at the end, and in many
def test_a_full_disk_is_said(nodes):
    with open("/dev/full", "w") as full:
        done = subprocess.run([railhead(), "topology", "synth", f"--nodes={nodes}"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 100
    assert done.stderr == "railhead: standard output cannot be written: No space left on device; what is there is not whole\n"


def test_a_reader_that_has_seen_enough_is_no_error():
    with subprocess.Popen([railhead(), "topology", "synth", "--nodes=2000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        child.stdout.close()
        assert child.stderr.read() == "" and child.wait(60) == 0
