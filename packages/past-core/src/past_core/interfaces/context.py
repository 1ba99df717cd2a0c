"""What a stage hands to a plugin besides data: a folder, a seed, a device, a progress line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

__all__ = ["RECORD", "Context", "Progress", "silent"]

RECORD = "record"
"""Folder, in a plugin's own and then in its stage's, of what outlasts the work."""


class Progress(Protocol):
    """Told how far long work has come."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """``done`` of ``total`` units (iterations, cases) are finished; ``note`` is short."""


def silent(done: int, total: int, note: str = "") -> None:
    """Ignore progress."""


@dataclass(frozen=True)
class Context:
    """The surroundings of one call of ``fit`` or ``measure``."""

    folder: Path
    """The plugin's own folder for checkpoints and scratch files. It survives an
    interruption: when the same work is started again, it still holds what was written."""
    seed: int
    """All randomness must follow from it: on CPU the same seed gives the same result,
    also when the work was interrupted and resumed."""
    device: str = "cpu"
    """``cpu``, ``cuda`` or ``cuda:N``."""
    progress: Progress = field(default=silent)

    @property
    def record(self) -> Path:
        """A part of the folder whose files outlast the work: curves, previews, figures."""
        folder = self.folder / RECORD
        folder.mkdir(parents=True, exist_ok=True)
        return folder
