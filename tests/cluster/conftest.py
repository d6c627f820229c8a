"""Fixtures of the cluster tests: one cluster per suite and session, and after every test a look at each node for what is left.

`sandbox/pytest --suite=bookworm tests/cluster/test_x.py`. A cluster that is up already is used with --cluster NAME (or
RAILHEAD_CLUSTER) and left up. RAILHEAD_NO_SKIPS=1 makes skips failures.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sandbox import roots  # noqa: E402
from sandbox.cluster import STATE, Cluster, Wanted  # noqa: E402
from sandbox.host import SandboxError  # noqa: E402
from sandbox.layers import SUITES, TORCH_SUITES  # noqa: E402
from sandbox.testing import TestCluster  # noqa: E402

LEFT_WITHIN = 5.0  # seconds after a test in which its jobs' ends must be over
SIZES = pytest.StashKey()


def pytest_addoption(parser):
    group = parser.getgroup("cluster")
    group.addoption("--suite", choices=SUITES, default=os.environ.get("RAILHEAD_SUITE", "trixie"))
    group.addoption("--cluster", default=os.environ.get("RAILHEAD_CLUSTER", ""), help="use this running cluster and leave it up")


def pytest_configure(config):
    config.addinivalue_line("markers", "everywhere: runs on every suite, the others on the default one")
    config.addinivalue_line("markers", "slow: mostly waits; tests/run runs these beside the others, on a cluster of their own")
    config.addinivalue_line("markers", "suites(*names): runs only on these suites")
    config.addinivalue_line("markers", "leaves_faults: the test leaves nodes as they are and heals them itself")


def pytest_collection_modifyitems(config, items):
    """What another run covers is deselected, not skipped: a skip is something that should have run here."""
    suite = config.getoption("--suite")
    away = []
    for item in items:
        only = item.get_closest_marker("suites")
        if only and suite not in only.args:
            away.append(item)
    if away:
        config.hook.pytest_deselected(items=away)
        items[:] = [item for item in items if item not in away]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("RAILHEAD_NO_SKIPS") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped, and RAILHEAD_NO_SKIPS is 1: {report.longrepr[2]}"
    cluster = item.funcargs.get("cluster") if hasattr(item, "funcargs") else None
    if report.failed and cluster is not None and cluster.cluster.is_up():
        report.sections += cluster.log_ends(item.stash.get(SIZES, {}))


@pytest.fixture(scope="session")
def suite(request) -> str:
    return request.config.getoption("--suite")


@pytest.fixture(scope="session")
def session_cluster(request, suite):
    """The session's cluster; tests use `cluster`."""
    name = request.config.getoption("--cluster")
    cluster = Cluster(name or f"test-{suite}-{os.getpid()}")
    if name:
        cluster.require_up()
        yield TestCluster(cluster)
        return
    skip_if_broken(suite)
    remove_abandoned()
    cluster.up(Wanted(suite, torch=suite in TORCH_SUITES, mpi=True))
    try:
        yield TestCluster(cluster)
    finally:
        cluster.down()


def remove_abandoned() -> None:
    """Clusters of test sessions that were killed."""
    for place in STATE.glob("test-*-*"):
        owner = place.name.rpartition("-")[2]
        if owner.isdigit() and not Path("/proc", owner).exists():
            Cluster(place.name).down()


def skip_if_broken(suite: str) -> None:
    """sid moves: a mirror that cannot give it is a reason to skip, said in full."""
    try:
        roots.ensure(suite, ["slurm", "torch" if suite in TORCH_SUITES else "ray", "mpi"])
    except SandboxError as error:
        if suite != "sid":
            raise
        pytest.skip(f"sid cannot be built today: {error}")


@pytest.fixture
def cluster(request, session_cluster) -> TestCluster:
    """A cluster with idle nodes and nothing of an earlier test; afterwards nothing may be left on any node."""
    test = session_cluster
    test.test = re.sub(r"\W+", "-", request.node.name)[:40].strip("-")
    test.jobs = []
    request.node.stash[SIZES] = test.log_sizes()
    yield test
    test.end_background()
    hurt = False
    if not request.node.get_closest_marker("leaves_faults"):
        hurt = test.heal_all()
    left = test.nothing_left(LEFT_WITHIN + (10 if hurt else 0))
    if left:
        test.sweep()
    test.wait_idle(60)
    if left:
        pytest.fail("The test left this behind:\n" + "\n".join(left[:40]), pytrace=False)


@pytest.fixture
def conf(cluster):
    """Changes slurm.conf and topology.conf; afterwards the old ones hold again."""
    from submits import held, wait_until

    paths = ("/etc/slurm/slurm.conf", "/etc/slurm/topology.conf")
    old = {path: cluster.run("ctl", "cat", path, check=True).out for path in paths}

    def write(files: dict[str, str]) -> None:
        for path, text in files.items():
            cluster.run("ctl", "sh", "-c", f"cat >{path}", input=text, check=True)
        cluster.run("ctl", "scontrol", "reconfigure", check=True)
        wait_until("the plugin judges again", lambda: "railhead: " in held(cluster, "--gpus-per-node=no-such-type:1")[0].err, within=60)

    yield lambda files: write({path: change(old[path]) for path, change in files.items()})
    write(old)
