"""Ten cases of the fault campaign (tests/run faults)."""

import pytest
from tests.runner.faults import Case, run_case

CASES = [
    Case("node killed", "run", "run", "shrink:2"),
    Case("node frozen", "end", "run", "fail"),
    Case("node cut off", "run", "run", "spare:1"),
    Case("cut off for a while", "start", "run", "restarts"),
    Case("/tmp filled", "start", "run", "fail"),
    Case("out of memory", "run", "run", "restarts"),
    Case("agent killed", "run", "run", "requeue"),
    Case("rank killed", "run", "run", "restarts"),
    Case("supervisor killed", "start", "run", "fail"),
    Case("slurmctld restarted", "run", "run", "fail"),
]


@pytest.mark.parametrize("case", CASES, ids=Case.text)
def test_a_launch_that_is_harmed_ends_as_it_should_and_leaves_nothing(cluster, case):
    result = run_case(cluster, case)
    assert not result.problem, result.line()
