"""Builds and caches the roots of nodes and of compilers: overlay layers per suite, addressed by their recipe.

`python3 -m sandbox.roots SUITE[:LAYER...] ...` builds layers, different suites at the same time; `--remove SUITE` forgets
a suite's layers.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sandbox import host, layers
from sandbox.enter import Bind, Spec
from sandbox.host import CACHE, KEYRING, SandboxError, say

HEARTBEAT = 15.0  # seconds without a line before one says what is going on
INSIDE = "/run/railhead-build"  # where the host's settings lie in a root that is being built
LISTS_AGE = 6 * 3600  # seconds after which package lists are fetched again
UNUSED = 3600  # seconds without use after which another recipe's layer is removed
LISTS_OLD = 600  # seconds after which old lists may be why a package cannot be fetched


def folder(suite: str, name: str) -> Path:
    return CACHE / "layers" / layers.identity(suite, name)


def complete(suite: str, name: str) -> bool:
    return (folder(suite, name) / "diff").is_dir()


def lower(suite: str, names: list[str]) -> list[str]:
    """The `lowerdir` list for a root that has `names` and all below them, highest first."""
    ordered = layers_without_tools(suite, names)
    for layer in ordered:
        os.utime(folder(suite, layer))
    return [str(folder(suite, layer) / "diff") for layer in reversed(ordered)]


def layers_without_tools(suite: str, names: list[str]) -> list[str]:
    ordered: dict[str, None] = {}
    for name in names:
        ordered.update(dict.fromkeys(layer.name for layer in layers.chain(suite, name)))
    return list(ordered)


@contextmanager
def locked(name: str) -> Iterator[None]:
    path = CACHE / "locks" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def mounted_layers() -> str:
    """The mount tables of all namespaces, as one text in which a used layer's folder is found."""
    tables = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                namespace = os.readlink(process / "ns/mnt")
                if namespace not in tables:
                    tables[namespace] = (process / "mountinfo").read_text()
            except OSError:
                continue
    return "\n".join(tables.values())


def remove_old(suite: str, name: str) -> None:
    """Removes the same layer's other keys, unless a mounted root uses them or another checkout has just done so."""
    others = [p for p in (CACHE / "layers").glob(f"{suite}-{name}-*") if p != folder(suite, name)]
    used = mounted_layers() if others else ""
    for other in others:
        if str(other) not in used and time.time() - other.stat().st_mtime > UNUSED:
            shutil.rmtree(other, ignore_errors=True)


def remove_suite(suite: str) -> None:
    used = mounted_layers()
    for path in (CACHE / "layers").glob(f"{suite}-*"):
        if str(path) in used:
            raise SandboxError(f"{path.name} is in use by a running cluster or build: `sandbox/cluster down` first.")
        shutil.rmtree(path)


class MirrorMoved(SandboxError):
    """The mirror no longer has what a suite's lower layers were made of."""


