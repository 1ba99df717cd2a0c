"""Removes what a run folder keeps of earlier settings."""

from __future__ import annotations

import shutil
from pathlib import Path

from past_core.errors import DataError
from past_core.pipeline.claimed import exclusive
from past_core.pipeline.opened import open_run

__all__ = ["clean_run"]

ALLOW = "Let yourself write there (permissions, a read-only mount), then do it again."


def clean_run(folder: Path, *, pretend: bool = False) -> tuple[list[Path], int]:
    """Remove the stages that the newest run in a folder does not use.

    Parameters
    ----------
    folder
        The run folder.
    pretend
        Only say what would be removed.

    Returns
    -------
    list of Path, int
        The stages' folders, and the bytes they take.

    Raises
    ------
    DataError
        If this is no run folder, a run is using it, or something cannot be removed.
    ConfigError
        If the folder cannot be written to.
    """
    run = open_run(folder)
    with exclusive(folder, f"{ALLOW} Nothing was removed."):
        unused = run.unused()
        size = sum(p.stat().st_size for place in unused for p in place.rglob("*") if p.is_file())
        if not pretend:
            for place in unused:
                _remove(place)
    return unused, size


def _remove(place: Path) -> None:
    try:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink()
    except OSError as error:
        raise DataError(f"{place}: cannot be removed ({error}). {ALLOW}") from error
