"""How well label-free figures rank segmenters, where the true scores are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau, spearmanr

from past_core.errors import DataError

__all__ = ["Correlation", "correlations"]

RESAMPLES = 2000
CONFIDENCE = 0.95
FEWEST = 3
"""Candidates: of two, any order is right or wrong by a coin."""


@dataclass(frozen=True)
class Correlation:
    """Of one validator's figures with the truth, over candidates."""

    validator: str
    spearman: float
    """-1 to 1; ``nan`` where all figures are alike."""
    spearman_interval: tuple[float, float]
    """95 %, by percentile bootstrap over candidates."""
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

    Raises
    ------
    DataError
        If fewer than three candidates have a true score.
    """
    found = []
    for validator, of_one in figures.items():
        names = [
            name
            for name, value in of_one.items()
            if name in truth and math.isfinite(value) and math.isfinite(truth[name])
        ]
        if len(names) < FEWEST:
            raise DataError(
                f"{validator}: {len(names)} candidate(s) have a figure and a true score, but "
                f"ranking needs {FEWEST}. Score the candidates on labelled test scans."
            )
        pairs = np.array([(of_one[name], truth[name]) for name in names])
        found.append(
            Correlation(
                validator,
                _spearman(pairs),
                _interval(pairs, _spearman),
                _kendall(pairs),
                _interval(pairs, _kendall),
                len(names),
                float(pairs[:, 1].max() - pairs[pairs[:, 0].argmax(), 1]),
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
    return bool((pairs.min(axis=0) < pairs.max(axis=0)).all())


def _interval(pairs: Pairs, statistic: Callable[[Pairs], float]) -> tuple[float, float]:
    random = np.random.default_rng(0)
    draws = random.integers(len(pairs), size=(RESAMPLES, len(pairs)))
    values = np.array([statistic(pairs[draw]) for draw in draws])
    if np.isnan(values).all():
        return math.nan, math.nan
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.nanpercentile(values, (tail, 100 - tail))
    return float(low), float(high)
