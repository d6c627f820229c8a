"""Where railhead starts: in an empty root, in Slurm's own containers, and on nodes that do not have it."""

import hashlib
import re
import shlex

import pytest

EMPTY = "mkdir -p root/usr/bin root/tmp root/shared root/proc root/dev && cp /usr/bin/railhead root/usr/bin/\n"


def lines_of(text):
    """What ranks printed, without who printed it."""
    return sorted(re.sub(r"^(\[rank\d+\] )+", "", line) for line in text.splitlines())


def test_it_starts_in_a_root_that_has_nothing(cluster):
    cluster.alice("sh", "-c", EMPTY, check=True)
    done = cluster.run("login", "chroot", "/shared/home/alice/root", "/usr/bin/railhead", "config", "show")
    assert done.code == 0, done.text
    assert "launch.loss_after" in done.out
    files = cluster.run("login", "find", "/shared/home/alice/root", "-type", "f").out.split()
    assert files == ["/shared/home/alice/root/usr/bin/railhead"]


SHAPES = [("--gpus=4", "012|0"), ("--gpus=16", "01234567|01234567"), ("-n4 --gpus-per-task=1", "012|0"), ("-n2 --gpus=6 --exclusive", "01234567|01234567"),
          ("--exclusive", "01234567|01234567"), ("--gres=gpu:h100:3", "012|012"), ("-n3", "|"), ("-N3 --gpus=17", "01234567|01234567|0")]


@pytest.mark.everywhere
@pytest.mark.parametrize(("options", "gpus"), SHAPES)
def test_every_gpu_of_the_job_is_there_however_it_was_asked_for(cluster, options, gpus):
    command = ["railhead", "run", "--per-node=1", "--", "sh", "-c", "echo $RANK $(echo $CUDA_VISIBLE_DEVICES | tr -d ,)"]
    done = cluster.alice("salloc", "-Q", "-N2", *options.split(), *command)
    assert done.code == 0, done.text
    assert lines_of(done.out) == [f"{rank} {each}".strip() for rank, each in enumerate(gpus.split("|"))], done.text
    job = cluster.submit(shlex.join(command) + "\n", "-N2", *options.split())
    assert job.wait() == "COMPLETED", job.output
    said = lines_of(re.sub("^railhead:.*\n", "", job.output, flags=re.M))
    assert said == [f"{rank} {each}".strip() for rank, each in enumerate(gpus.split("|"))], job.output


RANKS = """
import os
names = "RANK LOCAL_RANK WORLD_SIZE LOCAL_WORLD_SIZE NODE_RANK MASTER_ADDR SLURM_PROCID SLURM_LOCALID SLURM_NTASKS SLURM_STEP_NODELIST".split()
ports = {os.environ["MASTER_PORT"], os.environ["JAX_COORDINATOR_ADDRESS"].rpartition(":")[2]}
print(*[os.environ[name] for name in names], os.environ["SLURMD_NODENAME"], len(ports), os.environ.get("OMPI_COMM_WORLD_RANK"))
"""


@pytest.mark.everywhere
def test_a_rank_for_each_gpu_with_what_libraries_look_at(cluster):
    done = cluster.alice("salloc", "-Q", "-N2", "--gpus=3", "sh", "-c", "OMPI_COMM_WORLD_RANK=7 railhead run -- python3 -c \"$0\"", RANKS)
    assert done.code == 0, done.text
    address = cluster.run("ctl", "getent", "hosts", "node1", check=True).out.split()[0]
    assert lines_of(done.out) == [
        f"{rank} {local} 3 {here} {node} {address} {rank} {local} 3 node[1-2] node{node + 1} 2 None"
        for rank, local, here, node in ((0, 0, 2, 0), (1, 1, 2, 0), (2, 0, 1, 1))]
    done = cluster.alice("salloc", "-Q", "-N2", "--gpus=3", "railhead", "run", "--per-node=2", "--", "printenv", "WORLD_SIZE")
    assert lines_of(done.out) == ["4"] * 4, done.text


@pytest.mark.suites("trixie", "sid")
def test_agents_and_programs_run_inside_slurms_container(cluster):
    script = EMPTY + "railhead run --srun-arg=--container=$PWD/root -- /usr/bin/railhead --version\n"
    job = cluster.submit(script, "-N2", "--gpus-per-node=1")
    assert job.wait() == "COMPLETED", job.output
    assert job.output.count("railhead 0.1.0\n") == 2, job.output


def test_a_program_that_the_nodes_lack_is_carried_there(cluster):
    cluster.run("login", "sh", "-c", "mkdir -p /opt/mine && cp /usr/bin/railhead /opt/mine/", check=True)
    done = cluster.alice("salloc", "-N2", "/opt/mine/railhead", "run", "--", "hostname")
    assert done.code == 0, done.text
    assert lines_of(done.out) == ["node1", "node2"]
    assert done.err.count("/opt/mine/railhead is not on the nodes") == 1


def test_a_program_is_carried_once_to_nodes_with_different_numbers_of_gpus(cluster):
    cluster.run("login", "sh", "-c", "mkdir -p /opt/mine && cp /usr/bin/railhead /opt/mine/", check=True)
    for _ in range(3):  # two steps fail at about the same time
        done = cluster.alice("salloc", "-Q", "-N2", "--gpus=3", "/opt/mine/railhead", "run", "--", "hostname")
        assert done.code == 0, done.text
        assert len(lines_of(done.out)) == 3 and done.err.count("is not on the nodes") == 1, done.text


