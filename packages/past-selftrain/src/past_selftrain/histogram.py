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
from typing import Any

import numpy as np
import numpy.typing as npt

from past_selftrain.portions import count_of

__all__ = ["ConfidenceHistograms", "Threshold"]

_OCTAVES = 24
_PARTS_LOG2 = 12
_SHIFT = 52 - _PARTS_LOG2  # float64 has 52 fraction bits; keep the exponent and 12 of them
_FIRST = int(np.float64(2.0**-_OCTAVES).view(np.int64)) >> _SHIFT
BINS = (_OCTAVES << _PARTS_LOG2) + 2
"""One below 2^-24, 4096 an octave, and one for u = 1."""
_ONE = 0x3C00
"""Bit pattern of 1 as float16; those of the numbers from 0 to 1 are the patterns up to it."""


@dataclass(frozen=True)
class Threshold:
    """Where one class, or a part of it, is cut."""

    confidence: float
    """Voxels of this confidence or more are kept; infinite if there are none."""
    kept: int
    """How many voxels that is."""
    predicted: int
    """Voxels predicted as this class."""
    wanted: int = 0
    """How many were to be kept; ``kept`` is more where others are as confident as the last."""
    tied: int = 0
    """How many are as confident as the last wanted one: they share its bin."""
    above: float = math.inf
    """Voxels of this confidence or more are above those tied ones."""

    @property
    def portion(self) -> float:
        """Kept voxels per predicted one; ``nan`` if the class was never predicted."""
        return self.kept / self.predicted if self.predicted else math.nan


class ConfidenceHistograms:
    """One histogram a class, filled piece by piece.

    Takes 0.9 MB a class, whatever the number of voxels.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self._counts = np.zeros((classes, BINS), np.int64)
        self._halves = np.zeros((classes, _ONE + 1), np.int64)  # by bit pattern

    def add(
        self, predicted: npt.NDArray[np.uint8], confidence: npt.NDArray[np.floating[Any]]
    ) -> None:
        """Count voxels.

        Parameters
        ----------
        predicted
            Class of each voxel, any shape; values of ``classes`` and above are not counted.
        confidence
            Probability of that class in (0, 1], same shape; float16 is counted fastest.
        """
        # Most voxels of a trained network have exactly 1: those are counted, the rest binned.
        sure = confidence.view(np.uint16) == _ONE if _is_half(confidence) else confidence >= 1
        counts = self._halves if _is_half(confidence) else self._counts
        place = _ONE if _is_half(confidence) else 0
        doubtful = ~sure
        for label in range(self.classes):
            of_class = predicted == label
            counts[label, place] += np.count_nonzero(of_class & sure)
        doubtful &= predicted < self.classes
        classes, values = predicted[doubtful], confidence[doubtful]
        bins = values.view(np.uint16).clip(0, _ONE) if _is_half(values) else _bins(values)
        width = counts.shape[1]
        found = np.bincount(classes.astype(np.int64) * width + bins, minlength=counts.size)
        counts += found.reshape(counts.shape)

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
        counts = self._counts[label].copy()
        np.add.at(counts, _BIN_OF_HALF, self._halves[label])
        cumulative = np.cumsum(counts)  # from the most confident bin on
        predicted = int(cumulative[-1])
        if predicted == 0:
            return Threshold(math.inf, 0, 0)
        wanted = max(count_of(portion, predicted), 1)
        last = int(np.searchsorted(cumulative, wanted))
        if cap is not None and (capped := int(_bins(np.array([cap]))[0])) > last:
            last, wanted = capped, int(cumulative[capped])
        return Threshold(
            _lowest_confidence(last),
            int(cumulative[last]),
            predicted,
            wanted,
            int(counts[last]),
            _lowest_confidence(last - 1) if last else math.inf,
        )


def _is_half(values: npt.NDArray[np.floating[Any]]) -> bool:
    return values.dtype == np.float16


def _bins(confidence: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.int64]:
    """Bin of each voxel, 0 for the most confident.

    The bit pattern of a positive float grows with its value, so its leading bits
    (exponent and 12 of the fraction) number the bins.
    """
    # Exact in float64 for float16 and float32.
    doubt = np.maximum(1.0 - confidence.astype(np.float64), 0.0)
    bins: npt.NDArray[np.int64] = np.clip(
        (doubt.view(np.int64) >> _SHIFT) - _FIRST + 1, 0, BINS - 1
    )
    return bins


_BIN_OF_HALF = _bins(np.arange(_ONE + 1, dtype=np.uint16).view(np.float16))


def _lowest_confidence(index: int) -> float:
    """The lowest float64 that falls into a bin."""
    next_bin = np.int64((_FIRST + index) << _SHIFT).view(np.float64)  # its smallest doubt
    return float(np.nextafter(1.0 - next_bin, 2.0))
