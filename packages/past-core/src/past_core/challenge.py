"""Ranking of systems as challenges do it, and how stable it is.

As crossMoDA ranks its teams: on every case, systems are ranked by each metric of each structure
(equal values share the better rank); a case's rank is the mean of these, a system's score the
mean over cases. How much the order owes to the cases that happened to be there is told by drawing
them again (Wiesenfarth et al. 2021, "Methods and open-source toolkit for analyzing and visualizing
challenge results", Scientific Reports 11).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import kendalltau, rankdata

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from past_core.scoring import Score

    Floats = npt.NDArray[np.float64]

__all__ = ["Ranked", "Ranking", "rank_systems"]

RESAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ranked:
    """One system's place."""

    system: str
    place: int
    """1 is best; equal scores share the better one."""
    score: float
    """Mean rank over cases, structures and metrics; 1 if it was always the best."""
    best: int
    """The place that 97.5 % of the drawn sets of cases do not better."""
    worst: int
    """Likewise: a 95 % interval of places."""
    first: float
    """Portion of the drawn sets on which it was the first, 0 to 1."""


@dataclass(frozen=True)
class Ranking:
    """All systems, the best first."""

    systems: tuple[Ranked, ...]
    tau: float
    """Kendall's tau-b between the order and those of the drawn sets, their mean; 1: always the
    same order. ``nan`` where there is but one system."""
    cases: int


def rank_systems(rows: Iterable[Score], higher_is_better: Mapping[str, bool]) -> Ranking:
    """Rank the systems that were scored on the same cases.

    Several values of one system, case, structure and metric, of runs with other seeds, are
    averaged first. An undefined value is ranked last, after every defined one.

    Parameters
    ----------
    rows
        Scores of one data set.
    higher_is_better
        By metric; other metrics are left out.

    Raises
    ------
    DataError
        If nothing is left to rank, or a system lacks a case that another has.
    """
    systems, ranks = _ranks(rows, higher_is_better)
    scores = ranks.mean(axis=1)
    places = _places(scores)
    generator = np.random.default_rng(0)
    drawn = generator.integers(ranks.shape[1], size=(RESAMPLES, ranks.shape[1]))
    redone = np.array([_places(ranks[:, draw].mean(axis=1)) for draw in drawn])
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(redone, (tail, 100 - tail), axis=0, method="nearest")
    found = [
        Ranked(name, int(place), float(score), int(best), int(worst), float(first))
        for name, place, score, best, worst, first in zip(
            systems, places, scores, low, high, (redone == 1).mean(axis=0), strict=True
        )
    ]
    found.sort(key=lambda one: one.score)
    return Ranking(tuple(found), _mean_tau(places, redone), ranks.shape[1])


def _ranks(rows: Iterable[Score], higher_is_better: Mapping[str, bool]) -> tuple[list[str], Floats]:
    """Systems, and the mean rank of each on each case, ``(systems, cases)``."""
    values: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(dict)
    for row in rows:
        if row.metric in higher_is_better:
            of_one = values[row.case, row.structure, row.metric]
            of_one.setdefault(row.system, []).append(row.value)
    if not values:
        raise DataError(
            f"no score by {' or '.join(higher_is_better) or 'any metric'}: there is nothing to "
            "rank. Score the systems first."
        )
    systems = list(dict.fromkeys(name for found in values.values() for name in found))
    of_case: dict[str, list[Floats]] = defaultdict(list)
    for (case, structure, metric), found in values.items():
        if lacking := [name for name in systems if name not in found]:
            raise DataError(
                f"system {lacking[0]} has no {metric} of {structure} on case {case}, so systems "
                "cannot be ranked there. Segment the same cases by all of them, or name those to "
                "rank by --system."
            )
        sign = -1.0 if higher_is_better[metric] else 1.0
        costs = np.array([sign * math.fsum(found[name]) / len(found[name]) for name in systems])
        costs[np.isnan(costs)] = math.inf
        of_case[case].append(rankdata(costs, method="min"))
    return systems, np.stack([np.mean(many, axis=0) for many in of_case.values()], axis=1)


def _places(scores: Floats) -> Floats:
    """Places by mean rank; sums of equal ranks in another order are equal here too."""
    return np.asarray(rankdata(scores.round(9), method="min"), dtype=np.float64)


def _mean_tau(places: Floats, redone: Floats) -> float:
    if len(places) < 2:
        return math.nan
    found = [float(kendalltau(places, other).statistic) for other in redone]
    known = [tau for tau in found if not math.isnan(tau)]
    return math.fsum(known) / len(known) if known else math.nan
