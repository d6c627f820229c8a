"""What the plugins show to slurmctld and slurmstepd, and what they bring into them."""

from __future__ import annotations

import re
import subprocess

import tree
from programs import plugins

# In jobsubmit/exports.map and spank/exports.map too: written twice, so that neither changes unseen.
EXPORTED = {
    "job_submit_railhead.so": {"plugin_name", "plugin_type", "plugin_version", "init", "fini", "job_submit", "job_modify"},
    "spank_railhead.so": {
        "plugin_name",
        "plugin_type",
        "plugin_version",
        "spank_plugin_version",
        "slurm_spank_init",
        "slurm_spank_init_post_opt",
        "slurm_spank_task_init",
        "slurm_spank_exit",
    },
}
# What every process has anyway. No C++ runtime, no fmt, no libslurm: slurmctld carries its own.
MAY_NEED = re.compile(r"(libc|libm|libpthread|libdl|ld-linux[\w-]*)\.so")


def output_of(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout


def test_plugins_export_their_interface_only() -> None:
    for path in plugins():
        lines = output_of("nm", "--dynamic", "--defined-only", "--format=posix", str(path)).splitlines()
        names = {line.split()[0].split("@")[0] for line in lines}
        assert names == EXPORTED[path.name], path.relative_to(tree.TOP)


def test_installed_plugins_need_nothing_but_the_c_library() -> None:
    for path in plugins():
        if "install" not in path.parts:
            continue  # the development build links fmt as a library
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output_of("readelf", "--dynamic", "--wide", str(path)))
        wrong = [name for name in needed if not MAY_NEED.match(name)]
        assert not wrong, f"{path.relative_to(tree.TOP)} needs {wrong}"


def test_plugins_stay_mapped_because_their_threads_may_run() -> None:
    for path in plugins():
        assert "NODELETE" in output_of("readelf", "--dynamic", "--wide", str(path)), path.relative_to(tree.TOP)
