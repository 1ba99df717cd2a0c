"""Thresholds of strata over a set of predictions, in one pass over their files."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from past_selftrain.histogram import ConfidenceHistograms, Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from past_core.interfaces import Prediction
    from past_selftrain.strata import Strata

__all__ = ["thresholds_of"]

log = logging.getLogger(__name__)


def thresholds_of(
    predictions: Sequence[Prediction],
    strata: Strata,
    portion: Callable[[int], float],
    *,
    cap: float | None = None,
    title: str = "",
    thin: bool = False,
) -> list[Threshold]:
    """Cut of each stratum, with these predictions as the whole set; what is above is logged.

    Parameters
    ----------
    portion
        Of a stratum's voxels, in (0, 1], by its number.
    cap
        Voxels of this confidence or more are kept in any case.
    title
        What the log says before each line.
    thin
        Whether ties will be thinned out, for the log.

    Raises
    ------
    past_core.errors.DataError
        If a prediction cannot be read or holds no probabilities.
    """
    histograms = ConfidenceHistograms(strata.count)
    for prediction in predictions:
        for slab in strata.walk(prediction):
            histograms.add(slab.number, slab.confidence)
    thresholds = [
        histograms.threshold(number, portion(number), cap) for number in range(strata.count)
    ]
    for name, one in zip(strata.names, thresholds, strict=True):
        if one.predicted == 0:
            log.warning("%s: %s was predicted nowhere", title, name)
        else:
            kept = one.wanted if thin else one.kept
            log.info(
                "%s: %s from confidence %.6f on: %d of %d voxels (%.2f %%)",
                *(title, name, one.confidence, kept, one.predicted, 100 * kept / one.predicted),
            )
    return thresholds
