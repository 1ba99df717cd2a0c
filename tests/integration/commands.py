"""Commands as a user would type them, and a run that is tiny."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TINY = [
    *("dataset.source=3", "dataset.target=3", "dataset.test=2"),
    *("translator.iterations=4", "translator.checkpoint_interval=2"),
    *("segmenter.iterations=6", "segmenter.warm_iterations=4"),
    "segmenter.iterations_per_epoch=2",
]
"""On top of the recipe ``smoke``: enough to pass through every stage, not to learn."""


def tiny_options(without: str = "nothing") -> list[str]:
    """``--set`` options of a run of a few seconds a stage, ``without`` those of one plugin."""
    kept = [assignment for assignment in TINY if not assignment.startswith(f"{without}.")]
    return [part for assignment in kept for part in ("--set", assignment)]


def clean_environment() -> dict[str, str]:
    """The environment of a user who has just opened a terminal."""
    drop = ("PYTHON", "VIRTUAL_ENV", "HATCH", "COVERAGE", "nnUNet")
    return {key: value for key, value in os.environ.items() if not key.startswith(drop)}


def run_command(
    *command: str | Path, cwd: Path, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command; if it fails, its output is in the test's report."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        # Another number of threads adds in another order.
        env=clean_environment() | {"COLUMNS": "160", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    if check and done.returncode:
        pytest.fail(f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done
