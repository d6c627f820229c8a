"""One node: a namespaced root with an init of its own, made from the cluster's layers; and commands run inside it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import signal
import struct
import sys
import termios
import tty
from dataclasses import dataclass
from pathlib import Path

from sandbox import syscalls as sc
from sandbox.cgroups import Groups
from sandbox.enter import make_devices
from sandbox.inventory import Node
from sandbox.network import Network

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHM_SIZE, TMP_SIZE = "4g", "4g"
NAMESPACES = ("mnt", "uts", "ipc", "net", "pid")
NVIDIA_MAJOR = 195  # without a driver behind it, opening says "no such device": Slurm only needs the file
START = "/usr/sbin/sandbox-node"

# Daemons run beside the init's only child, so that each can be stopped and started again.
START_SCRIPT = r"""#!/bin/sh
# What a node of the sandbox runs. A daemon that fails is named in /run/sandbox-failed.
keep() {
    ( "$@"; status=$?; [ "$status" = 0 ] || echo "$1 ended with exit code $status" >> /run/sandbox-failed ) &
}
install -d -o munge -g munge -m 755 /run/munge /var/log/munge
install -d -o munge -g munge -m 711 /var/lib/munge
ulimit -n "$(ulimit -Hn)"
setpriv --reuid=munge --regid=munge --clear-groups munged || echo "munged ended with exit code $?" >> /run/sandbox-failed
wait_for() {
    for _ in $(seq 1 300); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
    echo "no answer from: $*" >> /run/sandbox-failed
}
if [ "$1" = controller ] && [ -e /etc/slurm/slurmdbd.conf ]; then
    install -d -o mysql -g mysql /run/mysqld /run/mariadbd
    keep mariadbd --user=mysql --skip-networking --init-file=/etc/slurm/accounting.sql \
        --innodb-buffer-pool-size=64M --innodb-log-file-size=16M --innodb-lock-wait-timeout=900 --innodb-flush-log-at-trx-commit=0
    wait_for mariadb-admin ping
    keep slurmdbd -D
    wait_for sacctmgr -n show cluster
fi
case $1 in
controller) keep slurmctld -D ;;
compute) keep slurmd -D -N "$(hostname)" ;;
esac
exec sleep infinity
"""


@dataclass(frozen=True)
class Places:
    """Where a cluster's parts lie; all below its one tmpfs."""

    top: Path

    def node(self, name: str) -> Path:
        return self.top / "nodes" / name

    def pid_file(self, name: str) -> Path:
        return self.node(name) / "pid"

    @property
    def site(self) -> Path:
        return self.top / "site"

    @property
    def shared(self) -> Path:
        return self.top / "shared"

    @property
    def network(self) -> Network:
        return Network(self.top / "net")


def _write_pid(path: Path, pid: int) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(str(pid))
    temporary.rename(path)


def raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (max(hard, 1 << 20), hard):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return


def start(places: Places, groups: Groups, node: Node, lower: list[str]) -> int:
    """Begins the node's first process; returns the pid of a helper that ends when its pid file is written."""
    # Python drops an interrupt that arrives in its own work around a fork; held back, it is raised after it.
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    helper = os.fork()
    if helper:
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        return helper
    status = 1
    try:
        os.setsid()
        _redirect(places.node(node.name) / "console.log")
        raise_file_limit()
        groups.join(node.name, fresh=True)
        places.network.enter(node.name)
        sc.unshare(sc.CLONE_NEWNS | sc.CLONE_NEWUTS | sc.CLONE_NEWIPC | sc.CLONE_NEWPID)
        gate, open_gate = os.pipe()
        first = os.fork()
        if first == 0:
            os.close(open_gate)
            if os.read(gate, 1):  # known by its pid file, and not before: both share a mount namespace
                _become_node(places, groups, node, lower)
            os._exit(1)
        _write_pid(places.pid_file(node.name), first)
        os.write(open_gate, b"1")
        status = 0
    except OSError as error:
        print(f"{node.name} cannot start: {error}", file=sys.stderr, flush=True)
    os._exit(status)


