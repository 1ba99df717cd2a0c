"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

__all__ = ["atomic_path", "file_hash", "is_file", "read_json", "write_json"]


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name beside ``path``; rename it to ``path`` if the block succeeds.

    The temporary name keeps the suffixes, since many writers choose the format by
    them. If the block raises, nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.partial.{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_file(path: Path) -> bool:
    """Whether a file is there; none is where a name is too long for any."""
    try:
        return path.is_file()
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return False


def read_json(path: Path, remedy: str) -> Any:  # noqa: ANN401  (whatever it holds)
    """Read a JSON file in UTF-8.

    Raises
    ------
    DataError
        If it is missing, no JSON, or nested too deeply to be read; it ends with the remedy.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). {remedy}") from error
    except RecursionError as error:
        raise DataError(f"{path}: nested too deeply to be read. {remedy}") from error
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON: {error}. {remedy}") from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON, whole or not at all; numpy's arrays and numbers become plain ones."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, default=_plain) + "\n")


def _plain(value: npt.NDArray[Any] | np.generic) -> object:
    return value.tolist()
