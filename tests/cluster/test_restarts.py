"""A program that failed, or lost a node, starts again: inside its job (--restarts, --on-loss shrink and spare) or in the queue (requeue)."""

import json
import re
import time

import pytest
from test_run_ends import FOREVER, RANKS, started

NO_KILL = "#SBATCH -N4 --gpus-per-node=1 --no-kill\n"


def run(command, options, header="#SBATCH -N4 --gpus-per-node=1\n"):
    return f"{header}railhead run {options} --report report.json -- {command}\n"


# Runs on until a node is lost; started again, it says where it is and ends.
SHORT_AGAIN = "bash -c 'echo rank $RANK runs; [ $RAILHEAD_RESTARTS = 0 ] && exec sleep 300; echo $RANK of $WORLD_SIZE on $(hostname)'"
# Fails on rank 1 until it has been started three times.
THIRD_TIME = RANKS.format('echo restarts $RAILHEAD_RESTARTS; touch $RAILHEAD_JOB_DIR/seen || exit 9; [ $RANK != 1 ] || [ $RAILHEAD_RESTARTS = 2 ] || exit 3; '
                          '[ $RAILHEAD_RESTARTS = 2 ] || exec sleep 300')


@pytest.mark.everywhere
def test_a_program_that_fails_twice_is_well_the_third_time(cluster):
    job = cluster.submit(run(THIRD_TIME, "--restarts 3"))
    assert job.wait() == "COMPLETED", job.output
    assert "rank 1 on node2 ended with exit code 3; starting again in 1 s (restart 1 of 3)" in job.output
    assert "rank 1 on node2 ended with exit code 3; starting again in 2 s (restart 2 of 3)" in job.output
    assert "started again 2 times" in job.output
    assert job.output.count("restarts 2") == 4
    report = json.loads(job.read("report.json"))
    assert report["exit_code"] == 0 and [cause["kind"] for cause in report["restarts"]] == ["exit", "exit"]


def test_the_budget_is_spent(cluster):
    job = cluster.submit(run("bash -c 'exit $((RANK == 1 ? 3 : 0))'", "--restarts 1"))
    job.wait()
    assert job.exit_code == 112, job.output
    assert "rank 1 on node2 ended with exit code 3; not started again: it was started once again (--restarts)" in job.output


@pytest.mark.parametrize(("progress", "file"), [("step", "step"), ("step", "step/last")], ids=["a file", "one overwritten in a folder"])
def test_without_progress_a_crash_loop_ends(cluster, progress, file):
    work = f"bash -c '[ $RAILHEAD_RESTARTS = 0 ] && [ $RANK = 0 ] && date > {file}; exit $((RANK == 1 ? 3 : 0))'"
    before = "" if file == progress else f"mkdir {progress}; echo none > {file}\n"
    job = cluster.submit(run(work, f"--restarts 9 --progress {progress}", "#SBATCH -N4 --gpus-per-node=1\n" + before))
    job.wait()
    assert job.exit_code == 111, job.output
    assert job.output.count("starting again") == 1, job.output
    assert "rank 1 on node2 ended with exit code 3; not started again: step (--progress) has not changed since this start" in job.output


def test_a_file_of_progress_that_is_not_there_is_said(cluster):
    job = cluster.submit(run("bash -c 'exit $((RANK == 1 ? 3 : 0))'", "--restarts 9 --progress no/step"))
    job.wait()
    assert job.exit_code == 111 and "starting again" not in job.output, job.output
    assert "rank 1 on node2 ended with exit code 3; not started again: no/step (--progress) is not there" in job.output, job.output
    job = cluster.submit(run("true", "--restarts 9 --progress ''"))
    job.wait()
    assert job.exit_code == 100 and '--progress "" names no file, and so would not end a crash loop; name a file' in job.output, job.output


def test_scancel_while_it_waits_to_start_again(cluster):
    job = cluster.submit(run(RANKS.format("exit 3"), "--restarts 9"))
    job.wait_for("starting again in 4 s", 30)
    job.cancel()
    job.wait(20)
    assert "cancelled: told to end by SIGTERM" in job.output


@pytest.mark.everywhere
@pytest.mark.parametrize("harm", ["kill", "freeze"])
def test_a_job_goes_on_with_the_nodes_that_are_left(cluster, harm):
    job = cluster.submit(run(SHORT_AGAIN, "--on-loss shrink:2 --loss-after 5", NO_KILL))
    started(job)
    getattr(cluster, harm)("node3")
    job.wait_for("exit code 0$", 60)
    cluster.heal("node3")
    job.wait(60)
    assert job.exit_code == 0, job.output
    assert re.search(r"node3 was lost while the program ran: .*; starting again on 3 nodes \(--on-loss shrink:2\)", job.output), job.output
    assert [f"{rank} of 3 on {node}" in job.output for rank, node in enumerate(("node1", "node2", "node4"))] == [True] * 3, job.output


