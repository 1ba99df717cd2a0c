"""Strategies turn predicted probabilities into pseudo-labels for self-training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from past_core.config import PluginConfig
    from past_core.labels import Labels

__all__ = ["Prediction", "Strategy"]


@dataclass(frozen=True)
class Prediction:
    """Class probabilities of one case, kept on disk until asked for."""

    case_id: str
    path: Path
    """A ``.npy`` file, ``(c, i, j, k)``, float16 or float32."""

    def probabilities(self) -> npt.NDArray[np.floating[Any]]:
        """Memory-map the file: ``(c, i, j, k)``, read only."""
        mapped: npt.NDArray[np.floating[Any]] = np.load(self.path, mmap_mode="r")
        return mapped


class Strategy(ABC):
    """Chooses which predicted voxels become labels, constructed with its configuration."""

    def __init__(self, config: PluginConfig) -> None:
        self.config = config

    @abstractmethod
    def select(
        self, predictions: Sequence[Prediction], labels: Labels, round_number: int
    ) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
        """Yield ``(case id, pseudo-label)`` for every prediction, in order.

        Memory must not grow with the number of cases: read each as often as needed,
        hold one at a time.

        Parameters
        ----------
        predictions
            The whole set, translated source and real target (X_c in Algorithm 1).
        labels
            A pseudo-label ``(i, j, k)`` holds class values, and ``labels.ignore`` where
            the prediction was not kept.
        round_number
            1 for the first round.
        """
