"""Several short trainings, of which the best goes on."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from past_core.files import atomic_path, load_json, write_json
from past_core.interfaces.context import RECORD
from past_gan.quality.assessment import read_figures
from past_gan.slicewise.job import run_job
from past_gan.training.checkpoint import CHECKPOINT
from past_gan.training.snapshots import SNAPSHOTS, figures_path, snapshot_path
from past_gan.training.watch import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    from past_core.interfaces.context import Progress
    from past_gan.slicewise.job import Job

__all__ = ["STARTS", "begin"]

log = logging.getLogger(__name__)

STARTS = "starts"
"""Folder, in a training's own, of its starts and of their figures."""
FILE = "starts.json"
STRIDE = 1000
"""Between the seeds of two starts; the first has the training's."""


def begin(job: Job, device: str, progress: Progress) -> tuple[Job, Progress]:
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
        The job that trains the best start to the end, whose first steps are in the job's
        folder already, and its progress behind that of the starts.

    Raises
    ------
    TrainingError
        If every start fails.
    """
    config = job.gan.config
    if config.starts == 1:
        return job, progress
    total = config.length(warm=False)
    path = job.folder / STARTS / FILE
    report = _read(path)
    if report.get("of") != job.facts:
        found = [
            _train(_start(job, n), device, _shifted(progress, n * config.start_iterations, total))
            for n in range(config.starts)
        ]
        report = {"of": job.facts, "chosen": _best(found), "starts": found}
        write_json(path, report)
        (job.folder / CHECKPOINT).unlink(missing_ok=True)
    chosen = _start(job, report["chosen"])
    log.info("start %d of %d goes on", report["chosen"] + 1, config.starts)
    if not (job.folder / CHECKPOINT).exists():
        _take_over(chosen.folder, job.folder)
    whole = replace(chosen, folder=job.folder, until=None)
    return whole, _shifted(progress, total - config.iterations, total)


def _read(path: Path) -> dict[str, Any]:
    """What was recorded of all starts, if they were trained already.

    A damaged record is made anew: the starts themselves have checkpoints of their own.
    """
    try:
        content = load_json(path) if path.is_file() else {}
    except ValueError as error:
        log.warning("%s: cannot be read (%s); the starts are looked at anew.", path, error)
        return {}
    known = isinstance(content, dict) and isinstance(content.get("chosen"), int)
    return content if known else {}


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


def _train(start: Job, device: str, progress: Progress) -> dict[str, Any]:
    """Train a start; what is recorded of it."""
    assert start.until is not None
    failed = quality = None
    try:
        run_job(start, device, progress)
        quality = read_figures(figures_path(snapshot_path(start.folder, start.until)))
    except TrainingError as error:
        failed = str(error)
    return {
        "seed": start.seed,
        "settings": start.gan.config.decisive(),
        "failed": failed,
        "quality": quality.as_json() if quality else None,
    }


def _best(starts: list[dict[str, Any]]) -> int:
    """Number of the start of highest score, of those that did not fail."""
    going = [number for number, one in enumerate(starts) if one["failed"] is None]
    if not going:
        raise TrainingError(f"every start failed. Of the last: {starts[-1]['failed']}")
    scores = [one["quality"]["score"] if one["quality"] else -1.0 for one in starts]
    return max(going, key=lambda number: scores[number])


def _take_over(start: Path, folder: Path) -> None:
    """Let a training's folder have what its start left there; the checkpoint comes last."""
    shutil.rmtree(folder / RECORD, ignore_errors=True)
    kept = shutil.ignore_patterns(SNAPSHOTS)
    shutil.copytree(start / RECORD, folder / RECORD, ignore=kept)
    shutil.copy2(folder / STARTS / FILE, folder / RECORD / FILE)
    with atomic_path(folder / CHECKPOINT) as temporary:
        shutil.copy2(start / CHECKPOINT, temporary)


def _shifted(progress: Progress, before: int, overall: int) -> Progress:
    """Progress of a part, ``before`` which so many steps of all lie."""

    def shifted(done: int, total: int, note: str = "") -> None:  # noqa: ARG001
        progress(before + done, overall, note)

    return shifted
