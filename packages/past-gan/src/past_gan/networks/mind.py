"""The MIND loss: an image must change where its original does, whatever their contrasts.

The cycle loss cannot see anatomy that is moved or resized on the way there and put back
on the way back, and a discriminator does not know how large a structure was. The modality
independent neighbourhood descriptor (MIND) is nearly the same for one anatomy in two
contrasts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["mind_descriptor", "mind_distance"]

NEIGHBOURS = ((0, 1), (0, -1), (1, 0), (-1, 0), (2, 0), (-2, 0), (0, 2), (0, -2))
"""Offsets in pixels at which patches are compared."""
REACH = 2
PATCH = 3
"""Side of the patches in pixels."""
NOISE = 1e-3
"""Squared differences below this count as none; images span [-1, 1]."""


def mind_distance(image: Tensor, translated: Tensor) -> Tensor:
    """Mean absolute difference of the descriptors of two batches ``(n, c, h, w)`` in [-1, 1].

    A scalar, 0 for the same edges in the same places; the structure-consistency loss of
    Yang et al. (IEEE TMI 2020, eq. 6).
    """
    return (mind_descriptor(image) - mind_descriptor(translated)).abs().mean()


def mind_descriptor(images: Tensor) -> Tensor:
    """``(n, 8 c, h, w)`` in (0, 1]: how alike each pixel's patch is to those around it.

    The modality independent neighbourhood descriptor (MIND; Heinrich et al., Medical Image
    Analysis 2012, eq. 4): ``exp(-D / V)`` of the squared differences D of patches at eight
    offsets, over their mean V, the greatest of a pixel being 1.
    """
    wide = images.float()
    height, width = wide.shape[2:]
    padded = F.pad(wide, (REACH,) * 4, mode="replicate")
    differences = torch.stack(
        [
            F.avg_pool2d(
                (
                    padded[..., REACH + i : REACH + i + height, REACH + j : REACH + j + width]
                    - wide
                ).square(),
                PATCH,
                stride=1,
                padding=PATCH // 2,
                count_include_pad=False,
            )
            for i, j in NEIGHBOURS
        ],
        dim=1,
    )
    scale = differences.mean(1, keepdim=True) + NOISE
    descriptor = torch.exp(-differences / scale)
    return (descriptor / descriptor.amax(1, keepdim=True)).flatten(1, 2)
