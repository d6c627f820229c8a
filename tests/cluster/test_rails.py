"""Tasks get the variables and CPUs of their rails, and steps are kept from bad nodes, by the SPANK plugin; of a machine that machine.sh describes."""

import json
import re
from pathlib import Path

import pytest

from tests import schema

pytestmark = pytest.mark.everywhere

MACHINE = "/opt/machine"
POLICY = "/etc/slurm/railhead.toml"
NODES = ("node1", "node2")
SHOW = ("sh", "-c", "echo $SLURMD_NODENAME $SLURM_LOCALID HCA $NCCL_IB_HCA IF $NCCL_SOCKET_IFNAME UCX $UCX_NET_DEVICES NIC $RAILHEAD_NIC "
                    "OMP $OMP_NUM_THREADS CPUS $(sed -n 's/Cpus_allowed_list:.//p' /proc/self/status)")
HCA = "=mlx5_0:1,mlx5_1:1,mlx5_2:1,mlx5_3:1"
BAD = "error: node1: the limit of locked memory is 8 MiB (expected unlimited, for RDMA); set LimitMEMLOCK=infinity for slurmd"


@pytest.fixture(autouse=True)
def machine(cluster):
    script = Path(__file__).with_name("machine.sh").read_text(encoding="utf-8")
    before = {}
    for node in NODES:
        before[node] = cluster.run(node, "cat", POLICY, check=True).out
        cluster.run(node, "sh", "-s", MACHINE, input=script, check=True)
        cluster.run(node, "sh", "-c", f"cat >> {POLICY}", input=f'\n[node]\nroot = "{MACHINE}"\n', check=True)
    yield
    for node, text in before.items():
        cluster.run(node, "sh", "-c", f"cat > {POLICY}", input=text, check=True)
        cluster.run(node, "rm", "-r", MACHINE, check=True)


def shown(cluster, *options, environment=None):
    done = cluster.alice("srun", "-Q", "-wnode1", "-N1", *options, *SHOW, timeout=60, environment=environment)
    assert done.code == 0, done.text
    return sorted(done.out.splitlines())


def test_each_task_has_the_rail_of_its_gpu(cluster):
    expected = [f"node1 {task} HCA {HCA} IF =eth0 UCX mlx5_{3 - task}:1 NIC mlx5_{3 - task} OMP 1 CPUS {task % 2}" for task in range(4)]
    # All four see all GPUs, and local rank i uses GPU i; or each sees one, which Slurm calls 0.
    assert shown(cluster, "--gpus-per-node=4", "--ntasks-per-node=4", "-c1", "--rail-env=auto") == expected
    assert shown(cluster, "--gpus-per-task=1", "-n4", "-c1", "--rail-env=auto") == expected


def test_one_task_of_all_gpus_has_all_rails_and_sixteen_threads_are_nobodys_to_choose(cluster):
    said = shown(cluster, "--gpus-per-node=2", "-n1", "--rail-env=auto")
    assert said == [f"node1 0 HCA {HCA} IF =eth0 UCX mlx5_3:1,mlx5_2:1 NIC mlx5_3,mlx5_2 OMP CPUS 0-1"]


def test_what_the_user_has_set_stays(cluster):
    said = shown(cluster, "--gpus-per-node=1", "--rail-env=auto", environment={"NCCL_IB_HCA": "mine", "UCX_NET_DEVICES": "his"})
    assert re.match(r"node1 0 HCA mine IF =eth0 UCX his NIC mlx5_3 ", said[0])
    cluster.put(".nccl.conf", "NCCL_SOCKET_IFNAME=ib0\n")
    try:
        said = shown(cluster, "--gpus-per-node=1", "--rail-env=auto")
        assert re.match(rf"node1 0 HCA {HCA} IF UCX ", said[0]), said
    finally:
        (cluster.home() / ".nccl.conf").unlink()


def test_nothing_is_set_where_nobody_asks_or_there_is_no_gpu(cluster):
    for options in (["--gpus-per-node=1"], ["--gpus-per-node=1", "--rail-env=off"], ["--rail-env=auto"]):
        assert re.match(r"node1 0 HCA IF UCX NIC OMP ?CPUS ", shown(cluster, *options)[0]), options


