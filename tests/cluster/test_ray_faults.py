"""`railhead ray` and the deaths of its parts: nodes, processes, memory. After each test the fixture looks that nothing is left."""

import json
import re
import signal
import time

import pytest
from ray_faults import (
    AGENT_OF_HEAD, AGENT_OF_WORKER, GCS, PAIR, PHASES, RAY_START, RAYLET, SUPERVISOR, code_of, find, in_bring_up, kill, left_elsewhere, running, until,
)
from ray_jobs import UP, WAITS, ray, with_driver

SILENT = "--loss-after 3"
CODES = {"in bring-up": 102, "in the run": 105}  # of a service that died


@pytest.mark.parametrize("harm", ["kill", "freeze", "cut"])
def test_a_lost_node_is_named_and_the_others_are_clean(cluster, harm):
    """One launch in its run and one in its bring-up lose the same node."""
    header = PAIR + "#SBATCH --no-kill\n"
    jobs = [running(cluster, options=SILENT, header=header), in_bring_up(cluster, options=SILENT, header=header)]
    began = time.monotonic()
    getattr(cluster, harm)("node2")
    for job in jobs:
        job.wait_for(r"^code 104", 30)
        why = "closed its connection and did not come back" if harm == "kill" else "has been silent for [34] s"
        assert re.search(rf"node2 was lost (during bring-up|while the program ran): its agent {why}; see the node's state with 'scontrol show node node2'", job.output), job.output
        assert job.output.count("was lost") == 1
        assert json.loads(job.read("report.json"))["cause"]["node"] == "node2"
    assert time.monotonic() - began < 3 + 12  # the bound, the end, and a busy machine
    until(lambda: not left_elsewhere(cluster, "node2"), 10, "the other nodes to be clean")
    cluster.heal("node2")
    for job in jobs:
        job.wait(60)


@pytest.mark.slow
def test_a_supervisor_that_stood_still_does_not_blame_the_others(cluster):
    job = running(cluster, "sleep 300", options="--loss-after 4", header=PAIR + "#SBATCH --no-kill\n")
    cluster.freeze("node1")
    time.sleep(9)  # the fault's length, not a wait for something
    cluster.thaw("node1")
    job.wait_for(r"^code 104", 30)
    assert re.search(r"the supervisor stood still for \d+ s, and the nodes ended their part meanwhile \(launch.loss_after\); look at what stopped", job.output), job.output
    assert "was lost" not in job.output and "look for processes" not in job.output, job.output
    job.wait(60)


@pytest.mark.slow
def test_a_node_that_is_lost_while_the_supervisor_stands_still_is_named(cluster):
    job = running(cluster, "sleep 300", options="--loss-after 5", header=PAIR + "#SBATCH --no-kill\n")
    cluster.freeze("node1")
    time.sleep(3.2)  # the fault's length: above 5 - 2, when a pause may be why nodes are lost, and far below 5, when they are
    cluster.thaw("node1")
    cluster.kill("node2")
    job.wait_for(r"^code 104", 30)
    assert "node2 was lost while the program ran: its agent closed its connection" in job.output, job.output
    assert json.loads(job.read("report.json"))["cause"]["node"] == "node2"
    cluster.heal("node2")
    job.wait(60)


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGALRM])
def test_a_signal_for_the_program_during_bring_up_ends_nothing(cluster, number):
    job = in_bring_up(cluster)
    kill(cluster, *SUPERVISOR, number)
    time.sleep(1)  # for what must not come
    (max(cluster.home().glob("gate-*/held")).parent / "go").touch()
    assert job.wait(UP) == "COMPLETED", job.output
    assert code_of(job) == 0


def test_a_driver_that_fails_of_a_lost_node_is_a_victim(cluster):
    job = running(cluster, "sh -c 'until [ -e fail ]; do sleep 0.1; done; exit 1'", header=PAIR + "#SBATCH --no-kill\n")
    cluster.kill("node2")
    job.wait_for("node2 has closed its connection; waiting for it", 30)
    (job.directory / "fail").write_text("")
    job.wait_for(r"^code 104", 30)
    report = json.loads(job.read("report.json"))
    assert report["cause"]["node"] == "node2" and report["victims"][0]["sentence"] == "the driver on node1 ended with exit code 1", report
    cluster.heal("node2")
    job.wait(60)


def test_a_gcs_that_is_slow_to_answer_is_waited_for(cluster):
    """A busy head, a cold file system: Ray itself gives up after 5 s."""
    job = in_bring_up(cluster)
    (gcs,) = find(cluster, *GCS)
    (max(cluster.home().glob("gate-*/held")).parent / "go").touch()
    find(cluster, "node2", RAYLET[1])
    gcs.kill(signal.SIGSTOP)
    time.sleep(12)
    gcs.kill(signal.SIGCONT)
    assert job.wait(UP) == "COMPLETED", job.output
    assert code_of(job) == 0


