"""The submit plugin and the SPANK plugin in real slurmctld, srun, sbatch, salloc and slurmstepd."""

from __future__ import annotations

import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sandbox import host
from sandbox.site import installed

pytestmark = pytest.mark.everywhere

POLICY = "/etc/slurm/railhead.toml"
CONF = "/etc/slurm/slurm.conf"
WRONG_TYPE = "railhead: gpu:a100 is not in partition gpu (has h100 x 8 on 4 nodes); try --gpus-per-node=h100:4 or --partition=a100 [gpu-type]"
TOO_MANY = (
    "railhead: gpu:h100:16 per node is more than any node of partition gpu has (h100 x 8 on 4 nodes); "
    "try --nodes=2 --gpus-per-node=h100:8 [gpus-per-node]"
)


@pytest.fixture
def policy(cluster):
    """Writes the controller's policy; afterwards the old one holds again."""
    old = cluster.run("ctl", "cat", POLICY, check=True).out

    def write(text: str | None) -> None:
        if text is None:
            cluster.run("ctl", "rm", "-f", POLICY, check=True)
        else:
            cluster.run("ctl", "sh", "-c", f"cat >{POLICY}", input=text, check=True)

    yield write
    if cluster.run("ctl", "cat", POLICY).out != old:
        write(old)
        await_switches(cluster, "1@00:01:00")


def script(*lines: str) -> str:
    return "\n".join(["#!/bin/sh", *(f"#SBATCH {line}" for line in lines), "true\n"])


def log(cluster) -> str:
    return cluster.run("ctl", "cat", "/var/log/slurm/slurmctld.log", check=True).out


def wait_until(what: str, condition, within: float = 15):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.2)
    raise AssertionError(f"not within {within:.0f} s: {what}")


# A job that never starts: for looking at what was accepted, in one command.
HELD = """
number=$(sbatch --parsable --hold --output=/dev/null "$@" --wrap=true) || exit
scontrol show job -o "$number"
scancel "$number"
"""


def held(cluster, *options: str, user: str = "alice"):
    """How sbatch ended, and the facts of the job, which is cancelled again."""
    done = cluster.run("login", "sh", "-c", HELD, "held", *options, user=user)
    return done, dict(re.findall(r"(\S+?)=(\S*)", done.out))


def await_switches(cluster, expected: str | None) -> None:
    """Waits until jobs of two nodes get this switch request: a changed policy is seen."""
    wait_until(f"switches {expected}", lambda: held(cluster, "-N2")[1].get("Switches") == expected)


def test_both_plugins_are_loaded(cluster):
    config = cluster.run("ctl", "scontrol", "show", "config", check=True).out
    assert re.search(r"JobSubmitPlugins\s*= railhead$", config, re.M)
    for program in ("sbatch", "salloc", "srun"):
        assert "--rail-placement" in cluster.alice(program, "--help", check=True).out
    assert cluster.alice("srun", "-N4", "true").code == 0
    for node in cluster.compute:
        said = cluster.run(node, "cat", "/var/log/slurm/slurmd.log", check=True).out
        assert not re.search(r"error: .*spank.*railhead", said), "slurmstepd could not load it"


