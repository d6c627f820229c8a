"""--before-node and --after-node: once on each node, before anything is started there and after all has ended, however that was."""

import json
import re

import pytest

PAIR = "#SBATCH -N2 --gpus-per-node=1\n"
BEFORE = "echo before $SLURMD_NODENAME $RAILHEAD_NODE_RANK $RAILHEAD_NUM_NODES >>marks"
AFTER = "echo after $SLURMD_NODENAME $RAILHEAD_EXIT_CODE $RAILHEAD_CAUSE >>marks"


def launch(command, before=BEFORE, after=AFTER, recipe="run", how=""):
    return PAIR + f"{how} railhead {recipe} --report report.json --before-node '{before}' --after-node '{after}' -- {command}\n"


def marks(job):
    return job.read("marks").splitlines()


@pytest.mark.everywhere
def test_each_node_runs_them_once_around_all_ranks(cluster):
    job = cluster.submit(launch("sh -c 'echo rank $RANK >>marks'", before="sleep 1; " + BEFORE, how="exec"), "--gpus-per-node=2")
    assert job.wait() == "COMPLETED", job.output
    assert sorted(marks(job)[:2]) == ["before node1 0 2", "before node2 1 2"]
    assert sorted(marks(job)[2:-2]) == [f"rank {rank}" for rank in range(4)]
    assert sorted(marks(job)[-2:]) == ["after node1 0 exit", "after node2 0 exit"]
    hooks = json.loads(job.read("report.json"))["hooks"]
    assert sorted((hook["name"], hook["node"], hook["exit_code"]) for hook in hooks) == [
        (name, node, 0) for name in ("after", "before") for node in ("node1", "node2")]
    assert all(1 <= hook["s"] < 20 for hook in hooks if hook["name"] == "before")


def test_one_that_fails_before_the_start_ends_the_launch_with_its_words(cluster):
    fail = "if [ $RAILHEAD_NODE_RANK = 1 ]; then echo no such mount >&2; exit 3; fi"
    job = cluster.submit(launch("touch started", before=fail) + "echo code $?\n")
    job.wait()
    assert "code 102" in job.output, job.output
    assert "node2: the command before the start ended with exit code 3" in job.output, job.output
    assert "  | no such mount" in job.output, job.output
    assert not (job.directory / "started").exists()
    assert sorted(marks(job)) == ["after node1 102 bring-up-failed", "after node2 102 bring-up-failed"]


def test_one_that_does_not_end_is_the_cause_of_the_time_out(cluster):
    wait = "[ $RAILHEAD_NODE_RANK = 0 ] || { echo waits for /scratch; exec sleep 300; }"
    job = cluster.submit(launch("touch started", before=wait, recipe="run --bringup-timeout 6s") + "echo code $?\n")
    job.wait()
    assert "code 103" in job.output, job.output
    assert re.search(r"node2: the command before the start has run for \d s and not ended within the bring-up's 6 s", job.output), job.output
    assert "  | waits for /scratch" in job.output, job.output
    assert not (job.directory / "started").exists()
    cause = json.loads(job.read("report.json"))["cause"]
    assert (cause["node"], cause["process"]) == ("node2", "before.node2"), cause


def test_one_that_fails_after_the_end_is_a_finding(cluster):
    job = cluster.submit(launch("true", after="echo still mounted; exit 4"))
    assert job.wait() == "COMPLETED", job.output
    assert "warn: node2: the command after the end (--after-node) ended with exit code 4" in job.output, job.output
    assert "its last words: still mounted" in job.output, job.output
    assert [hook["exit_code"] for hook in json.loads(job.read("report.json"))["hooks"] if hook["name"] == "after"] == [4, 4]


def test_the_end_of_a_program_that_failed_is_known_to_them(cluster):
    job = cluster.submit(launch("sh -c 'exit $((RANK * 7))'", before="true"))
    job.wait()
    assert job.exit_code == 7, job.output
    assert sorted(marks(job)) == ["after node1 7 exit", "after node2 7 exit"]


def test_scancel_leaves_them_their_time(cluster):
    job = cluster.submit(launch("sh -c 'echo rank $RANK runs; exec sleep 300'", before="true", after="sleep 3; " + AFTER, how="exec"))
    for rank in (0, 1):
        job.wait_for(rf"^\[rank{rank}\] rank {rank} runs", 30)
    job.cancel()
    job.wait(30)
    assert sorted(marks(job)) == ["after node1 109 cancelled", "after node2 109 cancelled"], job.output


def test_ray_has_them_too(cluster):
    job = cluster.submit(launch("python3 -c 'import os; assert os.path.exists(\"marks\")'", recipe="ray"))
    assert job.wait(90) == "COMPLETED", job.output
    assert len(marks(job)) == 4, job.output

