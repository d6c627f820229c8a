"""What the railhead program says to a command line that it cannot take, where there is no cluster."""

from __future__ import annotations

import subprocess

import pytest
from programs import railhead

TWO_DASHES = "after two dashes there is no command: name one, or leave the dashes out; a variable that should hold it is empty"


def call(*words: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([railhead(), *words], text=True, capture_output=True, timeout=10, check=False, env=environment)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("ray --", TWO_DASHES),
        ("attach 12 --", TWO_DASHES),
        ("foo", "foo is no command of railhead (it has ray, torchrun, mpi, run, attach, config, policy, check, env, lint, inventory, topology and sweep); see railhead --help"),
        ("config shw", "shw is no command of railhead config (it has show and check); see railhead config --help"),
        ("ray --hed-gpus 2", "--hed-gpus is no option of railhead ray; see railhead ray --help"),
        ("ray --hed-gpus=2 --foo", "--hed-gpus is no option of railhead ray; see railhead ray --help"),
        ("ray --head-gpus -1", '--head-gpus: expected a whole number from 0, but this is "-1"; see railhead ray --help'),
        ("ray --head-cpus x", '--head-cpus: expected a whole number from 0, but this is "x"; see railhead ray --help'),
        ("torchrun --nproc-per-node 0 -- a.py", '--nproc-per-node: expected auto or a number from 1 to 9999, but this is "0"; see railhead torchrun --help'),
        ("torchrun --nnodes=2 -- a.py", "--nnodes is railhead's to say: it knows the nodes; leave it out; see railhead torchrun --help"),
        ("mpi", "railhead mpi was given no program; put it after two dashes: railhead mpi -- PROGRAM"),
        ("torchrun", "railhead torchrun was given no script; put it after two dashes: railhead torchrun -- SCRIPT"),
        ("torchrun --elastic 4:2 -- a.py", "--elastic 4:2 is no range of nodes (expected MIN:MAX, such as 2:4)"),
        ("run --ready port:80 -- serve", "--ready requires --group; see railhead run --help"),
        ("run --group a=0 --ready tcp:1 -- serve", "--ready tcp:1 is no gate (expected port:N, http:N/PATH, file:PATH or line:REGEX)"),
        ("run --group a=0 -- serve --group=a=1 -- train", "--group a=1 has the name of another, a (expected a name of its own, also in capitals and with _ for -)"),
        ("run --srun-arg=-N1 -- true", "--srun-arg=-N1 is railhead's to say: its step has one agent on each node of the job, and railhead alone ends it; "
         "leave it out; ask sbatch or salloc for other nodes"),
        ("run --srun-arg=--nodelist=n1 -- true", "--srun-arg=--nodelist=n1 is railhead's to say: its step has one agent on each node of the job, and railhead alone "
         "ends it; leave it out; ask sbatch or salloc for other nodes"),
        ("ray train.py", 'railhead ray does not take "train.py" (a command of yours goes after two dashes); see railhead ray --help'),
    ],
)
def test_first_wrong_word_is_named_as_it_was_typed(line: str, sentence: str) -> None:
    done = call(*line.split())
    assert (done.returncode, done.stderr) == (100, f"railhead: {sentence}\n")


def test_a_settings_file_that_is_named_must_be_there(tmp_path) -> None:
    done = call("config", "check", str(tmp_path / "none.toml"))
    assert done.returncode == 1
    assert done.stderr == f"railhead: {tmp_path}/none.toml: there is no such file; name the settings file to check\n"


def test_ones_own_settings_file_is_checked_with_a_users_rights(tmp_path) -> None:
    own = tmp_path / "railhead/config.toml"
    own.parent.mkdir()
    own.write_text("[submit]\nrefresh = 5\n")
    done = call("config", "check", str(own), environment={"XDG_CONFIG_HOME": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr == f"railhead: {own}:2:11: submit.refresh may be set by the site only; remove it\n"


def test_what_github_reads_cannot_be_ended_by_a_script(tmp_path) -> None:
    script = tmp_path / "a,b:c.sh"
    script.write_text("#!/bin/sh\n#SBATCH -N1\ntorchrun --master_port 29500 train%.py\n")
    done = call("lint", "--offline", "--format=github", str(script))
    said = done.stdout.splitlines()
    assert done.returncode == 1 and said and all(line.startswith("::") for line in said), done
    assert all(f"file={tmp_path}/a%2Cb%3Ac.sh," in line for line in said), said
    assert any(line.endswith("SLURM_JOB_ID %25 10000))") for line in said), said
