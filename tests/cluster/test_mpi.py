"""`railhead mpi`: Open MPI itself, started by srun with PMIx where the suite's Slurm has that, and by mpirun everywhere."""

import json
import re

import pytest

pytestmark = pytest.mark.everywhere

HEADER = "#SBATCH -N4 --gpus-per-node=1\n"
CODE = "echo code $?\n"
# Which of its networks the sandbox's nodes reach each other by.
NETWORK = "export OMPI_MCA_btl_tcp_if_include=eth0\n"
PMIX = {"bookworm": "srun", "trixie": "srun", "sid": "mpirun"}

# A collective over all ranks; then the rank that is named in the arguments ends as they say, and the others wait for it.
PROGRAM = r"""
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void heard(int number) { printf("heard %d\n", number); fflush(stdout); }

static const char* variable(const char* name) { return getenv(name) ? getenv(name) : "none"; }

int main(int argc, char** argv) {
    int rank, size, sum;
    char host[256], line[64] = "nothing";
    signal(SIGUSR1, heard);
    MPI_Init(&argc, &argv);
    usleep(500000);  /* Open MPI 5.0.7 takes no message of a faster rank while it initialises (SIGSEGV in ob1) */
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    gethostname(host, sizeof host);
    if (argc < 3) {
        if (fgets(line, sizeof line, stdin)) line[strcspn(line, "\n")] = 0;
        printf("rank %d of %d on %s sum %d sees GPUs %s, has %s %s, read %s\n", rank, size, host, sum, variable("CUDA_VISIBLE_DEVICES"),
               variable("OMPI_MCA_btl_tcp_if_include"), variable("UCX_LOG_LEVEL"), line);
        MPI_Finalize();
        return 0;
    }
    printf("rank %d runs as %d\n", rank, getpid());
    fflush(stdout);
    MPI_Barrier(MPI_COMM_WORLD);
    usleep(500000);  /* nobody is in a message that the end of another would break */
    if (rank == atoi(argv[1])) {
        if (!strcmp(argv[2], "exit")) exit(3);
        if (!strcmp(argv[2], "kill")) raise(SIGKILL);
        if (!strcmp(argv[2], "leave")) _exit(0);
        if (!strcmp(argv[2], "abort")) MPI_Abort(MPI_COMM_WORLD, 5);
        if (!strcmp(argv[2], "eat")) for (;;) memset(malloc(1 << 24), 1, 1 << 24);
    }
    for (;;) sleep(300);
}
"""


@pytest.fixture(scope="session")
def program(session_cluster):
    session_cluster.put("mpi/program.c", PROGRAM)
    done = session_cluster.alice("mpicc", "-o", "/shared/home/alice/mpi/program", "/shared/home/alice/mpi/program.c")
    assert done.code == 0, done.text
    return "~/mpi/program"


@pytest.fixture(params=[pytest.param("srun", marks=pytest.mark.suites("bookworm", "trixie")), "mpirun"])
def launcher(request):
    return request.param


def waiting(cluster, program, what="-1 wait", options="", header=HEADER):
    return cluster.submit(f"{header}{NETWORK}railhead mpi {options} --report report.json -- {program} {what}\n{CODE}")


def started(job, ranks=4):
    for rank in range(ranks):
        job.wait_for(rf"^\[rank{rank}\] rank {rank} runs", 60)


def test_ranks_in_the_stated_order_with_gpus_variables_and_input(cluster, program, suite):
    lies = "export SLURM_NTASKS=99 SLURM_DISTRIBUTION=cyclic SLURM_CPU_BIND=map_cpu:0 SLURM_MPI_TYPE=none SLURM_GPUS_PER_TASK=1 SRUN_CPUS_PER_TASK=7 PMIX_RANK=7 UCX_LOG_LEVEL=error\n"
    script = f"#SBATCH -N4 --gpus-per-node=2\n{NETWORK}{lies}echo 'a word' | railhead mpi --order 'node[3,1,4,2]' -- {program}\n{CODE}"
    job = cluster.submit(script)
    job.wait_for("^code 0")
    how = "srun with PMIx" if PMIX[suite] == "srun" else "mpirun of Open MPI"
    assert f"8 ranks on 4 nodes in this order: node3, node1, node4, node2; started by {how}" in job.output, job.output
    for rank in range(8):
        read = "a word" if rank == 0 else "nothing"
        assert f"[rank{rank}] rank {rank} of 8 on node{'33114422'[rank]} sum 28 sees GPUs 0,1, has eth0 error, read {read}" in job.output, job.output
    assert job.wait() == "COMPLETED"


