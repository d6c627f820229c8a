"""Launches and containers: Slurm's own --container through bubblewrap, and stand-ins for apptainer and pyxis."""

import json
import re
from pathlib import Path

import pytest
from test_run_ends import pids_of

OWN = pytest.mark.everywhere
HEADER = "#SBATCH -N2 --gpus-per-node=1 -w node1,node2\ncd $SLURM_SUBMIT_DIR\n"
WHERE = "[ -e /dev/nvidia0 ] && echo outside || echo inside"


def image_of(cluster, root: str) -> str:
    """What --container takes to run in that folder. 22.05 wants a bundle with a config.json."""
    if cluster.suite != "bookworm":
        return root
    bundle = f"bundle{root.replace('/', '-')}"
    config = json.dumps({"ociVersion": "1.0.0", "root": {"path": "rootfs"}})
    cluster.alice("sh", "-c", f"mkdir -p {bundle}; ln -sfn {root} {bundle}/rootfs; echo '{config}' >{bundle}/config.json", check=True)
    return f"/shared/home/alice/{bundle}"


@pytest.fixture
def own_root(cluster) -> str:
    """The node's own root as an image: what tells is that the container has no devices of the node."""
    return "--container=" + image_of(cluster, "/")


@OWN
@pytest.mark.parametrize("recipe", ["run", "mpi"])
def test_ranks_of_a_job_in_a_container_are_in_it_too(cluster, own_root, recipe):
    job = cluster.submit(f"{HEADER}{WHERE}\nrailhead {recipe} -- sh -c '{WHERE}'\n", own_root)
    assert job.wait() == "COMPLETED", job.output
    assert len(re.findall("inside$", job.output, re.M)) == 3 and "outside" not in job.output, job.output


STUBBORN = "sh -c 'trap \"\" TERM; echo rank $RANK runs; [ $RANK = 0 ] || [ ! -e fails ] || { echo no loss; exit 3; }; sleep 301 & sleep 302'"


@OWN
def test_the_first_failure_in_a_container(cluster, own_root):
    job = cluster.submit(f"{HEADER}touch fails; railhead run --grace 1 -- {STUBBORN}\n", own_root)
    job.wait()
    assert job.exit_code == 3, job.output
    assert "rank 1 on node2 ended with exit code 3" in job.output and "  | no loss" in job.output, job.output


@OWN
@pytest.mark.parametrize("options", [(), ("--signal=TERM",)])
def test_scancel_leaves_nothing_of_a_container(cluster, own_root, options):
    job = cluster.submit(f"{HEADER}railhead run --grace 1 --report report.json -- {STUBBORN}\n", own_root)
    for rank in (0, 1):
        job.wait_for(f"rank {rank} runs")
    job.cancel(*options)
    job.wait(20)
    if options == ("--signal=TERM",):  # to the steps only: the batch script goes on, and its container
        assert json.loads(job.read("report.json"))["cause"]["kind"] == "cancelled"


@OWN
@pytest.mark.suites("trixie", "sid")  # there is Ray
def test_attach_enters_the_container_of_the_job(cluster, own_root):
    job = cluster.submit(f"{HEADER}exec railhead ray\n", own_root)
    job.wait_for("ray is ready", 60)
    done = cluster.alice("railhead", "attach", str(job.number), "--", "sh", "-c", WHERE + "; echo $RAY_ADDRESS; exit 3")
    assert done.code == 3 and re.fullmatch(r"inside\n[0-9.]+:\d+\n", done.out), done.text
    job.cancel()
    job.wait(20)


IMAGE = """mkdir -p image/bin image/lib64 image/lib/x86_64-linux-gnu
cp /bin/dash image/bin/sh; cp /lib64/ld-linux-x86-64.so.2 image/lib64/; cp /lib/x86_64-linux-gnu/libc.so.6 image/lib/x86_64-linux-gnu/
"""