def _redirect(log: Path) -> None:
    silent = os.open("/dev/null", os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(silent, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)


def _become_node(places: Places, groups: Groups, node: Node, lower: list[str]) -> None:
    """The node's PID 1: makes its root and becomes the init."""
    try:
        sc.sethostname(node.name)
        sc.make_mounts_private()
        root = _make_root(places, groups, node, lower)
        sc.pivot_root(root)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        os.execve("/usr/bin/tini", ["tini", "--", START, node.role], {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/root"})
    except OSError as error:
        print(f"{node.name} cannot start: {error}", file=sys.stderr, flush=True)
    os._exit(1)


def _make_root(places: Places, groups: Groups, node: Node, lower: list[str]) -> str:
    place = places.node(node.name)
    root = str(place / "root")
    sc.overlay([str(places.site), *lower], str(place / "upper"), str(place / "work"), root)
    sc.mount("proc", f"{root}/proc", "proc", sc.MS_NOSUID | sc.MS_NODEV | sc.MS_NOEXEC)
    sc.mount("sysfs", f"{root}/sys", "sysfs", sc.MS_NOSUID | sc.MS_NODEV | sc.MS_NOEXEC)
    if groups.kind == "off":
        sc.mount("tmpfs", f"{root}/sys/fs/cgroup", "tmpfs", 0, "mode=755,size=64k")
    else:
        groups.show_in(node.name, f"{root}/sys/fs/cgroup")
    make_devices(f"{root}/dev", SHM_SIZE)
    previous = os.umask(0)
    for index in range(node.gpus):
        os.mknod(f"{root}/dev/nvidia{index}", 0o020666, os.makedev(NVIDIA_MAJOR, index))
    os.umask(previous)
    sc.mount("tmpfs", f"{root}/tmp", "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, f"mode=1777,size={TMP_SIZE}")
    sc.mount("tmpfs", f"{root}/run", "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, "mode=755,size=256m")
    sc.bind(str(places.shared), f"{root}/shared")
    return root


def alive(pid: int) -> bool:
    """Whether this is still a running process (a dead one that nobody has waited for is not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def read_pid(places: Places, name: str) -> int | None:
    """The node's init as the host sees it; None when the node is not up."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(places.pid_file(name).read_text())
        root = str(places.node(name) / "upper")
        if alive(pid) and root in Path(f"/proc/{pid}/mountinfo").read_text():
            return pid
    return None


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str
    shell: str


def find_account(root: Path, name: str) -> Account:
    """From the node's own files: the host's user database is another one."""
    rows = [line.split(":") for line in (root / "etc/passwd").read_text(encoding="utf-8").splitlines()]
    row = next((row for row in rows if row[0] == name), None)
    if row is None:
        raise KeyError(name)
    groups = [line.split(":") for line in (root / "etc/group").read_text(encoding="utf-8").splitlines()]
    more = tuple(int(group[2]) for group in groups if name in group[3].split(","))
    return Account(name, int(row[2]), int(row[3]), (int(row[3]), *more), row[5], row[6])


def execute(pid: int, groups: Groups, node: str, account: Account, command: list[str], environment: dict[str, str],
            directory: str | None = None) -> int:
    """Runs a command in the node and returns its exit code, 128 + signal; with a terminal when standard input is one."""
    handles = [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in NAMESPACES]
    if groups.kind == "v2":
        handles.append(os.open(f"/proc/{pid}/ns/cgroup", os.O_RDONLY | os.O_CLOEXEC))
    raise_file_limit()
    groups.join(node)
    for handle in handles:
        sc.setns(handle)
    terminal = os.isatty(0) and os.isatty(1)
    master, slave = os.openpty() if terminal else (-1, -1)
    child = os.fork()
    if child == 0:
        _run_as(account, command, environment, directory, slave)
    if terminal:
        os.close(slave)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda received, _: _pass_on(child, received))
    status = _relay(master, child) if terminal else os.waitpid(child, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _pass_on(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, number)


def _go_to(directory: str | None, home: str) -> None:
    """A directory that was asked for must be there; the home need not."""
    try:
        os.chdir(directory or home)
    except OSError as error:
        if directory:
            print(f"sandbox/cluster: --chdir {directory}: {error.strerror}", file=sys.stderr, flush=True)
            os._exit(2)


def _run_as(account: Account, command: list[str], environment: dict[str, str], directory: str | None, slave: int) -> None:
    try:
        os.setsid()
        if slave >= 0:
            os.fchown(slave, account.uid, 5)
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            for target in (0, 1, 2):
                os.dup2(slave, target)
        os.setgroups(list(account.groups))
        os.setgid(account.gid)
        os.setuid(account.uid)
        os.umask(0o022)
        sc.die_with_parent(signal.SIGKILL)
        _go_to(directory, account.home)
        variables = {"PATH": PATH, "HOME": account.home, "USER": account.name, "LOGNAME": account.name, "SHELL": account.shell, "LANG": "C.UTF-8"}
        os.execvpe(command[0], command, variables | environment)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
    os._exit(127)


def _copy_size(master: int) -> None:
    size = fcntl.ioctl(0, termios.TIOCGWINSZ, struct.pack("4H", 0, 0, 0, 0))
    fcntl.ioctl(master, termios.TIOCSWINSZ, size)


def _relay(master: int, child: int) -> int:
    """Carries bytes between our terminal and the node's until the child ends."""
    _copy_size(master)
    signal.signal(signal.SIGWINCH, lambda *_: _copy_size(master))
    saved = termios.tcgetattr(0)
    tty.setraw(0, termios.TCSADRAIN)  # what was typed ahead is kept
    sources = [0, master]
    try:
        while True:
            ready, _, _ = select.select(sources, [], [])
            if 0 in ready:
                data = os.read(0, 4096)
                if data:
                    os.write(master, data)
                else:
                    sources.remove(0)
            if master in ready:
                try:
                    data = os.read(master, 65536)
                except OSError:
                    break  # the last process has closed the terminal
                if not data:
                    break
                os.write(1, data)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, saved)
    return os.waitpid(child, 0)[1]
