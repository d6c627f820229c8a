"""A job of more priority takes the nodes, as the site has it: at once or with time to go, and the job is requeued or ends."""

import json

import pytest
from test_run_ends import FOREVER
from test_run_ends import run as launch

PREEMPT = "PreemptType=preempt/partition_prio\nPreemptMode=REQUEUE\nPartitionName=urgent Nodes=node[1-4] PriorityTier=9 PreemptMode=OFF State=UP\n"
PATIENT = "PartitionName={name} Nodes=node[1-4] PriorityTier=1 PreemptMode={mode} GraceTime={grace} State=UP\n"
SITES = {"dies": ("CANCEL", 0), "waits": ("CANCEL", 60), "again": ("REQUEUE", 0), "saves": ("REQUEUE", 60)}


@pytest.mark.everywhere
def test_preemption_is_told_apart_from_scancel_and_the_job_goes_back_where_it_can(cluster, conf):
    """Four launches, a node and a kind of site each, and one job that takes all nodes."""
    partitions = "".join(PATIENT.format(name=name, mode=mode, grace=grace) for name, (mode, grace) in SITES.items())
    conf({"/etc/slurm/slurm.conf": lambda old: old + PREEMPT + partitions})
    script = launch(FOREVER, "--per-node 1 --at-limit requeue", "#SBATCH -N1 --exclusive --requeue\n").replace("railhead run", "exec railhead run")
    jobs = {name: cluster.submit(script, "-p", name, "--gpus-per-node=1", name=name) for name in SITES}
    for job in jobs.values():
        job.wait_for("rank 0 runs", 30)
    urgent = cluster.submit("exec sleep 300\n", "-p", "urgent", "-N4", "--exclusive", "--gpus-per-node=1")
    urgent.wait_for("", 40)
    for name, job in jobs.items():
        mode, grace = SITES[name]
        told = cluster.suite != "sid" or (mode, grace) != ("REQUEUE", 0)  # 26.05 says in no place why it requeues at once
        assert ("preempted: Slurm gives the nodes to another job" in job.output) == told, job.output
        report = json.loads(job.read("report.json"))
        assert (report["exit_code"], report["cause"]["kind"]) == ((108, "preempted") if told else (109, "cancelled")), report
        ours = cluster.suite == "bookworm" and grace > 0  # which would take it for a job that failed
        assert ("goes back to the queue (requeue 1 of 3)" in job.output) == ours, job.output
        facts = job.show()
        again = mode == "REQUEUE" or ours
        assert (facts["JobState"], facts["Restarts"]) == (("PENDING", "1") if again else ("PREEMPTED", "0")), facts
        job.cancel()
    urgent.cancel()
