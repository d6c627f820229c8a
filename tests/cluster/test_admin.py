"""docs/admin.md as an administrator goes through it: every command of the page runs, in its order, and does what the page says.

The commands are those of its fenced blocks without a language. They run as root on the controller of a cluster that has Slurm and
accounting and nothing of Railhead; there is no systemd, so that one command of it is stood in for. Building from source
runs in the build root, over a copy of the checkout that is thrown away.
"""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from sandbox import buildroot
from sandbox.cluster import Cluster, Wanted
from sandbox.host import CHECKOUT
from sandbox.inventory import CONTROLLER
from sandbox.testing import Done, TestCluster
from submits import held, wait_until

pytestmark = pytest.mark.everywhere
PAGE = CHECKOUT / "docs/admin.md"
LOG = "/var/log/slurm/slurmctld.log"
SUITE_OF = {"Debian 12": "bookworm", "Debian 13": "trixie", "Debian sid": "sid"}
FROM_SOURCE = "From source"
RUN_IN_ORDER = ["1. Replay", "2. Warn", "3. Canary", "4. Enforce", "Read the log", "Remove"]
# Stands in for systemd's `systemctl restart slurmctld`; it knows no other words.
SYSTEMCTL = r"""#!/bin/sh
[ "$*" = "restart slurmctld" ] || { echo "systemctl stand-in: what is $*?" >&2; exit 64; }
pid=$(cat /run/slurmctld.pid)
kill "$pid" && while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
exec slurmctld
"""
WITHOUT_RAILHEAD = f"""set -e
sed -i /^JobSubmitPlugins/d /etc/slurm/slurm.conf
rm -f /usr/bin/railhead /etc/slurm/railhead.toml /etc/slurm/plugstack.conf
find /usr/lib -name '*railhead*' -delete
cat >/usr/local/sbin/systemctl; chmod +x /usr/local/sbin/systemctl
gzip {LOG}
mv {LOG}.gz {LOG}.1.gz
systemctl restart slurmctld
mkdir -p /srv/checkout/build
echo 'APT::Get::Assume-Yes "true"; APT::Install-Recommends "false";' >/srv/apt.conf
"""


