"""Whether structures lie in as many pieces, and where, as in the source's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import center_of_mass, label

from past_core.validators.scanwise import ScanWise
from past_core.validators.volume import between, mean_over

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from past_core.case import Case
    from past_core.interfaces import Candidate
    from past_core.labels import Labels

__all__ = ["Pieces", "Place"]

REACH = 3.0
"""A centre so many standard deviations off counts 1/2."""
LEAST_SPREAD = 0.02
"""Of the region along each axis: few source scans may lie closer together than others do."""


class Pieces(ScanWise):
    """Share of structures, 0 to 1, that lie in as many connected pieces as in the source.

    More pieces than any source scan has count the less the more they are; a structure that is
    not there counts 0.
    """

    def learn(self, source: Sequence[Case], labels: Labels) -> None:
        """Remember the least and greatest number of pieces."""
        known = [case.load_label().data for case in source if case.label is not None]
        self.ranges = {
            name: between(_pieces(data == labels.value(name)) for data in known)
            for name in labels.structures
        }

    def figure(self, candidate: Candidate, scan: Case, labels: Labels) -> float:
        """Mean over structures that any source scan has."""
        classes, values = candidate.classes(scan), []
        for name, limits in self.ranges.items():
            if limits is not None:
                count = _pieces(classes == labels.value(name))
                values.append(min(1.0, count / limits[0], limits[1] / max(count, 1)))
        return mean_over(values)


class Place(ScanWise):
    """How near structures' centres are to where the source's labels have them, 0 to 1.

    Places are fractions of the cropped region, whose axes both contrasts share. A centre at the
    source's mean counts 1, three standard deviations off 1/2; a structure that is not there 0.
    """

    def learn(self, source: Sequence[Case], labels: Labels) -> None:
        """Remember mean and standard deviation of each structure's centre."""
        known = [case.load_label().data for case in source if case.label is not None]
        self.places = {}
        for name in labels.structures:
            masks = [data == labels.value(name) for data in known]
            centres = [_centre(mask) for mask in masks if mask.any()]
            if centres:
                spread = np.maximum(np.std(centres, axis=0), LEAST_SPREAD)
                self.places[name] = np.mean(centres, axis=0), spread

    def figure(self, candidate: Candidate, scan: Case, labels: Labels) -> float:
        """Mean over structures that any source scan has."""
        classes, values = candidate.classes(scan), []
        for name, (mean, spread) in self.places.items():
            mask = classes == labels.value(name)
            if not mask.any():
                values.append(0.0)
                continue
            off = float(np.linalg.norm((_centre(mask) - mean) / spread))
            values.append(1 / (1 + (off / REACH) ** 2))
        return mean_over(values)


def _pieces(mask: npt.NDArray[np.bool_]) -> int:
    """Pieces that touch by a face, an edge or a corner."""
    return int(label(mask, np.ones((3, 3, 3)))[1])


def _centre(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Of mass, in fractions of the axes."""
    return (np.array(center_of_mass(mask)) + 0.5) / mask.shape
