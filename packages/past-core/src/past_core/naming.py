"""Names of NIfTI files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SUFFIXES", "nifti_files", "stem"]

SUFFIXES = (".nii.gz", ".nii")
"""What PAST reads."""


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
