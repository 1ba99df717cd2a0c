"""A run that is killed in any stage ends, when repeated, with the undisturbed run's table."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from past_core.pipeline import chain, dump_systems
from tests.integration.commands import clean_environment, run_command, tiny_options

STAGES = (
    *("check", "crop-source", "fit-aligned", "translate-aligned", "vary-aligned"),
    *("label-resunet-for-st1", "select-resunet-st1", "fit-resunet-st1"),
    *("combine-st1", "score-st1"),
    *("choose-final", "trust-final"),
)


FINGERPRINT = "[0-9a-f]" * 12


def command(past_cli: Path, out: Path, jobs: int) -> list[str]:
    """The chain, but for its trainings on random looks, which are trainings like the others."""
    systems = out.with_name("systems.toml")
    systems.write_text(dump_systems(chain("nicegan", "resunet", "top-q", 1, looks=None)))
    return [
        *(str(past_cli), "pipeline", "--systems", str(systems), "--recipe", "smoke"),
        *("--out", str(out), *tiny_options(), "--jobs", str(jobs)),
    ]


@pytest.fixture(scope="module")
def undisturbed(past_cli, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run_command(*command(past_cli, folder / "run", 1), cwd=folder)
    return folder / "run"


def kill_in(stage: str, past_cli: Path, out: Path, cwd: Path) -> None:
    """Start the run and send SIGKILL while a stage is at work, somewhere in its middle.

    Trainings are killed with two stages at work at once, as no-da beside the translator.
    """
    process = subprocess.Popen(
        command(past_cli, out, 2 if stage.startswith("fit") else 1),
        cwd=cwd,
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    stages = out / "stages"
    deadline = time.monotonic() + 300
    while not any(stages.glob(f"{stage}-{FINGERPRINT}/manifest.json")) or (
        stage.startswith("fit") and not any(stages.glob(f"{stage}-{FINGERPRINT}/work/**/*"))
    ):
        assert process.poll() is None, f"the run ended before {stage}"
        assert time.monotonic() < deadline, f"{stage} was not reached"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_killed_once_in_every_kind_of_stage(past_cli, undisturbed, tmp_path):
    out = tmp_path / "run"
    finished: dict[str, float] = {}
    for stage in STAGES:
        kill_in(stage, past_cli, out, tmp_path)
        for path in (out / "stages").glob("*/manifest.json"):
            if json.loads(path.read_text())["finished"]:
                stamp = path.stat().st_mtime
                assert finished.setdefault(path.parent.name, stamp) == stamp, "redone"
    assert sum(path.name.startswith("fit-no-da-") for path in (out / "stages").iterdir()) == 1
    run_command(*command(past_cli, out, 2), cwd=tmp_path)
    for name, stamp in finished.items():
        assert (out / "stages" / name / "manifest.json").stat().st_mtime == stamp
    assert (out / "scores.csv").read_bytes() == (undisturbed / "scores.csv").read_bytes()
    assert (out / "summary.txt").read_text() == (undisturbed / "summary.txt").read_text()
    assert not list(out.rglob("*.partial*"))
