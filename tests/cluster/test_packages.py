"""The .deb packages on a root that has Slurm's packages and nothing of ours; what a test changes there is thrown away."""

from __future__ import annotations

import subprocess

import pytest

from sandbox import buildroot
from sandbox.host import CHECKOUT

pytestmark = pytest.mark.everywhere
# Not one that is tested at the same time: making its package installs its plugins anew.
OTHER = {"bookworm": "trixie", "trixie": "bookworm", "sid": "trixie"}
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends"
# The Slurm version of the root stands in the package's own.
OWN = "railhead-slurm_*+slurm$(dpkg-query -f '${source:Upstream-Version}' -W slurmctld)_*.deb"


@pytest.fixture(scope="module")
def root(suite):
    """Runs a script in a fresh root of the suite, with the packages of this suite and of another."""
    name = f"packages-{suite}"  # suites are tested side by side
    made = subprocess.run([CHECKOUT / "packaging/build", "--to", name, suite, OTHER[suite]], capture_output=True, text=True, timeout=900)
    assert made.returncode == 0, made.stdout + made.stderr

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return buildroot.run(suite, ["sh", "-c", f"cd /src/build/{name}/{suite}\n{script}"], layer="slurm", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)

    return run


def test_they_bring_what_cmake_installs(root, suite):
    """But for documentation, which the sandbox's roots leave out."""
    done = root(f"""set -e
        {INSTALL} ./railhead_*.deb ./{OWN} >&2
        railhead --version
        cmp /usr/bin/railhead /src/build/release/bin/railhead
        cd /src/{buildroot.install_folder(suite)}
        find . -type f ! -path '*/share/doc/*' | while read -r file; do cmp "$file" "/$file"; dpkg -S "${{file#.}}"; done""")
    assert done.returncode == 0, done.stdout
    assert "railhead 0." in done.stdout
    for plugin in ("job_submit_railhead.so", "spank_railhead.so"):
        assert f"slurm-wlm/{plugin}" in done.stdout, done.stdout


def test_apt_refuses_the_plugins_of_another_slurm(root, suite):
    done = root(f"""{INSTALL} ../{OTHER[suite]}/railhead-slurm_*.deb
        echo "apt ended with $?"; dpkg-query -W railhead-slurm""")
    assert "apt ended with 100" in done.stdout
    assert "slurm-wlm-basic-plugins" in done.stdout, "the sentence names what does not fit"
    assert "no packages found" in done.stdout


@pytest.mark.parametrize(("file", "line", "words"), [
    ("slurm.conf", "JobSubmitPlugins=lua,railhead", "names railhead in JobSubmitPlugins, and slurmctld would not start without it"),
    ("plugstack.conf", "required spank_railhead.so", "requires spank_railhead.so, and no job step would start without it"),
])
def test_they_stay_while_slurm_needs_them(root, file, line, words):
    done = root(f"""set -e
        {INSTALL} ./{OWN}
        mkdir -p /etc/slurm; echo '{line}' >/etc/slurm/{file}
        ! apt-get remove -y railhead-slurm
        dpkg --verify railhead-slurm
        sed -i 's/^/#/' /etc/slurm/{file}
        apt-get remove -qq -y railhead-slurm
        ! ls /usr/lib/*/slurm-wlm/*railhead*""")
    assert done.returncode == 0, done.stdout
    assert words in " ".join(done.stdout.split()), done.stdout
