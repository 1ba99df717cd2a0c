"""A run that is killed in any stage ends, when repeated, with the undisturbed run's table."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from past_cli.main import main
from past_core.pipeline import chain, dump_systems
from tests.integration.commands import run_command, tiny_options

STAGES = (
    *("check", "crop-source", "fit-aligned", "translate-aligned", "vary-aligned"),
    *("label-resunet-for-st1", "select-resunet-st1", "fit-resunet-st1"),
    *("choose-final", "combine-st1", "score-st1", "trust-final"),
)


FINGERPRINT = "[0-9a-f]" * 12

FORKING = multiprocessing.get_context("forkserver")
"""Most of a short run's time goes to imports; processes forked after them are spared those."""

FORKING.set_forkserver_preload(
    ["past_cli.main", "past_gan.nicegan.translator", "past_seg.nnunet.segmenter"]
)


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


def run_in_session(arguments: list[str], cwd: Path) -> None:
    """Be the command, in a session of its own and silent."""
    os.setsid()
    os.chdir(cwd)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    sys.argv = arguments
    main()


def has_begun(stage: str, stages: Path, since: int) -> bool:
    """Whether it has, since then (ns); of a training, whether it has written something besides."""
    manifests = list(stages.glob(f"{stage}-{FINGERPRINT}/manifest.json"))
    return any(
        path.stat().st_mtime_ns > since
        and (not stage.startswith("fit") or any(path.parent.glob("work/**/*")))
        for path in manifests
    )


def finished_stages(stages: Path) -> dict[str, float]:
    """When each was finished."""
    manifests = stages.glob("*/manifest.json")
    return {
        path.parent.name: path.stat().st_mtime
        for path in manifests
        if json.loads(path.read_text())["finished"]
    }


def kill_in(stage: str, past_cli: Path, out: Path, cwd: Path) -> None:
    """Start the run and send SIGKILL while a stage is at work, or as soon as it is done.

    Trainings are killed with two stages at work at once, as no-da beside the translator.
    """
    arguments = command(past_cli, out, 2 if stage.startswith("fit") else 1)
    process = FORKING.Process(target=run_in_session, args=(arguments, cwd))
    since = time.time_ns()
    process.start()
    deadline = time.monotonic() + 300
    while not has_begun(stage, out / "stages", since):
        assert process.is_alive(), f"the run ended before {stage}"
        assert time.monotonic() < deadline, f"{stage} was not reached"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.join()


@pytest.mark.slow
def test_killed_once_in_every_kind_of_stage(past_cli, undisturbed, tmp_path):
    out = tmp_path / "run"
    finished: dict[str, float] = {}
    for stage in STAGES:
        kill_in(stage, past_cli, out, tmp_path)
        for name, stamp in finished_stages(out / "stages").items():
            assert finished.setdefault(name, stamp) == stamp, "redone"
    assert sum(path.name.startswith("fit-no-da-") for path in (out / "stages").iterdir()) == 1
    run_command(*command(past_cli, out, 2), cwd=tmp_path)
    assert finished.items() <= finished_stages(out / "stages").items()
    assert (out / "scores.csv").read_bytes() == (undisturbed / "scores.csv").read_bytes()
    assert (out / "summary.txt").read_text() == (undisturbed / "summary.txt").read_text()
    assert not list(out.rglob("*.partial*"))
