"""The JSON of a launch is what docs/schema says."""

from __future__ import annotations

import json

from tests import schema

HEADER = "#SBATCH -N2 --gpus-per-node=1\n"


def test_the_report_of_a_good_launch_is_as_documented(cluster):
    job = cluster.submit(HEADER + "railhead run --report report.json -- true\n")
    assert job.wait() == "COMPLETED", job.output
    report = json.loads(job.read("report.json"))
    schema.check(report, "report")
    assert not schema.undocumented(report, "report")


def test_the_report_of_a_failed_launch_is_as_documented(cluster):
    job = cluster.submit(HEADER + "railhead run --report report.json -- no-such-program\n")
    job.wait()
    report = json.loads(job.read("report.json"))
    schema.check(report, "report")
    assert report["cause"]["kind"] == "bring-up-failed" and report["ready_s"] is None


def test_the_lines_of_progress_are_as_documented(cluster):
    job = cluster.submit(HEADER + "railhead run --json -- true 2> lines\n")
    assert job.wait() == "COMPLETED", job.output
    *progress, report = [json.loads(line) for line in job.read("lines").splitlines()]
    assert progress and report.pop("type") == "report" and report["exit_code"] == 0
    for line in progress:
        schema.check(line, "progress")
        assert not schema.undocumented(line, "progress")
    schema.check(report, "report")


def test_the_plan_is_as_documented(cluster):
    job = cluster.submit(HEADER + "railhead run --dry-run -- true > plan.json\nrailhead ray --dry-run -- true > ray.json\n")
    assert job.wait() == "COMPLETED", job.output
    for name in ("plan.json", "ray.json"):
        plan = json.loads(job.read(name))
        schema.check(plan, "plan")
        assert not schema.undocumented(plan, "plan")
