"""What the host gives to a root that is built here: mirror, proxies, certificates, pip's settings, local package folders."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

CACHE = Path(os.environ.get("RAILHEAD_CACHE", "/var/cache/railhead"))
CHECKOUT = Path(__file__).resolve().parent.parent
PROXY_NAMES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
CERTIFICATE_NAMES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT")
TOOLS = {"debootstrap": "debootstrap", "ip": "iproute2", "nsenter": "util-linux", "unshare": "util-linux", "gpgv": "gpgv"}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Settings of pip that name a place on the host or an install target: they mean nothing inside a root.
PIP_NOT_INSIDE = {"cert", "client-cert", "user", "target", "prefix", "root", "require-virtualenv", "log", "cache-dir", "python"}


# Settings of pip that name files of the host, or URLs: a root gets copies of the files.
PIP_FILES = ("constraint", "build-constraint", "requirement")


class SandboxError(Exception):
    """One sentence for the person at the terminal; `status` is the exit code."""

    def __init__(self, sentence: str, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def release_fields(path: str = "/etc/os-release") -> dict[str, str]:
    fields = {}
    for line in Path(path).read_text(encoding="utf-8").splitlines() if os.path.exists(path) else []:
        name, _, value = line.partition("=")
        fields[name] = (shlex.split(value) or [""])[0]
    return fields


def require_host() -> None:
    """Root on Debian or Ubuntu, or one sentence and exit code 2."""
    release = release_fields()
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    name = release.get("PRETTY_NAME", sys.platform)
    if not family & {"debian", "ubuntu"}:
        raise SandboxError(f"The sandbox runs on Debian or Ubuntu, but this is {name}: use a Debian 12 machine.", 2)
    if os.geteuid() != 0:
        raise SandboxError(f"The sandbox needs root for mounts and namespaces, but this is uid {os.geteuid()}: use sudo.", 2)


def require_tools() -> None:
    """Installs what the host lacks, and says so."""
    os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin"
    missing = {package for tool, package in TOOLS.items() if not shutil.which(tool)}
    if not KEYRING.exists():
        missing.add("debian-archive-keyring")
    if missing:
        install_on_host(sorted(missing))


def install_on_host(packages: list[str]) -> None:
    say(f"host: installing {' '.join(packages)} with apt-get")
    apt_get("-qq", "update")
    apt_get("-qq", "-y", "--no-install-recommends", "install", *packages)


def apt_get(*words: str, patience: float = 300) -> None:
    """Waits for another apt-get of the host: for packages another of our programs installs, or the nightly upgrade."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    until, waiting = time.monotonic() + patience, False
    while True:
        done = subprocess.run(["apt-get", *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode == 0:
            return
        locked = "Could not get lock" in done.stdout
        if not locked or time.monotonic() > until:
            raise SandboxError(f"`apt-get {' '.join(words)}` failed on the host: {done.stdout.strip()[-600:]}")
        if not waiting:
            say("host: waiting for another apt-get to end")
        waiting = True
        time.sleep(1)


@dataclass
class Source:
    """One line of APT's sources: what is needed to write it again for another suite."""

    uri: str
    suites: list[str]
    components: list[str]
    trusted: bool = False


def _one_line_sources(text: str) -> list[Source]:
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(\[[^]]*\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            options = match[1] or ""
            found.append(Source(match[2], [match[3]], match[4].split(), "trusted=yes" in options))
    return found


def _deb822_sources(text: str) -> list[Source]:
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                fields[name] = fields.get(name, "") + " " + line.strip()
                continue
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        for uri in fields.get("uris", "").split():
            trusted = fields.get("trusted", "no").lower() == "yes"
            found.append(Source(uri, fields.get("suites", "").split(), fields.get("components", "").split(), trusted))
    return found


def apt_sources(folder: Path = Path("/etc/apt")) -> list[Source]:
    found = []
    paths = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    for path in paths:
        if path.suffix == ".list" and path.is_file():
            found += _one_line_sources(path.read_text(encoding="utf-8", errors="replace"))
        elif path.suffix == ".sources" and path.is_file():
            found += _deb822_sources(path.read_text(encoding="utf-8", errors="replace"))
    return found


@dataclass
class Mirror:
    """Where packages come from. `main` is None when the host names no Debian mirror: debootstrap's own default then."""

    main: str | None
    security: str | None
    local: list[Source] = field(default_factory=list)


def find_mirror(sources: list[Source], codename: str, distribution: str = "debian") -> Mirror:
    """The host's Debian mirror; RAILHEAD_DEBIAN_MIRROR names another. Ubuntu's mirror has no Debian."""
    main, security = os.environ.get("RAILHEAD_DEBIAN_MIRROR"), None
    local = []
    for source in sources:
        if source.uri.startswith(("file:", "copy:")):
            local.append(source)
        elif distribution != "debian":
            continue
        elif any(suite.endswith("-security") or suite.endswith("/updates") for suite in source.suites):
            security = security or source.uri
        elif codename in source.suites and "main" in source.components:
            main = main or source.uri
        elif not main and {"stable", "testing", "unstable", "sid"} & set(source.suites):
            main = source.uri
    return Mirror(main, security, local)


def apt_settings() -> dict[str, str]:
    """The host's Acquire settings (proxies, time-outs, checks), as `apt-config dump` tells them."""
    done = subprocess.run(["apt-config", "dump"], stdout=subprocess.PIPE, text=True, check=False)
    settings = {}
    for line in done.stdout.splitlines():
        match = re.match(r'(Acquire::[^ ]+) "(.*)";$', line)
        if match and match[2] and not re.search(r"IndexTargets|CompressionTypes|cdrom|Changelogs|Languages|Order", match[1], re.I):
            settings[match[1]] = match[2]
    return settings


def resolve_proxy(settings: dict[str, str], uri: str | None) -> None:
    """A proxy found by a program of the host is found here: that program is not in the root."""
    for name in ("Acquire::http::Proxy-Auto-Detect", "Acquire::http::ProxyAutoDetect"):
        program = settings.pop(name, None)
        if program and uri and "Acquire::http::Proxy" not in settings:
            done = subprocess.run([program, uri], stdout=subprocess.PIPE, text=True, check=False)
            proxy = done.stdout.strip()
            if done.returncode == 0 and proxy and proxy != "DIRECT":
                settings["Acquire::http::Proxy"] = proxy


def certificate_bundle() -> Path | None:
    for name in CERTIFICATE_NAMES:
        if os.environ.get(name) and Path(os.environ[name]).is_file():
            return Path(os.environ[name]).resolve()
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    return bundle.resolve() if bundle.is_file() else None


def pip_config_files() -> list[Path]:
    home = Path(os.environ.get("HOME", "/root"))
    config_home = Path(os.environ.get("XDG_CONFIG_HOME", home / ".config"))
    files = [Path("/etc/xdg/pip/pip.conf"), Path("/etc/pip.conf"), home / ".pip/pip.conf", config_home / "pip/pip.conf"]
    if os.environ.get("PIP_CONFIG_FILE"):
        files.append(Path(os.environ["PIP_CONFIG_FILE"]))
    return [path for path in files if path.is_file()]


def pip_settings() -> dict[str, str]:
    """What `pip install` would use on the host; the environment wins over files."""
    settings: dict[str, str] = {}
    for path in pip_config_files():
        parser = configparser.RawConfigParser(strict=False)
        parser.read(path)
        for section in ("global", "install"):
            if parser.has_section(section):
                settings.update(parser.items(section))
    for name, value in os.environ.items():
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE":
            settings[name[4:].lower().replace("_", "-")] = value
    return {name: " ".join(value.split()) for name, value in settings.items() if name not in PIP_NOT_INSIDE}


def pip_settings_inside(settings: dict[str, str], place: Path, inside: str) -> dict[str, str]:
    """The settings with each file that they name copied to `place`, which the root sees as `inside`."""
    found = dict(settings)
    for name in PIP_FILES:
        words = found.get(name, "").split()
        for number, word in enumerate(words):
            path = Path(word.removeprefix("file://"))
            if path.is_file():
                copy = f"pip-{name}-{number}.txt"
                shutil.copy(path, place / copy)
                words[number] = f"{inside}/{copy}"
        if words:
            found[name] = " ".join(words)
    return found


def local_folders(values: list[str]) -> list[Path]:
    """Folders of this machine that are named in settings; an index's files lie beside its `simple` folder."""
    folders = []
    for word in " ".join(values).split():
        path = Path(re.sub(r"^(file|copy):(//)?", "", word))
        if path.is_absolute() and path.is_dir():
            path = path.resolve()
            folders.append(path.parent if path.name == "simple" and path.parent != Path("/") else path)
    return sorted(set(folders))


if __name__ == "__main__":
    try:
        require_host()
        install_on_host(sys.argv[1:])
    except SandboxError as failure:
        say(str(failure))
        sys.exit(failure.status)
