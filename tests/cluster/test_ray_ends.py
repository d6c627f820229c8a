"""How `railhead ray` ends from outside, what its processes may do about it, and the shapes of jobs that it runs in."""

import contextlib
import json
import re
import subprocess
import time

import pytest
from ray_faults import CODE, PAIR, PHASES, code_of, find, in_bring_up, running, until
from ray_jobs import DRIVER, GONE, TWO, UP, WAITS, ray, with_driver
from sandbox import cgroups
from sandbox.node import read_pid


def kept(cluster):
    job = cluster.submit(f"{PAIR}railhead ray --report report.json\n{CODE}")
    job.wait_for("railhead attach", UP)
    return job


ALL_PHASES = {**PHASES, "kept": kept}


def end_phase(job):
    """Seconds between the decision to end and the launcher's own end."""
    return next(phase["s"] for phase in json.loads(job.read("report.json"))["phases"] if phase["name"] == "end")


@pytest.mark.parametrize("phase", ALL_PHASES)
@pytest.mark.parametrize("options", [(), ("--signal=KILL",)], ids=["scancel", "KILL"])
def test_scancel_leaves_nothing(cluster, phase, options):
    job = ALL_PHASES[phase](cluster)
    job.cancel(*options)
    assert job.wait(30) == "CANCELLED", job.output


@pytest.mark.parametrize("phase", ALL_PHASES)
def test_a_step_that_is_killed_at_one_blow_leaves_nothing(cluster, phase):
    job = ALL_PHASES[phase](cluster)
    cluster.run("ctl", "scancel", "--signal=KILL", f"{job.number}.0", check=True)
    job.wait(30)
    # One half of an agent may live long enough to say that the other was killed; of one node that is all there is to know.
    assert code_of(job) == 109 and "the step was ended from outside" in job.output, job.output


def test_a_kept_cluster_says_that_it_was_cancelled(cluster):
    job = kept(cluster)
    job.cancel("--signal=TERM")  # to the steps: the batch script goes on
    job.wait(30)
    assert code_of(job) == 109, job.output
    assert "cancelled: told to end by SIGTERM" in job.output, job.output
    assert end_phase(job) < GONE


@pytest.mark.slow
def test_the_time_limit_of_a_kept_cluster(cluster):
    job = cluster.submit(f"{PAIR}railhead ray --report report.json\n{CODE}", "--time=1")
    assert job.wait(180) == "TIMEOUT", job.output
    assert "the job reached its time limit" in job.output, job.output


def test_a_driver_that_ignores_sigterm(cluster):
    job = running(cluster, "sh -c 'trap \"\" TERM; echo deaf; while :; do sleep 1; done'")
    job.wait_for("^deaf")
    job.cancel("--signal=TERM")
    job.wait(30)
    assert code_of(job) == 109, job.output
    assert "then: the driver on node1 was killed by SIGKILL" in job.output, job.output
    assert end_phase(job) < GONE


ACTORS = DRIVER + """
@ray.remote(num_cpus=0)
class Actor:
    def __init__(self, path):
        import signal, subprocess
        if path:
            def save(*_):
                time.sleep(5)
                open(path, "w").write("saved")
                os._exit(0)
            signal.signal(signal.SIGTERM, save)
        else:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 1; done"], start_new_session=True)
    def here(self):
        return 1
def where(node):
    return os.path.abspath("saved." + node["Labels"]["railhead/node"]) if sys.argv[1] == "save" else ""
actors = [Actor.options(label_selector={"ray.io/node-id": node["NodeID"]}, name=node["NodeID"], namespace="kept", lifetime="detached").remote(where(node))
          for node in nodes]
print("actors", sum(ray.get([actor.here.remote() for actor in actors])), flush=True)
"""


def test_actors_and_daemons_that_ignore_sigterm(cluster):
    job = cluster.submit(ray(f"python3 {with_driver(cluster, ACTORS)} deaf", header=PAIR) + CODE)
    job.wait(UP)
    assert code_of(job) == 0 and "actors 2" in job.output, job.output
    assert end_phase(job) < GONE


@pytest.mark.parametrize(("options", "saved"), [("", False), ("--grace 10", True)], ids=["2 s", "10 s"])
def test_the_grace_is_what_actors_have_to_save(cluster, options, saved):
    job = cluster.submit(ray(f"python3 {with_driver(cluster, ACTORS)} save", options, header=PAIR) + CODE)
    job.wait(UP)
    assert code_of(job) == 0, job.output
    assert [(job.directory / f"saved.{node}").exists() for node in ("node1", "node2")] == [saved, saved], job.output
    assert end_phase(job) < (10 if saved else GONE)


