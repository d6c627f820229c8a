"""`railhead topology install` on a real controller."""

from __future__ import annotations

import json
import re

import pytest
from submits import wait_until

TOPOLOGY = "/etc/slurm/topology.conf"
NEW = "SwitchName=east Nodes=node[1,3]\nSwitchName=west Nodes=node[2,4]\nSwitchName=rest Nodes=a100-[1-2],cpu1\nSwitchName=top Switches=east,west,rest\n"


def install(cluster, text: str, *options: str):
    return cluster.run("ctl", "railhead", "topology", "install", *options, "-", input=text)


def leaves(cluster) -> dict[str, str]:
    shown = cluster.run("ctl", "scontrol", "show", "topology", check=True).out
    return dict(re.findall(r"SwitchName=(\S+) Level=0 .*Nodes=(\S+)", shown))


@pytest.fixture(autouse=True)
def nothing_left(cluster, conf):
    """`conf` puts the old files back; and the scratch slurmctld is gone."""
    yield
    what = "pgrep -c slurmctld; ls -d /tmp/railhead-slurmctld-* 2> /dev/null"
    wait_until("nothing but the controller's slurmctld", lambda: cluster.run("ctl", "sh", "-c", what).out.split() == ["1"])
    cluster.run("ctl", "sh", "-c", f"rm -f {TOPOLOGY}.old {TOPOLOGY}.new")


@pytest.mark.everywhere
def test_a_good_file_is_tried_put_in_place_and_in_force(cluster):
    old = cluster.run("ctl", "cat", TOPOLOGY, check=True).out
    done = install(cluster, NEW, "--reconfigure")
    assert done.code == 0, done.text
    assert "has read it in a scratch folder: 3 leaves" in done.out and done.out.endswith("slurmctld has it\n"), done.text
    assert leaves(cluster) == {"east": "node[1,3]", "west": "node[2,4]", "rest": "a100-[1-2],cpu1"}
    assert cluster.run("ctl", "cat", TOPOLOGY + ".old", check=True).out == old
    done = install(cluster, NEW, "--reconfigure")
    assert done.code == 0 and f"{TOPOLOGY} is this file already\n" in done.out and done.out.endswith("slurmctld has it\n"), done.text
    assert cluster.run("ctl", "cat", TOPOLOGY + ".old", check=True).out == old, "what was there before both"


def test_a_dry_run_changes_nothing(cluster):
    old = cluster.run("ctl", "cat", TOPOLOGY, check=True).out
    done = install(cluster, NEW, "--dry-run")
    assert done.code == 0 and "has read it" in done.out, done.text
    assert cluster.run("ctl", "cat", TOPOLOGY, check=True).out == old


def test_what_was_done_may_be_json(cluster):
    done = install(cluster, NEW, "--dry-run", "--json")
    told = json.loads(done.out)
    assert done.code == 0 and told["file"] == TOPOLOGY and told["leaves"] == 3 and not told["in_place"] and told["error"] is None, done.text
    assert any("east" in each for each in told["changes"]), told


def test_a_file_that_slurm_refuses_is_not_tried(cluster):
    old = cluster.run("ctl", "cat", TOPOLOGY, check=True).out
    done = install(cluster, NEW.replace("top Switches=east", "top Switches=esat"), "--reconfigure")
    assert done.code == 1 and "error: line 4: esat is no switch of this file" in done.err, done.text
    told = install(cluster, NEW.replace("top Switches=east", "top Switches=esat"), "--json")
    assert json.loads(told.out)["error"] == "line 4: esat is no switch of this file", told.text
    assert cluster.run("ctl", "cat", TOPOLOGY, check=True).out == old


@pytest.mark.everywhere
def test_what_the_scratch_slurmctld_says_is_passed_on(cluster):
    text = cluster.run("ctl", "cat", "/etc/slurm/slurm.conf", check=True).out.replace("cred/munge", "cred/no-such")
    cluster.run("ctl", "sh", "-c", "cat > /tmp/slurm.conf", input=text, check=True)
    done = install(cluster, NEW, "--slurm-conf", "/tmp/slurm.conf", "--to", "/tmp/t.conf")
    cluster.run("ctl", "rm", "/tmp/slurm.conf", check=True)
    assert done.code == 100 and "that was given the file ended: " in done.err and "fatal: " in done.err, done.text
    assert cluster.run("ctl", "test", "-e", "/tmp/t.conf").code == 1


def test_a_file_that_the_controller_does_not_take_is_taken_back(cluster):
    cluster.run("ctl", "sh", "-c", "echo SwitchName=before Nodes=node1 > /tmp/topology.conf", check=True)
    done = install(cluster, NEW, "--to", "/tmp/topology.conf", "--reconfigure")  # slurmctld reads another one
    assert done.code == 100, done.text
    assert "slurmctld has no east after 'scontrol reconfigure'; the old file is back; see slurmctld's log" in done.err, done.text
    assert cluster.run("ctl", "cat", "/tmp/topology.conf", check=True).out == "SwitchName=before Nodes=node1\n"
    cluster.run("ctl", "sh", "-c", "rm /tmp/topology.conf*", check=True)


