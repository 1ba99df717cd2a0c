"""How well label-free figures rank segmenters, where the true scores are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau, spearmanr

__all__ = ["Correlation", "correlations"]

RESAMPLES = 2000
CONFIDENCE = 0.95
FEWEST = 3
"""Candidates for a correlation: of two, any order is right or wrong by a coin."""
FEWEST_FOR_INTERVAL = 8
"""Of fewer, resampling knows too little."""


@dataclass(frozen=True)
class Correlation:
    """Of one validator's figures with the truth, over candidates."""

    validator: str
    spearman: float
    """-1 to 1; ``nan`` where all figures are alike."""
    spearman_interval: tuple[float, float]
    """95 %, by percentile bootstrap over candidates; ``nan`` for fewer than eight."""
    kendall: float
    """tau-b, -1 to 1."""
    kendall_interval: tuple[float, float]
    n: int
    """Candidates."""
    lost: float
    """True score of the best candidate, less that of the one with the highest figure."""


def correlations(
    figures: Mapping[str, Mapping[str, float]], truth: Mapping[str, float]
) -> list[Correlation]:
    """Correlate every validator's mean figures with true scores.

    Parameters
    ----------
    figures
        By validator and candidate, as ``Run.choices`` has the ``means``.
    truth
        True score of each candidate, higher is better (Dice).

    Returns
    -------
    list of Correlation
        With ``nan`` where fewer than three candidates have a figure and a true score.
    """
    found = []
    for validator, of_one in figures.items():
        names = [
            name
            for name, value in of_one.items()
            if name in truth and math.isfinite(value) and math.isfinite(truth[name])
        ]
        pairs = np.array([(of_one[name], truth[name]) for name in names]).reshape(-1, 2)
        found.append(
            Correlation(
                validator,
                _spearman(pairs),
                _interval(pairs, _spearman),
                _kendall(pairs),
                _interval(pairs, _kendall),
                len(names),
                _lost(pairs),
            )
        )
    return found


Pairs = npt.NDArray[np.float64]
"""Figure and truth of each candidate, ``(n, 2)``."""


def _spearman(pairs: Pairs) -> float:
    return float(spearmanr(*pairs.T).statistic) if _varied(pairs) else math.nan


def _kendall(pairs: Pairs) -> float:
    return float(kendalltau(*pairs.T).statistic) if _varied(pairs) else math.nan


def _varied(pairs: Pairs) -> bool:
    return len(pairs) >= FEWEST and bool((pairs.min(axis=0) < pairs.max(axis=0)).all())


def _lost(pairs: Pairs) -> float:
    return float(pairs[:, 1].max() - pairs[pairs[:, 0].argmax(), 1]) if len(pairs) else math.nan


def _interval(pairs: Pairs, statistic: Callable[[Pairs], float]) -> tuple[float, float]:
    if len(pairs) < FEWEST_FOR_INTERVAL:
        return math.nan, math.nan
    random = np.random.default_rng(0)
    draws = random.integers(len(pairs), size=(RESAMPLES, len(pairs)))
    values = np.array([statistic(pairs[draw]) for draw in draws])
    if np.isnan(values).all():
        return math.nan, math.nan
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.nanpercentile(values, (tail, 100 - tail))
    return float(low), float(high)
