"""What ranks print: in files of their own, on the console line by line behind their rank, and never lost without a word."""

import json
import re

import pytest

PAIR = "#SBATCH -N2 --gpus-per-node=1\n"


@pytest.mark.everywhere
def test_lines_say_whose_they_are_and_errors_stay_errors(cluster):
    script = "import os, sys; print('rank', os.environ['RANK'], 'says'); print('and warns', file=sys.stderr)"
    done = cluster.alice("salloc", "-Q", "-N2", "railhead", "run", "--per-node=2", "--", "python3", "-c", script)
    assert done.code == 0, done.text
    assert sorted(done.out.splitlines()) == [f"[rank{rank}] rank {rank} says" for rank in range(4)], done.text
    assert sorted(line for line in done.err.splitlines() if "railhead:" not in line) == [f"[rank{rank}] and warns" for rank in range(4)], done.text


@pytest.mark.everywhere
def test_lines_of_several_nodes_stay_whole(cluster):
    """A file blocks nobody: no line is torn, lost, or said to be."""
    job = cluster.submit(PAIR + "railhead run --per-node 2 -- seq 20000 >lines; echo code $?\n")
    job.wait_for("^code 0")
    lines = job.read("lines").splitlines()
    assert sorted(lines) == sorted(f"[rank{rank}] {number}" for rank in range(4) for number in range(1, 20001)), [line for line in lines if not re.fullmatch(r"\[rank[0-3]\] \d+", line)][:5]
    assert "nobody took" not in job.output, job.output


def test_one_rank_alone_has_the_output_of_the_launch(cluster):
    done = cluster.alice("salloc", "-Q", "-N1", "railhead", "run", "--", "sh", "-c", "printf 'no newline'; readlink /proc/$$/fd/1")
    assert done.code == 0 and done.out.startswith("no newlinepipe:"), done.text


def test_only_the_ranks_that_were_asked_for_are_shown(cluster):
    for ranks, shown in (("1,3", ["[rank1] 1", "[rank3] 3"]), ("none", []), ("2-9", ["[rank2] 2", "[rank3] 3"])):
        done = cluster.alice("salloc", "-Q", "-N2", "railhead", "run", "--per-node=2", "--ranks", ranks, "--", "sh", "-c", "echo $RANK")
        assert done.code == 0 and sorted(done.out.splitlines()) == shown, (ranks, done.text)


def test_a_list_of_ranks_that_is_none_is_refused(cluster):
    for recipe in ("run", "torchrun"):
        done = cluster.alice("salloc", "-Q", "-N1", "railhead", recipe, "--ranks", "3-1", "--", "true")
        assert done.code == 100 and "--ranks 3-1 is no list of ranks" in done.err, done.text


def test_a_rank_that_fails_has_its_last_lines_before_the_headline_and_its_log_in_the_report(cluster):
    fail = "echo rank $RANK runs; [ $RANK = 1 ] || exec sleep 300; seq 20000; echo the last word >&2; exit 7"
    job = cluster.submit(PAIR + f"railhead run --log-dir logs --report report.json -- sh -c '{fail}' 2>&1\n")
    job.wait()
    assert job.exit_code == 7, job.output
    end = job.output.index("rank 1 on node2 ended with exit code 7")
    for last in ("[rank1] 20000\n", "[rank1] the last word\n"):
        assert -1 < job.output.find(last) < end, job.output[-3000:]
    cause = json.loads(job.read("report.json"))["cause"]
    assert cause["log_tail"][-2:] == ["20000", "the last word"]
    assert re.fullmatch(r"logs/railhead-[^/]*/node2/rank1.err", cause["log"]), cause
    assert job.read(cause["log"]) == "the last word\n"
    assert job.read(cause["log"].replace(".err", ".out")).endswith("\n20000\n")
    assert f"log: {cause['log']}" in job.output


def test_a_reader_that_takes_nothing_stops_no_rank(cluster):
    work = "[ $RANK = 1 ] && exec sleep 300; seq 4000000; touch done; exit 3"  # more than Slurm and the pipes hold
    job = cluster.submit(PAIR + f"mkfifo pipe; (sleep 15; ls done) <>pipe & railhead run -- sh -c '{work}' >pipe; echo code $?\n")
    job.wait(60)
    assert "waiting for the reader of its output; the program goes on" in job.output, job.output
    assert "\ndone\n" in job.output, "it has ended before anybody read"
    assert "code 3" in job.output and "rank 0 on node1 ended with exit code 3" in job.output, job.output
    assert re.search(r"warn: node1: rank 0 has ended, and nobody took the last \d+ bytes of its output", job.output), job.output
