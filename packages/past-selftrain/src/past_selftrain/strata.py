"""Strata of voxels that are cut by themselves: classes, and of each class core and rim."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from past_selftrain.components import islands
from past_selftrain.confidence import predicted_classes, slabs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from past_core.interfaces import Prediction
    from past_core.labels import Labels

__all__ = ["Strata", "Stratum"]

NONE = 255
"""Stratum of voxels that no pseudo-label may have."""


@dataclass(frozen=True)
class Stratum:
    """A slab of one case: to which stratum each voxel belongs, ``(i, j, k)`` each."""

    predicted: npt.NDArray[np.uint8]
    """Predicted class."""
    number: npt.NDArray[np.uint8]
    """Stratum, or 255: none."""
    confidence: npt.NDArray[np.floating[Any]]
    """Probability of the predicted class, float16 or float32."""


@dataclass(frozen=True)
class Strata:
    """Which voxels compete with each other for being kept.

    By default one stratum a class, numbered as it. With a rim, classes' cores come first and
    their rims, in the same order, after them.
    """

    labels: Labels
    single: Sequence[int] = ()
    """Classes of one piece: voxels outside the largest component belong to no stratum."""
    rim: int = 0
    """Voxels within so many (along axes and diagonals) of another class are a stratum of their
    own."""

    @property
    def count(self) -> int:
        """How many there are."""
        return self.labels.count * (2 if self.rim else 1)

    @property
    def names(self) -> list[str]:
        """Of each stratum, for people."""
        classes = list(self.labels.as_mapping())
        if not self.rim:
            return classes
        return [f"{part} of {name}" for part in ("core", "rim") for name in classes]

    def is_rim(self, number: int) -> bool:
        """Whether a stratum is the rim of a class."""
        return number >= self.labels.count

    def walk(self, prediction: Prediction) -> Iterator[Stratum]:
        """Slabs of one case, from the first to the last along axis i.

        Raises
        ------
        past_core.errors.DataError
            If the prediction cannot be read or holds no probabilities.
        """
        whole = predicted_classes(prediction, self.labels) if self.single or self.rim else None
        outside = islands(whole, self.single) if whole is not None and self.single else None
        rim = _rim(whole, self.rim) if whole is not None and self.rim else None
        for slab in slabs(prediction, self.labels):
            number = slab.predicted
            if rim is not None:
                number = number + np.uint8(self.labels.count) * rim[slab.where]
            if outside is not None:
                number = np.where(outside[slab.where], np.uint8(NONE), number)
            yield Stratum(slab.predicted, number, slab.confidence)


def _rim(classes: npt.NDArray[np.uint8], width: int) -> npt.NDArray[np.bool_]:
    """Voxels with another class within ``width`` voxels along axes and diagonals."""
    from scipy import ndimage  # noqa: PLC0415  (half a second that reading settings spares)

    size = 2 * width + 1
    found: npt.NDArray[np.bool_] = ndimage.maximum_filter(
        classes, size, mode="nearest"
    ) != ndimage.minimum_filter(classes, size, mode="nearest")
    return found
