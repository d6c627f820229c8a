"""torchrun in the parts of a job: both components of a heterogeneous one, and twelve tasks of an array on few nodes."""

import json
import re

import pytest
from test_torchrun import CACHE

pytestmark = [pytest.mark.everywhere, pytest.mark.suites("bookworm")]

HET = "#SBATCH -N1 --gpus=2 -w node1\n#SBATCH hetjob\n#SBATCH -N1 --gpus-per-node=1 -w node2\n"
# Waits for all tasks of an array: they run at the same time.
SUM = """
import glob, os, time, torch, torch.distributed as dist
dist.init_process_group("gloo")
open("task" + os.environ.get("SLURM_ARRAY_TASK_ID", ""), "w").close()
while len(glob.glob("task*")) < int(os.environ.get("SLURM_ARRAY_TASK_COUNT", 1)):
    time.sleep(0.1)
total = torch.tensor([float(os.environ["SLURM_JOB_ID"])])
dist.all_reduce(total)
print("rank", dist.get_rank(), "of", dist.get_world_size(), "on", os.environ["SLURMD_NODENAME"], "GPUs", os.environ["CUDA_VISIBLE_DEVICES"],
      "job", int(total) / dist.get_world_size(), "at", os.environ["MASTER_PORT"], os.environ["RAILHEAD_JOB_DIR"], flush=True)
dist.barrier()
dist.destroy_process_group()
os._exit(0)
"""
SAID = r"rank (\d) of (\d+) on (node\d) GPUs (\S+) job (\d+)\.0 at (\d+) (/tmp/rh-\S+)"


def test_one_torchrun_is_over_both_components_of_a_heterogeneous_job(cluster):
    cluster.put("sum.py", SUM)
    job = cluster.submit(HET + CACHE + "railhead torchrun -- ~/sum.py\n")
    assert job.wait(60) == "COMPLETED", job.output
    ranks = sorted(re.findall(SAID, job.output))
    assert [rank[:5] for rank in ranks] == [(str(number), "3", node, gpus, str(job.number)) for number, node, gpus in
                                           ((0, "node1", "0,1"), (1, "node1", "0,1"), (2, "node2", "0"))], job.output


def test_twelve_tasks_of_an_array_run_beside_each_other(cluster):
    cluster.put("sum.py", SUM)
    job = cluster.submit("#SBATCH --array=0-11 -N1 --gpus-per-node=1 -x node3,node4\n" + CACHE + "exec railhead torchrun --report $SLURM_ARRAY_TASK_ID.json -- ~/sum.py\n",
                         "--output=job.out", "--open-mode=append")
    assert job.wait(180) == "COMPLETED", job.output
    ranks = re.findall(SAID, job.output)
    assert len(ranks) == 12 and {rank[:2] for rank in ranks} == {("0", "1")}, job.output
    nodes = [rank[2] for rank in ranks]
    assert max(nodes.count(node) for node in nodes) >= 6, "they were to share nodes"
    for what in ((4,), (2, 5), (6,)):  # a job, a port of the node, a directory
        assert len({tuple(rank[index] for index in what) for rank in ranks}) == 12, job.output
    assert [json.loads(job.read(f"{task}.json"))["exit_code"] for task in range(12)] == 12 * [0]
