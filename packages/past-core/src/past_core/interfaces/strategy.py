"""Strategies turn predicted probabilities into pseudo-labels for self-training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from past_core.case import Domain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from past_core.config import PluginConfig
    from past_core.labels import Labels

__all__ = ["Prediction", "PseudoLabel", "Strategy", "mean_probabilities"]


@dataclass(frozen=True)
class Prediction:
    """Class probabilities of one case, kept on disk until asked for."""

    case_id: str
    paths: tuple[Path, ...]
    """``.npy`` files, ``(c, i, j, k)``, float16 or float32: one of each teacher."""
    domain: Domain = Domain.TARGET
    """Whether it is a scan of the target, or of the source (translated)."""
    image: Path | None = None
    """What was segmented, on the same grid, intensities from 0 to 255."""

    def of_each(self) -> list[npt.NDArray[np.floating[Any]]]:
        """Memory-map every teacher's file: ``(c, i, j, k)`` each, read only."""
        return [np.load(path, mmap_mode="r") for path in self.paths]

    def probabilities(self) -> npt.NDArray[np.floating[Any]]:
        """Mean over teachers ``(c, i, j, k)``; a read-only memory map if there is one teacher."""
        return mean_probabilities(self.of_each())


def mean_probabilities(
    teachers: Sequence[npt.NDArray[np.floating[Any]]],
) -> npt.NDArray[np.floating[Any]]:
    """Mean over teachers as float32; of one teacher the array itself."""
    first, *others = teachers
    if not others:
        return first
    total = np.array(first, np.float32)
    for other in others:
        total += other
    return total / np.float32(len(teachers))


@dataclass(frozen=True)
class PseudoLabel:
    """What of one case's prediction a strategy keeps, and how much it counts."""

    case_id: str
    label: npt.NDArray[np.uint8]
    """``(i, j, k)``: class values, and ``labels.ignore`` where the prediction was not kept."""
    scan_weight: float = 1.0
    """How often a training draws the scan, relative to the others of its domain; 0: never."""
    voxel_weights: npt.NDArray[np.floating[Any]] | None = None
    """``(i, j, k)``, 0 to 1: how much each voxel counts in the loss; None: all alike."""
    by_image: npt.NDArray[np.bool_] | None = None
    """``(i, j, k)``: where the image decided. Such labels are no guesses, however low the predicted
    probability of theirs is. None: nowhere."""
    alone: bool = False
    """Whether the label is right enough to be learnt from without translated scans beside it: if
    nine in ten of the target's are, entries of ``images`` with ``unless = "alone"`` stay out."""


class Strategy(ABC):
    """Chooses which predicted voxels become labels, constructed with its configuration."""

    def __init__(self, config: PluginConfig) -> None:
        self.config = config

    @abstractmethod
    def select(
        self, predictions: Sequence[Prediction], labels: Labels, round_number: int
    ) -> Iterator[PseudoLabel]:
        """Yield a pseudo-label for every prediction, in order.

        Memory must not grow with the number of cases: read each as often as needed,
        hold one at a time.

        Parameters
        ----------
        predictions
            The whole set, translated source and real target (X_c in Algorithm 1).
        labels
            The structures, and the value that marks what is not kept.
        round_number
            1 for the first round.
        """
