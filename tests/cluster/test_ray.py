"""`railhead ray` on a real Slurm cluster. After each test the fixture looks at every node for processes, files, shm and sockets."""

import json
import re

import pytest
from ray_jobs import DRIVER, FOUR, GONE, TWO, UP, WAITS, ray, with_driver
from sandbox import host


def facts(job):
    return json.loads(re.search(r"^cluster (.*)$", job.output, re.M)[1])


@pytest.mark.everywhere
def test_the_model_script_uses_all_nodes(cluster):
    script = (host.CHECKOUT / "templates/ray.sbatch").read_text()
    cluster.put("sweep.py", (host.CHECKOUT / "templates/sweep.py").read_text())
    job = cluster.submit(script.replace(" sweep.py", " /shared/home/alice/sweep.py"))  # tests run in a folder of their own
    assert job.wait(300) == "COMPLETED", job.output
    assert re.search(r"^best: accuracy 0\.9\d+ with learning rate", job.output, re.M), job.output
    assert "work was done on 4 of 4 nodes" in job.output
    report = json.loads(next(job.directory.glob("sweep-*.json")).read_text())
    assert report["exit_code"] == 0 and report["recipe"] == "ray"


def test_nodes_offer_what_the_job_has_and_say_where_they_are(cluster):
    job = cluster.submit(ray(f"python3 {with_driver(cluster, DRIVER)}", header=FOUR), "--mem=4G")
    assert job.wait(UP) == "COMPLETED", job.output
    assert "used 4 of 4 nodes" in job.output
    for name, node in facts(job).items():
        resources = node["resources"]
        assert (resources["CPU"], resources["GPU"]) == (8, 8), name
        assert resources["memory"] + resources["object_store_memory"] == pytest.approx(4 << 30, rel=0.01), name
        assert node["labels"]["railhead/node"] == name
        assert node["labels"]["railhead/leaf"] == ("leaf1" if name in ("node1", "node2") else "leaf2")


def test_a_head_without_work_and_arguments_for_ray(cluster):
    options = "--head-gpus 0 --head-cpus 0 --worker-ray-arg=--resources='{\"disk\": 3}' --env COLOUR=blue"
    driver = with_driver(cluster, DRIVER + 'print("colour", os.environ["COLOUR"])')
    job = cluster.submit(ray(f"python3 {driver}", options))
    assert job.wait(UP) == "COMPLETED", job.output
    found = facts(job)
    assert found["node1"]["resources"].get("GPU", 0) == found["node1"]["resources"].get("CPU", 0) == 0
    assert found["node2"]["resources"]["GPU"] == 4
    assert found["node2"]["resources"]["disk"] == 3
    assert "colour blue" in job.output
    assert "ray is ready: 2 nodes, 4 GPUs" in job.output, job.output


def test_ray_may_log_to_standard_error(cluster):
    job = cluster.submit(ray(f"python3 {with_driver(cluster, DRIVER)}", header=TWO + "export RAY_LOG_TO_STDERR=1\n"))
    assert job.wait(UP) == "COMPLETED", job.output
    assert "used 2 of 2 nodes" in job.output


@pytest.mark.parametrize(("driver", "code"), [
    ("bash -c 'exit 7'", 7),
    ("bash -c 'kill -KILL $$'", 137),
    ("python3 -c 'raise ValueError(\"bad\")'", 1),
])
def test_the_drivers_end_is_passed_on(cluster, driver, code):
    job = cluster.submit(ray(driver) + "code=$?; exit $code\n")
    job.wait(UP)
    assert job.exit_code == code, job.output
    assert json.loads(job.read("report.json"))["cause"]["kind"] == ("signal" if code > 128 else "exit")


def test_the_launcher_is_gone_soon_after_the_driver(cluster):
    driver = with_driver(cluster, DRIVER + 'open("ended", "w").write(str(time.time()))')
    job = cluster.submit(ray(f"python3 {driver}") + "code=$?; date +%s.%N > gone; exit $code\n")
    assert job.wait(UP) == "COMPLETED", job.output
    assert float(job.read("gone")) - float(job.read("ended")) < GONE  # with the interpreter's own end


