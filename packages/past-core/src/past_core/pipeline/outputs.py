"""What a finished stage left, so that files which were lost or damaged since are noticed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from past_core.files import file_hash
from past_core.interfaces.context import RECORD
from past_core.pipeline.layout import LOCK, LOG, MANIFEST, PROGRESS

__all__ = ["changed", "clear", "listed"]


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    """Size, time and SHA-256 of all that other stages may read, by path within the folder.

    Log and record are left out: nothing is computed from them.
    """
    found = {}
    for path in _outputs(folder):
        state = path.stat()
        found[path.relative_to(folder).as_posix()] = {
            "size": state.st_size,
            "time": state.st_mtime_ns,
            "sha256": file_hash(path),
        }
    return found


def changed(folder: Path, files: Mapping[str, Any], *, read: bool = False) -> list[str]:
    """Those of the listed files that are gone or hold something else.

    Parameters
    ----------
    files
        As ``listed`` gave them.
    read
        Whether to read all of them; else only those whose time is another one.

    Raises
    ------
    OSError
        If the disk does not answer.
    """
    return [name for name, was in files.items() if not _same(folder / name, was, read)]


def clear(folder: Path) -> None:
    """Remove all but the log: a stage must not take what is damaged for its own."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name not in (LOG, LOCK):
            path.unlink()


GONE = (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError)
"""A file is not there, or has a name that no file can have.

Other failures say nothing of the file: a disk that does not answer must not cost a training.
"""


def _same(path: Path, was: Mapping[str, Any], read: bool) -> bool:
    try:
        state = path.stat()
        if state.st_size != was["size"]:
            return False
        if state.st_mtime_ns == was["time"] and not read:
            return True
        return bool(file_hash(path) == was["sha256"])
    except GONE:
        return False


def _outputs(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder).parts
        own = inner[0] in (MANIFEST, LOG, PROGRESS, RECORD) or path.name.startswith(".")
        if path.is_file() and not own:
            yield path
