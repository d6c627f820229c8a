"""From a bare machine to a result: builds Railhead, makes a four-node Slurm cluster, and runs a sweep on it with Ray."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sandbox import host, roots
from sandbox.buildroot import build
from sandbox.cluster import Cluster, Wanted
from sandbox.host import SandboxError
from sandbox.layers import SUITES
from sandbox.state import locked
from sandbox.testing import FINAL, Done, Job, TestCluster

TEMPLATES = host.CHECKOUT / "templates"
SILENCE_SECONDS = 15.0
JOB_SECONDS = 300.0  # more than the sweep needs on one slow core
OVER = re.compile(rf"^(?:{FINAL})$")
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOST: set[int] = set()  # descriptors of output that nobody reads any more


def show(text: str = "") -> None:
    print(text, flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """A heading, and how long what follows took."""
    show(f"\n== {title}")
    started = time.monotonic()
    yield
    show(f"   ({time.monotonic() - started:.1f} s)")


def drop_lost_output() -> bool:
    """Whether a reader or the terminal has gone; what is printed there from then on goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        end = select.poll()
        end.register(stream.fileno(), 0)  # errors and hang-ups are always told
        if end.poll(0):
            os.dup2(nowhere, stream.fileno())
            LOST.add(stream.fileno())
    os.close(nowhere)
    return bool(LOST)


def ignore_ends(handler: Callable[..., object] | signal.Handlers) -> None:
    for number in ENDS:
        signal.signal(number, handler)


def take_down(cluster: Cluster) -> None:
    """To the end, whoever goes meanwhile: a closed terminal sends its signal more than once, and the shell its own."""
    ignore_ends(signal.SIG_IGN)
    drop_lost_output()
    started = time.monotonic()
    with contextlib.suppress(OSError):
        show("\n== The cluster is taken down")
    cluster.down()
    show(f"   ({time.monotonic() - started:.1f} s)")


def set_up(suite: str, cluster: Cluster) -> None:
    jobs = os.cpu_count() or 2
    with step(f"Root file systems of Debian {suite} with Slurm and Ray (built once, then kept)"):
        roots.ensure("bookworm", ["build"])
        roots.ensure(suite, ["slurm", "ray", "build"])
    with step("Build: the railhead program, static, and the two Slurm plugins"):
        build("bookworm", "release", [], jobs)
        build(suite, "plugins", [], jobs)
    with step("A Slurm cluster: controller, login node, four nodes with eight GPUs, three others"):
        cluster.down()  # what a killed demo left
        cluster.up(Wanted(suite))


def shown(test: TestCluster, command: list[str], chdir: str) -> Done:
    """A command of the user on the login node, and what it says, as on a terminal."""
    show(f"alice@login$ {' '.join(command)}")
    done = test.alice(*command, chdir=chdir)
    show(done.text.rstrip())
    return done


def wrong_job(test: TestCluster, folder: str) -> None:
    with step("A job that cannot run: the partition has no A100"):
        done = shown(test, ["sbatch", "--gpus-per-node=a100:8", "ray.sbatch"], folder)
        if done.code == 0:
            number = re.findall(r"\d+", done.out)[-1]
            test.run("ctl", "scancel", number)
            raise SandboxError(f"The job with a wrong GPU type was accepted as {number}: is the submit plugin loaded?")
        if "railhead: " not in done.text:
            raise SandboxError("The wrong job was refused by Slurm, not by the submit plugin: see `sandbox/cluster logs ctl`.")


def follow(test: TestCluster, job: Job, output: Path) -> str:
    """Shows the job's output as it grows; returns the state in which it ended."""
    seen, state, asked, said = 0, "", 0.0, time.monotonic()
    deadline = time.monotonic() + JOB_SECONDS
    while True:
        text = output.read_bytes() if output.exists() else b""
        if len(text) > seen:
            sys.stdout.buffer.write(text[seen:])
            sys.stdout.buffer.flush()
            seen, said = len(text), time.monotonic()
        if OVER.match(state):
            return state
        if time.monotonic() > deadline:
            job.cancel()
            raise SandboxError(f"The job {job.number} is {state} after {JOB_SECONDS:.0f} s; it is cancelled.")
        if time.monotonic() - asked > 0.5:
            state, asked = job.show()["JobState"], time.monotonic()
        if time.monotonic() - said > SILENCE_SECONDS:
            show(f"(job {job.number} is {state}, and has printed nothing for {SILENCE_SECONDS:.0f} s)")
            said = time.monotonic()
        time.sleep(0.1)


def good_job(test: TestCluster, folder: str) -> int:
    with step("The sweep: 12 trainings as Ray tasks over four nodes"):
        show((test.home() / "demo/ray.sbatch").read_text())
        done = shown(test, ["sbatch", "ray.sbatch"], folder)
        number = re.findall(r"\d+", done.out)
        if done.code != 0 or not number:
            raise SandboxError("The sweep was refused.")
        job = Job(test, int(number[-1]), "demo", "alice")
        state = follow(test, job, test.home() / f"demo/sweep-{job.number}.out")
        show(f"job {job.number}: {state}, exit code {job.exit_code}")
    report = test.home() / f"demo/sweep-{job.number}.json"
    if report.exists():
        show(f"\n== The launch report, sweep-{job.number}.json")
        show(report.read_text().rstrip())
    return job.exit_code


def demo(options: argparse.Namespace) -> int:
    host.require_host()
    started = time.monotonic()
    cluster = Cluster(options.name)
    if cluster.is_up():
        raise SandboxError(f"The cluster {options.name} is up, and the demo makes its own: `sandbox/cluster down --name {options.name}` takes it down.")
    try:
        set_up(options.suite, cluster)
        test = TestCluster(cluster)
        for name in ("ray.sbatch", "sweep.py"):
            test.put(f"demo/{name}", (TEMPLATES / name).read_text())
        folder = "/shared/home/alice/demo"
        wrong_job(test, folder)
        code = good_job(test, folder)
    finally:
        if not options.keep:
            take_down(cluster)
    show(f"\nThe whole demo took {time.monotonic() - started:.0f} s.")
    if options.keep:
        show(f"The cluster is up: `sandbox/cluster login --name {options.name}`; `sandbox/cluster down --name {options.name}` takes it away.")
    return code


def end(number: int, _: object) -> None:
    ignore_ends(lambda *_: None)  # the next may come before the cluster is taken down; Python complains of a late SIG_IGN
    raise KeyboardInterrupt(number)


def main() -> int:
    parser = argparse.ArgumentParser("sandbox/demo", description=__doc__)
    parser.add_argument("--suite", choices=SUITES, default="trixie", help="bookworm: Slurm 22.05, trixie: 24.11 (default), sid: 26.05")
    parser.add_argument("--name", default="demo", help="name of the cluster (default demo)")
    parser.add_argument("--keep", action="store_true", help="leave the cluster up")
    options = parser.parse_args()
    for number in ENDS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, end)  # the cluster goes as with Ctrl-C
    try:
        with locked(f"{options.name}/demo", 0, f"Another sandbox/demo with the cluster {options.name} is running: give this one another --name."):
            return demo(options)
    except SandboxError as error:
        host.say(f"sandbox/demo: {error}")
        return error.status or 1
    except KeyboardInterrupt as told:
        drop_lost_output()
        return 128 + told.args[0]
    except OSError:
        if not drop_lost_output():
            raise
        return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(main())
