"""Runs Ray's runtime-env agent with the address that it was given.

The agent binds `--node-ip-address`, and for the prefix of its messages asks a socket to 8.8.8.8 what its address may
be. `ray_start.py` has the raylet start this in the place of the agent's own program.
"""

import os
import runpy
import sys

import ray.util
import ray._private.services

OPTION = "--node-ip-address="
given = [word.removeprefix(OPTION) for word in sys.argv if word.startswith(OPTION)]
if given:
    ray._private.services.get_node_ip_address = ray.util.get_node_ip_address = lambda *args, **kwargs: given[-1]
else:
    print(f"railhead: not adjusted: the runtime-env agent has no {OPTION}", file=sys.stderr)
directory = os.path.join(os.path.dirname(ray.__file__), "_private", "runtime_env", "agent")
sys.path[0] = directory  # what Python puts there for the agent's own program
runpy.run_path(os.path.join(directory, "main.py"), run_name="__main__")
