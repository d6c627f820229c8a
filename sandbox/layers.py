"""The layers of which roots are made: pure data. A layer's key is a hash of its recipe and of the layers below it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

SUITES = ("bookworm", "trixie", "sid")
FORMAT = 1  # raise it when the way in which layers are built changes their content
RAY_VERSION = "2.60.0"
TORCH_VERSION = "2.13.0"
TORCH_SUITES = ("bookworm",)  # whose Python PyTorch's builds without CUDA are for

NODE = ("slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge tini iproute2 python3 bubblewrap procps "
        "util-linux bash-completion ca-certificates").split()
# What the plugins and the helper that asks the controller need: every suite has it.
PLUGIN_BUILD = ("g++ cmake ninja-build ccache libfmt-dev nlohmann-json3-dev libtomlplusplus-dev libexpected-dev "
                "libgtest-dev libgmock-dev").split()
# The launcher and everything else is compiled on bookworm only.
LAUNCHER_BUILD = "libcli11-dev libasio-dev libssl-dev libbenchmark-dev libyaml-cpp-dev".split()
CHECKERS = ("clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev llvm-14 shellcheck mandoc codespell git "
               "python3-pytest ibsim-utils infiniband-diags").split()


@dataclass(frozen=True)
class Layer:
    """`packages` come from Debian; `script` runs in the root after them. `below` is the layer that this one lies on, `tools` is one
    that is there while it is built."""

    name: str
    below: str = ""
    packages: tuple[str, ...] = ()
    script: str = ""
    tools: str = ""


# The plugins must be compiled against the micro version that runs: slurmctld refuses any other.
SAME_SLURM = """
version=$(dpkg-query -W -f '${Version}' slurmctld)
apt-get install -qq -y --no-install-recommends "libslurm-dev=$version"
"""

# `--ignore-installed`: what only the layer `pip` has is not there at run time.
# Byte code is compiled once here, by every core: users cannot write it, and each start of `ray` would do it again.
RAY = f"""
pip3 install --progress-bar off --ignore-installed --no-compile --root-user-action ignore $(pip3 help install | grep -o -- --break-system-packages) \\
    'ray[default]=={RAY_VERSION}' scikit-learn
python3 -m compileall -q -j 0 /usr/local/lib/python3*/dist-packages || true
"""

# The build without CUDA: from PyTorch's own index where that answers, else what the host's settings of pip lead to.
TORCH = f"""
pip3 install --progress-bar off --no-compile --retries 1 --root-user-action ignore $(pip3 help install | grep -o -- --break-system-packages) \\
    --extra-index-url https://download.pytorch.org/whl/cpu torch=={TORCH_VERSION}
python3 -m compileall -q -j 0 /usr/local/lib/python3*/dist-packages || true
"""

# A data directory with system tables, so that a cluster's database starts in a second.
ACCOUNTING = """
data=$(mariadbd --verbose --help 2>/dev/null | awk '$1 == "datadir" { print $2 }')
rm -rf "${data:?}"/*
mariadb-install-db --user=mysql --datadir="$data" --skip-test-db --innodb-log-file-size=16M >/dev/null
"""

COMPILER_NAMES = """
for tool in clang clang++ clang-format clang-tidy; do ln -sf $tool-14 /usr/bin/$tool; done
"""


def recipes(suite: str) -> dict[str, Layer]:
    """The layers of a suite by name. `pip` is a tool for building `ray` and lies in no node."""
    build = PLUGIN_BUILD + (LAUNCHER_BUILD if suite == "bookworm" else [])
    layers = [
        Layer("base"),
        Layer("slurm", "base", tuple(NODE)),
        Layer("build", "slurm", tuple(build), SAME_SLURM),
        Layer("accounting", "slurm", ("mariadb-server", "slurmdbd"), ACCOUNTING),
        Layer("pip", "slurm", ("python3-pip",)),
        Layer("ray", "slurm", (), RAY, "pip"),
        Layer("mpi", "slurm", ("openmpi-bin", "libopenmpi-dev", "gcc", "libc6-dev")),
    ]
    if suite in TORCH_SUITES:
        layers.append(Layer("torch", "ray", (), TORCH, "pip"))
    if suite == "bookworm":
        layers.append(Layer("tools", "build", tuple(CHECKERS), COMPILER_NAMES))
    return {layer.name: layer for layer in layers}


def chain(suite: str, name: str) -> list[Layer]:
    """The layer and all below it, lowest first."""
    layers = recipes(suite)
    found = []
    while name:
        found.append(layers[name])
        name = layers[name].below
    return found[::-1]


def key(suite: str, name: str) -> str:
    digest = hashlib.sha256(json.dumps([FORMAT, suite]).encode())
    for layer in chain(suite, name):
        digest.update(json.dumps([layer.name, layer.packages, layer.script, DPKG_SETTINGS]).encode())
    return digest.hexdigest()[:12]


def identity(suite: str, name: str) -> str:
    """The folder name of the layer in the cache."""
    return f"{suite}-{name}-{key(suite, name)}"


def needed(suite: str, names: list[str]) -> list[Layer]:
    """All layers that must exist for `names`, each after what it needs."""
    ordered: dict[str, Layer] = {}
    for name in names:
        for layer in chain(suite, name):
            for tool in chain(suite, layer.tools):
                ordered.setdefault(tool.name, tool)
            ordered.setdefault(layer.name, layer)
    return list(ordered.values())


# No fsync for what can be built again; nothing of what no test reads.
DPKG_SETTINGS = """force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/lintian/*
path-exclude=/usr/share/bug/*
"""
