"""Runs `ray start` in an interpreter that has already imported Ray.

Railhead starts this on every node at once. The head goes on immediately; a worker waits for one line on
standard input, the address of the head's GCS, so that Ray's import is off the path that everybody waits for.
The command line after `--` is that of `ray start`; `{address}` in it stands for the line.

Ray itself is not changed: what is adjusted here are settings that its command line cannot express. Each
adjustment looks first whether Ray still has the place that it changes, and says so when it has not.

Two processes: `ray start` runs in the second. The first imports nothing, so that it can act at any moment: it
notices a service that dies, and at the end it lets tasks and actors end before the services that they need.
"""

import argparse
import glob
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import types

BEGIN = time.monotonic()


def say(text: str) -> None:
    print(f"railhead: {text} [{time.monotonic() - BEGIN:.2f} s]", flush=True)


def need(place: object, *names: str) -> None:
    for name in names:
        if not hasattr(place, name):
            raise AttributeError(f"{getattr(place, '__name__', type(place).__name__)}.{name}")


def without_client_server(params: object) -> None:
    """Ray Client listens on 10001 and can be moved, but not switched off, by an option."""
    need(params, "ray_client_server_port")
    params.ray_client_server_port = None


def switched_off(*args, **kwargs) -> tuple:
    """In place of the API server's start: no address, no process."""
    return "", None


def without_dashboard(services: types.ModuleType, utils: types.ModuleType) -> None:
    """As with `pip install ray` without [default]: no API server, and an agent on each node that listens nowhere."""
    need(services, "start_api_server")
    need(utils, "get_dashboard_dependency_error")
    services.start_api_server = switched_off
    utils.get_dashboard_dependency_error = lambda: ImportError("switched off by railhead")


def without_waiting_for_agents(services: types.ModuleType, raylet: types.ModuleType) -> None:
    """The raylet registers only when its Python agents have told their ports in files, and dies when their imports
    take 15 s. What they will say is known: the ports that were given, or -1 for what is switched off."""
    need(raylet, "persist_port")
    need(services, "start_raylet")
    name = "dashboard_agent_listen_port"
    start_raylet = services.start_raylet

    def start(redis_address, gcs_address, node_id, *args, **kwargs):
        if services.start_api_server is switched_off:
            for port in ("metrics_agent_port", "metrics_export_port", name):
                kwargs[port] = kwargs.get(port) or -1
        if kwargs.get(name) and kwargs.get("raylet_stdout_filepath"):  # the only one that is not an argument of the raylet
            session_dir = os.path.dirname(kwargs["raylet_stdout_filepath"]).removesuffix("/logs")
            raylet.persist_port(session_dir, node_id, name, kwargs[name])
        return start_raylet(redis_address, gcs_address, node_id, *args, **kwargs)

    services.start_raylet = start


def without_waiting_for_head(node: types.ModuleType, temp_dir: str) -> None:
    """A worker asks every 2 s for the head's raylet, only to learn two directories of the head, which we know. From
    them it sees that the head's place for spilled objects is only its default, and takes its own default."""
    need(node, "get_all_node_info_until_retrieved")
    state = node.GcsNodeInfo.GcsNodeState.ALIVE

    def head(*args, **kwargs):
        return [types.SimpleNamespace(state=state, temp_dir=temp_dir, session_dir=f"{temp_dir}/{session.get('name', '')}")]

    node.get_all_node_info_until_retrieved = head


session: dict = {}  # what the head's GCS has told


def with_quick_retries(utils: types.ModuleType) -> None:
    """A worker that asks before the head has named its session sleeps 2 s: ask every 50 ms, as long in all."""
    name = "internal_kv_get_with_retry"
    original = getattr(utils, name)
    quick = types.SimpleNamespace(**vars(time))
    quick.sleep = lambda seconds: time.sleep(min(seconds, 0.05))
    utils.time = quick

    def ask(client, key, namespace, num_retries=20):
        value = original(client, key, namespace, 800)
        if key == "session_name":
            session["name"] = value.decode() if isinstance(value, bytes) else value
        return value

    setattr(utils, name, ask)


def with_own_address(services: types.ModuleType, address: str) -> None:
    """Ray looks for its address with a socket to 8.8.8.8 and the resolver even when it is told the address; so does
    its runtime-env agent, whose command line is in the raylet's."""
    need(services, "get_node_ip_address", "start_ray_process", "RAY_PATH")
    services.get_node_ip_address = lambda *args, **kwargs: address
    original = services.start_ray_process
    agent = subprocess.list2cmdline([f"{services.RAY_PATH}/_private/runtime_env/agent/main.py"])
    ours = subprocess.list2cmdline(["ray_agent".join(__file__.rsplit("ray_start", 1))])  # beside this file

    def start(command, process_type, *args, **kwargs):
        if process_type == "raylet" and not any(agent in word for word in command):
            say(f"not adjusted: with_own_address: no {agent} in the raylet's command line")
        return original([word.replace(agent, ours) for word in command], process_type, *args, **kwargs)

    services.start_ray_process = start