@pytest.mark.parametrize("bind", ["none", "core", "numa", "socket"])
def test_what_a_rank_is_bound_to(cluster, launcher, bind):
    job = cluster.submit(f"#SBATCH -N2 -c 2 --ntasks-per-node=1\nrailhead mpi --launcher {launcher} --bind {bind} -- sh -c 'echo may use $(nproc)'\n{CODE}")
    job.wait_for("^code 0")
    assert len(re.findall(r"may use \d", job.output)) == 2, job.output
    if bind in ("none", "core"):
        assert job.output.count("may use 2") == 2, job.output


@pytest.mark.parametrize(("what", "code", "sentence"), [("exit", 3, "rank 5 on node3 ended with exit code 3"), ("kill", 137, "rank 5 on node3 was killed by SIGKILL")])
def test_the_first_failure_is_named_with_its_node(cluster, program, launcher, what, code, sentence):
    job = waiting(cluster, program, f"5 {what}", f"--per-node 2 --launcher {launcher}")
    job.wait_for(f"^code {code}$")
    report = json.loads(job.read("report.json"))
    assert (report["exit_code"], report["cause"]["sentence"], report["cause"]["rank"], report["cause"]["node"]) == (code, sentence, 5, "node3")
    assert all(victim["sentence"].startswith("rank ") for victim in report["victims"]), report["victims"]


@pytest.mark.parametrize("per_node", [1, 2])
def test_an_abort_ends_all_with_its_code(cluster, program, launcher, per_node):
    """Slurm may kill all before the rank has ended itself, on its node and on others."""
    job = waiting(cluster, program, "2 abort", f"--per-node {per_node} --launcher {launcher}")
    job.wait_for("^code [1-9]")
    report = json.loads(job.read("report.json"))
    assert report["exit_code"] == 5, job.output
    said = [f"rank 2 on node{2 // per_node + 1} ended with exit code 5"]
    if launcher == "srun":
        said.append("a rank called MPI_Abort or left before the others, and all ranks were killed: srun ended with exit code 5")
    assert report["cause"]["sentence"].removesuffix(": it called MPI_Abort") in said, job.output


def test_each_rank_has_files_and_a_prefix_and_those_of_a_filter_are_shown(cluster, launcher):
    script = "echo out of $OMPI_COMM_WORLD_RANK$PMIX_RANK; echo err >&2; sleep 1; [ ${PMIX_RANK:-$OMPI_COMM_WORLD_RANK} != 3 ]"
    job = cluster.submit(f"{HEADER}{NETWORK}railhead mpi --per-node 2 --ranks 0,3 --launcher {launcher} --log-dir logs -- sh -c '{script}' 2>errors\n{CODE}")
    job.wait_for("^code 1$")
    assert len(re.findall(r"^\[rank[03]\] out of ", job.output, re.M)) == 2 and "[rank1]" not in job.output, job.output
    errors = job.read("errors")
    assert "[rank0] err" in errors and "[rank3] err" in errors and "[rank5]" not in errors, errors
    assert "rank 3 on node2 ended with exit code 1" in errors and re.search(r"log: logs/\S*node2/rank3.err", errors), errors
    brought = {path.name for path in job.directory.glob("logs/*/node*/*")}
    assert {f"rank{rank}.out" for rank in range(8)} <= brought, brought


