"""What a run tells while it works; every event names its stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Observer", "Silent", "StageReport"]


@dataclass(frozen=True)
class StageReport:
    """What one stage cost."""

    name: str
    folder: str
    """Its folder's name among the stages."""
    seconds: float
    """Wall time of the attempt that finished it."""
    peak_mib: float
    """Highest resident memory, MiB."""
    reused: bool
    """True if the stage was already finished."""


class Observer(Protocol):
    """Told what a run is doing, for a progress display; always in the run's own process."""

    def stage_started(self, stage: str, number: int, count: int) -> None:
        """A stage begins, as the ``number``-th of ``count``."""

    def progress(self, stage: str, done: int, total: int, note: str = "") -> None:
        """``done`` of ``total`` units of a stage at work are finished."""

    def stage_finished(self, report: StageReport) -> None:
        """A stage ended, or was found finished."""

    def notice(self, text: str) -> None:
        """Something that the user should know, and that stops nothing."""


class Silent:
    """Observes a run and tells nobody."""

    def stage_started(self, stage: str, number: int, count: int) -> None:
        """Ignore it."""

    def progress(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Ignore it."""

    def stage_finished(self, report: StageReport) -> None:
        """Ignore it."""

    def notice(self, text: str) -> None:
        """Ignore it."""
