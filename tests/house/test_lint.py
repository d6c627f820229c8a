"""`railhead lint` as a program, away from any cluster: a saved inventory, scripts that are right and wrong."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from programs import railhead

INVENTORY = """\
AccountingStorageType   = (null)
NodeName=node1 CPUTot=16 AvailableFeatures=ib Gres=gpu:h100:8 RealMemory=32000 State=IDLE
NodeName=node2 CPUTot=16 AvailableFeatures=ib Gres=gpu:h100:8 RealMemory=32000 State=IDLE
NodeName=cpu1 CPUTot=8 AvailableFeatures=(null) Gres=(null) RealMemory=16000 State=IDLE
PartitionName=gpu AllowGroups=ALL Default=YES Hidden=NO MaxNodes=UNLIMITED MaxTime=1-00:00:00 Nodes=node[1-2] OverSubscribe=NO State=UP
PartitionName=cpu AllowGroups=ALL Default=NO Hidden=NO MaxNodes=UNLIMITED MaxTime=1-00:00:00 Nodes=cpu1 OverSubscribe=NO State=UP
"""
RIGHT = "#!/bin/sh\n#SBATCH --partition=gpu --nodes=2 --gpus-per-node=h100:8\n#SBATCH hetjob\n#SBATCH --partition=cpu --ntasks=1\nsrun hostname\n"


def lint(folder: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "inventory").write_text(INVENTORY)
    (folder / "job.sh").write_text(script)
    call = [railhead(), "lint", "--inventory", "inventory", "job.sh"]
    return subprocess.run(call, cwd=folder, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


def test_a_right_script_has_no_finding(tmp_path):
    done = lint(tmp_path, RIGHT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_wrong_component_is_named_with_its_line(tmp_path):
    done = lint(tmp_path, RIGHT.replace("--ntasks=1", "--gpus=1"))
    assert done.returncode == 1 and done.stdout.startswith("job.sh:3: error: gpu:1 is asked of partition cpu, which has no GPUs"), done.stdout


def test_what_the_environment_asks_for_counts(tmp_path):
    done = lint(tmp_path, "#!/bin/sh\n#SBATCH --gpus=1\nsrun hostname\n", SBATCH_PARTITION="cpu")
    assert done.returncode == 1 and "is asked of partition cpu" in done.stdout, done.stdout
