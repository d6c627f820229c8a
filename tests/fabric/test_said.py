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
    (["check", ""], "the file's name is empty (expected a file, or - for standard input)\n"),
    (["generate", "--from", "ibnetdiscover", "--from", "nvlink:-"], "standard input is given for --from ibnetdiscover and --from nvlink:- (expected it once); name files for the others\n"),
    (["generate", "--from", "ibnetdiscover", "--to", "block", "--slurm", "23.11"], "--to block is nothing that Slurm 23.11 reads (expected 24.05 or later); use --to tree\n"),
    (["generate", "--from", "ibnetdiscover", "--nodes", ""], "--nodes: the list is empty; see railhead topology generate --help\n"),
    (["report", "--from", "ibnetdiscover:"], "--from ibnetdiscover: names no file (expected a file behind the colon); leave the colon out for standard input\n"),
])
def test_what_cannot_be_is_refused_in_one_sentence(tmp_path, words, said):
    (tmp_path / "conf").write_text(CONF)
    done = topology(*[str(tmp_path / "conf") if word == "FILE" else word for word in words])
    assert (done.returncode, done.stderr) == (100, f"railhead: {said}")


@pytest.mark.parametrize("words", [["generate"], ["generate", "--json"], ["draw"], ["report"], ["score", "--nodes", "node1"], ["order", "--nodes", "node1"]])
def test_a_fabric_that_is_cut_off_is_no_success(words):
    made = topology(*SHAPE).stdout
    cut = made[:made.index("\n\n", made.index("Switch"))]  # behind the first leaf
    done = topology(*words, "--from", "ibnetdiscover", text=cut)
    assert done.returncode == 1 and done.stdout and "not described to its end" in (done.stdout if words == ["report"] else done.stderr), done


def test_the_tree_of_the_json_is_the_file():
    made, words = topology(*SHAPE).stdout, ["generate", "--from", "ibnetdiscover", "--nodes", "node[1-4],off"]
    lines = topology(*words, text=made).stdout.splitlines()
    tree = json.loads(topology(*words, "--json", text=made).stdout)["tree"]
    assert [line["name"] for line in tree] == [line.split()[0].removeprefix("SwitchName=") for line in lines] == ["su1", "unplugged", "root"]
    assert tree[1:] == [{"name": "unplugged", "nodes": ["off"], "switches": []}, {"name": "root", "nodes": [], "switches": ["su1", "unplugged"]}]


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
    conf.write_text(conf.read_text().replace("Weight=100", "Weight=1") + "TopologyPlugin=topology/tree\n")
    assert topology("check", "--slurm-conf", str(conf), "-", text=CONF).returncode == 0


def test_a_plugin_of_a_slurm_conf_that_reads_another_file_is_named(tmp_path):
    conf = tmp_path / "slurm.conf"
    conf.write_text("NodeName=n[1-8]\nTopologyPlugin=topology/flat\n")
    done = topology("check", "--slurm-conf", str(conf), "-", text=CONF)
    assert done.returncode == 1
    assert "warning: slurm.conf has TopologyPlugin=topology/flat, which does not read such a file (expected TopologyPlugin=topology/tree)" in done.stdout


