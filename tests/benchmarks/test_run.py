"""Whole commands: a repeat of a finished run, and two stages at a time against one."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from tests.integration.commands import run_command, tiny_options

COMMAND = Path(sys.executable).with_name("past-cli")
ITERATIONS = [
    *("--set", "translator.iterations=120", "--set", "translator.quality.cases=0"),
    *("--set", "segmenter.iterations=60", "--set", "segmenter.warm_iterations=40"),
]


def timed(*options: str, cwd: Path) -> float:
    """Seconds of a command on one thread a stage."""
    os.environ["OMP_NUM_THREADS"] = "1"
    started = time.perf_counter()
    run_command(COMMAND, "pipeline", *options, cwd=cwd)
    return time.perf_counter() - started


@pytest.mark.slow
def test_a_repeat_of_a_finished_run(benchmark, tmp_path):
    """Against the run itself, which is as small as a run can be."""
    options = ["--recipe", "smoke", "--rounds", "1", "--out", "run", *tiny_options()]
    first = timed(*options, cwd=tmp_path)
    benchmark.pedantic(lambda: timed(*options, cwd=tmp_path), rounds=5)
    benchmark.extra_info["first run, s"] = first
    benchmark.extra_info["first against repeat"] = first / benchmark.stats.stats.median


@pytest.mark.slow
def test_two_stages_at_a_time(benchmark, tmp_path):
    """Table 1 with fewer iterations, against one stage at a time: the same table, sooner."""
    options = ["--systems", "table1", "--recipe", "quick", *ITERATIONS, "--out"]
    one = timed(*options, "one", "--jobs", "1", cwd=tmp_path)
    benchmark.pedantic(lambda: timed(*options, "two", "--jobs", "2", cwd=tmp_path), rounds=1)
    benchmark.extra_info["one at a time, s"] = one
    benchmark.extra_info["times as fast"] = one / benchmark.stats.stats.median
    tables = [(tmp_path / name / "scores.csv").read_bytes() for name in ("one", "two")]
    assert tables[0] == tables[1]