def test_two_clusters_of_one_user_share_nodes_and_do_not_meet(cluster):
    driver = with_driver(cluster, WAITS)
    jobs = [cluster.submit(ray(f"python3 {driver} go", header=TWO + "#SBATCH -w node1,node2 --mem=4G\n")) for _ in range(2)]
    for job in jobs:
        job.wait_for("used 2 of 2 nodes", UP)
    (jobs[0].directory / "go").write_text("")
    assert jobs[0].wait(30) == "COMPLETED", jobs[0].output
    (jobs[1].directory / "go").write_text("")
    assert jobs[1].wait(30) == "COMPLETED", jobs[1].output
    assert "still 10." in jobs[1].output


def test_over_ipv6_and_in_a_range_of_ports(cluster):
    asks_the_agent = """
print("address", os.environ["RAY_ADDRESS"])
try:
    ray.get(ray.remote(lambda: 1).options(runtime_env={"working_dir": "gcs://none.zip"}).remote())
except ray.exceptions.RuntimeEnvSetupError as problem:
    print("agent:", problem)
"""
    job = cluster.submit(ray(f"python3 {with_driver(cluster, DRIVER + asks_the_agent)}", "--ip-version 6 --ports 25000-25200"))
    assert job.wait(UP) == "COMPLETED", job.output
    assert re.search(r"address \[fd99::[0-9a-f]+\]:25[01]\d\d$", job.output, re.M), job.output
    assert re.search(r"\[Node fd99::[0-9a-f]+\]", job.output), job.output  # Ray's runtime-env agent believes the address, too


def test_scancel_during_bring_up_leaves_nothing(cluster):
    job = cluster.submit(ray("sleep 300"))
    job.wait_for("agents run on 2 nodes", UP)
    job.cancel()
    job.wait(30)


def test_scancel_of_a_running_cluster_leaves_nothing(cluster):
    job = cluster.submit(ray(f"python3 {with_driver(cluster, WAITS)} never"))
    job.wait_for("used 2 of 2 nodes", UP)
    job.cancel()
    job.wait(30)


def test_a_killed_raylet_ends_the_launch_and_is_named(cluster):
    job = cluster.submit(ray(f"python3 {with_driver(cluster, WAITS)} never") + "echo code $?\n")
    job.wait_for("used 2 of 2 nodes", UP)
    cluster.run("node2", "pkill", "-KILL", "-u", "alice", "-x", "raylet", check=True)
    job.wait(30)
    assert "code 105" in job.output, job.output
    assert re.search(r"worker\.node2 on node2 ended with exit code 1: raylet was killed by SIGKILL", job.output), job.output


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["freeze", "cut"])
def test_twenty_seconds_of_silence_harm_no_actor(cluster, harm):
    import time

    steps = """
@ray.remote(num_gpus=1, max_restarts=0, max_task_retries=0)
class Counter:
    n = 0
    def step(self):
        self.n += 1
        time.sleep(0.1)
        return self.n
actors = [Counter.options(label_selector={"ray.io/node-id": node["NodeID"]}).remote() for node in nodes]
ray.get([actor.step.remote() for actor in actors])  # gRPC gives a connection that only begins 20 s
print("acting", flush=True)
began = time.monotonic()
while time.monotonic() - began < 45:
    counts = ray.get([actor.step.remote() for actor in actors])
assert len(set(counts)) == 1, counts
print("unharmed", flush=True)
"""
    job = cluster.submit(ray(f"python3 {with_driver(cluster, DRIVER + steps)}"))
    job.wait_for("^acting", UP)
    getattr(cluster, harm)("node2")
    time.sleep(20)  # the fault's length, not a wait for something
    cluster.heal("node2")
    assert job.wait(120) == "COMPLETED", job.output
    assert "unharmed" in job.output


@pytest.mark.slow
def test_the_time_limit_leaves_nothing(cluster):
    job = cluster.submit(ray(f"python3 {with_driver(cluster, WAITS)} never"), "--time=1")
    assert job.wait(180) == "TIMEOUT", job.output
