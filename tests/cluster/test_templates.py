"""The templates of PyTorch on as many nodes as they ask for: each as it stands, but for where its output goes."""

import json
import os
import re

import pytest
from sandbox import host
from sandbox.cluster import Cluster, Wanted
from sandbox.testing import TestCluster

pytestmark = [pytest.mark.everywhere, pytest.mark.suites("bookworm")]


@pytest.fixture(scope="module")
def site(suite):
    """Eight nodes of GPUs."""
    cluster = Cluster(f"test-templates-{os.getpid()}")
    cluster.up(Wanted(suite, nodes=8, torch=True))
    try:
        yield TestCluster(cluster)
    finally:
        cluster.down()


@pytest.mark.parametrize(("name", "pattern"), [
    ("torchrun-node.sbatch", "on 8 ranks"), ("torchrun.sbatch", "on 8 ranks"), ("array.sbatch", "on 2 ranks")])
def test_a_template_trains_as_it_stands(site, name, pattern):
    folder = host.CHECKOUT / "templates"
    site.put("train.py", (folder / "train.py").read_text())
    site.put(name, (folder / name).read_text())
    number = site.alice("sbatch", "--parsable", "--wait", name, timeout=240)
    assert number.code == 0, number.text + site.run("login", "sh", "-c", "tail -n 30 /shared/home/alice/*.out").out
    outputs = site.run("login", "sh", "-c", f"cat /shared/home/alice/*-{number.out.strip()}*.out", check=True).out
    accuracies = re.findall(rf"accuracy (0\.\d+) after 60 epochs {pattern}", outputs)
    assert len(accuracies) == (4 if "array" in name else 1), outputs
    assert float(max(accuracies)) > 0.7, outputs
    reports = site.run("login", "sh", "-c", f"cat /shared/home/alice/*-{number.out.strip()}*.json", check=True).out
    assert all(json.loads(text + "}")["exit_code"] == 0 for text in reports.split("\n}\n") if text.strip()), reports
