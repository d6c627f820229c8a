"""Who can use a cluster: its user by `railhead attach`; nobody else by any port."""

import json
import re

import pytest
from ray_jobs import UP, WAITS, ray, with_driver

# As another user, on the node: every TCP port that listens, and what it answers to somebody without the token.
AUDIT = r"""
import grpc, json, os, socket, sys, urllib.error, urllib.request
os.environ.pop("RAY_AUTH_TOKEN_PATH", None)
METHODS = ["grpc.health.v1.Health/Check"] + ["ray.rpc." + name for name in (
    "InternalKVGcsService/InternalKVKeys", "NodeInfoGcsService/GetAllNodeInfo", "JobInfoGcsService/GetAllJobInfo",
    "NodeManagerService/GetNodeStats", "NodeManagerService/RequestWorkerLease", "NodeManagerService/ShutdownRaylet",
    "ObjectManagerService/Pull", "ObjectManagerService/FreeObjects", "CoreWorkerService/PushTask", "CoreWorkerService/Exit",
    "ReporterService/GetTraceback", "RayletDriver/Init")]
PAGES = ["/", "/metrics", "/api/version", "/api/jobs/", "/logs", "/nodes?view=summary", "/get_or_create_runtime_env", "/api/v0/tasks",
         "/api/healthz", "/api/local_raylet_healthz", "/api/gcs_healthz", "/api/authentication_mode"]

def listeners():
    for name, size in (("tcp", 4), ("tcp6", 16)):
        for line in open(f"/proc/net/{name}").read().splitlines()[1:]:
            place, state = line.split()[1], line.split()[3]
            if state == "0A":
                raw, port = place.split(":")
                words = bytes.fromhex(raw)
                turned = b"".join(words[i:i + 4][::-1] for i in range(0, size, 4))
                address = socket.inet_ntop(socket.AF_INET if size == 4 else socket.AF_INET6, turned)
                yield address.removeprefix("::ffff:"), int(port, 16)

own = sys.argv[1]
usual = set(map(int, sys.argv[2].split(",")))
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for address, port in sorted(set(listeners())):
    if port in usual:
        continue
    host = own if address in ("0.0.0.0", "::") else address
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    answered, refused = [], []
    channel = grpc.insecure_channel(target)
    for method in METHODS:
        try:
            channel.unary_unary("/" + method)(b"", timeout=3)
            answered.append(method)
        except grpc.RpcError as error:
            refused.append(error.code().name)
    channel.close()
    for page in PAGES:
        try:
            answered.append(page + " " + str(direct.open(f"http://{target}{page}", timeout=3).status))
        except urllib.error.HTTPError as error:
            refused.append(str(error.code))
        except Exception:
            pass
    print(json.dumps({"address": address, "port": port, "answered": answered, "refused": sorted(set(refused))}))
"""
HEALTH = "grpc.health.v1.Health/Check"
# Named in docs/ray.md: alive, and nothing else.
ALIVE = {"/api/healthz 200", "/api/local_raylet_healthz 200"}
ON_LOOPBACK = {"/ 200", "/api/gcs_healthz 200", "/api/authentication_mode 200"}


def audit(cluster, node, address):
    """What each port of a job answers to bob."""
    cluster.put("audit.py", AUDIT, user="bob")
    usual = ",".join(re.findall(r"listener on tcp6? port (\d+)", " ".join(cluster.usual[node]))) or "0"
    done = cluster.run(node, "python3", "/shared/home/bob/audit.py", address, usual, user="bob", timeout=120, check=True)
    return [json.loads(line) for line in done.out.splitlines()]


def answers(ports):
    """Answers beyond the health checks, and beyond the dashboard's page on loopback, which has no data in it."""
    found = []
    for port in ports:
        loopback = port["address"] == "127.0.0.1"
        found += [f"{port['address']}:{port['port']} {answer}" for answer in port["answered"]
                  if answer not in {HEALTH, *ALIVE} and not (loopback and answer in ON_LOOPBACK)]
    return found


def test_a_second_user_gets_nothing_from_any_port(cluster):
    job = cluster.submit(ray(f"python3 {with_driver(cluster, WAITS)} go"), "-wnode1,node2")
    job.wait_for("used 2 of 2 nodes", UP)
    for node, address in (("node1", "10.99.0.3"), ("node2", "10.99.0.4")):
        ports = audit(cluster, node, address)
        assert len(ports) >= 4, ports  # raylet's two, the runtime-env agent, a worker; the supervisor or the GCS
        assert answers(ports) == []
        assert any("UNAUTHENTICATED" in port["refused"] for port in ports), "nobody asked for a token: the test looks at the wrong ports"
    (job.directory / "go").write_text("")
    assert job.wait(30) == "COMPLETED", job.output


