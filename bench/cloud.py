"""A real slurmctld over cloud nodes that need no daemons, with one submit plugin or another. For use in a build root that is thrown away."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

WORK = Path("/tmp/bench")
CONF = Path("/etc/slurm/slurm.conf")
UP_WITHIN = 60.0
LEAF = 32  # nodes below a switch
FLAT = "flat"  # no topology at all
OF_GPUS = "CPUs=96 RealMemory=1000000 Gres=gpu:h100:8"
BARE = "CPUs=1 RealMemory=1000"  # for jobs of whole nodes: the same choice of nodes, ten times as fast
AS_USER = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(*command: str) -> str:
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def plugin_folder() -> Path:
    return next(Path("/usr/lib").glob("*/slurm-wlm"))


def prepare(built: str = "") -> None:
    """Installs our plugin, if any, and starts munged, in a network namespace of its own."""
    WORK.mkdir(mode=0o755)
    run("ip", "address", "add", "10.98.0.1/32", "dev", "lo")  # slurmctld listens nowhere where there is only 127.0.0.1
    if built:
        shutil.copy(built, plugin_folder() / "job_submit_railhead.so")
    munge = pwd.getpwnam("munge")
    key = Path("/etc/munge/munge.key")
    key.parent.mkdir(exist_ok=True)
    key.unlink(missing_ok=True)
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    for folder in (Path("/run/munge"), Path("/var/log/munge"), Path("/var/lib/munge"), key.parent, key):
        if not folder.exists():
            folder.mkdir(parents=True)
        os.chown(folder, munge.pw_uid, munge.pw_gid)
    Path("/run/munge").chmod(0o755)
    run("setpriv", "--reuid=munge", "--regid=munge", "--clear-groups", "munged", "--force")


def node_name(number: int, nodes: int) -> str:
    return f"n{number:0{len(str(nodes))}}"


def leaves_in_order(nodes: int) -> str:
    """A topology.conf in which neighbours are on one leaf."""
    leaves = max(1, nodes // LEAF)
    per = nodes // leaves
    ends = [(i * per + 1, nodes if i == leaves - 1 else (i + 1) * per) for i in range(leaves)]
    lines = [f"SwitchName=su{i} Nodes=n[{node_name(low, nodes)[1:]}-{node_name(high, nodes)[1:]}]" for i, (low, high) in enumerate(ends)]
    return "\n".join([*lines, f"SwitchName=spine Switches=su[0-{leaves - 1}]"]) + "\n"


def configure(nodes: int, plugin: str, policy: str, topology: str, node: str) -> None:
    CONF.parent.mkdir(exist_ok=True)
    host = run("hostname").strip()
    CONF.write_text(f"""ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation=/tmp/bench/state
SlurmctldPidFile=/tmp/bench/slurmctld.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
{"" if topology == FLAT else "TopologyPlugin=topology/tree"}
TreeWidth=65533
MaxJobCount=200000
MinJobAge=2
ResumeProgram=/bin/true
SuspendProgram=/bin/true
SuspendTime=3600
ResumeTimeout=3600
SlurmctldParameters=cloud_dns
SchedulerParameters=bf_interval=2,sched_interval=2,bf_max_job_test=2000,default_queue_depth=1000
SlurmctldDebug=error
SlurmctldLogFile=/tmp/bench/slurmctld.log
{f"JobSubmitPlugins={plugin}" if plugin != "none" else ""}
NodeName=n[{node_name(1, nodes)[1:]}-{nodes}] {node} State=CLOUD
PartitionName=gpu Nodes=ALL Default=YES MaxTime=1-0 State=UP
""", encoding="utf-8")
    (CONF.parent / "gres.conf").write_text("", encoding="utf-8")
    (CONF.parent / "cgroup.conf").write_text("CgroupPlugin=disabled\n", encoding="utf-8")
    (CONF.parent / "topology.conf").write_text("" if topology == FLAT else topology or leaves_in_order(nodes), encoding="utf-8")
    (CONF.parent / "railhead.toml").write_text(f"[submit]\n{policy}\n", encoding="utf-8")


class Controller:
    """slurmctld from an empty state, with one plugin. `policy`: lines below [submit]. `judges`: the plugin refuses what no node has.
    `topology`: the text of topology.conf, or FLAT. `node`: what each has. `up_s`: how long it took to answer."""

    def __init__(self, nodes: int, plugin: str, policy: str = "", judges: bool = False, environment: dict[str, str] | None = None,
                 topology: str = "", node: str = OF_GPUS) -> None:
        self.judges = judges
        configure(nodes, plugin, policy, topology, node)
        shutil.rmtree(WORK / "state", ignore_errors=True)
        (WORK / "state").mkdir()
        self.process = subprocess.Popen(["slurmctld", "-D", "-c"], stderr=subprocess.DEVNULL, env={**os.environ, **(environment or {})})

    def __enter__(self) -> Controller:
        began = time.monotonic()
        give_up = began + UP_WITHIN
        while subprocess.run(["scontrol", "ping"], stdout=subprocess.DEVNULL).returncode != 0:
            if time.monotonic() > give_up or self.process.poll() is not None:
                raise SystemExit(f"slurmctld did not come up within {UP_WITHIN:.0f} s: {(WORK / 'slurmctld.log').read_text()[-2000:]}")
            time.sleep(0.2)
        self.up_s = time.monotonic() - began
        # A plugin that judges refuses a type that nobody has; until then Railhead has not read the nodes yet.
        while self.judges and "is not in partition" not in (said := wrong_job()):
            if time.monotonic() > give_up:
                raise SystemExit(f"the plugin does not judge: {said}")
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(60)


def wrong_job() -> str:
    command = [*AS_USER, "sbatch", "--hold", "--chdir=/tmp", "--output=/dev/null", "--gpus-per-node=v100:1", "--wrap=true"]
    return subprocess.run(command, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr
