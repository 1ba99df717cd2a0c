"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from past_core.disk import disk_error, named
from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy as np
    import numpy.typing as npt

__all__ = [
    "atomic_path",
    "copy_file",
    "exists",
    "file_hash",
    "is_file",
    "load_json",
    "read_json",
    "remove_temporary",
    "write_json",
    "write_text",
    "writer",
]


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; rename it to ``path`` if the block succeeds.

    The temporary name keeps the suffixes, since many writers choose the format by
    them. If the block raises, nothing is left behind. Failures of the disk name ``path``.
    """
    temporary = path.with_name(f".{os.getpid()}.partial.{path.name}")
    with named(path, temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            temporary.replace(path)
        finally:
            # What failed is of interest, not that a disk which fails cannot be tidied up.
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def writer(path: Path) -> int | None:
    """Number of the process that writes under this temporary name; None of another name."""
    found = re.match(r"\.(\d+)\.partial\.", path.name)
    return int(found[1]) if found else None


def remove_temporary(paths: Iterable[Path]) -> None:
    """Remove those under a temporary name, whose writers the caller knows to be gone."""
    for path in [one for one in paths if writer(one) is not None]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def copy_file(origin: Path, path: Path) -> None:
    """Copy the content, whole or not at all."""
    with atomic_path(path) as temporary:
        shutil.copyfile(origin, temporary)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal digits."""
    with named(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_json(path: Path) -> Any:  # noqa: ANN401  (whatever it holds)
    """What a JSON file in UTF-8 holds; the mark of byte order that some editors write may be there.

    Raises
    ------
    OSError
        If the disk fails; it names the file.
    ValueError
        If it is no JSON, or nested too deeply to be read.
    """
    if path.exists() and not path.is_file():
        raise ValueError("it is no file")  # of a pipe, nobody would ever see the end
    with named(path):
        text = path.read_text("utf-8-sig")
    if not text.strip():
        raise ValueError("it is empty")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply to be read") from error


def is_file(path: Path) -> bool:
    """Whether a file is there; none is where a name is too long for any."""
    return exists(path) and path.is_file()


def exists(path: Path) -> bool:
    """Whether anything is there; nothing is where a name is too long for anything."""
    try:
        return path.exists()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return False


def read_json(path: Path, remedy: str) -> Any:  # noqa: ANN401  (whatever it holds)
    """The same, for what a user gave or keeps.

    Raises
    ------
    DataError
        If it is missing, no JSON, or nested too deeply to be read; it ends with the remedy.
    """
    try:
        return load_json(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). {remedy}") from error
    except OSError as error:
        raise disk_error(error, path) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error}). {remedy}") from error
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON: {error}. {remedy}") from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON, whole or not at all; numpy's arrays and numbers become plain ones."""
    write_text(path, json.dumps(content, indent=1, default=_plain) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write text, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def _plain(value: npt.NDArray[Any] | np.generic) -> object:
    return value.tolist()
