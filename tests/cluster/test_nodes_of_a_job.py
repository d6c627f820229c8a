"""All options of a job together: features, reservations, components, topologies and nodes that may still come."""

from __future__ import annotations

import re

import pytest
from submits import held, wait_until

pytestmark = pytest.mark.everywhere

CONF, TOPOLOGY = "/etc/slurm/slurm.conf", "/etc/slurm/topology.conf"
POLICY = "/etc/slurm/railhead.toml"
BLOCKS = "BlockName=b1 Nodes=node[1-2]\nBlockName=b2 Nodes=node[3-4]\nBlockName=b3 Nodes=a100-[1-2]\nBlockSizes=2\n"


def scontrol(cluster, *words: str) -> None:
    cluster.run("ctl", "scontrol", *words, check=True)


def refused(cluster, *options: str) -> str:
    done, _ = held(cluster, *options)
    return done.err if done.code != 0 else ""


@pytest.fixture
def features(cluster):
    every = {"node[1-2]": "rack1", "node[3-4]": "rack2"}
    for nodes, name in every.items():
        scontrol(cluster, "update", f"nodename={nodes}", f"features={name}", f"activefeatures={name}")
    wait_until("the plugin sees features", lambda: "rack1, rack2" in refused(cluster, "-N1", "--gpus-per-node=8", "--constraint=rack1&rack2"), within=60)
    yield
    for nodes in every:
        scontrol(cluster, "update", f"nodename={nodes}", "features=", "activefeatures=")


def test_a_constraint_that_leaves_too_few_nodes_is_refused(cluster, features):
    said = refused(cluster, "-N3", "--gpus-per-node=8", "--constraint=rack1")
    assert '3 nodes are more than --constraint="rack1" of partition gpu leaves (2); try --nodes=2 [node-shape]\n' in said
    said = refused(cluster, "-N1", "--gpus-per-node=8", "--constraint=rack1&rack2")
    assert ('--constraint="rack1&rack2" is met by no node of partition gpu with the GPUs asked for; '
            "choose of the features there: rack1, rack2 [node-shape]\n") in said
    for options in ("-N2 --constraint=rack1", "-N3 --constraint=rack1|rack2", "-N2 --constraint=[rack1|rack2]"):
        assert cluster.alice("srun", *options.split(), "--gpus-per-node=8", "true").code == 0, options


def test_a_feature_that_a_node_was_just_given_is_no_reason_to_refuse(cluster, features):
    want = ("-N1", "--gpus-per-node=8", "--constraint=new")
    said = ""
    try:
        for _ in range(5):
            scontrol(cluster, "update", "nodename=node1", "features=rack1", "activefeatures=rack1")
            wait_until("known to be without it", lambda: "is met by no node" in refused(cluster, "-N1", "--gpus-per-node=8", "--constraint=rack1&rack2"))
            scontrol(cluster, "update", "nodename=node1", "features=rack1,new", "activefeatures=rack1,new")
            done, facts = held(cluster, *want)
            assert facts.get("JobState") == "PENDING", done.text
            said += done.err
            assert cluster.alice("srun", *want, "true").code == 0
        assert 'railhead: warning: --constraint="new" is met by no node of partition gpu' in said, "the plugin says what it has seen last"
    finally:
        scontrol(cluster, "update", "nodename=node1", "features=rack1", "activefeatures=rack1")


def test_a_reservation_that_is_too_small_is_said(cluster):
    scontrol(cluster, "create", "reservation", "reservationname=mine", "nodes=node[1-2]", "users=alice", "starttime=now", "duration=60")
    try:
        said = wait_until("refused", lambda: refused(cluster, "--reservation=mine", "-p", "gpu", "-N3", "--gpus-per-node=8"))
        assert "3 nodes are more than reservation mine gives of partition gpu with the GPUs asked for (2); try --nodes=2 [node-shape]\n" in said
        assert cluster.alice("srun", "--reservation=mine", "-p", "gpu", "-N2", "--gpus-per-node=8", "true").code == 0
        scontrol(cluster, "update", "reservationname=mine", "nodes=node[1-3]")
        done, facts = held(cluster, "--reservation=mine", "-p", "gpu", "-N3", "--gpus-per-node=8")
        assert facts.get("JobState") == "PENDING", done.text
    finally:
        scontrol(cluster, "delete", "reservationname=mine")


