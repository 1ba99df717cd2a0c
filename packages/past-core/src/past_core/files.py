"""Files that are written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from past_core.disk import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy as np
    import numpy.typing as npt

__all__ = [
    "atomic_path",
    "copy_file",
    "file_hash",
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


def read_json(path: Path) -> Any:  # noqa: ANN401
    """The content of a JSON file; failures of the disk name it."""
    with named(path):
        text = path.read_text()
    return json.loads(text)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON, whole or not at all; numpy's arrays and numbers become plain ones."""
    write_text(path, json.dumps(content, indent=1, default=_plain) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write text, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def _plain(value: npt.NDArray[Any] | np.generic) -> object:
    return value.tolist()
