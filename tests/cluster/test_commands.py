"""Commands of every form reach the program whole, or are refused before anything starts."""

from __future__ import annotations

from ray_jobs import UP


def ended(cluster, script: str, within: float = 60) -> str:
    job = cluster.submit(f"{script}\necho code $?\n", "-N1", "--gpus=1")
    job.wait(within)
    return job.output


def test_long_commands_and_variables_arrive_whole(cluster):
    words = "$(seq -f /shared/data/shard-%06g.parquet 1 8000)"
    said = ended(cluster, f"railhead run --env X=$(head -c 70000 /dev/zero | tr '\\0' a) -- sh -c 'echo $# ${{#X}}' x {words}")
    assert "8000 70000" in said and "code 0" in said, said


def test_a_program_sees_what_the_job_was_asked_for(cluster):
    job = cluster.submit("railhead run -- sh -c 'echo $SLURM_JOB_NAME $SLURM_JOB_NUM_NODES $SLURM_CPUS_PER_TASK $SLURM_GPUS_PER_NODE'\n",
                         "-N2", "--job-name=sweep", "--cpus-per-task=2", "--gpus-per-node=1")
    job.wait(60)
    assert job.output.count("sweep 2 2 1\n") == 2, job.output


def test_what_a_user_calls_a_job_is_no_fact_of_it(cluster):
    words = "JobId=4 Nodes=node1 GRES=gpu:7 EndTime=1 NodeList=node9"
    job = cluster.submit("railhead run --per-node=1 -- sh -c 'echo with $RAILHEAD_JOB_DIR'\n", "--partition=a100", "-N2", "--gpus=4", "--ntasks=2",
                         f"--job-name=retry of {words}", f"--comment=continues {words}")
    job.wait(60)
    assert job.exit_code == 0 and job.output.count(f"with /tmp/rh-{job.number}.") == 2, job.output


def test_a_program_may_run_srun_itself(cluster):
    for options in (("--mem-per-cpu=100M",), ("--ntasks=2", "--gpus-per-task=1"), ("--gpus-per-node=1", "--cpus-per-task=2")):
        job = cluster.submit("railhead run -- srun --overlap -N1 -n1 echo nested\n", "-N2", *options)
        job.wait(60)
        assert job.output.count("nested\n") == 2, (options, job.output)


def test_a_word_that_is_no_utf8_is_refused_not_changed(cluster):
    said = ended(cluster, "railhead run -- printf '%s' $'caf\\xe9'")
    assert "word 3 of the command is not UTF-8, and would reach the program changed; rename the file" in said, said
    assert "code 100" in said


def test_a_folder_that_cannot_be_removed_is_an_exit_code(cluster):
    said = ended(cluster, "railhead run -- sh -c 'mv $RAILHEAD_JOB_DIR $RAILHEAD_JOB_DIR.away && ln -s /etc $RAILHEAD_JOB_DIR'\n"
                          "code=$?; rm -rf /tmp/rh-$SLURM_JOB_ID.*; sh -c \"exit $code\"")
    assert "code 113" in said and "look who replaced it" in said, said


def test_a_module_in_the_working_directory_does_not_hide_ray(cluster):
    said = ended(cluster, "mkdir src; echo 'raise SystemExit(3)' > platform.py\n"
                          "echo 'import ray; ray.init(logging_level=40); print(\"nodes\", len(ray.nodes()))' > src/train.py\n"
                          "railhead ray -- python3 src/train.py", UP)
    assert "nodes 1" in said and "code 0" in said, said


def test_a_reader_that_stands_still_holds_up_the_words_not_the_launch(cluster):
    job = cluster.submit("(railhead run --loss-after 5 -- sh -c 'seq 200000 >&2; date +%s > ended'; echo code $?) 2>&1 |\n"
                         "    (sleep 12; date +%s > read; tail -n 2000)\n", "-N1")
    job.wait(60)
    assert "code 0" in job.output and "200000\n" in job.output, job.output[-2000:]
    assert int(job.read("ended")) < int(job.read("read"))
