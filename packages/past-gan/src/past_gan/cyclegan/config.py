"""CycleGAN's settings; the defaults are the publication's. Imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from past_gan.config import SliceGANConfig
from past_gan.sizes import Auto

if TYPE_CHECKING:
    from past_gan.sizes import Sizes

__all__ = ["CycleGANConfig", "ResidualGANConfig"]

FIELDS = {1: 16, 2: 34, 3: 70}
"""Pixels that a discriminator of so many stages sees."""
WITHIN = 0.75
"""The most of a patch that it may."""


class ResidualGANConfig(SliceGANConfig):
    """Settings of any translator with CycleGAN's networks.

    Lengths are in pixels of the slices after ``upsample``.
    """

    channels: int = Field(64, ge=1)
    """Base channels: generators have up to 4x, discriminators up to 8x as many."""
    blocks: int = Field(9, ge=0)
    """Residual blocks of a generator. Published: 9 for images of 256 pixels or more, 6 for
    128."""
    upsampling: Literal["transposed", "resize"] = "transposed"
    """How generators return to full resolution: by transposed convolutions (published), or by
    repeated pixels and a convolution, which leaves no checkerboard (Odena et al. 2016)."""
    stages: Annotated[int, Field(ge=1, le=3)] | Auto = 3
    """Stride-2 layers of a discriminator: 1, 2, 3 see 16, 34, 70 pixels (published: 70). Small
    crops need small fields. auto: the largest below three quarters of a patch."""

    def planned_fields(self, sizes: Sizes) -> dict[str, Any]:
        """Stages, if they are ``auto``."""
        if self.stages != "auto":
            return {}
        return {"stages": max((n for n in FIELDS if FIELDS[n] <= WITHIN * sizes.crop), default=1)}

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        if self.crop == "auto" or self.downsampling == "auto":
            return self
        factor = 2**self.downsampling
        if self.crop % factor:
            near = max(12, round(self.crop / factor) * factor)
            raise ValueError(
                f"crop {self.crop} is no multiple of {factor}, the generators' reduction: "
                f"use {near}"
            )
        if self.stages == "auto":
            return self
        least = 3 * 2**self.stages
        if self.crop < least:
            raise ValueError(
                f"crop {self.crop} leaves nothing for a discriminator of {self.stages} stages "
                f"to normalise: use a crop of at least {least}, or fewer stages"
            )
        return self


class CycleGANConfig(ResidualGANConfig):
    """Settings of CycleGAN."""

    pool: int = Field(50, ge=0)
    """Past translations of each contrast that are kept to be shown to the discriminators again;
    0: they see only the latest."""

    cycle_weight: float = Field(10.0, ge=0)
    """Weight of the L1 distance after translation there and back, against 1 for the
    least-squares GAN loss."""
    identity: float = Field(0.5, ge=0)
    """Weight of the L1 distance when a generator is fed its own output contrast, as a multiple
    of ``cycle_weight``; it holds intensities in place. 0 leaves it out."""

    iterations: int = Field(200_000, ge=1)
    """Training steps, each of one generator and one discriminator update. Published: 200 epochs
    of the larger data set, so 200 000 steps for 1000 slices."""
    learning_rate: float = Field(2e-4, gt=0)
    """Adam's rate; it falls linearly to 0 over the second half."""