def commands_of_page() -> dict[str, list[str]]:
    """By the heading that they stand below."""
    found: dict[str, list[str]] = {}
    for part in re.split(r"^##+ ", PAGE.read_text(), flags=re.M):
        blocks = [text for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", part, re.M | re.S) if not language]
        if blocks:
            found[part.partition("\n")[0]] = "".join(blocks).splitlines()
    return found


def test_every_command_of_the_page_is_run_by_a_test_here():
    assert list(commands_of_page()) == [*SUITE_OF, FROM_SOURCE, *RUN_IN_ORDER]
    fences = re.findall(r"```.*", PAGE.read_text())
    assert {*fences} <= {"```", "```text", "```toml"}, "text and settings are no commands; a block in another language would hide some"
    assert all(len(commands_of_page()[distribution]) <= 5 for distribution in SUITE_OF)


class Site(TestCluster):
    """A cluster whose controller has nothing of Railhead until the page's commands bring it."""

    def follow(self, heading: str) -> str:
        """Runs the commands below a heading; all that they said."""
        return "".join(self.command(line) for line in commands_of_page()[heading])

    def command(self, line: str) -> str:
        if line.startswith("packaging/"):
            return self.build_packages(line)
        environment = {"APT_CONFIG": "/srv/apt.conf", "DEBIAN_FRONTEND": "noninteractive"}
        done = self.run(CONTROLLER, "sh", "-c", line, chdir="/srv/checkout", environment=environment, timeout=120)
        assert done.code == 0, f"docs/admin.md: {line}: {done.text}"
        if line in ("systemctl restart slurmctld", "scontrol reconfigure"):
            wait_until("slurmctld to answer", lambda: self.run(CONTROLLER, "scontrol", "ping").code == 0, within=30)
        return done.text

    def build_packages(self, line: str) -> str:
        """On the machine that has the checkout; what the next commands read of it is copied to the controller."""
        made = subprocess.run(line.split(), cwd=CHECKOUT, capture_output=True, text=True, timeout=900)
        assert made.returncode == 0, f"docs/admin.md: {line}: {made.stdout}{made.stderr}"
        packed = subprocess.run(["tar", "-c", f"build/packages/{self.suite}", "etc"], cwd=CHECKOUT, capture_output=True, check=True).stdout
        place = self.shared / "checkout.tar"
        place.write_bytes(packed)
        self.run(CONTROLLER, "tar", "-xf", "/shared/checkout.tar", "-C", "/srv/checkout", check=True)
        return made.stdout

    def asks(self, user: str) -> Done:
        return held(self, "--gpus-per-node=no-such-type:1", user=user)[0]

    def refuses(self, user: str) -> bool:
        return "sbatch: error: railhead: gpu:no-such-type is not in partition gpu" in self.asks(user).err

    def warns(self, user: str) -> bool:
        return "railhead: warning: gpu:no-such-type is not in partition gpu" in self.asks(user).err


@pytest.fixture(scope="module")
def site(suite):
    cluster = Cluster(f"admin-{suite}-{os.getpid()}")
    try:
        cluster.up(Wanted(suite, 1, True, "auto", False))
        found = Site(cluster)
        found.run(CONTROLLER, "sh", "-c", WITHOUT_RAILHEAD, input=SYSTEMCTL, check=True)
        yield found
    finally:
        cluster.down()


def test_the_page_leads_from_a_bare_controller_to_enforced_rules_and_back(site, suite):
    wait_until("slurmctld to answer", lambda: site.run(CONTROLLER, "scontrol", "ping").code == 0, within=30)
    assert "railhead" not in site.asks("alice").err
    assert site.alice("srun", "--gpus-per-node=1", "true").code == 0, "for replay to know of"
    distribution = next(name for name, its in SUITE_OF.items() if its == suite)
    site.follow(distribution)
    wait_until("a refusal right after the install", lambda: site.refuses("alice"), within=30)

    assert "jobs; of 0 only the totals are on record; 0 lines could not be read" in site.follow("1. Replay")
    assert "rule_gpu_type" in site.follow("2. Warn")
    wait_until("a warning", lambda: site.warns("alice"))
    site.follow("3. Canary")
    wait_until("a refusal for the canary", lambda: site.refuses("alice"))
    assert site.warns("bob"), "and for nobody else"
    site.follow("4. Enforce")
    wait_until("a refusal for everybody", lambda: site.refuses("bob"))

    said = site.follow("Read the log")
    assert "rule=gpu-type verdict=warn user=1002 partition=(default): gpu:no-such-type " in said
    assert re.search(r"^gpu-type +[1-9]\d* +[1-9]\d* +2$", said, re.M), "alice and bob"
    assert re.search(r"^gpu-type +\d+ +\d+ +1$", said, re.M), "the one who asked before the log was rotated"

    site.follow("Remove")
    assert "railhead" not in site.asks("alice").err
    left = site.run(CONTROLLER, "sh", "-c", "find /usr /etc/slurm -name '*railhead*'").out
    assert left.split() == ["/etc/slurm/railhead.toml"]


@pytest.mark.suites("bookworm")  # whose build root has what the launcher needs
def test_the_page_builds_from_source():
    over = "mkdir /tmp/upper /tmp/work && mount -t overlay -o lowerdir=/src,upperdir=/tmp/upper,workdir=/tmp/work overlay /src && cd /src"
    lines = commands_of_page()[FROM_SOURCE]
    look = "railhead --version && find /usr/lib -name '*_railhead.so'"
    done = buildroot.run("bookworm", ["sh", "-exc", "\n".join([over, *lines, look])], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1200)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "railhead 0." in done.stdout and "/job_submit_railhead.so" in done.stdout and "/spank_railhead.so" in done.stdout