def test_a_spare_takes_the_place_of_a_lost_node(cluster):
    job = cluster.submit(run(SHORT_AGAIN, "--on-loss spare:1 --loss-after 5", NO_KILL))
    started(job, ranks=3)
    cluster.kill("node2")
    job.wait_for("exit code 0$", 60)
    cluster.heal("node2")
    job.wait(60)
    assert job.exit_code == 0, job.output
    assert "starting again on 3 nodes (--on-loss spare:1)" in job.output
    assert [f"{rank} of 3 on {node}" in job.output for rank, node in enumerate(("node1", "node3", "node4"))] == [True] * 3, job.output


def test_too_few_nodes_are_left(cluster):
    job = cluster.submit(run(FOREVER, "--on-loss shrink:4 --loss-after 5", NO_KILL))
    started(job)
    cluster.kill("node3")
    job.wait_for("exit code 104$", 60)
    cluster.heal("node3")
    job.wait(60)
    assert job.exit_code == 104, job.output
    assert "; 3 nodes are left, and --on-loss shrink:4 needs 4" in job.output


@pytest.mark.everywhere
def test_a_job_goes_back_to_the_queue_without_the_lost_node(cluster):
    job = cluster.submit(run(FOREVER, "--on-loss requeue --loss-after 5", "#SBATCH -N2 --gpus-per-node=1 --requeue --exclude=node4\n"))
    started(job, ranks=2)
    cluster.freeze("node2")
    job.wait_for("the job goes back to the queue, without node2 \\(requeue 1 of 3\\)", 40)
    cluster.heal("node2")
    until = time.monotonic() + 20
    while job.show()["ExcNodeList"] != "node4,node2":
        assert time.monotonic() < until, job.show()
        time.sleep(0.1)
    assert job.show()["Restarts"] == "1"
    job.cancel()
    job.wait(30)


@pytest.mark.parametrize(("options", "said"), [
    ("--on-loss shrink:5", "--on-loss shrink:5 needs more nodes than the job has (4); give 4 at most, or ask for more nodes"),
    ("--on-loss spare:4", "--on-loss spare:4 needs more nodes than the job has (4); give 3 at most, or ask for more nodes"),
    ("--on-loss never", "--on-loss never cannot be understood (expected fail, shrink:MIN, spare:N or requeue)"),
    ("--restarts many", "--restarts many cannot be understood (expected a number of restarts such as 3"),
])
def test_options_that_cannot_be_are_refused_at_once(cluster, options, said):
    job = cluster.submit(run("true", options))
    job.wait()
    assert job.exit_code == 100, job.output
    assert said in job.output, job.output


@pytest.mark.parametrize("option", ["--on-loss requeue", "--warn-before 30 --at-limit requeue"])
def test_a_requeue_that_slurm_will_refuse_is_refused_at_once(cluster, option):
    named = re.sub("^--warn-before 30 ", "", option)
    job = cluster.submit(run("true", option, "#SBATCH -N2 --gpus-per-node=1 --no-requeue -t 2\n"))
    job.wait()
    assert job.exit_code == 100, job.output
    assert f"{named} cannot be done: the job may not be requeued; submit it with --requeue, or leave that out" in job.output
    done = cluster.alice("salloc", "-N1", "--gpus-per-node=1", "-t", "2", "railhead", "run", *option.split(), "--", "true")
    assert done.code == 100, done.text
    assert f"{named} cannot be done: Slurm requeues batch jobs only; submit the launch with sbatch, or leave that out" in done.text


@pytest.mark.everywhere
@pytest.mark.parametrize(("requeue", "state"), [("--requeue", "PENDING"), ("--no-requeue", "CANCELLED")])
def test_a_job_of_no_kill_does_not_outlive_the_node_of_its_batch_script(cluster, requeue, state):
    job = cluster.submit(run(FOREVER, "--on-loss shrink:2 --loss-after 3", f"#SBATCH -N4 --gpus-per-node=1 --no-kill {requeue}\n").replace("railhead", "exec railhead", 1))
    started(job, ranks=4)
    cluster.kill("node1")
    time.sleep(8)  # longer than loss-after: Slurm has not noticed yet
    assert job.show()["JobState"] == "RUNNING"
    cluster.run("ctl", "scontrol", "update", "node=node1", "state=down", "reason=lost", check=True)  # SlurmdTimeout does the same
    until = time.monotonic() + 30
    while job.show()["JobState"] != state:
        assert time.monotonic() < until, job.show()
        time.sleep(0.2)
    job.cancel()
    cluster.heal("node1")
    job.wait(30)