@pytest.mark.parametrize("name", ["job_submit_railhead", "spank_railhead"])
def test_installed_plugin_exports_and_needs_only_what_is_listed(suite, name):
    built = next(installed(suite).rglob(f"{name}.so"), None)
    assert built, f"build it first: sandbox/build --suite {suite} plugins"
    lists = "tests/unit/exports"
    # In the build root, which has the tools for it.
    command = ["sandbox/build", "--suite", suite, "--", f"{lists}/check", built.relative_to(host.CHECKOUT), f"{lists}/{name}.txt"]
    done = subprocess.run(command, cwd=host.CHECKOUT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", ["sbatch --wrap=true", "salloc true", "srun true"])
def test_request_that_cannot_work_is_refused_with_what_to_type_instead(cluster, program):
    name, *rest = program.split()
    for request, sentence in (("--gpus-per-node=a100:4", WRONG_TYPE), ("--gpus-per-node=h100:16", TOO_MANY)):
        done = cluster.alice(name, request, *rest)
        assert done.code != 0
        assert f"{name}: error: {sentence}\n" in done.err
        assert "Invalid generic resource" in done.err


REFUSED = [
    # options, the script's options, what shall be typed
    ("-N4 --gpus=33", "", "--gpus=32"),
    ("-p a100 -N2 --gpus-per-node=8", "", "--gpus-per-node=4 or --partition=gpu"),
    ("-N1 --gpus=h100:16", "", "--nodes=2"),
    ("--gpus-per-node=h100:16", "", "--nodes=2 --gpus-per-node=h100:8"),
    ("-N1 -n8 --gpus-per-task=2", "", "--nodes=2"),
    ("-N1 --ntasks-per-node=8 --gpus-per-task=2", "", "--nodes=2 --ntasks=8 --ntasks-per-node=4"),
    ("", "--gres=gpu:a100:1", "--gres=gpu:h100:1 or --partition=a100"),
    ("", "--gpus-per-node=a100:1", "--gpus-per-node=h100:1 or --partition=a100"),
    ("--gres=gpu:h100:9", "--gres=gpu:h100:1", "--gres=gpu:h100:8"),
    ("SBATCH_GRES=gpu:a100:1", "", "--gres=none --gpus-per-node=h100:1 or --partition=a100"),
]


@pytest.mark.parametrize(("options", "lines", "proposal"), REFUSED)
def test_what_a_refusal_proposes_works_when_typed(cluster, options, lines, proposal):
    words = options.split()
    environment = dict(word.split("=", 1) for word in words if word.startswith("SBATCH_"))
    typed = [word for word in words if not word.startswith("SBATCH_")]

    def sbatch(*more: str):
        return cluster.alice("sbatch", "--test-only", *typed, *more, input=script(lines), environment=environment)

    refused = sbatch()
    assert refused.code != 0
    assert re.search(rf"; try {re.escape(proposal)} \[[a-z-]+\]$", refused.err.splitlines()[0]), refused.err
    for way in proposal.split(" or "):
        done = sbatch(*way.split())
        assert done.code == 0, (way, done.text)
        assert "to start at" in done.text


@pytest.mark.parametrize("options", ["--gres=gpu:h100:5,gpu:h100:5", "--gres=gpu:h100:9,gpu:h100:2", "--gpus-per-socket=8 --sockets-per-node=2"])
def test_what_slurm_would_run_is_not_refused(cluster, options):
    assert cluster.alice("srun", *options.split(), "true").code == 0


def test_a_count_that_is_none_is_left_to_slurm(cluster):
    done = cluster.alice("srun", "--gpus-per-node=-1", "true")
    assert done.code != 0
    assert "railhead" not in done.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--gpus=a100:2", "gpu:a100 is not in partition gpu (has h100 x 8 on 4 nodes); try --gpus=h100:2 or --partition=a100 [gpu-type]"),
        ("--gpus-per-task=a100:1 -n2", "gpu:a100 is not in partition gpu (has h100 x 8 on 4 nodes); try --gpus-per-task=h100:1 or --partition=a100 [gpu-type]"),
        ("--gpus-per-node=h100:4,a100:1", "gpu:a100 is not in partition gpu (has h100 x 8 on 4 nodes); leave it out [gpu-type]"),
        ("-p cpu --gpus=1", "gpu:1 is asked of partition cpu, which has no GPUs; try --partition=gpu [partition-kind]"),
        ("-p cpu --gres=gpu:v100:1", "gpu:v100:1 per node is asked of partition cpu, which has no GPUs; try --partition=gpu, which has h100 x 8 on 4 nodes [partition-kind]"),
        ("-N1 --gpus=h100:16", "gpu:h100:16 on 1 node is more than any node of partition gpu has (h100 x 8 on 4 nodes); try --nodes=2 [gpus-per-node]"),
        ("-p gpu,a100 --gres=gpu:v100", "gpu:v100 is not in partitions gpu and a100 (has h100 x 8 on 4 nodes, a100 x 4 on 2 nodes); try --gres=gpu:h100:1 [gpu-type]"),
        ("--gpus=33", "gpu:33 is more than partition gpu has (h100 x 8 on 4 nodes); try --gpus=32 [gpus-total]"),
        ("-p a100 -N3 --gpus-per-node=4", "3 nodes are more than partition a100 has (2); try --nodes=2 [gpus-total]"),
    ],
)
def test_every_way_to_ask_is_understood(cluster, options, sentence):
    done, _ = held(cluster, *options.split())
    assert done.code != 0
    assert f"railhead: {sentence}\n" in done.err
    # Root is only warned, and then Slurm has the same opinion: what would run is never refused.
    done = cluster.run("login", "sbatch", "--parsable", "--output=/dev/null", *options.split(), "--wrap=true")
    assert f"railhead: warning: {sentence}\n" in done.err
    if done.code == 0:
        # 26.05 takes more GPUs than the job's nodes can have, 22.05 and 26.05 more nodes than there are, and never start the job.
        job = done.out.strip()
        hopeless = ("PENDING Resources", "PENDING PartitionNodeLimit")
        wait_until("Slurm finds no nodes", lambda: cluster.run("ctl", "squeue", "-h", "-j", job, "-o", "%T %r").out.strip() in hopeless, within=60)
        cluster.run("ctl", "scancel", job, check=True)
    else:
        assert "Requested node configuration is not available" in done.err


