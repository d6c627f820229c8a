"""What cannot work is said at once, in one sentence, whoever asks: people, reports and sibling tasks."""

import json
import re
import subprocess

import pytest
from ray_jobs import UP
from sandbox.node import read_pid


PROBED = 20  # seconds for what runs `ray` on the nodes first, on a busy machine


def refused(cluster, *command, within=10, **options):
    done = cluster.alice("salloc", "-Q", *command, timeout=30, **options)
    assert done.seconds < within
    return done


def test_a_loopback_address_is_of_no_use_to_other_nodes(cluster):
    done = refused(cluster, "-N2", "railhead", "run", "--interface", "lo", "--", "true")
    assert done.code == 102
    assert "login: the address to announce 127.0.0.1 is reached from this node only" in done.err


def test_salloc_on_a_node_without_the_jobs_network_reaches_the_agents(cluster):
    inside = {node: ["nsenter", "-t", str(read_pid(cluster.cluster.places, node)), "-n", "ip", "addr"] for node in ("node1", "node2")}
    try:
        for number, words in enumerate(inside.values(), 1):
            subprocess.run([*words, "add", f"10.77.0.{number}/24", "dev", "eth0"], check=True)
        done = refused(cluster, "-N2", "-wnode1,node2", "railhead", "run", "--subnet", "10.77.0.0/24", "--report", "subnet.json", "--", "true")
    finally:
        for number, words in enumerate(inside.values(), 1):
            subprocess.run([*words, "del", f"10.77.0.{number}/24", "dev", "eth0"], check=False)
    assert done.code == 0, done.text
    assert [node["address"] for node in json.loads((cluster.home() / "subnet.json").read_text())["nodes"]] == ["10.77.0.1", "10.77.0.2"]


def test_a_umask_that_keeps_the_owner_out_of_what_he_makes(cluster):
    done = cluster.alice("srun", "-N1", "sh", "-c", "umask 0777; railhead run -- true; code=$?; ls -d /tmp/rh-*; exit $code")
    assert done.code == 100
    assert "the umask 0777 takes away the owner's own rights" in done.err, done.text
    assert not done.out


def test_a_limit_of_open_files_that_nothing_can_run_with(cluster):
    done = cluster.alice("srun", "-N1", "sh", "-c", "ulimit -n 12; railhead run -- true")
    assert done.code == 100 and "the limit of open files (ulimit -n) is 12 (expected at least 16); raise it before railhead" in done.err, done.text


def test_the_siblings_of_a_refused_step_do_not_wait(cluster):
    done = cluster.alice("srun", "-N2", "railhead", "run", "--interface", "nope", "--", "true", timeout=30)
    assert done.code != 0 and done.seconds < 20
    assert "no address can be announced" in done.err


def test_a_script_that_is_its_steps_only_task_goes_on_after_a_refusal(cluster):
    done = cluster.alice("srun", "-N1", "-n1", "bash", "-c", "railhead run --interface nope -- true; echo goes on, code $?", timeout=30)
    assert done.out == "goes on, code 102\n", done.text


def test_a_task_whose_step_begins_no_launch_says_so(cluster):
    done = cluster.alice("srun", "-N1", "-n2", "bash", "-c", "[ $SLURM_PROCID = 0 ] || railhead run --bringup-timeout 2 -- true", timeout=30)
    assert re.search(r"no launch of step \d+\.0 has come to this node within 2 s: the step's first task has begun none", done.err), done.text


def test_a_refusal_has_a_report_too(cluster):
    done = refused(cluster, "-N1", "railhead", "run", "--interface", "nope", "--json", "--report", "refusal.json", "--", "true")
    last = json.loads(done.err.splitlines()[-1])
    assert last["type"] == "report" and "no address can be announced" in last["cause"]["sentence"]
    report = json.loads((cluster.home() / "refusal.json").read_text())
    assert report["exit_code"] == done.code == 102


@pytest.mark.parametrize(("wrong", "sentence"), [
    ([], "railhead run was given no command; put it after two dashes: railhead run -- COMMAND"),
    (["--env", "X", "--", "true"], "--env X has no name and value"),
])
def test_a_command_line_that_cannot_work_has_a_report_too(cluster, wrong, sentence):
    done = refused(cluster, "-N1", "railhead", "run", "--json", "--report", "refusal.json", *wrong)
    said = [json.loads(line) for line in done.err.splitlines()]
    assert [one["type"] for one in said] == ["report"] and sentence in said[0]["cause"]["sentence"]
    report = json.loads((cluster.home() / "refusal.json").read_text())
    assert report["exit_code"] == done.code == 100 and report["cause"] == said[0]["cause"]


def test_a_report_that_cannot_be_written_is_said_before_the_start(cluster):
    done = refused(cluster, "-N1", "railhead", "run", "--report", "/etc/report.json", "--", "echo", "ran")
    assert done.code == 100 and "ran" not in done.out
    assert "--report: /etc/report.json cannot be written: Permission denied" in done.err


