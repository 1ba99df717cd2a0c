"""Confidence histograms: quantiles of any number of voxels in a fixed amount of memory.

A trained network's softmax piles up at 1, so bins of equal width in the confidence
p would hold nearly all voxels in the last one. These bins are cut on *doubt*,
u = 1 - p, as floating-point numbers are: 24 octaves from 2^-24 to 1, each in 4096
equal parts, and one bin below 2^-24 (which for float32 means p = 1 exactly).

A bin is never wider than u / 4096. So a threshold is at most (1 - p) / 4096 below the
exact quantile, and the voxels that it keeps beyond the exact ones are those whose
confidence falls within that distance. For float16 predictions of up to 8 classes each
value has a bin of its own: there the selection is the exact one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["ConfidenceHistograms", "Threshold"]

_OCTAVES = 24
_PARTS_LOG2 = 12
_SHIFT = 52 - _PARTS_LOG2  # float64 has 52 fraction bits; keep the exponent and 12 of them
_FIRST = int(np.float64(2.0**-_OCTAVES).view(np.int64)) >> _SHIFT
BINS = (_OCTAVES << _PARTS_LOG2) + 2
"""One below 2^-24, 4096 an octave, and one for u = 1."""


@dataclass(frozen=True)
class Threshold:
    """Where one class is cut."""

    confidence: float
    """Voxels of this confidence or more are kept; infinite if the class has none."""
    kept: int
    """How many voxels of the class that is."""
    predicted: int
    """Voxels predicted as this class."""

    @property
    def portion(self) -> float:
        """Kept voxels per predicted one; ``nan`` if the class was never predicted."""
        return self.kept / self.predicted if self.predicted else math.nan


class ConfidenceHistograms:
    """One histogram a class, filled piece by piece.

    Takes 0.8 MB a class, whatever the number of voxels.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self._counts = np.zeros((classes, BINS), np.int64)

    def add(self, predicted: npt.NDArray[np.uint8], confidence: npt.NDArray[np.float64]) -> None:
        """Count voxels.

        Parameters
        ----------
        predicted
            Class of each voxel, any shape; values of ``classes`` and above are not counted.
        confidence
            Probability of that class in (0, 1], same shape.
        """
        counted = predicted < self.classes
        place = predicted[counted].astype(np.int64) * BINS + _bins(confidence[counted])
        self._counts += np.bincount(place, minlength=self._counts.size).reshape(self._counts.shape)

    def threshold(self, label: int, portion: float, cap: float | None = None) -> Threshold:
        """Cut off the least confident voxels of a class so that ``portion`` of them stay.

        Of n voxels the ceil(portion * n) most confident are kept, and all that share a
        bin with the last of them: ties are kept, so that more than ``portion`` may stay,
        in the extreme (all voxels at exactly 1) all of them.

        Parameters
        ----------
        label
            The class.
        portion
            In (0, 1].
        cap
            Voxels of this confidence or more are kept in any case (BDL); rounded down
            to the edge of a bin.
        """
        cumulative = np.cumsum(self._counts[label])  # from the most confident bin on
        predicted = int(cumulative[-1])
        if predicted == 0:
            return Threshold(math.inf, 0, 0)
        wanted = math.ceil(round(portion * predicted, 6))  # 0.55 * 100 is 55.000000000000007
        last = int(np.searchsorted(cumulative, max(wanted, 1)))
        if cap is not None:
            last = max(last, int(_bins(np.array([cap]))[0]))
        return Threshold(_lowest_confidence(last), int(cumulative[last]), predicted)


def _bins(confidence: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Bin of each voxel, 0 for the most confident.

    The bit pattern of a positive float grows with its value, so its leading bits
    (exponent and 12 of the fraction) number the bins.
    """
    doubt = np.maximum(1.0 - confidence, 0.0)  # exact in float64 for float16 and float32
    bins: npt.NDArray[np.int64] = np.clip(
        (doubt.view(np.int64) >> _SHIFT) - _FIRST + 1, 0, BINS - 1
    )
    return bins


def _lowest_confidence(index: int) -> float:
    """The lowest float64 that falls into a bin."""
    next_bin = np.int64((_FIRST + index) << _SHIFT).view(np.float64)  # its smallest doubt
    return float(np.nextafter(1.0 - next_bin, 2.0))
