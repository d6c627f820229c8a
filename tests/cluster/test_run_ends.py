"""How a launch ends, on the smallest recipe: a command on every node. After each test the fixture looks at every node for leftovers."""

import json
import re
import time

import pytest

HEADER = "#SBATCH -N4 --gpus-per-node=1\n"


def started(job, ranks=4):
    """Waits until every rank has said that it runs."""
    for rank in range(ranks):
        job.wait_for(rf"^\[rank{rank}\] rank {rank} runs", 30)


def run(command, options="", header=HEADER):
    return f"{header}railhead run {options} --report report.json -- {command}\n"


RANKS = "bash -c 'echo rank $RANK runs; {}'"
FOREVER = RANKS.format("exec sleep 300")
# A batch script that dies of SIGTERM takes railhead along, on a busy machine before it has said a word.
EXECUTED = run(FOREVER).replace("railhead run", "exec railhead run")


def pids_of(cluster, node, pattern):
    """Pids, inside the node, of processes whose command line matches."""
    done = cluster.run(node, "pgrep", "-f", pattern)
    return [int(word) for word in done.out.split()]


@pytest.mark.parametrize(("what", "code"), [("exit 0", 0), ("exit 1", 1), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -SEGV $$", 139)])
def test_the_programs_end_is_passed_on(cluster, what, code):
    job = cluster.submit(run(f"bash -c 'if [ $RANK = 1 ]; then {what}; fi'"))
    job.wait()
    assert job.exit_code == code, job.output
    report = json.loads(job.read("report.json"))
    assert report["exit_code"] == code
    assert report["cause"]["kind"] == ("exit" if code < 128 else "signal")
    if code:
        assert report["cause"]["node"] == "node2"
        assert "rank 1 on node2" in job.output


def test_every_rank_says_its_part_and_knows_its_place(cluster):
    job = cluster.submit(run("bash -c 'echo $(hostname) rank=$RANK of $WORLD_SIZE gpus=$CUDA_VISIBLE_DEVICES'"))
    assert job.wait() == "COMPLETED", job.output
    for rank in range(4):
        assert f"node{rank + 1} rank={rank} of 4 gpus=0" in job.output


def test_the_report_names_the_leaf_groups(cluster):
    job = cluster.submit(run("true"))
    assert job.wait() == "COMPLETED", job.output
    assert re.search(r"2 leaf groups: leaf1 \(node\[1-2\]\), leaf2 \(node\[3-4\]\)", job.output), job.output
    nodes = json.loads(job.read("report.json"))["nodes"]
    assert [node["leaf"] for node in nodes] == ["leaf1", "leaf1", "leaf2", "leaf2"]
    assert all(node["gpus"] == 1 for node in nodes)


def test_the_first_failure_ends_the_others_at_once_also_those_that_ignore_sigterm(cluster):
    stubborn = RANKS.format("trap \"\" TERM; if [ $RANK = 2 ]; then sleep 1; date +%s.%N > ended; exit 3; fi; sleep 300 & sleep 301; sleep 302")
    job = cluster.submit(run(stubborn) + "code=$?; date +%s.%N > gone; exit $code\n")
    job.wait()
    assert job.exit_code == 3, job.output
    assert "rank 2 on node3 ended with exit code 3" in job.output
    assert float(job.read("gone")) - float(job.read("ended")) < 3 + 2  # and a busy machine


def test_a_daemon_that_forks_away_is_found(cluster):
    job = cluster.submit(run(RANKS.format("setsid -f sleep 1000; setsid -f bash -c \"trap : TERM; while :; do sleep 1; done\"; sleep 0.5")))
    assert job.wait() == "COMPLETED", job.output


@pytest.mark.parametrize("options", [(), ("--signal=KILL",), ("--full",), ("--batch", "--signal=TERM")])
def test_scancel_leaves_nothing(cluster, options):
    job = cluster.submit(run(FOREVER))
    started(job)
    job.cancel(*options)
    state = job.wait(30)
    assert state in ("CANCELLED", "FAILED"), job.output


def test_scancel_before_the_agents_are_there_leaves_nothing(cluster):
    job = cluster.submit(run(FOREVER))
    job.wait_for("")
    job.cancel()
    job.wait(30)


def test_scancel_is_said_in_the_report(cluster):
    job = cluster.submit(run(FOREVER) + "echo code $?\n")
    started(job)
    job.cancel("--signal=TERM")  # to the steps only: the batch script goes on
    job.wait(30)
    assert "code 109" in job.output, job.output
    assert json.loads(job.read("report.json"))["cause"]["kind"] == "cancelled"


@pytest.mark.slow
def test_the_time_limit_is_told_apart_from_scancel(cluster):
    jobs = [cluster.submit(EXECUTED, "--time=1", *options) for options in ([], ["--array=4", "--output=job.out"])]
    for job in jobs:
        assert job.wait(120) == "TIMEOUT", job.output
        assert "the job reached its time limit" in job.output, job.output


@pytest.mark.slow
def test_a_time_limit_that_was_moved_is_told_apart_from_scancel(cluster):
    extended, shortened = (cluster.submit(EXECUTED, f"--time={minutes}") for minutes in (1, 10))
    for job, minutes in ((extended, 10), (shortened, 1)):
        started(job)
        cluster.run("ctl", "scontrol", "update", f"jobid={job.number}", f"timelimit={minutes}", check=True)
    assert shortened.wait(120) == "TIMEOUT", shortened.output
    assert "the job reached its time limit" in shortened.output, shortened.output
    assert json.loads(shortened.read("report.json"))["cause"]["kind"] == "time-limit"
    time.sleep(max(0, 70 - float(cluster.run("ctl", "sh", "-c", f"squeue -h -o %M -j {extended.number} | awk -F: '{{print $1 * 60 + $2}}'").out)))
    extended.cancel()
    assert extended.wait(30) == "CANCELLED", extended.output
    assert "cancelled: told to end by SIGTERM" in extended.output and "reached its time limit" not in extended.output, extended.output
    assert json.loads(extended.read("report.json"))["cause"]["kind"] == "cancelled"


def test_a_slow_reader_gets_all_that_the_program_printed(cluster):
    reader = "(until grep -q 'waiting for the reader' job.out; do sleep 0.1; done; wc -l)"
    job = cluster.submit(HEADER + f"railhead run -- bash -c '[ $RANK != 0 ] || seq 200000' | {reader}\n")
    assert job.wait(60) == "COMPLETED", job.output
    assert re.search("^200000$", job.output, re.M), job.output
    assert job.output.count("waiting for the reader of its output") == 1, job.output


def test_a_cancel_ends_a_launch_whose_reader_stands_still(cluster):
    job = cluster.submit(HEADER + "railhead run -- bash -c '[ $RANK != 0 ] || seq 200000' | sleep 300\n")
    job.wait_for("waiting for the reader of its output", 30)
    job.cancel()
    assert job.wait(30) == "CANCELLED", job.output


def test_a_requeued_job_starts_anew_and_its_first_attempt_leaves_nothing(cluster):
    job = cluster.submit(run(RANKS.format("[ $SLURM_RESTART_COUNT ] || exec sleep 300")), "--requeue")
    started(job)
    cluster.run("ctl", "scontrol", "requeue", str(job.number), check=True)
    wait = f"until scontrol show job {job.number} | grep -q 'JobState=PENDING.*BeginTime'; do sleep 0.1; done"  # Slurm lets two minutes pass
    cluster.run("ctl", "sh", "-c", f"{wait}; scontrol update jobid={job.number} starttime=now", check=True)
    assert job.wait(120) == "COMPLETED", job.output
    assert json.loads(job.read("report.json"))["attempt"] == 1


def test_a_signal_for_the_program_reaches_it(cluster):
    job = cluster.submit(run("bash -c 'trap \"echo rank $RANK got it; exit 0\" USR1; echo rank $RANK runs; while :; do sleep 0.1; done'"))
    started(job)
    job.cancel("--signal=USR1")  # to the steps
    job.wait(30)
    assert len(re.findall("got it", job.output)) == 4, job.output


@pytest.mark.parametrize("name", ["USR1", "ALRM"])
def test_a_signal_for_the_batch_script_reaches_it_too(cluster, name):
    """As `#SBATCH --signal=B:USR1@60` sends it, to a script that ends in `exec railhead`."""
    job = cluster.submit(HEADER + f"exec railhead run -- bash -c 'trap \"echo rank $RANK got it; exit 0\" {name}; echo rank $RANK runs; while :; do sleep 0.1; done'\n")
    started(job)
    job.cancel("--batch", f"--signal={name}")
    job.wait(30)
    assert len(re.findall("got it", job.output)) == 4, job.output


def kill(cluster, node, pids):
    """One may end with another before its turn comes, as an agent's worker does with its watcher."""
    done = cluster.run(node, "kill", "-KILL", *map(str, pids))
    assert done.code == 0 or "No such process" in done.err, done.text


def kill_inside(cluster, node, pattern):
    pids = pids_of(cluster, node, pattern)
    assert pids, f"nothing on {node} matches {pattern}"
    kill(cluster, node, pids)


def test_a_killed_supervisor_leaves_nothing(cluster):
    job = cluster.submit(run(FOREVER))
    started(job)
    kill_inside(cluster, "node1", "^railhead run|/railhead run")
    job.wait(30)
    assert job.exit_code == 137, job.output


@pytest.mark.parametrize(("which", "options"), [("first", ""), ("last", ""), ("both", ""), ("both", "--tmp /var/tmp")])
def test_a_killed_agent_leaves_nothing_and_is_named(cluster, which, options):
    job = cluster.submit(run(FOREVER, options) + "echo code $?\n")
    started(job)
    pids = sorted(pids_of(cluster, "node2", "railhead agent"))
    assert len(pids) == 2, "a watcher and a worker"
    kill(cluster, "node2", {"first": pids[:1], "last": pids[1:], "both": pids}[which])
    job.wait(30)
    assert "node2" in job.output, job.output
    assert re.search(r"code 10\d", job.output), job.output


def test_a_killed_node_is_named_within_seconds(cluster):
    job = cluster.submit(run(FOREVER) + "echo code $?\n", "--no-kill")
    started(job)
    cluster.kill("node3")
    job.wait_for(r"node3 was lost", 20)
    job.wait_for("code 104", 20)
    cluster.heal("node3")
    job.wait(60)
    assert "code 104" in job.output, job.output


def test_a_node_that_is_gone_before_its_agent_starts_is_named(cluster):
    job = cluster.submit(HEADER + "until [ -e go ]; do sleep 0.1; done\n" + run("true", header="") + "echo code $?\n", "--no-kill")
    job.wait_for("")
    cluster.cut("node3")
    cluster.put(f"{job.folder}/go", "")
    job.wait_for("^code 102", 60)
    assert re.search(r"node3: its agent could not be started: srun: error: .* failed on node node3: ", job.output), job.output
    assert json.loads(job.read("report.json"))["cause"]["node"] == "node3"
    cluster.heal("node3")
    job.wait(60)


@pytest.mark.parametrize("program", ["", "#!/bin/sh\nexit 0\n"], ids=["missing", "another"])
def test_a_node_whose_railhead_cannot_answer_is_named_at_once(cluster, program):
    cluster.run("node3", "mv", "/usr/bin/railhead", "/usr/bin/railhead.away", check=True)
    try:
        if program:
            cluster.run("node3", "sh", "-c", "cat >/usr/bin/railhead; chmod 755 /usr/bin/railhead", input=program, check=True)
        job = cluster.submit(run("true") + "echo code $?\n")
        job.wait(30)
    finally:
        cluster.run("node3", "mv", "/usr/bin/railhead.away", "/usr/bin/railhead", check=True)
    assert "code 102" in job.output, job.output
    how = r"Completed\)" if program else r"Exited with exit code 2\): .*railhead: No such file or directory"
    assert re.search(rf"node3: its agent ended before it could answer \({how}; check that the same railhead is installed", job.output), job.output
    report = json.loads(job.read("report.json"))
    assert report["cause"]["node"] == "node3" and report["whole_s"] < 10, report


def test_a_log_directory_that_cannot_be_made_is_said_at_once(cluster):
    job = cluster.submit(run("true", "--log-dir /proc/logs") + "echo code $?\n")
    job.wait(30)
    assert "code 100" in job.output and "--log-dir: /proc/logs cannot be written" in job.output, job.output


def test_an_option_that_srun_does_not_know_is_quoted(cluster):
    job = cluster.submit(run("true", "--srun-arg=--bogus") + "echo code $?\n")
    job.wait(30)
    assert "code 102" in job.output and "srun: unrecognized option '--bogus'" in job.output, job.output


def test_a_broken_container_is_said_and_leaves_no_copy_of_railhead(cluster):
    job = cluster.submit(run("true", "--srun-arg=--container=/nonexist") + "echo code $?\n")
    job.wait(30)
    assert "code 102" in job.output and "is not on the nodes" not in job.output, job.output
    # Four bubblewraps write their lines piece by piece into one stream, which may tear every line that names the image.
    assert re.search(r": the container image /nonexist is not there|before every agent had started .*: .*Can't find source path", job.output), job.output


@pytest.mark.parametrize("harm", ["freeze", "cut"])
def test_a_node_that_is_silent_at_the_end_is_not_waited_for(cluster, harm):
    job = cluster.submit(run(RANKS.format("[ $RANK != 0 ] || { until [ -e go ]; do sleep 0.1; done; exit 7; }; exec sleep 300")) + "echo code $?\n", "--no-kill")
    started(job)
    getattr(cluster, harm)("node3")
    cluster.put(f"{job.folder}/go", "")
    job.wait_for("^code 7", 30)
    report = json.loads(job.read("report.json"))
    assert [phase for phase in report["phases"] if phase["name"] == "end"][0]["s"] < 3 + 1, report["phases"]
    assert "warn: node3: the agent did not say that it left" in job.output, job.output
    cluster.heal("node3")
    job.wait(60)


def test_a_node_whose_slurmstepd_was_killed_is_not_waited_for(cluster):
    """srun would wait for its word for ever."""
    job = cluster.submit(run(RANKS.format("[ $RANK != 0 ] || { until [ -e go ]; do sleep 0.1; done; exit 7; }; exec sleep 300")) + "echo code $?\n")
    started(job)
    kill_inside(cluster, "node3", r"^slurmstepd: \[[0-9]+[.]0\]")
    cluster.put(f"{job.folder}/go", "")
    job.wait_for("^code 7", 30)
    report = json.loads(job.read("report.json"))
    assert [phase for phase in report["phases"] if phase["name"] == "end"][0]["s"] < 3 + 1, report["phases"]
    assert "warn: node3: slurmstepd ended before its step, so Slurm was not told how the step ended there; see slurmd's log on that node" in job.output, job.output
    job.wait(60)


@pytest.mark.slow
def test_a_node_that_is_frozen_before_its_agent_starts_is_named(cluster):
    job = cluster.submit(HEADER + "until [ -e go ]; do sleep 0.1; done\n" + run("true", "--bringup-timeout 15", header="") + "echo code $?\n", "--no-kill")
    job.wait_for("")
    cluster.freeze("node3")
    cluster.put(f"{job.folder}/go", "")
    job.wait_for("^code 103", 60)
    assert "waiting for Slurm to start the agent on node3" in job.output, job.output
    assert "node3: Slurm has not started the agent there within 15 s, and the other nodes wait for it" in job.output, job.output
    assert json.loads(job.read("report.json"))["cause"]["node"] == "node3"
    cluster.thaw("node3")
    job.wait(60)


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["freeze", "cut"])
def test_a_silent_node_is_lost_after_the_bound(cluster, harm):
    job = cluster.submit(run(FOREVER, "--loss-after 10") + "echo code $?\n", "--no-kill")
    started(job)
    getattr(cluster, harm)("node3")
    job.wait_for(r"node3 was lost while the program ran: its agent has been silent", 40)
    job.wait_for("code 104", 20)
    cluster.heal("node3")
    job.wait(30)


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["freeze", "cut"])
def test_twenty_seconds_of_silence_harm_nothing(cluster, harm):
    job = cluster.submit(run(RANKS.format("for i in $(seq 30); do sleep 1; done")))
    started(job)
    getattr(cluster, harm)("node3")
    time.sleep(20)  # the fault's length, not a wait for something
    cluster.heal("node3")
    assert job.wait(60) == "COMPLETED", job.output
    assert "node3 is silent" in job.output and "node3 is back" in job.output, job.output


