"""The README's first command, as a person types it; on a machine where its parts are built already."""

import os
import re
import subprocess

from sandbox import host


def test_the_demo_shows_the_refusal_the_sweep_and_the_report():
    name = f"demo-{os.getpid()}"
    done = subprocess.run([str(host.CHECKOUT / "sandbox/demo"), "--name", name], text=True, capture_output=True, timeout=400, check=False)
    said = done.stdout
    assert done.returncode == 0, said + done.stderr
    refusal = "sbatch: error: railhead: gpu:a100 is not in partition gpu (has h100 x 8 on 4 nodes); try --gpus-per-node=h100:8"
    table = [line for line in said.splitlines() if re.match(r" +0\.\d+ +\d+ +0\.\d+ +[\d.]+  node\d  +\d", line)]
    assert len(table) == 12, said
    best = re.search(r"^best: accuracy 0\.9\d+ with learning rate 0\.\d+ and batch size \d+$", said, re.M)
    used = "work was done on 4 of 4 nodes: node1, node2, node3, node4"
    leaves = "2 leaf groups: leaf1 (node[1-2]), leaf2 (node[3-4])"
    places = [said.find(text) for text in (refusal, best[0] if best else "no best", used, leaves, '"exit_code": 0', "The whole demo took")]
    assert -1 not in places and places == sorted(places), said
    status = subprocess.run([str(host.CHECKOUT / "sandbox/cluster"), "status", "--name", name], text=True, capture_output=True, timeout=60, check=False)
    assert status.returncode != 0, "the demo has left its cluster"
