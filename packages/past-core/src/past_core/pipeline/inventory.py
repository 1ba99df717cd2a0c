"""A data set as its check left it: where each case's files lie, and the hash of their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from past_core.dataset import Dataset
from past_core.files import load_json
from past_core.pipeline.layout import INVENTORY
from past_core.pipeline.recorded import ANEW, InventoryFile, read_recorded
from past_core.pipeline.stage import Stage
from past_core.roi import ROI

__all__ = ["Inventory", "check_stage", "last_inventory", "read_inventory"]


FILE = {"size", "time", "sha256"}
"""What an inventory says of a file."""
SOUND = {"image", "label", "structures", "kept"}
"""What it says of a case that nothing is wrong with."""


@dataclass(frozen=True)
class Inventory:
    """What the check of a data set found."""

    hashes: Mapping[str, str]
    """Path to SHA-256."""
    doubts: tuple[tuple[str, str], ...] = ()
    """Paths of scans, and why it is doubtful where these lie."""
    shapes: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """Path of a scan to its voxels along the canonical (RAS+) axes."""

    @classmethod
    def read(cls, folder: Path, data: Path) -> Inventory:
        """Of a finished check stage's folder.

        Parameters
        ----------
        data
            The data set's folder, to which paths in the file are relative.
        """
        found = read_inventory(folder, data)
        hashes = {path: entry["sha256"] for path, entry in found["files"].items()}
        cases = found["cases"]
        doubts = tuple((one["image"], one["doubt"]) for one in cases if one["doubt"])
        return cls(hashes, doubts, {one["image"]: tuple(one["canonical"]) for one in cases})

    def of(self, path: Path | None) -> str | None:
        """SHA-256 of a file; None of None."""
        return None if path is None else self.hashes[str(path)]

    @property
    def places(self) -> dict[str, str]:
        """SHA-256 to a file with that content."""
        return {content: path for path, content in self.hashes.items()}


def read_inventory(folder: Path, data: Path) -> dict[str, Any]:
    """The inventory of a finished check stage's folder; paths in it are whole again.

    Parameters
    ----------
    data
        The data set's folder, to which paths in the file are relative.
    """
    found = read_recorded(folder / INVENTORY, InventoryFile, ANEW.format(folder))
    files = {str(data / path): entry for path, entry in found["files"].items()}
    cases = [
        one | {key: str(data / one[key]) for key in ("image", "label") if one[key] is not None}
        for one in found["cases"]
    ]
    return found | {"files": files, "cases": cases}


def check_stage(dataset: Dataset, data: Path, roi: ROI, known: Mapping[str, Any]) -> Stage:
    """The stage that checks a data set; it runs again when a file's size or time changes.

    Parameters
    ----------
    data
        The folder that was opened; files outside of it keep their whole path.
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
            "image": _stamp(case.image, data),
            "label": None if case.label is None else _stamp(case.label, data),
        }
        for part, members in dataset.parts().items()
        for case in members
    ]
    return Stage(
        "check",
        "past_core.pipeline.work.check:check",
        {
            "name": dataset.name,
            "folder": str(data),
            "labels": list(dataset.labels.structures),
            "roi": roi.fractions,
            "cases": cases,
        },
        incidental={"known": known},
        generation=2,
    )


def last_inventory(stages: Path) -> dict[str, Any]:
    """The newest inventory among a run's stages; empty if there is none."""
    found = sorted(stages.glob(f"check-*/{INVENTORY}"), key=lambda path: path.stat().st_mtime)
    for path in reversed(found):
        try:
            content = load_json(path)
        except (OSError, ValueError):
            continue
        if _is_inventory(content):
            return dict(content)
    return {}


def _is_inventory(content: Any) -> bool:  # noqa: ANN401
    """Whether it has all that a later check goes by."""
    if not isinstance(content, dict):
        return False
    files, sound = content.get("files"), content.get("sound")
    return (
        isinstance(files, dict)
        and isinstance(sound, list)
        and all(isinstance(one, dict) and one.keys() >= FILE for one in files.values())
        and all(isinstance(one, dict) and one.keys() >= SOUND for one in sound)
    )


def _stamp(path: Path, data: Path) -> list[Any]:
    """Path, size and time of a file; one that is missing is the check's to report."""
    name = str(path.relative_to(data) if path.is_relative_to(data) else path)
    try:
        found = path.stat()
    except OSError:
        return [name, -1, -1]
    return [name, found.st_size, found.st_mtime_ns]