def test_an_oom_kill_is_named(cluster, program, launcher):
    job = waiting(cluster, program, "1 eat", f"--launcher {launcher}", HEADER + "#SBATCH --mem=500M\n")
    job.wait_for("^code 106$")
    assert "rank 1 on node2 was killed by the out-of-memory killer" in job.output, job.output


def test_signals_for_the_program_reach_each_rank_once(cluster, program, launcher):
    job = waiting(cluster, program, options=f"--launcher {launcher}")
    started(job)
    job.cancel("--signal=USR1")
    job.wait_for(r"(heard 10[\s\S]*){4}")
    job.cancel("--signal=TERM")  # to the steps only
    job.wait_for("^code 109$")
    assert job.output.count("heard 10") == 4, job.output


def pids_of(cluster, node, pattern):
    return cluster.run(node, "pgrep", "-f", pattern).out.split()


ENDS = {
    "scancel": lambda cluster, job: job.cancel(),
    "scancel KILL": lambda cluster, job: job.cancel("--signal=KILL"),
    "supervisor": lambda cluster, job: cluster.run("node1", "kill", "-KILL", *pids_of(cluster, "node1", "^railhead mpi"), check=True),
    "agent": lambda cluster, job: cluster.run("node2", "kill", "-KILL", *pids_of(cluster, "node2", "railhead agent"), check=True),
    "ranks": lambda cluster, job: cluster.run("node2", "kill", "-KILL", *pids_of(cluster, "node2", "railhead ranks"), check=True),
    "launcher": lambda cluster, job: cluster.run("node1", "kill", "-KILL", *pids_of(cluster, "node1", r"^(srun.*--mpi=pmix|\S*(mpirun|prterun) )"), check=True),
}


@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_left(cluster, program, launcher, end):
    """The fixture looks at every node."""
    job = waiting(cluster, program, options=f"--per-node 2 --launcher {launcher}")
    started(job, 8)
    ENDS[end](cluster, job)
    job.wait(40)
    assert "code 0" not in job.output, job.output
    if end == "agent":
        assert re.search("railhead: +[0-9.]+ s .*node2", job.output), job.output
    if end == "launcher":
        assert f"{launcher} on node1 was killed by SIGKILL" in job.output, job.output


def test_the_second_ctrl_c_ends_it(cluster, program, launcher):
    process = cluster.start("login", "salloc", "-Q", "-N2", "--gpus-per-node=1", "bash", "-c", f"{NETWORK}exec railhead mpi --launcher {launcher} -- {program} -1 wait")
    lines = []
    while not {"[rank0] rank 0", "[rank1] rank 1"} <= {line[:14] for line in lines}:
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    cluster.run("login", "sh", "-c", "pkill -INT -x railhead", check=True)
    cluster.run("login", "sh", "-c", "pkill -INT -x railhead")
    said = process.communicate(timeout=30)[0]
    assert process.returncode == 109 or "SIGINT" in said, (process.returncode, said)


def test_a_lost_node_ends_the_ranks_on_the_others(cluster, program, launcher):
    job = waiting(cluster, program, options=f"--loss-after 3 --launcher {launcher}")
    started(job)
    cluster.cut("node3")
    job.wait_for("^code 1", 60)
    assert "node3 was lost while the program ran" in job.output or launcher == "mpirun", job.output
    cluster.heal("node3")
    job.wait(60)


def test_a_rank_that_leaves_mpirun_without_a_word_is_the_headline_and_not_one_that_mpirun_killed(cluster, program):
    job = waiting(cluster, program, "2 leave", "--launcher mpirun --per-node 2", "#SBATCH -N2 --gpus-per-node=1\n")
    job.wait_for("^code 1$", 60)
    cause = json.loads(job.read("report.json"))["cause"]
    assert cause["rank"] == 2 and "ended with exit code 0 before it called MPI_Finalize" in cause["sentence"], job.output
    job.wait()