@pytest.mark.slow
def test_a_job_that_slurm_suspends_goes_on_unharmed(cluster):
    job = cluster.submit(run(RANKS.format("for i in $(seq 8); do sleep 1; done"), "--loss-after 5"))
    started(job)
    cluster.run("ctl", "scontrol", "suspend", str(job.number), check=True)
    time.sleep(15)  # the pause's length, not a wait for something
    cluster.run("ctl", "scontrol", "resume", str(job.number), check=True)
    assert job.wait(60) == "COMPLETED", job.output
    assert "lost" not in job.output and "silent" not in job.output, job.output


def test_an_oom_kill_is_named(cluster):
    hungry = "python3 -c \"x = bytearray(800 << 20); import time; time.sleep(60)\""
    job = cluster.submit(run(f"bash -c 'if [ $RANK = 1 ]; then {hungry}; else sleep 60; fi'") + "echo code $?\n", "--mem=300M")
    job.wait(60)
    assert "code 106" in job.output, job.output
    assert "out-of-memory killer" in job.output


def test_two_launches_share_their_nodes(cluster):
    script = HEADER + "railhead run -- bash -c 'sleep 1; echo first $RANK' &\nrailhead run -- bash -c 'sleep 1; echo second $RANK' &\nwait\n"
    job = cluster.submit(script)
    assert job.wait() == "COMPLETED", job.output
    for rank in range(4):
        assert f"first {rank}" in job.output and f"second {rank}" in job.output


