"""Several short trainings, of which the best goes on."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from past_core.files import atomic_path, write_json
from past_core.interfaces.context import RECORD
from past_gan.quality.assessment import read_figures
from past_gan.slicewise.job import run_job
from past_gan.training.checkpoint import CHECKPOINT
from past_gan.training.snapshots import figures_path, snapshot_path
from past_gan.training.watch import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    from past_core.interfaces.context import Progress
    from past_gan.quality.report import Quality
    from past_gan.slicewise.job import Job

__all__ = ["STARTS", "begin"]

log = logging.getLogger(__name__)

STARTS = "starts"
"""Folder, in a training's own, of its starts and of their figures."""
FILE = "starts.json"
STRIDE = 1000
"""Between the seeds of two starts; the first has the training's."""


def begin(job: Job, device: str, progress: Progress) -> tuple[Job, str, Progress]:
    """Train all starts of a job for their first steps, and go on with the best.

    ``starts.json`` in the record gets the figures of all of them and the number of the one
    chosen. A start that diverges or collapses is not chosen. Where figures are missing, the
    earlier start is.

    Parameters
    ----------
    job
        The whole training; with one start, it is given back as it is.

    Returns
    -------
    tuple
        What ``run_job`` takes to train the best start to the end, whose first steps are in
        the job's folder already.

    Raises
    ------
    TrainingError
        If every start fails.
    """
    config = job.gan.config
    if config.starts == 1:
        return job, device, progress
    steps = config.start_iterations
    total = config.starts * steps + config.iterations - steps
    record = job.folder / STARTS / FILE
    report = _read(record)
    if report.get("of") != job.facts:
        starts = [_start(job, number) for number in range(config.starts)]
        figures = [
            _figures(one, device, _shifted(progress, number * steps, total))
            for number, one in enumerate(starts)
        ]
        report = {"of": job.facts} | _report(starts, figures)
        write_json(record, report)
        (job.folder / CHECKPOINT).unlink(missing_ok=True)
    chosen = _start(job, report["chosen"])
    log.info("start %d of %d goes on", report["chosen"] + 1, config.starts)
    if not (job.folder / CHECKPOINT).exists():
        _take_over(chosen.folder, job.folder)
    whole = replace(chosen, folder=job.folder, until=None)
    return whole, device, _shifted(progress, total - config.iterations, total)


def _read(path: Path) -> dict[str, Any]:
    """What was recorded of all starts, if they were trained already."""
    content: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    return content


def _start(job: Job, number: int) -> Job:
    """One start as a job of its own."""
    config = job.gan.config
    return replace(
        job,
        gan=type(job.gan)(config.started(number)),
        folder=job.folder / STARTS / str(number),
        seed=job.seed + STRIDE * number,
        until=config.start_iterations,
    )


def _figures(start: Job, device: str, progress: Progress) -> Quality | str | None:
    """Train a start and read its figures; a failure as what it says."""
    try:
        run_job(start, device, progress)
    except TrainingError as error:
        return str(error)
    assert start.until is not None
    return read_figures(figures_path(snapshot_path(start.folder, start.until)))


def _report(starts: list[Job], figures: list[Quality | str | None]) -> dict[str, Any]:
    """What is recorded of all starts."""
    going = [n for n, found in enumerate(figures) if not isinstance(found, str)]
    if not going:
        raise TrainingError(f"every start failed. Of the last: {figures[-1]}")
    scores = {n: found.score for n in going if (found := figures[n]) and not isinstance(found, str)}
    return {
        "chosen": max(going, key=lambda n: scores.get(n, -1.0)),
        "starts": [
            {
                "seed": start.seed,
                "settings": start.gan.config.decisive(),
                "failed": found if isinstance(found, str) else None,
                "quality": found.as_json() if found and not isinstance(found, str) else None,
            }
            for start, found in zip(starts, figures, strict=True)
        ],
    }


def _take_over(start: Path, folder: Path) -> None:
    """Let a training's folder have what its start left there; the checkpoint comes last."""
    shutil.rmtree(folder / RECORD, ignore_errors=True)
    shutil.copytree(start / RECORD, folder / RECORD)
    shutil.rmtree(folder / RECORD / "snapshots", ignore_errors=True)
    shutil.copy2(folder / STARTS / FILE, folder / RECORD / FILE)
    with atomic_path(folder / CHECKPOINT) as temporary:
        shutil.copy2(start / CHECKPOINT, temporary)


def _shifted(progress: Progress, before: int, overall: int) -> Progress:
    """Progress of a part, ``before`` which so many steps of all lie."""

    def shifted(done: int, total: int, note: str = "") -> None:  # noqa: ARG001
        progress(before + done, overall, note)

    return shifted
