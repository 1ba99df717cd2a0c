"""Histogram matching: each scan gets the target's distribution of intensities.

The map is monotonic, so it moves and stretches intensities but cannot turn dark into bright.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch

from past_gan.baselines.baseline import Baseline
from past_gan.baselines.config import HistogramConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from torch import Tensor

    from past_core.case import Case
    from past_core.config import PluginConfig
    from past_core.interfaces import Context
    from past_core.volume import Volume

__all__ = ["Histogram"]


class Histogram(Baseline):
    """Matches every scan to the mean quantiles of the target's scans.

    The mean of quantile functions is their barycentre in optimal transport: the one
    distribution that lies nearest to all, where pooled voxels would give one with the
    peaks of each.
    """

    kind: ClassVar[str] = "histogram"
    config_class: ClassVar[type[PluginConfig]] = HistogramConfig

    config: HistogramConfig

    def statistics(self, target: Sequence[Case], context: Context) -> dict[str, Tensor]:
        """Quantiles ``(quantiles,)`` at even levels from 0 to 1, mean over scans."""
        levels = np.linspace(0, 1, self.config.quantiles)
        total = np.zeros_like(levels)
        for done, case in enumerate(target, start=1):
            total += np.quantile(case.load_image().data, levels)
            context.progress(done, len(target), case.id)
        return {"quantiles": torch.from_numpy(total / len(target))}

    def apply(self, volume: Volume, statistics: dict[str, Tensor]) -> npt.NDArray[np.floating]:
        """Replace each value by the target's at the same level; equal values stay equal."""
        quantiles = statistics["quantiles"].numpy()
        _, place, counts = np.unique(volume.data, return_inverse=True, return_counts=True)
        below = np.cumsum(counts) - counts
        # The middle of the levels that a value spans, so that all lie evenly in [0, 1].
        levels = (below + (counts - 1) / 2) / max(1, volume.data.size - 1)
        matched = np.interp(levels, np.linspace(0, 1, len(quantiles)), quantiles)
        moved: npt.NDArray[np.floating] = matched[place].reshape(volume.data.shape)
        return moved
