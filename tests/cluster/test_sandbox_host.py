"""What the sandbox takes from the host's settings, and the configuration it writes: no cluster needed."""

from __future__ import annotations

import pytest

from sandbox import host, layers
from sandbox.inventory import leaf_groups, make_nodes
from sandbox.slurmconf import Shape, cgroup_conf, files, gres_conf, slurm_conf, topology_conf

DEB822 = """Types: deb
# the site's mirror
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: file:///srv/packages
Suites: ./
Trusted: yes
"""
ONE_LINE = """# deb http://comment.example/debian bookworm main
deb [signed-by=/x.gpg arch=amd64] http://mirror.example/debian bookworm main contrib # ours
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
deb [trusted=yes] file:/srv/packages ./
"""


@pytest.fixture(autouse=True)
def no_mirror_in_the_environment(monkeypatch):
    monkeypatch.delenv("RAILHEAD_DEBIAN_MIRROR", raising=False)


@pytest.mark.parametrize(("name", "text"), [("sources.list", ONE_LINE), ("sources.list.d/debian.sources", DEB822)])
def test_mirror_is_found_in_both_forms_of_sources(tmp_path, name, text):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    mirror = host.find_mirror(host.apt_sources(tmp_path), "bookworm")
    assert mirror.main == "http://mirror.example/debian"
    assert mirror.security == "http://mirror.example/debian-security"
    assert [(source.uri.replace("///", "/"), source.suites, source.trusted) for source in mirror.local] == [("file:/srv/packages", ["./"], True)]


def test_mirror_of_another_distribution_is_not_used():
    sources = [host.Source("http://mirror.example/ubuntu", ["noble"], ["main"])]
    assert host.find_mirror(sources, "noble", "ubuntu").main is None


def test_mirror_can_be_named_in_the_environment(monkeypatch):
    monkeypatch.setenv("RAILHEAD_DEBIAN_MIRROR", "http://near.example/debian")
    assert host.find_mirror([], "noble", "ubuntu").main == "http://near.example/debian"


def test_files_that_pip_settings_name_are_copied_into_the_root(tmp_path):
    constraints, place = tmp_path / "constraints.txt", tmp_path / "place"
    constraints.write_text("torch<=2.14\n")
    place.mkdir()
    settings = {"constraint": f"{constraints} http://other.example/c.txt", "timeout": "60"}
    inside = host.pip_settings_inside(settings, place, "/inside")
    assert inside == {"constraint": "/inside/pip-constraint-0.txt http://other.example/c.txt", "timeout": "60"}
    assert (place / "pip-constraint-0.txt").read_text() == "torch<=2.14\n"


def test_pip_settings_come_from_files_and_the_environment_wins(tmp_path, monkeypatch):
    for name in list(host.os.environ):
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    file = tmp_path / "pip.conf"
    file.write_text(f"[global]\nfind-links = {tmp_path}\nextra-index-url = file://{tmp_path}/index/simple\n  http://other.example\ncert = /here\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    monkeypatch.setattr(host, "pip_config_files", lambda: [file])
    monkeypatch.setenv("PIP_INDEX_URL", "http://index.example/simple")
    settings = host.pip_settings()
    assert settings["find-links"] == str(tmp_path)
    assert settings["index-url"] == "http://index.example/simple"
    assert "cert" not in settings, "a path of the host's means nothing in a root"
    (tmp_path / "index/simple").mkdir(parents=True)
    assert host.local_folders(list(settings.values())) == [tmp_path, tmp_path / "index"]


def test_another_apt_get_of_the_host_is_waited_for(tmp_path, monkeypatch, capsys):
    held = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)"
    program = tmp_path / "apt-get"
    program.write_text(f"#!/bin/sh\n[ -e {tmp_path}/once ] && exit 0\n: > {tmp_path}/once\necho '{held}'\nexit 100\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    host.apt_get("-qq", "update")
    assert capsys.readouterr().err == "host: waiting for another apt-get to end\n"
    (tmp_path / "once").unlink()
    with pytest.raises(host.SandboxError, match="`apt-get -qq update` failed on the host: E: Could not get lock"):
        host.apt_get("-qq", "update", patience=0)


def test_layer_key_changes_with_its_recipe_and_with_those_below(monkeypatch):
    before = {name: layers.key("trixie", name) for name in ("base", "slurm", "build", "ray")}
    monkeypatch.setattr(layers, "NODE", [*layers.NODE, "hello"])
    after = {name: layers.key("trixie", name) for name in before}
    assert after["base"] == before["base"]
    assert all(after[name] != before[name] for name in ("slurm", "build", "ray"))
    assert layers.key("sid", "base") != layers.key("trixie", "base")


def shape(suite: str = "trixie", count: int = 4, cgroups: str = "v1", accounting: bool = False) -> Shape:
    return Shape(suite, count, tuple(make_nodes(count)), cgroups, accounting, True, True)


def test_nodes_and_addresses_are_distinct():
    nodes = make_nodes(300)
    assert len({node.address for node in nodes}) == len({node.address6 for node in nodes}) == len(nodes) == 305


@pytest.mark.parametrize(("count", "first", "second"), [
    (1, ["node1", "a100-1", "cpu1"], ["a100-2"]),
    (2, ["node1", "a100-1", "cpu1"], ["node2", "a100-2"]),
    (3, ["node[1-2]", "a100-1", "cpu1"], ["node3", "a100-2"]),
    (4, ["node[1-2]", "a100-1", "cpu1"], ["node[3-4]", "a100-2"]),
])
def test_every_node_is_in_one_of_two_leaf_groups(count, first, second):
    assert leaf_groups(count) == {"leaf1": first, "leaf2": second}
    assert topology_conf(shape(count=count)).splitlines()[-1] == "SwitchName=spine Switches=leaf1,leaf2"


def test_configuration_names_every_kind_of_node():
    text = slurm_conf(shape())
    assert "NodeName=node[1-4] CPUs=16 Sockets=2 CoresPerSocket=8 RealMemory=32000 Gres=gpu:h100:8 State=UNKNOWN" in text
    assert "PartitionName=gpu Nodes=node[1-4] Default=YES" in text
    assert "NodeName=a100-[1-2] Name=gpu Type=a100 File=/dev/nvidia[0-3]" in gres_conf(shape())


def test_without_cgroups_slurm_is_asked_for_none():
    text = slurm_conf(shape(cgroups="off"))
    assert "proctrack/linuxproc" in text and "task/none" in text
    assert cgroup_conf(shape(cgroups="off")) == "CgroupPlugin=disabled\n"
    assert cgroup_conf(shape("bookworm", cgroups="off")) == "CgroupPlugin=cgroup/v1\n"


def test_each_suite_gets_only_the_keys_it_knows():
    assert "EnableControllers" in cgroup_conf(shape("trixie", cgroups="v2"))
    assert "EnableControllers" not in cgroup_conf(shape("bookworm", cgroups="v2"))
    assert "CreateEnvFile" in files(shape("sid"))["etc/slurm/oci.conf"]
    assert "CreateEnvFile" not in files(shape("bookworm"))["etc/slurm/oci.conf"]
