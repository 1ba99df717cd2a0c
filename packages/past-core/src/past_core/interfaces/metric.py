"""Metrics compare a segmentation with its reference, structure by structure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from past_core.config import PluginConfig
    from past_core.labels import Labels

__all__ = ["Metric"]


class Metric(ABC):
    """One number a structure, constructed with its validated configuration."""

    def __init__(self, config: PluginConfig) -> None:
        self.config = config

    @abstractmethod
    def __call__(
        self,
        prediction: npt.NDArray[np.uint8],
        reference: npt.NDArray[np.uint8],
        spacing: tuple[float, float, float],
        labels: Labels,
    ) -> dict[str, float]:
        """Value of every structure in ``labels``.

        Parameters
        ----------
        prediction, reference
            Label maps ``(i, j, k)`` on one grid.
        spacing
            Voxel size in mm along each axis.

        Returns
        -------
        dict
            Structure to value. What an empty prediction, an empty reference and both
            empty give must be stated by the implementation; ``nan`` means *undefined*
            and is left out of means.
        """