def test_a_report_to_a_device_leaves_the_device(cluster):
    # As root, who could replace it.
    done = cluster.run("login", "salloc", "-N1", "railhead", "run", "--report", "/dev/null", "--", "true")
    assert done.code == 0, done.text
    cluster.run("login", "test", "-c", "/dev/null", check=True)


def test_a_launch_without_slurms_answer_about_the_job_says_so_and_goes_on(cluster):
    cluster.put("bin/scontrol", "#!/bin/sh\nexit 1\n", mode=0o755)
    done = refused(cluster, "-N1", "env", "PATH=/shared/home/alice/bin:/usr/bin:/bin", "railhead", "run", "--", "hostname")
    assert done.code == 0 and done.out.startswith("node"), done.text
    assert "was not found by scontrol" in done.err and "(going on; GPUs may be missing)" in done.err


def test_a_program_that_is_not_there_is_said_before_ray_starts(cluster):
    done = refused(cluster, "-N2", "-wnode1,node2", "railhead", "ray", "--report", "refusal.json", "--", "no-such-program", within=PROBED)
    assert done.code == 102 and "ready" not in done.err
    assert "node1: no-such-program is not on PATH" in done.err
    assert json.loads((cluster.home() / "refusal.json").read_text())["cause"]["node"] == "node1"


def test_what_srun_says_of_an_argument_is_the_reason(cluster):
    done = refused(cluster, "-N2", "railhead", "run", "--srun-arg=--nonsense", "--", "true")
    assert done.code == 102
    assert "before every agent had started (missing: node[1-2]): srun: unrecognized option '--nonsense'" in done.err, done.err


def test_a_directory_that_is_not_there_is_said_and_the_step_ends_by_itself(cluster):
    done = refused(cluster, "-N4", "railhead", "run", "--tmp", "/nope", "--", "true")
    assert done.code == 102 and "No such file or directory; set launch.tmp to a directory you may write" in done.err
    assert "CANCELLED" not in done.text, done.text


def test_a_working_directory_that_is_gone_is_the_reason(cluster):
    done = cluster.alice("salloc", "-Q", "-N1", "sh", "-c", "mkdir gone; cd gone; rmdir ../gone; railhead run -- true", timeout=30)
    assert done.code == 100 and "the working directory cannot be found: No such file or directory" in done.err, done.text


@pytest.mark.parametrize(("options", "words"), [
    (("--mem=1000", "railhead", "ray", "--object-store", "3G"), "the job's memory is 1000 MiB (expected at least 3072 MiB for the object store that was asked for)"),
    (("--mem=50", "railhead", "ray"), "the job's memory is 50 MiB (expected at least 100 MiB for Ray itself)"),
    (("railhead", "ray", "--head-cpus", "99"), "--head-cpus 99 is more than the job has on the head node"),
])
def test_resources_that_the_job_does_not_have(cluster, options, words):
    done = refused(cluster, "-N1", *options, "--", "true", within=PROBED)
    assert done.code in (100, 101) and words in done.err, done.text


def test_attach_finds_the_head_of_a_heterogeneous_job_of_an_array_task_and_elsewhere(cluster):
    job = cluster.submit("railhead ray --tmp /var/tmp\n", "-N1", ":", "-pa100", "-N1", "--gpus=1")
    job.wait_for("use it with: railhead attach --tmp /var/tmp", UP)
    done = cluster.alice("railhead", "attach", "--tmp", "/var/tmp", str(job.number), "--", "sh", "-c", "hostname; ray status >&2", timeout=60)
    assert done.code == 0 and done.out.startswith("node"), done.text
    job.cancel()
    job.wait(30)
    array = cluster.submit("RAILHEAD_LAUNCH_TMP=/var/tmp railhead ray\n", "-N1", "--gpus=1", "--array=1-2", "--output=task-%a.out")
    for task in (1, 2):
        array.wait_for("use it with: railhead attach --tmp /var/tmp", UP, name=f"task-{task}.out")
    done = cluster.alice("railhead", "attach", "--tmp", "/var/tmp", str(array.number), "--", "true", timeout=60)
    assert done.code == 100 and "has 2 running tasks" in done.err, done.text
    done = cluster.alice("railhead", "attach", "--tmp", "/var/tmp", f"{array.number}_2", "--", "sh", "-c", "echo gpus $CUDA_VISIBLE_DEVICES", timeout=60)
    assert done.code == 0 and done.out in ("gpus 0\n", "gpus 1\n"), done.text
    array.cancel()
    array.wait(30)


def test_ray_on_nodes_with_different_numbers_of_gpus_leaves_nothing(cluster):
    done = cluster.alice("salloc", "-Q", "-N2", "--gpus=3", "railhead", "ray", "--", "python3", "-c",
                         "import ray; ray.init(logging_level=40); print('gpus', ray.cluster_resources()['GPU'])", timeout=UP)
    assert done.code == 0 and "gpus 3.0" in done.out, done.text
