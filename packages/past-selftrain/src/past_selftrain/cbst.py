"""CBST: classes compete by confidence relative to their own thresholds (Zou et al., ECCV 2018).

With k_c the confidence above which a portion p of class c's voxels lie, a voxel is labelled with
the class of the largest P_c / k_c, if that is 1 or more. A rare class that is never very sure so
wins voxels that a plain argmax gives to a common one. Classes that compete are those of the
pseudo-labels; the confidences that set k_c are of the plain argmax, as published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import Field, model_validator

from past_core.config import PluginConfig
from past_core.interfaces import Prediction, PseudoLabel, Strategy
from past_selftrain.confidence import likeliest, slabs
from past_selftrain.portions import risen
from past_selftrain.strata import Strata
from past_selftrain.thresholds import thresholds_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from past_core.labels import Labels

__all__ = ["CBST", "CBSTConfig"]


class CBSTConfig(PluginConfig):
    """How much of a prediction becomes a pseudo-label."""

    p: float = Field(default=0.2, gt=0, le=1)
    """Portion of each class's predicted voxels above its threshold in round 1 (paper: 0.2)."""
    p_step: float = Field(default=0.05, ge=0, le=1)
    """Added to p in every further round (paper: 0.05)."""
    p_max: float = Field(default=0.5, gt=0, le=1)
    """Upper bound of p over the rounds (paper: 0.5)."""

    @model_validator(mode="after")
    def _p_below_its_maximum(self) -> Self:
        if self.p > self.p_max:
            raise ValueError(f"p ({self.p}) is above p_max ({self.p_max})")
        return self

    def portion(self, round_number: int) -> float:
        """P in this round, counted from 1."""
        return risen(self.p, self.p_step, self.p_max, round_number)


class CBST(Strategy):
    """Class-balanced self-training: the class with the largest P_c / k_c, where that is 1 or more.

    Every file is read twice. In memory are the histograms (0.9 MB a class), a slab of about a
    million voxels of each class, and the pseudo-label of one case.
    """

    config: CBSTConfig

    def select(
        self, predictions: Sequence[Prediction], labels: Labels, round_number: int
    ) -> Iterator[PseudoLabel]:
        """Yield pseudo-labels in order; see ``Strategy.select``.

        Raises
        ------
        past_core.errors.DataError
            If a prediction cannot be read or holds no probabilities.
        """
        portion = self.config.portion(round_number)
        thresholds = thresholds_of(
            predictions,
            Strata(labels),
            lambda _: portion,
            title=f"cbst, round {round_number}, p = {portion:g}",
        )
        cuts = np.array([one.confidence for one in thresholds], np.float64)
        for prediction in predictions:
            yield PseudoLabel(prediction.case_id, _label(prediction, labels, cuts))


def _label(
    prediction: Prediction, labels: Labels, cuts: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint8]:
    """The pseudo-label of one case; a class of infinite threshold gets no voxel."""
    divisors = cuts[:, None, None, None]
    parts = []
    for slab in slabs(prediction, labels):
        relative = np.maximum(slab.probabilities, 0) / divisors
        best, ratio = likeliest(relative)
        parts.append(np.where(ratio >= 1, best, np.uint8(labels.ignore)))
    return np.concatenate(parts)
