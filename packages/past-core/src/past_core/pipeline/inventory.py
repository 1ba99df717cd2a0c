"""A data set as its check left it: where each case's files lie, and the hash of their content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from past_core.dataset import Dataset
from past_core.pipeline.layout import INVENTORY
from past_core.pipeline.stage import Stage
from past_core.roi import ROI

__all__ = ["Inventory", "check_stage", "last_inventory"]


@dataclass(frozen=True)
class Inventory:
    """Hashes of a checked data set's files."""

    hashes: Mapping[str, str]
    """Path to SHA-256."""

    @classmethod
    def read(cls, folder: Path) -> Inventory:
        """Of a finished check stage's folder."""
        files = json.loads((folder / INVENTORY).read_text())["files"]
        return cls({path: entry["sha256"] for path, entry in files.items()})

    def of(self, path: Path | None) -> str | None:
        """SHA-256 of a file; None of None."""
        return None if path is None else self.hashes[str(path)]

    @property
    def places(self) -> dict[str, str]:
        """SHA-256 to a file with that content."""
        return {content: path for path, content in self.hashes.items()}


def check_stage(dataset: Dataset, roi: ROI, known: Mapping[str, Any]) -> Stage:
    """The stage that checks a data set; it runs again when a file's size or time changes.

    Parameters
    ----------
    roi
        The region of interest, which must hold something of every structure.
    known
        The inventory of an earlier check, whose files are not read again if they are the same.
    """
    cases = [
        {
            "part": part,
            "id": case.id,
            "protocol": case.protocol,
            "image": _stamp(case.image),
            "label": None if case.label is None else _stamp(case.label),
        }
        for part, members in dataset.parts().items()
        for case in members
    ]
    return Stage(
        "check",
        "past_core.pipeline.work.check:check",
        {
            "name": dataset.name,
            "labels": list(dataset.labels.structures),
            "roi": roi.fractions,
            "cases": cases,
        },
        incidental={"known": known},
    )


def last_inventory(stages: Path) -> dict[str, Any]:
    """The newest inventory among a run's stages; empty if there is none."""
    found = sorted(stages.glob(f"check-*/{INVENTORY}"), key=lambda path: path.stat().st_mtime)
    for path in reversed(found):
        try:
            content: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        return content
    return {}


def _stamp(path: Path) -> list[Any]:
    """Path, size and time of a file; one that is missing is the check's to report."""
    try:
        found = path.stat()
    except OSError:
        return [str(path), -1, -1]
    return [str(path), found.st_size, found.st_mtime_ns]
