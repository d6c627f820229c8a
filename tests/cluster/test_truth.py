"""A small run of tests/truth: what Slurm runs on an idle cluster without the plugin is never refused by the plugin."""

import json
import os
import subprocess

from sandbox import host


def test_no_request_that_slurm_runs_is_refused(suite):
    command = ["tests/truth", f"--suite={suite}", f"--name=test-truth-{os.getpid()}", "--requests=15", "--seed=4"]
    done = subprocess.run(command, cwd=host.CHECKOUT, text=True, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["runnable"] + figures["rejected_by_slurm"] + figures["pends_forever"] == 15, figures
    assert figures["runnable"] >= 5 and figures["false_refusals"] == 0, done.stdout