class HostSettings:
    """The host's settings, written once in the form in which roots see them."""

    def __init__(self) -> None:
        release = host.release_fields()
        self.mirror = host.find_mirror(host.apt_sources(), release.get("VERSION_CODENAME", ""), release.get("ID", ""))
        self.apt = host.apt_settings()
        host.resolve_proxy(self.apt, self.mirror.main)
        self.pip = host.pip_settings()
        self.certificates = host.certificate_bundle()
        named = [*self.pip.values(), *(source.uri for source in self.mirror.local)]
        self.folders = host.local_folders(named)

    def environment(self) -> dict[str, str]:
        found = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                 "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "APT_CONFIG": f"{INSIDE}/apt.conf",
                 "PIP_CONFIG_FILE": f"{INSIDE}/pip.conf", "PIP_CACHE_DIR": "/var/cache/pip",
                 "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        for name in host.PROXY_NAMES:
            for spelling in (name, name.upper()):
                if spelling in os.environ:
                    found[spelling] = os.environ[spelling]
        if self.certificates:
            found.update(dict.fromkeys(host.CERTIFICATE_NAMES, f"{INSIDE}/certificates.crt"))
        return found

    def sources(self, suite: str) -> str:
        main = self.mirror.main
        lines = [f"deb {main} {suite} main"] if main else []
        if main and suite != "sid":
            lines.append(f"deb {main} {suite}-updates main")
        if self.mirror.security and suite != "sid":
            lines.append(f"deb {self.mirror.security} {suite}-security main")
        for source in self.mirror.local:
            options = "[trusted=yes] " if source.trusted else ""
            flat = not source.components
            at = host.local_folders([source.uri])
            if flat or (at and (at[0] / "dists" / suite).is_dir()):
                target = " ".join(source.suites) if flat else " ".join([suite, *source.components])
                lines.append(f"deb {options}{source.uri} {target}")
        return "".join(line + "\n" for line in lines)

    def write(self, place: Path, suite: str) -> list[Bind]:
        place.mkdir(parents=True, exist_ok=True)
        apt = dict(self.apt)
        if self.certificates:
            apt["Acquire::https::CAInfo"] = f"{INSIDE}/certificates.crt"
            shutil.copy(self.certificates, place / "certificates.crt")
        if suite == "sid":
            apt["Acquire::Check-Valid-Until"] = "false"  # a mirror may carry a sid whose Release file has expired
        apt |= {"Acquire::Languages": "none", "APT::Sandbox::User": "root", "APT::Keep-Downloaded-Packages": "true",
                "Binary::apt-get::APT::Keep-Downloaded-Packages": "true"}
        (place / "apt.conf").write_text("".join(f'{name} "{value}";\n' for name, value in apt.items()))
        pip = host.pip_settings_inside(self.pip, place, INSIDE)
        (place / "pip.conf").write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in pip.items()))
        binds = [Bind(str(place), INSIDE, True)]
        binds += [Bind(str(path), str(path), True) for path in self.folders]
        binds += [Bind(path, path, True) for path in ("/etc/resolv.conf", "/etc/hosts") if os.path.exists(path)]
        for path in ("/etc/apt/auth.conf", "/etc/apt/auth.conf.d"):
            if os.path.exists(path):
                binds.append(Bind(path, path, True))
        return binds


