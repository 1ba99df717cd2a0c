"""Systems compared case by case: how much they differ, and how sure one may be of it."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import bootstrap, wilcoxon

from past_core.errors import DataError
from past_core.scoring import MEAN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from past_core.scoring import Score

__all__ = ["Difference", "differences", "holm", "mean_interval"]

LOWER_BOUND, UPPER_BOUND = "no-da", "oracle"
"""The systems between which a gap is closed."""
CONFIDENCE = 0.95
RESAMPLES = 9999
FEWEST = 6
"""Cases for an interval; of fewer, resampling knows too little."""

Values = dict[str, float]
"""A metric by case."""


@dataclass(frozen=True)
class Difference:
    """How much better or worse than another system one is, on the cases that both segmented."""

    system: str
    structure: str
    """A structure, or ``MEAN``: the mean over a case's structures."""
    metric: str
    mean: float
    """Of the differences, in units of the metric."""
    low: float
    """95 % interval of that mean, by bootstrap over cases (bias-corrected, accelerated);
    ``nan`` for fewer than six cases. It is of these trained models: what another training would
    change by chance is not in it, nor in ``p``."""
    high: float
    p: float
    """Of Wilcoxon's signed-rank test, two-sided, with Holm's correction for the number of
    systems that are compared on this structure."""
    n: int
    """Cases."""
    gap: float
    """Share of the difference between ``no-da`` and ``oracle`` (of the same group of runs) that
    the system closes; ``nan`` where they are not there."""


def differences(
    rows: Iterable[Score], against: str, metric: str = "dice", systems: Sequence[str] = ()
) -> list[Difference]:
    """Compare every system with one of them, on every structure and their mean.

    Parameters
    ----------
    rows
        Scores of one data set. Several of one system, case and structure, of runs with other
        seeds, are averaged first: a case counts once.
    against
        The system to compare with.
    metric
        Its values are paired; pairs with one that is undefined or infinite are left out, and
        so is a structure without any other. The mean over structures counts cases that have a
        value of each.
    systems
        Those to compare; all, if none are named.

    Raises
    ------
    DataError
        If there is no such system or metric, or two systems have no case in common.
    """
    table = _table(rows, metric)
    for name in (against, *systems):
        if name not in table:
            raise DataError(
                f"no system {name} has a value of {metric}; there are {', '.join(table) or 'none'}."
            )
    others = [name for name in table if name != against and (not systems or name in systems)]
    found: list[Difference] = []
    for structure in table[against]:
        tested = [
            (name, _paired(table, name, against, structure))
            for name in others
            if structure in table[name]
        ]
        tested = [(name, values) for name, values in tested if values]
        corrected = holm([_p(values) for _, values in tested])
        for (name, values), p in zip(tested, corrected, strict=True):
            mean, interval = math.fsum(values) / len(values), mean_interval(values)
            gap = _gap(table, name, structure)
            found.append(
                Difference(name, structure, metric, mean, *interval, p=p, n=len(values), gap=gap)
            )
    order = {name: number for number, name in enumerate(others)}
    return sorted(found, key=lambda one: order[one.system])


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values for their number (Holm 1979); their order is kept."""
    corrected, largest = [0.0] * len(p), 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        largest = max(largest, min(1.0, (len(p) - rank) * p[index]))
        corrected[index] = largest
    return corrected


def _table(rows: Iterable[Score], metric: str) -> dict[str, dict[str, Values]]:
    """Values by system, structure and case, averaged over runs; ``MEAN`` is the last structure."""
    values: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in rows:
        if row.metric == metric:
            values[row.system, row.structure, row.case].append(row.value)
    table: dict[str, dict[str, Values]] = defaultdict(lambda: defaultdict(dict))
    for (system, structure, case), found in values.items():
        table[system][structure][case] = math.fsum(found) / len(found)
    for structures in table.values():
        if len(structures) > 1:
            common = set.intersection(*(set(cases) for cases in structures.values()))
            structures[MEAN] = {
                case: math.fsum(s[case] for s in structures.values()) / len(structures)
                for case in common
            }
    return {system: dict(structures) for system, structures in table.items()}


def _paired(
    table: Mapping[str, Mapping[str, Values]], system: str, against: str, structure: str
) -> list[float]:
    """Differences of the cases that both have, but for undefined ones, by case."""
    one, other = table[system][structure], table[against].get(structure, {})
    common = sorted(one.keys() & other.keys())
    if not common:
        raise DataError(
            f"{system} and {against} have no case in common with a value for {structure}: they "
            "were not run on the same scans."
        )
    return [value for case in common if math.isfinite(value := one[case] - other[case])]


def _p(values: Sequence[float]) -> float:
    return float(wilcoxon(values).pvalue) if any(values) else 1.0


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean, by bootstrap (bias-corrected, accelerated).

    ``nan`` for fewer than six values.
    """
    if len(values) < FEWEST:
        return math.nan, math.nan
    if max(values) == min(values):
        return values[0], values[0]
    found = bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        random_state=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def _gap(table: Mapping[str, Mapping[str, Values]], system: str, structure: str) -> float:
    group = system.rpartition(" ")[0]
    bounds = [f"{group} {name}".strip() for name in (LOWER_BOUND, UPPER_BOUND)]
    if any(structure not in table.get(name, {}) for name in bounds):
        return math.nan
    values = [table[name][structure] for name in (*bounds, system)]
    common = [
        case
        for case in set.intersection(*(set(cases) for cases in values))
        if all(math.isfinite(cases[case]) for cases in values)
    ]
    if not common:
        return math.nan
    low, high, own = (math.fsum(cases[case] for case in common) for cases in values)
    return (own - low) / (high - low) if high != low else math.nan
