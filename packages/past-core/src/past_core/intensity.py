"""Intensities of MRI have no unit: bring every scan to one range before anything learns.

The paper rescales intensities in the region of interest to [0, 255].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from past_core.volume import Volume

__all__ = ["rescale", "vary"]


def rescale(
    volume: Volume, low: float = 0.0, high: float = 99.9, *, over: Volume | None = None
) -> Volume:
    """Map the percentiles ``low`` and ``high`` of a volume onto 0 and 255, float32.

    Values beyond are clipped: a few hot voxels (vessels, artefacts) would otherwise
    press the rest of the scan into the dark.

    Parameters
    ----------
    over
        What the percentiles are of, where it is not the volume itself: of a region within a
        larger one the latter, so that what is cut from either has the same intensities.
    """
    known = (volume if over is None else over).data
    bottom, top = np.percentile(known, (low, high))
    if top <= bottom:
        # A scan of one value but for less than a thousandth of its voxels.
        bottom, top = float(known.min()), float(known.max())
    scaled = (volume.data.astype(np.float32) - bottom) * (255.0 / max(top - bottom, 1e-6))
    return Volume(np.clip(scaled, 0, 255).astype(np.float32), volume.affine)


def vary(
    volume: Volume,
    label: npt.NDArray[np.integer],
    limits: tuple[float, float],
    random: np.random.Generator,
) -> Volume:
    """Multiply the intensity of each structure by a number of its own, drawn evenly.

    A translator makes structures in one brightness; a segmenter that has seen several
    knows them by shape and place too (crossMoDA's entries scale the tumour by 0.5 to 1).

    Parameters
    ----------
    volume
        Intensities in [0, 255].
    label
        Of the same shape; 0 is background, which stays as it is.
    limits
        Least and greatest factor.
    random
        Where the factors come from.

    Returns
    -------
    Volume
        float32 in [0, 255].
    """
    factors = random.uniform(*limits, size=int(label.max()) + 1).astype(np.float32)
    factors[0] = 1
    varied = volume.data.astype(np.float32) * factors[label]
    return Volume(np.clip(varied, 0, 255), volume.affine)