def test_as_a_step_of_srun(cluster):
    job = cluster.submit(HEADER + "srun railhead run -- bash -c 'echo rank $RANK runs; sleep 1; if [ $RANK = 3 ]; then exit 5; fi'\necho code $?\n")
    job.wait()
    started(job)
    assert "code 5" in job.output, job.output


def test_from_salloc_on_the_login_node(cluster):
    done = cluster.alice("salloc", "-N2", "--gpus-per-node=1", "railhead", "run", "--", "bash", "-c", "echo $(hostname) rank $RANK; sleep 0.5; exit 4")
    assert done.code == 4, done.text
    assert "node1 rank 0" in done.out and "node2 rank 1" in done.out


def test_a_heterogeneous_job_is_one_launch(cluster):
    script = "#SBATCH -N1 -p cpu\n#SBATCH hetjob\n#SBATCH -N2 -p gpu --gpus-per-node=1\nrailhead run -- bash -c 'echo $(hostname) rank $RANK of $WORLD_SIZE'\n"
    job = cluster.submit(script)
    assert job.wait() == "COMPLETED", job.output
    assert "cpu1 rank 0 of 3" in job.output and "node2 rank 2 of 3" in job.output, job.output


def test_a_command_that_is_not_there_is_named_at_once(cluster):
    job = cluster.submit(run("no-such-program --flag") + "echo code $?\n")
    job.wait(30)
    assert re.search(r"no-such-program.*(not found|is not)", job.output), job.output
    assert "code 102" in job.output, job.output


def test_outside_of_a_job_it_says_so(cluster):
    done = cluster.alice("railhead", "run", "--", "true")
    assert done.code == 100
    assert "SLURM_JOB_ID" in done.err and done.err.count("\n") == 1, done.err


def test_a_mistyped_option_says_so(cluster):
    done = cluster.alice("railhead", "run", "--los-after", "3", "--", "true")
    assert done.code == 100
    assert "--los-after" in done.err, done.err


def test_the_dry_run_prints_the_plan_and_starts_nothing(cluster):
    job = cluster.submit(HEADER + "railhead run --dry-run -- touch started > plan.json\n")
    assert job.wait() == "COMPLETED", job.output
    plan = json.loads(job.read("plan.json"))
    assert [node["name"] for node in plan["order"]] == ["node1", "node2", "node3", "node4"]
    assert plan["processes"][0]["argv"] == ["touch", "started"]
    assert not (job.directory / "started").exists()