@contextlib.contextmanager
def held_by_the_kernel(cluster, node, pid):
    """Puts a process into a frozen cgroup of its own: in state D, and no signal reaches it."""
    groups = dict(cluster.cluster.groups().roots())
    if "freezer" not in groups:
        pytest.skip("this host has no version 1 freezer, so nothing can be held in state D")
    folder = groups["freezer"] / cgroups.TOP / cluster.cluster.name / node / "held"
    folder.mkdir()
    (folder / "cgroup.procs").write_text(str(pid))
    (folder / "freezer.state").write_text("FROZEN")
    try:
        yield
    finally:
        (folder / "freezer.state").write_text("THAWED")
        until(lambda: not (folder / "cgroup.procs").read_text(), 20, "the held process to end")
        folder.rmdir()


def test_a_process_that_the_kernel_holds_is_named_with_its_state(cluster):
    job = running(cluster, "python3 -c 'import time; time.sleep(301)'")
    driver = find(cluster, "node1", r"^python3 -c .*sleep\(301\)")[0]
    with held_by_the_kernel(cluster, "node1", driver.pid):
        job.cancel("--signal=TERM")
        job.wait_for("^code 109", 20)
    named = r"left behind: node1: process \d+ \(python3 -c .*\) is still there after SIGKILL, in state D \(waiting in the kernel\)"
    assert re.search(named, job.output), job.output
    assert json.loads(job.read("report.json"))["survivors"][0]["where"] == "node1"
    assert end_phase(job) < GONE
    job.wait(60)


@contextlib.contextmanager
def rule(cluster, node, *words):
    """A routing rule in a node's network, in place of a firewall."""
    inside = ["nsenter", "-t", str(read_pid(cluster.cluster.places, node)), "-n", "ip", "rule"]
    subprocess.run([*inside, "add", "pref", "5", *words], check=True)
    try:
        yield
    finally:
        subprocess.run([*inside, "del", "pref", "5"], check=True)


@pytest.mark.parametrize(("node", "words", "why"), [
    ("node2", "to 10.99.0.3 ipproto tcp dport 26001 prohibit", "Permission denied"),
    pytest.param("node1", "from 10.99.0.3 ipproto tcp sport 26001 blackhole", "timed out", marks=pytest.mark.slow),
], ids=["refused", "dropped"])
def test_a_port_of_the_head_that_a_node_cannot_reach(cluster, node, words, why):
    with rule(cluster, node, *words.split()):
        job = cluster.submit(ray("true", "--head-ray-arg=--port=26001", header=PAIR) + CODE)
        job.wait(60)
    assert code_of(job) == 102, job.output
    assert f"worker.node2 on node2 ended with exit code 1: it cannot connect to the head at 10.99.0.3:26001 ({why})" in job.output, job.output


def test_a_node_whose_ports_the_head_cannot_reach(cluster):
    """Ray itself is content until its GCS calls that node dead, half a minute later."""
    with rule(cluster, "node1", *"to 10.99.0.4 ipproto tcp dport 26000-26200 prohibit".split()):
        job = cluster.submit(ray("true", "--ports 26000-26200", header=PAIR) + CODE)
        job.wait(60)
    assert code_of(job) == 102, job.output
    assert re.search(r"reach on node1 ended with exit code 1: the head cannot connect to node2 at 10\.99\.0\.4:26\d\d\d \(Permission denied\); see --interface", job.output), job.output
    assert "ray is ready" not in job.output


def test_a_tmp_that_is_too_long_for_sockets(cluster):
    job = cluster.submit(ray("true", "--tmp /tmp/a-folder-with-a-long-name") + CODE)
    job.wait(30)
    assert code_of(job) == 100, job.output
    assert 'launch.tmp is "/tmp/a-folder-with-a-long-name" (expected an absolute path of at most 15 bytes)' in job.output, job.output


def facts(job):
    return json.loads(re.search(r"^cluster (.*)$", job.output, re.M)[1])


ONE = "#SBATCH -N1 --gpus=2\n"
UNEVEN = "#SBATCH -N2 --gpus=12 -w node1,node2\n"
HET = "#SBATCH -N1 --gpus=2 -w node1\n#SBATCH hetjob\n#SBATCH -N2 --gpus-per-node=1 -w node2,node3\n"


@pytest.mark.parametrize(("header", "gpus"), [(ONE, [2]), (UNEVEN, [8, 4]), (HET, [2, 1, 1])], ids=["one node", "--gpus=12 -N2", "heterogeneous"])
def test_each_node_offers_its_own_gpus(cluster, header, gpus):
    job = cluster.submit(ray(f"python3 {with_driver(cluster, DRIVER)}", header=header))
    assert job.wait(UP) == "COMPLETED", job.output
    assert f"used {len(gpus)} of {len(gpus)} nodes" in job.output
    assert [node["resources"]["GPU"] for _, node in sorted(facts(job).items())] == gpus


