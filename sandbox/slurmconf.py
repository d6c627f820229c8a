"""The configuration files of a cluster: pure functions from what it is to their text."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.inventory import CLUSTER, CONTROLLER, NODE_CPUS, NODE_MEMORY, NODE_SOCKETS, Node, leaf_groups

SPOOL, LOGS = "/var/lib/slurm", "/var/log/slurm"
# A container's run time that works in a sandbox: no cgroups of its own, no daemon. Slurm gives the step's environment as a file of
# NUL-separated NAME=VALUE (oci.conf(5), %e); it must not pass through a command line.
OCI = """IgnoreFileConfigJson=true
CreateEnvFile=null
RunTimeQuery="true"
RunTimeKill="true"
RunTimeDelete="true"
RunTimeRun="bash /etc/slurm/container-run %e %r %@"
"""
CONTAINER_RUN = """environment=$1 root=$2
shift 2
mapfile -d '' -t variables < "$environment"
while IFS='=' read -r name; do unset "$name" 2> /dev/null; done < <(compgen -e)
for variable in "${variables[@]}"; do export "${variable?}"; done
exec bwrap --bind "$root" / --proc /proc --dev /dev --bind /tmp /tmp --bind /shared /shared \\
    --ro-bind /var/lib/slurm/slurmd /var/lib/slurm/slurmd --chdir / "$@"  # a batch script lies there
"""
# 22.05 knows neither IgnoreFileConfigJson nor %@: what it wants run stands in its copy of the bundle's config.json.
OCI_22_05 = """RunTimeQuery="cat /etc/slurm/container-state"
RunTimeKill="true"
RunTimeDelete="true"
RunTimeRun="python3 /etc/slurm/container-run %b"
"""
CONTAINER_STATE = """{"ociVersion": "1.0.0", "id": "any", "status": "stopped", "bundle": "any"}
"""
CONTAINER_RUN_22_05 = """import json, os, sys
with open(sys.argv[1] + "/config.json") as file:
    config = json.load(file)
process = config["process"]
sources = {mount["destination"]: mount["source"] for mount in config.get("mounts", [])}  # a batch script is to be at /tmp/slurm/startup
command = [sources.get(word, word) for word in process["args"]]
os.execve("/usr/bin/bwrap", ["bwrap", "--bind", config["root"]["path"], "/", "--proc", "/proc", "--dev", "/dev", "--bind", "/tmp", "/tmp",
          "--bind", "/shared", "/shared", "--ro-bind", "/var/lib/slurm/slurmd", "/var/lib/slurm/slurmd", "--chdir", "/", *command],
          dict(word.split("=", 1) for word in process["env"]))