def test_a_kept_cluster_is_used_by_attach_and_its_dashboard_is_on_loopback(cluster):
    job = cluster.submit("#SBATCH -N2 --gpus-per-node=4 -wnode1,node2\nrailhead ray\n")
    job.wait_for("railhead attach", UP)
    assert re.search(r"dashboard, from your machine: ssh -N -L 8265:127\.0\.0\.1:\d+ -J login node1$", job.output, re.M), job.output
    assert f"http://localhost:8265 with the token of: railhead attach {job.number} -- sh" in job.output, job.output
    driver = "import ray; ray.init(logging_level='error'); print('gpus', ray.cluster_resources()['GPU'])"
    done = cluster.run("login", "railhead", "attach", str(job.number), "--", "python3", "-c", driver, user="alice", timeout=60)
    assert done.code == 0 and "gpus 8.0" in done.out, done.text
    done = cluster.run("login", "railhead", "attach", str(job.number), "--", "sh", "-c", "exit 9", user="alice", timeout=60)
    assert done.code == 9, done.text
    done = cluster.run("login", "railhead", "attach", str(job.number), user="bob", timeout=60)
    assert (done.code, done.out) == (100, "") and f"job {job.number} is of alice(" in done.err, done.text
    found = answers(audit(cluster, "node1", "10.99.0.3"))
    # docs/ray.md names the one that answers with the dashboard on: the metrics export. It answers to any path.
    assert found and len({line.split()[0] for line in found}) == 1, found
    job.cancel()
    job.wait(30)


def test_attach_finds_the_programs_of_the_job(cluster):
    cluster.put("venv/bin/only-in-the-job", "#!/bin/sh\necho here $VIRTUAL_ENV $RAY_ADDRESS\n")
    venv = "/shared/home/alice/venv"
    cluster.run("login", "chmod", "755", f"{venv}/bin/only-in-the-job", user="alice", check=True)
    job = cluster.submit(f"#SBATCH -N1 --gpus-per-node=4\nexport VIRTUAL_ENV={venv} PATH={venv}/bin:$PATH\nrailhead ray --dashboard off\n")
    job.wait_for("railhead attach", UP)
    done = cluster.run("login", "railhead", "attach", str(job.number), "--", "only-in-the-job", user="alice", timeout=60)
    assert done.code == 0 and re.fullmatch(rf"here {venv} \S+:\d+\n", done.out), done.text
    done = cluster.run("login", "railhead", "attach", str(job.number), "--", "nowhere", user="alice", timeout=60)
    assert done.code == 100 and "railhead: nowhere cannot be run: No such file or directory; check the command" in done.err, done.text
    job.cancel()
    job.wait(30)


def test_of_two_clusters_in_one_job_the_step_chooses_one(cluster):
    job = cluster.submit("#SBATCH -N1 --gpus-per-node=4\nrailhead ray --dashboard off &\nrailhead ray --dashboard off &\nwait\n")
    job.wait_for("the cluster is at(.*\n)*.*the cluster is at", UP)
    addresses = set(re.findall(r"the cluster is at (\S+);", job.output))

    def attach(target):
        return cluster.run("login", "railhead", "attach", target, "--", "sh", "-c", "echo $RAY_ADDRESS", user="alice", timeout=60)

    done = attach(str(job.number))
    assert done.code == 100 and f"job {job.number} has 2 clusters: {job.number}.0, {job.number}.1; name one of them" in done.err, done.text
    assert {attach(f"{job.number}.{step}").out.strip() for step in (0, 1)} == addresses and len(addresses) == 2
    job.cancel()
    job.wait(30)


@pytest.mark.slow
def test_ray_jobs_are_submitted_to_a_kept_cluster(cluster):
    job = cluster.submit("#SBATCH -N2 --gpus-per-node=4\nrailhead ray\n")
    job.wait_for("railhead attach", UP)
    where = re.search(r"8265:(127\.0\.0\.1:\d+)", job.output)[1]
    command = f"RAY_API_SERVER_ADDRESS=http://{where} ray job submit -- printenv RAILHEAD_NUM_GPUS RAILHEAD_NUM_NODES"
    done = cluster.run("login", "railhead", "attach", str(job.number), "--", "sh", "-c", command, user="alice", timeout=120)
    assert done.code == 0 and "\n8\n2\n" in done.text, done.text
    job.cancel()
    job.wait(30)
