"""Several programs in one launch, each on nodes of its own or shared ones: `railhead run --group`."""

import json
import re

import pytest

pytestmark = pytest.mark.suites("trixie")

HEADER = "#SBATCH -N3\n"
TRAINER = """mkdir -p public && echo weights > public/model
cat > train.py <<'EOF'
import os, urllib.request
model = urllib.request.urlopen(f"http://{os.environ['RAILHEAD_GROUP_SERVER_ADDR']}:8731/model").read().decode().strip()
print("got", model, *[os.environ[name] for name in ("RAILHEAD_GROUP", "RANK", "WORLD_SIZE", "SLURMD_NODENAME")])
EOF
"""
WHERE = "sh -c 'echo $RAILHEAD_GROUP $RANK of $WORLD_SIZE on $SLURMD_NODENAME'"
HET = "#SBATCH -N1 --gpus=2 -w node1\n#SBATCH hetjob\n#SBATCH -N2 --gpus-per-node=1 -w node2,node3\n"


def groups(*parts: str, options: str = "", header: str = HEADER) -> str:
    """A part is a group: its options, two dashes and its command."""
    return f"{header}railhead run {options} --report report.json {' '.join(parts)}\n"


def test_a_trainer_finds_the_server_that_is_ready(cluster):
    parts = ["--group server=0 --ready http:8731/model -- python3 -m http.server 8731 --directory public", "--group train=1-2 -- python3 train.py"]
    job = cluster.submit(groups(*parts, header=HEADER + TRAINER))
    assert job.wait() == "COMPLETED", job.output
    for rank in range(2):
        assert f"got weights train {rank} 2 node{rank + 2}" in job.output, job.output
    assert "group server: 1 rank on node1, ready by http:8731/model" in job.output, job.output
    assert json.loads(job.read("report.json"))["exit_code"] == 0


def test_groups_share_a_node_and_wait_for_a_line_a_file_and_a_port(cluster):
    parts = ["--group first=node2 --ready 'line:loaded [0-9]+ layers' -- sh -c 'sleep 1; echo loaded 7 layers; exec sleep 300'",
             "--group second=node2 --ready file:second.up -- sh -c 'sleep 1; : > second.up; exec sleep 300'",
             "--group third=0 --ready=port:8732 -- python3 -m http.server 8732",
             "--group last=all --per-node=2 -- sh -c 'test -e second.up && echo last $RANK $LOCAL_RANK $WORLD_SIZE'"]
    job = cluster.submit(groups(*parts))
    assert job.wait() == "COMPLETED", job.output
    for rank in range(6):
        assert f"last {rank} {rank % 2} 6" in job.output, job.output


def test_parts_of_a_heterogeneous_job_are_groups(cluster):
    job = cluster.submit(groups(f"--group a=het:0 -- {WHERE}", f"--group b=het:1 -- {WHERE}", header=HET))
    assert job.wait() == "COMPLETED", job.output
    for line in ("a 0 of 2 on node1", "a 1 of 2 on node1", "b 0 of 2 on node2", "b 1 of 2 on node3"):
        assert line in job.output, job.output


def test_a_server_that_dies_is_named_with_the_end_of_its_log(cluster):
    parts = ["--group server=1 --ready line:serving -- sh -c 'echo serving; sleep 2; echo out of pages; exit 3'", "--group train=0 -- sleep 300"]
    job = cluster.submit(groups(*parts))
    job.wait()
    assert job.exit_code == 105, job.output
    assert "server.0 on node2 ended with exit code 3" in job.output, job.output
    assert "out of pages" in job.output, job.output
    cause = json.loads(job.read("report.json"))["cause"]
    assert (cause["process"], cause["node"]) == ("server.0", "node2")


def test_a_rank_that_fails_ends_the_server(cluster):
    job = cluster.submit(groups("--group server=0 --ready port:8733 -- python3 -m http.server 8733", "--group train=0-1 -- sh -c 'exit $((7 * RANK))'"))
    job.wait()
    assert job.exit_code == 7, job.output
    assert "train.1 on node2 ended with exit code 7" in job.output, job.output


@pytest.mark.parametrize(("server", "seen", "log"), [("sleep 300", "Connection refused", "still loading"), ("python3 -m http.server 8734", "404", "GET /health")])
def test_a_gate_that_never_opens_is_named_by_the_time_out(cluster, server, seen, log):
    parts = [f"--group server=0 --ready http:8734/health -- sh -c 'echo still loading; exec {server}'", "--group train=1 -- true"]
    job = cluster.submit(groups(*parts, options="--bringup-timeout=5s"))
    job.wait()
    assert job.exit_code == 103, job.output
    assert f"still missing server.0 on node1 (http:8734/health: {seen}), train.0 on node2 (not started)" in job.output, job.output
    assert log in job.output, job.output


def test_a_file_of_an_earlier_run_opens_no_gate(cluster):
    parts = ["--group server=0 --ready file:up -- sh -c 'sleep 2; echo new >up; exec sleep 300'", "--group train=1 -- cat up"]
    for header in ("echo old >up; touch -d '1 hour ago' up\n", "echo old >up\n"):
        job = cluster.submit(groups(*parts, header=HEADER + header))
        assert job.wait() == "COMPLETED", job.output
        assert "new" in job.output and "old" not in job.output, job.output


@pytest.mark.parametrize(("path", "code", "said"), [
    (".", 102, r"node1: server.0: /\S+/\. is a folder \(expected a file that is written when the process is ready\); name one in that folder"),
    ("no/up", 103, r"still missing server.0 on node1 \(file:no/up: its folder /\S+/no is not there\)")])
def test_a_file_that_cannot_be_is_said(cluster, path, code, said):
    job = cluster.submit(groups(f"--group server=0 --ready file:{path} -- sleep 300", "--group train=1 -- true", options="--bringup-timeout=3s"))
    job.wait()
    assert job.exit_code == code and re.search(said, job.output), job.output


def test_a_port_of_another_program_is_said_before_the_server_starts(cluster):
    other = "python3 -m http.server 8736 >/dev/null 2>&1 &\nsleep 1\n"
    job = cluster.submit(groups("--group server=node1 --ready port:8736 -- touch started", "--group train=1 -- true", header=f"#SBATCH -w node[1-3]\n{other}"))
    job.wait()
    assert job.exit_code == 102, job.output
    assert "node1: server.0: port 8736 is taken by another program, which would be ready in its place; choose another port" in job.output, job.output
    assert not (job.directory / "started").exists()


def test_nodes_and_programs_that_are_not_there_are_named(cluster):
    job = cluster.submit(groups("--group server=0-7 -- true"))
    job.wait()
    assert job.exit_code == 100, job.output
    assert "--group server=0-7 names place 3 (expected 0 to 2: the launch has 3 nodes)" in job.output, job.output
    job = cluster.submit(groups("--group a=0 -- true", "--group b=1 -- no-such-program"))
    job.wait()
    assert job.exit_code == 102, job.output
    assert "--group b: node2" in job.output, job.output
    assert "no-such-program" in job.output, job.output


def test_without_ranks_services_stay_until_they_are_cancelled(cluster):
    job = cluster.submit(groups("--group server=all --ready port:8735 -- python3 -m http.server 8735"))
    job.wait_for("ready by port:8735")
    assert job.show()["JobState"] == "RUNNING"
    job.cancel()
    job.wait()
    assert "cancelled" in job.output, job.output
