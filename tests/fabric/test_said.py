"""What `railhead topology` says where there is no Slurm: JSON of every command, refusals, and one thing counted as one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/house"))
from programs import railhead  # noqa: E402

SHAPE = ["synth", "--nodes", "4", "--rails", "2", "--unit", "4", "--spines", "1"]
CONF = "SwitchName=l1 Nodes=n[1-4]\nSwitchName=l2 Nodes=n[5-8]\nSwitchName=r Switches=l[1-2]\n"
NO_SCONTROL = "scontrol is not on PATH (expected in one of /nowhere); run this on a machine of the cluster, with Slurm's programs on PATH\n"


def topology(*words: str, text: str = "", path: str = "/nowhere") -> subprocess.CompletedProcess[str]:
    return subprocess.run([railhead(), "topology", *words], input=text, capture_output=True, text=True, timeout=60, check=False, env={"PATH": path})


def test_a_picture_and_a_made_fabric_may_be_json():
    made = topology(*SHAPE).stdout
    assert json.loads(topology(*SHAPE, "--json").stdout) == {"v": 1, "ibnetdiscover": made}
    drawn = topology("draw", "--from", "ibnetdiscover", text=made).stdout
    assert drawn.startswith("<svg") and json.loads(topology("draw", "--json", "--from", "ibnetdiscover", text=made).stdout) == {"v": 1, "svg": drawn}


def test_an_install_that_fails_says_why_in_its_json(tmp_path):
    done = topology("install", "--json", "--slurm-conf", str(tmp_path / "slurm.conf"), "-", text=CONF)
    told = json.loads(done.stdout)
    assert done.returncode == 100 and told["in_place"] is False
    assert "slurm.conf cannot be read" in told["error"] and done.stderr == f"railhead: {told['error']}\n"


@pytest.mark.parametrize(("words", "said"), [
    (["score", "--job", "1", "FILE"], NO_SCONTROL),
    (["score", "--nodes", "slurm", "FILE"], f"--nodes slurm: {NO_SCONTROL}"),
    (["diff", "-", "-"], "standard input is given for both files (expected - for one of the two); name a file for the other one\n"),
    (["report", "--from", "ibnetdiscover:"], "--from ibnetdiscover: names no file (expected a file behind the colon); leave the colon out for standard input\n"),
])
def test_what_cannot_be_is_refused_in_one_sentence(tmp_path, words, said):
    (tmp_path / "conf").write_text(CONF)
    done = topology(*[str(tmp_path / "conf") if word == "FILE" else word for word in words])
    assert (done.returncode, done.stderr) == (100, f"railhead: {said}")


def test_one_thing_is_counted_as_one():
    said = topology("score", "--nodes", "n[1-2]", "-", text=CONF).stdout
    assert said.startswith("2 nodes in 1 leaf group (at least 1) and 1 pod (at least 1)\na ring over them crosses groups 0 times "), said
    assert topology("score", "--nodes", "n1,n1", "-", text=CONF).stdout.startswith("1 node in 1 leaf group "), "each node once"


def test_weights_of_a_slurm_conf_are_seen(tmp_path):
    conf = tmp_path / "slurm.conf"
    conf.write_text("NodeName=n[1-4] Weight=1\nNodeName=n[5-8] Weight=100\nPartitionName=p Nodes=n[1-8] Default=YES\n")
    done = topology("check", "--slurm-conf", str(conf), "-", text=CONF)
    assert done.returncode == 1
    assert "warning: partition p has nodes of several Weights (1 of n[1-4], 100 of n[5-8]), and Slurm takes the lowest first" in done.stdout
    conf.write_text(conf.read_text().replace("Weight=100", "Weight=1"))
    assert topology("check", "--slurm-conf", str(conf), "-", text=CONF).returncode == 0