def test_the_site_can_turn_it_on_and_a_job_off(cluster):
    cluster.run("node1", "sh", "-c", f"cat >> {POLICY}", input='\n[spank]\nenv = "auto"\n', check=True)
    assert f"HCA {HCA} " in shown(cluster, "--gpus-per-node=1")[0]
    assert "HCA IF " in shown(cluster, "--gpus-per-node=1", "--rail-env=off")[0]
    job = cluster.submit("echo batch $NCCL_IB_HCA.; srun -Q sh -c 'echo step $NCCL_IB_HCA.'\n", "-wnode1", "--gpus-per-node=1")
    job.wait()
    assert job.output == f"batch .\nstep {HCA}.\n", "what a batch script has would go on to nodes whose devices have other names"


def test_railhead_env_explains_each_value(cluster):
    done = cluster.run("node1", "railhead", "env", user="alice", check=True)
    assert done.out.splitlines() == [
        f"export NCCL_IB_HCA={HCA} # exactly these 4 ports, ACTIVE and near to the GPUs",
        "export NCCL_SOCKET_IFNAME==eth0 # on which the nodes meet",
        "# mlx5_4:1 is the nearest to no GPU, and is left out",
    ]
    cluster.run("node1", "sh", "-c", f"echo '1: DOWN' > {MACHINE}/sys/class/infiniband/mlx5_2/ports/1/state", check=True)
    told = json.loads(cluster.run("node1", "railhead", "env", "--json", user="alice", check=True).out)
    schema.check(told, "env")
    assert not schema.undocumented(told, "env")
    assert told["ports"] == ["mlx5_0:1", "mlx5_1:1", "mlx5_3:1"]
    assert {"port": "mlx5_2:1", "why": "is DOWN"} in told["left_out"]
    assert [gpu["port"] for gpu in told["gpus"]][0] == "mlx5_3:1" and told["gpus"][0]["cpus"] == "0"


def test_enforce_fails_the_job_and_no_node(cluster):
    options = ["-wnode1", "--gpus-per-node=1", "--rail-check=enforce"]
    end = "error: the step does not start on this node (--rail-check=enforce); leave the node out (--exclude), or give --rail-check=warn [rail-check]"
    for command in (["srun", "-Q", *options, "-n1", "echo", "ran"], ["salloc", "-Q", *options, "srun", "-n1", "echo", "ran"]):
        done = cluster.alice(*command, timeout=60)
        assert done.code == 101 and "ran" not in done.out.split(), done.text
        assert BAD in done.err and end in done.err, done.text
    job = cluster.submit("echo ran\n", *options)
    assert job.wait() == "FAILED" and BAD in job.output and end in job.output and "ran\n" not in job.output, job.output
    assert job.show()["ExitCode"] == "101:0"
    assert cluster.alice("sinfo", "-h", "-n", "node1", "-o", "%T %E").out.split() == ["idle", "none"]


def test_warn_says_it_once_a_node_and_the_job_runs(cluster):
    done = cluster.alice("srun", "-Q", "-wnode1", "-n2", "--gpus-per-node=1", "--rail-check=warn", "echo", "ran", timeout=60)
    assert done.code == 0 and done.out == "ran\nran\n" and done.err.count(BAD) == 1, done.text
    done = cluster.alice("srun", "-Q", "-wnode1", "-n1", "--gpus-per-node=1", "echo", "ran", timeout=60)
    assert done.code == 0 and "railhead" not in done.err, done.text


def test_a_node_whose_railhead_does_not_answer_is_no_bad_one(cluster):
    cluster.run("node1", "mv", "/usr/bin/railhead", "/usr/bin/railhead.away", check=True)
    try:
        done = cluster.alice("srun", "-Q", "-wnode1", "-n1", "--gpus-per-node=1", "--rail-check=enforce", "--rail-env=auto", "echo", "ran", timeout=60)
    finally:
        cluster.run("node1", "mv", "/usr/bin/railhead.away", "/usr/bin/railhead", check=True)
    assert done.code == 0 and done.out == "ran\n" and "railhead: unknown: " in done.err and "/usr/bin/railhead" in done.err, done.text


def test_a_mistyped_option_is_named(cluster):
    for option, words in {"--rail-check=hard": '--rail-check is "hard" (expected off, warn or enforce)', "--rail-env=on": '--rail-env is "on" (expected auto or off)'}.items():
        for command in ("srun", "salloc"):
            done = cluster.alice(command, option, "true")
            assert done.code != 0 and words in done.err, done.text
