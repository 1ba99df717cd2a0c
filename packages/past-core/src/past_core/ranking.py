"""The best of several candidates by label-free figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.stats import rankdata

__all__ = ["best", "known_mean", "mean_figures"]

Figures = Mapping[str, Mapping[str, float]]
"""By candidate and scan, as ``past_core.interfaces.Validator.assess`` gives them."""


def mean_figures(figures: Figures) -> dict[str, float]:
    """A candidate's mean over scans; ``nan`` if no scan has a figure."""
    return {candidate: known_mean(values.values()) for candidate, values in figures.items()}


def known_mean(values: Iterable[float]) -> float:
    """Mean of those that are not ``nan``; ``nan`` if none is."""
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan


def best(figures: Mapping[str, Figures], candidates: Sequence[str]) -> tuple[str, dict[str, float]]:
    """The candidate of the lowest mean rank over validators.

    Parameters
    ----------
    figures
        By validator.
    candidates
        In order of adaptation: of equal ones the last is taken, so what has learnt most from the
        target comes last.

    Returns
    -------
    tuple
        Its name, and every candidate's mean rank, 1 for the best by every validator.
    """
    ranks = []
    for of_one in figures.values():
        means = mean_figures(of_one)
        values = [means[name] for name in candidates]
        # Of what a validator cannot tell it must not speak well.
        ranks.append(rankdata([math.inf if math.isnan(value) else -value for value in values]))
    total = np.mean(ranks, axis=0)
    mean = {name: float(rank) for name, rank in zip(candidates, total, strict=True)}
    return min(reversed(candidates), key=lambda name: mean[name]), mean