@OWN
def test_a_container_without_slurms_programs_is_said_and_holds_nobody_up(cluster):
    cluster.alice("sh", "-c", IMAGE + "mkdir -p image/usr/bin; cp /usr/bin/railhead image/usr/bin/", check=True)
    image = image_of(cluster, "/shared/home/alice/image")
    said = (f"the container {image}: srun is not on PATH (expected in one of {{}}); start railhead where Slurm's programs are; "
            f"from outside it runs the program in a container by --srun-arg=--container={image}\n")
    job = cluster.submit("#!/bin/sh\nexec railhead run -- true\n", "-N2", f"--container={image}")
    job.wait()
    assert job.exit_code == 102, job.output
    path = re.search("in one of ([^)]*)", job.output)[1]
    assert job.output == "railhead: " + said.format(path), job.output
    done = cluster.alice("srun", "-Q", "-N2", f"--container={image}", "railhead", "run", "--", "true")
    assert done.code == 102 and done.seconds < 20, done.text
    assert done.err.count(said.format(path)) == 2, done.text


@OWN
@pytest.mark.parametrize("lacking", ["both", "one"])
def test_an_image_that_is_not_there_is_named_with_the_nodes(cluster, lacking):
    image = image_of(cluster, "/") if lacking == "one" else "/shared/home/alice/no-image"
    if lacking == "one":
        cluster.run("node2", "sh", "-c", f"mkdir -p /var/images; ln -sfn {image} /var/images/root", check=True)
        cluster.run("node1", "rm", "-rf", "/var/images", check=True)
        image = "/var/images/root"
    done = cluster.alice("salloc", "-Q", "-w", "node1,node2", "railhead", "run", "--srun-arg=--container=" + image, "--", "true")
    assert done.code == 102 and done.seconds < 20, done.text
    nodes = "node1" if lacking == "one" else r"node\[1-2\]"
    reason = "is not there(, or not the config.json in it)?; put it there on every node, or correct --container\n"
    assert re.search(f"{nodes}: the container image {image} {reason}", done.err), done.text


# As apptainer: one process waits outside, the program is killed with it, sees the node's processes and has its environment, home, /tmp and folder.
STAND_IN = """#!/bin/sh
# A stand-in for `apptainer exec IMAGE COMMAND ...`. The image is a folder, of which only the root is its own.
[ "$1" = exec ] || exit 255
image=$2
shift 2
exec unshare --user --map-root-user --mount --fork --kill-child sh -c '
    for folder in proc dev tmp shared usr etc; do mkdir -p $0/$folder; mount --rbind /$folder $0/$folder || exit 255; done
    exec chroot $0 sh -c "cd \\$0 && exec \\"\\$@\\"" "$PWD" "$@"' "$image" "$@"
"""
PROGRAM = """
import os, signal, sys, time
print("rank", os.environ["RANK"], "runs", os.path.exists("/in-image"), os.getcwd(), flush=True)
if sys.argv[1] == os.environ["RANK"]:
    sys.exit("loss is nan")
signal.signal(signal.SIGTERM, lambda *_: (print("saved", flush=True), sys.exit(0)))
time.sleep(300)
"""
IN_IMAGE = "#SBATCH -N2 --gpus-per-node=1 -w node1,node2\n"


@pytest.fixture
def apptainer(cluster):
    cluster.put("apptainer", STAND_IN, mode=0o755)
    cluster.put("program.py", PROGRAM)
    cluster.put("in-image", "#!/bin/sh\nexec ~/apptainer exec ~/torch-image torchrun \"$@\"\n", mode=0o755)
    cluster.alice("sh", "-c", "mkdir -p torch-image; cd torch-image; : > in-image; for name in bin sbin lib lib64; do ln -sfn usr/$name $name; done", check=True)


@pytest.mark.everywhere
def test_a_rank_that_fails_in_apptainer_is_named_and_the_others_are_asked_to_end(cluster, apptainer):
    job = cluster.submit(IN_IMAGE + "railhead run -- ~/apptainer exec ~/torch-image python3 ~/program.py 1\n")
    job.wait()
    assert job.exit_code == 1, job.output
    for rank in (0, 1):
        assert f"rank {rank} runs True /shared/home/alice/{job.folder}" in job.output, job.output
    assert "rank 1 on node2 ended with exit code 1" in job.output and "  | loss is nan" in job.output and "[rank0] saved" in job.output, job.output


