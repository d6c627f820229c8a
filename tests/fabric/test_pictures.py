"""The pictures of docs/topology.md are what the program draws; several sources and several faults at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests/house"))
sys.path.insert(0, str(TOP))
from programs import railhead  # noqa: E402
from tests import schema  # noqa: E402

SHAPE = ["synth", "--nodes", "8", "--rails", "4", "--unit", "4", "--spines", "2"]
FAULTS = ["--fault", "lost-cable", "--fault", "swapped-rails", "--fault", "slow-link", "--seed", "3"]


def topology(*words: str, text: str | None = None) -> str:
    done = subprocess.run([railhead(), "topology", *words], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.parametrize(("name", "options"), [("rails", []), ("faults", FAULTS)])
def test_a_picture_is_what_the_program_draws(name, options):
    drawn = topology("draw", "--from", "ibnetdiscover", text=topology(*SHAPE, *options))
    assert drawn == (TOP / f"docs/pictures/{name}.svg").read_text(), f"draw it anew: railhead topology {' '.join([*SHAPE, *options])} | railhead topology draw"
    assert f"pictures/{name}.svg" in (TOP / "docs/topology.md").read_text()


def test_every_fault_that_is_asked_for_is_there():
    report = topology("report", "--from", "ibnetdiscover", text=topology(*SHAPE, *FAULTS))
    assert all(f"[{each}]" in report for each in ("rail-missing", "rail-swapped", "link-slow")), report


def test_sources_lie_side_by_side(tmp_path):
    (tmp_path / "one").write_text(topology(*SHAPE))
    (tmp_path / "two").write_text(topology(*SHAPE, "--host", "other"))
    (tmp_path / "nvl").write_text("".join(f"node{n}, {1 if n < 5 else 2:08x}-0000-1111-2222-333333333333, 0\n" for n in range(1, 9)))
    both = ["--from", f"ibnetdiscover:{tmp_path}/one", "--from", f"ibnetdiscover:{tmp_path}/two"]
    assert topology("generate", *both).count("SwitchName=") == 7, "two fabrics of two groups each, and a root"
    assert topology("generate", "--separate-fabrics", *both).count("SwitchName=") == 6
    domains = topology("generate", *both[:2], "--from", f"nvlink:{tmp_path}/nvl", "--to", "block")
    assert domains == "BlockName=nvl-00000001-0 Nodes=node[1-4]\nBlockName=nvl-00000002-0 Nodes=node[5-8]\nBlockSizes=4,8\n"
    yaml = topology("generate", *both[:2], "--from", f"nvlink:{tmp_path}/nvl", "--to", "yaml")
    assert yaml.startswith("---\n- topology: default\n") and "- topology: nvlink\n" in yaml
    alone = topology("generate", "--from", f"nvlink:{tmp_path}/nvl", "--to", "yaml")
    assert alone.startswith("---\n- topology: default\n  cluster_default: true\n  block:\n"), alone


@pytest.mark.parametrize(("words", "said"), [
    (["generate", "--json", "--to", "yaml", "--from", "ibnetdiscover"], "--to excludes --json"),
    (["generate", "--block-size", "4", "--from", "ibnetdiscover"], "--block-size means nothing with --to tree (expected --to block or --to yaml)"),
    (["order", "--json", "--form", "slots", "--nodes", "node1", "--from", "ibnetdiscover"], "--json excludes --form"),
    (["order", "--json", "--tasks-per-node", "2", "--nodes", "node1", "--from", "ibnetdiscover"], "--json excludes --tasks-per-node"),
    (["score", "--nodes", "node1", "--plane", "storage", "-"], "--plane requires --from"),
    (["order", "--nodes", "node[1,9]", "--from", "ibnetdiscover"], "warning: 1 node is in no group: node9; it comes last [node-unknown]"),
    (["draw", "--mark", "node[8-10]", "--from", "ibnetdiscover"], "warning: 2 of 3 nodes of --mark (node[9-10]) are not in the picture [node-unknown]"),
    (["generate", "--map", "MAP", "--from", "ibnetdiscover"], "warning: 2 lines of the map file (0x0000000000000001, other) name nothing in the fabric; look for a slip, or leave them out [map-unused]"),
])
def test_what_would_have_no_effect_is_said(tmp_path, words, said):
    (tmp_path / "map").write_text("0x1 node1\nother node2\n")
    words = [str(tmp_path / "map") if word == "MAP" else word for word in words]
    done = subprocess.run([railhead(), "topology", *words], input=topology(*SHAPE), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    assert said in done.stderr
    assert done.returncode == (0 if "warning" in said else 100)


def test_the_json_is_as_documented(tmp_path):
    (tmp_path / "nvl").write_text("node1, 00000001-0000-1111-2222-333333333333, 0\n")
    fabric = topology(*SHAPE, "--storage", "2", *FAULTS)
    text = topology("generate", "--json", "--from", "ibnetdiscover", "--from", f"nvlink:{tmp_path}/nvl", "--nodes", "node[1-9]", text=fabric)
    document = json.loads(text)
    schema.check(document, "topology")
    assert not schema.undocumented(document, "topology")
    assert document["nvlink_domains"] and document["findings"] and document["pods"]
