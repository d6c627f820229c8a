"""What the tests of `railhead ray` have in common: drivers, and the line that starts them."""

from __future__ import annotations

# Says what the cluster is, uses every node once, and may wait for a file before it ends.
DRIVER = """
import json, os, sys, time
import ray
ray.init(logging_level="error")
@ray.remote
def where():
    return ray.util.get_node_ip_address()
nodes = [node for node in ray.nodes() if node["Alive"]]
places = ray.get([where.options(num_cpus=0, label_selector={"ray.io/node-id": node["NodeID"]}).remote() for node in nodes])
print("cluster " + json.dumps({node["NodeName"]: {"resources": node["Resources"], "labels": node["Labels"]} for node in nodes}), flush=True)
print(f"used {len(set(places))} of {len(nodes)} nodes", flush=True)
"""
WAITS = DRIVER + """
while not os.path.exists(sys.argv[1]):
    time.sleep(0.1)
print("still", ray.get(where.remote()), flush=True)
"""
TWO = "#SBATCH -N2 --gpus-per-node=4 --cpus-per-task=4 --ntasks-per-node=1\n"
FOUR = "#SBATCH -N4 --gpus-per-node=8 --cpus-per-task=8 --ntasks-per-node=1\n"
UP = 240  # seconds within which a cluster is up on a busy machine
GONE = 3 + 3  # seconds within which a launch ends that gives a grace of 2 s; the second 3 are for a busy machine


def ray(command: str, options: str = "", header: str = TWO) -> str:
    return f"{header}railhead ray {options} --report report.json -- {command}\n"


def with_driver(cluster, text: str, name: str = "driver.py") -> str:
    """Puts a driver into the user's home; its path on the nodes."""
    cluster.put(name, text)
    return f"/shared/home/alice/{name}"
