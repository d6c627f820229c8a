"""Runs one command with its output in a log, and says what is going on while it is quiet."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LOGS = TOP / "build/test-logs"
HEARTBEAT = 20.0  # seconds: never a silent minute
BEGAN = time.monotonic()
_say_lock = threading.Lock()
_children: set[subprocess.Popen[bytes]] = set()


def say(text: str) -> None:
    with _say_lock:
        print(f"[{time.monotonic() - BEGAN:7.1f} s] {text}", flush=True)


def log_of(name: str) -> Path:
    LOGS.mkdir(parents=True, exist_ok=True)
    return LOGS / (re.sub(r"[^\w.-]+", "-", name) + ".log")


def tail(path: Path, lines: int) -> list[str]:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 200 * lines - 2000))
        text = file.read().decode("utf-8", "replace")
    return [line.rstrip() for line in text.replace("\r", "\n").splitlines() if line.strip()][-lines:]


def run(name: str, command: list[str], within: float, environment: dict[str, str] | None = None) -> tuple[int, float]:
    """(exit code, seconds). Past `within` seconds the command and its children are killed and the code is 124."""
    log = log_of(name)
    began = time.monotonic()
    with log.open("wb") as file:
        file.write(f"$ {' '.join(command)}\n".encode())
        file.flush()
        child = subprocess.Popen(
            command,
            cwd=TOP,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    _children.add(child)
    try:
        return _wait(child, name, log, began, within), time.monotonic() - began
    except BaseException:  # Ctrl-C: what was started does not outlive us
        _end(child)
        raise
    finally:
        _children.discard(child)


def _wait(child: subprocess.Popen[bytes], name: str, log: Path, began: float, within: float) -> int:
    while True:
        try:
            return child.wait(min(HEARTBEAT, max(0.1, began + within - time.monotonic())))
        except subprocess.TimeoutExpired:
            spent = time.monotonic() - began
            if spent >= within:
                say(f"{name}: not done after {spent:.0f} s; it is killed")
                _end(child)
                return 124
            last = tail(log, 1)
            say(f"{name}: {spent:.0f} s: {last[0][-100:] if last else 'starting'}")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Asks the session of the command to end, then kills what is left of it."""
    for number, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            pass
        try:
            child.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue


def end_all() -> None:
    for child in list(_children):
        _end(child)


def show_failure(name: str, lines: int = 30) -> None:
    """The end of the log, where the reason mostly stands; compilers say it earlier, so their errors come first."""
    log = log_of(name)
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line for line in text if re.search(r"\b(fatal )?error:|^FAILED:? ", line)][:12]
    with _say_lock:
        print("\n".join(["", f"--- {name}: {log.relative_to(TOP)}", *errors, *(["..."] if errors else []), *tail(log, lines), ""]), flush=True)


def show_details(name: str, details: list[str], most: int = 8) -> None:
    """What failed cases said; all of it is in the log."""
    shown = [f"--- {detail}" for detail in details[:most]]
    more = [f"... and {len(details) - most} more"] if len(details) > most else []
    with _say_lock:
        print("\n".join(["", *shown, *more, f"--- {name}: all of it in {log_of(name).relative_to(TOP)}", ""]), flush=True)
