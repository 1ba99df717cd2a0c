"""Metrics compare a segmentation with its reference, structure by structure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from past_core.config import PluginConfig
    from past_core.masks import Masks

__all__ = ["Metric"]


class Metric(ABC):
    """One number a structure, constructed with its validated configuration.

    An instance is copied to other processes: it must be picklable.
    """

    def __init__(self, config: PluginConfig) -> None:
        self.config = config

    @abstractmethod
    def __call__(self, masks: Masks) -> float:
        """Value of one structure.

        Parameters
        ----------
        masks
            The structure's masks in the prediction and in the reference, on one grid; neither may
            be changed.

        Returns
        -------
        float
            What an empty prediction, an empty reference and both empty give must be stated by the
            implementation; ``nan`` means *undefined* and is left out of means.
        """
