"""Whole commands: a repeat of a finished run, and two stages at a time against one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import mean, median

import pytest

from tests.integration.commands import run_command, tiny_options

COMMAND = Path(sys.executable).with_name("past-cli")
ITERATIONS = [
    *("--set", "translator.iterations=250", "--set", "translator.quality.cases=0"),
    *("--set", "segmenter.iterations=100", "--set", "segmenter.warm_iterations=50"),
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


WORK = """
import time, torch
torch.set_num_threads(1)
layers = torch.nn.Sequential(*(torch.nn.Conv3d(16, 16, 3, padding=1) for _ in range(3)))
images = torch.randn(2, 16, 16, 48, 48)
layers(images).square().mean().backward()
started = time.perf_counter()
for _ in range(40):
    layers(images).square().mean().backward()
print(time.perf_counter() - started)
"""
"""What trainings mostly do, in a process of its own."""


def at_once(count: int) -> float:
    """Mean seconds of so many processes that do the same work beside each other."""
    command = [sys.executable, "-c", WORK]
    begun = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    return mean(float(process.communicate()[0]) for process in begun)


def most_times_as_fast() -> float:
    """What two cores can give at all: they share caches, memory and clock."""
    rounds = [(at_once(1), at_once(2)) for _ in range(3)]
    return 2 * median(one / two for one, two in rounds)


@pytest.mark.slow
def test_two_stages_at_a_time(benchmark, tmp_path):
    """Table 1 with fewer iterations, against one stage at a time: the same table, sooner."""
    benchmark.extra_info["the cores give at most, times"] = most_times_as_fast()
    options = ["--systems", "table1", "--recipe", "quick", *ITERATIONS]
    options += ["--set", "dataset.test=8", "--out"]
    one = timed(*options, "one", "--jobs", "1", cwd=tmp_path)
    benchmark.pedantic(lambda: timed(*options, "two", "--jobs", "2", cwd=tmp_path), rounds=1)
    benchmark.extra_info["one at a time, s"] = one
    benchmark.extra_info["times as fast"] = one / benchmark.stats.stats.median
    tables = [(tmp_path / name / "scores.csv").read_bytes() for name in ("one", "two")]
    assert tables[0] == tables[1]