WARNED = ('bash -c \'trap "echo rank $RANK warned; ls $RAILHEAD_WARNING; exit 0" USR2; echo rank $RANK runs; while :; do sleep 0.1; done\'')


@pytest.mark.everywhere
def test_the_program_is_warned_before_the_limit_and_the_job_goes_back_to_the_queue(cluster):
    job = cluster.submit(run(WARNED.replace("exit 0", "exit 3"), "--restarts 9 --warn-before 55 --at-limit requeue", "#SBATCH -N2 --gpus-per-node=1 --requeue -t 1\n"))
    job.wait_for(r"the job reaches its time limit in \d+ s: the program is warned by SIGUSR2", 40)
    job.wait_for(r"the job goes back to the queue \(requeue 1 of 3\)", 20)
    for rank in (0, 1):
        assert f"rank {rank} warned" in job.output, job.output
    assert len(re.findall(r"^\[rank\d\] /tmp/\S*/warning$", job.output, re.M)) == 2 and "starting again" not in job.output, job.output
    assert job.show()["ExcNodeList"] == "(null)"
    job.cancel()
    job.wait(30)


def test_a_program_that_ignores_the_warning_is_ended_in_time_to_be_requeued(cluster):
    job = cluster.submit(run(RANKS.format("trap : USR2; while :; do sleep 0.1; done"), "--warn-before 57 --at-limit requeue --grace 1",
                             "#SBATCH -N2 --gpus-per-node=1 --requeue -t 1\n"))
    job.wait_for("the program ran on after the warning, and the job reaches its time limit in 1[56] s", 60)
    job.wait_for(r"the job goes back to the queue \(requeue 1 of 3\)", 10)
    job.cancel()
    job.wait(30)


def test_a_chain_ends_when_the_work_is_done(cluster):
    job = cluster.submit(run("true", "--warn-before 30 --at-limit requeue", "#SBATCH -N2 --gpus-per-node=1 --requeue -t 1\n"))
    assert job.wait() == "COMPLETED", job.output
    assert "queue" not in job.output


def test_only_this_task_of_an_array_is_requeued_and_not_more_often_than_asked(cluster):
    script = run(WARNED, "--warn-before 55 --at-limit requeue --requeues 1", "#SBATCH -N1 --gpus-per-node=1 --requeue -t 1 -a 0-1\n")
    script = script.replace("railhead run", '[ $SLURM_ARRAY_TASK_ID = 1 ] && exec sleep 30\nrailhead run')
    job = cluster.submit(script)
    job.wait_for(r"the job goes back to the queue \(requeue 1 of 1\)", 40)
    states = cluster.alice("squeue", "-h", "-r", "-j", str(job.number), "-o", "%K %T").out.split("\n")
    assert {line for line in states if line} <= {"0 PENDING", "0 COMPLETING", "1 RUNNING"} and "1 RUNNING" in states, states
    job.cancel()
    job.wait(30)


@pytest.mark.everywhere
def test_a_job_that_is_submitted_in_the_job_has_an_option_of_its_own(cluster):
    inner = "env | grep -E 'RAILHEAD_(LAUNCH_|NO_)' | sort >{}"
    job = cluster.submit(f"#SBATCH -N1\n{inner.format('outer')}\nsbatch -W -N1 --wrap \"{inner.format('inner')}\"\n"
                         f"sbatch -W -N1 --rail-on-loss=spare:1 --wrap \"{inner.format('own')}\"\n", "--rail-on-loss=shrink:1")
    job.wait(60)
    assert job.read("outer").split() == ["RAILHEAD_LAUNCH_ON_LOSS=shrink:1", "RAILHEAD_NO_KILL=1"]
    assert job.read("inner") == ""
    assert job.read("own").split() == ["RAILHEAD_LAUNCH_ON_LOSS=spare:1", "RAILHEAD_NO_KILL=1"]


@pytest.mark.everywhere
def test_one_option_at_submission_is_enough_to_go_on(cluster):
    job = cluster.submit(run(SHORT_AGAIN, "--loss-after 5"), "--rail-on-loss=shrink:2")
    started(job)
    assert "--no-kill" not in job.output
    cluster.kill("node3")
    cluster.run("ctl", "scontrol", "update", "nodename=node3", "state=down", "reason=test", check=True)  # as Slurm itself after SlurmdTimeout
    job.wait_for("exit code 0$", 60)
    cluster.heal("node3")
    job.wait(60)
    assert job.exit_code == 0 and "starting again on 3 nodes (--on-loss shrink:2)" in job.output, job.output
