"""Patch-wise contrastive loss (PatchNCE; paper, section 3.2), and the heads it looks through.

A patch of a translation must be more like the source patch of the same position than
like those of other positions in the same image, so it has to keep what tells them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Projections", "draw_positions", "patch_nce"]

SPREAD = 0.02
"""Standard deviation of initial weights."""
SHORT = 1e-4
"""Projections below this length are not stretched to 1."""
STREAM = 200
"""Far from the streams of samplers and pools."""


class Projections(nn.Module):
    """For each compared layer a head: two linear maps with a ReLU between.

    Parameters
    ----------
    widths
        Channels of the layers.
    features
        Of the hidden layer, and of the projection.
    """

    def __init__(self, widths: Sequence[int], features: int = 256) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(width, features), nn.ReLU(), nn.Linear(features, features))
            for width in widths
        )
        self.apply(_draw)

    def forward(self, layers: Sequence[Tensor], positions: Sequence[Tensor]) -> list[Tensor]:
        """Project each layer's features at some positions.

        Parameters
        ----------
        layers
            ``(n, c, h, w)`` each.
        positions
            ``(p,)`` each, int64: rows times width plus columns, the same for all images.

        Returns
        -------
        list[Tensor]
            ``(n, p, features)`` each, float32, of length 1 (or less, if they were next to 0).
        """
        projected = []
        for head, layer, chosen in zip(self.heads, layers, positions, strict=True):
            pixels = layer.permute(0, 2, 3, 1).flatten(1, 2).index_select(1, chosen)
            # The temperature would enlarge bfloat16's rounding; this little costs nothing.
            with torch.autocast(layer.device.type, enabled=False):
                raw = head(pixels.float())
            # At a grey of 0 a new head gives next to 0, whose direction has no sane gradient.
            projected.append(F.normalize(raw, dim=2, eps=SHORT))
        return projected


def patch_nce(query: Tensor, keys: Tensor, temperature: float = 0.07) -> Tensor:
    """For each image, the mean cross-entropy of finding a query's own position (eq. 3).

    Parameters
    ----------
    query, keys
        ``(n, p, features)``, float32, of length 1: patches of translations, and of what
        was translated.

    Returns
    -------
    Tensor
        ``(n,)``; log p if nothing is recognised.
    """
    with torch.autocast(query.device.type, enabled=False):
        likeness = query @ keys.mT / temperature
    own = torch.arange(query.shape[1], device=query.device).expand(query.shape[:2])
    return F.cross_entropy(likeness.mT, own, reduction="none").mean(1)


def draw_positions(layers: Sequence[Tensor], count: int, *, seed: int, step: int) -> list[Tensor]:
    """``(p,)`` random positions in each of the layers ``(n, c, h, w)``, on their device.

    They are a function of ``(seed, step)`` and of the layer, and the same for all images of
    a batch, in whichever process. Where there are no more than ``count``, all are taken.
    """
    drawn = []
    for place, layer in enumerate(layers):
        pixels = layer.shape[2] * layer.shape[3]
        random = np.random.default_rng([seed, STREAM, step, place])
        chosen = random.choice(pixels, min(count, pixels), replace=False)
        drawn.append(torch.from_numpy(chosen).to(layer.device))
    return drawn


def _draw(module: nn.Module) -> None:
    """Initial weights, from torch's generator."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=SPREAD)
        nn.init.zeros_(module.bias)