class LayerBuild:
    """One layer, from its recipe to its place in the cache. Use under the layer's lock."""

    def __init__(self, suite: str, layer: layers.Layer, settings: HostSettings) -> None:
        self.suite, self.layer, self.settings = suite, layer, settings
        self.temporary = CACHE / "layers" / f".building-{suite}-{layer.name}"
        self.log = CACHE / "logs" / f"{suite}-{layer.name}.log"

    def run(self) -> None:
        try:
            self._attempt()
        except MirrorMoved:
            raise
        except SandboxError:
            stamp = self._lists_stamp()
            if self.layer.name == "base" or not stamp.exists() or time.time() - stamp.stat().st_mtime < LISTS_OLD:
                raise
            say(f"root: {self.suite} {self.layer.name}: again, with new package lists")
            stamp.unlink()
            self._attempt()

    def _lists_stamp(self) -> Path:
        return CACHE / "apt" / self.suite / "updated"

    def _attempt(self) -> None:
        started = time.monotonic()
        shutil.rmtree(self.temporary, ignore_errors=True)  # what a killed build left
        (self.temporary / "diff").mkdir(parents=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log:
            self._steps(log)
        final = folder(self.suite, self.layer.name)
        final.mkdir(parents=True, exist_ok=True)
        os.rename(self.temporary / "diff", final / "diff")
        shutil.rmtree(self.temporary, ignore_errors=True)
        remove_old(self.suite, self.layer.name)
        say(f"root: {self.suite} {self.layer.name} built in {time.monotonic() - started:.1f} s")

    def _steps(self, log) -> None:
        if self.layer.name == "base":
            self._call(self._debootstrap(), log, {**os.environ, **self._proxies()})
            self._configure_base()
            return
        with locked(f"apt-{self.suite}"):
            if self.layer.packages:
                self._refresh_lists(log)
            packages = " ".join(self.layer.packages)
            install = f"apt-get install -qq -y --no-install-recommends {packages}\n" if packages else ""
            if not self._uses_apt_only_for_packages():
                self._in_root(install + self.layer.script, log)
                return
            if install:
                self._in_root(install, log)
        if self.layer.script:
            self._in_root(self.layer.script, log)

    def _uses_apt_only_for_packages(self) -> bool:
        return "apt-get" not in self.layer.script

    def _proxies(self) -> dict[str, str]:
        proxy = self.settings.apt.get("Acquire::http::Proxy")
        return {"http_proxy": proxy} if proxy and proxy != "DIRECT" and "http_proxy" not in os.environ else {}

    def _debootstrap(self) -> list[str]:
        cache = CACHE / "apt" / self.suite / "archives"
        cache.mkdir(parents=True, exist_ok=True)
        diff = self.temporary / "diff"
        settings = diff / "etc/dpkg/dpkg.cfg.d/railhead"
        settings.parent.mkdir(parents=True)
        settings.write_text(layers.DPKG_SETTINGS)
        known = Path("/usr/share/debootstrap/scripts")
        script = [] if (known / self.suite).exists() else [str(known / "sid")]
        mirror = [self.settings.mirror.main] if self.settings.mirror.main else []
        command = ["debootstrap", "--variant=minbase", f"--cache-dir={cache}", f"--keyring={KEYRING}", self.suite, str(diff)]
        return command + (mirror or ([""] if script else [])) + script

    def _configure_base(self) -> None:
        diff = self.temporary / "diff"
        sources = self.settings.sources(self.suite)
        with (diff / "etc/apt/sources.list").open("w" if self.settings.mirror.main else "a") as file:
            file.write(sources)  # without a mirror of the host's, debootstrap's own stays
        policy = diff / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")  # packages start no daemons while they are installed
        policy.chmod(0o755)
        for name in ("var/cache/apt/archives", "var/lib/apt/lists"):
            shutil.rmtree(diff / name, ignore_errors=True)
            (diff / name / "partial").mkdir(parents=True)
        for name in ("pkgcache.bin", "srcpkgcache.bin"):
            (diff / "var/cache/apt" / name).unlink(missing_ok=True)
        for name in ("dev", "proc", "sys", "run", "tmp"):
            shutil.rmtree(diff / name, ignore_errors=True)
            (diff / name).mkdir()

    def _refresh_lists(self, log) -> None:
        stamp = self._lists_stamp()
        fresh = stamp.exists() and 0 <= time.time() - stamp.stat().st_mtime < LISTS_AGE
        if not fresh or self.layer.name == "slurm":
            self._in_root("apt-get update -qq\n", log)
            stamp.touch()

    def _in_root(self, script: str, log) -> None:
        settings = self.temporary / "settings"
        binds = self.settings.write(settings, self.suite)
        for name, target in (("archives", "/var/cache/apt/archives"), ("lists", "/var/lib/apt/lists"), ("../pip", "/var/cache/pip")):
            source = CACHE / "apt" / self.suite / name
            (source / "partial" if name != "../pip" else source).mkdir(parents=True, exist_ok=True)
            binds.append(Bind(str(source), target))
        names = [name for name in (self.layer.below, self.layer.tools) if name]
        work = self.temporary / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        spec = Spec(lower(self.suite, names), ["sh", "-euc", script], str(self.temporary / "scratch"),
                    str(self.temporary / "diff"), str(work), binds, self.settings.environment())
        place = self.temporary / "spec.json"
        place.write_text(spec.to_json())
        command = [sys.executable, "-m", "sandbox.enter", str(place)]
        self._call(command, log, {**os.environ, "PYTHONPATH": str(host.CHECKOUT)})

    def _call(self, command: list[str], log, environment: dict[str, str]) -> None:
        """Runs one step; while it is quiet, a line every HEARTBEAT seconds tells the end of its log."""
        started = time.monotonic()
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment) as child:
            while True:
                try:
                    status = child.wait(HEARTBEAT)
                    break
                except subprocess.TimeoutExpired:
                    say(f"root: {self.suite} {self.layer.name} {time.monotonic() - started:.0f} s: {self._last_line()}")
        if status != 0:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])
            if re.search(r"Version '.*' for 'libslurm-dev' was not found", tail):
                raise MirrorMoved(f"The mirror has another Slurm for {self.suite} than the layers in the cache.")
            raise SandboxError(f"The layer {self.layer.name} of {self.suite} cannot be built (exit {status}); the end of {self.log}:\n{tail}")

    def _last_line(self) -> str:
        text = self.log.read_text(errors="replace").strip()
        return text.splitlines()[-1].replace("\r", " ")[-90:] if text else "starting"


