"""Intensities of MRI have no unit: bring every scan to one range before anything learns.

The paper rescales intensities in the region of interest to [0, 255].
"""

from __future__ import annotations

import numpy as np

from past_core.volume import Volume

__all__ = ["rescale"]


def rescale(volume: Volume, low: float = 0.0, high: float = 99.9) -> Volume:
    """Map the percentiles ``low`` and ``high`` of a volume onto 0 and 255, float32.

    Values beyond are clipped: a few hot voxels (vessels, artefacts) would otherwise
    press the rest of the scan into the dark.
    """
    bottom, top = np.percentile(volume.data, (low, high))
    if top <= bottom:
        # A scan of one value but for less than a thousandth of its voxels.
        bottom, top = float(volume.data.min()), float(volume.data.max())
    scaled = (volume.data.astype(np.float32) - bottom) * (255.0 / max(top - bottom, 1e-6))
    return Volume(np.clip(scaled, 0, 255).astype(np.float32), volume.affine)
