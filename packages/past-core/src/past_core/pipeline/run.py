"""Runs the stages of a graph in one folder, keeping what is finished.

The same call again resumes: a finished stage is kept, an interrupted one goes on in its
folder, and a changed setting re-runs what depends on it.
"""

from __future__ import annotations

import json
import logging
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from past_core.dataset import Dataset
from past_core.errors import DataError
from past_core.files import atomic_path, write_json
from past_core.pipeline.graph import plan
from past_core.pipeline.layout import STAGES
from past_core.pipeline.memory import PeakMemory
from past_core.pipeline.settings import Settings
from past_core.pipeline.stage import Stage, Workspace, derive_seed
from past_core.plugins import Registry
from past_core.scoring import Score, read_scores

__all__ = ["Observer", "RunResult", "StageReport", "run_pipeline"]

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"


class Observer(Protocol):
    """Told what a run is doing, for a progress display."""

    def stage_started(self, name: str, number: int, count: int) -> None:
        """Stage ``number`` of ``count`` begins."""

    def progress(self, done: int, total: int, note: str = "") -> None:
        """``done`` of ``total`` units of the current stage are finished."""

    def stage_finished(self, report: StageReport) -> None:
        """The stage ended, or was found finished."""


@dataclass(frozen=True)
class StageReport:
    """What one stage cost."""

    name: str
    seconds: float
    """Wall time of the attempt that finished it."""
    peak_mib: float
    """Highest resident memory, MiB."""
    reused: bool
    """True if the stage was already finished."""


@dataclass(frozen=True)
class RunResult:
    """A finished run."""

    folder: Path
    scores: list[Score]
    stages: list[StageReport]


def run_pipeline(
    settings: Settings,
    dataset: Dataset,
    folder: Path,
    registry: Registry,
    observer: Observer,
) -> RunResult:
    """Check the data set, run every unfinished stage, and give the scores.

    Parameters
    ----------
    folder
        The run folder. It gets one folder a stage under ``stages/``, each with its
        ``manifest.json`` and ``log.txt``, and ``scores.csv``.

    Raises
    ------
    DataError
        If the data set fails its check, the disk is full, or another process uses
        the folder.
    """
    dataset.check()
    stages = plan(settings, dataset, registry)
    runner = _Runner(settings, folder, observer)
    folder.mkdir(parents=True, exist_ok=True)
    with _exclusive(folder):
        reports = [
            runner.run(stage, number, len(stages)) for number, stage in enumerate(stages, start=1)
        ]
        scores = folder / STAGES / "score" / "scores.csv"
        with atomic_path(folder / "scores.csv") as temporary:
            shutil.copyfile(scores, temporary)
    return RunResult(folder, read_scores(scores), reports)


class _Runner:
    """Runs stages one by one in a run folder, unless they are finished."""

    def __init__(self, settings: Settings, folder: Path, observer: Observer) -> None:
        self.settings = settings
        self.folder = folder / STAGES
        self.observer = observer
        self.fingerprints: dict[str, str] = {}

    def run(self, stage: Stage, number: int, count: int) -> StageReport:
        self.observer.stage_started(stage.name, number, count)
        seed = derive_seed(self.settings.seed, stage.name)
        fingerprint = stage.fingerprint(self.fingerprints, seed)
        self.fingerprints[stage.name] = fingerprint
        manifest = _read_manifest(self.folder / stage.name)
        reused = manifest.get("fingerprint") == fingerprint and manifest.get("finished") is True
        if not reused:
            if manifest.get("fingerprint") != fingerprint:
                shutil.rmtree(self.folder / stage.name, ignore_errors=True)
            manifest = self._execute(stage, fingerprint, seed)
        report = StageReport(
            stage.name, manifest["wall_seconds"], manifest["peak_memory_mib"], reused
        )
        self.observer.stage_finished(report)
        return report

    def _execute(self, stage: Stage, fingerprint: str, seed: int) -> dict[str, Any]:
        folder = self.folder / stage.name
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.rglob(".*.partial.*"):
            leftover.unlink()
        manifest = {
            "stage": stage.name,
            "fingerprint": fingerprint,
            "settings": stage.settings,
            "inputs": {name: self.fingerprints[name] for name in stage.needs},
            "seed": seed,
            "device": self.settings.device,
            "versions": _versions(),
            "finished": False,
        }
        write_json(folder / MANIFEST, manifest)
        inputs = {name: self.folder / name for name in stage.needs}
        workspace = Workspace(folder, inputs, seed, self.settings.device, self.observer.progress)
        started = time.monotonic()
        with _logged(folder / "log.txt"), PeakMemory() as memory:
            _call(stage, workspace)
        manifest |= {
            "finished": True,
            "wall_seconds": time.monotonic() - started,
            "peak_memory_mib": memory.mib,
        }
        write_json(folder / MANIFEST, manifest)
        return manifest


def _call(stage: Stage, workspace: Workspace) -> None:
    """Do the stage's work; what goes wrong is in its log, with the traceback."""
    try:
        stage.work(workspace)
    except OSError as error:
        log.exception("stage %s failed", stage.name)
        raise DataError(
            f"stage {stage.name}: {error}. Check the space and the permissions of "
            f"{workspace.folder}; the same command goes on from here."
        ) from error
    except Exception:
        log.exception("stage %s failed", stage.name)
        raise


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except (OSError, json.JSONDecodeError):
        return {}
    return manifest


def _versions() -> dict[str, str]:
    """Versions that a result may depend on, where installed."""
    found = {"python": platform.python_version()}
    for name in ("past-core", "past-gan", "past-seg", "past-selftrain", "torch", "nnunetv2"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Keep a second process out; the lock goes with the process, however it ends."""
    lock = FileLock(folder / ".lock")
    try:
        with lock.acquire(timeout=0):
            yield
    except Timeout as error:
        raise DataError(
            f"{folder}: another run is using this folder. Wait for it, or choose another folder."
        ) from error


@contextmanager
def _logged(path: Path) -> Iterator[None]:
    """Send what plugins log and print into the stage's log."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    try:
        with path.open("a") as file, redirect_stdout(file), redirect_stderr(file):
            yield
    finally:
        logging.captureWarnings(capture=False)
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()