"""
ACCOUNTING_SQL = """CREATE DATABASE IF NOT EXISTS slurm_acct_db;
CREATE USER IF NOT EXISTS 'slurm'@'localhost' IDENTIFIED BY 'slurm';
GRANT ALL ON slurm_acct_db.* TO 'slurm'@'localhost';
"""


@dataclass(frozen=True)
class Shape:
    """What the files depend on. `cgroups` is v1, v2 or off."""

    suite: str
    count: int
    nodes: tuple[Node, ...]
    cgroups: str
    accounting: bool
    job_submit: bool
    spank: bool


def slurm_conf(shape: Shape) -> str:
    real = shape.cgroups != "off"
    lines = [
        f"ClusterName={CLUSTER}", f"SlurmctldHost={CONTROLLER}", "AuthType=auth/munge", "CredType=cred/munge", "SlurmUser=slurm",
        f"StateSaveLocation={SPOOL}/slurmctld", f"SlurmdSpoolDir={SPOOL}/slurmd",
        "SlurmctldPidFile=/run/slurmctld.pid", "SlurmdPidFile=/run/slurmd.pid",
        f"SlurmctldLogFile={LOGS}/slurmctld.log", f"SlurmdLogFile={LOGS}/slurmd.log", "SlurmctldDebug=info", "SlurmdDebug=info",
        f"ProctrackType=proctrack/{'cgroup' if real else 'linuxproc'}", f"TaskPlugin=task/{'cgroup' if real else 'none'}",
        "JobAcctGatherType=jobacct_gather/linux", "MpiDefault=none", "GresTypes=gpu",
        "SelectType=select/cons_tres", "SelectTypeParameters=CR_Core_Memory", f"DefMemPerCPU={NODE_MEMORY // NODE_CPUS}",
        "SlurmdParameters=config_overrides", "ReturnToService=2", "TopologyPlugin=topology/tree",
        # A node that is silent for 20 s is unharmed; jobs end fast.
        "SlurmdTimeout=60", "MessageTimeout=20", "KillWait=5", "UnkillableStepTimeout=120", "InactiveLimit=0", "BatchStartTimeout=60",
        "JobRequeue=0", "SchedulerParameters=bf_interval=2,sched_interval=5",
    ]
    if shape.job_submit:
        lines.append("JobSubmitPlugins=railhead")
    if shape.accounting:
        lines += ["AccountingStorageType=accounting_storage/slurmdbd", f"AccountingStorageHost={CONTROLLER}",
                  "AccountingStorageTRES=gres/gpu", "AccountingStoreFlags=job_script"]
    lines += [node_line(shape, node) for node in grouped(shape)]
    default = f"gpu Nodes={hosts('node', shape.count)} Default=YES"
    lines += [f"PartitionName={text} MaxTime=1-0 State=UP" for text in (default, "a100 Nodes=a100-[1-2]", "cpu Nodes=cpu1")]
    return "\n".join(lines) + "\n"


def hosts(prefix: str, count: int) -> str:
    return f"{prefix}[1-{count}]" if count > 1 else f"{prefix}1"


def grouped(shape: Shape) -> list[tuple[str, Node]]:
    by_kind = {node.partition: node for node in shape.nodes if node.role == "compute"}
    names = {"gpu": hosts("node", shape.count), "a100": "a100-[1-2]", "cpu": "cpu1"}
    return [(names[partition], node) for partition, node in by_kind.items()]


def node_line(shape: Shape, group: tuple[str, Node]) -> str:
    names, node = group
    gres = f" Gres=gpu:{node.gpu_type}:{node.gpus}" if node.gpus else ""
    return f"NodeName={names} CPUs={NODE_CPUS} Sockets={NODE_SOCKETS} CoresPerSocket={NODE_CPUS // NODE_SOCKETS} RealMemory={NODE_MEMORY}{gres} State=UNKNOWN"


def gres_conf(shape: Shape) -> str:
    lines = ["AutoDetect=off"]
    for names, node in grouped(shape):
        if node.gpus:
            lines.append(f"NodeName={names} Name=gpu Type={node.gpu_type} File=/dev/nvidia[0-{node.gpus - 1}]")
    return "\n".join(lines) + "\n"


def topology_conf(shape: Shape) -> str:
    leaves = leaf_groups(shape.count)
    lines = [f"SwitchName={name} Nodes={','.join(nodes)}" for name, nodes in leaves.items()]
    return "\n".join([*lines, f"SwitchName=spine Switches={','.join(leaves)}"]) + "\n"


def cgroup_conf(shape: Shape) -> str:
    if shape.cgroups == "off":
        # 22.05 knows no "disabled", and its version 1 is content with an empty folder.
        return "CgroupPlugin=cgroup/v1\n" if shape.suite == "bookworm" else "CgroupPlugin=disabled\n"
    lines = [f"CgroupPlugin=cgroup/{shape.cgroups}", "ConstrainRAMSpace=yes", "ConstrainDevices=yes", "ConstrainSwapSpace=yes"]
    if shape.cgroups == "v2":
        lines += ["IgnoreSystemd=yes"] + (["EnableControllers=yes"] if shape.suite != "bookworm" else [])
    return "\n".join(lines) + "\n"


def slurmdbd_conf() -> str:
    lines = ["AuthType=auth/munge", f"DbdHost={CONTROLLER}", "SlurmUser=slurm", f"LogFile={LOGS}/slurmdbd.log", "PidFile=/run/slurmdbd.pid",
             "StorageType=accounting_storage/mysql", "StorageHost=localhost", "StorageUser=slurm", "StoragePass=slurm",
             "StorageLoc=slurm_acct_db"]
    return "\n".join(lines) + "\n"


def hosts_file(nodes: tuple[Node, ...]) -> str:
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost"]
    lines += [f"{node.address} {node.name}" for node in nodes]
    return "\n".join(lines) + "\n"


def files(shape: Shape) -> dict[str, str]:
    """Path below / to text, of the files that are alike on all nodes."""
    found = {
        "etc/slurm/slurm.conf": slurm_conf(shape), "etc/slurm/gres.conf": gres_conf(shape), "etc/slurm/topology.conf": topology_conf(shape),
        "etc/slurm/cgroup.conf": cgroup_conf(shape), "etc/hosts": hosts_file(shape.nodes), "etc/resolv.conf": "",
    }
    old = shape.suite == "bookworm"
    found["etc/slurm/oci.conf"] = OCI_22_05 if old else OCI
    found["etc/slurm/container-run"] = CONTAINER_RUN_22_05 if old else CONTAINER_RUN
    if old:
        found["etc/slurm/container-state"] = CONTAINER_STATE
    if shape.accounting:
        found |= {"etc/slurm/slurmdbd.conf": slurmdbd_conf(), "etc/slurm/accounting.sql": ACCOUNTING_SQL}
    return found
