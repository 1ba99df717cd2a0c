"""What past-seg provides: segmenters, a validator; importing this imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_core.plugins import SegmenterSpec, ValidatorSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator


@hookimpl
def past_segmenters() -> Iterator[SegmenterSpec]:
    """nnU-Net with its plain and its residual encoder."""
    yield SegmenterSpec(
        name="nnunet",
        summary="nnU-Net, planned from the data (Isensee et al. 2021), through nnunetv2.",
        factory="past_seg.nnunet.segmenter:NNUNet",
        config="past_seg.nnunet.config:NNUNetConfig",
        random_looks="random_convolution",
        online=True,
        voxel_weights=True,
    )
    yield SegmenterSpec(
        name="resunet",
        summary="nnU-Net with a residual encoder, through nnunetv2.",
        factory="past_seg.nnunet.segmenter:ResUNet",
        config="past_seg.nnunet.config:ResUNetConfig",
        random_looks="random_convolution",
        online=True,
        voxel_weights=True,
    )


@hookimpl
def past_validators() -> Iterator[ValidatorSpec]:
    """Consistency under the random looks that segmenters may train on."""
    yield ValidatorSpec(
        name="looks",
        summary="Dice with the segmentations of the scan under random convolutions (GIN).",
        factory="past_seg.looks:Looks",
        config="past_seg.looks:LooksConfig",
    )