@pytest.mark.everywhere
def test_nothing_is_left_in_apptainer(cluster, apptainer):
    job = cluster.submit(IN_IMAGE + "exec railhead run -- ~/apptainer exec ~/torch-image python3 ~/program.py none\n")
    for rank in (0, 1):
        job.wait_for(f"rank {rank} runs")
    [outside] = pids_of(cluster, "node2", "^unshare .*program.py none")
    cluster.run("node2", "kill", "-9", str(outside), check=True)
    job.wait()
    assert job.exit_code == 137, job.output
    assert "rank 1 on node2 was killed by SIGKILL" in job.output, job.output


TRAIN = """
import os, time, torch, torch.distributed as dist
dist.init_process_group("gloo")
total = torch.ones(1)
dist.all_reduce(total)
print("rank", dist.get_rank(), "has", int(total), os.path.exists("/in-image"), flush=True)
rank = dist.get_rank()
dist.barrier()
dist.destroy_process_group()
if rank == 1:
    raise ValueError("loss is nan")
time.sleep(300)
"""


@pytest.mark.everywhere
@pytest.mark.suites("bookworm")
def test_torchrun_in_apptainer_names_the_first_failure(cluster, apptainer):
    cluster.put("train.py", TRAIN)
    job = cluster.submit(f"{IN_IMAGE}railhead torchrun --torchrun ~/in-image --report report.json -- ~/train.py\n")
    job.wait(120)
    assert job.exit_code == 1, job.output
    assert "rank 0 has 2 True" in job.output and "rank 1 has 2 True" in job.output, job.output
    cause = json.loads(job.read("report.json"))["cause"]
    assert cause["sentence"] == "rank 1 on node2 ended with exit code 1: ValueError: loss is nan", cause


@pytest.fixture
def pyxis(cluster):
    """A plugin of the nodes and of alice's machine."""
    (cluster.shared / "pyxis.c").write_text(Path(__file__).with_name("pyxis_stand_in.c").read_text())
    version = [int(word) for word in re.findall(r"\d+", cluster.run("login", "srun", "--version").out)]
    number = version[0] << 16 | version[1] << 8 | version[2]
    cluster.run("login", "gcc", "-shared", "-fPIC", "-Wall", f"-DSLURM_VERSION={number}", "-o", "/shared/pyxis.so", "/shared/pyxis.c", check=True)
    cluster.alice("sh", "-c", IMAGE + "mkdir -p image/usr/bin image/tmp image/proc image/dev image/shared; rm -f image/usr/bin/railhead", check=True)
    for node in ("login", "node1", "node2"):
        cluster.run(node, "sh", "-c", "echo 'optional /shared/pyxis.so' >>/etc/slurm/plugstack.conf", check=True)
    yield ["salloc", "-Q", "-N2", "--gpus-per-node=1", "-w", "node1,node2"]
    for node in ("login", "node1", "node2"):
        cluster.run(node, "sed", "-i", "/pyxis/d", "/etc/slurm/plugstack.conf", check=True)


@pytest.mark.everywhere
def test_ranks_in_an_image_of_pyxis(cluster, pyxis):
    where = '[ -e /usr/bin/env ] && echo outside || echo inside; [ "$1" != $RANK ] || exit 3'
    options = ["--container-image=/shared/home/alice/image"], []
    done = cluster.alice(*pyxis, *options[0], "railhead", "run", "--", "sh", "-c", where)
    assert done.code == 102 and "has no /usr/bin/railhead" in done.err, done.text
    assert "mount the program into it (with pyxis --srun-arg=--container-mounts=/usr/bin/railhead)" in done.err, done.text
    assert "defined options" not in done.err, done.text
    cluster.alice("cp", "/usr/bin/railhead", "image/usr/bin/", check=True)
    for outer, inner in (options, options[::-1]):
        done = cluster.alice(*pyxis, *outer, "railhead", "run", *[f"--srun-arg={word}" for word in inner], "--", "sh", "-c", where, "sh", "1")
        assert done.code == 3 and done.out.count("inside") == 2, done.text
        assert "rank 1 on node2 ended with exit code 3" in done.err, done.text
