"""The grey scale that features and segmenter see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["standardised"]


def standardised(scan: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Bring a scan of any shape to mean 0 and standard deviation 1; a uniform one to 0."""
    values: npt.NDArray[np.float64] = scan.astype(np.float64)
    scale = float(values.std()) or 1.0
    return ((values - float(values.mean())) / scale).astype(np.float32)
