"""Where railhead starts: in an empty root, in Slurm's own containers, and on nodes that do not have it."""

import hashlib
import shlex

import pytest

EMPTY = "mkdir -p root/usr/bin root/tmp root/shared root/proc root/dev && cp /usr/bin/railhead root/usr/bin/\n"


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
    command = ["railhead", "run", "--", "sh", "-c", "echo $RANK $(echo $CUDA_VISIBLE_DEVICES | tr -d ,)"]
    done = cluster.alice("salloc", "-Q", "-N2", *options.split(), *command)
    assert done.code == 0, done.text
    assert sorted(done.out.splitlines()) == [f"{rank} {each}".strip() for rank, each in enumerate(gpus.split("|"))], done.text
    job = cluster.submit(shlex.join(command) + "\n", "-N2", *options.split())
    assert job.wait() == "COMPLETED", job.output
    said = sorted(line for line in job.output.splitlines() if not line.startswith("railhead:"))
    assert said == [f"{rank} {each}".strip() for rank, each in enumerate(gpus.split("|"))], job.output


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
    assert sorted(done.out.split()) == ["node1", "node2"]
    assert done.err.count("/opt/mine/railhead is not on the nodes") == 1


def test_a_program_is_carried_once_to_nodes_with_different_numbers_of_gpus(cluster):
    cluster.run("login", "sh", "-c", "mkdir -p /opt/mine && cp /usr/bin/railhead /opt/mine/", check=True)
    for _ in range(3):  # two steps fail at about the same time
        done = cluster.alice("salloc", "-Q", "-N2", "--gpus=3", "/opt/mine/railhead", "run", "--", "hostname")
        assert done.code == 0, done.text
        assert len(done.out.split()) == 2 and done.err.count("is not on the nodes") == 1, done.text


def test_a_launch_inside_a_rank_is_one_of_its_own(cluster):
    inner = 'railhead run -- echo inner; echo "$RANK ended $?"'
    done = cluster.alice("salloc", "-Q", "-N2", "railhead", "run", "--", "sh", "-c", inner, timeout=60)
    assert done.code == 0, done.text
    assert sorted(done.out.splitlines()) == ["0 ended 0", "1 ended 0"] + 4 * ["inner"], done.text


def test_the_siblings_of_a_step_wait_for_its_own_launch_only(cluster):
    outer = 'if [ $RANK = 0 ]; then srun --overlap -N2 railhead run -- echo inner; echo "ended $?"; else sleep 3; fi'
    done = cluster.alice("salloc", "-Q", "-N2", "railhead", "run", "--", "sh", "-c", outer, timeout=60)
    assert done.code == 0, done.text
    assert sorted(done.out.splitlines()) == ["ended 0", "inner", "inner"], done.text


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