class Builder:
    """Builds layers of several suites at once, each after those below it."""

    def __init__(self) -> None:
        self.settings: HostSettings | None = None  # asked only when there is something to build
        self.failed: list[SandboxError] = []
        self.done: dict[tuple[str, str], threading.Event] = {}

    def build(self, wanted: list[tuple[str, str]]) -> None:
        try:
            self._build(wanted)
        except MirrorMoved as moved:
            suites = {suite for suite, _ in wanted if suite in str(moved)}
            say(f"root: {moved} Building {', '.join(suites)} anew.")
            for suite in suites:
                remove_suite(suite)
            self.failed.clear()
            self._build(wanted)

    def _build(self, wanted: list[tuple[str, str]]) -> None:
        order: dict[tuple[str, str], layers.Layer] = {}
        for suite, name in wanted:
            for layer in layers.needed(suite, [name]):
                order.setdefault((suite, layer.name), layer)
        if all(complete(suite, name) for suite, name in order):
            return
        host.require_host()
        host.require_tools()
        self.settings = self.settings or HostSettings()
        self.done = {job: threading.Event() for job in order}
        with ThreadPoolExecutor(max_workers=len(order)) as pool:
            list(pool.map(lambda item: self._one(item[0][0], item[1]), order.items()))
        if self.failed:
            raise self.failed[0]

    def _one(self, suite: str, layer: layers.Layer) -> None:
        needs = [name for name in (layer.below, layer.tools) if name]
        # Packages of one suite are installed one layer at a time; Ray takes longest, so its tool goes first.
        sooner = ["pip"] if layer.name in ("build", "accounting") and (suite, "pip") in self.done else []
        try:
            for name in needs + sooner:
                self.done[suite, name].wait()
            if all(complete(suite, name) for name in needs):
                with locked(f"layer-{suite}-{layer.name}"):
                    if not complete(suite, layer.name):
                        LayerBuild(suite, layer, self.settings).run()
        except SandboxError as error:
            self.failed.append(error)
        except OSError as error:
            self.failed.append(SandboxError(f"The layer {layer.name} of {suite} cannot be built: {error}."))
        finally:
            self.done[suite, layer.name].set()


def ensure(suite: str, names: list[str]) -> None:
    """Builds what is missing of these layers; raises SandboxError with the end of the log."""
    Builder().build([(suite, name) for name in names])


def main(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["--remove"]:
            for suite in arguments[1:]:
                remove_suite(suite)
            return 0
        wanted = []
        for argument in arguments:
            suite, *names = argument.replace(":", ",").split(",")
            if suite not in layers.SUITES or set(names) - set(layers.recipes(suite)):
                raise SandboxError(f"{argument}: say SUITE:LAYER,..., with a suite of {', '.join(layers.SUITES)}.", 2)
            wanted += [(suite, name) for name in names or ["slurm", "build"]]
        Builder().build(wanted)
    except SandboxError as error:
        say(str(error))
        return error.status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