@pytest.mark.suites("bookworm", "trixie")
def test_scancel_of_the_ranks_step_alone_is_told_as_such(cluster):
    job = cluster.submit(f"{HEADER}railhead mpi --launcher srun --report report.json -- sh -c 'echo up; exec sleep 300'\n{CODE}")
    job.wait_for(r"(\] up[\s\S]*){4}", 60)
    cluster.alice("scancel", f"{job.number}.1", check=True)
    job.wait_for("^code 109$", 30)
    cause = json.loads(job.read("report.json"))["cause"]
    assert (cause["kind"], cause["sentence"]) == ("cancelled", "the step of the ranks was cancelled, as scancel of that step does"), cause
    job.wait()


@pytest.mark.suites("bookworm")  # whose package of Slurm does without the library that its plugin loads
@pytest.mark.parametrize("node", ["node1", "node2"])
def test_a_pmix_that_slurm_lists_and_cannot_load_is_said(cluster, node):
    library = "/usr/lib/x86_64-linux-gnu/pmix2"
    cluster.run(node, "mv", library, library + ".away", check=True)
    try:
        done = cluster.alice("salloc", "-Q", "-w", "node[1-2]", "railhead", "mpi", "--launcher", "srun", "--", "sleep", "60")
    finally:
        cluster.run(node, "mv", library + ".away", library, check=True)
    said = {"node1": "Slurm lists PMIx there and cannot load it; give --launcher mpirun", "node2": "Slurm could not start ranks on node2: Unspecified error; slurmd's log"}
    assert done.code == 102 and f": {said[node]}" in done.err, done.text


def test_what_cannot_work_is_said_before_the_start(cluster, suite):
    def call(*words):
        return cluster.alice("salloc", "-w", "node[1-2]", "railhead", "mpi", *words)

    done = call("--", "./no-such-program")
    assert done.code == 102 and "no-such-program" in done.err and "node1" in done.err and "mpi is ready" not in done.err, done.text
    done = call("--launcher", "mpirun", "--mpirun", "/no/mpirun", "--", "true")
    assert done.code == 102 and "/no/mpirun is no executable file on node1; load the module of Open MPI in the job script, or give --mpirun PATH" in done.err, done.text
    done = call("--order", "node1,node9", "--", "true")
    assert done.code == 100 and "--order node1,node9 names node9, which the job does not have (expected topology, slurm, or each of node[1-2] once)" in done.err, done.text
    if suite == "sid":
        done = call("--mpirun", "/bin/true", "--", "true")
        assert done.code == 102 and "srun has no PMIx (srun --mpi=list), and /bin/true is not Open MPI's on node1" in done.err, done.text


HET = "#SBATCH -N1 -p cpu\n#SBATCH hetjob\n#SBATCH -N2 -p gpu --gpus-per-node=2\n"


def test_a_heterogeneous_job_is_one_world(cluster, program):
    script = f"{HET}{NETWORK}railhead mpi -- {program} </dev/null\n{CODE}railhead mpi --launcher srun -- {program}\n"
    job = cluster.submit(script)
    job.wait()
    assert "code 0" in job.output and "started by mpirun" in job.output, job.output
    assert "rank 0 of 5 on cpu1 sum 10 sees GPUs none" in job.output and "rank 4 of 5 on node2 sum 10 sees GPUs 0,1" in job.output, job.output
    assert "srun starts no single MPI job over the parts of a heterogeneous job" in job.output, job.output


@pytest.mark.parametrize("recipe", ["run", pytest.param("torchrun", marks=pytest.mark.suites("bookworm"))])
def test_the_order_of_other_recipes(cluster, recipe):
    options = "--no-python " if recipe == "torchrun" else ""
    script = f"#SBATCH -N3\nrailhead {recipe} --order node3,node1,node2 {options}-- sh -c 'echo $(hostname) rank $RANK'\n"
    job = cluster.submit(script)
    assert job.wait(60) == "COMPLETED", job.output
    for rank, node in enumerate((3, 1, 2)):
        assert f"node{node} rank {rank}" in job.output, job.output
