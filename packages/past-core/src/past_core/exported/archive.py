"""Exported systems as zip files: written plainly, read with suspicion."""

from __future__ import annotations

import errno
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from past_core.errors import DataError
from past_core.exported.description import DESCRIPTION, MOST, parse_json
from past_core.files import atomic_path

__all__ = ["extract", "pack"]

STEP = 1 << 20
LARGEST = 64 << 30
"""Bytes that all files together may have."""
ALWAYS = (1980, 1, 1, 0, 0, 0)
"""Every entry's time: the same system is packed into the same bytes."""


def pack(folder: Path, path: Path) -> None:
    """Write a folder's files into a zip file, uncompressed, for weights do not shrink."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), ALWAYS)
            entry.external_attr = 0o644 << 16
            entry.file_size = file.stat().st_size
            with file.open("rb") as source, archive.open(entry, "w") as target:
                while step := source.read(STEP):
                    target.write(step)


def extract(path: Path, folder: Path) -> None:
    """Unpack what a description names, and refuse a file that has anything else in it.

    Parameters
    ----------
    path
        The zip file.
    folder
        An empty folder.

    Raises
    ------
    DataError
        If it is no zip file, an entry is unexpected, a link or of another size than described,
        or its checksum is wrong. ``folder`` may then hold a part of the files.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _entries(archive, path)
            if DESCRIPTION not in entries:
                raise DataError(
                    f"{path}: no {DESCRIPTION} is in it. Name a zip file of past-cli export."
                )
            content = _content(archive, entries[DESCRIPTION], path)
            known = parse_json(content, f"{path}, {DESCRIPTION}")
            (folder / DESCRIPTION).write_bytes(content)
            sizes = {
                f"{member}/{name}": file.size
                for member, one in known.members.items()
                for name, file in one.files.items()
            }
            _require_expected(entries, {DESCRIPTION, CARD, *sizes}, path)
            _require_sizes(entries, sizes, path)
            for name, size in sizes.items():
                _write(archive, entries[name], size, folder / name, path)
    except UNREADABLE as error:
        raise DataError(f"{path}: not a readable zip file ({error}). Copy it again.") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # of a place before the file's start, which it names
            raise
        raise DataError(f"{path}: not a readable zip file ({error}). Copy it again.") from error


UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError),
    *(struct.error, OverflowError),
)
"""What zipfile raises of a damaged one."""


CARD = "README.md"
"""The model card, which is for people alone."""


def _entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise DataError(f"{path}: entry {entry.filename!r} is a link. Do not use this file.")
        if entry.filename in found:
            raise DataError(f"{path}: entry {entry.filename!r} is there twice.")
        found[entry.filename] = entry
    return found


def _require_expected(
    entries: Mapping[str, zipfile.ZipInfo], expected: set[str], path: Path
) -> None:
    for name in entries:
        if name not in expected:
            raise DataError(
                f"{path}: entry {name!r} is no part of an exported system. Do not use this file."
            )


def _require_sizes(
    entries: Mapping[str, zipfile.ZipInfo], sizes: Mapping[str, int], path: Path
) -> None:
    if sum(sizes.values()) > LARGEST:
        raise DataError(f"{path}: {sum(sizes.values())} bytes are more than any system has.")
    for name, size in sizes.items():
        if name not in entries:
            raise DataError(f"{path}: {name} is missing. Copy the file again.")
        if entries[name].file_size != size:
            raise DataError(
                f"{path}: {name} has {entries[name].file_size} bytes, described are {size}."
            )


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> bytes:
    with archive.open(entry) as file:
        content = file.read(MOST + 1)
    if len(content) > MOST:
        raise DataError(f"{path}: {entry.filename} has more than {MOST} bytes.")
    return content


def _write(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int, target: Path, path: Path
) -> None:
    """Unpack one file, but never more bytes than are described."""
    target.parent.mkdir(exist_ok=True)
    left = size
    with archive.open(entry) as source, target.open("wb") as file:
        while step := source.read(STEP):
            left -= len(step)
            if left < 0:
                raise DataError(f"{path}: {entry.filename} has more than {size} bytes.")
            file.write(step)
