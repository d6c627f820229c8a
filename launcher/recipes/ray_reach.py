"""Tries from the head whether it reaches every worker's raylet, before anything is said to be ready.

Ray itself calls a cluster up when each worker reaches the head. That the head does not reach a worker shows half a
minute later, when the GCS calls that node dead. Railhead starts this beside the head; one line on standard input,
"NODE ADDRESS PORT,PORT ...", says where the raylets listen.
"""

import errno
import os
import selectors
import socket
import sys
import time

WITHIN = 10.0  # seconds
AGAIN_WITHIN = 1.0  # a raylet that is just ending refuses too, and its own end says more


def problems(targets: list, within: float) -> dict:
    """What keeps each target from being reached; those that are reached are not in it."""
    found = {}
    with selectors.DefaultSelector() as waiting:
        for target in targets:
            node, address, port = target
            tried = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            tried.setblocking(False)
            code = tried.connect_ex((address, port))
            if code in (0, errno.EINPROGRESS):
                found[target] = os.strerror(errno.ETIMEDOUT)
                waiting.register(tried, selectors.EVENT_WRITE, target)
            else:
                found[target] = os.strerror(code)
                tried.close()
        end = time.monotonic() + within
        while waiting.get_map() and (left := end - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                code = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    found[key.data] = os.strerror(code)
                else:
                    del found[key.data]
                waiting.unregister(key.fileobj)
                key.fileobj.close()
        for key in list(waiting.get_map().values()):
            key.fileobj.close()
    return found


def main() -> int:
    words = sys.stdin.readline().split()
    targets = [(node, address, int(port)) for node, address, ports in zip(words[::3], words[1::3], words[2::3]) for port in ports.split(",") if port != "none"]
    end = time.monotonic() + AGAIN_WITHIN
    left = problems(targets, WITHIN)
    while left and time.monotonic() < end:
        time.sleep(0.1)
        left = problems(list(left), WITHIN)
    for (node, address, port), why in left.items():
        where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        print(f"railhead: the head cannot connect to {node} at {where}: {why}", flush=True)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
