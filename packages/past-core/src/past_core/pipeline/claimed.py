"""The folder of a run: one process at a time writes to it, and one data set is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from past_core.errors import ConfigError, DataError
from past_core.pipeline.inventory import Inventory
from past_core.pipeline.layout import LOCK, RUN, STAGES
from past_core.pipeline.recorded import RecordFile, read_recorded
from past_core.pipeline.request import Request

__all__ = ["exclusive", "require_apart", "require_same_data"]

OTHER_FOLDER = "Choose another folder with --out."


@contextmanager
def exclusive(folder: Path, remedy: str = OTHER_FOLDER) -> Iterator[None]:
    """Keep a second run out; the lock goes with the process, however it ends.

    Parameters
    ----------
    remedy
        What to do where the folder cannot be written to.

    Raises
    ------
    ConfigError
        If the folder cannot be made or written to.
    DataError
        If another process uses it.
    """
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise DataError(
            f"{folder}: another run is using this folder. Wait for it, or choose another folder."
        ) from error
    except (OSError, NotImplementedError) as error:
        raise ConfigError(f"{folder}: cannot be written to ({error}). {remedy}") from error
    try:
        yield
    finally:
        lock.release()


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
    """
    try:
        run = read_recorded(request.folder / RUN, RecordFile, "")
        before = Inventory.read(request.folder / STAGES / run["stages"][0], Path())
        was = run["data"]
    except (DataError, LookupError):
        return  # no run is there, or none that can be read
    now = None if request.data is None else str(request.data.absolute())
    if now != was and not set(before.hashes.values()) & set(found.hashes.values()):
        raise ConfigError(
            f"{request.folder} holds a run on {was or 'the phantom'}, and this one is on "
            f"{now or 'the phantom'}. Choose another folder with --out, or go on with "
            "--other-data: what was trained stays, beside."
        )
