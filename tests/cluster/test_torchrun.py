"""`railhead torchrun` with PyTorch itself. To import it costs seconds of CPU for each torchrun and each rank: so few launches show much."""

import json
import re

import pytest
from test_ray_ends import rule

pytestmark = [pytest.mark.everywhere, pytest.mark.suites("bookworm")]

# PyTorch's own cache, which is else in /tmp for the user's next job.
CACHE = "export TORCHINDUCTOR_CACHE_DIR=$PWD/cache\n"
PAIR = "#SBATCH -N2 --gpus-per-node=1\n"
CODE = "echo code $?\n"

# The digits classifier by full-batch gradient descent: each rank has an equal share, and DDP's mean of their gradients is that of all.
TRAIN = """
import os, socket, torch
import torch.distributed as dist
from sklearn.datasets import load_digits

torch.set_num_threads(1)
torch.manual_seed(0)
rank, world = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
attempt = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0)) + int(os.environ.get("RAILHEAD_RESTARTS", 0))
model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)).double()
begin = 0
if world > 1:
    dist.init_process_group("gloo")
    if os.path.exists("checkpoint"):
        begin, state = torch.load("checkpoint").values()
        model.load_state_dict(state)
    wrong = [name for name in os.environ if name.startswith(("PMI", "PMIX", "OMPI")) or name in ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_STEP_ID")]
    print(f"rank {rank} of {world} on {socket.gethostname()} begins at {begin}, attempt {attempt}, misled by {wrong}, job {os.environ['SLURM_JOB_ID'] != ''}", flush=True)
    trained = torch.nn.parallel.DistributedDataParallel(model)
else:
    trained = model
digits = load_digits()
images, labels = torch.tensor(digits.data[:1792] / 16)[rank::world], torch.tensor(digits.target[:1792])[rank::world]
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for step in range(begin, 60):
    if step == 40 and rank == 2 and attempt == 0:
        os._exit(9)
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(trained(images), labels)
    loss.backward()
    optimizer.step()
    if step == 29 and rank == 0 and world > 1:
        torch.save({"step": step + 1, "model": model.state_dict()}, "checkpoint")
total = loss.detach()
if world > 1:
    dist.all_reduce(total)
if rank == 0:
    print(f"loss {total.item() / world:.9f}", flush=True)
if world > 1:
    dist.barrier()
    os._exit(0)  # templates/train.py says why
"""


@pytest.mark.parametrize("restart", ["--max-restarts 1", "--restarts 1"], ids=["torchrun's", "ours"])
def test_digits_are_trained_on_four_nodes_over_a_restart_to_the_loss_of_one(cluster, restart):
    cluster.put("train.py", TRAIN)
    lying = "export PMI_RANK=7 OMPI_COMM_WORLD_RANK=7 RANK=99 WORLD_SIZE=100 MASTER_ADDR=no-such-host MASTER_PORT=1 PET_NNODES=9\n"
    script = "#SBATCH -N4 --gpus-per-node=1\n" + CACHE + "python3 ~/train.py >alone\n" + lying
    script += f"exec railhead torchrun {restart} --report report.json -- ~/train.py\n"
    job = cluster.submit(script)
    assert job.wait(120) == "COMPLETED", job.output
    assert "4 ranks on 4 nodes in this order: node1, node2, node3, node4" in job.output
    for rank in range(4):
        for begin in (0, 30):
            assert re.search(rf"rank {rank} of 4 on node{rank + 1} begins at {begin}, attempt [01], misled by \[\], job True", job.output), job.output
    loss = float(re.search(r"^loss (.*)", job.read("alone"), re.M)[1])
    assert loss < 1.5, "it has not learnt"
    assert float(re.search(r"loss (.*)", job.output)[1]) == pytest.approx(loss, abs=1e-6)
    assert json.loads(job.read("report.json"))["exit_code"] == 0


FAIL = """
import os, time
open(f"pid-{os.environ['RANK']}", "w").write(str(os.getpid()))
print("rank", os.environ["RANK"], "runs", flush=True)
while not os.path.exists("rank-2-fails") or os.environ["RANK"] != "2":
    time.sleep(0.05)
raise ValueError("loss is nan at step 210")
"""