def test_a_node_wanted_and_excluded_is_said(cluster):
    done, _ = held(cluster, "--gpus-per-node=8", "-w", "node1", "-x", "node[1-2]")
    assert done.code != 0 and "railhead: node1 is in both --nodelist and --exclude; take it out of one of them [conflict]\n" in done.err


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ("", "no GPU is asked of partition gpu (h100 x 8 on 4 nodes); add --gpus-per-node=N or try --partition=cpu [partition-kind]"),
        ("--gpus=16", "gpu:16 need not be spread evenly over 2 nodes; try --nodes=2 --gpus-per-node=8 [uneven]"),
        ("-N2 --gpus-per-node=h100:4", "4 of 8 GPUs on each of 2 nodes need not lie on the same rails; try --nodes=1 --gpus-per-node=h100:8, or add --exclusive [whole-nodes]"),
        ("-N1 -n8 --gpus-per-task=1", "--gpus-per-task=1 hides the GPUs of a node's ranks from each other, so that P2P and CUDA IPC do not work; "
                                      "add --gpu-bind=none, or use --gpus-per-node [gpu-visibility]"),
    ],
)
def test_what_runs_badly_is_warned_of_and_runs(cluster, options, warning):
    done, facts = held(cluster, *options.split())
    assert facts.get("JobState") == "PENDING", done.text
    assert f"sbatch: railhead: warning: {warning}\n" in done.err, done.err


def test_request_that_works_is_accepted_without_a_word(cluster):
    good = ["--gpus-per-node=h100:8 -N2", "-p a100 --gres=gpu:a100:4", "-N2 --gpus=16", "-p gpu,a100 --gres=gpu:a100:1", "-p cpu", "-n1 --gpus-per-task=8"]
    for options in good:
        done, facts = held(cluster, *options.split())
        assert facts.get("JobState") == "PENDING", f"{options}: {done.text}"
        assert "railhead" not in done.err


def test_job_with_gpus_runs(cluster):
    done = cluster.alice("srun", "-N2", "--gpus-per-node=h100:8", "sh", "-c", "echo $CUDA_VISIBLE_DEVICES")
    assert done.out.splitlines() == ["0,1,2,3,4,5,6,7"] * 2, done.text


def test_root_is_only_warned(cluster):
    done = cluster.run("login", "srun", "--immediate=3", "--gpus-per-node=a100:4", "true")
    assert f"srun: error: {WRONG_TYPE.replace('railhead:', 'railhead: warning:')}\n" in done.err
    assert "Invalid generic resource" not in done.err, "it was Slurm that refused"