@pytest.mark.parametrize(("header", "gpus"), [("#SBATCH -N1 -p gpu --gpus=2\n#SBATCH hetjob\n#SBATCH -N1 -p cpu\n", 2), ("#SBATCH -N1 -p cpu\nexport CUDA_VISIBLE_DEVICES=0,1\n", 0)],
                         ids=["another component's", "the user's shell's"])
def test_a_node_without_gpus_offers_none_whatever_variable_it_inherits(cluster, header, gpus):
    job = cluster.submit(ray("sh -c 'echo gpus $RAILHEAD_NUM_GPUS'", header=header))
    assert job.wait(UP) == "COMPLETED", job.output
    assert re.search(rf"^gpus {gpus}$", job.output, re.M), job.output


def test_as_a_step_of_srun(cluster):
    driver = with_driver(cluster, DRIVER + "sys.exit(5)")
    job = cluster.submit(f"{PAIR}srun railhead ray -- python3 {driver}\n{CODE}")
    job.wait(UP)
    assert "used 2 of 2 nodes" in job.output, job.output
    assert code_of(job) == 5, job.output


SHARES = """
import time
import ray
from multiprocessing.shared_memory import SharedMemory
ray.init(logging_level="error")
@ray.remote
def share():
    memory = SharedMemory(create=True, size=1000)
    time.sleep(0.02)
    return memory.name
print("made", ray.get([share.remote() for _ in range(4)]))
"""


HOLDS = """
import time
from multiprocessing.shared_memory import SharedMemory
librarys, named = SharedMemory(create=True, size=1000), SharedMemory(name="mine", create=True, size=1000)
print("holding", flush=True)
time.sleep(300)
"""


def recorded(cluster, node):
    """Whether the agent has seen both objects held, by its record for a sweep."""
    record = cluster.run(node, "sh", "-c", "cat /tmp/rh-*/shm").out
    return re.search("^noted .*/psm_", record, re.M) and re.search("^held .*/mine$", record, re.M)


@pytest.mark.parametrize(("launch", "step"), [("railhead", 0), ("srun railhead", 1)])
def test_shared_memory_goes_with_a_step_that_is_killed_at_one_blow(cluster, launch, step):
    job = cluster.submit(f"{PAIR}{launch} run --per-node 1 -- python3 {with_driver(cluster, HOLDS)}\n{CODE}")
    job.wait_for("holding\n(.*\n)*.*holding", 30)
    for node in ("node1", "node2"):
        until(lambda: recorded(cluster, node), 30, f"the agent on {node} to know of both objects")
    cluster.run("ctl", "scancel", "--signal=KILL", f"{job.number}.{step}", check=True)
    job.wait(30)
    assert code_of(job) == 109, job.output


def test_shared_memory_of_short_tasks_is_taken_away(cluster):
    job = cluster.submit(ray(f"python3 {with_driver(cluster, SHARES)}", header=PAIR) + CODE)
    job.wait(UP)
    assert code_of(job) == 0 and "made ['psm_" in job.output, job.output


def test_a_driver_that_is_the_standard_input(cluster):
    driver = "import ray, sys\nray.init()\nprint('nodes', len(ray.nodes()))\nsys.exit(5)\n"
    job = cluster.submit(ray("python3 - <<'END'", header=PAIR) + driver + "END\n" + CODE)
    job.wait(UP)
    assert code_of(job) == 5 and "nodes 2" in job.output, job.output


def test_an_uncaught_exception_in_the_driver(cluster):
    driver = with_driver(cluster, "import ray\nray.init()\n@ray.remote\ndef bad():\n    raise ValueError('worse')\nray.get(bad.remote())\n")
    job = cluster.submit(ray(f"python3 {driver}", header=PAIR) + CODE)
    job.wait(UP)
    assert code_of(job) == 1 and "ValueError: worse" in job.output, job.output
    assert "railhead: " in job.output and "the driver on node1 ended with exit code 1" in job.output, job.output


def test_a_killed_neighbour_harms_no_cluster(cluster):
    lives = cluster.submit(ray(f"python3 {with_driver(cluster, WAITS)} go", header=PAIR) + CODE)
    dies = running(cluster)
    lives.wait_for("used 2 of 2 nodes", UP)
    dies.cancel("--signal=KILL")
    assert dies.wait(30) == "CANCELLED", dies.output
    time.sleep(1)  # for a stray signal to have an effect
    (lives.directory / "go").write_text("")
    assert lives.wait(30) == "COMPLETED", lives.output
    assert "still 10." in lives.output and code_of(lives) == 0, lives.output
