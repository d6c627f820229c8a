"""Where no host is left, the sentence says why, by the kind of the source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/house"))
from programs import railhead  # noqa: E402

LLDP = '{"node1": {"lldp": {"interface": {"eth0": {"chassis": {"leaf1": {}}}}}}}'
DOMAIN = "node1, 11111111-2222-3333-4444-555555555555, 1"


def refusal(kind: str, text: str, *words: str) -> str:
    done = subprocess.run([railhead(), "topology", "generate", "--from", kind, *words], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (100, ""), done.stderr
    return done.stderr


def synth() -> str:
    return subprocess.run([railhead(), "topology", "synth", "--nodes=4", "--unit=2", "--rails=2"], stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize(("kind", "text", "where"), [
    ("inventory", "node,switch\nnode1,leaf1\n", "look at the column node there, or give --map"),
    ("topology", "SwitchName=leaf1 Nodes=node1\n", "look at Nodes= there, or give --map"),
    ("cloud", '{"Instances": [{"InstanceId": "i-1", "NetworkNodes": ["a"]}]}', "look at the instances' names there"),
    ("lldp", LLDP, "look at the names of those that answered there"),
    ("nvlink", DOMAIN, "look at the first column there"),
])
def test_a_source_without_the_wanted_nodes_says_where_to_look(kind, text, where):
    said = refusal(kind, text, "--nodes", "other1")
    assert "has none of the wanted nodes" in said and where in said


def test_node_descriptions_are_where_infiniband_has_names():
    assert "look at the node descriptions there" in refusal("ibnetdiscover", synth(), "--nodes", "other1")


def test_hosts_that_are_all_called_localhost_are_said_to_be():
    text = "".join(line.replace(f"node{node} mlx5", "localhost mlx5") for line in synth().splitlines(True) for node in [next((n for n in "1234" if f"node{n} mlx5" in line), "")])
    assert "8 adapters (" in (said := refusal("ibnetdiscover", text)) and "call their hosts localhost" in said


def test_hosts_that_are_called_by_their_addresses_are_said_to_be():
    text = synth().replace('"node', '"10.0.0.')
    assert "4 hosts (10.0.0.1, 10.0.0.2, 10.0.0.3, ...) are called by their IP address" in refusal("ibnetdiscover", text, "--nodes", "node[1-4]")


def test_a_node_that_a_written_list_lacks_is_not_to_be_powered_up():
    words = ["topology", "generate", "--from", "inventory", "--nodes", "node[1-2]"]
    done = subprocess.run([railhead(), *words], input="node,switch\nnode1,leaf1\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert "1 of 2 nodes (node2)" in done.stderr and "look at the column node there, or give --map" in done.stderr