@pytest.mark.parametrize("suffix", ["", " component"])
def test_each_component_of_a_heterogeneous_job_is_judged(cluster, suffix):
    wrong = "--gpus-per-node=a100:4" if suffix else "--gpus-per-node=h100:1"
    done = cluster.alice("sbatch", "--hold", "--parsable", "-N1", "--gpus-per-node=h100:1", ":", "-N1", wrong, "--wrap=true")
    if suffix:
        assert done.code != 0
        assert WRONG_TYPE in done.err
    else:
        assert done.code == 0, done.text
        cluster.run("ctl", "scancel", re.findall(r"\d+", done.out)[0], check=True)


def test_update_is_judged_by_what_it_states(cluster):
    done = cluster.alice("sbatch", "--hold", "--parsable", "-p", "a100", "--gres=gpu:a100:1", "--output=/dev/null", "--wrap=true", check=True)
    number = done.out.strip()
    try:
        wrong = cluster.alice("scontrol", "update", f"jobid={number}", "partition=gpu", "gres=gpu:a100:4")
        assert wrong.code != 0
        assert "Invalid generic resource" in wrong.text
        assert cluster.alice("scontrol", "update", f"jobid={number}", "gres=gpu:a100:2").code == 0
    finally:
        cluster.run("ctl", "scancel", number)


class TestPlacement:
    def test_compact_by_policy_asks_for_the_fewest_leaves(self, cluster):
        assert held(cluster, "-N2", "--gpus-per-node=8")[1]["Switches"] == "1@00:01:00"

    def test_user_has_the_last_word(self, cluster):
        assert "Switches" not in held(cluster, "-N2", "--rail-placement=any")[1]
        assert held(cluster, "-N2", "--switches=2@00:00:30")[1]["Switches"] == "2@00:00:30"

    def test_nothing_is_asked_where_there_is_no_choice(self, cluster):
        for options in ("-N1", "-N4", "-p a100 -N2", ""):
            assert "Switches" not in held(cluster, *options.split())[1], options

    def test_option_works_in_a_script_and_for_salloc_and_srun(self, cluster):
        job = cluster.submit("#SBATCH -N2 --rail-placement=any\nscontrol show job -o $SLURM_JOB_ID")
        assert job.wait() == "COMPLETED"
        assert "Switches=" not in job.output
        for program in ("salloc", "srun"):
            done = cluster.alice(program, "-N2", "--rail-placement=compact", "sh", "-c", "scontrol show job -o $SLURM_JOB_ID", check=True)
            assert "Switches=1@00:01:00" in done.out

    def test_compact_job_is_on_one_leaf(self, cluster):
        done = cluster.alice("srun", "-N2", "--rail-placement=compact", "sh", "-c", "echo $SLURM_TOPOLOGY_ADDR", check=True)
        leaves = {line.split(".")[-2] for line in done.out.splitlines()}
        assert len(leaves) == 1, done.out

    def test_wrong_word_is_refused_at_once(self, cluster):
        done, _ = held(cluster, "-N2", "--rail-placement=tight")
        assert done.code != 0
        assert 'sbatch: error: railhead: --rail-placement is "tight" (expected compact or any)\n' in done.err

    def test_user_is_told_when_the_option_can_have_no_effect(self, cluster):
        done, facts = held(cluster, "--rail-placement=compact")
        assert facts["JobState"] == "PENDING"
        assert "railhead: warning: --rail-placement=compact has no effect: the number of nodes is not given; add --nodes=N [rail-placement]\n" in done.err


