"""What `railhead topology check` says of a file, against what a slurmctld of the suite does with it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.everywhere

# A slurmctld that knows names of nodes only, on a port of its own, for a minute at most: "refused" or "taken".
SCRATCH = r"""
cd "$(mktemp -d)" && mkdir state && cat > "$2"
printf '%s\n' ClusterName=scratch "SlurmctldHost=$(hostname -s)(127.0.0.1)" SlurmUser=root AuthType=auth/munge CredType=cred/munge \
    SlurmctldPort=7817 SlurmdPort=7818 "StateSaveLocation=$PWD/state" "SlurmctldPidFile=$PWD/pid" "SlurmctldLogFile=$PWD/log" \
    "TopologyPlugin=topology/$1" 'NodeName=n[1-64] NodeAddr=127.0.0.1 State=DOWN' 'PartitionName=all Nodes=ALL' > slurm.conf
slurmctld -D -c -f "$PWD/slurm.conf" > /dev/null 2>&1 &
for _ in $(seq 600); do
    grep -q 'Running as primary' log 2> /dev/null && SLURM_CONF=$PWD/slurm.conf scontrol show topology > shown 2>&1 && break
    kill -0 $! 2> /dev/null || break
    sleep 0.1
done
if kill -0 $! 2> /dev/null && [ -s shown ]; then echo taken; else echo refused; fi
grep -E 'fatal|error' log
kill -KILL $! 2> /dev/null; wait
rm -rf "$PWD"
"""
CHAIN = "SwitchName=s0 Nodes=n1\n" + "".join(f"SwitchName=s{i} Switches=s{i - 1}\n" for i in range(1, 25))
FILES = {
    "good": ("tree", "SwitchName=a Nodes=n[1-32]\nSwitchName=b Nodes=n[33-64]\nSwitchName=r Switches=a,b\n"),
    "no-root": ("tree", "SwitchName=a Nodes=n[1-32]\nSwitchName=b Nodes=n[33-64]\n"),
    "two-leaves": ("tree", "SwitchName=a Nodes=n[1-32]\nSwitchName=b Nodes=n[32-64]\nSwitchName=r Switches=a,b\n"),
    "nodes-and-switches": ("tree", "SwitchName=a Nodes=n[1-32]\nSwitchName=r Nodes=n[33-64] Switches=a\n"),
    "name-twice": ("tree", "SwitchName=a Nodes=n[1-32]\nSwitchName=a Nodes=n[33-64]\n"),
    "long-name": ("tree", f"SwitchName={'x' * 65} Nodes=n[1-64]\n"),
    "name-of-64": ("tree", f"SwitchName={'x' * 64} Nodes=n[1-64]\n"),
    "unknown-switch": ("tree", "SwitchName=a Nodes=n[1-64]\nSwitchName=r Switches=a,c\n"),
    "itself": ("tree", "SwitchName=a Nodes=n[1-64]\nSwitchName=r Switches=a,r\n"),
    "cycle": ("tree", "SwitchName=a Nodes=n[1-64]\nSwitchName=r Switches=a,q\nSwitchName=q Switches=r\n"),
    "childless": ("tree", "SwitchName=a Nodes=n[1-64]\nSwitchName=r\n"),
    "deep": ("tree", CHAIN),
    "deep-from-the-top": ("tree", "".join(reversed(CHAIN.splitlines(keepends=True)))),
    "blanks-around-equals": ("tree", "SwitchName = a Nodes= n[1-64] LinkSpeed =1\n"),
    "link-speed-no-number": ("tree", "SwitchName=a Nodes=n[1-64] LinkSpeed=abc\n"),
    "names-nothing": ("tree", "SwitchName=a Nodes=n[1-64]\nSwitchName=b Nodes=\nSwitchName=r Switches=a,b\n"),
    "two-blocks": ("block", "BlockName=a Nodes=n[1-32]\nBlockName=b Nodes=n[32-64]\nBlockSizes=32\n"),
    "unknown-key": ("tree", "SwitchName=a Nodes=n[1-64] Speed=1\n"),
    "unknown-node": ("tree", "SwitchName=a Nodes=n[1-65]\n"),
    "missing-node": ("tree", "SwitchName=a Nodes=n[1-63]\n"),
    "empty": ("tree", "# nothing\n"),
    "blocks": ("block", "BlockName=a Nodes=n[1-32]\nBlockName=b Nodes=n[33-64]\nBlockSizes=32,64\n"),
    "blocks-without-sizes": ("block", "BlockName=a Nodes=n[1-32]\nBlockName=b Nodes=n[33-64]\n"),
    "small-second-block": ("block", "BlockName=a Nodes=n[1-32]\nBlockName=b Nodes=n[33-63]\n"),
    "large-base": ("block", "BlockName=a Nodes=n[1-32]\nBlockName=b Nodes=n[33-63]\nBlockSizes=32\n"),
    "no-power": ("block", "BlockName=a Nodes=n[1-16]\nBlockName=b Nodes=n[17-32]\nBlockSizes=16,48\n"),
    "block-twice": ("block", "BlockName=a Nodes=n[1-32]\nBlockName=a Nodes=n[33-64]\nBlockSizes=32\n"),
}

TREE = "  tree: {switches: [{switch: a, nodes: \"n[1-32]\"}, {switch: b, nodes: \"n[33-64]\"}, {switch: r, children: \"a,b\"}]}\n"
BLOCK = "  block: {block_sizes: [32, 64], blocks: [{block: a, nodes: \"n[1-32]\"}, {block: b, nodes: \"n[33-64]\"}]}\n"
YAML = {
    "good": TREE,
    "blocks": BLOCK,
    "two-kinds": TREE + BLOCK,
    "two-of-one-name": TREE + "- topology: default\n  cluster_default: true\n" + TREE,
    "no-kind": "",
    "unknown-kind": "  mesh: {}\n",
    "no-switches": "  tree: {switches: []}\n",
    "empty-switches": "  tree: {switches: {}}\n",
    "nothing-in-tree": "  tree:\n",
    "one-switch-without-a-list": "  tree: {switches: {switch: a, nodes: \"n[1-64]\"}}\n",
    "nodes-as-list": "  tree: {switches: [{switch: a, nodes: [n1, n2]}]}\n",
    "switch-without-name": "  tree: {switches: [{nodes: \"n[1-64]\"}]}\n",
    "misspelt-key": "  tree: {switches: [{switch: a, nodes: \"n[1-64]\", nodez: x}]}\n",
    "sizes-as-text": BLOCK.replace("[32, 64]", "\"32,64\""),
    "size-no-number": BLOCK.replace("[32, 64]", "[32, x]"),
    "no-sizes": BLOCK.replace("block_sizes: [32, 64], ", ""),
    "no-blocks": "  block: {block_sizes: [32], blocks: []}\n",
}


def release(cluster) -> str:
    return cluster.run("ctl", "slurmctld", "-V", check=True).out.split()[-1]


@pytest.mark.parametrize("name", FILES)
def test_an_error_is_what_slurmctld_refuses(cluster, name):
    plugin, text = FILES[name]
    version = release(cluster)
    said = cluster.alice("railhead", "topology", "check", "--slurm", version, "--nodes", "n[1-64]", "-", input=text)
    done = cluster.run("ctl", "bash", "-c", SCRATCH, "bash", plugin, "topology.conf", input=text, timeout=90)
    assert ("error: " in said.out or said.code == 100) == done.out.startswith("refused"), f"{said.text}\n{done.text}"


@pytest.mark.suites("sid")
@pytest.mark.parametrize("name", YAML)
def test_an_error_in_yaml_is_what_slurmctld_refuses(cluster, name):
    text = "---\n- topology: default\n  cluster_default: true\n" + YAML[name]
    said = cluster.alice("railhead", "topology", "check", "--slurm", release(cluster), "--nodes", "n[1-64]", "-", input=text)
    done = cluster.run("ctl", "bash", "-c", SCRATCH, "bash", "tree", "topology.yaml", input=text, timeout=90)
    assert ("error: " in said.out or said.code == 100) == done.out.startswith("refused"), f"{said.text}\n{done.text}"
    assert (name == "misspelt-key") == ("nodez is nothing that Slurm knows there" in said.out), said.text