def test_the_file_behind_a_link_is_replaced_and_the_link_stays(cluster):
    cluster.run("ctl", "sh", "-c", f"mv {TOPOLOGY} /etc/slurm/fabric.conf && ln -s fabric.conf {TOPOLOGY}", check=True)
    try:
        done = install(cluster, NEW, "--reconfigure")
        assert done.code == 0 and "/etc/slurm/fabric.conf is written" in done.out, done.text
        assert cluster.run("ctl", "readlink", TOPOLOGY, check=True).out == "fabric.conf\n"
        assert cluster.run("ctl", "cat", TOPOLOGY, check=True).out == NEW
    finally:
        cluster.run("ctl", "sh", "-c", f"rm -f {TOPOLOGY} /etc/slurm/fabric.conf.old; mv /etc/slurm/fabric.conf {TOPOLOGY}", check=True)


def test_a_conf_without_a_folder_is_the_one_here(cluster):
    done = cluster.run("ctl", "sh", "-c", "cd /etc/slurm && TMPDIR=/nowhere railhead topology install --slurm-conf slurm.conf --dry-run -", input=NEW)
    assert done.code == 100 and "got no folder: TMPDIR is none; set TMPDIR" in done.err, done.text
    done = cluster.run("ctl", "sh", "-c", "cd /etc/slurm && railhead topology install --slurm-conf slurm.conf --dry-run -", input=NEW)
    assert done.code == 0 and "node" in done.out and "is new" not in done.out, done.text


def test_a_signal_while_it_is_tried_leaves_nothing(cluster):
    script = """cat > /tmp/new; for after in 0.02 0.05 0.08 0.1 0.13 0.16; do
        railhead topology install --dry-run /tmp/new & sleep $after; kill -TERM $!; wait $!; echo code $?; done; rm /tmp/new"""
    done = cluster.run("ctl", "bash", "-c", script, input=NEW)
    assert "code 143" in done.out, done.text  # the fixture looks at what is left


def test_elsewhere_than_on_the_controller_it_says_so(cluster):
    done = cluster.alice("sh", "-c", "PATH=/usr/bin SLURM_CONF=/nowhere/slurm.conf railhead topology install -", input=NEW)
    assert done.code == 100 and "/nowhere/slurm.conf cannot be read" in done.err and "run this where the controller" in done.err, done.text


@pytest.mark.suites("sid")
def test_a_topology_yaml_is_tried_and_in_force(cluster):
    cluster.put("new.conf", NEW)
    yaml = cluster.alice("railhead", "topology", "generate", "--from", "topology:new.conf", "--to", "yaml", check=True).out
    try:
        done = install(cluster, yaml, "--reconfigure")
        assert done.code == 0 and done.out.endswith("/etc/slurm/topology.yaml is written\nslurmctld has it\n"), done.text
        assert leaves(cluster) == {"east": "node[1,3]", "west": "node[2,4]", "rest": "a100-[1-2],cpu1"}
        done = install(cluster, NEW)
        assert done.code == 100 and "/etc/slurm/topology.yaml is there, and Slurm reads no topology.conf beside it" in done.err, done.text
        done = install(cluster, yaml.replace("children: ", "children: esat,"))
        assert done.code == 1 and "esat is no switch of this file" in done.err, done.text
    finally:
        cluster.run("ctl", "sh", "-c", "rm -f /etc/slurm/topology.yaml /etc/slurm/topology.yaml.old", check=True)


def test_a_file_is_compared_with_slurm_conf_and_with_the_controller(cluster):
    text = NEW.replace("node[2,4]", "node[2,9]")
    for source in (["--slurm-conf", "/etc/slurm/slurm.conf"], ["--nodes", "slurm"]):
        said = cluster.alice("railhead", "topology", "check", *source, "-", input=text)
        assert said.code == 1 and "node9 is no node of Slurm's" in said.out and "node4 is in no leaf" in said.out, said.text


def test_weights_that_defeat_the_topology_are_named(cluster):
    cluster.run("ctl", "scontrol", "update", "nodename=a100-1", "weight=7", check=True)
    try:
        said = cluster.alice("railhead", "topology", "check", "--nodes", "slurm", "-", input=NEW)
        assert "partition a100 has nodes of several Weights (1 of a100-2, 7 of a100-1), and Slurm takes the lowest first" in said.out, said.text
    finally:
        cluster.run("ctl", "scontrol", "update", "nodename=a100-1", "weight=1", check=True)


def test_a_running_job_has_a_score(cluster):
    cluster.put("now.conf", cluster.run("ctl", "cat", TOPOLOGY, check=True).out)
    job = cluster.submit("#SBATCH -N4 --gpus-per-node=1\nsleep 60\n")
    job.wait_for("")
    wait_until("the job to run", lambda: cluster.alice("squeue", "-h", "-o", "%T").out.strip() == "RUNNING")
    said = cluster.alice("railhead", "topology", "score", "--job", str(job.number), "now.conf")
    assert said.out.startswith("4 nodes in 2 leaf groups ") and "leaf1                         2" in said.out, said.text
    job.cancel()
    job.wait()
    over = cluster.alice("railhead", "topology", "score", "--job", str(job.number), "now.conf")
    assert over.code in (0, 100), over.text  # Slurm still knows where it ran, or no longer knows the job