class TestPolicy:
    def test_broken_file_is_logged_and_the_old_policy_holds(self, cluster, policy):
        before = len(log(cluster))
        policy("[submit.partition.gpu]\nplacement = \n")
        line = wait_until("the log names line and column", lambda: re.search(rf".*{POLICY}:2:\d+.*", log(cluster)[before:]))
        assert "until then the old policy holds" in line[0]
        assert held(cluster, "-N2")[1]["Switches"] == "1@00:01:00"

    def test_no_file_means_defaults(self, cluster, policy):
        policy(None)
        await_switches(cluster, None)
        done, _ = held(cluster, "--gpus-per-node=a100:4")
        assert done.code != 0
        assert WRONG_TYPE in done.err

    def test_a_canary_meets_a_rule_first_and_the_exempt_none(self, cluster, policy):
        policy('[submit]\nexempt_users = "bob"\nrule_gpu_type = "warn"\n[submit.user.alice]\nrule_gpu_type = "enforce"\nrule_whole_nodes = "enforce"\n'
               '[submit.partition.gpu]\nplacement = "compact"\nplacement_wait = "4m"\n')
        await_switches(cluster, "1@00:04:00")
        refused, _ = held(cluster, "-N2", "--gpus-per-node=4")
        assert refused.code != 0 and "[whole-nodes]" in refused.err
        assert held(cluster, "--gpus-per-node=a100:4")[0].code != 0
        done, _ = held(cluster, "--gpus-per-node=a100:4", user="bob")
        assert done.code == 0 and "railhead" not in done.err, done.text

    def test_changed_file_holds_within_seconds(self, cluster, policy):
        policy('[submit]\nplacement_wait = "5m"\n[submit.partition.gpu]\nplacement = "compact"\nrule_gpu_type = "warn"\n')
        await_switches(cluster, "1@00:05:00")
        done, _ = held(cluster, "--gpus-per-node=a100:4")
        assert WRONG_TYPE.replace("railhead:", "railhead: warning:") in done.err
        assert done.code == 0, "a held job is looked at by Slurm when it is released"


class TestChange:
    """What slurmctld has just changed is never judged by an older view."""

    def test_node_added_to_a_partition_is_seen_at_once(self, cluster):
        refused, _ = held(cluster, "-p", "cpu", "--gpus-per-node=a100:1")
        assert refused.code != 0
        try:
            cluster.run("ctl", "scontrol", "update", "partitionname=cpu", "nodes=cpu1,a100-1", check=True)
            done, facts = held(cluster, "-p", "cpu", "--gpus-per-node=a100:1")
            assert facts.get("JobState") == "PENDING", done.text
        finally:
            cluster.run("ctl", "scontrol", "update", "partitionname=cpu", "nodes=cpu1", check=True)
        wait_until("refused again", lambda: held(cluster, "-p", "cpu", "--gpus-per-node=a100:1")[0].code != 0)

    def test_new_partition_is_judged_within_seconds(self, cluster):
        try:
            cluster.run("ctl", "scontrol", "create", "partitionname=extra", "nodes=a100-1", check=True)
            done = wait_until("refused in the new partition", lambda: refusal(cluster, "-p", "extra", "--gpus-per-node=h100:1"))
            assert "gpu:h100 is not in partition extra (has a100 x 4 on 1 node); try --gpus-per-node=a100:1 or --partition=gpu" in done
        finally:
            cluster.run("ctl", "scontrol", "delete", "partitionname=extra", check=True)

    # 22.05 takes new nodes only when all daemons are started again.
    @pytest.mark.parametrize("what", ["partition", pytest.param("node", marks=pytest.mark.suites("trixie", "sid"))])
    def test_plugin_lives_through_reconfigure_and_sees_what_it_brings(self, cluster, what):
        conf = cluster.run("ctl", "cat", CONF, check=True).out
        more = {
            "partition": "PartitionName=later Nodes=a100-2 State=UP\n",
            "node": "NodeName=big1 NodeAddr=127.0.0.9 CPUs=16 RealMemory=32000 Gres=gpu:gb200:4 State=DOWN\nPartitionName=later Nodes=big1 State=UP\n",
        }
        kind = {"partition": "a100", "node": "gb200"}[what]
        try:
            cluster.run("ctl", "sh", "-c", f"cat >{CONF}", input=conf + more[what], check=True)
            cluster.run("ctl", "scontrol", "reconfigure", check=True)
            wait_until("partition later", lambda: cluster.run("ctl", "scontrol", "show", "partition", "later").code == 0)
            done = wait_until("refused after reconfigure", lambda: refusal(cluster, "-p", "later", "--gpus-per-node=h100:1"))
            assert f"gpu:h100 is not in partition later (has {kind} x 4 on 1 node); try --gpus-per-node={kind}:1 or --partition=gpu" in done
            assert held(cluster, "-p", "later", f"--gpus-per-node={kind}:4")[1]["JobState"] == "PENDING", "a node that is down is capacity"
        finally:
            cluster.run("ctl", "sh", "-c", f"cat >{CONF}", input=conf, check=True)
            cluster.run("ctl", "scontrol", "reconfigure", check=True)
        wait_until("slurmctld answers", lambda: cluster.run("ctl", "scontrol", "show", "partition", "later").code != 0)
        assert wait_until("refused in gpu", lambda: refusal(cluster, "--gpus-per-node=a100:4"))


