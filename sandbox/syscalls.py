"""The Linux calls that Python's library lacks: mounts, namespaces and the death signal of a child."""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MNT_DETACH = 2
AT_FDCWD = -100
RENAME_EXCHANGE = 2
PR_SET_PDEATHSIG = 1
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(os.uname().machine, 155)

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def _text(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    result = _libc.mount(_text(source), _text(target), _text(kind), ctypes.c_ulong(flags), _text(data))
    _check(result, f"mount {kind or source} on {target}")


def umount(target: str, flags: int = 0) -> None:
    _check(_libc.umount2(_text(target), flags), f"umount {target}")


def exchange(one: str, other: str) -> None:
    """Two files or folders of one file system swap their names: at no time is one of them missing."""
    here = ctypes.c_int(AT_FDCWD)
    _check(_libc.renameat2(here, _text(one), here, _text(other), ctypes.c_uint(RENAME_EXCHANGE)), f"exchange {one} and {other}")


def bind(source: str, target: str, read_only: bool = False, recursive: bool = False) -> None:
    """Shows `source` (a file or a folder) at `target`, which must exist."""
    recurse = MS_REC if recursive else 0
    mount(source, target, None, MS_BIND | recurse)
    if read_only:
        mount(None, target, None, MS_BIND | MS_REMOUNT | MS_RDONLY)


def make_mounts_private() -> None:
    mount(None, "/", None, MS_REC | MS_PRIVATE)


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def setns(fd: int, kind: int = 0) -> None:
    _check(_libc.setns(fd, kind), "setns")


def die_with_parent(signal_number: int) -> None:
    """The kernel sends this signal when the thread that started us ends. Lost at setuid: call it after."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0), "prctl")


def pivot_root(new_root: str) -> None:
    """Makes `new_root` (a mount point) the root and lets go of the old one."""
    os.chdir(new_root)
    _check(_libc.syscall(SYS_PIVOT_ROOT, b".", b"."), "pivot_root")
    umount(".", MNT_DETACH)
    os.chdir("/")


def sethostname(name: str) -> None:
    _check(_libc.sethostname(name.encode(), len(name.encode())), "sethostname")


def overlay(lower: list[str], upper: str, work: str, target: str) -> None:
    """`lower` lists the lowest layer last, as the kernel does."""
    options = f"lowerdir={':'.join(lower)},upperdir={upper},workdir={work}"
    mount("overlay", target, "overlay", 0, options)
