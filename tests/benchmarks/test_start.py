"""How long the command line takes to answer, as a ratio to an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

PAST_CLI = Path(sys.executable).with_name("past-cli")


def seconds(*command: str) -> float:
    started = time.perf_counter()
    subprocess.run([str(part) for part in command], check=True, capture_output=True)
    return time.perf_counter() - started


@pytest.mark.parametrize("arguments", [["--help"], ["plugins"]], ids=lambda given: given[0])
def test_answering(benchmark, arguments):
    benchmark.pedantic(seconds, args=(PAST_CLI, *arguments), rounds=5, warmup_rounds=1)
    empty = sorted(seconds(sys.executable, "-c", "pass") for _ in range(5))[2]
    benchmark.extra_info["baseline: python -c pass, seconds"] = round(empty, 4)
    benchmark.extra_info["ratio to baseline"] = round(benchmark.stats.stats.median / empty, 2)