TELLING = re.compile(r" [CF] \d+ \d+\] |\w+(Error|Exception): |what\(\): |agent_name = |No space left")
AGENT_FAILED = re.compile(r"one Ray agent failed, agent_name = (\w+)")


def report(logs: str, kinds: list) -> None:
    """The telling lines of the logs of what died: Ray leaves the causes in files, its messages name the files."""
    said = set()
    for kind in kinds:
        for path in sorted(glob.glob(f"{logs}/{kind}.*")):
            with open(path, errors="replace") as file:
                lines = [line.strip()[:800] for line in file if TELLING.search(line)]
            for line in lines[-4:]:
                failed = AGENT_FAILED.search(line)
                if failed and failed.group(1) not in kinds:
                    kinds.append(failed.group(1))
                if line not in said:
                    print(f"{os.path.basename(path)}: {line}", flush=True)
                said.add(line)


def with_telling(services: types.ModuleType, node: types.ModuleType, told: int) -> None:
    """Tells the first process of each service that starts, and when Ray begins to end them itself."""
    original = services.start_ray_process
    kill = node.Node.kill_all_processes

    def start(command, process_type, *args, **kwargs):
        info = original(command, process_type, *args, **kwargs)
        os.write(told, f"{process_type} {info.process.pid}\n".encode())
        return info

    def kill_all(self, *args, **kwargs):
        os.write(told, b"ending 0\n")
        kill(self, *args, **kwargs)

    services.start_ray_process = start
    node.Node.kill_all_processes = kill_all


def stat_of(pid: int) -> list:
    """The fields of /proc/PID/stat from the state on; empty when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def end_of(pid: int) -> str:
    """How a process ended that nobody has waited for yet; empty while it runs."""
    stat = stat_of(pid)
    if not stat:
        return "unknown"
    return "" if stat[0] not in "ZX" else str(os.waitstatus_to_exitcode(int(stat[49])))


def below(root: int) -> list:
    """All living descendants of a process."""
    stats = {int(name): stat_of(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    parents = {pid: int(stat[1]) for pid, stat in stats.items() if stat and stat[0] not in "ZX"}
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def listens_on(pid: int) -> list:
    """TCP ports of a process that other nodes can come to."""
    sockets = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            sockets.add(os.readlink(f"/proc/{pid}/fd/{name}"))
        except OSError:
            pass  # closed meanwhile
    found = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}") as file:
            for line in list(file)[1:]:
                local, state, inode = (line.split()[i] for i in (1, 3, 9))
                address, _, port = local.partition(":")
                # proc(5): 0A is LISTEN; 127.0.0.0/8, also mapped, and ::1 in the machine's byte order.
                is_loopback = address.endswith("7F") or address == "0" * 24 + "01000000"
                if state == "0A" and f"socket:[{inode}]" in sockets and not is_loopback:
                    found.add(int(port, 16))
    return sorted(found)


def does_work(pid: int) -> bool:
    """Whether a child of the raylet runs tasks or an actor."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read(400)
    except OSError:
        return False
    agents = (b"ray::DashboardAgent", b"ray::RuntimeEnvAgent")
    return b"default_worker.py" in words or (words.startswith(b"ray::") and not words.startswith(agents))


