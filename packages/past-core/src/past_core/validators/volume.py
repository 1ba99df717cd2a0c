"""Whether structures are as large as the source's labels say that they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from past_core.sizes import structure_volumes
from past_core.validators.scanwise import ScanWise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from past_core.case import Case
    from past_core.interfaces import Candidate
    from past_core.labels import Labels

__all__ = ["PlausibleVolume", "between", "mean_over"]

Limits = tuple[float, float]


class PlausibleVolume(ScanWise):
    """Share of structures, 0 to 1, whose volume is one that the source's labels have.

    Outside their range a volume counts the less the further off it is: half of the least, or
    twice the greatest, counts 1/2; a structure that is not there counts 0.
    """

    def learn(self, source: Sequence[Case], labels: Labels) -> None:
        """Remember each structure's least and greatest volume, in mm³."""
        known = [
            structure_volumes(case.load_label().data, case.spacing, labels)
            for case in source
            if case.label is not None
        ]
        self.ranges = {name: between(one[name] for one in known) for name in labels.structures}

    def figure(self, candidate: Candidate, scan: Case, labels: Labels) -> float:
        """Mean over structures that any source scan has."""
        found = structure_volumes(candidate.classes(scan), scan.spacing, labels)
        return mean_over(
            _plausible(found[name], limits)
            for name, limits in self.ranges.items()
            if limits is not None
        )


def between(values: Iterable[float]) -> Limits | None:
    """Least and greatest of what is above 0; None if nothing is."""
    present = [value for value in values if value > 0]
    return (min(present), max(present)) if present else None


def mean_over(values: Iterable[float]) -> float:
    """The mean; ``nan`` of nothing."""
    found = list(values)
    return math.fsum(found) / len(found) if found else math.nan


def _plausible(volume: float, limits: Limits) -> float:
    low, high = limits
    return min(1.0, volume / low, high / volume) if volume > 0 else 0.0
