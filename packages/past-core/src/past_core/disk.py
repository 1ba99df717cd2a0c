"""What a failure of the disk means to a user: which file, what happened, and the remedy."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from past_core.errors import DataError

__all__ = ["disk_error", "disk_errors", "named", "native_disk_errors"]

FULL = (errno.ENOSPC, errno.EDQUOT)
GROWING = (*FULL, errno.EFBIG)
"""What only writing fails by."""
REMEDIES = {
    **dict.fromkeys(FULL, "Make room there, or on your quota."),
    errno.EFBIG: "The file system, or a limit (ulimit -f), allows no file as large. Raise it, or "
    "choose another place.",
    errno.EROFS: "The file system is read-only. Let it be mounted writable, or choose another "
    "place.",
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM),
        "Permission is missing. Change the owner or the mode of it, or choose another place.",
    ),
    **dict.fromkeys(
        (errno.EIO, errno.ESTALE, errno.ENXIO),
        "The device or the network in between does not answer as it should: see the system's log "
        "(dmesg). If it stays so, copy what is there to another disk.",
    ),
    **dict.fromkeys(
        (errno.EMFILE, errno.ENFILE), "Too many files are open: raise the limit (ulimit -n)."
    ),
    errno.ENOENT: "Somebody removed it. Put it back.",
}
OTHERWISE = "Check the space and the permissions there."

LITTLE = 1 << 20
"""Bytes: a disk that has less is full."""

NUMBER = re.compile(r"os error (\d+)")
"""How writers in Rust, as that of safetensors, say the system's error."""


def disk_error(error: OSError, place: Path) -> DataError:
    """What to tell a user.

    Parameters
    ----------
    place
        Where it was tried, if the error names no file.
    """
    path = Path(os.fsdecode(error.filename)) if error.filename else place
    reason = error.strerror or str(error) or type(error).__name__
    remedy = REMEDIES.get(error.errno or 0, OTHERWISE)
    free = _free(path) if error.errno in FULL else ""
    return DataError(f"{path}: {reason}{free}. {remedy} The same command goes on from here.")


@contextmanager
def disk_errors(place: Path) -> Iterator[None]:
    """Raise failures of the disk in the block as the project's own."""
    try:
        yield
    except OSError as error:
        raise disk_error(error, place) from error


@contextmanager
def named(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Let failures in the block name the file: those of reading and writing name none.

    Parameters
    ----------
    temporary
        What ``path`` is called while it is written, which would tell a user nothing.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise _as_system_error(error, path) from error
        if error.filename is None or os.fsdecode(error.filename) == str(temporary):
            error.filename = str(path)
        elif error.errno in GROWING and str(error.filename2) == str(temporary):
            # A copy that did not fit; shutil puts its origin first.
            error.filename, error.filename2 = str(path), None
        raise


def _as_system_error(error: OSError, path: Path) -> OSError:
    """What numpy means: it says how much it wrote of how much, and not why it was not all."""
    folder = next(one for one in path.absolute().parents if one.exists())
    if shutil.disk_usage(folder).free < LITTLE:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return OSError(errno.EIO, f"not written whole ({error})", str(path))


@contextmanager
def native_disk_errors(path: Path, *kinds: type[Exception]) -> Iterator[None]:
    """Raise as OSError what a writer of native code says of the disk in its own words.

    Parameters
    ----------
    path
        The file that is written.
    kinds
        The writer's own exceptions.
    """
    try:
        yield
    except kinds as error:
        if isinstance(error.__context__, OSError):  # it tidied up, and failed at that as well
            raise error.__context__ from error
        number = NUMBER.search(str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error


def _free(path: Path) -> str:
    """How much space is left where a file is or would be."""
    for folder in (path, *path.absolute().parents):
        try:
            left = shutil.disk_usage(folder)
        except OSError:
            continue
        return f" ({left.free / 2**20:.1f} MiB free of {left.total / 2**20:.0f} MiB in {folder})"
    return ""
