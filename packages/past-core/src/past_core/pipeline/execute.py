"""Does one stage's work in whatever process it is called, and leaves a manifest."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from past_core.disk import disk_error
from past_core.errors import DataError, PastError, StageError
from past_core.files import remove_temporary, write_json
from past_core.interfaces.context import Progress
from past_core.pipeline.layout import LOCK, LOG, MANIFEST, PROGRESS
from past_core.pipeline.machine import hardware, threads, versions
from past_core.pipeline.manifest import finished_manifest, read_manifest
from past_core.pipeline.memory import PeakMemory
from past_core.pipeline.outputs import changed, clear, listed
from past_core.pipeline.stage import Stage
from past_core.pipeline.stage_log import logged
from past_core.pipeline.work.workspace import Work
from past_core.plugins import Registry

__all__ = ["Task", "execute"]

log = logging.getLogger(__name__)

PATIENCE = 20.0
"""Seconds to wait for a process of an ended run that is still letting go of the stage."""
INTERVAL = 0.3
"""Seconds between two notes of progress to a file."""


@dataclass(frozen=True)
class Task:
    """A stage with all that another process needs to do its work; it can be pickled."""

    name: str
    function: str
    params: Mapping[str, Any]
    fingerprint: str
    generation: int
    folder: Path
    inputs: Mapping[str, Path]
    """Folders of the inputs by role."""
    registry: Registry = field(repr=False)
    seed: int | None = None
    incidental: Mapping[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    origin: Mapping[str, Any] = field(default_factory=dict)
    """The run's command and the stage's plugins, for the record."""

    @classmethod
    def of(
        cls,
        stage: Stage,
        folder: Path,
        inputs: Mapping[str, Path],
        registry: Registry,
        device: str,
        *,
        origin: Mapping[str, Any] | None = None,
    ) -> Self:
        """A stage's work in a folder, with its inputs' folders by role."""
        return cls(
            stage.name,
            stage.function,
            stage.params,
            stage.fingerprint,
            stage.generation,
            folder,
            inputs,
            registry,
            stage.seed,
            stage.incidental,
            device,
            origin or {},
        )


def execute(task: Task, progress: Progress | None = None) -> dict[str, Any]:
    """Do the work unless it is finished, and give the stage's manifest.

    Parameters
    ----------
    task
        What to do, and in which folder.
    progress
        Told how far the work has come; by default a file in the folder is, which a process
        elsewhere can read.

    Raises
    ------
    DataError
        If the work fails for want of space or permission, or another process is at it.
    """
    with _explained(task):
        task.folder.mkdir(parents=True, exist_ok=True)
        with _alone(task):
            done = finished_manifest(task.folder, task.fingerprint)
            if done is not None and not changed(task.folder, done["files"]):
                return done
            return _execute(task, progress or _Noted(task.folder / PROGRESS))


def _execute(task: Task, progress: Progress) -> dict[str, Any]:
    folder = task.folder
    remove_temporary(folder.rglob(".*.partial.*"))
    begun = read_manifest(folder).get("finished") is False
    if (folder / MANIFEST).exists() and not begun:
        clear(folder)  # it was finished and is damaged, or nobody knows what it was
    manifest = {
        "stage": task.name,
        "function": task.function,
        "generation": task.generation,
        "fingerprint": task.fingerprint,
        "params": task.params,
        "inputs": {role: path.name for role, path in task.inputs.items()},
        "seed": task.seed,
        "device": task.device,
        **task.origin,
        "versions": versions(),
        "process": os.getpid(),
        "finished": False,
    }
    write_json(folder / MANIFEST, manifest)
    work = Work(
        folder,
        task.inputs,
        task.registry,
        0 if task.seed is None else task.seed,
        task.incidental,
        task.device,
        progress,
    )
    started = time.monotonic()
    with logged(folder / LOG), PeakMemory() as memory:
        _call(task, work)
    (folder / PROGRESS).unlink(missing_ok=True)
    manifest |= {
        "finished": True,
        "files": listed(folder),
        "hardware": hardware(task.device),
        "threads": threads(),
        "wall_seconds": time.monotonic() - started,
        "peak_memory_mib": memory.mib,
    }
    write_json(folder / MANIFEST, manifest)
    return manifest


def _call(task: Task, work: Work) -> None:
    """Call the function; what goes wrong is in the stage's log, with the traceback."""
    module, _, name = task.function.partition(":")
    try:
        getattr(import_module(module), name)(task.params, work)
    except (Exception, SystemExit) as error:  # a plugin that ends the program has not finished
        log.exception("stage %s failed", task.name)
        if told := _damaged_inputs(task):
            raise DataError(f"stage {task.name}: {told}") from error
        if isinstance(error, PastError | OSError):
            raise
        raise StageError(
            f"stage {task.name} failed: {type(error).__name__}: {error}. Its traceback is in "
            f"{work.folder / LOG}; the same command goes on from here."
        ) from error


def _damaged_inputs(task: Task) -> str:
    """Which inputs hold something else than when their stages were finished.

    A change of a file's size or time is seen before a stage begins; one of its content alone only
    here, where it made the work fail.
    """
    for folder in task.inputs.values():
        try:
            damaged = changed(folder, read_manifest(folder).get("files", {}), read=True)
        except OSError:
            continue  # the work's own failure tells
        if damaged:
            return (
                f"{folder / damaged[0]}: damaged since its stage was finished. Delete {folder}: "
                "the same command makes it again."
            )
    return ""


@contextmanager
def _explained(task: Task) -> Iterator[None]:
    """Say of a failure of the disk in which stage it was."""
    try:
        yield
    except OSError as error:
        raise DataError(f"stage {task.name}: {disk_error(error, task.folder)}") from error


class _Noted:
    """Writes progress to a file, a few times a second at most."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last = 0.0

    def __call__(self, done: int, total: int, note: str = "") -> None:
        now = time.monotonic()
        if now - self.last >= INTERVAL:
            self.last = now
            write_json(self.path, {"done": done, "total": total, "note": note})


@contextmanager
def _alone(task: Task) -> Iterator[None]:
    """Keep out a process of a run that was killed and is not quite gone."""
    try:
        with FileLock(task.folder / LOCK).acquire(timeout=PATIENCE):
            yield
    except Timeout as error:
        raise DataError(
            f"{task.folder}: another process is still at work in this stage"
            f"{_whose(read_manifest(task.folder))}. Wait for it, or end it."
        ) from error


def _whose(manifest: Mapping[str, Any]) -> str:
    process = manifest.get("process")
    return f" (process {process} began it)" if isinstance(process, int) else ""
