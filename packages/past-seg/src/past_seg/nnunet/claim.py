"""What the folder of a training is for, so that it never goes on from another one's."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from past_core.errors import DataError
from past_core.files import file_hash, read_json, write_json
from past_seg.nnunet.folders import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["claim"]

NOTE = "work.json"
FOLDERS = ("raw", "preprocessed", "results")
FILES = ("prepared.json", "checkpoint.pt", "record/losses.csv", "record/bfloat16.json")
"""What a training leaves that another one in the same folder must not find."""


def claim(folder: Path, work: Sequence[Path | Json]) -> None:
    """Note what the folder is for; leftovers of other work are removed, not resumed.

    Parameters
    ----------
    folder
        Of one training.
    work
        All that its result depends on: values, and files for their content.
    """
    note, said = folder / NOTE, {"work": _digest(work)}
    with suppress(DataError):  # a note that cannot be read says nothing of this work
        if note.exists() and read_json(note, "") == said:
            return
    for name in FOLDERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    write_json(note, said)


def _digest(parts: Sequence[Path | Json]) -> str:
    """Hash of the content of files and of JSON values, in order."""
    total = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            total.update(file_hash(part).encode())
        else:
            total.update(json.dumps(part, sort_keys=True).encode())
    return total.hexdigest()
