"""The measuring: `python3 -m bench.submit.inside OPTIONS-AS-JSON`, in a build root; the last line of standard output is the result."""

from __future__ import annotations

import array
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.cloud import AS_USER, CONF, WORK, Controller, plugin_folder, prepare, run, say

HERE = Path(__file__).parent
TIMES = WORK / "times"
WAYS = ("none", "empty", "railhead", "lua")
WARM = 50
CLIENTS = 8


def compile_own() -> None:
    run("gcc", "-O2", "-o", str(WORK / "client"), str(HERE / "client.c"), f"-L{plugin_folder()}", "-lslurm")
    for name in ("empty", "timed"):
        run("gcc", "-O2", "-shared", "-fPIC", "-o", str(plugin_folder() / f"job_submit_{name}.so"), str(HERE / f"{name}.c"))


@contextlib.contextmanager
def started(nodes: int, plugin: str, refresh: float = 30, inner: str = "") -> Iterator[None]:
    """slurmctld, warm. `inner`: what the plugin `timed` loads, to note the processor time of its calls."""
    CONF.parent.mkdir(exist_ok=True)
    lua = (HERE / "job_submit.lua").read_text(encoding="utf-8").replace("NODES", str(nodes))
    (CONF.parent / "job_submit.lua").write_text(lua, encoding="utf-8")
    environment = {"BENCH_PLUGIN": str(plugin_folder() / f"job_submit_{inner}.so"), "BENCH_TIMES": str(TIMES)}
    judges = (inner or plugin) in ("railhead", "lua")
    with Controller(nodes, plugin, f"refresh = {refresh:g}", judges, environment):
        submit(WARM)
        yield


def submit(number: int, clients: int = 1) -> tuple[list[float], float]:
    """What each call took in microseconds, and the calls per second of all clients."""
    began = time.monotonic()
    command = [*AS_USER, str(WORK / "client"), str(number // clients)]
    running = [subprocess.Popen(command, text=True, stdout=subprocess.PIPE) for _ in range(clients)]
    texts = [each.communicate()[0] for each in running]
    spent = time.monotonic() - began
    if any(each.returncode for each in running):
        raise SystemExit("a submission that is right was refused")
    took = [float(line) for text in texts for line in text.split()]
    return took, len(took) / spent


def rpc_times(options: dict) -> list[dict]:
    """Blocks in the order none, empty, railhead, lua, lua, railhead, ...: a machine that becomes slower favours nobody."""
    blocks = []
    for number in range(options["rounds"]):
        for way in [*WAYS, *reversed(WAYS)]:
            with started(options["nodes"], way):
                alone, _ = submit(options["block"])
                together, rate = submit(options["block"], CLIENTS)
            blocks.append({"way": way, "alone_us": alone, "together_us": together, "per_s": rate})
        say(f"round {number + 1} of {options['rounds']}: every plugin twice, {options['block']} submissions by 1 client and by {CLIENTS}")
    return blocks


def in_plugin_times(nodes: int, inner: str, number: int) -> list[float]:
    with started(nodes, "timed", inner=inner):
        before = sum(1 for each in array.array("Q", TIMES.read_bytes()) if each)
        submit(number)
    return [each / 1000 for each in array.array("Q", TIMES.read_bytes())[before:before + number]]


def main(options: dict) -> None:
    prepare(options["plugin"])
    compile_own()
    result = {"blocks": rpc_times(options), "in_plugin_us": {}, "refresh": {}}
    for nodes in options["sizes"]:
        result["in_plugin_us"][str(nodes)] = in_plugin_times(nodes, "railhead", options["calls"])
        say(f"time inside the plugin with {nodes} nodes: done")
    for inner in ("lua", "empty"):
        result["in_plugin_us"][inner] = in_plugin_times(options["sizes"][-1], inner, options["calls"])
    for name, refresh in (("seldom", 3600.0), ("each_second", 1.0)):
        with started(options["sizes"][-1], "railhead", refresh):
            result["refresh"][name] = submit(options["calls"])[0]
    say("submissions while the plugin reads all nodes each second: done")
    print(json.dumps(result))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
