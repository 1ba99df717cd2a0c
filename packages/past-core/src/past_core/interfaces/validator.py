"""Validators judge segmenters on scans that have no label, to choose among them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from past_core.case import Case
    from past_core.config import PluginConfig
    from past_core.interfaces.context import Progress
    from past_core.labels import Labels
    from past_core.volume import Volume

__all__ = ["Candidate", "Figures", "Validator"]

Figures = dict[str, dict[str, float]]
"""By candidate and scan; higher is better, ``nan`` where a validator cannot tell."""


class Candidate(Protocol):
    """A system that may be chosen, as validators see it."""

    @property
    def name(self) -> str:
        """The system's name."""

    def classes(self, scan: Case) -> npt.NDArray[np.uint8]:
        """Its segmentation ``(i, j, k)`` of a scan, on the scan's grid."""

    def probabilities(self, scan: Case) -> npt.NDArray[np.float32]:
        """Its class probabilities ``(c, i, j, k)`` of a scan, which sum up to 1 over ``c``."""

    def segment(self, scan: Case, volume: Volume) -> npt.NDArray[np.uint8]:
        """Segment another image in place of a scan's own, by the models that answer for it."""


class Validator(ABC):
    """Figures that need no target label, constructed with their validated configuration.

    Their use is to rank: between two candidates the one of higher figures should be the one
    of higher true Dice. How well one ranks has to be measured where labels are known.
    """

    compares: ClassVar[bool] = False
    """Whether a figure of one candidate depends on what the others are."""

    def __init__(self, config: PluginConfig) -> None:
        self.config = config

    def applications(self) -> int:
        """How often each candidate segments each scan anew for it: what a plan of a run counts."""
        return 0

    @abstractmethod
    def assess(
        self,
        candidates: Sequence[Candidate],
        scans: Sequence[Case],
        source: Sequence[Case],
        labels: Labels,
        progress: Progress,
    ) -> Figures:
        """A figure of every candidate on every scan.

        Parameters
        ----------
        candidates
            What to choose among; unless the validator compares, possibly one alone.
        scans
            Scans of the target contrast, without labels.
        source
            Source scans with their labels: what structures look like.
        labels
            The structures.
        progress
            Told after each unit of work.
        """
