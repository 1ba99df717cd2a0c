"""Finished stages of a run: what they cost, and how their trainings went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from past_core.errors import DataError
from past_core.interfaces.context import RECORD
from past_core.pipeline.events import StageReport
from past_core.pipeline.manifest import read_manifest
from past_core.table import read_rows

__all__ = ["finished_stages", "training_curves"]


def finished_stages(folder: Path, names: Iterable[str] | None = None) -> list[StageReport]:
    """What the stages in a folder cost that are finished.

    Parameters
    ----------
    folder
        Of all stages.
    names
        Those to look at, in this order; by default all there are.
    """
    if names is None:
        names = sorted(path.name for path in folder.glob("*"))
    manifests = {name: read_manifest(folder / name) for name in names}
    return [
        StageReport(
            manifest.get("stage", name),
            name,
            manifest["wall_seconds"],
            manifest["peak_memory_mib"],
            reused=True,
        )
        for name, manifest in manifests.items()
        if manifest.get("finished") is True
        and isinstance(manifest.get("stage", name), str)
        and all(isinstance(manifest.get(what), int | float) for what in COSTS)
    ]


COSTS = ("wall_seconds", "peak_memory_mib")
"""What is told of a stage by its manifest; one that lacks it is not told of."""


def training_curves(
    folder: Path, stages: Iterable[StageReport]
) -> Iterator[tuple[str, list[dict[str, float]]]]:
    """By stage the rows of ``record/losses.csv``, numbers by column; others have none."""
    for stage in stages:
        path = folder / stage.folder / RECORD / "losses.csv"
        if path.is_file():
            yield stage.name, [_numbers(row, path) for row in read_rows(path)]


def _numbers(row: Mapping[str, str], path: Path) -> dict[str, float]:
    try:
        return {key: float(value) for key, value in row.items() if value}
    except ValueError as error:
        raise DataError(f"{path}: {error}. Delete it: it is for people alone.") from error
