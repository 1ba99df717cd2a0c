"""nnU-Net's augmentation of a patch, made repeatable, and as light or as varied as asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from batchgeneratorsv2.transforms.utils.pseudo2d import Convert2DTo3DTransform
from batchgeneratorsv2.transforms.utils.random import RandomTransform

from past_seg.nnunet.randomisation import RandomLook
from past_seg.nnunet.voxel_weights import ShowWeights, SplitWeights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform

    from past_seg.nnunet.config import NNUNetConfig

__all__ = ["arranged"]


def arranged(
    transforms: Sequence[BasicTransform],
    config: NNUNetConfig,
    ignore: int | None,
    *,
    weighted: bool,
) -> list[BasicTransform]:
    """nnU-Net's transforms, without those left out and with our own in their places.

    Parameters
    ----------
    transforms
        As nnU-Net composes them; blurring among them is changed in place.
    config
        ``augmentation`` and the shares of random looks.
    ignore
        Label value that marks voxels left out of training, if there is one.
    weighted
        Whether images have voxel weights as their second channel.
    """
    left_out: tuple[type, ...] = ()
    if config.augmentation == "light":
        left_out = (GaussianBlurTransform, SimulateLowResolutionTransform)
    kept = []
    for transform in transforms:
        inner = transform.transform if isinstance(transform, RandomTransform) else transform
        if isinstance(inner, left_out):
            continue
        if isinstance(inner, GaussianBlurTransform):
            # It would time two algorithms and take the quicker one of the moment,
            # whose results differ in the last bits.
            inner.benchmark = False
        kept.append(transform)
    shares = config.random_convolution, config.random_structures
    if any(shares):
        kept.insert(_after_space(kept), RandomLook(*shares, ignore))
    return [SplitWeights(), *kept, ShowWeights()] if weighted else kept


def _after_space(transforms: Sequence[object]) -> int:
    """Where transforms of space end, and those of intensity begin."""
    spatial = (SpatialTransform, Convert2DTo3DTransform)
    return 1 + max(n for n, one in enumerate(transforms) if isinstance(one, spatial))
