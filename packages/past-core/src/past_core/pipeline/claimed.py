"""The folder of a run: one process at a time writes to it, and one data set is in it."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from past_core.disk import disk_errors
from past_core.errors import ConfigError, DataError
from past_core.files import load_json, remove_temporary, write_json, writer
from past_core.pipeline.inventory import Inventory
from past_core.pipeline.layout import LOCK, OWNER, RUN, SEGMENTATIONS, STAGES
from past_core.pipeline.recorded import RecordFile, read_recorded
from past_core.pipeline.request import Request

__all__ = ["exclusive", "require_apart", "require_same_data"]

OTHER_FOLDER = "Choose another folder with --out."


@contextmanager
def exclusive(folder: Path, remedy: str = OTHER_FOLDER) -> Iterator[None]:
    """Keep a second run out; the lock goes with the process, however it ends.

    Failures of the disk in the block are the project's own errors. What a killed process was
    writing outside of stages is removed first.

    Parameters
    ----------
    remedy
        What to do where the folder cannot be written to.

    Raises
    ------
    ConfigError
        If the folder cannot be made or written to.
    DataError
        If another process uses it, or the disk fails.
    """
    lock = FileLock(folder / LOCK)
    owner = folder / OWNER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DataError(
            f"{folder}: another run is using this folder{_told(owner)}. Wait for it, end it, or "
            "choose another folder."
        ) from error
    except (OSError, NotImplementedError) as error:
        raise ConfigError(f"{folder}: cannot be written to ({error}). {remedy}") from error
    try:
        with disk_errors(folder):
            remove_temporary(_left_behind(folder))
            write_json(owner, _self())
            yield
    finally:
        with suppress(OSError):
            owner.unlink(missing_ok=True)
        lock.release()


def _left_behind(folder: Path) -> Iterator[Path]:
    """What killed processes were writing outside of stages; one may still draw its pictures."""
    for place in (folder, folder / SEGMENTATIONS):
        for path in (*place.glob(".*.partial.*"), *place.glob("*/.*.partial.*")):
            number = writer(path)
            if number is not None and (number == os.getpid() or not psutil.pid_exists(number)):
                yield path


def _self() -> dict[str, str | int]:
    """Who holds the folder."""
    since = time.strftime("%Y-%m-%d %H:%M:%S %z")
    return {"process": os.getpid(), "host": platform.node(), "since": since}


def _told(owner: Path) -> str:
    """Who holds it, in words; nothing if that one has not said so yet."""
    try:
        said = load_json(owner)
        process, host, since = said["process"], said["host"], said["since"]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    # What a killed process left is not the word of the one that holds the folder now.
    if host == platform.node() and not psutil.pid_exists(process):
        return ""
    return f" (process {process} on {host}, since {since})"


def require_apart(request: Request) -> None:
    """A run must not be written among the files of its data set.

    Raises
    ------
    ConfigError
        If the folders are the same.
    """
    if request.data is not None and request.data.resolve() == request.folder.resolve():
        raise ConfigError(
            f"--out {request.folder}: that is the folder of the data. Choose another one."
        )


def require_same_data(request: Request, found: Inventory) -> None:
    """A run folder is for one data set, which may have moved, lost files and got new ones.

    Raises
    ------
    ConfigError
        If the folder's run was of other files altogether, in another place.
    OSError
        If the disk does not answer.
    """
    try:
        load_json(request.folder / RUN)  # a disk that does not answer is no new folder
        run = read_recorded(request.folder / RUN, RecordFile, "")
        before = Inventory.read(request.folder / STAGES / run["stages"][0], Path())
        was = run["data"]
    except (FileNotFoundError, ValueError, DataError, LookupError):
        return  # no run is there, or none that can be read
    now = None if request.data is None else str(request.data.absolute())
    if now != was and not set(before.hashes.values()) & set(found.hashes.values()):
        raise ConfigError(
            f"{request.folder} holds a run on {was or 'the phantom'}, and this one is on "
            f"{now or 'the phantom'}. Choose another folder with --out, or go on with "
            "--other-data: what was trained stays, beside."
        )