def test_first_failure_is_named_in_tasks_of_an_array_and_in_steps_of_srun(cluster):
    cluster.put("fail.py", FAIL)
    script = f"{PAIR}#SBATCH --array=0-1\n{CACHE}mkdir $SLURM_ARRAY_TASK_ID; cd $SLURM_ARRAY_TASK_ID\n"
    script += "[ $SLURM_ARRAY_TASK_ID = 0 ] || options='--elastic 1:2'\n"
    script += "exec srun railhead torchrun $options --nproc-per-node 2 --report report.json -- ~/fail.py >out 2>&1\n"
    job = cluster.submit(script)
    for task in "01":
        for rank in range(4):
            job.wait_for(rf"rank {rank} runs", 60, name=f"{task}/out")
    cluster.put(f"{job.folder}/0/rank-2-fails", "")
    cluster.run("node1", "kill", "-9", job.read("1/pid-1"), check=True)
    job.wait(60)
    first, second = (json.loads(job.read(f"{task}/report.json")) for task in "01")
    assert first["exit_code"] == 1 and second["exit_code"] == 137
    log = first["cause"].pop("log")
    assert log.endswith("_stderr.log") and "/node2/" in log and "loss is nan" in job.read(f"0/{log}")
    assert first["cause"] | {"log_tail": []} == {
        "kind": "exit", "process": "torchrun.node2", "node": "node2", "rank": 2, "log_tail": [],
        "sentence": "rank 2 on node2 ended with exit code 1: ValueError: loss is nan at step 210"}
    assert first["cause"]["log_tail"][-1] == "ValueError: loss is nan at step 210"
    assert (second["cause"]["rank"], second["cause"]["node"]) == (1, "node1")
    assert second["cause"]["sentence"] == "rank 1 on node1 was killed by SIGKILL"
    for report in (first, second):
        assert all("SIGTERM" in victim["sentence"] for victim in report["victims"]), report["victims"]


def test_only_the_ranks_that_were_asked_for_are_shown(cluster):
    job = cluster.submit(PAIR + CACHE + "railhead torchrun --nproc-per-node 2 --ranks 1 --no-python -- sh -c 'echo rank $RANK runs'\n")
    assert job.wait(60) == "COMPLETED", job.output
    assert re.findall(r"rank \d runs", job.output) == ["rank 1 runs"], job.output


# A torchrun before which, the first time, somebody takes the port that it was given.
THIEF = """#!/bin/sh
case "$*" in *--node-rank=0* | *is_host=true*)
    port=$(echo "$*" | sed -E 's/.*(--master-port=|--rdzv-endpoint=[0-9.]+:)([0-9]+).*/\\2/')
    if [ ! -e stolen ]; then
        echo $port >stolen
        python3 -c "import socket, sys, time; s = socket.socket(); s.bind(('', $port)); s.listen(); time.sleep(60)" &
    fi
esac
exec torchrun "$@"
"""


@pytest.mark.parametrize("rendezvous", ["", "--max-restarts 1"], ids=["static", "c10d"])
def test_a_port_that_another_program_takes_is_another_one_the_next_time(cluster, rendezvous):
    cluster.put("thief", THIEF, mode=0o755)
    job = cluster.submit(PAIR + CACHE + f"railhead torchrun --torchrun ~/thief {rendezvous} --no-python -- sh -c 'echo rank $RANK at port $MASTER_PORT'\n" + CODE)
    job.wait_for("^code 0", 60)
    stolen = job.read("stolen").strip()
    assert f"port {stolen} of node1 was taken by another program before torchrun.node1 had it; starting again with another (1 of 3)" in job.output, job.output
    ports = re.findall(r"rank \d at port (\d+)", job.output)
    assert len(ports) == 2 and len(set(ports)) == 1 and stolen not in ports, job.output
    job.wait()


def test_the_ranks_are_warned_and_torchrun_is_not(cluster):
    program = r'trap "echo rank \$RANK saves; exit 0" USR2; echo up; while :; do sleep 0.1; done'
    job = cluster.submit(PAIR + "#SBATCH -t 1\n" + CACHE + f"railhead torchrun --warn-before 50 --no-python -- sh -c '{program}'\n" + CODE)
    job.wait_for("^code 0", 60)
    assert all(f"rank {rank} saves" in job.output for rank in (0, 1)), job.output
    job.wait()


def test_what_cannot_work_is_said_before_the_start(cluster):
    cluster.run("node1", "sh", "-c", "echo >/opt/alone.py", check=True)
    # From the login node: there the supervisor's port is not that of torchrun.
    call = ("salloc", "-N2", "--gpus-per-node=1", "railhead", "torchrun")
    try:
        done = cluster.alice(*call, "--", "/opt/alone.py")
    finally:
        cluster.run("node1", "rm", "/opt/alone.py", check=True)
    assert done.code == 102, done.text
    assert "node2: /opt/alone.py cannot be read: No such file or directory (expected the script on every node)" in done.err
    done = cluster.alice(*call, "--torchrun", "/no/torchrun", "--no-python", "--", "true")
    assert done.code == 102 and "node1: /no/torchrun is not an executable file there" in done.err, done.text
    done = cluster.alice(*call, "--elastic", "3:4", "--no-python", "--", "true")
    assert done.code == 100 and "--elastic 3:4 does not hold the 2 nodes of the job" in done.err, done.text
    with rule(cluster, "node2", *"to 10.99.0.3 ipproto tcp dport 26000-26200 prohibit".split()):
        done = cluster.alice(*call, "--ports", "26000-26200", "--no-python", "--", "true")
    assert done.code == 102 and done.seconds < 10, done.text
    assert re.search(r"reach\.node2 on node2 ended with exit code 1: it cannot connect to node1 at 10\.99\.0\.3:26\d\d\d \(Permission denied\); "
                     "choose a network on which it does with --interface or --subnet", done.err), done.err