def test_a_fabric_that_is_given_twice_is_one_sentence(tmp_path):
    ib = tmp_path / "ib.txt"
    ib.write_text(topology("synth", "--nodes", "8", "--rails", "2", "--unit", "4").stdout)
    done = topology("report", "--from", f"ibnetdiscover:{ib}", "--from", f"ibnetdiscover:{ib}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (100, "", 1), done
    assert done.stderr.startswith(f"railhead: --from ibnetdiscover:{ib} has the adapters of an earlier --from"), done.stderr


def test_a_source_that_joins_nodes_otherwise_is_named(tmp_path):
    ib, racks = tmp_path / "ib.txt", tmp_path / "racks.csv"
    ib.write_text(topology("synth", "--nodes", "32", "--rails", "1", "--unit", "8", "--spines", "8").stdout)
    racks.write_text("node,rail,switch\n" + "".join(f"node{node:02},eno1,tor{node // 5}\n" for node in range(1, 33)))
    alone, beside = (topology("generate", "--from", f"ibnetdiscover:{ib}", *more) for more in ([], ["--from", f"inventory:{racks}"]))
    assert "Nodes=node[01-08]\n" in alone.stdout
    assert [line for line in beside.stdout.splitlines() if "Nodes" in line] == [line for line in alone.stdout.splitlines() if "Nodes" in line]
    assert beside.stderr == (f"railhead: warning: --from inventory:{racks} joins hosts otherwise than the source with the most cables, and makes no group; "
                             "leave out the source that is not the nodes' rails; of as many cables the first one counts [source-differs]\n")


@pytest.mark.parametrize("plane", ["compute", "storage", "mlx5_[0-3]", "mlx5_[0-7]", "mlx5_8"])
def test_a_plane_misses_nothing_of_the_others(plane):
    made = topology("synth", "--nodes", "32", "--rails", "8", "--unit", "8", "--spines", "16", "--storage", "4").stdout
    said = topology("report", "--from", "ibnetdiscover", "--plane", plane, text=made).stdout
    assert [line for line in said.splitlines() if "[oversubscribed]" not in line] == []


@pytest.mark.parametrize("plane", ["mlx5_[0-1]", "mlx5_[0-3]", "mlx5_[2-3]"])
def test_servers_make_no_group_of_a_plane_whose_adapters_they_have(plane):
    made = topology("synth", "--nodes", "32", "--rails", "4", "--unit", "16", "--spines", "4", "--storage", "6").stdout
    done = topology("generate", "--from", "ibnetdiscover", "--plane", plane, text=made)
    assert done.stdout == topology("generate", "--from", "ibnetdiscover", text=made).stdout and "storage[1-6]" in done.stderr, done


def test_a_plane_misses_its_own():
    made = topology("synth", "--nodes", "32", "--rails", "8", "--unit", "8", "--spines", "16", "--fault", "lost-cable").stdout
    assert "has no cable on 1 of 8 rails" in topology("report", "--from", "ibnetdiscover", "--plane", "mlx5_[0-7]", text=made).stdout


def test_a_node_is_one_in_whatever_case_its_sources_call_it(tmp_path):
    hosts, switches, nvlink = tmp_path / "hosts.csv", tmp_path / "switches.csv", tmp_path / "nvlink.csv"
    plan = "".join(f"NAME{node},eth{rail},leaf{rail + 2 * (node // 5)}\n" for node in range(1, 9) for rail in range(2))
    hosts.write_text("node,rail,switch\n" + plan.replace("NAME", "Node"))
    words = ["generate", "--from", f"inventory:{hosts}"]
    alone = topology(*words)
    assert alone.stdout.splitlines()[:2] == ["SwitchName=leaf0 Nodes=Node[1-4]", "SwitchName=leaf2 Nodes=Node[5-8]"] and not alone.stderr
    switches.write_text("node,rail,switch\n" + plan.replace("NAME", "node").replace(",eth", ".site.org,eth").replace("leaf", "Leaf"))
    beside = topology(*words, "--from", f"inventory:{switches}")
    assert (beside.returncode, beside.stdout) == (0, alone.stdout) and "name-duplicate" not in beside.stderr
    nvlink.write_text("".join(f"NODE{node}, 11111111-2222-3333-4444-55555555555{node // 5}, 1\n" for node in range(1, 9)))
    blocks = topology(*words, "--from", f"nvlink:{nvlink}", "--to", "block")
    assert blocks.returncode == 0 and "Nodes=Node[1-4]\n" in blocks.stdout and "Nodes=Node[5-8]\n" in blocks.stdout, blocks


@pytest.mark.parametrize("behind", ['\n[3] \t"H-98', '\nSwitch\t40 "S-0c42', "\n[2"])
def test_a_fabric_that_is_cut_off_within_a_line_is_no_success_either(behind):
    made = topology(*SHAPE, "--storage", "2").stdout
    cut = made[:made.index(behind, made.index("su1-leaf2")) + len(behind)]
    done = topology("generate", "--from", "ibnetdiscover", text=cut)
    last = cut.count("\n") + 1
    assert done.returncode == 1 and done.stdout and f"railhead: error: line {last}: " in done.stderr and "within a line" in done.stderr, done


def test_a_yaml_of_nvlink_alone_has_the_nodes_of_no_domain_too():
    domains = "".join(f"gb{node}, 11111111-2222-3333-4444-55555555555{node // 3}, 1\n" for node in range(1, 5))
    whole, more = (topology("generate", "--from", "nvlink", "--to", "yaml", "--nodes", nodes, text=domains).stdout for nodes in ("gb[1-4]", "gb[1-4],cpu[1-2]"))
    assert whole.count("- topology:") == 1 and "  block:\n" in whole
    tree, blocks = more.split("- topology: nvlink\n")
    assert "nodes: cpu[1-2]\n" in tree and "cluster_default: true" in tree and blocks == "  cluster_default: false\n" + whole.split("  cluster_default: true\n")[1]


@pytest.mark.parametrize("to", ["block", "yaml"])
def test_nodes_of_a_fabric_that_are_in_no_nvlink_domain_are_named(tmp_path, to):
    (tmp_path / "fabric").write_text(topology(*SHAPE).stdout)
    domains = "".join(f"node{i}: 11111111-2222-3333-4444-555555555555, 1\n" for i in (1, 2))
    done = topology("generate", "--from", f"ibnetdiscover:{tmp_path}/fabric", "--from", "nvlink", "--to", to, text=domains)
    assert done.returncode == 0 and "node[3-4] are in no block" in done.stderr, done


def test_planes_that_cables_do_not_tell_apart_are_said():
    rows = [f"n{node},mlx5_0,leaf{node // 4}\nn{node},mlx5_1,stor0\nn{node},mlx5_2,stor1\n" for node in range(8)]
    done = topology("generate", "--from", "inventory", text="node,rail,switch\n" + "".join(rows))
    assert done.stdout == "SwitchName=leaf0 Nodes=n[0-7]\n" and "give --plane mlx5_0 if" in done.stderr, done
