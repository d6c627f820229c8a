"""JSON that programs read is what docs/schema says. Report and plan need a job: tests/cluster/test_documents.py."""

from __future__ import annotations

import json
import subprocess
import sys

import tree
from programs import railhead

sys.path.insert(0, str(tree.TOP))
from tests import schema  # noqa: E402


def test_config_show_is_as_documented() -> None:
    done = subprocess.run([railhead(), "config", "show", "--json"], stdout=subprocess.PIPE, text=True, timeout=10)
    document = json.loads(done.stdout)
    schema.check(document, "config")
    assert not schema.undocumented(document, "config")


def test_what_is_said_of_nccls_logs_is_as_documented(tmp_path) -> None:
    log = tmp_path / "nccl.log"
    log.write_text("n1:1:1 [0] NCCL INFO Channel 00/0 : 0[0] -> 1[0] [send] via NET/Socket/0\nNCCL version 2.18.3+cuda12.2\n")
    done = subprocess.run([railhead(), "check", "nccl-log", "--json", "--pairs", log], stdout=subprocess.PIPE, text=True, timeout=10)
    assert done.returncode == 1
    document = json.loads(done.stdout)
    schema.check(document, "nccl-log")
    assert not schema.undocumented(document, "nccl-log")
    assert [finding["id"] for finding in document["findings"]] == ["nccl-fallback", "nccl-incomplete"]


def test_what_is_said_of_a_node_is_as_documented() -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/", "NCCL_SOCKET_IFNAME": "=none", "NCCL_IB_DISABL": "1"}
    for words, name in ((["check", "node"], "check"), (["check", "nccl-env"], "check"), (["env"], "env")):
        done = subprocess.run([railhead(), *words, "--json"], stdout=subprocess.PIPE, text=True, timeout=10, env=environment)
        document = json.loads(done.stdout)
        schema.check(document, name)
        assert not schema.undocumented(document, name)


def test_the_checker_sees_what_is_wrong() -> None:
    one = {"type": "object", "required": ["a"], "properties": {"a": {"type": ["integer", "null"]}, "b": {"enum": ["x"]}}}
    assert schema.problems({"a": 1, "b": "x", "more": 1}, one) == []
    assert schema.problems({"b": "y"}, one) == ["$ has no a", "$.b is 'y', none of ['x']"]
    assert schema.problems({"a": True}, one) == ["$.a is true, not ['integer', 'null']"]
    assert schema.problems([], one) == ["$ is [], not object"]
