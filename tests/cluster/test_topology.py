"""Topology files that railhead writes, in a real slurmctld."""

from __future__ import annotations

import json
import re

import pytest
from sandbox import host

pytestmark = pytest.mark.everywhere

TOPOLOGY = "/etc/slurm/topology.conf"


def nodes_of_slurm(cluster) -> str:
    return cluster.run("ctl", "sinfo", "-h", "-o", "%N", check=True).out.strip()


def switches(cluster) -> dict[str, str]:
    """Name to what is below it, as slurmctld says."""
    text = cluster.run("ctl", "scontrol", "show", "topology", check=True).out
    found = {}
    for line in text.splitlines():
        words = dict(re.findall(r"(\w+)=(\S+)", line))
        found[words["SwitchName"]] = words.get("Switches") or words["Nodes"]
    return found


def test_slurm_has_the_leaf_groups_of_the_fabric(cluster, conf):
    fabric = cluster.alice("railhead", "topology", "synth", "--nodes", "4", "--unit", "2", "--spines", "2", check=True).out
    cluster.put("fabric.txt", fabric)
    generate = ["railhead", "topology", "generate", "--from", "ibnetdiscover:fabric.txt", "--nodes", "slurm"]
    written = cluster.alice(*generate, check=True).out
    document = json.loads(cluster.alice(*generate, "--json", check=True).out)
    assert [(group["name"], group["nodes"]) for group in document["leaf_groups"]] == [("su1", ["node1", "node2"]), ("su2", ["node3", "node4"])]
    cluster.put("new.conf", written)
    checked = cluster.alice("railhead", "topology", "check", "--nodes", nodes_of_slurm(cluster), "new.conf")
    assert checked.code == 0 and checked.out == "", checked.text
    conf({TOPOLOGY: lambda _: written})
    assert {line["name"]: set(line["nodes"] or line["switches"]) for line in document["tree"]} == {
        name: set(cluster.run("ctl", "scontrol", "show", "hostnames", below, check=True).out.split()) for name, below in switches(cluster).items()}
    assert switches(cluster) == {"su1": "node[1-2]", "su2": "node[3-4]", "unplugged-a100": "a100-[1-2]", "unplugged-cpu": "cpu1", "fabric1": "su[1-2]", "root": "fabric1,unplugged-a100,unplugged-cpu"}
    assert cluster.alice("srun", "-p", "gpu", "-N4", "--gpus-per-node=8", "true").code == 0


@pytest.mark.suites("sid")
def test_slurm_reads_the_yaml_that_is_written(cluster, conf):
    cluster.put("fabric.txt", cluster.alice("railhead", "topology", "synth", "--nodes", "4", "--unit", "2", "--spines", "2", check=True).out)
    written = cluster.alice("railhead", "topology", "generate", "--from", "ibnetdiscover:fabric.txt", "--to", "yaml", "--nodes", nodes_of_slurm(cluster), check=True).out
    cluster.run("ctl", "sh", "-c", "cat >/etc/slurm/topology.yaml", input=written, check=True)
    try:
        conf({})
        said = cluster.run("ctl", "scontrol", "show", "topology", check=True).out
        assert "SwitchName=su2 Level=0" in said and "Nodes=node[3-4]" in said, said
    finally:
        cluster.run("ctl", "rm", "/etc/slurm/topology.yaml", check=True)


def test_a_cable_that_slurm_does_not_care_about_is_reported_and_changes_no_line(cluster):
    whole = cluster.alice("railhead", "topology", "synth", "--nodes", "4", "--unit", "2", check=True).out
    broken = cluster.alice("railhead", "topology", "synth", "--nodes", "4", "--unit", "2", "--fault", "lost-cable", check=True).out
    conf = [cluster.alice("railhead", "topology", "generate", "--from", "ibnetdiscover", input=text, check=True).out for text in (whole, broken)]
    assert conf[0] == conf[1]
    report = cluster.alice("railhead", "topology", "report", "--from", "ibnetdiscover", input=broken)
    assert report.code == 1 and re.search(r"^node\d: has no cable on 1 of 8 rails \(mlx5_\d\); .*\[rail-missing\]$", report.out, re.M), report.text


def test_what_the_page_for_administrators_types_works(cluster):
    """Every command of docs/topology.md but ibnetdiscover, which needs a fabric, and install, which has tests of its own."""
    fabric = cluster.alice("railhead", "topology", "synth", "--nodes", "512", "--pod-units", "4", "--spines", "8", "--cores", "8", check=True).out
    cluster.put("fabric.txt", fabric)
    cluster.put("domains.csv", "".join(f"node{n:03}, {n // 18:08x}-1111-2222-3333-444444444444, 1\n" for n in range(1, 513)))
    blocks = re.findall(r"^```\n(.*?)^```", (host.CHECKOUT / "docs/topology.md").read_text(), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("railhead ") and " install " not in line]
    assert len(lines) >= 9
    for line in lines:
        if "/etc/slurm/topology.conf" in line:  # the site's; these are nodes of another one
            line = line.replace("/etc/slurm/topology.conf", "new.conf")
        done = cluster.alice("bash", "-c", line)
        assert done.code in (0, 1) and not re.search(r"railhead: (?!warning|note)", done.err), f"{line}\n{done.text}"
        assert done.out or "diff" in line or "check" in line or ">" in line, line


@pytest.mark.suites("trixie", "sid")
def test_slurm_has_the_blocks_that_are_written(cluster, conf):
    cluster.put("fabric.txt", cluster.alice("railhead", "topology", "synth", "--nodes", "4", "--unit", "2", "--spines", "2", check=True).out)
    made = cluster.alice("railhead", "topology", "generate", "--from", "ibnetdiscover:fabric.txt", "--to", "block", "--nodes", nodes_of_slurm(cluster), check=True)
    assert made.out == "BlockName=su1 Nodes=node[1-2]\nBlockName=su2 Nodes=node[3-4]\nBlockSizes=2,4\n"
    assert "a100-[1-2],cpu1 are in no block" in made.err, made.err
    conf({TOPOLOGY: lambda _: made.out, "/etc/slurm/slurm.conf": lambda old: old.replace("topology/tree", "topology/block")})
    shown = cluster.run("ctl", "scontrol", "show", "topology", check=True).out
    assert re.findall(r"BlockName=(\S+) .*Nodes=(\S+)", shown)[:2] == [("su1", "node[1-2]"), ("su2", "node[3-4]")], shown
    assert cluster.alice("srun", "-p", "gpu", "-N4", "--gpus-per-node=8", "true").code == 0
    for size in (1, 2):
        assert cluster.alice("srun", "-p", "a100", f"-N{size}", "--immediate=5", "true").code == 0, "jobs there start"
