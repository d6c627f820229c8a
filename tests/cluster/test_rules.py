"""Each rule in real slurmctld: its sentence, what it proposes, and what Slurm itself thinks of the request."""

from __future__ import annotations

import json
import re

import pytest
from submits import held, script, wait_until

pytestmark = pytest.mark.everywhere


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


@pytest.mark.suites("sid")
def test_tasks_per_node_say_how_many_nodes_there_are(cluster):
    done, _ = held(cluster, "--gpus=9", "--ntasks-per-node=2")
    assert "railhead: gpu:9 on 1 node is more than any node of partition gpu has (h100 x 8 on 4 nodes); try --nodes=2 [gpus-per-node]\n" in done.err
    for options in ("--gpus=9 --ntasks-per-node=2 -N2", "--gpus=9 --ntasks-per-node=2 -n4", "--gpus=8 --ntasks-per-node=2"):
        assert cluster.alice("srun", *options.split(), "true").code == 0, options


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
        ("-p cpu --gpus=1", "gpu:1 is asked of partition cpu, which has no GPUs; try --partition=gpu or --partition=a100 [partition-kind]"),
        ("-p cpu --gres=gpu:v100:1", "gpu:v100:1 per node is asked of partition cpu, which has no GPUs; ask for what partition gpu has (h100 x 8 on 4 nodes) [partition-kind]"),
        ("-N1 --gpus=h100:16", "gpu:h100:16 on 1 node is more than any node of partition gpu has (h100 x 8 on 4 nodes); try --nodes=2 [gpus-per-node]"),
        ("-p gpu,a100 --gres=gpu:v100", "gpu:v100 is not in partitions gpu and a100 (have h100 x 8 on 4 nodes, a100 x 4 on 2 nodes); try --gres=gpu:h100:1 [gpu-type]"),
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


# Each pends for ever on an idle cluster, or is rejected with less to go by.
LIMITED = {
    "minnodes=2": [("-N1 --gpus-per-node=8", "1 node is fewer than partition limited gives to a job at least (2 nodes); try --nodes=2 [gpus-total]")],
    "maxnodes=2": [
        ("--gpus=17", "gpu:17 is more than partition limited gives (h100 x 8 on 4 nodes, at most 2 nodes for a job); try --gpus=16 or --partition=gpu [gpus-total]"),
    ],
    "maxmempernode=8000": [
        ("--gpus-per-node=1 --mem=8001", "--mem=8001M is more than partition limited gives of a node (8000 MiB); try --mem=8000M [node-shape]"),
        ("-n1 -c5 --gpus-per-node=1", "10000 MiB for 5 CPUs are more than partition limited gives of a node (8000 MiB); try --mem=8000M [node-shape]"),
    ],
    "maxcpuspernode=8": [("--gpus-per-node=1 -c9", "9 CPUs are more than partition limited gives of a node (8); try --cpus-per-task=8 [node-shape]")],
    "jobdefaults=DefCpuPerGPU=4": [("--gpus-per-node=5", "20 CPUs for 5 GPUs (DefCpuPerGPU=4) are more than any node of partition limited with the GPUs asked for has (16); "
                                                         "try --cpus-per-gpu=3 [node-shape]")],
}


@pytest.mark.parametrize("limit", LIMITED)
def test_what_a_partition_gives_at_least_and_at_most(cluster, limit):
    try:
        cluster.run("ctl", "scontrol", "create", "partitionname=limited", "nodes=node[1-4]", limit, check=True)
        wait_until("partition limited is judged", lambda: "railhead: " in held(cluster, "-p", "limited", "--gpus-per-node=no-such-type:1")[0].err)
        for options, sentence in LIMITED[limit]:
            refused, _ = held(cluster, "-p", "limited", *options.split())
            assert refused.code != 0 and f"railhead: {sentence}\n" in refused.err, refused.text
            proposal = re.search(r"try (--\S+)", sentence)
            assert proposal
            done = cluster.alice("srun", "-p", "limited", *options.split(), proposal[1], "true")
            assert done.code == 0, done.text
    finally:
        cluster.run("ctl", "scontrol", "delete", "partitionname=limited", check=True)
        wait_until("its end is known", lambda: "railhead: " in held(cluster, "--gpus-per-node=no-such-type:1")[0].err)


@pytest.mark.suites("trixie", "sid")  # 22.05 gives such a job more tasks
def test_fewer_tasks_than_a_partition_gives_nodes(cluster):
    try:
        cluster.run("ctl", "scontrol", "create", "partitionname=limited", "nodes=node[1-4]", "minnodes=2", check=True)
        wait_until("partition limited is judged", lambda: "railhead: " in held(cluster, "-p", "limited", "--gpus-per-node=no-such-type:1")[0].err)
        refused, _ = held(cluster, "-p", "limited", "-n1", "--gpus=8")
        assert "railhead: --ntasks=1 with GPUs is fewer than partition limited gives to a job at least (2 nodes); try --ntasks=2 [gpus-total]\n" in refused.err, refused.text
        assert cluster.alice("srun", "-p", "limited", "-n2", "--gpus=8", "true").code == 0
    finally:
        cluster.run("ctl", "scontrol", "delete", "partitionname=limited", check=True)
        wait_until("its end is known", lambda: "railhead: " in held(cluster, "--gpus-per-node=no-such-type:1")[0].err)