def test_a_launch_inside_a_rank_is_one_of_its_own(cluster):
    inner = 'railhead run -- echo inner; echo "$RANK ended $?"'
    done = cluster.alice("salloc", "-Q", "-N2", "railhead", "run", "--", "sh", "-c", inner, timeout=60)
    assert done.code == 0, done.text
    assert lines_of(done.out) == ["0 ended 0", "1 ended 0"] + 4 * ["inner"], done.text


def test_the_siblings_of_a_step_wait_for_its_own_launch_only(cluster):
    outer = 'if [ $RANK = 0 ]; then srun --overlap -N2 railhead run -- echo inner; echo "ended $?"; else sleep 3; fi'
    done = cluster.alice("salloc", "-Q", "-N2", "railhead", "run", "--", "sh", "-c", outer, timeout=60)
    assert done.code == 0, done.text
    assert lines_of(done.out) == ["ended 0", "inner", "inner"], done.text


def test_values_of_variables_are_the_users_own_text(cluster):
    text = "${port.gcs} ${dir} ${rank.1.started} ${$}"
    done = cluster.alice("salloc", "-Q", "-N1", "railhead", "run", "--env", f"MINE={text}", "--", "sh", "-c", 'echo "$MINE"', timeout=30)
    assert done.code == 0 and done.out == text + "\n", done.text


TEXT = "a line\n" * 30_000 + "and no end of line"


def test_standard_input_reaches_every_rank_as_with_srun(cluster):
    command = "railhead run -- sh -c 'echo $RANK $(md5sum)'"
    expected = f"{hashlib.md5(TEXT.encode()).hexdigest()} -"
    for how in ("cat text | {}", "{} < text"):
        job = cluster.submit(f"cat > text <<'END'\n{TEXT}\nEND\ntruncate -s -1 text\n" + how.format(command) + "\n", "-N2")
        assert job.wait() == "COMPLETED", job.output
        assert f"0 {expected}\n" in job.output and f"1 {expected}\n" in job.output, job.output


def test_who_does_not_read_does_not_hold_up_the_end(cluster):
    done = cluster.alice("salloc", "-Q", "-N2", "sh", "-c", "yes | railhead run -- sh -c '[ $RANK = 0 ] || head -c 100000 >/dev/null'", timeout=30)
    assert done.code == 0, done.text
    done = cluster.alice("salloc", "-Q", "-N1", "sh", "-c", "mkfifo open; railhead run -- true <>open", timeout=30)
    assert done.code == 0 and done.seconds < 10, done.text


def test_the_shell_can_go_on_reading_its_input(cluster):
    loop = "printf '1\\n2\\n' | while read n; do railhead run -- echo $n < /dev/null; done"
    done = cluster.alice("salloc", "-Q", "-N1", "sh", "-c", loop)
    assert done.code == 0 and done.out == "1\n2\n", done.text


def test_a_folder_that_some_nodes_lack_is_named_before_any_rank_runs(cluster):
    cluster.run("node1", "mkdir", "-p", "/opt/only-here", check=True)
    job = cluster.submit("mkdir -p /opt/only-here; cd /opt/only-here; railhead run -- touch ~/ran-there; code=$?; ls ~/ran-there; echo code $code\n", "-N4")
    job.wait()
    said = "node2 (also node[3-4]): /opt/only-here cannot be entered: No such file or directory"
    assert said in job.output and "code 102" in job.output and "start it in a folder that all nodes have" in job.output, job.output
    assert "ran-there\n" not in job.output


def test_what_is_no_program_is_named_before_any_rank_runs(cluster):
    files = {"main.c": ("int main() {}", 0o644), "job.py": ("#!/no/such/python\n", 0o755)}
    said = {"main.c": "is not executable; if it is a program, chmod +x it; if another runs it, name that before it (python3, sh); source text is to be compiled",
            "job.py": "is a script whose first line names /no/such/python, which is not there; correct that line, or make that program available there"}
    for name, (text, mode) in files.items():
        cluster.put(name, text, mode=mode)
        done = cluster.alice("salloc", "-Q", "-N2", "railhead", "run", "--", f"./{name}")
        assert done.code == 102 and f"node1 (also node2): /shared/home/alice/{name} {said[name]}\n" in done.err, done.text


def test_gpus_of_the_job_that_programs_do_not_see_are_said(cluster):
    job = cluster.submit("railhead run --per-node=1 --srun-arg=--gres=gpu:1 -- true\n", "-N2", "--gpus-per-node=4")
    assert job.wait() == "COMPLETED", job.output
    assert "node[1-2]: programs see 1 of the 4 GPUs that the job has there" in job.output, job.output


@pytest.mark.parametrize("outer", ["srun --gpus-per-task=1", "srun --gpu-bind=map_gpu:1", "srun --gpus=2", ""])
def test_a_gpu_binding_around_the_launch_hides_no_gpu(cluster, outer):
    job = cluster.submit(f"export SLURM_GPUS_PER_TASK=1 SLURM_GPU_BIND=single:1\n{outer} railhead run --per-node=1 -- printenv CUDA_VISIBLE_DEVICES\n",
                         "-N2", "--gpus-per-node=4")
    assert job.wait() == "COMPLETED", job.output
    assert job.output.count("0,1,2,3\n") == 2 and "programs see" not in job.output, job.output
