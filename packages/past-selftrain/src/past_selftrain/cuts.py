"""Thresholds of strata, applied: which voxels of a slab are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from past_selftrain.confidence import ordered

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from past_selftrain.histogram import Threshold
    from past_selftrain.strata import Stratum

__all__ = ["Cuts"]


class Cuts:
    """Keeps the voxels above their stratum's threshold, slab after slab of the whole set.

    Parameters
    ----------
    thresholds
        Of each stratum.
    thin
        Of voxels that are as confident as the last wanted one, keep just as many as are wanted
        instead of all. Each slab gives its part of them, drawn at random with a fixed seed.
    """

    def __init__(self, thresholds: Sequence[Threshold], *, thin: bool = False) -> None:
        self._lowest = np.full(256, np.inf)  # infinite for voxels of no stratum
        self._lowest[: len(thresholds)] = [one.confidence for one in thresholds]
        self._thinned = [
            _Thinned(number, one)
            for number, one in enumerate(thresholds)
            if thin and one.kept > one.wanted
        ]

    def kept(self, slab: Stratum) -> npt.NDArray[np.bool_]:
        """Whether each voxel of the next slab is kept, ``(i, j, k)``."""
        values = ordered(slab.confidence)
        kept: npt.NDArray[np.bool_] = values >= _rounded_up(self._lowest, values)[slab.number]
        for one in self._thinned:
            one.thin(kept, slab, values)
        return kept


class _Thinned:
    """Of a stratum's tied voxels, which come slab by slab, keeps as many as are wanted."""

    def __init__(self, number: int, threshold: Threshold) -> None:
        self.number = number
        self.above = threshold.above
        self.total = threshold.tied
        self.wanted = threshold.wanted - (threshold.kept - threshold.tied)
        self.seen = 0

    def thin(self, kept: npt.NDArray[np.bool_], slab: Stratum, values: npt.NDArray[Any]) -> None:
        """Let go of some of the kept ones."""
        tied = np.flatnonzero(
            kept
            & (slab.number == self.number)
            & (values < _rounded_up(np.array([self.above]), values)[0])
        )
        before = self.seen * self.wanted // self.total
        self.seen += len(tied)
        keep = self.seen * self.wanted // self.total - before
        generator = np.random.default_rng([self.number, self.seen])
        kept.flat[generator.permutation(tied)[keep:]] = False


def _rounded_up(thresholds: npt.NDArray[np.float64], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Thresholds in the type of the values, none of them lower than before.

    ``values`` are float32, float16, or float16's bit patterns.
    """
    kind = np.dtype(np.float16) if values.dtype == np.uint16 else values.dtype
    with np.errstate(over="ignore"):
        found = thresholds.astype(kind)
    low = found.astype(np.float64) < thresholds
    found[low] = np.nextafter(found[low], found.dtype.type(np.inf))
    return found.view(np.uint16) if values.dtype == np.uint16 else found