def refusal(cluster, *options: str) -> str:
    done, _ = held(cluster, *options)
    return done.err if done.code != 0 and "railhead: " in done.err else ""


def test_slurmctld_survives_200_submissions_at_once(cluster):
    """Ten processes of twenty submissions in parallel each; every other one is wrong."""
    script = """
        for i in $(seq 20); do
            type=h100; [ $((i % 2)) = 0 ] && type=a100
            sbatch --hold --parsable --output=/dev/null --gpus-per-node=$type:4 --wrap=true 2>&1 &
        done
        wait"""
    with ThreadPoolExecutor(10) as pool:
        ends = list(pool.map(lambda _: cluster.alice("sh", "-c", script, timeout=120), range(10)))
    text = "".join(end.text for end in ends)
    cluster.run("ctl", "scancel", "-u", "alice", check=True)
    assert text.count(WRONG_TYPE) == 100
    assert len(re.findall(r"^\d+$", text, re.M)) == 100
    assert cluster.run("ctl", "scontrol", "ping", check=True).code == 0


class TestLeftovers:
    """What the exit hook of the SPANK plugin does with a launch whose agent was killed, both halves."""

    @pytest.fixture(autouse=True)
    def needs_railhead(self, cluster):
        if cluster.run("node1", "test", "-x", "/usr/bin/railhead").code != 0:
            pytest.fail("railhead is not on the nodes: sandbox/build release, then sandbox/cluster update")

    def test_directory_of_a_dead_launch_is_removed_at_the_steps_end(self, cluster):
        make = "d=/tmp/rh-$SLURM_JOB_ID.$SLURM_STEP_ID-abcdef; mkdir -m 700 $d; mkdir $d/logs; echo x >$d/logs/a; hostname"
        done = cluster.alice("srun", "-N2", "sh", "-c", make, check=True)
        for node in done.out.split():
            assert cluster.run(node, "sh", "-c", "ls -d /tmp/rh-*").out == ""

    def test_link_and_directory_of_another_step_are_left_alone(self, cluster):
        make = """mkdir keep; echo x >keep/file; ln -s $PWD/keep /tmp/rh-$SLURM_JOB_ID.$SLURM_STEP_ID-abcdef
                  mkdir /tmp/rh-$SLURM_JOB_ID.4711-abcdef; echo $SLURM_JOB_ID"""
        number = cluster.alice("srun", "-N1", "-w", "node1", "sh", "-c", make, chdir="/shared/home/alice", check=True).out.strip()
        kept = cluster.run("node1", "sh", "-c", f"ls -d /tmp/rh-{number}.*; cat /shared/home/alice/keep/file").out
        cluster.run("node1", "sh", "-c", f"rm -r /tmp/rh-{number}.*; rm -r /shared/home/alice/keep", check=True)
        assert kept.split() == [f"/tmp/rh-{number}.0-abcdef", f"/tmp/rh-{number}.4711-abcdef", "x"]