def test_components_that_cannot_start_together_are_refused(cluster):
    three = ["-N3", "--gpus-per-node=8"]
    done = cluster.alice("sbatch", "--hold", *three, ":", "--hold", *three, input="#!/bin/sh\n")
    assert done.code != 0
    assert "gpu:48 of components 0 to 1 together is more than their partitions have (32), and they start together or not at all" in done.err
    done = cluster.alice("sbatch", "--parsable", "--output=/dev/null", *three, ":", "-N1", "--gpus-per-node=8", input="#!/bin/sh\n", check=True)
    number = done.out.strip()
    wait_until("both components run and end", lambda: not cluster.run("ctl", "squeue", "-h", "-j", number).out.strip(), within=60)


def test_what_placement_asked_for_stands_in_the_job(cluster):
    _, facts = held(cluster, "-N2", "--gpus-per-node=8")
    assert facts["AdminComment"] == "railhead:" and facts["--switches"] == "1@1:00"
    assert "AdminComment" not in held(cluster, "-N2", "--gpus-per-node=8", "--switches=2")[1]


@pytest.mark.suites("trixie", "sid")
def test_a_topology_of_blocks_gets_segments(cluster, conf):
    conf({CONF: lambda text: text.replace("topology/tree", "topology/block"), TOPOLOGY: lambda _: BLOCKS})
    compact = ["--rail-placement=compact", "--gpus-per-node=8"]
    wait_until("a job of four nodes gets segments of two", lambda: "AdminComment=railhead: --segment=2" in held(cluster, "-N4", *compact)[0].out, within=30)
    assert "AdminComment" not in held(cluster, "-N3", *compact)[1]
    assert "AdminComment" not in held(cluster, "-N4", "--segment=1", *compact)[1], "the user's own wins"
    assert cluster.alice("srun", "-N4", *compact, "true").code == 0


@pytest.mark.suites("trixie", "sid")
def test_where_dynamic_nodes_may_come_capacity_is_only_warned_of(cluster, conf):
    assert refused(cluster, "-N5", "--gpus-per-node=8")
    conf({CONF: lambda text: text + "MaxNodeCount=100\n"})
    done, _ = wait_until("only warned", lambda: (lambda end: end if "railhead: warning: " in end[0].err else None)(held(cluster, "-N5", "--gpus-per-node=8")))
    assert re.search(r"railhead: warning: 5 nodes are more than partition gpu has \(4\)", done.err)


def test_lint_asks_slurm_and_the_plugin(cluster):
    cluster.put("lint.sh", "#!/bin/bash\n#SBATCH -N2 --gpus-per-node=a100:8\nexport MASTER_ADDR=localhost\ntrue\n")
    done = cluster.alice("railhead", "lint", "lint.sh")
    assert done.code == 1, done.text
    assert "lint.sh: error: gpu:a100 is not in partition gpu (has h100 x 8 on 4 nodes); try --gpus-per-node=h100:8 [gpu-type]\n" in done.out
    assert "lint.sh:3: warning: MASTER_ADDR=localhost is each node's own address; " in done.out
    done = cluster.alice("railhead", "lint", "lint.sh", "--gpus-per-node=h100:8")
    assert done.code == 1 and "gpu-type" not in done.out and "[master-addr]" in done.out, done.text
    saved = cluster.alice("railhead", "inventory", "save", "saved.txt", check=True)
    assert saved.text == "", "a cluster without accounting is nothing to read of"
    done = cluster.alice("railhead", "lint", "--inventory", "saved.txt", "lint.sh", environment={"PATH": "/usr/bin:/bin"})
    assert "lint.sh: error: gpu:a100 is not in partition gpu (has h100 x 8 on 4 nodes); try --gpus-per-node=h100:8 [gpu-type]\n" in done.out, done.text
    cluster.put("good.sh", "#!/bin/bash\n#SBATCH -N2 --gpus-per-node=h100:8\nhostname\n")
    done = cluster.alice("railhead", "lint", "good.sh")
    assert done.code == 0 and done.out == "", done.text


