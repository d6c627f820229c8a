"""What tests/run counts, and what it shows of a failed case."""

from __future__ import annotations

import sys

import tree

sys.path.insert(0, str(tree.TOP))
from tests.runner import counts  # noqa: E402


def test_a_failed_case_is_shown_whatever_follows_it(tmp_path) -> None:
    said = "launcher/agent.cpp:12: what was seen and what was expected of it"
    report = tmp_path / "junit.xml"
    report.write_text(
        f'<testsuite><testcase classname="Agent" name="ends"><failure>Failed</failure><system-out>{said}</system-out></testcase>'
        '<testcase classname="Agent" name="begins"/><testcase classname="Agent" name="waits"><skipped message="no reason"/></testcase></testsuite>'
    )
    counted = counts.from_junit(report)
    assert (str(counted), counted.failures, counted.skips) == ("1 passed, 1 failed, 1 skipped", [f"Agent.ends: {said}"], ["Agent.waits: no reason"])
    assert counted.details == [f"Agent.ends\n{said}"]