def test_a_partition_without_nodes_takes_no_job(cluster):
    try:
        cluster.run("ctl", "scontrol", "create", "partitionname=bare", check=True)
        done = wait_until("partition bare is judged", lambda: next((done for done, _ in [held(cluster, "-p", "bare")] if "railhead: " in done.err), None))
        assert done.code != 0 and "railhead: partition bare has no nodes; name another partition [node-shape]\n" in done.err, done.text
        assert cluster.alice("srun", "-p", "bare,gpu", "--gpus-per-node=8", "true").code == 0
        refused, _ = held(cluster, "-p", "bare,gpu", "--gpus-per-node=h100:9")
        assert "h100 x 8 on 4 nodes" in refused.err and "[gpus-per-node]" in refused.err, refused.text
    finally:
        cluster.run("ctl", "scontrol", "delete", "partitionname=bare", check=True)
        wait_until("its end is known", lambda: "railhead: " in held(cluster, "--gpus-per-node=no-such-type:1")[0].err)


@pytest.mark.parametrize(("options", "error"), [("--gpus=1 --time=2-0", "Requested time limit is invalid"), ("-N5 --gpus-per-node=1", "Requested node configuration is not available"),
                                                ("--gpus=no-such-type:1", "Invalid generic resource (gres) specification")])
def test_slurms_own_words_after_a_refusal_fit(cluster, options, error):
    for command in (["sbatch", "--wrap=true", *options.split()], ["srun", *options.split(), "true"]):
        done = cluster.alice(*command)
        assert done.code != 0 and "railhead: " in done.err.splitlines()[0] and error in done.err.splitlines()[-1], done.text


@pytest.mark.suites("trixie", "sid")  # 22.05 lets no plugin say why an update is refused
def test_an_update_is_answered_in_scontrols_words(cluster):
    job = cluster.alice("sbatch", "--parsable", "--hold", "--gpus=1", "--wrap=true").out.strip()
    try:
        done = cluster.alice("scontrol", "update", f"jobid={job}", "partition=gpu", "timelimit=2-0")
        assert done.code != 0 and "try timelimit=1-00:00:00" in done.text, done.text
    finally:
        cluster.alice("scancel", job)


def test_a_running_job_may_be_lowered_to_what_would_not_start(cluster):
    job = cluster.alice("sbatch", "--parsable", "-N2", "--gpus-per-node=1", "--output=/dev/null", "--wrap=sleep 300").out.strip()
    try:
        wait_until("it runs", lambda: cluster.run("ctl", "squeue", "-h", "-j", job, "-o", "%T").out.strip() == "RUNNING")
        cluster.run("ctl", "scontrol", "update", f"jobid={job}", "timelimit=3-0", check=True)
        done = cluster.alice("scontrol", "update", f"jobid={job}", "timelimit=2-0")
        assert done.code == 0 and "TimeLimit=2-00:00:00" in cluster.run("ctl", "scontrol", "show", "job", job).out, done.text
    finally:
        cluster.alice("scancel", job)


@pytest.mark.suites("trixie", "sid")  # 22.05 lets no plugin say why an update is refused
def test_what_an_update_is_proposed_works_when_typed(cluster):
    job = cluster.alice("sbatch", "--parsable", "--hold", "--gpus=1", "--wrap=true").out.strip()
    try:
        refused = cluster.alice("scontrol", "update", f"jobid={job}", "partition=gpu", "tresperjob=gres/gpu:40")
        assert refused.code != 0 and "; try tresperjob=gres/gpu:32 [gpus-total]" in refused.text, refused.text
        done = cluster.alice("scontrol", "update", f"jobid={job}", "tresperjob=gres/gpu:32")
        assert done.code == 0, done.text
    finally:
        cluster.alice("scancel", job)


def test_components_that_want_the_same_node(cluster):
    done = cluster.alice("salloc", "-N1", "-w", "node1", ":", "-N1", "-w", "node1", "true")
    assert done.code != 0 and "node1 is named in --nodelist and excluded: by --exclude, or because another component names it" in done.err, done.text


def test_a_node_wanted_and_excluded_is_said(cluster):
    done, _ = held(cluster, "--gpus-per-node=8", "-w", "node1", "-x", "node[1-2]")
    assert done.code != 0 and "railhead: node1 is in both --nodelist and --exclude; take it out of one of them [conflict]\n" in done.err


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ("", "no GPU is asked of partition gpu (h100 x 8 on 4 nodes); add --gpus-per-node=N or try --partition=cpu [partition-kind]"),
        ("--gpus=16", "gpu:16 need not be spread evenly over 2 nodes; try --nodes=2 --gpus-per-node=8 [uneven]"),
        ("-N2 --gpus-per-node=h100:4", "4 of 8 GPUs on each of 2 nodes need not lie on the same rails; try --nodes=1 --gpus-per-node=h100:8 or --exclusive [whole-nodes]"),
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


def test_verdicts_are_counted_from_the_log(cluster):
    held(cluster, "--gpus-per-node=no-such-type:1")
    log = cluster.run("ctl", "cat", "/var/log/slurm/slurmctld.log", check=True).out
    done = cluster.run("login", "railhead", "policy", "stats", "--json", "-", input=log, check=True)
    assert json.loads(done.out)["rules"]["gpu-type"]["refused"] >= 1, done.out
    table = cluster.run("login", "railhead", "policy", "stats", "-", input=log, check=True).out
    assert re.search(r"^gpu-type +\d+ +\d+ +\d+$", table, re.M), table
    assert "/nonexistent cannot be read: No such file" in cluster.alice("railhead", "policy", "stats", "/nonexistent").err
    assert "/tmp cannot be read: Is a directory" in cluster.alice("railhead", "policy", "stats", "/tmp").err
