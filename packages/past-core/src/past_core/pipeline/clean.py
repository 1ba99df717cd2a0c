"""Removes what a run folder keeps of earlier settings."""

from __future__ import annotations

import shutil
from pathlib import Path

from past_core.pipeline.claimed import exclusive
from past_core.pipeline.opened import open_run

__all__ = ["clean_run"]


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
        If this is no run folder, or a run is using it.
    """
    run = open_run(folder)
    with exclusive(folder):
        unused = run.unused()
        size = sum(p.stat().st_size for place in unused for p in place.rglob("*") if p.is_file())
        if not pretend:
            for place in unused:
                shutil.rmtree(place)
    return unused, size
