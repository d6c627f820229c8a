"""What a person at a terminal sees: salloc on the login node, the driver on the head, keys, window and Ctrl-C in between."""

import os
import sys
import time

import pexpect
import pytest
from ray_jobs import UP

from sandbox import host

PROMPT = r"alice@login:[^$]*\$ "


@pytest.fixture
def terminal(cluster):
    """A shell of alice on the login node, in a terminal of 30 lines and 111 columns."""
    arguments = ["-m", "sandbox.cluster_cli", "login", "--name", cluster.cluster.name, "--user", "alice"]
    shell = pexpect.spawn(sys.executable, arguments, env={**os.environ, "PYTHONPATH": str(host.CHECKOUT), "TERM": "xterm"},
                          encoding="utf-8", codec_errors="replace", dimensions=(30, 111), timeout=30)
    shell.expect(PROMPT)
    shell.ptyproc.delayafterterminate = 1  # on a busy machine a killed child is not gone in 0.1 s
    yield shell
    shell.close(force=True)


def type_line(shell, line, answer=PROMPT):
    """Types a line and waits for the answer."""
    shell.sendline(line)
    shell.expect(answer)


def settings(shell):
    shell.sendline("stty -g")
    shell.expect(r"(?:[0-9a-f]+:){8,}[0-9a-f]+")
    found = shell.after
    shell.expect(PROMPT)
    return found


def test_a_driver_from_salloc_has_the_terminal(terminal):
    before = settings(terminal)
    script = r"tty; stty size; echo on $(hostname); read -p 'name? ' name; trap 'stty size; exit 5' WINCH; echo hello $name; read rest; while :; do sleep 0.1; done"
    terminal.sendline(f'salloc -Q -N2 -wnode1,node2 --gpus-per-node=1 railhead ray -- bash -c "{script}"'.replace("$", r"\$"))
    terminal.expect(r"starting; missing: .*\r\x1b\[K")  # one live line, rewritten
    terminal.expect("ray is ready: 2 nodes, 2 GPUs")
    # Railhead's own word of the start may come between.
    terminal.expect(r"/dev/pts/\d+\r+\n(railhead:[^\n]*\n)?30 111\r+\non node1\r+\n")
    terminal.expect(r"name\? ")
    terminal.sendline("Ada")
    terminal.expect("hello Ada")
    terminal.sendline("")
    terminal.setwinsize(40, 99)
    terminal.expect("40 99")
    terminal.expect(r"the driver on node1 ended with exit code 5\r+\n(?s:.*)exit code 5\r+\n")
    terminal.expect(PROMPT)
    type_line(terminal, "echo code $?", "code 5")
    terminal.setwinsize(30, 111)
    assert settings(terminal) == before


def test_ctrl_c_reaches_the_driver(terminal):
    terminal.sendline("salloc -Q -N1 --gpus-per-node=1 railhead ray -- bash -c 'trap \"echo caught; exit 6\" INT; echo waiting; while :; do sleep 0.1; done'")
    terminal.expect("waiting\r+\n")
    terminal.sendintr()
    terminal.expect("caught")
    terminal.expect("exit code 6")
    terminal.expect(PROMPT)


@pytest.mark.parametrize("launch", ["run -- bash -c 'read x; echo got $x'", "ray -- bash -c 'read x; echo got $x' | cat"])
def test_lines_that_are_typed_reach_programs_without_a_terminal(terminal, launch):
    terminal.sendline("salloc -Q -N1 --gpus-per-node=1 bash -c \"railhead " + launch.replace("$", r"\$") + "\"")
    terminal.expect(" is ready: 1 node, 1 GPU\r+\n")
    terminal.sendline("Ada")
    terminal.expect("got Ada")
    terminal.expect(PROMPT)


def test_a_launch_in_the_background_leaves_the_terminal_alone(terminal):
    # salloc hands the terminal over only after it started its command; an interactive bash that looks earlier stops for good (SIGTTIN).
    handed_over = "while [ $(ps -o tpgid= -p $$) -ne $$ ]; do sleep 0.05; done"
    shell = r'exec bash -ic "railhead run -- sleep 3 & read x; echo the shell got \$x; wait"'
    terminal.sendline(f"salloc -Q -N1 --gpus-per-node=1 bash -c '{handed_over}; {shell}'")
    terminal.expect(" is ready: 1 node, 1 GPU\r+\n")
    terminal.sendline("Ada")
    terminal.expect("the shell got Ada")
    terminal.expect("exit code 0")
    terminal.expect(PROMPT)


def test_ctrl_c_ends_a_kept_cluster(terminal):
    terminal.sendline("salloc -Q -N2 --gpus-per-node=1 railhead ray")
    terminal.expect("use it with: railhead attach")
    terminal.sendintr()
    terminal.expect("ended by Ctrl-C")
    terminal.expect(PROMPT)
    type_line(terminal, "echo code $?", "code 0")


def test_attach_gives_a_shell_on_the_head(cluster, terminal):
    job = cluster.submit("#SBATCH -N2 --gpus-per-node=1 -wnode3,node4\nrailhead ray\n")
    job.wait_for("railhead attach", UP)
    terminal.sendline(f"railhead attach {job.number}")
    terminal.expect(r"node3[^$]*\$ ")
    terminal.sendline("stty size; echo gpus $RAILHEAD_NUM_GPUS; exit 3")
    terminal.expect("30 111")
    terminal.expect("gpus 2")
    terminal.expect(PROMPT)
    type_line(terminal, "echo code $?", "code 3")
    job.cancel()
    job.wait(30)


def test_a_terminal_that_takes_nothing_for_a_while_ends_nothing(terminal, cluster):
    (cluster.home() / "done").unlink(missing_ok=True)
    terminal.sendline("salloc -Q -N1 --gpus-per-node=1 railhead ray --loss-after 5 -- bash -c 'echo go; seq 200000; touch done; sleep 1'")
    terminal.expect("go\r+\n")
    time.sleep(12)  # a connection that stands still, say: nobody reads
    assert (cluster.home() / "done").exists()
    terminal.expect("200000\r+\n")
    terminal.expect(PROMPT)
    type_line(terminal, "echo code $?", "code 0")
