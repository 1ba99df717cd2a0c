"""nnU-Net's augmentation of a patch, made repeatable, and as light or as varied as asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from batchgeneratorsv2.transforms.utils.deep_supervision_downsampling import (
    DownsampleSegForDSTransform,
)
from batchgeneratorsv2.transforms.utils.pseudo2d import Convert2DTo3DTransform
from batchgeneratorsv2.transforms.utils.random import RandomTransform

from past_seg.nnunet.randomisation import RandomLook
from past_seg.nnunet.unlabelled import JoinViews, TwoViews
from past_seg.nnunet.voxel_weights import ShowWeights, SplitWeights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform

__all__ = ["for_labelled", "for_unlabelled", "usual"]


def usual(
    transforms: Sequence[BasicTransform], augmentation: Literal["nnunet", "light"]
) -> list[BasicTransform]:
    """nnU-Net's transforms as it composes them, or fewer; blurring is changed in place."""
    left_out: tuple[type, ...] = ()
    if augmentation == "light":
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
    return kept


def for_labelled(
    transforms: Sequence[BasicTransform],
    convolution: float,
    structures: float,
    ignore: int | None,
    *,
    weighted: bool,
) -> list[BasicTransform]:
    """Of patches with labels, with random looks before the other changes of intensity.

    Parameters
    ----------
    transforms
        From ``usual``.
    convolution, structures
        Shares of patches that get a random look, see ``randomisation.random_look``.
    ignore
        Label value that marks voxels left out of training, if there is one.
    weighted
        Whether images have voxel weights as their second channel.
    """
    kept = list(transforms)
    if convolution or structures:
        kept.insert(_after_space(kept), RandomLook(convolution, structures, ignore))
    return [SplitWeights(), *kept, ShowWeights()] if weighted else kept


def for_unlabelled(transforms: Sequence[BasicTransform], looks: float) -> list[BasicTransform]:
    """Of patches without labels, whose look before all changes of intensity is kept beside.

    Parameters
    ----------
    transforms
        From ``usual``.
    looks
        Share of patches that pass a random convolution.
    """
    kept = [one for one in transforms if not isinstance(one, DownsampleSegForDSTransform)]
    place = _after_space(kept)
    changes: list[BasicTransform] = [RandomLook(looks, 0.0)] if looks else []
    return [TwoViews(), *kept[:place], *changes, *kept[place:], JoinViews()]


def _after_space(transforms: Sequence[object]) -> int:
    """Where transforms of space end, and those of intensity begin."""
    spatial = (SpatialTransform, Convert2DTo3DTransform)
    return 1 + max(n for n, one in enumerate(transforms) if isinstance(one, spatial))
