"""Average symmetric surface distance in mm.

Surface distances differ between tools; a table of them should name tool, version and form. Here
they are those of ``past_core.surfaces``, which agree with MONAI 1.6 and medpy 0.5.2 (``pooled``)
and medpy 0.4 (``directed``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.interfaces import Metric
from past_core.metrics.empty import without_surface

if TYPE_CHECKING:
    from past_core.masks import Masks, Spacing
    from past_core.metrics.config import ASSDConfig

__all__ = ["ASSD"]


class ASSD(Metric):
    """ASSD in mm, 0 (equal surfaces) or more, by SciPy's search tree.

    Empty masks: ``nan`` if both are, which means leave out; ``config.empty`` if only one is, by
    default the image's diagonal (``past_core.metrics.empty``).
    """

    config: ASSDConfig

    def __call__(self, masks: Masks) -> float:
        """ASSD of one structure."""
        if (known := without_surface(masks, self.config.empty)) is not None:
            return known
        found = masks.distances(self._spacing(masks))
        if self.config.form == "pooled":
            return float(found.pooled().mean())
        return float((found.there.mean() + found.back.mean()) / 2)

    def _spacing(self, masks: Masks) -> Spacing:
        if self.config.spacing == "affine":
            return masks.spacing
        i, j, k = np.abs(np.diag(masks.affine)[:3]).tolist()
        return i, j, k
