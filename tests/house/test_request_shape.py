"""What shape_of() leaves out of a submission, two submissions may differ in and be taken for one: it must know all that request_from() reads."""

from __future__ import annotations

import re
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "slurm/abi/request.cpp"
# Only how a GRES per node was spelled, which tells nothing where there is one; and what placement_of() reads for both.
APART = {"script", "submit_line", "spank_job_env", "spank_job_env_size"}


def test_every_field_of_a_request_is_in_its_shape() -> None:
    before, shape = SOURCE.read_text(encoding="utf-8").split("std::uint64_t shape_of(")
    shape = shape.partition("bool is_known_by_shape(")[0]
    fields = {part: set(re.findall(r"\bjob\.(\w+)", part)) for part in (before, shape)}
    assert fields[before] > APART
    assert not fields[before] - fields[shape] - APART
