"""The layer that all nodes of a cluster share: configuration, users, the plugins and the program that were built."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from sandbox import slurmconf
from sandbox.buildroot import build_folder, install_folder
from sandbox.host import CHECKOUT, SandboxError
from sandbox.inventory import USERS
from sandbox.node import START, START_SCRIPT, Places, find_account
from sandbox.slurmconf import Shape

POLICY = """# The sandbox's site policy: jobs of the partition gpu are placed on the fewest leaf groups.
[submit.partition.gpu]
placement = "compact"
"""


def installed(suite: str) -> Path:
    return CHECKOUT / install_folder(suite)


def plugins_built(suite: str) -> tuple[bool, bool]:
    """Whether the submit plugin and the SPANK plugin of this suite are there to install."""
    names = {path.name for path in installed(suite).rglob("*.so")}
    return "job_submit_railhead.so" in names, "spank_railhead.so" in names


def write(places: Places, shape: Shape, lower: list[str]) -> None:
    """Makes the site layer and the shared folder."""
    site, shared = places.site, places.shared
    site.mkdir()
    copy_built(shape.suite, site)
    for name, text in slurmconf.files(shape).items():
        _put(site / name, text)
    _put(site / START[1:], START_SCRIPT, 0o755)
    _users(site, lower)
    _owned(site, lower, shape)
    _plugin_files(site, shape)
    for folder in ("proc", "sys", "dev", "tmp", "run", "shared"):
        (site / folder).mkdir(exist_ok=True)
    shared.mkdir()
    shared.chmod(0o1777)
    for name, uid in USERS.items():
        home = shared / "home" / name
        home.mkdir(parents=True)
        os.chown(home, uid, uid)
        home.chmod(0o700)


def _replace(source: str | Path, target: str | Path) -> None:
    """A running program keeps its own file: written into, a plugin that slurmctld has mapped would crash it."""
    temporary = f"{target}.new"
    shutil.copy2(source, temporary)
    os.replace(temporary, target)


def copy_built(suite: str, target: Path) -> None:
    """What an administrator's `cmake --install` made, and the static program."""
    if installed(suite).is_dir():
        shutil.copytree(installed(suite), target, symlinks=True, dirs_exist_ok=True, copy_function=_replace)
    program = CHECKOUT / build_folder("bookworm", "release") / "bin/railhead"
    if program.exists():
        (target / "usr/bin").mkdir(parents=True, exist_ok=True)
        _replace(program, target / "usr/bin/railhead")


def _put(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def _merged(lower: list[str], name: str) -> Path:
    """The file as the layers show it: the highest that has it."""
    for layer in lower:
        if (Path(layer) / name).exists():
            return Path(layer) / name
    raise SandboxError(f"No layer has /{name}: `sandbox/python sandbox.roots --remove SUITE` and build again.")


def _users(site: Path, lower: list[str]) -> None:
    passwd, group, shadow = (_merged(lower, f"etc/{name}").read_text() for name in ("passwd", "group", "shadow"))
    for name, uid in USERS.items():
        passwd += f"{name}:x:{uid}:{uid}:{name.capitalize()}:/shared/home/{name}:/bin/bash\n"
        group += f"{name}:x:{uid}:\n"
        shadow += f"{name}:*:20000:0:99999:7:::\n"
    _put(site / "etc/passwd", passwd)
    _put(site / "etc/group", group)
    _put(site / "etc/shadow", shadow, 0o640)


def _owned(site: Path, lower: list[str], shape: Shape) -> None:
    """Files that only a daemon's own user may read. The munge key is this cluster's own."""
    munge = find_account(site, "munge")
    key = site / "etc/munge/munge.key"
    key.parent.mkdir(parents=True)
    key.write_bytes(secrets.token_bytes(1024))
    for path, mode in ((key, 0o400), (key.parent, 0o700)):
        os.chown(path, munge.uid, munge.gid)
        path.chmod(mode)
    if shape.accounting:
        slurm = find_account(site, "slurm")
        path = site / "etc/slurm/slurmdbd.conf"
        os.chown(path, slurm.uid, slurm.gid)
        path.chmod(0o600)


def _plugin_files(site: Path, shape: Shape) -> None:
    folder = site / "etc/slurm"
    if shape.job_submit or shape.spank:
        _put(folder / "railhead.toml", POLICY)
    if shape.spank:
        example = CHECKOUT / "etc/plugstack.conf"
        _put(folder / "plugstack.conf", example.read_text() if example.exists() else "required spank_railhead.so\n")
