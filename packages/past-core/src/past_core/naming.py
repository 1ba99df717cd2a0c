"""Names of NIfTI files, and of cases."""

from __future__ import annotations

import os
import re
from pathlib import Path

__all__ = ["LONGEST", "SUFFIXES", "case_id", "fault_of_id", "nifti_files", "stem"]

SUFFIXES = (".nii.gz", ".nii")
"""What PAST reads."""
LONGEST = 200
"""Bytes of an id: with what PAST adds to it, a file's name has 255 at most."""


def stem(name: str) -> str:
    """A file's name without ``.nii`` or ``.nii.gz``."""
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def nifti_files(folder: Path) -> list[Path]:
    """NIfTI files of a folder by name; not hidden ones, nor what lies below it.

    A link that leads nowhere is among them, so that it is missed where it is read.
    """
    return sorted(
        path
        for path in folder.iterdir()
        if path.name.endswith(SUFFIXES)
        and not path.name.startswith(".")
        and (path.is_file() or path.is_symlink())
    )


def case_id(name: str) -> str:
    """An id made of a file's name without suffix, that can name files and stand in tables.

    What cannot be printed (line breaks, bytes that are no text) and what parts folders becomes
    ``_``; so does a dot at its beginning, which would hide files.
    """
    made = name
    if not name.isprintable() or {"/", "\\"} & set(name):
        made = "".join(char if char.isprintable() and char not in "/\\" else "_" for char in name)
    made = re.sub(r"^\.", "_", made.strip())
    return made or "_"


def fault_of_id(name: str) -> str:
    """Why a text cannot be a case's id; empty if it can."""
    if case_id(name) != name:
        return (
            "an id is made of letters, digits and the like, without '/', line breaks, blanks "
            "at its ends or a dot at its beginning"
        )
    if len(os.fsencode(name)) > LONGEST:
        return f"an id has {LONGEST} bytes at most"
    return ""