@pytest.mark.parametrize("harm", ["kill", pytest.param("freeze", marks=pytest.mark.slow), pytest.param("cut", marks=pytest.mark.slow)])
def test_without_the_head_the_other_nodes_are_clean(cluster, harm):
    """The supervisor is on the head: nobody is left to tell the agents to end."""
    jobs = [running(cluster, options=SILENT), in_bring_up(cluster, options=SILENT)]
    getattr(cluster, harm)("node1")
    until(lambda: not left_elsewhere(cluster, "node1"), 20, "node2 to be clean")
    cluster.heal("node1")
    for job in jobs:
        job.wait(60)
        if harm != "kill":  # a dead node's batch script says nothing
            assert code_of(job) == 104, job.output


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_supervisor_leaves_nothing(cluster, phase):
    job = PHASES[phase](cluster)
    kill(cluster, *SUPERVISOR)
    job.wait(30)
    assert code_of(job) == 137, job.output


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("agent", [AGENT_OF_WORKER, AGENT_OF_HEAD], ids=["worker", "head"])
def test_a_killed_agent_is_named(cluster, phase, agent):
    job = PHASES[phase](cluster)
    kill(cluster, *agent)  # its watcher and its worker
    job.wait(30)
    assert code_of(job) == 104, job.output
    # On a busy machine one half may say that the other was killed, before it is killed itself.
    assert re.search(rf"{agent[0]}( was lost (during bring-up|while the program ran): its agent closed its connection|: the agent was killed)", job.output), job.output


def test_a_killed_srun_is_named_and_its_agents_end(cluster):
    job = running(cluster)
    kill(cluster, "node1", r"^srun .*railhead agent")
    job.wait(30)
    assert code_of(job) == 109, job.output
    assert "srun, which holds the step of the agents, was killed by SIGKILL" in job.output, job.output


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("half", [0, 1], ids=["watcher", "worker"])
def test_half_an_agent_takes_the_other_along(cluster, phase, half):
    job = PHASES[phase](cluster)
    find(cluster, *AGENT_OF_WORKER)[half].kill()
    job.wait(30)
    assert code_of(job) == 104, job.output
    # On a busy machine Slurm ends the step before the other half has said it.
    assert re.search("node2(: the agent was killed| was lost .*: its agent closed its connection)", job.output), job.output


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("service", [GCS, RAYLET], ids=["gcs_server", "raylet"])
def test_a_killed_service_of_the_head_is_named_at_once(cluster, phase, service):
    job = PHASES[phase](cluster)
    find(cluster, *RAYLET)  # in bring-up it may not have started yet
    kill(cluster, *service)
    began = time.monotonic()
    job.wait(60)
    assert time.monotonic() - began < 20
    assert code_of(job) == CODES[phase], job.output
    name = service[1].rpartition("/")[2].strip()
    assert re.search(rf"head on node1 ended with exit code 1: {name} was killed by SIGKILL", job.output), job.output


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_ray_start_is_named(cluster, phase):
    job = PHASES[phase](cluster)
    kill(cluster, *RAY_START)
    job.wait(30)
    assert code_of(job) == CODES[phase], job.output
    assert "head on node1 was killed by SIGKILL" in job.output, job.output


EATS = WAITS.split("while")[0] + """
@ray.remote(num_cpus=0, max_retries=0)
def eat():
    hoard = []
    while True:
        hoard.append(bytearray(50 << 20))
ray.get(eat.options(label_selector={"railhead/node": sys.argv[1]}).remote())
"""


def test_an_oom_kill_in_bring_up_is_named(cluster):
    job = cluster.submit(ray("sleep 300") + "echo code $?\n", "--mem=120M")
    job.wait(UP)
    assert code_of(job) == 106, job.output
    assert re.search(r"(head on node1|worker\.node2 on node2) .*out-of-memory killer", job.output), job.output
    assert "ask for more memory (--mem" in job.output


@pytest.mark.parametrize("node", ["node1", "node2"])
def test_an_oom_kill_of_a_task_is_said_and_the_drivers_code_stands(cluster, node):
    job = cluster.submit(ray(f"python3 {with_driver(cluster, EATS)} {node}") + "echo code $?\n", "--mem=1G", "-wnode1,node2")
    job.wait(UP)
    assert code_of(job) == 1, job.output
    assert "the driver on node1 ended with exit code 1" in job.output, job.output
    assert re.search(rf"{node}: the kernel's out-of-memory killer killed 1 process of this step", job.output), job.output
    if node == "node2":
        assert "the driver on node1 was killed" not in job.output


def test_a_tmp_that_fills_while_it_runs(cluster):
    """The launch ends as its driver does, and takes its files away."""
    for node in ("node1", "node2"):
        cluster.run(node, "mount", "-t", "tmpfs", "-o", "size=140m,mode=1777", "tmpfs", "/tmp", check=True)
    try:
        job = cluster.submit(ray(f"python3 {with_driver(cluster, WAITS + 'sys.exit(7)')} go", header=PAIR) + "echo code $?\n")
        job.wait_for("used 2 of 2 nodes", UP)
        for node in ("node1", "node2"):
            cluster.run(node, "sh", "-c", "dd if=/dev/zero of=/tmp/full bs=1M")
        (job.directory / "go").write_text("")
        job.wait(30)
        assert code_of(job) == 7, job.output
        for node in ("node1", "node2"):
            assert cluster.run(node, "ls", "/tmp").out.split() == ["full"]
    finally:
        for node in ("node1", "node2"):
            cluster.run(node, "umount", "/tmp", check=True)
