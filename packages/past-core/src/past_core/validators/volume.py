"""Whether structures are as large as the source's labels say that they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from past_core.interfaces import Validator

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from past_core.case import Case
    from past_core.interfaces import Candidate, Figures, Progress
    from past_core.labels import Labels

__all__ = ["PlausibleVolume"]


class PlausibleVolume(Validator):
    """Share of structures, 0 to 1, whose volume is one that the source's labels have.

    Outside their range a volume counts the less the further off it is: half of the least, or
    twice the greatest, counts 1/2; a structure that is not there counts 0.
    """

    def assess(
        self,
        candidates: Sequence[Candidate],
        scans: Sequence[Case],
        source: Sequence[Case],
        labels: Labels,
        progress: Progress,
    ) -> Figures:
        """Mean over structures that any source scan has; see ``Validator.assess``."""
        known = [
            _volumes(case.load_label().data, case.spacing, labels)
            for case in source
            if case.label is not None
        ]
        ranges = {
            structure: _range(volumes[structure] for volumes in known)
            for structure in labels.structures
        }
        figures: Figures = {candidate.name: {} for candidate in candidates}
        for done, scan in enumerate(scans, start=1):
            for candidate in candidates:
                found = _volumes(candidate.classes(scan), scan.spacing, labels)
                values = [
                    _plausible(found[structure], limits)
                    for structure, limits in ranges.items()
                    if limits is not None
                ]
                figures[candidate.name][scan.id] = (
                    math.fsum(values) / len(values) if values else math.nan
                )
            progress(done, len(scans), scan.id)
        return figures


def _volumes(
    classes: npt.NDArray[np.uint8], spacing: tuple[float, float, float], labels: Labels
) -> dict[str, float]:
    """In mm³, by structure."""
    counts = np.bincount(classes.ravel(), minlength=labels.count)
    voxel = math.prod(spacing)
    return {name: float(counts[labels.value(name)]) * voxel for name in labels.structures}


def _range(volumes: Iterable[float]) -> tuple[float, float] | None:
    present = [volume for volume in volumes if volume > 0]
    return (min(present), max(present)) if present else None


def _plausible(volume: float, limits: tuple[float, float]) -> float:
    low, high = limits
    if volume <= 0:
        return 0.0
    return min(1.0, volume / low, high / volume)
