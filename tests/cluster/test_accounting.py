"""A cluster with slurmdbd: jobs are remembered, and a QOS may lift the limits of a partition."""

from __future__ import annotations

import os
import re
import time

import pytest
from sandbox.cluster import Cluster, Wanted
from sandbox.inventory import CONTROLLER, LOGIN
from submits import wait_until

pytestmark = pytest.mark.everywhere
TOO_LONG = "railhead: --time=02:00:00 is more than partition brief allows (60); try --time=60 or --partition=gpu [time-limit]"
SCRIPT = "#!/bin/sh\n#SBATCH --partition=brief --gpus-per-node=8 --time=120\nsrun true\n"


class Site:
    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def root(self, *command: str) -> str:
        return self.cluster.run(CONTROLLER, list(command)).stdout

    def alice(self, *command: str, text: str | None = None) -> str:
        """All that is said."""
        options = {"input": text} if text is not None else {}
        done = self.cluster.run(LOGIN, list(command), user="alice", **options)
        return done.stdout + done.stderr

    def submit(self, *options: str) -> str:
        return self.alice("sbatch", "--partition=brief", "--gpus-per-node=8", "--time=120", "--output=/dev/null", *options, "--wrap=true")

    def lint(self) -> str:
        """By a saved inventory."""
        return self.alice("sh", "-c", "cd /tmp && railhead inventory save inventory && cat >job.sh && railhead lint --inventory inventory job.sh", text=SCRIPT)


@pytest.fixture(scope="module")
def site(suite):
    cluster = Cluster(f"kept-{suite}-{os.getpid()}")
    try:
        cluster.up(Wanted(suite, 1, True, "auto", False))
        site = Site(cluster)
        site.root("scontrol", "create", "partitionname=brief", "nodes=node1", "maxtime=60")
        yield site
    finally:
        cluster.down()


def test_jobs_are_remembered(site):
    assert site.alice("srun", "--gpus-per-node=8", "--job-name=kept", "true") == ""
    wait_until("the job in accounting", lambda: "kept|COMPLETED" in site.root("sacct", "-aXnP", "-o", "jobname,state"), within=30)
    replayed = site.root("railhead", "policy", "replay")
    assert "1 jobs; of 0 only the totals are on record; 0 lines could not be read\n" in replayed, replayed


def test_a_limit_holds_until_a_qos_lifts_it(site):
    wait_until("a refusal", lambda: TOO_LONG in site.submit())
    assert TOO_LONG.partition("railhead: ")[2] in site.lint(), "and so it is without a controller"
    site.root("sacctmgr", "-i", "add", "qos", "long", "flags=PartitionTimeLimit")
    wait_until("the QOS to be known", lambda: "Submitted" in site.submit("--qos=long"), within=45)
    wait_until("the job to run", lambda: re.fullmatch(r"((COMPLETED|COMPLETING)\n)+", site.root("sacct", "-aXnP", "--qos=long", "-o", "state")))
    assert "[time-limit]" not in site.lint()


def test_the_default_qos_of_a_user_lifts_a_limit_or_does_not(site):
    site.root("sacctmgr", "-i", "add", "qos", "late", "flags=PartitionTimeLimit")
    site.root("sacctmgr", "-i", "add", "account", "physics")
    site.root("sacctmgr", "-i", "add", "user", "alice", "account=physics", "qos=normal,late", "defaultqos=normal")
    wait_until("the QOS to be known", lambda: "Submitted" in site.submit("--qos=late"), within=45)
    wait_until("a refusal by the default QOS", lambda: TOO_LONG in site.submit(), within=45)
    site.root("sacctmgr", "-i", "modify", "user", "alice", "set", "defaultqos=late")
    wait_until("the new default to be known", lambda: "Submitted" in site.submit(), within=45)


def test_of_a_user_without_a_default_each_qos_that_he_may_use_counts(site):
    site.root("sacctmgr", "-i", "modify", "user", "alice", "set", "qos=normal,late", "defaultqos=-1")
    time.sleep(20)  # nothing tells that a limit is not known again
    assert "Submitted" in site.submit(), "late may be his"
    site.root("sacctmgr", "-i", "modify", "user", "alice", "set", "qos=normal")
    wait_until("a refusal, for normal alone is his", lambda: TOO_LONG in site.submit(), within=45)
