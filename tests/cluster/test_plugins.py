"""The submit plugin and the SPANK plugin in real slurmctld, srun, sbatch, salloc and slurmstepd."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from sandbox import host
from sandbox.site import installed
from submits import TOO_MANY, WRONG_TYPE, held, wait_until

pytestmark = pytest.mark.everywhere

POLICY = "/etc/slurm/railhead.toml"
CONF = "/etc/slurm/slurm.conf"


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


def log(cluster) -> str:
    return cluster.run("ctl", "cat", "/var/log/slurm/slurmctld.log", check=True).out


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
        assert not re.search(r"error: (?!spank/railhead: ).*spank.*railhead", said), "slurmstepd could not load it"


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
    for request, sentence, error in (
        ("--gpus-per-node=a100:4", WRONG_TYPE, "Invalid generic resource"),
        ("--gpus-per-node=h100:16", TOO_MANY, "Requested node configuration is not available"),
    ):
        done = cluster.alice(name, request, *rest)
        assert done.code != 0
        assert f"{name}: error: {sentence}\n" in done.err
        assert error in done.err


def test_job_with_details_runs(cluster):
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


def test_the_next_one_alike_meets_the_same(cluster):
    """The plugin remembers what it has judged, and for whom."""
    lines = log(cluster).count("rule=whole-nodes verdict=warn user=1001 partition=gpu: ")
    told = [held(cluster, "-p", "gpu", "-N2", "--gpus-per-node=h100:4") for _ in range(3)]
    assert all("[whole-nodes]" in done.err and facts["Switches"] == "1@00:01:00" for done, facts in told), told
    assert len({done.err for done, _ in told}) == 1
    assert log(cluster).count("rule=whole-nodes verdict=warn user=1001 partition=gpu: ") == lines + 3
    wrong = ["sbatch", "--hold", "--output=/dev/null", "--gpus-per-node=a100:4", "--wrap=true"]
    for _ in range(2):
        assert WRONG_TYPE in cluster.alice(*wrong).err
        root = cluster.run("login", *wrong)
        assert root.code == 0 and "railhead: warning: gpu:a100 " in root.err, root.text
        cluster.run("ctl", "scancel", re.findall(r"\d+", root.out)[0], check=True)


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

    def test_a_node_that_is_down_does_not_count_where_policy_says_so(self, cluster, policy):
        policy('[submit]\ndown_nodes = "ignore"\nrefresh = 2\n[submit.partition.gpu]\nplacement = "compact"\nplacement_wait = "3m"\n')
        await_switches(cluster, "1@00:03:00")
        everywhere = ("-N4", "--gpus-per-node=8")
        assert held(cluster, *everywhere)[0].code == 0
        node = cluster.run("ctl", "scontrol", "show", "hostnames", cluster.run("ctl", "sinfo", "-hpgpu", "-o%N", check=True).out.strip(), check=True).out.split()[-1]
        try:
            cluster.run("ctl", "scontrol", "update", f"nodename={node}", "state=down", "reason=test", check=True)
            said = wait_until("refused while it is down", lambda: refusal(cluster, *everywhere))
            assert "or wait for the nodes that are down, which this site does not count [" in said
            assert held(cluster, "-N3", "--gpus-per-node=8")[0].code == 0
        finally:
            cluster.run("ctl", "scontrol", "update", f"nodename={node}", "state=resume", check=True)
        wait_until("accepted when it is back", lambda: held(cluster, *everywhere)[0].code == 0)

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
            wait_until(f"{node} is swept", lambda: cluster.run(node, "sh", "-c", "ls -d /tmp/rh-*").out == "")

    def test_link_and_directory_of_another_step_are_left_alone(self, cluster):
        make = """mkdir keep; echo x >keep/file; ln -s $PWD/keep /tmp/rh-$SLURM_JOB_ID.$SLURM_STEP_ID-abcdef
                  mkdir /tmp/rh-$SLURM_JOB_ID.4711-abcdef; echo $SLURM_JOB_ID"""
        number = cluster.alice("srun", "-N1", "-w", "node1", "sh", "-c", make, chdir="/shared/home/alice", check=True).out.strip()
        kept = cluster.run("node1", "sh", "-c", f"ls -d /tmp/rh-{number}.*; cat /shared/home/alice/keep/file").out
        cluster.run("node1", "sh", "-c", f"rm -r /tmp/rh-{number}.*; rm -r /shared/home/alice/keep", check=True)
        assert kept.split() == [f"/tmp/rh-{number}.0-abcdef", f"/tmp/rh-{number}.4711-abcdef", "x"]