def test_lint_by_a_saved_inventory_knows_the_callers_own_policy(cluster):
    """As the plugin does, from this machine's policy."""
    cluster.alice("railhead", "inventory", "save", "saved.txt", check=True)
    cluster.put("lint.sh", "#!/bin/bash\n#SBATCH -N2 --gpus-per-node=a100:8\ntrue\n")
    old = cluster.run("login", "cat", POLICY, check=True).out

    def said(policy: str) -> str:
        cluster.run("login", "sh", "-c", f"cat >{POLICY}", input=policy, check=True)
        return cluster.alice("railhead", "lint", "--inventory", "saved.txt", "lint.sh").text

    try:
        assert "lint.sh: error: gpu:a100 is not in partition gpu " in said('[submit]\nexempt_users = "bob"\n')
        assert said('[submit]\nexempt_users = "alice"\n') == ""
        assert "lint.sh: warning: gpu:a100 is not in " in said('[submit.user.alice]\nrule_gpu_type = "warn"\n')
        assert "lint.sh: error: gpu:a100 is not in " in said('[submit.user.bob]\nrule_gpu_type = "warn"\n')
    finally:
        cluster.run("login", "sh", "-c", f"cat >{POLICY}", input=old, check=True)


@pytest.mark.slow
def test_lint_says_that_the_controller_gives_no_answer(cluster):
    cluster.put("good.sh", "#!/bin/bash\n#SBATCH -N2 --gpus-per-node=h100:8\nhostname\n")
    cluster.run("ctl", "sh", "-c", "kill -STOP $(cat /run/slurmctld.pid)", check=True)
    try:
        done = cluster.alice("railhead", "lint", "good.sh", timeout=120)
    finally:
        cluster.run("ctl", "sh", "-c", "kill -CONT $(cat /run/slurmctld.pid)", check=True)
    assert done.code == 0 and done.out == "" and "because Slurm was not asked: " in done.err, done.text


def test_policy_check_knows_the_cluster(cluster):
    cluster.put("policy.toml", '[submit]\nplacement_wait = "10m"\n[submit.partition.gqu]\nplacement = "compact"\n[submit.user.bob]\nplacement_wait = "7m"\n')
    done = cluster.alice("railhead", "policy", "check", "policy.toml")
    assert done.code == 1
    assert "policy.toml:2:18: submit.placement_wait is 600 s, and Slurm waits no longer than 300 s; " in done.err
    assert "policy.toml:6:18: submit.placement_wait is 420 s, and Slurm waits no longer than 300 s; " in done.err
    assert "policy.toml:3:19: [submit.partition.gqu] is about a partition that the cluster does not have; see the names with 'sinfo -s'\n" in done.err
    cluster.put("policy.toml", '[submit]\nrefresh = "soon"\n[submit.partition.gqu]\n  rule_uneven = "loud"\nplacement = "any"\n')
    done = cluster.alice("railhead", "policy", "check", "policy.toml")
    for words in ("policy.toml:2:11: submit.refresh is ", "policy.toml:4:17: submit.rule_uneven is ", "[submit.partition.gqu] is about"):
        assert words in done.err, done.text
    cluster.put("policy.toml", '[submit]\nexempt_reservations = "nightly"\nrule_scalable_unit = "warn"\n')
    done = cluster.alice("railhead", "policy", "check", "policy.toml")
    assert "policy.toml:2:23: submit.exempt_reservations names nightly, a reservation that the cluster does not have; " in done.err, done.text
    assert "policy.toml:3:22: submit.rule_scalable_unit is on, and says nothing: unit_most and unit_step are 0; set one of them" in done.err
    cluster.put("policy.toml", '[submit]\nrule_scalable_unit = "warn"\n[submit.partition.gpu]\nplacement = "compact"\nunit_most = 2\n')
    assert cluster.alice("railhead", "policy", "check", "policy.toml").out == "policy.toml: no findings\n"
    assert "submit.placement " in cluster.alice("railhead", "policy", "show", check=True).out


def test_replay_tells_what_a_policy_would_have_done(cluster):
    jobs = [
        "17|alice||gpu|||2026-11-01T10:00:00|60|gres/gpu:h100=16,gres/gpu=16,node=2|sbatch -N2 --gpus-per-node=h100:8 job.sh",
        "18|alice||gpu|||Unknown|60|gres/gpu=32,node=2|sbatch -N2 --gpus-per-node=h100:16 job.sh",
        "19|bob||gpu|||2026-11-01T10:00:00|60|gres/gpu:h100=8,gres/gpu=8,node=2|sbatch job.sh",
        "no job",
    ]
    cluster.put("history.txt", "\n".join(jobs) + "\n")
    cluster.put("strict.toml", '[submit]\nrule_whole_nodes = "enforce"\n')
    said = cluster.alice("railhead", "policy", "replay", "strict.toml", "--history", "history.txt", check=True).out
    assert re.search(r"^gpus-per-node +1 +0 +0$", said, re.M), said
    assert "3 jobs; of 1 only the totals are on record; 1 lines could not be read\n" in said
