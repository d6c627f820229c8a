"""`railhead policy stats` as a program: slurmctld's log from a file or a pipe, rotated and compressed or not."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess

import pytest
from programs import railhead

LOG = "[2026-11-27T10:00:00] job_submit/railhead: rule=gpu-type verdict=refuse user=1001 partition=gpu: gpu:a100 is not in partition gpu\n"
TABLE = "rule              refused   warned    users\ngpu-type                1        0        1\n"


def stats(*arguments: str, **options) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([railhead(), "policy", "stats", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **options)


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_a_log_may_come_through_a_pipe(arguments):
    done = stats(*arguments, input=LOG.encode())
    assert (done.returncode, done.stdout.decode()) == (0, TABLE), done


@pytest.mark.parametrize(("reader", "compress"), [("zcat", gzip.compress), ("bzcat", bz2.compress), ("xzcat", lzma.compress)])
def test_a_compressed_log_is_named_with_the_command_that_reads_it(tmp_path, reader, compress):
    file = tmp_path / "slurmctld.log.1"
    file.write_bytes(compress(LOG.encode()))
    done = stats(str(file))
    assert done.returncode != 0 and done.stderr.decode() == f"railhead: {file} is compressed; run: {reader} {file} | railhead policy stats\n"
    with file.open("rb") as piped:
        assert f"standard input is compressed; run: {reader} LOG | railhead policy stats" in stats(stdin=piped).stderr.decode()