def signal_all(pids: list, number: int = signal.SIGTERM) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Attendant:
    """The first process: waits for `ray start`, with an eye on the services that it has started."""

    SERVICES_END = 1.5  # seconds that gcs_server and raylet take to end
    RAYLET_PORTS = 2  # of the node manager and the object manager
    LISTENS_WITHIN = 5.0  # seconds; then whatever is there is told

    def __init__(self, child: int, told: int, logs: str, grace: float) -> None:
        self.child, self.told, self.logs, self.grace = child, told, logs, grace
        self.services: dict = {}
        self.rest = b""
        self.stopping = self.ending = False
        self.raylet, self.raylet_since = 0, 0.0  # until its ports are told
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, number: int, frame: object) -> None:
        self.stopping = True

    def listen(self) -> None:
        if not select.select([self.told], [], [], 0.1)[0]:
            return
        news = os.read(self.told, 4096)
        if not news:  # `ray start` is about to be gone
            time.sleep(0.02)
        *lines, self.rest = (self.rest + news).split(b"\n")
        for line in lines:
            kind, pid = line.decode().split()
            self.ending = self.ending or kind == "ending"
            self.services[int(pid)] = kind
            if kind == "raylet":
                self.raylet, self.raylet_since = int(pid), time.monotonic()

    def tell_ports(self) -> None:
        """Where the head must reach this node's raylet."""
        try:
            ports = listens_on(self.raylet)
        except (OSError, ValueError):  # it ended, or /proc is another kernel's
            ports = []
        if len(ports) < self.RAYLET_PORTS and time.monotonic() < self.raylet_since + self.LISTENS_WITHIN:
            return
        self.raylet = 0
        say(f"raylet listens on {','.join(map(str, ports)) or 'none'}")

    def dead(self) -> list:
        return [(kind, end) for pid, kind in self.services.items() if (end := end_of(pid))]

    def run(self) -> int:
        while True:
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                return self.ended(os.waitstatus_to_exitcode(status))
            if self.stopping and not self.ending:
                self.end()
            self.listen()
            if self.raylet:
                self.tell_ports()
            if not self.ending and (dead := self.dead()):
                return self.died(dead)

    def ended(self, code: int) -> int:
        if code < 0 and not self.stopping:
            say(f"died: ray start (exit code {code})")
        return code if code >= 0 else 1

    def died(self, dead: list) -> int:
        """A service is gone while Ray still waits for it: 30 to 60 s by its own time-outs."""
        if any(end == "unknown" for _, end in dead):  # Ray has seen it already, and says more
            time.sleep(1)
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                return self.ended(os.waitstatus_to_exitcode(status))
        report(self.logs, [kind for kind, _ in dead])
        say("died: " + ", ".join(f"{kind} (exit code {end})" for kind, end in dead))
        os.kill(self.child, signal.SIGKILL)
        return 1

    def end(self) -> None:
        """Tasks and actors first: they are killed at once when the raylet that they belong to has ended."""
        self.ending = True
        deadline = time.monotonic() + self.grace - self.SERVICES_END
        raylets = [pid for pid, kind in self.services.items() if kind == "raylet"]
        workers = [pid for raylet in raylets for pid in below(raylet) if does_work(pid)]
        signal_all(workers)
        while any(not end_of(pid) for pid in workers) and time.monotonic() < deadline:
            time.sleep(0.02)
        # The autoscaler's monitor answers SIGTERM with messages to a GCS that ends, and `ray start` waits for it.
        signal_all([pid for pid, kind in self.services.items() if kind == "monitor" and not end_of(pid)], signal.SIGKILL)
        signal_all(below(os.getpid()))


def can_reach(address: str) -> bool:
    """Ray retries a head that cannot be reached for minutes; this asks once, for at most 20 s, and says why."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=20).close()
    except (OSError, ValueError) as problem:
        say(f"cannot connect to the head at {address}: {problem}")
        return False
    return True


def adjust(change, *args) -> None:
    try:
        change(*args)
    except Exception as problem:  # another Ray: its own way still works, only slower or more open
        say(f"not adjusted: {change.__name__}: {problem}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--head", action="store_true")
    parser.add_argument("--temp-dir", required=True)
    parser.add_argument("--node-ip-address", required=True)
    parser.add_argument("--head-temp-dir", default="")
    parser.add_argument("--dashboard", choices=("on", "off"), default="off")
    parser.add_argument("--grace", type=float, default=2)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    hear, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hear)
        return run_ray(options, tell)
    os.close(tell)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the line is for the other
    return Attendant(child, hear, f"{options.temp_dir}/session_latest/logs", options.grace).run()


def run_ray(options: argparse.Namespace, told: int) -> int:
    import ray
    import ray._private.node
    import ray._private.services
    import ray._private.utils
    import ray.scripts.scripts as scripts

    say(f"ray {ray.__version__} imported")
    address = ""
    if not options.head:
        address = sys.stdin.readline().strip()
        if not address:
            say("standard input ended without an address")
            return 1
        say(f"head is at {address}")
        if not can_reach(address):
            return 1

    hook = types.ModuleType("railhead_ray_hook")
    hook.start = lambda params, head: adjust(without_client_server, params)
    sys.modules["railhead_ray_hook"] = hook
    os.environ["RAY_START_HOOK"] = "railhead_ray_hook.start"
    if options.dashboard == "off":
        adjust(without_dashboard, ray._private.services, ray._private.utils)
    adjust(without_waiting_for_agents, ray._private.services, ray._raylet)
    adjust(with_telling, ray._private.services, ray._private.node, told)
    adjust(with_own_address, ray._private.services, options.node_ip_address)
    if not options.head:
        adjust(with_quick_retries, ray._private.utils)
        adjust(without_waiting_for_head, ray._private.node, options.head_temp_dir or options.temp_dir)

    given = [text for text in options.arguments if text != "--"]
    arguments = [text.replace("{address}", address) for text in given]
    arguments += ["--temp-dir", options.temp_dir, "--node-ip-address", options.node_ip_address]
    scripts.cli.main(args=["start", *arguments], prog_name="ray", standalone_mode=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
